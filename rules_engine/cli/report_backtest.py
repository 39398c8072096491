"""What came of a backtest, as text for people.

In: a `Backtest`, the revision it compares with and the rules that were asked for. Out: the text. Without a
revision each rule has a line with its count, and those asked for by name list the changes they match. With
one only rules that decide differently are shown, and the changes on which they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.cli.report import Paint, plain, visible
from rules_engine.cli.report_explain import describe
from rules_engine.cli.rule_files import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.backtest.decisions import Backtest, Decisions, Found


def render_backtest(
    backtest: Backtest, against: str | None, rule_ids: Sequence[str], paint: Paint = plain
) -> str:
    """`against` names the revision of the rules before; `rule_ids` are those asked for, or none for all."""
    shown = backtest.decisions_of(rule_ids)
    lines = [paint(_changes(backtest), "place"), ""]
    if against is None:
        lines += _counts(shown, bool(rule_ids), paint)
    else:
        lines += _differences(shown, against, paint)
    if backtest.without_rules:
        tables = ", ".join(f"{table} ({number:,})" for table, number in backtest.without_rules.most_common())
        lines += ["", paint(f"of tables without rules: {visible(tables)}", "quiet")]
    return "".join(f"{line}\n" for line in lines)


def _changes(backtest: Backtest) -> str:
    """`1,204 changes, 2026-11-01T00:00:00Z to 2026-11-02T11:12:13Z`."""
    words = "1 change" if backtest.changes == 1 else f"{backtest.changes:,} changes"
    if not backtest.times:
        return words
    first, last = backtest.times[0][1], backtest.times[-1][1]
    return f"{words}, {first}" if first == last else f"{words}, {first} to {last}"


def _counts(shown: Sequence[Decisions], listed: bool, paint: Paint) -> Iterator[str]:
    width = max((len(each.rule_id) for each in shown), default=0)
    digits = max((len(f"{each.matched.count:,}") for each in shown), default=0)
    for each in shown:
        number = f"{each.matched.count:{digits},} matched"
        role = "good" if each.matched.count else "quiet"
        line = f"{paint(f'{each.rule_id:{width}}', 'place')}  {paint(number, role)}"
        yield f"{line}{_state(each)}{_failures(each, paint)}"
        if listed:
            yield from _rows(each.matched, " ", "quiet", paint)


def _state(decisions: Decisions) -> str:
    return ", the rule is disabled" if decisions.rule is not None and not decisions.rule.enabled else ""


def _failures(decisions: Decisions, paint: Paint) -> str:
    if not decisions.failed.count:
        return ""
    failed = paint(f"{decisions.failed.count:,} could not be evaluated", "error")
    return f", {failed}, first {decisions.failed.first_place}: {visible(decisions.failure or '')}"


def _differences(shown: Sequence[Decisions], against: str, paint: Paint) -> Iterator[str]:
    different = [each for each in shown if each.has_changed]
    for number, each in enumerate(different):
        if number:
            yield ""
        yield f"{paint(each.rule_id, 'place')}{_was(each)}: {_more_and_fewer(each)}{_failures(each, paint)}"
        yield from _rows(each.more, "+", "good", paint)
        yield from _rows(each.fewer, "-", "bad", paint)
    if len(shown) > len(different):
        if different:
            yield ""
        others = count(len(shown) - len(different), "other rule" if different else "rule")
        yield f"{others} decided as at {visible(against)}"


def _was(decisions: Decisions) -> str:
    if decisions.before is None:
        return ", new"
    if decisions.rule is None:
        return ", removed"
    return "" if decisions.before.id == decisions.rule.id else f", until now {decisions.before.id}"


def _more_and_fewer(decisions: Decisions) -> str:
    """`12 changes more, 3 fewer (354 matched, 345 before)`."""
    more, fewer = decisions.more.count, decisions.fewer.count
    parts = [f"{number:,} {word}" for number, word in ((more, "more"), (fewer, "fewer")) if number]
    return f"{', '.join(parts)} ({decisions.matched.count:,} matched, {decisions.matched_before:,} before)"


def _rows(found: Found, sign: str, role: str, paint: Paint) -> Iterator[str]:
    for place, record in found.first:
        at = f"{record.created_at}  " if record.created_at else ""
        yield f"  {paint(sign, role)} {visible(place)}  {at}{describe(record)}"
    hidden = found.count - len(found.first)
    if hidden:
        yield f"  {paint(sign, role)} {paint(f'and {hidden:,} more', 'quiet')}"
