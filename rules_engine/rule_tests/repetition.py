"""Which effects of a rule would be doubled by a batch that is delivered again.

In: the results of tests. Out: the same, with a warning at the first test that shows an action to double. The
records of a test go through the delivery that runs in Lambda, to tables in memory: once as one batch; and
then as that batch, the same batch again, and each half of it, as after a lost answer and a batch that was
split. A table that then holds something else has counted twice.

Only `add` of a `table` action is tried: whatever else an action writes is made of the record alone, so that a
repeat writes the same again, and whoever receives a message, a request or a log line can tell a repeat by its
delivery id. `mode: once` prevents it; `may_repeat` of a test of the rule says that it does no harm.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rules_engine.actions import action_type
from rules_engine.engine import Engine
from rules_engine.model import RuleSet
from rules_engine.rule_tests.requests import RequestError, Requests, stand_ins
from rules_engine.settings import STATE_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rules_engine.model import ActionSpec, Match, Rule
    from rules_engine.record import StreamRecord
    from rules_engine.rule_tests.runner import Runner, TestResult

_TABLE, _STATE = "counted", "state"


def warn_of_doubles(runner: Runner, results: Iterable[TestResult]) -> list[TestResult]:
    """The results, with a warning for each action that doubles."""
    found = list(results)
    left = _adding(runner.rule_set.rules)
    for result in found:
        for action_id in result.test.may_repeat:
            left.pop((str(result.test.rule_id), action_id), None)
    for number, result in enumerate(found):
        if left and result.verdict == "passed":
            doubled = _doubled(runner, result.test.records, left)
            for place in doubled:
                del left[place]
            warnings = [_warning(*place) for place in doubled]
            found[number] = replace(result, warnings=(*result.warnings, *warnings))
    return found


def _adding(rules: Iterable[Rule]) -> dict[tuple[str, str], ActionSpec]:
    """What can double: by rule id and action id."""
    return {
        (rule.id, spec.id): spec
        for rule in rules
        if rule.enabled
        for spec in rule.actions
        if spec.type == "table" and "add" in spec.config.get("update", {})
    }


def _warning(rule_id: str, action_id: str) -> str:
    return (
        f"'{action_id}' of rule '{rule_id}' would add twice when Lambda delivers the batch again: "
        f"say mode: once, or expect: {{may_repeat: [{action_id}]}} if that does no harm"
    )


def _doubled(
    runner: Runner, records: Sequence[StreamRecord], adding: dict[tuple[str, str], ActionSpec]
) -> list[tuple[str, str]]:
    matches: dict[str, list[Match]] = defaultdict(list)
    for record in records:
        for match in runner.engine.match(record):
            matches[match.rule.id].append(match)
    return [
        (rule_id, action_id)
        for (rule_id, action_id), spec in adding.items()
        if rule_id in matches and _doubles(spec, matches[rule_id], Requests(runner.rule_set))
    ]


def _doubles(spec: ActionSpec, matches: Sequence[Match], requests: Requests) -> bool:
    try:
        (key,) = [request["Key"] for each, request in requests.of(matches[0]) if each.id == spec.id]
    except RequestError:
        # The record is that of another rule's test, and this rule can do nothing with it.
        return False
    counted = replace(spec, config={**spec.config, "table": _TABLE})
    rule = replace(matches[0].rule, actions=(counted,))
    whole = [match.record for match in matches]
    half = len(whole) // 2
    once = _items_after([whole], rule, list(key))
    return once != _items_after([whole, whole, whole[:half], whole[half:]], rule, list(key))


def _items_after(
    batches: Iterable[Sequence[StreamRecord]], rule: Rule, keys: Sequence[str]
) -> list[dict[str, Any]]:
    """What the rule's one action leaves in its table."""
    # Here, because most rule sets add nothing: importing what is needed takes longer than their tests.
    from rules_engine.delivery.invocation import Invocation
    from rules_engine.delivery.resume_table import TableResumeStore
    from rules_engine.testing import FakeAws

    aws = FakeAws(tables={_TABLE: keys, _STATE: ("id",)})
    (spec,) = rule.actions
    environment = {**stand_ins(spec), STATE_TABLE: _STATE}
    action = action_type(spec.type).build(spec, rule.scope, environment, aws)
    invocation = Invocation(
        engine=Engine.from_rules(RuleSet((rule,))),
        actions={(rule.id, spec.id): action},
        log=lambda line: None,
        resume=TableResumeStore(aws.client("dynamodb"), _STATE),
    )
    for batch in batches:
        invocation.deliver(batch)
    return aws.dynamodb.items(_TABLE)
