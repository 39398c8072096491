"""One invocation as one line in CloudWatch's embedded metric format.

The totals are metrics, without dimensions: a dimension has one value in a line, so one for each rule would
take a line and, at CloudWatch, eight paid metrics for each rule. What each rule did stands in `rules`, where
a query over the log finds it; a rule that neither matched nor failed to evaluate is left out. The namespace
ends with the function's name, so that two functions of one account do not mix. A line has at most 8 KiB like
any other: the rules with the fewest matches are left out of a longer one, and counted in `rules_left_out`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from rules_engine.exact_json import dumps
from rules_engine.index import kinds_of
from rules_engine.light_dataclass import dataclass
from rules_engine.log_line import LIMIT_BYTES
from rules_engine.views import images_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rules_engine.delivery.report import Report
    from rules_engine.model import Images, RuleSet
    from rules_engine.record import MalformedRecord, StreamRecord

NAMESPACE = "RulesEngine"

UNITS = {
    "Records": "Count",
    "Matched": "Count",
    "ConditionErrors": "Count",
    "Delivered": "Count",
    "Retried": "Count",
    "Superseded": "Count",
    "Skipped": "Count",
    "DeadLettered": "Count",
    "Unresolved": "Count",
    "UnreadableRecords": "Count",
    "MissingImages": "Count",
    "SystemicFailures": "Count",
    "BlockedTargets": "Count",
    "DeadLettersNotWritten": "Count",
    "NotGivenUp": "Count",
    "FailedBatches": "Count",
    "StaleSecrets": "Count",
    "Lag": "Seconds",
}
"""Every metric with its unit, always all of them: an alarm needs the zeros."""

_OF_RULES = {
    "Matched": "matched",
    "ConditionErrors": "condition_errors",
    "Delivered": "delivered",
    "Retried": "retried",
    "Superseded": "superseded",
    "Skipped": "skipped",
    "DeadLettered": "dead_lettered",
    "Unresolved": "unresolved",
}


Concerns = tuple[Collection[str], Collection[str]]
"""Tables and kinds of records of a rule."""


def _none() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Metrics:
    """Writes the lines of one rule set's invocations. Make one with `Metrics.of`."""

    write: Callable[[str], object]
    rules: Mapping[str, Concerns]
    needs: Mapping[str, Images]
    stale_secrets: Callable[[], int] = _none
    rules_hash: str = ""

    @classmethod
    def of(
        cls,
        rule_set: RuleSet,
        write: Callable[[str], object],
        stale_secrets: Callable[[], int] = _none,
        rules_hash: str = "",
    ) -> Metrics:
        """Reads no rule of a bundle: it brings what is asked for here. `stale_secrets` says how many could
        not be read, `rules_hash` is the SHA-256 of the bundle."""
        if rule_set.outlines is None or rule_set.surroundings is None:
            concerns = {rule.id: (rule.tables, kinds_of(rule)) for rule in rule_set.rules}
            return cls(write, concerns, images_wanted(rule_set.rules), stale_secrets, rules_hash)
        outlines = {each.rule_id: (each.tables, each.kinds) for each in rule_set.outlines}
        return cls(write, outlines, dict(rule_set.surroundings.images), stale_secrets, rules_hash)

    def emit(
        self,
        report: Report,
        records: Sequence[StreamRecord | MalformedRecord],
        function: str | None,
        now: float,
    ) -> None:
        """`function` is the name of the function, `now` is in seconds since 1970."""
        missing = missing_images(records, self.needs)
        who = {"rules_hash": self.rules_hash}
        if records:
            # Cut: nobody has looked at the ids of records that cannot be read.
            first, last = records[0].failure_id[:128], records[-1].failure_id[:128]
            who |= {"first_record": first, "last_record": last}
        self.write(metrics_line(report, self.rules, who, missing, self.stale_secrets(), function, now))


def metrics_line(
    report: Report,
    rules: Mapping[str, Concerns],
    who: Mapping[str, str],
    missing_images: int,
    stale_secrets: int,
    function: str | None,
    now: float,
) -> str:
    """The line for what `report` has counted. `rules` says what each of them concerns, by id; `who` is to
    stand in the line, and says by which rules and for which records; `now` is in seconds since 1970."""
    shown = {rule_id: _of_rule(report, rule_id, rules.get(rule_id)) for rule_id in report.rules}
    entry: dict[str, Any] = {
        "_aws": {
            "Timestamp": int(now * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE if function is None else f"{NAMESPACE}/{function}",
                    "Dimensions": [[]],
                    "Metrics": [{"Name": name, "Unit": unit} for name, unit in UNITS.items()],
                }
            ],
        },
        **_totals(report, missing_images, stale_secrets),
        **who,
        "rules": shown,
    }
    line = dumps(entry)
    by_matches = sorted(shown, key=lambda rule_id: report.rules[rule_id].matched, reverse=True)
    while len(line.encode()) >= LIMIT_BYTES and by_matches:
        # A fifth at a time: what is left out are those that matter least.
        by_matches = by_matches[: len(by_matches) * 4 // 5]
        entry["rules"] = {rule_id: shown[rule_id] for rule_id in by_matches}
        entry["rules_left_out"] = len(shown) - len(by_matches)
        line = dumps(entry)
    return line


def missing_images(records: Iterable[StreamRecord | MalformedRecord], expected: Mapping[str, Images]) -> int:
    """How many records lack an image that the rules of their table count on."""
    return sum(_lacks(record, expected) for record in records)


def _lacks(record: Any, expected: Mapping[str, Images]) -> bool:
    needs = expected.get(getattr(record, "table", ""))
    if needs is None:
        return False
    new, old = needs
    if new and record.new_raw is None and record.event_name != "REMOVE":
        return True
    return old and record.old_raw is None and record.event_name != "INSERT"


def _totals(report: Report, missing: int, stale: int) -> dict[str, float]:
    counts = report.rules.values()
    totals: dict[str, float] = {
        metric: sum(getattr(each, name) for each in counts) for metric, name in _OF_RULES.items()
    }
    return {
        "Records": report.kinds.total() + report.unreadable,
        **totals,
        "UnreadableRecords": report.unreadable,
        "MissingImages": missing,
        "SystemicFailures": report.classes["systemic"],
        "BlockedTargets": report.classes["blocked"],
        "DeadLettersNotWritten": report.not_buried,
        "NotGivenUp": report.not_given_up,
        "FailedBatches": int(report.is_failed),
        "StaleSecrets": stale,
        "Lag": round(max((each.lag_seconds for each in counts), default=0.0), 3),
    }


def _of_rule(report: Report, rule_id: str, rule: Concerns | None) -> dict[str, float]:
    counts = report.rules[rule_id]
    found: dict[str, float] = {} if rule is None else {"evaluated": _evaluated(report, rule)}
    found |= {name: number for name in _OF_RULES.values() if (number := getattr(counts, name))}
    if counts.delivered:
        found["lag"] = round(counts.lag_seconds, 3)
    return found


def _evaluated(report: Report, rule: Concerns) -> int:
    """How many records were of the rule's tables and kinds."""
    tables, kinds = rule
    return sum(
        number
        for (table, event, expired), number in report.kinds.items()
        if table in tables and ("EXPIRE" if expired else event) in kinds
    )
