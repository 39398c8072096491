"""One slip of the finger in a key of the language gives one problem, which says what was meant.

Every key of the starter's rules is misspelt in every way that is one slip: a character too few, one twice,
two swapped. Keys of the author's own, in items and payloads, are left alone.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = sorted((Path(__file__).parent.parent / "rules_engine/cli/starter/rules").glob("*.yaml"))
TODAY = date(2026, 1, 1)
KEYS = {
    "actions", "conditions", "defaults", "description", "event", "expect", "expires", "id", "keys", "match",
    "name", "new", "old", "owner", "reason", "record", "rules", "severity", "stopped_by", "subject", "table",
    "tags", "tests", "topic_arn", "type", "unless", "vars", "when",
}  # fmt: skip
OWN = re.compile(r"^ *(?:attributes|fields|message|put|old|new|keys|sns|log|table):(?: *$| *\{)")
"""Begins a mapping whose keys are the author's."""


def keys(text: str) -> Iterator[tuple[int, int, str]]:
    """(line, column, key) of the keys of the language."""
    below = 99
    for number, line in enumerate(text.split("\n")):
        match = re.match(r"(?P<indent> *(?:- )?)(?P<key>[a-z_]+):(?: |$)", line)
        if match is None or len(match["indent"]) > below:
            continue
        below = len(match["indent"]) if OWN.match(line) else 99
        if match["key"] in KEYS:
            yield number, match.start("key"), match["key"]


def slips(key: str) -> set[str]:
    dropped = {key[:at] + key[at + 1 :] for at in range(len(key))}
    doubled = {key[:at] + key[at] + key[at:] for at in range(len(key))}
    swapped = {key[:at] + key[at + 1] + key[at] + key[at + 2 :] for at in range(len(key) - 1)}
    return (dropped | doubled | swapped) - {key, ""}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_a_misspelt_key_is_one_problem(path: Path) -> None:
    text = path.read_text()
    lines = text.split("\n")
    tried = 0
    for number, column, key in keys(text):
        for slip in sorted(slips(key)):
            line = lines[number]
            written = line[:column] + slip + line[column + len(key) :]
            data = "\n".join([*lines[:number], written, *lines[number + 1 :]]).encode()
            _, problems = load_rules(str(path), TODAY, {str(path): data})
            said = [(problem.code, problem.location.line, problem.hint) for problem in problems]
            assert said == [("RE106", number + 1, f"did you mean '{key}'?")], written
            tried += 1
    assert tried > 50
