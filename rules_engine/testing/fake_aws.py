"""Fake AWS services in memory, called as boto3's low-level clients are, on the virtual clock.

    aws = FakeAws(sandbox, tables={"copies": ("id",)}, faults=RandomFaults(TYPICAL, seed=7))
    aws.client("sqs").send_message(QueueUrl="orders", MessageBody="...")

Every call goes through `FakeAws.perform`: time passes, the plan of faults is asked, and what took effect is
kept in `effects`, in order, one for each entry of a batch. Errors are botocore's own `ClientError` and
`ReadTimeoutError`, which is the one thing here that needs boto3. Queues, topics, buckets, event buses,
Firehose streams, functions and state machines are there as soon as they are named; tables are given with
their keys, secrets with their texts.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from rules_engine.testing.fake_dynamodb import FakeDynamoDB
from rules_engine.testing.fake_eventbridge import FakeEventBridge
from rules_engine.testing.fake_firehose import FakeFirehose
from rules_engine.testing.fake_lambda import FakeLambda
from rules_engine.testing.fake_messaging import FakeSns, FakeSqs
from rules_engine.testing.fake_opensearch import FakeOpenSearch
from rules_engine.testing.fake_receiver import FakeReceiver
from rules_engine.testing.fake_s3 import FakeS3
from rules_engine.testing.fake_secrets import FakeSecretsManager, FakeSsm
from rules_engine.testing.fake_service import error_class, raise_error, raise_timeout
from rules_engine.testing.fake_stepfunctions import FakeStepFunctions
from rules_engine.testing.faults import Call, Fault
from rules_engine.testing.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.actions import Signer
    from rules_engine.testing.faults import FaultPlan

CALL_SECONDS = 0.005
T = TypeVar("T")


class ServiceEffect(NamedTuple):
    """Something that took effect: `request` is the call's, or one entry of a batch call with what names its
    target (`TopicArn`, `QueueUrl`, `DeliveryStreamName`, `TableName`)."""

    service: str
    operation: str
    request: Mapping[str, Any]
    time: float


class FakeAws:
    """See the module. `client`, `transport` and `signer` are what the rules engine's actions ask for."""

    def __init__(
        self,
        sandbox: Sandbox | None = None,
        *,
        faults: FaultPlan | None = None,
        tables: Mapping[str, Sequence[str]] | None = None,
        secrets: Mapping[str, str] | None = None,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self.sandbox = sandbox or Sandbox()
        self.faults = faults
        self.effects: list[ServiceEffect] = []
        self.calls: Counter[tuple[str, str]] = Counter()
        """How often each operation was called: `("dynamodb", "GetItem")`."""
        self._call_seconds = call_seconds
        self._call_number = 0
        self._lock = threading.RLock()
        self.dynamodb = FakeDynamoDB(self, tables or {})
        self.sqs = FakeSqs(self)
        self.sns = FakeSns(self)
        self.s3 = FakeS3(self)
        self.opensearch = FakeOpenSearch(self)
        self.eventbridge = FakeEventBridge(self)
        self.firehose = FakeFirehose(self)
        self.functions = FakeLambda(self)
        self.stepfunctions = FakeStepFunctions(self)
        self.transport = FakeReceiver(self)
        self.secrets = dict(secrets or {})
        """Text of each secret and parameter: `secret:orders-api`, `ssm:/orders/token`."""
        self._clients = {
            "dynamodb": self.dynamodb,
            "sqs": self.sqs,
            "sns": self.sns,
            "s3": self.s3,
            "events": self.eventbridge,
            "firehose": self.firehose,
            "lambda": self.functions,
            "stepfunctions": self.stepfunctions,
            "secretsmanager": FakeSecretsManager(self),
            "ssm": FakeSsm(self),
        }

    def client(self, service: str, timeout_seconds: float | None = None) -> Any:
        """The fake of a service. Raises KeyError for one that there is no fake of."""
        return self._clients[service]

    def signer(self, service: str, region: str) -> Signer:
        """One whose signature nobody could take for a real one."""
        return lambda method, url, headers, body: {**headers, "authorization": f"fake {service} {region}"}

    def perform(
        self, service: str, operation: str, request: Mapping[str, Any], effect: Callable[[Fault | None], T]
    ) -> T:
        """One call. `effect` does it and gives the answer; to a fault of kind `entries` it sees itself."""
        with self._lock:
            self.calls[service, operation] += 1
            number, self._call_number = self._call_number, self._call_number + 1
            self.sandbox.sleep(self._call_seconds)
            if self.faults is None:
                return effect(None)
            fault = self.faults(Call(service, operation, request, number, self.sandbox.now))
            return effect(None) if fault is None else self._perform_with(fault, operation, effect)

    def _perform_with(self, fault: Fault, operation: str, effect: Callable[[Fault | None], T]) -> T:
        if fault.kind == "error":
            raise_error(operation, fault.code)
        if fault.kind == "crash_before":
            self.sandbox.crash()
        if fault.kind == "entries":
            return effect(fault)
        if fault.kind == "slow":
            # As on a real machine: the service is done although the function may not live to see it.
            answer = effect(None)
            self.sandbox.sleep(fault.seconds)
            return answer
        with contextlib.suppress(error_class("ClientError")):  # the service's refusal gets lost, too
            effect(None)
        if fault.kind == "crash_after":
            self.sandbox.crash()
        self.sandbox.sleep(fault.seconds)
        return raise_timeout()

    def took_effect(self, service: str, operation: str, request: Mapping[str, Any]) -> None:
        self.effects.append(ServiceEffect(service, operation, request, self.sandbox.now))
