"""The local stack: an orders table, its stream, the function package behind it, and the targets.

    with LocalStack(rule_set) as stack:
        stack.put({"order_id": "o-1", "status": "NEW"})
        stack.effects()

The function is the zip that `build` makes, deployed with the runtime `provided.al2023` and a bootstrap that
runs the real Lambda runtime client on nothing but that zip and what Lambda's Python runtime brings. The
Python runtimes of ministack run functions in ministack's own environment and were left: there a module
missing from the zip goes unnoticed. Failed batches come again from the start: its mapping ignores partial
responses, so the function runs with partial batches off.
"""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

from rules_engine.attribute_value import encode, from_boto, to_boto
from rules_engine.deploy.package import build_package
from rules_engine.local.lambda_runtime import HANDLER, link_runtime, python_path, runtime_command
from rules_engine.local.ministack import ACCOUNT_ID, LocalStackError, Ministack
from rules_engine.local.targets import OrderTargets, distinct, logged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from rules_engine.local.targets import Effect
    from rules_engine.model import RuleSet

ORDERS_TABLE = "orders"
FUNCTION_NAME = "rules-engine"
TIMEOUT_SECONDS = 30
BATCH_SIZE = 100
_STARTED = "(invocation started)"


@contextlib.contextmanager
def exit_on_termination() -> Iterator[None]:
    """SIGTERM ends the block as an exception would, so that what it started is taken down."""

    def leave(number: int, _frame: object) -> NoReturn:
        sys.exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class LocalStack:
    """See the module. `environment` adds variables to the function's own."""

    def __init__(self, rule_set: RuleSet, environment: Mapping[str, str] | None = None) -> None:
        self._rule_set = rule_set
        self._extra_environment = dict(environment or {})
        self._undo = contextlib.ExitStack()
        self.aws = Ministack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            self._directory = Path(tempfile.mkdtemp(prefix="rules-engine-stack-"))
            undo.callback(shutil.rmtree, self._directory, ignore_errors=True)
            self._log = self._directory / "function.log"
            self._log.touch()
            undo.enter_context(self.aws)
            self.targets = undo.enter_context(OrderTargets(self.aws, self._directory))
            self._dynamodb, self._streams = self.aws.client("dynamodb"), self.aws.client("dynamodbstreams")
            self._lambda, self._logs = self.aws.client("lambda"), self.aws.client("logs")
            self._stream_arn = self._create_orders_table()
            self._create_function()
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    # Changes and what became of them

    def put(self, item: Mapping[str, Any]) -> None:
        """Writes an order, new or changed; `item` in plain values, numbers whole or Decimal."""
        attributes = {name: to_boto(encode(value)) for name, value in item.items()}
        self._dynamodb.put_item(TableName=ORDERS_TABLE, Item=attributes)

    def delete(self, order_id: str) -> None:
        self._dynamodb.delete_item(TableName=ORDERS_TABLE, Key={"order_id": {"S": order_id}})

    def stream_records(self) -> list[dict[str, Any]]:
        """Every record of the orders stream, oldest first, as the mapping hands them to the function."""
        shards = self._streams.describe_stream(StreamArn=self._stream_arn)["StreamDescription"]["Shards"]
        records: list[dict[str, Any]] = []
        for shard in shards:
            iterator = self._streams.get_shard_iterator(
                StreamArn=self._stream_arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while iterator:
                page = self._streams.get_records(ShardIterator=iterator)
                if not page["Records"]:
                    break
                records.extend(self._as_delivered(record) for record in page["Records"])
                iterator = page.get("NextShardIterator")
        return records

    def _as_delivered(self, record: dict[str, Any]) -> dict[str, Any]:
        """Lambda adds the stream's ARN and writes times as numbers and binaries as base64."""
        data = dict(record["dynamodb"])
        data["ApproximateCreationDateTime"] = int(data["ApproximateCreationDateTime"].timestamp())
        for image in ("Keys", "NewImage", "OldImage"):
            if image in data:
                data[image] = {name: from_boto(value) for name, value in data[image].items()}
        return {**record, "dynamodb": data, "eventSourceARN": self._stream_arn}

    def effects(self) -> list[Effect]:
        """Everything that has arrived at the targets and in the function's log, each thing once."""
        return distinct([*self.targets.effects(), *logged(self.function_log)])

    def invoke(self, event: Any) -> Any:
        """The function's response to `event`. Raises LocalStackError with its error."""
        answer = self._lambda.invoke(FunctionName=FUNCTION_NAME, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise LocalStackError(f"the function failed: {payload.get('errorMessage', payload)}")
        return payload

    def is_idle(self) -> bool:
        """Whether every invocation that was started has ended."""
        group = f"/aws/lambda/{FUNCTION_NAME}"
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        messages = [event["message"] for page in pages for event in page["events"]]
        ended = len([message for message in messages if message.startswith("END RequestId:")])
        return ended == self._log.read_text(errors="replace").count(_STARTED)

    @property
    def function_log(self) -> str:
        """What the function printed."""
        return self._log.read_text(errors="replace").replace(f"{_STARTED}\n", "")

    # The function

    @property
    def function_environment(self) -> dict[str, str]:
        return self._extra_environment | self.aws.environment | self.targets.environment

    def replace_rules(self, rule_set: RuleSet) -> None:
        """The function goes on with these rules; records it has not seen yet are theirs."""
        self._rule_set = rule_set
        self._lambda.update_function_code(FunctionName=FUNCTION_NAME, ZipFile=self._deployable())
        self.invoke({"Records": []})

    def _create_orders_table(self) -> str:
        answer = self._dynamodb.create_table(
            TableName=ORDERS_TABLE,
            KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        return str(answer["TableDescription"]["LatestStreamArn"])

    def _create_function(self) -> None:
        link_runtime(self._directory / "runtime")
        self._lambda.create_function(
            FunctionName=FUNCTION_NAME,
            Runtime="provided.al2023",
            Handler=HANDLER,
            Role=f"arn:aws:iam::{ACCOUNT_ID}:role/{FUNCTION_NAME}",
            Code={"ZipFile": self._deployable()},
            Timeout=TIMEOUT_SECONDS,
            Environment={"Variables": self.function_environment},
        )
        # A function that cannot start says so here, rather than by effects that never come.
        self.invoke({"Records": []})
        self._lambda.create_event_source_mapping(
            FunctionName=FUNCTION_NAME,
            EventSourceArn=self._stream_arn,
            StartingPosition="TRIM_HORIZON",
            BatchSize=BATCH_SIZE,
        )

    def _deployable(self) -> bytes:
        """The function package and a bootstrap, which is ours to bring with a `provided` runtime."""
        buffer = io.BytesIO(build_package(self._rule_set))
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr("bootstrap", self._bootstrap())
        return buffer.getvalue()

    def _bootstrap(self) -> str:
        """Runs the handler in ministack's copy of the zip. Output goes to a file: ministack drops it."""
        path = python_path(Path("$LAMBDA_TASK_ROOT"), self._directory / "runtime")
        return (
            "#!/bin/sh\n"
            f"exec >>{shlex.quote(str(self._log))} 2>&1\n"
            f"echo '{_STARTED}'\n"
            f'export PYTHONPATH="{path}"\n'
            f"exec {shlex.join(runtime_command())}\n"
        )
