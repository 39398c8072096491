"""A run of rule tests as text for people.

In: a `RuleTestRun`. Out: a text: of each test that failed a line with the place, the name and the reason, and
below it the clauses with the values they read, or the paths at which a request differs; a line for what was
skipped or is doubtful; the outcomes that no test has seen; the changes that no test noticed; a summary. Of
what passed nothing is said but its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.cli.report import Paint, plain, render_text, visible
from rules_engine.cli.report_explain import describe, explanation_lines, json_text, shown_value
from rules_engine.expression import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules_engine.cli.rule_test_run import CoverageRun, MutationRun, RuleTestRun
    from rules_engine.model import Rule
    from rules_engine.rule_tests import Difference, TestResult

_WIDEST_VALUE = 100
_BEFORE_DIFFERENCE = 30
"""Of a text that is longer, so much is shown before the first character that differs."""


def render_run(run: RuleTestRun, paint: Paint = plain) -> str:
    """What came of the tests, each line ended; nothing where none could be run."""
    if run.refusal is not None:
        return ""
    lines = [render_result(result, run.rules, paint) for result in run.results]
    if run.coverage is not None:
        lines += [render_coverage(run.coverage, run.rules, paint), "\n"]
    if run.mutation is not None:
        lines += [render_mutation(run.mutation, paint), "\n"]
    return "".join([*lines, f"{', '.join(paint(text, role) for role, text in run.counted)}: {run.subject}\n"])


def render_error(run: RuleTestRun, paint: Paint = plain) -> str:
    """Why no test was run, each line ended; nothing where one was."""
    return "" if run.error is None else f"{render_text(run.problems, paint)}Error: {run.error}\n"


def render_result(result: TestResult, rules: Mapping[str, Rule], paint: Paint = plain) -> str:
    """What there is to say of one test; nothing of most that passed."""
    return "".join(f"{line}\n" for line in _result(result, rules, paint))


def render_coverage(coverage: CoverageRun, rules: Mapping[str, Rule], paint: Paint = plain) -> str:
    """Each rule of which something was not seen, and what."""
    return "".join(f"{line}\n" for line in _coverage(coverage, rules, paint))


def render_mutation(mutation: MutationRun, paint: Paint = plain) -> str:
    """Each change that no test noticed."""
    return "".join(f"{line}\n" for line in _mutation(mutation, paint))


def _result(result: TestResult, rules: Mapping[str, Rule], paint: Paint) -> Iterator[str]:
    title = f"{paint(visible(str(result.test.location)), 'place')}: "
    name = visible(result.test.full_name)
    if result.verdict == "failed":
        yield f"{title}{paint('failed', 'error')} {name}: {visible(result.message)}"
        yield from (f"    {line}" for line in _evidence(result, rules, paint))
        yield ""
    elif result.verdict == "skipped":
        yield f"{title}{paint('skipped', 'warning')} {name}: {visible(result.message)}"
    for warning in result.warnings:
        yield f"{title}{paint('warning', 'warning')} {name}: {visible(warning)}"


def _evidence(result: TestResult, rules: Mapping[str, Rule], paint: Paint) -> Iterator[str]:
    if result.record is not None and len(result.test.records) > 1:
        yield f"record {describe(result.record)}"
    for explanation in result.explanations:
        assert result.record is not None
        title, *clauses = explanation_lines(explanation, rules[explanation.rule_id], result.record, paint)
        if len(result.explanations) > 1 or not clauses:
            yield title
        yield from clauses
    if result.differences:
        yield paint("- expected  + got", "quiet")
    for difference in result.differences:
        yield from _difference(difference, paint)


def _difference(difference: Difference, paint: Paint) -> Iterator[str]:
    expected, got = _shown_pair(difference.expected, difference.got)
    yield paint(visible(difference.path), "place")
    yield paint(f"  - {expected}", "bad")
    yield paint(f"  + {got}", "good") + (f"  {paint(difference.hint, 'hint')}" if difference.hint else "")


def _shown_pair(expected: Any, got: Any) -> tuple[str, str]:
    """Both values, of long ones the part where they begin to differ."""
    if expected is ABSENT or got is ABSENT:
        return shown_value(expected), shown_value(got)
    texts = [visible(json_text(value)) for value in (expected, got)]
    if max(map(len, texts)) <= _WIDEST_VALUE:
        return texts[0], texts[1]
    pairs = enumerate(zip(*texts, strict=False))
    at = next((number for number, (one, other) in pairs if one != other), min(map(len, texts)))
    start = max(0, at - _BEFORE_DIFFERENCE)
    return _excerpt(texts[0], start), _excerpt(texts[1], start)


def _excerpt(text: str, start: int) -> str:
    end = start + _WIDEST_VALUE
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def _coverage(coverage: CoverageRun, rules: Mapping[str, Rule], paint: Paint) -> Iterator[str]:
    for each in coverage.rules:
        missing = each.missing
        if missing:
            place = paint(visible(str(rules[each.rule_id].location)), "place")
            seen = f"{len(each.seen) - len(missing)} of {len(each.seen)} outcomes seen"
            yield f"{place}: {each.rule_id}: {seen if each.cases else 'no test'}"
        width = max((len(outcome.clause) for outcome in missing), default=0)
        for outcome in missing if each.cases else ():
            never = paint(f"never {'true' if outcome.value else 'false':5}", "warning")
            yield f"    {never}  {outcome.clause:{width}}  {visible(' '.join(outcome.text.split()))}".rstrip()
    yield paint(coverage.summary, "good" if coverage.suffices else "error")


def _mutation(mutation: MutationRun, paint: Paint) -> Iterator[str]:
    for survivor, location in mutation.survivors:
        changed = survivor.mutant.apply(survivor.text)
        place = paint(visible(str(location)), "place")
        yield f"{place}: {paint('survived', 'error')} {survivor.rule_id}, {survivor.clause}: no test notices"
        yield paint(f"    - {visible(' '.join(survivor.text.split()))}", "bad")
        yield paint(f"    + {visible(' '.join(changed.split()))}", "good")
    yield paint(mutation.summary, "error" if mutation.survivors else "good")
