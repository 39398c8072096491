"""`python -m tests.soak.delivery --seeds 200`: policies of delivery on simulated bad days, for each mix.

In: how many seeds for each mix, and where they begin. Out: a line for each policy and mix with what was lost,
turned round, stale and repeated for 1,000 actions owed. `play` is one day: random changes of a few items,
three rules with four actions that publish to topics, one handler. `stop` is the policy of
`delivery.invocation`; `continue` is that of the usual batch helpers, each record by itself and all failed
ones reported, with three retries; it is here as a measure.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rules_engine.delivery.invocation import Invocation, deliveries_of
from rules_engine.delivery.response import batch_response
from rules_engine.engine import Engine
from rules_engine.function import build_actions
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.record import StreamRecord, parse_event
from rules_engine.testing import (
    MIXES,
    Effect,
    Expected,
    FakeAws,
    FaultMix,
    HistoryReport,
    MappingSettings,
    RandomFaults,
    Sandbox,
    StreamSim,
    check_history,
)

CHANGES, ITEMS = 90, 8
_TOPIC = "arn:aws:sns:eu-central-1:000000000000:{}--{}"
_MAPPING = MappingSettings(
    batch_size=20, report_batch_item_failures=True, bisect_batch_on_function_error=True
)

Handler = Callable[[Any, Any], Any]


def _publish(rule: str, action: str) -> ActionSpec:
    """The topic says which action it was, the message which record."""
    return ActionSpec(action, "sns", {"topic_arn": _TOPIC.format(rule, action), "message": "{{ eventID }}"})


WRITTEN, REMOVED = ("INSERT", "MODIFY"), ("REMOVE",)
RULES = RuleSet(
    (
        Rule("all", ("orders",), (_publish("all", "a"),)),
        Rule("written", ("orders",), (_publish("written", "a"), _publish("written", "b")), events=WRITTEN),
        Rule("removed", ("orders",), (_publish("removed", "a"),), events=REMOVED),
    )
)
ENGINE = Engine.from_rules(RULES)


def stop_at_first_failure(aws: FakeAws, rules: RuleSet = RULES) -> Handler:
    """The function as it is."""
    engine = ENGINE if rules is RULES else Engine.from_rules(rules)
    invocation = Invocation(engine, build_actions(rules, {}, aws), log=lambda _line: None)
    return lambda event, _context: batch_response(invocation.deliver(parse_event(event)), partial_batch=True)


def continue_after_failure(aws: FakeAws) -> Handler:
    """Each record by itself; every one that failed is reported."""
    actions = build_actions(RULES, {}, aws)

    def deliver(record: StreamRecord) -> None:
        for match in ENGINE.evaluate(record).matches:
            for delivery in deliveries_of(match):
                action = actions[match.rule.id, delivery.action.id]
                action.perform(action.render(delivery))

    def handler(event: Any, _context: Any) -> Any:
        failures = []
        for record in parse_event(event):
            assert isinstance(record, StreamRecord)
            try:
                deliver(record)
            except Exception:
                failures.append({"itemIdentifier": record.failure_id})
        return {"batchItemFailures": failures}

    return handler


POLICIES: Mapping[str, tuple[Callable[[FakeAws], Handler], MappingSettings]] = {
    "stop": (stop_at_first_failure, replace(_MAPPING, maximum_record_age_seconds=72_000)),
    "continue": (continue_after_failure, replace(_MAPPING, maximum_retry_attempts=3)),
}


def play(policy: str, mix: FaultMix, seed: int) -> HistoryReport:
    """One day. Nothing is dead-lettered: neither policy can."""
    make_handler, mapping = POLICIES[policy]
    sandbox, poison = Sandbox(), set[str]()
    faults = RandomFaults(mix, seed, is_poison=lambda call: call.request["Message"] in poison)
    aws = FakeAws(sandbox, faults=faults)
    sim = StreamSim(
        make_handler(aws), mapping=mapping, seed=seed, faults=mix, sandbox=sandbox, fresh_events=False
    )
    draw, at = random.Random(f"changes {seed}"), sandbox.now
    for number in range(CHANGES):
        key = {"id": f"o-{draw.randrange(ITEMS)}"}
        at += draw.choice((0, 0, 0.5, 3))
        change = sim.remove(key, at) if draw.random() < 0.1 else sim.put({**key, "n": number}, at)
        if change is not None and draw.random() < mix.poison_records:
            poison.add(change.event_id)
    sim.run()
    changes = {change.event_id: change for change in sim.changes}
    expected = [
        Expected((rule.id, spec.id, event_id), rule.id, spec.id, change.item, change.sequence)
        for event_id, change in changes.items()
        for rule in RULES.rules
        if change.event_name in rule.events
        for spec in rule.actions
    ]
    effects = []
    for effect in aws.effects:
        rule, action = effect.request["TopicArn"].rpartition(":")[2].split("--")
        change = changes[effect.request["Message"]]
        effects.append(
            Effect((rule, action, change.event_id), rule, action, change.item, change.sequence, effect.time)
        )
    return check_history(expected, effects)


def totals(policy: str, mix: FaultMix, seeds: range) -> Counter[str]:
    total: Counter[str] = Counter()
    for seed in seeds:
        report = play(policy, mix, seed)
        total.update(
            owed=report.expected,
            lost=len(report.lost),
            inversions=len(report.inversions),
            stale=len(report.stale),
            duplicates=report.duplicates,
        )
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for policy in POLICIES:
        for mix in MIXES:
            started = time.monotonic()
            total = totals(policy, mix, range(options.seed, options.seed + options.seeds))
            shares = "  ".join(
                f"{name} {1000 * total[name] / total['owed']:7.1f}"
                for name in ("lost", "inversions", "stale", "duplicates")
            )
            speed = total["owed"] / (time.monotonic() - started)
            sys.stdout.write(
                f"{policy:9} {mix.name:14} {total['owed']:7} owed; for 1,000: {shares}  ({speed:.0f}/s)\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
