"""The local stack: the tables of a rule set, their streams, the function package behind them, the targets.

    with LocalStack(rule_set) as stack:
        stack.put("orders", {"order_id": "o-1", "status": "NEW"})
        stack.effects()

What there has to be is worked out by `plan` from the rules alone.

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
import re
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

from rules_engine.attribute_value import encode, to_boto
from rules_engine.deploy.package import build_package
from rules_engine.exact_json import dumps
from rules_engine.local.lambda_runtime import HANDLER, link_runtime, python_path, runtime_command
from rules_engine.local.ministack import ACCOUNT_ID, LocalStackError, Ministack
from rules_engine.local.plan import plan_for
from rules_engine.local.samples import samples_of
from rules_engine.local.targets import Targets, distinct, failures, logged
from rules_engine.local.webhook_receiver import WebhookReceiver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from rules_engine.local.plan import Plan
    from rules_engine.local.samples import Sample
    from rules_engine.local.targets import Effect
    from rules_engine.model import RuleSet

FUNCTION_NAME = "rules-engine"
TIMEOUT_SECONDS = 30
BATCH_SIZE = 100
_PROCESSED = re.compile(r"processed (\d+) DynamoDB stream records from (\S+)")
"""What ministack logs when a batch is done; nothing else of it tells what is under way."""


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
    """See the module. `environ` is where text variables that the rules name are looked for first."""

    def __init__(self, rule_set: RuleSet, environ: Mapping[str, str] | None = None) -> None:
        self._given = rule_set
        self._environ = dict(environ or {})
        self._undo = contextlib.ExitStack()
        self.aws = Ministack()
        self.plan: Plan
        self.samples: list[Sample]
        self.notes: list[str]

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            self._directory = Path(tempfile.mkdtemp(prefix="rules-engine-stack-"))
            undo.callback(shutil.rmtree, self._directory, ignore_errors=True)
            self._log = self._directory / "function.log"
            self._log.touch()
            self._receiver = undo.enter_context(WebhookReceiver())
            self.plan, self.samples, self.notes = self.derive(self._given)
            undo.enter_context(self.aws)
            self.targets = Targets(self.aws, self.plan, self._receiver, self._directory)
            self._dynamodb, self._lambda = self.aws.client("dynamodb"), self.aws.client("lambda")
            self._unseen = dict.fromkeys(self.plan.sources, 0)
            self._create_function()
            self._mappings = self._map("TRIM_HORIZON")
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def derive(self, rule_set: RuleSet) -> tuple[Plan, list[Sample], list[str]]:
        """What these rules need here, the changes to play, and what their author should know."""
        samples, notes = samples_of(rule_set)
        plan = plan_for(rule_set, samples, self._receiver.address, self._environ)
        return plan, samples, [*plan.notes, *notes]

    # Changes and what became of them

    def put(self, table: str, item: Mapping[str, Any]) -> None:
        """Writes an item, new or changed; in plain values, numbers whole or Decimal."""
        self.put_raw(table, {name: encode(value) for name, value in item.items()})

    def delete(self, table: str, key: Mapping[str, Any]) -> None:
        self.delete_raw(table, {name: encode(value) for name, value in key.items()})

    def put_raw(self, table: str, item: Mapping[str, Any]) -> None:
        """The same in DynamoDB JSON."""
        self._dynamodb.put_item(TableName=table, Item={name: to_boto(item[name]) for name in item})

    def delete_raw(self, table: str, key: Mapping[str, Any]) -> None:
        self._dynamodb.delete_item(TableName=table, Key={name: to_boto(key[name]) for name in key})

    def stream_records(self, table: str) -> list[dict[str, Any]]:
        """Every record of the table's stream, oldest first, as the mapping hands them to the function."""
        return self.targets.streams[table].read()

    def arrivals(self) -> list[Effect]:
        """Everything that has arrived at the targets and in the function's log, repeats too."""
        return [*self.targets.arrivals(), *logged(self.function_log)]

    def effects(self) -> list[Effect]:
        """The same, each thing once."""
        return distinct(self.arrivals())

    def invoke(self, event: Any) -> Any:
        """The function's response to `event`. Raises LocalStackError with its error."""
        answer = self._lambda.invoke(FunctionName=FUNCTION_NAME, Payload=dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise LocalStackError(f"the function failed: {payload.get('errorMessage', payload)}")
        return payload

    def is_idle(self) -> bool:
        """Whether the mapping is done with every record of every stream."""
        # The log first: what is written in between is then found to be under way, never to be done.
        done = self._processed()
        return all(len(self.stream_records(table)) == self._unseen[table] + done[table] for table in done)

    def _processed(self) -> dict[str, int]:
        """How many records of each stream the mapping is done with."""
        done = dict.fromkeys(self.plan.sources, 0)
        for number, table in _PROCESSED.findall(self.aws.log):
            done[table] += int(number)
        return done

    @property
    def function_log(self) -> str:
        """What the function printed."""
        return self._log.read_text(errors="replace")

    @property
    def failures(self) -> list[str]:
        """The function's own words about records that it could not deliver."""
        return failures(self.function_log)

    @contextlib.contextmanager
    def unmapped(self) -> Iterator[None]:
        """While it lasts, no mapping is there: the function never gets what is written meanwhile, nor what
        it had not been able to deliver before."""
        for mapping in self._mappings:
            self._lambda.delete_event_source_mapping(UUID=mapping)
        yield
        done = self._processed()
        self._unseen = {table: len(self.stream_records(table)) - done[table] for table in done}
        self._mappings = self._map("LATEST")

    # The function

    @property
    def function_environment(self) -> dict[str, str]:
        return self.targets.environment

    def replace_rules(self, rule_set: RuleSet) -> bool:
        """The function goes on with these rules; records it has not seen yet are theirs. False, and nothing
        is done, if they need other tables, topics or secrets than there are: take a new stack."""
        plan, samples, notes = self.derive(rule_set)
        if plan.resources != self.plan.resources:
            return False
        self.plan, self.samples, self.notes = plan, samples, notes
        self._receiver.secrets_by_path = plan.receivers
        self._lambda.update_function_code(FunctionName=FUNCTION_NAME, ZipFile=self._deployable())
        self.invoke({"Records": []})
        return True

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

    def _map(self, position: str) -> list[str]:
        """A mapping for each stream; their ids."""
        return [
            self._lambda.create_event_source_mapping(
                FunctionName=FUNCTION_NAME,
                EventSourceArn=self.targets.streams[table].arn,
                StartingPosition=position,
                BatchSize=BATCH_SIZE,
            )["UUID"]
            for table in self.plan.sources
        ]

    def _deployable(self) -> bytes:
        """The function package and a bootstrap, which is ours to bring with a `provided` runtime."""
        buffer = io.BytesIO(build_package(self.plan.rule_set))
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr("bootstrap", self._bootstrap())
        return buffer.getvalue()

    def _bootstrap(self) -> str:
        """Runs the handler in ministack's copy of the zip. Output goes to a file: ministack drops it."""
        path = python_path(Path("$LAMBDA_TASK_ROOT"), self._directory / "runtime")
        return (
            "#!/bin/sh\n"
            f"exec >>{shlex.quote(str(self._log))} 2>&1\n"
            f'export PYTHONPATH="{path}"\n'
            f"exec {shlex.join(runtime_command())}\n"
        )
