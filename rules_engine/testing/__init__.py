"""Test a Lambda handler of a DynamoDB stream, or your rule set, against the poller's worst days.

`StreamSim` stands in for the stream and Lambda, `FakeAws` for the services the handler calls, `FaultMix` says
what goes wrong, and `check_history` what became of it: lost, turned round, stale or repeated. All of it runs
on a virtual clock and follows from one seed. Nothing here is ever imported by the Lambda function.
"""

from rules_engine.poller import MappingSettings
from rules_engine.testing.fake_aws import FakeAws, ServiceEffect
from rules_engine.testing.fake_dynamodb import FakeDynamoDB
from rules_engine.testing.fake_eventbridge import FakeEventBridge
from rules_engine.testing.fake_firehose import FakeFirehose
from rules_engine.testing.fake_lambda import FakeLambda
from rules_engine.testing.fake_messaging import FakeSns, FakeSqs
from rules_engine.testing.fake_opensearch import FakeOpenSearch
from rules_engine.testing.fake_s3 import FakeS3
from rules_engine.testing.fake_stepfunctions import FakeStepFunctions
from rules_engine.testing.faults import (
    CALM,
    CRASHES,
    FLAKY_TARGETS,
    MIXES,
    POISON,
    REDELIVERY,
    STORES_DOWN,
    TYPICAL,
    Call,
    Fault,
    FaultMix,
    RandomFaults,
    ScriptedFaults,
)
from rules_engine.testing.history import (
    Effect,
    Expected,
    HistoryReport,
    Inversion,
    Stale,
    check_history,
)
from rules_engine.testing.sandbox import FunctionDied, LambdaContext, Sandbox
from rules_engine.testing.source_table import Change
from rules_engine.testing.stream_sim import GivenUp, Invocation, StreamSim

__all__ = [
    "CALM",
    "CRASHES",
    "FLAKY_TARGETS",
    "MIXES",
    "POISON",
    "REDELIVERY",
    "STORES_DOWN",
    "TYPICAL",
    "Call",
    "Change",
    "Effect",
    "Expected",
    "FakeAws",
    "FakeDynamoDB",
    "FakeEventBridge",
    "FakeFirehose",
    "FakeLambda",
    "FakeOpenSearch",
    "FakeS3",
    "FakeSns",
    "FakeSqs",
    "FakeStepFunctions",
    "Fault",
    "FaultMix",
    "FunctionDied",
    "GivenUp",
    "HistoryReport",
    "Inversion",
    "Invocation",
    "LambdaContext",
    "MappingSettings",
    "RandomFaults",
    "Sandbox",
    "ScriptedFaults",
    "ServiceEffect",
    "Stale",
    "StreamSim",
    "check_history",
]
