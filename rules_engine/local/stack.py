"""The local stack: the tables of a rule set, their streams, the function package behind them, the targets.

    with LocalStack(rule_set) as stack:
        stack.put("orders", {"order_id": "o-1", "status": "NEW"})
        stack.effects()

What there has to be is worked out by `plan` from the rules alone.

The function is the zip that `build` makes, under the real Lambda runtime client in a process of its own, with
nothing but that zip and what Lambda's Python runtime brings. An event source mapping of ours stands between
it and the streams, with partial batches on. ministack's own Lambda was left: its mapping ignores partial
answers, its Python runtimes find modules that the zip lacks, and with a bootstrap of ours an invocation took
over a second, and now and then was answered with nothing or ran twice.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

from rules_engine.attribute_value import encode, from_boto, to_boto
from rules_engine.deploy.package import build_package
from rules_engine.local.derivation import Addresses
from rules_engine.local.effect import distinct
from rules_engine.local.event_source_mapping import EventSourceMapping
from rules_engine.local.function_process import FunctionProcess
from rules_engine.local.log_lines import failures
from rules_engine.local.ministack import LocalStackError, Ministack
from rules_engine.local.plan import plan_for
from rules_engine.local.samples import samples_of
from rules_engine.local.target_types.opensearch import ReadBackServer
from rules_engine.local.targets import Targets
from rules_engine.local.webhook_receiver import WebhookReceiver
from rules_engine.poller import MappingSettings
from rules_engine.settings import PARTIAL_BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from rules_engine.local.effect import Effect
    from rules_engine.local.function_process import InvocationResult
    from rules_engine.local.plan import Plan
    from rules_engine.local.samples import Sample
    from rules_engine.model import RuleSet

TIMEOUT_SECONDS = 30
MAPPING = MappingSettings(
    report_batch_item_failures=True, bisect_batch_on_function_error=True, backoff_seconds=(0.5, 5.0)
)


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


def _has_index(rule_set: RuleSet) -> bool:
    return any(spec.type == "opensearch" for rule in rule_set.rules if rule.enabled for spec in rule.actions)


class LocalStack:
    """See the module. `environ` is where text variables that the rules name are looked for first."""

    def __init__(self, rule_set: RuleSet, environ: Mapping[str, str] | None = None) -> None:
        self._given = rule_set
        self._environ = dict(environ or {})
        self._undo = contextlib.ExitStack()
        self._turn = threading.Lock()
        self._mappings: list[EventSourceMapping] = []
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
            self._index_server = undo.enter_context(ReadBackServer()) if _has_index(self._given) else None
            self.plan, self.samples, self.notes = self.derive(self._given)
            undo.enter_context(self.aws)
            self.targets = Targets(
                self.aws,
                self.plan,
                self._receiver,
                self._directory,
                lambda: self.function_log,
                self._index_server,
            )
            self._dynamodb = self.aws.client("dynamodb")
            self._unseen = dict.fromkeys(self.plan.sources, 0)
            self._function = self._new_function()
            undo.callback(self._close_function)
            # A function that cannot start says so here, rather than by effects that never come.
            self.invoke({"Records": []})
            undo.callback(self._stop_mappings)
            self._map("TRIM_HORIZON")
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def derive(self, rule_set: RuleSet) -> tuple[Plan, list[Sample], list[str]]:
        """What these rules need here, the changes to play, and what their author should know."""
        samples, notes = samples_of(rule_set)
        addresses = Addresses(receiver=self._receiver.address)
        if self._index_server is not None:
            addresses = Addresses(receiver=self._receiver.address, index=self._index_server.address)
        plan = plan_for(rule_set, samples, addresses, self._environ)
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

    def item_raw(self, table: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """The item in DynamoDB JSON; None if there is none."""
        found = self._dynamodb.get_item(
            TableName=table, Key={name: to_boto(key[name]) for name in key}, ConsistentRead=True
        ).get("Item")
        return None if found is None else {name: from_boto(value) for name, value in found.items()}

    def stream_records(self, table: str) -> list[dict[str, Any]]:
        """Every record of the table's stream, oldest first, as the mapping hands them to the function."""
        return self.targets.streams[table].read()

    def arrivals(self) -> list[Effect]:
        """Everything that has arrived at the targets and in the function's log, repeats too."""
        return self.targets.arrivals()

    def effects(self) -> list[Effect]:
        """The same, each thing once."""
        return distinct(self.arrivals())

    def invoke(self, event: Any) -> Any:
        """The function's response to `event`. Raises LocalStackError with its error."""
        result = self._hand_over(event)
        if result.error is not None:
            raise LocalStackError(f"the function failed: {result.error.get('errorMessage', result.error)}")
        return result.payload

    def is_idle(self) -> bool:
        """Whether the mappings are done with every record of every stream."""
        # Done first: what is written in between is then found to be under way, never to be done.
        done = dict(zip(self.plan.sources, [mapping.done for mapping in self._mappings], strict=True))
        return all(len(self.stream_records(table)) == self._unseen[table] + done[table] for table in done)

    def await_answer(self) -> None:
        """Returns once the invocation that is under way, if one is, has answered."""
        with self._turn:
            pass

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
        self._stop_mappings()
        yield
        self._unseen = {table: len(self.stream_records(table)) for table in self.plan.sources}
        self._map("LATEST")

    # The function

    @property
    def function_environment(self) -> dict[str, str]:
        return {**self.targets.environment, PARTIAL_BATCH: "on"}

    def replace_rules(self, rule_set: RuleSet) -> bool:
        """The function goes on with these rules; records it has not seen yet are theirs. False, and nothing
        is done, if they need other tables, targets or secrets than there are: take a new stack."""
        plan, samples, notes = self.derive(rule_set)
        if plan.resources != self.plan.resources:
            return False
        self.plan, self.samples, self.notes = plan, samples, notes
        self._receiver.secrets_by_path = plan.receivers
        with self._turn:
            self._function.close()
            self._function = self._new_function()
        self.invoke({"Records": []})
        return True

    def _new_function(self) -> FunctionProcess:
        return FunctionProcess(
            build_package(self.plan.rule_set),
            self.function_environment,
            timeout_seconds=TIMEOUT_SECONDS,
            log_file=self._log,
        )

    def _close_function(self) -> None:
        self._function.close()

    def _hand_over(self, event: Any) -> InvocationResult:
        """One invocation. Those of several mappings and our own take turns."""
        with self._turn:
            return self._function.invoke(event)

    def _map(self, position: str) -> None:
        """Starts a mapping for each stream."""
        for table in self.plan.sources:
            stream_arn = self.targets.streams[table].arn
            mapping = EventSourceMapping(
                self.aws, stream_arn, self._hand_over, MAPPING, starting_position=position
            )
            mapping.start()
            self._mappings.append(mapping)

    def _stop_mappings(self) -> None:
        """Waits for the invocations under way."""
        for mapping in self._mappings:
            mapping.stop()
        self._mappings = []
