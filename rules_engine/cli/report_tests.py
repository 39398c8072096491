"""The results of rule tests as text for people.

In: the result of a test. Out: if it failed, a line with the place, the name and the reason, and below it the
clauses with the values they read, or the paths at which a request differs; a line if it was skipped, or if
something about it is doubtful. Of what passed nothing is said but its number, in the summary.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rules_engine.cli.report import Paint, plain, visible
from rules_engine.cli.report_explain import describe, explanation_lines, json_text, shown_value
from rules_engine.cli.rule_files import count
from rules_engine.expression import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules_engine.model import Rule
    from rules_engine.rule_tests import Difference, TestResult

_WIDEST_VALUE = 100
_BEFORE_DIFFERENCE = 30
"""Of a text that is longer, so much is shown before the first character that differs."""


def render_result(result: TestResult, rules: Mapping[str, Rule], paint: Paint = plain) -> str:
    """What there is to say of one test, each line ended; nothing of most that passed."""
    return "".join(f"{line}\n" for line in _result(result, rules, paint))


def render_summary(results: Sequence[TestResult], paint: Paint = plain) -> str:
    """`11 passed, 1 failed: 12 tests of 4 rules`."""
    counted = Counter[str](result.verdict for result in results)
    parts = [
        paint(f"{counted[verdict]} {verdict}", role)
        for verdict, role in (("passed", "good"), ("failed", "error"), ("skipped", "warning"))
        if counted[verdict]
    ]
    rules = len({result.test.rule_id for result in results} - {None})
    return f"{', '.join(parts)}: {count(len(results), 'test')} of {count(rules, 'rule')}\n"


def _result(result: TestResult, rules: Mapping[str, Rule], paint: Paint) -> Iterator[str]:
    title = f"{paint(visible(str(result.test.location)), 'place')}: "
    name = visible(result.test.full_name)
    if result.verdict == "failed":
        yield f"{title}{paint('failed', 'error')} {name}: {visible(result.message)}"
        yield from (f"    {line}" for line in _evidence(result, rules, paint))
        yield ""
    elif result.verdict == "skipped":
        yield f"{title}{paint('skipped', 'warning')} {name}: {visible(result.message)}"
    for warning in () if result.explanations else result.warnings:
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
