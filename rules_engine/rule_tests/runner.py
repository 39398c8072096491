"""Runs the tests of a rule set.

In: a rule set without errors, and tests. Out: a `TestResult` for each. The rules go through the bundle, as
they do on their way to Lambda, and records through the engine's index; a request is what the action itself
renders. All actions of a record that matches are rendered, expected or not: one that cannot be would be a
dead letter in production.

Of a `record_file` with several records, a rule matches if it matches one of them; actions are as expected if
those of one of them are.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rules_engine import bundle, exact_json
from rules_engine.engine import Engine
from rules_engine.expression import ABSENT
from rules_engine.light_dataclass import dataclass, field
from rules_engine.rule_tests.difference import Difference, differences
from rules_engine.rule_tests.payload import payload_of
from rules_engine.rule_tests.requests import RequestError, Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rules_engine.engine import Explanation
    from rules_engine.loader import RuleTest
    from rules_engine.model import ActionSpec, Match, RuleSet
    from rules_engine.record import StreamRecord

_WIDEST_VALUE = 60
"""Of a value in the message of a test; the differences have it whole."""

Verdict = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class TestResult:
    """What came of a test.

    `message` is what was expected and what came instead, in one line, or why the test was skipped. `record`
    and `explanations` show it: of the rule, or of the rules that should have matched or should not. What
    they show is no warning, too.
    """

    test: RuleTest
    verdict: Verdict
    message: str = ""
    record: StreamRecord | None = None
    explanations: tuple[Explanation, ...] = ()
    differences: tuple[Difference, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)


class _Failure(NamedTuple):
    message: str
    record: StreamRecord
    rule_ids: Sequence[str] = ()
    differences: tuple[Difference, ...] = ()


class Runner:
    """See the module. `positions` says where each rule stands in `rule_set`, which came out of the bundle."""

    def __init__(self, rule_set: RuleSet, clock: Callable[[], float] = perf_counter) -> None:
        self.rule_set = bundle.load(bundle.dump(rule_set))
        self.engine = Engine.from_rules(self.rule_set)
        self.positions = {rule.id: position for position, rule in enumerate(rule_set.rules)}
        self._disabled = {rule.id for rule in rule_set.rules if not rule.enabled}
        self._requests = Requests(self.rule_set)
        self._clock = clock

    def run(self, tests: Iterable[RuleTest]) -> Iterator[TestResult]:
        """The results, each when it is there."""
        return map(self.result_of, tests)

    def explain(self, rule_id: str, record: StreamRecord) -> Explanation:
        """Why a rule did or did not match."""
        return self.engine.explain_rule(self.positions[rule_id], record)

    def result_of(self, test: RuleTest) -> TestResult:
        if test.rule_id in self._disabled and test.stopped_by != "enabled":
            return TestResult(test, "skipped", f"rule '{test.rule_id}' is switched off")
        started = self._clock()
        matches, warnings = self._matches(test)
        if test.rule_id is None:
            failure = self._compare_rule_set(test, matches)
        else:
            own = [match for match in matches if match.rule.id == test.rule_id]
            failure = self._compare_rule(test, test.rule_id, own)
        if failure is None:
            return TestResult(test, "passed", warnings=warnings, seconds=self._clock() - started)
        return TestResult(
            test,
            "failed",
            failure.message,
            failure.record,
            tuple(self.explain(rule_id, failure.record) for rule_id in failure.rule_ids),
            failure.differences,
            () if failure.rule_ids else warnings,
            self._clock() - started,
        )

    def _matches(self, test: RuleTest) -> tuple[list[Match], tuple[str, ...]]:
        """The matches of all records, and what could not be evaluated on the way."""
        matches: list[Match] = []
        warnings = []
        for record in test.records:
            evaluation = self.engine.evaluate(record)
            matches += evaluation.matches
            for error in evaluation.errors:
                if test.rule_id in (None, error.rule_id):
                    of_rule = f" of rule '{error.rule_id}'" if test.rule_id is None else ""
                    warnings.append(f"{error.clause}{of_rule} could not be evaluated: {error.message}")
        return matches, tuple(warnings)

    def _compare_rule_set(self, test: RuleTest, matches: Sequence[Match]) -> _Failure | None:
        """Whether exactly the rules matched that should."""
        matched = {match.rule.id: match for match in matches}
        missing = [rule_id for rule_id in test.matches if rule_id not in matched]
        surplus = [rule_id for rule_id in matched if rule_id not in test.matches]
        if not missing and not surplus:
            return self._render(matches, {})
        parts = [f"{', '.join(missing)} did not"] if missing else []
        parts += [f"{', '.join(surplus)} did"] if surplus else []
        expected = f"only {', '.join(test.matches)}" if test.matches else "no rule"
        record = matched[surplus[0]].record if surplus else test.records[0]
        message = f"expected {expected} to match, but {' and '.join(parts)}"
        return _Failure(message, record, [*missing, *surplus])

    def _compare_rule(self, test: RuleTest, rule_id: str, own: Sequence[Match]) -> _Failure | None:
        """Whether the rule, of which `own` are the matches, did what it should."""
        if test.stopped_by is not None:
            return self._compare_stop(test.stopped_by, rule_id, test.records)
        record = test.records[0]
        if not own and (test.match or test.actions is not None):
            came = self._stop_of(rule_id, record, "stopped it")
            return _Failure(f"expected a match, but {came}", record, [rule_id])
        if own and test.match is False:
            return _Failure("expected no match, but it matched", own[0].record, [rule_id])
        return self._render(own, test.actions or {})

    def _compare_stop(self, expected: str, rule_id: str, records: Iterable[StreamRecord]) -> _Failure | None:
        for record in records:
            if self.explain(rule_id, record).stopped_by != expected:
                came = self._stop_of(rule_id, record, "did")
                return _Failure(f"expected {expected} to stop it, but {came}", record, [rule_id])
        return None

    def _stop_of(self, rule_id: str, record: StreamRecord, verb: str) -> str:
        """What came of the record, as the end of a sentence."""
        explanation = self.explain(rule_id, record)
        if explanation.outcome == "matched":
            return "it matched"
        return (
            f"{explanation.stopped_by} {'could not be evaluated' if explanation.outcome == 'error' else verb}"
        )

    def _render(self, matches: Sequence[Match], expected: Mapping[str, Any]) -> _Failure | None:
        """Whether the actions can all be rendered, and those of one match are as expected."""
        lacking: list[_Failure] = []
        for match in matches:
            try:
                requests = self._requests.of(match)
            except RequestError as error:
                return _Failure(str(error), match.record, [match.rule.id])
            found = list(_differences(requests, expected))
            if found:
                lacking.append(_Failure(_summary(found), match.record, (), tuple(found)))
        return lacking[0] if lacking and len(lacking) == len(matches) else None


def _differences(
    requests: Iterable[tuple[ActionSpec, Mapping[str, Any]]], expected: Mapping[str, Any]
) -> Iterator[Difference]:
    for spec, request in requests:
        if spec.id in expected:
            yield from differences(expected[spec.id], payload_of(spec, request), spec.id)


def _summary(found: Sequence[Difference]) -> str:
    """The first difference, and how many more there are."""
    path, expected, got, _ = found[0]
    others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"expected {path} {_short(expected)}, got {_short(got)}{others}"


def _short(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    text = exact_json.dumps(value)
    return text if len(text) <= _WIDEST_VALUE else f"{text[: _WIDEST_VALUE - 1]}…"
