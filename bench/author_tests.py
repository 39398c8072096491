"""Tests for the rules of the workload, as an author would have written them: two for each rule.

In: described rules and a folder. Out: `*.test.yaml` files. One record that the rule is to match, where one of
the workload's does, and one that it is not, each with the attributes that the rule reads. What must come of
it is said by `bench.reference`, so a run in which a test fails is a wrong answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bench.reference import Reference, decode_record
from bench.workload import RULES_PER_FILE, records
from rules_engine import exact_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.workload import DescribedRule

_RECORDS = 1_000
_ALWAYS = {"order_id", "status", "total"}

_attributes = re.compile(r"(?:\b(?:new|old)\.|&)(\w+)").findall


def write_test_files(described: list[DescribedRule], folder: Path) -> int:
    """How many tests there are."""
    given = records(number=_RECORDS)
    decoded = [decode_record(record) for record in given]
    matches = Reference(given).matches([entry.description for entry in described])
    pairs = {(position, number) for number, positions in enumerate(matches) for position in positions}
    first = dict(sorted(pairs, reverse=True))
    tests = 0
    for start in range(0, len(described), RULES_PER_FILE):
        lines = ["version: 1", "tests:"]
        for position, entry in enumerate(described[start : start + RULES_PER_FILE], start):
            other = (position + 1) % _RECORDS
            for number in sorted({position % _RECORDS, first.get(position, other)}):
                lines += _test(entry, decoded[number], (position, number) in pairs)
                tests += 1
        path = folder / f"rules-{start // RULES_PER_FILE:04d}.test.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tests


def _test(entry: DescribedRule, record: dict[str, Any], expected: bool) -> Iterator[str]:
    rule = entry.rule
    texts = [
        *rule.when,
        *(text for each in rule.unless for text in each.when),
        *rule.scope.conditions.values(),
    ]
    read = _ALWAYS | {name for text in texts for name in _attributes(text)}
    yield f"  - name: {'it matches' if expected else 'it does not match'}"
    yield f"    rule: {rule.id}"
    yield "    record:"
    yield f"      event: {'EXPIRE' if record['expired'] else record['eventName']}"
    image = record["new"] or record["old"]
    yield f"      keys: {{order_id: {image['order_id']}}}"
    for name in ("old", "new"):
        if record[name] is not None:
            kept = {key: value for key, value in record[name].items() if key in read}
            # JSON is YAML too.
            yield f"      {name}: {exact_json.dumps(kept)}"
    yield f"    expect: {{match: {'true' if expected else 'false'}}}"
