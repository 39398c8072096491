"""What the language server knows of a place, with the cursor drawn as `‸`, and that no text is too broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules_engine.actions import ACTIONS
from rules_engine.errors import Location
from rules_engine.expression.functions import FUNCTIONS
from rules_engine.lsp.completion import complete
from rules_engine.lsp.definition import define
from rules_engine.lsp.hover import hover
from rules_engine.lsp.outline import LINE_END, read_outline
from rules_engine.schema import RECORD_SHAPE, rules_schema
from rules_engine.source import parse_source

ROOT = Path(__file__).parent.parent

FILE = """\
version: 1
vars: {big: 1000}
lists:
  testers: [t-1]
conditions:
  vip: new.customer.tier == 'gold'
rules:
  - id: order-shipped
    table: orders
    ‸
    tests:
      - name: a
        record:
          event: MODIFY
          keys: {order_id: o-1}
          old: {status: PACKED, customer: {tier: gold}}
          new: {status: SHIPPED, customer: {tier: gold, "e-mail": x}, items: [{sku: a, qty: 1}]}
"""

RULE = rules_schema()["properties"]["rules"]["items"]


def cursor(text: str) -> tuple[str, int, int]:
    """The text without its cursor, and where that was."""
    before = text[: text.index("‸")].split("\n")
    return text.replace("‸", ""), len(before) - 1, len(before[-1])


def labels(written: str, path: str = "rules/a.yaml", file: str = FILE) -> list[str]:
    """What is proposed at the cursor of `written`, which stands in a rule of FILE."""
    text, line, column = cursor(file.replace("‸", written))
    return [one.label for one in complete(path, text, line, column, ["order-shipped", "other"])]


RULE_KEYS = [key for key in RULE["properties"] if key not in ("id", "table", "tests")]


@pytest.mark.parametrize(
    ("written", "proposed"),
    [
        ("‸", RULE_KEYS),
        ("ev‸", ["event"]),
        ("ev‸: MODIFY", ["event"]),
        ("event: ‸", ["INSERT", "MODIFY", "REMOVE", "EXPIRE"]),
        ("event: [INSERT, M‸", ["MODIFY"]),
        ("event:\n      - RE‸", ["REMOVE"]),
        ("enabled: ‸", ["true", "false"]),
        ("view: KEYS‸", ["KEYS_ONLY"]),
        ("description: ‸", []),
        ("# when: ‸", []),
        ("unless:\n      - na‸", ["name"]),
        ("unless:\n      ‸", ["name", "when", "reason", "expires"]),
        ("actions:\n      - ‸", ["id", "type", "mode", "on_error", "timeout_seconds"]),
        ("actions:\n      - type: ‸", sorted(ACTIONS)),
        ("actions: [{type: ‸", sorted(ACTIONS)),
        ("actions: [{type: log, id: a, mode: once, ‸}]", ["on_error", "timeout_seconds", "level", "message",
         "fields"]),
        ("actions:\n      - type: log\n        lev‸", ["level"]),
        ("actions:\n      - lev‸\n        type: log", ["level"]),
        ("actions:\n      - type: sns\n        on_error: d‸", ["dead_letter"]),
        ("actions:\n      - type: webhook\n        method: ‸", ["POST", "PUT"]),
        ("actions:\n      - type: table\n        update:\n          ‸", ["key", "set", "add", "remove"]),
        ("actions:\n      - type: log\n        message: ord‸", []),
        ("actions:\n      - type: log\n        message: \"{{ new.st‸ }}\"", ["status"]),
        ("actions:\n      - {type: log, message: \"{{ keys.‸ }}\"}", ["order_id"]),
        ("actions:\n      - type: log\n        message: \"{{ keys.order_id }} ‸\"", []),
        ("when: is.‸", ["vip"]),
        ("when: vars.‸", ["big"]),
        ("when: contains(lists.te‸", ["testers"]),
        ("when: new.‸", ["status", "customer", "items"]),
        ("when: new.customer.‸", ["tier", "e-mail"]),
        ("when: changed(&st‸", ["status"]),
        ("when: changed(&customer.t‸", ["tier"]),
        ("when: old.items[0].‸", ["sku", "qty"]),
        ("when: new.items[].s‸", ["sku"]),
        ("when: new.items[?s‸", ["sku", "sort", "sort_by", "starts_with", "sum"]),
        ("when: new.items[?sku == 'a' && (q‸", ["qty"]),
        ("when: new.items[?qty > vars.‸", ["big"]),
        ("when: new.items[?sku == new.‸", []),
        ("when: new.items[?ke‸", ["keys"]),
        ("when: new.items[?sku == 'new.total[?'] || ol‸", ["old"]),
        ("when: new.items[*].{a: q‸", ["qty"]),
        ("when: new.items[‸", []),
        ("when: new.items | n‸", ["not_null"]),
        ("when: sort_by(new.items, &‸", ["sku", "qty"]),
        ("when: contains(map(&sku, new.items), new.‸", ["status", "customer", "items"]),
        ("when: map(&‸", []),
        ("when: changed(&items[0].‸", ["sku", "qty"]),
        ("when: bec‸", ["became"]),
        ("when: became(&status, 'SHI‸", []),
        ("when: new.total > `1‸", []),
        ("when: cre‸", ["createdAt"]),
        ("when:\n      - new.total > vars.b‸", ["big"]),
        ("when: |\n      is.v‸", ["vip"]),
        ("when: >-\n      is.vip &&\n      keys‸", ["keys", "keys"]),
        ("when: 'new.status == ''A'' && is.‸", ["vip"]),
        ("when: \"is.‸\"", ["vip"]),
        ("when: [is.vip, is.‸]", ["vip"]),
    ],
)  # fmt: skip
def test_completion_proposes_what_may_stand_there(written: str, proposed: list[str]) -> None:
    assert labels(written) == proposed


def test_completion_offers_fields_and_then_functions_where_a_word_begins() -> None:
    own = ["vars", "lists", "is"]
    fields = ["new", "old", "keys", "eventName", "eventID", "table", "expired", "createdAt", "awsRegion"]
    proposed = labels("when: ‸")
    assert proposed[: len(fields) + 4] == [*fields, "sequenceNumber", *own]
    assert sorted(proposed[len(fields) + 4 :]) == sorted(FUNCTIONS)


def test_a_named_condition_is_not_made_of_itself() -> None:
    assert labels("‸", file="conditions:\n  a: new.x == 'y'\n  b: is.‸") == ["a"]


def test_completion_offers_no_names_of_sections_that_the_file_lacks() -> None:
    assert "vars" not in labels("‸", file="rules:\n  - when: ‸")


def test_completion_knows_the_records_of_tests() -> None:
    assert labels("tests:\n      - record:\n          ‸") == list(RECORD_SHAPE["properties"])


@pytest.mark.parametrize(
    ("file", "proposed"),
    [
        ("tests:\n  - ‸", ["name", "record", "record_file", "expect", "rule", "matches"]),
        ("tests:\n  - rule: or‸", ["order-shipped"]),
        ("tests:\n  - matches: [other, ‸]", ["order-shipped", "other"]),
        ("tests:\n  - matches:\n      - ‸", ["order-shipped", "other"]),
        ("‸", ["version", "tests"]),
    ],
)
def test_completion_in_a_test_file(file: str, proposed: list[str]) -> None:
    assert labels("‸", "rules/a.test.yaml", file) == proposed


@pytest.mark.parametrize(
    ("written", "inserted"),
    [
        ("ev‸", "event: "),
        ("act‸", "actions:"),
        ("unless:\n      na‸", "- name: "),
        ("when: new.customer.e‸", '"e-mail"'),
        ("when: pres‸", "present("),
    ],
)
def test_completion_writes_what_goes_on(written: str, inserted: str) -> None:
    text, line, column = cursor(FILE.replace("‸", written))
    (one,) = complete("rules/a.yaml", text, line, column, [])
    before = LINE_END.split(text)[line][:column]
    assert (one.insert, one.end) == (inserted, column)
    assert before[one.start :] in ("ev", "act", "na", "e", "pres")


@pytest.mark.parametrize(
    ("written", "first_line"),
    [
        ("ev‸ent: MODIFY", "**event** Kind of change, or a list of kinds; without it all kinds."),
        ("actions:\n      - ty‸pe: log", "**type** Which kind of action this is; it decides what other keys "
         "there are."),
        ("actions: [{type: log, le‸vel: info}]", "**level** Level of the line."),
        ("when: ne‸w.total > `1`", "**new** The item after the change; null in a removal."),
        ("when: is.v‸ip", "**is.vip** of this file"),
        ("when: i‸s.vip", "**is** Named conditions of this file: `is.NAME`."),
        ("actions:\n      - type: log\n        message: \"{{ vars.bi‸g }}\"", "**vars.big** of this file"),
    ],
)  # fmt: skip
def test_hover_says_what_stands_there(written: str, first_line: str) -> None:
    text, line, column = cursor(FILE.replace("‸", written))
    found = hover("rules/a.yaml", text, line, column)
    assert found is not None
    assert found.markdown.split("\n")[0] == first_line


def test_hover_on_a_function_shows_how_it_is_called() -> None:
    text, line, column = cursor(FILE.replace("‸", "when: bec‸ame(&status, 'A')"))
    found = hover("rules/a.yaml", text, line, column)
    assert found is not None
    assert found.markdown == (
        "```\nbecame(&path, any)\n```\n\n"
        "Whether the attribute has the value in the new image, and had not in the old.\n\n"
        "Example: `` became(&status, 'SHIPPED') ``"
    )
    assert (found.start, found.end) == (10, 16)


def test_hover_on_a_key_shows_its_values_its_default_and_an_example() -> None:
    text, line, column = cursor(FILE.replace("‸", "actions: [{type: log, lev‸el: info}]"))
    found = hover("rules/a.yaml", text, line, column)
    assert found is not None
    assert found.markdown == (
        "**level** Level of the line.\n\n"
        "One of `debug`, `info`, `warning`, `error`.\n\n"
        "Default: `info`.\n\n"
        "```yaml\nlevel: warning\n```"
    )


@pytest.mark.parametrize(
    "written", ["when: new.st‸atus == 'A'", "description: ne‸w", "when: nothing(‸1)", "‸", "when: is.no‸ne"]
)
def test_hover_is_silent_where_nothing_is_known(written: str) -> None:
    text, line, column = cursor(FILE.replace("‸", written))
    assert hover("rules/a.yaml", text, line, column) is None


@pytest.mark.parametrize(
    ("written", "where"),
    [
        ("when: is.vi‸p", Location("rules/a.yaml", 6, 3, 3)),
        ("when: new.total > vars‸.big", Location("rules/a.yaml", 2, 8, 3)),
        ("when: contains(lists.testers‸, 'a')", Location("rules/a.yaml", 4, 3, 7)),
        ("when: ne‸w.total", None),
        ("description: is.vi‸p", None),
    ],
)
def test_a_name_leads_to_its_definition(written: str, where: Location | None) -> None:
    text, line, column = cursor(FILE.replace("‸", written))
    assert define("rules/a.yaml", text, line, column, {}) == where


SEEDS = [path.read_text() for path in sorted((ROOT / "rules_engine/cli/starter/rules").glob("*.yaml"))]
SEEDS += [path.read_text() for path in sorted((ROOT / "rules").rglob("*.yaml"))]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_outline_of_a_sound_file_has_exactly_the_keys_of_its_tree(seed: str) -> None:
    root, problems = parse_source("a.yaml", seed.encode())
    assert (problems, root is not None) == ([], True)
    keys = []
    nodes = [(root, ())]
    for node, path in nodes:
        assert node is not None
        nodes += [(one, (*path, None)) for one in node.items()]
        for key, one in node.entries():
            keys.append((*path, key, node.keys[key].location.line))
            nodes.append((one, (*path, key)))
    entries = read_outline(seed).entries
    assert sorted([(*one.path, one.key, one.line + 1) for one in entries], key=str) == sorted(keys, key=str)


PIECES = [
    "{{", "}}", "${", "}", "[", "]", "{", "- ", ": ", "'", '"', "`", "\n", "\n  ", "\t", "!", "&", "*", "|",
    ">-", "#", "\r\n", "\r", "1e400", "new.", "is.", "vars.", "&&", "when: ", "actions:", "tests:",
    "type: log", "? ", "\u202e", "\ud83d", "\U0001f600", "é", "\u2028", "\x00",
]  # fmt: skip


@st.composite
def broken_texts(draw: st.DrawFn) -> tuple[str, int, int]:
    """A rule file with a few random edits, and a place near one of them."""
    text = draw(st.sampled_from(SEEDS))
    at = 0
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.sampled_from([0, 0, 1, 7, 300])))
        piece = "".join(draw(st.lists(st.sampled_from(PIECES), max_size=3)))
        text = text[:at] + piece + text[end:]
        at += len(piece)
    before = LINE_END.split(text[:at])
    return text, len(before) - 1, max(0, len(before[-1]) + draw(st.integers(-3, 3)))


@given(broken_texts())
@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_text_is_too_broken(case: tuple[str, int, int]) -> None:
    text, line, column = case
    width = len(LINE_END.split(text)[line])
    for path in ("rules/a.yaml", "rules/a.test.yaml"):
        for one in complete(path, text, line, column, ["a"]):
            assert 0 <= one.start <= one.end <= width
            assert one.insert
        found = hover(path, text, line, column)
        assert found is None or 0 <= found.start < found.end <= width
        place = define(path, text, line, column, {"a": Location("b.yaml", 1, 1)})
        assert place is None or place.length > 0
