"""`parse` gives jmespath.py's tree with exact places, and refuses with a finding at the right place."""

from __future__ import annotations

import warnings
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError
from jmespath.parser import Parser

from rules_engine.errors import ExpressionError, Finding
from rules_engine.expression.syntax import Node, Token, parse, tokens, tokens_by_lexer
from tests.expression_strategies import expressions, mutated_expressions

if TYPE_CHECKING:
    from collections.abc import Callable

EXPRESSIONS = [
    "a",
    "a.b.c",
    "(a.b).c",
    "a.(b)",
    'new."a b"',
    "a[0]",
    "a[0][1][-1]",
    "a[0][1:2].b",
    "a[:]",
    "a[1:2:3].b[*].c",
    "a[1:2 3]",
    "[0]",
    "[::2]",
    "a[*].b[*].c",
    "a.*.b",
    "*",
    "*.*",
    "[*][0]",
    "a[]",
    "a[][].b",
    "[].a",
    "a[?b == 'c'].d[0]",
    "a[?b][]",
    "[?a]",
    "a[?b > `1` && !c || d].e",
    "a | b | c",
    "(a | b) | c",
    "a || b && c || d",
    "!a.b",
    "!(a.b)",
    "!!a",
    "a == b == c",
    "a < b",
    "a <= `1`",
    "a != b",
    "a.[b, c.d]",
    "[a, b]",
    "{a: b, c: d.e}",
    "{a: b c: d}",
    'a.{"b c": d[*].e}',
    "f(a, &b)",
    "a.f(@)",
    "(f)(a)",
    "f(a b)",
    "f(a,)",
    "f()",
    "&a || b",
    "a == &b",
    "sort_by(a, &b.c)[0]",
    "'it\\'s \\\\ raw'",
    '`"a\\`b"`',
    '`{"a": [1, 2.5, null, true]}`',
    "` 1 `",
    "`foo`",
    "``",
    " a\n.\tb ",
]


def ours(node: Node) -> Any:
    if node.type == "slice":
        return (node.type, list(node.value))
    return (node.type, inexact(node.value), [ours(child) for child in node.children])


def theirs(node: dict[str, Any]) -> Any:
    if node["type"] == "slice":
        return (node["type"], node["children"])
    return (node["type"], node.get("value"), [theirs(child) for child in node["children"]])


def inexact(value: Any) -> Any:
    """The value with floats for decimals, as jmespath.py reads literals."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [inexact(element) for element in value]
    if isinstance(value, dict):
        return {key: inexact(element) for key, element in value.items()}
    return value


def jmespath_tree(text: str) -> Any:
    """jmespath.py's tree, or None where it refuses the text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        try:
            # Not jmespath.compile: it keeps a cache of trees.
            return theirs(Parser()._do_parse(text).parsed)
        except JMESPathError:
            return None


def our_tree(text: str) -> Any:
    try:
        return ours(parse(text))
    except ExpressionError:
        return None


def refusal(text: str) -> Finding:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.text == text
    return caught.value.finding


def all_nodes(node: Node) -> list[Node]:
    return [node, *(found for child in node.children for found in all_nodes(child))]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_tree_is_that_of_jmespath(text: str) -> None:
    assert our_tree(text) == jmespath_tree(text)


@given(st.one_of(expressions(), mutated_expressions()))
def test_the_tree_is_that_of_jmespath_for_any_expression(text: str) -> None:
    assert our_tree(text) == jmespath_tree(text)


@given(st.one_of(st.text(), mutated_expressions()))
def test_any_text_gives_a_tree_or_a_finding_inside_of_it(text: str) -> None:
    try:
        node = parse(text)
    except ExpressionError as error:
        finding = error.finding
        assert 0 <= finding.start <= len(text)
        assert 1 <= finding.length <= max(1, len(text) - finding.start)
    else:
        assert all(0 <= found.start <= found.end <= len(text) for found in all_nodes(node))


@given(expressions())
def test_children_stand_within_their_parents(text: str) -> None:
    for node in all_nodes(parse(text)):
        assert all(node.start <= child.start <= child.end <= node.end for child in node.children)


def test_every_node_knows_how_it_was_written() -> None:
    node = parse(" (new.items)[?qty > `1.50`].sku || contains( \"a b\", 'x')")
    written = [(found.type, found.text) for found in all_nodes(node) if found.type != "identity"]
    assert written == [
        ("or_expression", "(new.items)[?qty > `1.50`].sku || contains( \"a b\", 'x')"),
        ("filter_projection", "(new.items)[?qty > `1.50`].sku"),
        ("subexpression", "new.items"),
        ("field", "new"),
        ("field", "items"),
        ("field", "sku"),
        ("comparator", "qty > `1.50`"),
        ("field", "qty"),
        ("literal", "`1.50`"),
        ("function_expression", "contains( \"a b\", 'x')"),
        ("field", '"a b"'),
        ("literal", "'x'"),
    ]


def test_a_name_knows_whether_it_follows_a_dot() -> None:
    def dotted(text: str) -> list[tuple[str, bool]]:
        return [(node.value, node.follows_dot) for node in all_nodes(parse(text)) if node.type == "field"]

    assert dotted("a . b") == [("a", False), ("b", True)]
    assert dotted("a[*].b") == [("a", False), ("b", True)]
    assert dotted("a[?b].[c]") == [("a", False), ("c", False), ("b", False)]


def test_literals_are_exact() -> None:
    values = [parse(f"`{text}`").value for text in ("0.1", "1.10", "12345678901234567890.5", "7", "1e2")]
    assert values == [Decimal("0.1"), Decimal("1.10"), Decimal("12345678901234567890.5"), 7, Decimal("1e2")]
    assert [str(value) for value in values] == ["0.1", "1.10", "12345678901234567890.5", "7", "1E+2"]


def test_tokens_have_exact_places() -> None:
    text = "a >= `\"x\"` && 'it\\'s' [-10]"
    found = [(token.type, text[token.start : token.end], token.value) for token in tokens(text)]
    assert found == [
        ("unquoted_identifier", "a", "a"),
        ("gte", ">=", ">="),
        ("literal", '`"x"`', "x"),
        ("and", "&&", "&&"),
        ("literal", "'it\\'s'", "it's"),
        ("lbracket", "[", "["),
        ("number", "-10", -10),
        ("rbracket", "]", "]"),
        ("eof", "", ""),
    ]


PIECES = [
    *("a", "Z", "_", "0", "7", "-", ".", "*", "[", "]", "[]", "[?", "{", "}", "(", ")", ",", ":", "@", "&"),
    *("|", "!", "<", ">", "=", "==", "'", '"', "`", "\\", " ", "\t", "\n", "\v", "\x00", "\u00a0", "é", "''"),
    *('"b"', "`1.10`", "`foo`", "`NaN`", "`1e5000`", "`[1, 2]`", "'\\''", "`\\``", '"\\u0041"'),
]


def tokens_or_finding(read: Callable[[str], list[Token]], text: str) -> Any:
    try:
        return [(*token, type(token.value)) for token in read(text)]
    except ExpressionError as error:
        return error.finding


@settings(max_examples=1000)
@given(mutated_expressions() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_the_pattern_reads_what_the_lexer_reads(text: str) -> None:
    assert tokens_or_finding(tokens, text) == tokens_or_finding(tokens_by_lexer, text)


@pytest.mark.parametrize(
    ("text", "message", "start", "length"),
    [
        ("", "the expression is empty", 0, 1),
        ("  ", "the expression ends too early", 2, 1),
        ("a ==", "the expression ends too early", 4, 1),
        ("a.b[?c == 'd'", "the expression ends too early", 13, 1),
        ("a = b", "unexpected '='", 2, 1),
        ("a =", "unexpected '='", 2, 1),
        ("a # b", "unexpected '#'", 2, 1),
        ("a -b", "unexpected '-'", 2, 1),
        ("a b", "unexpected 'b'", 2, 1),
        ("a and b", "unexpected 'and'", 2, 3),
        ("a > 100", "unexpected '100'", 4, 3),
        ("a)", "unexpected ')'", 1, 1),
        ("a.'b'", "unexpected ''b''", 2, 3),
        ("a[0](b)", "unexpected ']'", 3, 1),
        ("a[::0]", "the step of a slice cannot be 0", 4, 1),
        ("a[1:2:3:4]", "unexpected ':'", 7, 1),
        ('"f"(a)', "a function name takes no quotes", 0, 3),
        ("a == 'b", "string without a closing '", 5, 2),
        ('a."b', 'name in double quotes without a closing "', 2, 2),
        ('a."b\\q"', "name in double quotes that is not legal JSON", 2, 5),
        ("a == `1", "literal without a closing `", 5, 2),
        ('a == `{"a": "b}`', "literal that is not legal JSON", 5, 11),
        ("`NaN`", "literal that is not legal JSON: NaN is no number", 0, 5),
        ("`1e1000`", "literal that is not legal JSON: a number lies between 1e-1000 and 1e1000", 0, 8),
        (
            "`1e99999999999999999999`",
            "literal that is not legal JSON: a number lies between 1e-1000 and 1e1000",
            0,
            24,
        ),
        ("a[" + "9" * 5000 + "]", "number or literal that is too large", 2, 1),
        ("`" + "[" * 3_000 + "]" * 3_000 + "`", "number or literal that is too large", 0, 1),
    ],
)
def test_a_mistake_is_found_where_it_stands(text: str, message: str, start: int, length: int) -> None:
    assert refusal(text) == Finding("RE201", message, start, length)


SPLIT = "split it: name parts of it under 'conditions', or move data to 'lists'"


@pytest.mark.parametrize(
    ("text", "what", "start"),
    [
        ("(" * 51 + "a" + ")" * 51, "more than 50 levels", 50),
        ("!" * 60 + "a", "more than 50 levels", 50),
        (" == ".join(["a"] * 60), "more than 50 levels", 50),
        (" || ".join(["a"] * 251), "more than 500 nodes", 1250),
        ("`" + "[" * 51 + "]" * 51 + "`", "a literal of more than 50 levels", 0),
        (" " * 32_769, "more than 32768 characters", 32_768),
    ],
)
def test_what_is_too_large_is_refused(text: str, what: str, start: int) -> None:
    finding = refusal(text)
    expected = Finding("RE212", f"the expression has {what}", start, hint=SPLIT)
    assert finding == expected


@pytest.mark.parametrize(
    "text",
    [
        "(" * 49 + "a" + ")" * 49,
        "!" * 49 + "a",
        " || ".join(["a"] * 250),
        " | ".join(["a"] * 250),
        ".".join(["a"] * 400),
        "`" + "[" * 50 + "]" * 50 + "`",
    ],
)
def test_what_is_just_small_enough_is_parsed(text: str) -> None:
    assert parse(text).text in text
