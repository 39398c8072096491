"""Rules that keep an index, behind a simulated stream: whatever goes wrong, the index ends as the table."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.actions import opensearch
from rules_engine.delivery.context import InvocationContext
from rules_engine.delivery.dead_letter_queue import SqsDeadLetterQueue
from rules_engine.delivery.invocation import Invocation
from rules_engine.delivery.response import batch_response
from rules_engine.delivery.resume_table import TableResumeStore
from rules_engine.engine import Engine
from rules_engine.model import EMPTY_SCOPE, ActionSpec, Rule, RuleSet
from rules_engine.record import Image, parse_event
from rules_engine.testing import (
    CRASHES,
    FLAKY_TARGETS,
    REDELIVERY,
    FakeAws,
    Fault,
    FaultMix,
    MappingSettings,
    RandomFaults,
    Sandbox,
    ScriptedFaults,
    StreamSim,
)
from tests.copier import write_changes
from tests.test_actions_opensearch import BASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.testing.faults import FaultPlan

STATE, QUEUE = "state", "dead"
LATE = FaultMix("late", late_duplicates=0.3, lost_answers=0.1, transient_errors=0.05, crashes=0.01)
MIXES = (CRASHES, FLAKY_TARGETS, REDELIVERY, LATE)
MAPPING = MappingSettings(batch_size=10, report_batch_item_failures=True)
RULES = RuleSet((Rule("indexed", ("orders",), (ActionSpec("opensearch", "opensearch", BASE),)),))


def simulated(
    seed: int, faults: FaultPlan | None, mix: FaultMix | None, changes: int = 60
) -> tuple[StreamSim, FakeAws]:
    sandbox = Sandbox()
    aws = FakeAws(sandbox, tables={STATE: ("id",)}, faults=faults)
    engine, spec = Engine.from_rules(RULES), RULES.rules[0].actions[0]
    action = opensearch.build(spec, EMPTY_SCOPE, {}, aws)

    def new_process() -> Callable[[Any, Any], Any]:
        invocation = Invocation(
            engine,
            {("indexed", "opensearch"): action},
            log=lambda line: None,
            partial_batch=True,
            resume=TableResumeStore(aws.client("dynamodb"), STATE),
            dead_letters=SqsDeadLetterQueue(aws.client("sqs"), QUEUE),
            clock=_SandboxClock(sandbox),
            random=Random(seed),
        )

        def handler(event: Any, context: Any) -> Any:
            first = invocation.deliver(parse_event(event), InvocationContext.of(context))
            return batch_response(first, True)

        return handler

    options: dict[str, Any] = {} if mix is None else {"faults": mix}
    sim = StreamSim(
        new_process(), sandbox=sandbox, seed=seed, mapping=MAPPING, new_process=new_process, **options
    )
    write_changes(sim, seed, changes, 6)
    sim.run()
    return sim, aws


class _SandboxClock:
    def __init__(self, sandbox: Sandbox) -> None:
        self.now = self.monotonic = sandbox.time
        self.sleep = sandbox.sleep


def table_of(sim: StreamSim) -> dict[tuple[str, str], Any]:
    """What the index must hold: the items of the table, by their keys."""
    items = [dict(Image(item)) for item in sim.table.items().values()]
    return {("orders", str(item["id"])): item for item in items}


@given(seed=st.integers(0, 2**32), mix=st.sampled_from(MIXES))
@settings(max_examples=40, deadline=None)
def test_the_index_ends_equal_to_the_table_whatever_goes_wrong(seed: int, mix: FaultMix) -> None:
    targets = RandomFaults(mix, seed, store_tables=[STATE], queue_urls=[QUEUE], is_poison=None)
    sim, aws = simulated(seed, targets, mix)
    assert aws.sqs.messages(QUEUE) == []
    assert aws.opensearch.documents == table_of(sim)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(0, 24))
def test_a_function_that_dies_at_any_call_leaves_the_index_equal_to_the_table(
    number: int, after: bool
) -> None:
    sim, aws = simulated(1, ScriptedFaults({number: Fault.crash(after)}), None)
    assert aws.opensearch.documents == table_of(sim)
    assert aws.opensearch.documents


def test_documents_that_are_refused_for_a_while_come_again_alone() -> None:
    sim, aws = simulated(1, ScriptedFaults({1: Fault.some([0, 2])}), None)
    assert aws.opensearch.documents == table_of(sim)
    numbers = [effect.request["version"] for effect in aws.effects if effect.service == "opensearch"]
    assert len(numbers) == len(sim.changes) == len(set(numbers))
