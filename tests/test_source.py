"""Bytes of YAML to a tree: values, places, limits, and mistakes in the author's words."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules_engine.errors import Location
from rules_engine.source import Node, SourceFile, parse_source, reader
from rules_engine.source.spans import origins


def parse(text: str) -> Node:
    root, problems = parse_source("rules.yaml", text.encode())
    assert problems == []
    assert root is not None
    return root


def refused(data: str | bytes) -> tuple[str, str, str]:
    """(code, message, place) of the only problem."""
    root, problems = parse_source("rules.yaml", data if isinstance(data, bytes) else data.encode())
    (problem,) = problems
    assert root is None or problem.severity == "error"
    return problem.code, problem.message, str(problem.location)


def scalars(node: Node) -> list[Node]:
    if node.kind == "scalar":
        return [node]
    below = [found for child in node.items() for found in scalars(child)]
    for key, child in node.entries():
        below += [node.keys[key], *scalars(child)]
    return below


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("NULL", None), ("true", True), ("FALSE", False),
        ("0", 0), ("-17", -17), ("+3", 3), ("0o17", 15), ("0xFF", 255), ("1.0", Decimal("1.0")),
        ("12.50", Decimal("12.50")), (".5", Decimal("0.5")), ("-1e3", Decimal("-1E+3")), ("5.", Decimal(5)),
        ("1" * 38, int("1" * 38)), ("1e125", Decimal("1E+125")), ("1e-130", Decimal("1E-130")),
    ],
)  # fmt: skip
def test_the_core_schema_knows_null_booleans_and_exact_numbers(text: str, value: Any) -> None:
    found = parse(f"key: {text}").get("key")
    assert found is not None
    assert (found.value, type(found.value)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    ["on", "off", "yes", "no", "y", "True!", "tRUE", "2027-06-30", "2001-12-14t21:59:43", "010", "-010",
     "00", "1:30", "190:20:30", "1_000", "0b11", "1e", "e5", "..", "+", "-.", "0x", "0o8", "١٢", "1,5", "="],
)  # fmt: skip
def test_everything_else_is_text(text: str) -> None:
    found = parse(f"key: {text}").get("key")
    assert found is not None
    assert found.value == text


@pytest.mark.parametrize("text", ["1", "true", "null", "", "~", "2.5"])
def test_a_quoted_scalar_is_text(text: str) -> None:
    assert parse(f"[\"{text}\", '{text}']").plain() == [text, text]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".inf", "'.inf' is not a number that a table can hold"),
        ("-.INF", "'-.INF' is not a number that a table can hold"),
        (".nan", "'.nan' is not a number that a table can hold"),
        ("1" * 39, "a number can have at most 38 digits"),
        ("1." + "1" * 38, "a number can have at most 38 digits"),
        ("0x" + "f" * 5000, "a number can have at most 38 digits"),
        ("9" * 5000, "a number can have at most 38 digits"),
        ("1e126", "the exponent of a number must lie between -130 and 125"),
        ("1e-131", "the exponent of a number must lie between -130 and 125"),
        ("1e99999999999999999999", "the exponent of a number must lie between -130 and 125"),
    ],
)
def test_a_number_that_dynamodb_cannot_hold_is_refused(text: str, message: str) -> None:
    assert refused(f"key: {text}") == ("RE109", message, "rules.yaml:1:6")


def test_every_node_and_key_has_its_place() -> None:
    root = parse("rules:\n  - id: a\n    when: [x, 'y z']\n    é: {b: 1}\n")
    rule = root.value["rules"].value[0]
    assert rule.location == Location("rules.yaml", 2, 5, 5)
    assert rule.keys["when"].location == Location("rules.yaml", 3, 5, 4)
    assert rule.value["when"].location == Location("rules.yaml", 3, 11, 10)
    assert rule.value["when"].value[1].location == Location("rules.yaml", 3, 15, 5)
    assert rule.value["é"].value["b"].location == Location("rules.yaml", 4, 12, 1)


def test_bom_and_any_line_end_change_no_place() -> None:
    for line_end in ("\n", "\r\n", "\r"):
        text = line_end.join(["\ufeffa: 1", "b:", "  - c"])
        root, problems = parse_source("r.yaml", text.encode())
        assert problems == []
        assert root is not None
        assert root.plain() == {"a": 1, "b": ["c"]}
        assert root.value["b"].value[0].location == Location("r.yaml", 3, 5, 1)


def test_an_empty_file_is_an_empty_value() -> None:
    for text in ("", "\n\n", "# only a comment\n", "---\n", "---\n...\n"):
        assert parse(text).plain() is None


CASES = {
    "plain": ("k: ab cd", 3, 2, (1, 7, 2)),
    "plain over two lines": ("k: ab\n  cd ef", 3, 2, (2, 3, 2)),
    "single quotes": ("k: 'a''b c'", 4, 1, (1, 10, 1)),
    "double quotes": ('k: "\\u00e9\\tx\\"y"', 3, 1, (1, 14, 2)),
    "literal block": ("k: |\n  ab\n   cd\n", 4, 2, (3, 4, 2)),
    "folded block": ("k: >-\n\n    ab\n    cd\n", 4, 2, (4, 5, 2)),
    "block with an indent of its own": ("k: |1\n   ab\n", 2, 2, (2, 4, 2)),
    "longer than its line": ("k: ab\n  cd ef", 1, 6, (1, 5, 1)),
    "just behind the text": ("k: 'ab'", 2, 1, (1, 7, 1)),
    "behind an empty text": ("k: ''", 0, 1, (1, 5, 1)),
}


@pytest.mark.parametrize(("text", "start", "length", "place"), CASES.values(), ids=CASES.keys())
def test_a_part_of_a_text_is_located_in_the_file(
    text: str, start: int, length: int, place: tuple[int, int, int]
) -> None:
    assert parse(text).value["k"].locate(start, length) == Location("rules.yaml", *place)


ESCAPES = {**yaml.scanner.Scanner.ESCAPE_REPLACEMENTS, "\t": "\t"}


def produced(node: Node, offset: int, character: str) -> bool:
    """Whether the file has, at the place of `value[offset]`, what makes `character`."""
    place = node.locate(offset)
    line = node.source.line(place.line) + "\n"
    written = line[place.column - 1 :]
    if node.style == '"' and written[0] == "\\":
        digits = {"x": 2, "u": 4, "U": 8}.get(written[1])
        return character == (chr(int(written[2 : 2 + digits], 16)) if digits else ESCAPES[written[1]])
    if node.style == "'" and character == "'":
        return written[:2] == "''"
    if written[0] == "\n":
        return character in " \n"
    return written[0] == character


def assert_every_character_is_located(node: Node) -> None:
    if not isinstance(node.value, str) or node.start == node.end:
        return
    places = origins(node.source.text[node.start : node.end], node.style, node.value)
    assert places is not None
    assert all(before[1] <= after[0] for before, after in pairwise(places))
    for offset, character in enumerate(node.value):
        assert produced(node, offset, character), (offset, character)


WORDS = st.text(alphabet=" \n\tab'\"\\é😀#:-[{&*`@%|>,!", max_size=60)


@given(WORDS, st.sampled_from([None, "'", '"', "|", ">"]), st.integers(5, 30), st.booleans())
@settings(max_examples=400)
def test_every_character_of_a_written_text_is_located(
    value: str, style: str | None, width: int, unicode: bool
) -> None:
    node = yaml.MappingNode("tag:yaml.org,2002:map", [])
    text_node = yaml.ScalarNode("tag:yaml.org,2002:str", value, style=style)
    node.value = [(yaml.ScalarNode("tag:yaml.org,2002:str", "k"), text_node)]
    text = yaml.serialize(node, width=width, allow_unicode=unicode)
    root, problems = parse_source("r.yaml", text.encode())
    if root is None or problems:  # a tab in a plain text, or `!!str` before what only looks like text
        assert {problem.code for problem in problems} <= {"RE103", "RE105"}
        return
    assert_every_character_is_located(root.value["k"])


@given(st.text(alphabet=" \n\ta'\"\\é#:-[]{},|>", max_size=40))
@example("|2\n   a\n\n  b\n\n")
@example(">+\n a\n\n  b\n c\n d\n\n\n")
@example("|+\n\n\n")
@example(">\n\n  a\n\n\n  b\n")
@settings(max_examples=400)
def test_every_character_of_any_text_is_located(text: str) -> None:
    root, _ = parse_source("r.yaml", ("k: " + text.replace("\n", "\n  ")).encode())
    if root is not None:
        for node in scalars(root):
            assert_every_character_is_located(node)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[? ", "[{a: b, c: "])
def test_any_nesting_stops_at_the_limit(opening: str) -> None:
    for text in (opening * 40_000, opening * 500_000, f"k: {opening * 40_000}"):
        data = text.encode()[: reader.MOST_BYTES]
        _, problems = parse_source("r.yaml", data)
        assert [problem.code for problem in problems][-1] in ("RE110", "RE102", "RE107")


def test_nesting_up_to_the_limit_is_read() -> None:
    assert parse("[" * 32 + "]" * 32).kind == "sequence"
    assert refused("[" * 33 + "]" * 33) == (
        "RE110",
        "values are nested more than 32 levels deep",
        "rules.yaml:1:33",
    )


def test_a_file_has_at_most_a_hundred_thousand_values() -> None:
    fits = "[" + "a," * 99_999 + "]"
    assert len(parse(fits).value) == 99_999
    assert refused("[" + "a," * 100_000 + "]")[:2] == ("RE110", "the file has more than 100,000 values")


def test_a_file_has_at_most_a_mebibyte() -> None:
    assert parse("# " + "x" * (1024 * 1024 - 2)).plain() is None
    assert refused("# " + "x" * (1024 * 1024 - 1))[:2] == (
        "RE110",
        "the file is larger than 1 MiB (1,048,577 bytes)",
    )


def test_a_file_with_a_thousand_problems_is_read_no_further() -> None:
    root, problems = parse_source("r.yaml", b"- !a b\n" * 5_000)
    assert root is None
    assert [problem.code for problem in problems] == ["RE105"] * 1_000 + ["RE110"]
    assert str(problems[-1].location) == "r.yaml:1000:7"


def test_bytes_that_are_not_utf_8_are_told_with_their_place() -> None:
    assert refused(b"a: 1\nb: \xe9t\xe9\n") == (
        "RE101",
        "this file is not UTF-8: byte 0xe9 stands for no character",
        "rules.yaml:2:4",
    )
    assert refused("a: 1".encode("utf-16"))[1] == "this file is UTF-16; a rule file must be UTF-8"


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x7f", "\x85", "\u200b", "\u202e", "\u2066", "\ufeff"]
)
def test_characters_that_hide_are_refused(character: str) -> None:
    code = f"{ord(character):04X}"
    message = f"the invisible character U+{code} is not allowed in a rule file"
    assert refused(f"a: 1\nb: x{character}y") == ("RE111", message, "rules.yaml:2:5")


def test_a_hidden_character_may_be_written_as_an_escape() -> None:
    assert parse('"a\\u202eb"').value == "a\u202eb"


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: &x 1", "RE105", "1:4"), ("a: [&x b]", "RE105", "1:5"), ("a: !!str b", "RE105", "1:4"),
        ("a: ! b", "RE105", "1:4"), ("a: !x [b]", "RE105", "1:4"), ("<<: {a: b}", "RE105", "1:1"),
        ("a: 1\n---\nb: 2", "RE105", "2:1"), ("%TAG ! tag:x,1:\n---\na: 1", "RE105", "1:1"),
        ("1: a", "RE107", "1:1"), ("true: a", "RE107", "1:1"), ("? [a]\n: b", "RE107", "1:3"),
        ("~: a", "RE107", "1:1"), (": a", "RE102", "1:1"), ("1.5: a", "RE107", "1:1"),
        ("a: {b}", "RE102", "1:5"), ("a: {b:1}", "RE102", "1:5"), ("a:\t1", "RE103", "1:3"),
    ],
)  # fmt: skip
def test_what_a_rule_file_does_not_need_is_refused(text: str, code: str, place: str) -> None:
    assert refused(text)[0::2] == (code, f"rules.yaml:{place}")


def test_an_alias_is_refused_where_it_stands() -> None:
    _, problems = parse_source("r.yaml", b"a: &x 1\nb: *x\n")
    assert [(problem.code, str(problem.location)) for problem in problems] == [
        ("RE105", "r.yaml:1:4"),
        ("RE105", "r.yaml:2:4"),
    ]


def test_a_key_that_stands_twice_is_told_with_both_places() -> None:
    root, (problem,) = parse_source("r.yaml", b"a:\n  b: 1\n  c: 2\n  'b': 3\n")
    assert (problem.code, str(problem.location)) == ("RE104", "r.yaml:4:3")
    assert problem.related == ((Location("r.yaml", 2, 3, 1), "first defined here"),)
    assert root is not None
    assert root.plain() == {"a": {"b": 1, "c": 2}}


def test_tabs_are_fine_in_quotes_blocks_and_comments() -> None:
    text = "a: 'x\ty'\nb: \"x\ty\"  #\tcomment\n#\tcomment\nc: |\n  x\ty\n  \td\n"
    assert parse(text).plain() == {"a": "x\ty", "b": "x\ty", "c": "x\ty\n\td\n"}


FILES = sorted((Path(__file__).parent / "cases/validate").glob("*/*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_pure_parser_gives_the_same_trees_and_problems(path: Path) -> None:
    try:
        source = SourceFile(path.name, path.read_text())
    except UnicodeDecodeError:
        return
    root, problems = reader.parse_pure(source)
    fast_root, fast_problems = reader.parse_fast(source)
    assert problems == fast_problems
    assert (root is None) == (fast_root is None)
    if root is not None and fast_root is not None:
        assert root.plain() == fast_root.plain()
        places = [str(node.location) for node in scalars(root)]
        assert places == [str(node.location) for node in scalars(fast_root)]


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_bytes_give_a_tree_or_problems(data: bytes) -> None:
    root, problems = parse_source("r.yaml", data)
    assert root is not None or problems


@given(st.text(alphabet="ab:- \n\t'\"[]{},&*!|>%@`#?\\<~0.1", max_size=80))
@settings(max_examples=600)
def test_any_text_gives_a_tree_or_problems_with_places_in_it(text: str) -> None:
    root, problems = parse_source("r.yaml", text.encode())
    assert root is not None or problems
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for problem in problems:
        place = problem.location
        assert 1 <= place.line <= len(lines)
        assert 1 <= place.column <= len(lines[place.line - 1]) + 1
        assert problem.source_line == lines[place.line - 1]
        assert place.length >= 1
        assert problem.hint
