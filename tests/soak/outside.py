"""What is around the function in the soak: services that fail, a webhook's receiver, in-line workers.

`Outside` is one day's: fake AWS on a virtual clock, poison records, and counts of what the function's own
table was asked. `Stage` is made once for a process: the compiled rules and built actions, whose clients
stand in for those of the day that is being played.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from rules_engine.actions import sns, table, webhook
from rules_engine.delivery.context import InvocationContext
from rules_engine.delivery.dead_letter_queue import SqsDeadLetterQueue
from rules_engine.delivery.invocation import Invocation
from rules_engine.delivery.response import batch_response
from rules_engine.delivery.resume_table import TableResumeStore
from rules_engine.delivery.workers import Finished
from rules_engine.engine import Engine
from rules_engine.record import parse_event
from rules_engine.testing import FakeAws, Fault, FaultMix, RandomFaults, Sandbox
from tests.soak.rules import COPIES, RULES, STATE, TABLES, posted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.actions.transport import Answer
    from rules_engine.delivery.resume import ResumeStore
    from rules_engine.testing import Call

QUEUE = "https://sqs.invalid/dead-letters"
_VERSION_DIGITS = 64


class ShuffledWorkers:
    """Runs a job when somebody waits for one; which of those that are under way is drawn. A process that
    dies leaves the others undone."""

    most = 32

    def __init__(self, random: Random) -> None:
        self._random = random
        self._jobs: list[tuple[Any, Callable[[], Any]]] = []

    def submit(self, job: Any, run: Callable[[], Any]) -> None:
        self._jobs.append((job, run))

    def finished(self, timeout_seconds: float | None) -> Finished:
        job, run = self._jobs.pop(int(self._random.random() * len(self._jobs)))
        try:
            return Finished(job, run())
        except Exception as error:
            return Finished(job, error)

    def close(self) -> None:
        self._jobs.clear()


class Outside:
    """One day's. `poison` has the event ids and versions of records that no target takes."""

    def __init__(
        self, plan: Callable[[Call], Fault | None], tables: Mapping[str, Sequence[str]] = TABLES
    ) -> None:
        self.sandbox = Sandbox()
        self.poison: set[str] = set()
        self.synced: set[str] = set()
        """Versions that the table of copies was asked to take, and may have answered."""
        self.state_reads = self.state_writes = 0
        self.dies_when_answered = False
        self.partial_batch = True
        self._plan = plan
        self.aws = FakeAws(self.sandbox, faults=self._fault, tables=tables)

    @classmethod
    def of_mix(cls, mix: FaultMix, seed: int, tables: Mapping[str, Sequence[str]] = TABLES) -> Outside:
        return cls(RandomFaults(mix, seed, store_tables=[STATE], queue_urls=[QUEUE]), tables)

    # What goes wrong

    def _fault(self, call: Call) -> Fault | None:
        request = call.request
        name = request.get("TableName")
        if name == STATE:
            if call.operation == "GetItem":
                self.state_reads += 1
            else:
                self.state_writes += 1
        fault = self._plan(call)
        refused = self._refusal(call) if self.poison else None
        if fault is not None and fault.kind.startswith("crash"):
            if refused is None or fault.kind == "crash_before":
                return fault
            # What is refused has no effect, but the rest of the call has.
            self.dies_when_answered = True
        if name == COPIES and refused is None and (fault is None or fault.kind != "error"):
            self.synced.add(request["Item"]["_sequence_number"]["S"])
        return refused or fault

    def _refusal(self, call: Call) -> Fault | None:
        """A topic says which messages it refuses; a table refuses the whole call."""
        poison, request = self.poison, call.request
        if call.service == "sns":
            entries = request.get("PublishBatchRequestEntries")
            if entries is None:
                return Fault.error("InvalidParameter") if request["Message"] in poison else None
            bad = [place for place, entry in enumerate(entries) if entry["Message"] in poison]
            return Fault.some(bad, "InvalidParameter") if bad else None
        bad_names = poison.intersection(_names(call))
        return Fault.error("ValidationException") if bad_names else None

    # What the function reaches

    def call(self, service: str, operation: str, **request: Any) -> Any:
        """A call of an AWS client."""
        try:
            return getattr(self.aws.client(service), operation)(**request)
        finally:
            self._answered()

    def send(self, *request: Any) -> Answer:
        """A request to the receiver of webhooks, or to an index server."""
        try:
            return self.aws.transport.send(*request)
        finally:
            self._answered()

    def _answered(self) -> None:
        if self.dies_when_answered:
            self.dies_when_answered = False
            self.sandbox.crash()


def _names(call: Call) -> list[str]:
    """Event ids and versions in a call to a table or a webhook."""
    request = call.request
    if call.service == "webhook":
        return [posted(request["url"])[2]]
    if call.operation == "BatchWriteItem":
        return [
            write["PutRequest"]["Item"]["id"]["S"]
            for each in request["RequestItems"].values()
            for write in each
        ]
    if call.operation == "TransactWriteItems":
        return [request["TransactItems"][1]["Update"]["ExpressionAttributeValues"][":v0"]["S"]]
    item = request.get("Item", {})
    return [item[name]["S"] for name in ("_sequence_number", "id") if name in item]


class _Service:
    """The client of whatever day it is."""

    def __init__(self, stage: Stage, service: str) -> None:
        self._stage, self._service = stage, service

    def __getattr__(self, operation: str) -> Any:
        return partial(self._stage.outside.call, self._service, operation)


class Stage:
    """See the module."""

    outside: Outside

    def __init__(self) -> None:
        self.engine = Engine.from_rules(RULES)
        build: dict[str, Any] = {
            "sns": sns.build,
            "table": lambda *known: table.build(*known, clock=self._now),
            "webhook": lambda *known: webhook.build(*known, transport=self, clock=self._now),
        }
        environment = {"RULES_ENGINE_STATE_TABLE": STATE}
        self.actions = {
            (rule.id, spec.id): build[spec.type](spec, rule.scope, environment, self)
            for rule in RULES.rules
            for spec in rule.actions
        }

    def _now(self) -> float:
        return self.outside.sandbox.now

    def client(self, service: str, timeout_seconds: float | None = None) -> Any:
        return _Service(self, service)

    def send(self, *request: Any) -> Answer:
        return self.outside.send(*request)

    def function(self, seed: int) -> Callable[[Any, Any], Any]:
        """What a new process is to Lambda."""
        return self.function_with(seed, TableResumeStore(self.client("dynamodb"), STATE))

    def function_with(self, seed: int, resume: ResumeStore) -> Callable[[Any, Any], Any]:
        random, partial_batch = Random(seed), self.outside.partial_batch
        invocation = Invocation(
            self.engine,
            self.actions,
            log=_forget,
            partial_batch=partial_batch,
            resume=resume,
            dead_letters=SqsDeadLetterQueue(self.client("sqs"), QUEUE),
            clock=_SandboxClock(self.outside.sandbox),
            random=random,
            workers=lambda: ShuffledWorkers(random),
        )

        def handler(event: Any, context: Any) -> Any:
            first = invocation.deliver(parse_event(event), InvocationContext.of(context))
            return batch_response(first, partial_batch)

        return handler


class _SandboxClock:
    def __init__(self, sandbox: Sandbox) -> None:
        self.now = self.monotonic = sandbox.time
        self.sleep = sandbox.sleep


def _forget(line: str) -> None:
    pass
