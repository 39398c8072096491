"""A deployment on a server that enforces IAM: the stack of the template, the function under its role.

The server is ministack with `AUTH=true`, a newer one than the rest of the tests run on, in an environment of
its own (`make .venv/iam.stamp`). The stack is made by its CloudFormation from our template, without the
function and its mappings: the function runs as `FunctionProcess`, and `EventSourceMapping` stands for Lambda.
What Lambda does with the function's role is done with the role's credentials: reading the stream, writing to
the on-failure destination, writing the log.
"""

from __future__ import annotations

import base64
import io
import json
import random
import re
import sys
import time
import zipfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from rules_engine.actions import ACTIONS
from rules_engine.deploy.package import build_package
from rules_engine.deploy.template import TemplateSettings, cloudformation_template, deployment_of
from rules_engine.local.event_source_mapping import EventSourceMapping
from rules_engine.local.function_process import FunctionProcess, InvocationResult
from rules_engine.local.keys import Keys
from rules_engine.local.ministack import ACCOUNT_ID, REGION, Ministack
from rules_engine.local.tables import create_table
from rules_engine.local.webhook_receiver import WebhookReceiver
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.poller import MappingSettings
from rules_engine.settings import PRIVATE_HOSTS
from tests.delivery_fakes import change
from tests.denials import DenialWatch
from tests.receiver import authority_of, running_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER_PYTHON = Path(sys.prefix) / "iam" / "bin" / "python"

OWN_KEY = {"id": "{{ eventID }}"}

EXAMPLES: dict[str, tuple[dict[str, Any], ...]] = {
    "log": ({"fields": {"order": "{{ keys.order_id }}"}},),
    "metric": ({"namespace": "Orders", "name": "Changed"},),
    "sns": ({"topic_arn": "${TOPIC}"},),
    "sqs": ({"queue_url": "${WORK_QUEUE_URL}"},),
    "eventbridge": ({"event_bus": "${BUS}", "source": "orders", "detail_type": "changed"},),
    "firehose": ({"delivery_stream": "${DELIVERY_STREAM}"},),
    "lambda": ({"function": "${OTHER_FUNCTION}"},),
    "stepfunctions": ({"state_machine_arn": "${STATE_MACHINE}"},),
    "s3": ({"bucket": "${ARCHIVE}"},),
    "table": (
        {"table": "${PUT_TABLE}", "put": OWN_KEY},
        {"table": "${DELETE_TABLE}", "delete": {"key": OWN_KEY}},
        {"table": "${UPDATE_TABLE}", "update": {"key": OWN_KEY, "add": {"times": 1}}},
        {"table": "${ONCE_TABLE}", "put": OWN_KEY, "mode": "once"},
        {"table": "${SYNC_TABLE}", "sync": {"key": {"id": "{{ keys.order_id }}"}}},
    ),
    "webhook": (
        {
            "url": "https://${RECEIVER}/taken",
            "headers": {"x-token": "${secret:receiver#token}", "x-other": "${ssm:/orders/other}"},
        },
    ),
}
"""Actions of each type that together make every call which the type can make."""

ELSEWHERE = {"opensearch": "no server here has the data plane of a domain and enforces IAM on it"}
"""Types that cannot be shown here, and why."""

LAMBDAS_OWN = {
    "dynamodb:ListStreams": "Lambda's documentation asks for it, and no call of it is known",
    "s3:ListBucket": "Lambda's documentation asks for it where a mapping has a bucket for its failures",
}
"""What nothing here calls. docs/verify-on-aws.md has it."""

ALSO_ASKED_FOR = {"sns:Publish": "sns:PublishBatch", "sqs:SendMessage": "sqs:SendMessageBatch"}
"""Actions that this server asks for where AWS asks for the first: here one stands for both."""

ON_NO_RESOURCE = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "events:DescribeEventBus",
}
"""Actions that this server checks on `*`, where AWS takes the ARN of the stream or of the bus."""


def as_this_server_has_it(statement: dict[str, Any]) -> list[dict[str, Any]]:
    """A statement of the template, and what this server alone needs besides. Log streams are made in
    `group`, where AWS says `group:*`."""
    actions = [each for name in statement["Action"] for each in (name, ALSO_ASKED_FOR.get(name)) if each]
    resources = [re.sub(r"(:log-group:.*):\*$", r"\1*", each) for each in statement["Resource"]]
    anywhere = sorted(ON_NO_RESOURCE & set(actions))
    granted = [{**statement, "Action": actions, "Resource": resources}]
    if anywhere:
        granted.append({"Effect": "Allow", "Action": anywhere, "Resource": ["*"]})
    return granted


def rules() -> RuleSet:
    """One rule for each action, all for records of the kind `plain`, and those that make the function use its
    table, queue and bucket."""
    specs = [
        ActionSpec(
            f"a{number}",
            type_,
            {k: v for k, v in config.items() if k != "mode"},
            config.get("mode", "at_least_once"),
        )
        for type_ in sorted(ACTIONS.keys() - ELSEWHERE.keys())
        for number, config in enumerate(EXAMPLES[type_])
    ]
    plain = tuple(
        Rule(f"{spec.type}-{spec.id}", ("orders",), (spec,), when=("new.kind == 'plain'",)) for spec in specs
    )
    answered = ActionSpec(
        "answered",
        "webhook",
        {"url": "${OTHER_RECEIVER}/{{ new.kind }}", "allow_plain_http": True, "body": "x"},
    )
    log = ActionSpec("log", "log", {"fields": {}})
    return RuleSet(
        (
            *plain,
            Rule("answered", ("orders",), (answered,), when=("new.kind != 'plain'", "new.kind != 'logged'")),
            Rule("logged", ("orders",), (log,), when=("new.kind == 'logged'",)),
        )
    )


@dataclass
class AsRole:
    """The clients of a role's session, through the watch: what Lambda has in the function's place."""

    url: str
    credentials: dict[str, str]

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=self.credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.credentials["AWS_SESSION_TOKEN"],
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )


@dataclass
class Deployed:
    aws: Ministack
    watch: DenialWatch
    package: bytes
    environment: dict[str, str]
    role: str
    policy: dict[str, Any]
    outputs: dict[str, str]
    stream_arn: str
    as_role: AsRole
    serial: int = 0

    @contextmanager
    def without(self, statement: int, action: str, resource: int) -> Iterator[None]:
        """While it lasts, the role may not do `action` on one resource of a statement."""
        whole = self.policy["Statement"][statement]
        taken = whole["Resource"][resource]
        rest = [
            {**whole, "Sid": "Others", "Action": [each for each in whole["Action"] if each != action]},
            {
                **whole,
                "Sid": "Elsewhere",
                "Action": [action],
                "Resource": [r for r in whole["Resource"] if r != taken],
            },
        ]
        others = [each for each in self.policy["Statement"] if each is not whole]
        left = [*others, *(each for each in rest if each["Action"] and each["Resource"])]
        self.allow(left)
        try:
            yield
        finally:
            self.allow(self.policy["Statement"])

    def allow(self, statements: list[Any]) -> None:
        granted = [part for each in statements for part in as_this_server_has_it(each)]
        document = json.dumps({"Version": "2012-10-17", "Statement": granted})
        self.aws.client("iam").put_role_policy(
            RoleName=self.role, PolicyName="rules", PolicyDocument=document
        )

    def run(self) -> tuple[set[str], str]:
        """Everything that function and Lambda do; what was denied, and the function's log."""
        self.watch.denied.clear()
        self.watch.refusals.clear()
        log = self._run_function()
        for act in (self._read_the_stream, self._write_the_log):
            try:
                act()
            except ClientError:
                assert self.watch.denied
        asked_for = {other: action for action, other in ALSO_ASKED_FOR.items()}
        return {asked_for.get(action, action) for action in self.watch.denied}, log

    def _run_function(self) -> str:
        with FunctionProcess(self.package, self.environment, timeout_seconds=60) as function:
            function.invoke({"Records": self._records("plain")})
            function.invoke({"Records": self._records("plain", "plain", "plain")})
            function.invoke({"Records": self._records("refused")})
            function.invoke({"Records": self._records("failing", "logged")})
            function.invoke({"Records": self._records("failing", *["logged"] * 300)})
            (large,) = self._records("refused")
            noise = base64.b64encode(random.Random(1).randbytes(1_200_000)).decode()
            large["dynamodb"]["NewImage"]["noise"] = {"S": noise}
            function.invoke({"Records": [large]})
            return function.log

    def _records(self, *kinds: str) -> list[dict[str, Any]]:
        """Each of an item of its own."""
        found = []
        for kind in kinds:
            self.serial += 1
            raw = change(self.serial, kind=kind)
            raw["dynamodb"]["ApproximateCreationDateTime"] = int(time.time())
            found.append(raw)
        return found

    def _read_the_stream(self) -> None:
        """A mapping whose function fails hands its batch to the bucket."""
        failed = InvocationResult(error={"errorMessage": "on purpose"}, request_id="r-1")
        settings = MappingSettings(maximum_retry_attempts=0, backoff_seconds=(0.01, 0.01))
        mapping = EventSourceMapping(
            self.as_role,  # type: ignore[arg-type]
            self.stream_arn,
            lambda event: failed,
            settings,
            destination=f"arn:aws:s3:::{self.outputs['SpillBucket']}",
        )
        # Step by step, so that what is denied is raised here and not in a thread.
        mapping._find_shards("TRIM_HORIZON")
        for shard in mapping._shards.values():
            mapping._read(shard)
            assert mapping._hand_over_all(shard)

    def _write_the_log(self) -> None:
        logs = self.as_role.client("logs")
        group, stream = f"/aws/lambda/{STACK}", f"run-{self.serial}"
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        event = {"timestamp": int(time.time() * 1000), "message": "{}"}
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])


STACK = "rules"


@contextmanager
def deployed() -> Iterator[Deployed]:
    with ExitStack() as undo:
        aws = undo.enter_context(Ministack(str(SERVER_PYTHON), {"AUTH": "true"}))
        receiver = undo.enter_context(WebhookReceiver())
        receiver.secrets_by_path = {"taken": ()}
        other = undo.enter_context(running_receiver())
        other.failing |= {"/refused": 422, "/failing": 503}
        watch = undo.enter_context(DenialWatch(aws.endpoint_url))
        rule_set = rules()
        stream_arn = create_table(aws, "orders", Keys((("order_id", "S"),), "as in the tests"))
        aws.client("dynamodb").put_item(TableName="orders", Item={"order_id": {"S": "o-1"}})
        variables = targets(aws) | {"RECEIVER": receiver.address, "OTHER_RECEIVER": other.url}
        named = {each.name for each in deployment_of(rule_set, TemplateSettings()).variables}
        settings = TemplateSettings(
            stream_arns={"orders": stream_arn},
            variables={name: value for name, value in variables.items() if name in named},
        )
        outputs, role = create_stack(aws, cloudformation_template(rule_set, settings))
        policy = aws.client("iam").get_role_policy(RoleName=role, PolicyName="rules")["PolicyDocument"]
        credentials = credentials_of(aws, role)
        ca = Path(undo.enter_context(TemporaryDirectory())) / "ca.pem"
        ca.write_bytes(receiver.ca_pem)
        environment = {
            **aws.environment,
            **settings.variables,
            **credentials,
            "AWS_ENDPOINT_URL": watch.url,
            "RULES_ENGINE_PARTIAL_BATCH": "on",
            "RULES_ENGINE_STATE_TABLE": outputs["StateTable"],
            "RULES_ENGINE_DEAD_LETTER_QUEUE_URL": outputs["DeadLetterQueueUrl"],
            "RULES_ENGINE_SPILL_BUCKET": outputs["SpillBucket"],
            "RULES_ENGINE_RULES_SHA256": outputs["RulesSha256"],
            PRIVATE_HOSTS: f"{receiver.address} {authority_of(other.url)}",
            "SSL_CERT_FILE": str(ca),
        }
        made = Deployed(
            aws, watch, build_package(rule_set), environment, role, policy, outputs, stream_arn,
            AsRole(watch.url, credentials),
        )  # fmt: skip
        made.allow(policy["Statement"])
        yield made


def create_stack(aws: Ministack, template: dict[str, Any]) -> tuple[dict[str, str], str]:
    """The stack's outputs and its role, without what needs code. The bucket's policy is left out, which
    refuses what comes over plain HTTP, as everything does here."""
    resources = template["Resources"]
    del resources["SpillBucketPolicy"]
    for name in [name for name, each in resources.items() if each["Type"].startswith("AWS::Lambda::")]:
        del resources[name]
    for name in ("FunctionName", "AliasArn"):
        del template["Outputs"][name]
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": name, "ParameterValue": "unused"} for name in ("CodeBucket", "CodeKey")],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    role = cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId="Role")
    return (
        {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]},
        role["StackResourceDetail"]["PhysicalResourceId"],
    )


def credentials_of(aws: Ministack, role: str) -> dict[str, str]:
    """What Lambda gives to the function. Nobody but Lambda may take the role, so here it is opened."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam = aws.client("iam")
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    session = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="function")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }


def targets(aws: Ministack) -> dict[str, str]:
    """Makes one target for every variable of the examples."""
    tables = ("PUT_TABLE", "DELETE_TABLE", "UPDATE_TABLE", "ONCE_TABLE", "SYNC_TABLE")
    for name in tables:
        create_table(aws, name.lower(), Keys((("id", "S"),), "as in the tests"))
    aws.client("secretsmanager").create_secret(Name="receiver", SecretString=json.dumps({"token": "t"}))
    aws.client("ssm").put_parameter(Name="/orders/other", Value="o", Type="SecureString")
    aws.client("sqs").create_queue(QueueName="work")
    aws.client("s3").create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.client("events").create_event_bus(Name="changes")
    iam = aws.client("iam")
    role = iam.create_role(RoleName="target", AssumeRolePolicyDocument=_trust("states.amazonaws.com"))["Role"]
    return {
        **{name: name.lower() for name in tables},
        "TOPIC": aws.client("sns").create_topic(Name="changes")["TopicArn"],
        "WORK_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/work",
        "ARCHIVE": "archive",
        "BUS": "changes",
        "DELIVERY_STREAM": _delivery_stream(aws),
        "OTHER_FUNCTION": _other_function(aws),
        "STATE_MACHINE": aws.client("stepfunctions").create_state_machine(
            name="refund",
            definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
            roleArn=role["Arn"],
        )["stateMachineArn"],
    }


def _trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _delivery_stream(aws: Ministack) -> str:
    iam = aws.client("iam")
    role = iam.create_role(RoleName="firehose", AssumeRolePolicyDocument=_trust("firehose.amazonaws.com"))[
        "Role"
    ]
    aws.client("firehose").create_delivery_stream(
        DeliveryStreamName="archive",
        S3DestinationConfiguration={"RoleARN": role["Arn"], "BucketARN": "arn:aws:s3:::archive"},
    )
    return "archive"


def _other_function(aws: Ministack) -> str:
    iam = aws.client("iam")
    role = iam.create_role(RoleName="other", AssumeRolePolicyDocument=_trust("lambda.amazonaws.com"))["Role"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("other.py", "def handler(event, context):\n    return None\n")
    aws.client("lambda").create_function(
        FunctionName="other",
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="other.handler",
        Code={"ZipFile": code.getvalue()},
    )
    return "other"
