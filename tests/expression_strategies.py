"""Random expressions over the whole grammar, and data that they have something to find in.

`Maker` makes them from a source of choices: Hypothesis's, which can shrink what fails, or a seeded `random`,
which is thirty times as fast. An expression is a template whose holes name the kind of expression in them.
Kind `wild` is made without regard to types and precedence, so that everything stands next to everything; the
others mostly have the types that typed documents give them. Fractions are halves and quarters: a binary float
holds them exactly, so jmespath.py can be asked about them.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KEYS = ["a", "b", "c", "b c", "é"]
STRINGS = ["", "a", "b", "ab", "10", "-1", "0.5", "é", "A b"]
NUMBERS = [0, 1, 2, 3, -1, 10, 100, 0.5, 1.5, -0.25]
SCALARS = [None, True, False, *NUMBERS, *STRINGS]
MANY_NUMBERS = [[], [1], [0, 0], [2, 0.5, 1], [-1, 3, 100, 3], [10, -0.25, 10, 1.5]]
MANY_STRINGS = [[], ["a"], ["b", "a"], ["", "ab", "ab"], ["10", "0.5", "é", "A b"]]
ANYTHING = [
    *(None, True, 0, 1.5, "", "a", [], {}, [None], [[]], [1, "a", True], [[1, [2]], [3], 4], [[0], [False]]),
    *(
        [{"x": 1}, {"x": None}, {}],
        {"x": {"x": [1]}},
        {"a": 1, "b": "c"},
        {"n": "text", "ns": 5},
        {"x": False},
    ),
    *({"a": {"b": {"c": 1}}}, [{"a": 1, "b": [1]}, {"a": 2}], {"é": {"b c": 0.5}}, [[[1], "a"], [], [[2]]]),
]
HOSTILE = [
    *(float("nan"), float("inf"), float("-inf"), -0.0, 5e-324, 1.7e308, 10**2000, -(10**2000), 10**5000),
    *(Decimal("NaN"), Decimal("-Infinity"), Decimal("1e999999"), Decimal("-1e-999999"), Decimal("0e9999")),
    *(
        "\ud800",
        "\x00",
        "a" * 5000,
        "😀",
        "٣",
        "1e999999999",
        "::/0",
        [[[[[[[[[[]]]]]]]]]],
        (1, 2),
        b"a",
        object(),
    ),
]
LITERALS = ["`" + json.dumps(value, ensure_ascii=False) + "`" for value in [*SCALARS, *ANYTHING]]

LEAVES = {
    "number": ["n", "o.n", "ns[0]", "ns[-1]", "os[0].n", "`0`", "`1`", "`0.5`", "`-1`", "`10`"],
    "string": ["s", "o.s", "ss[0]", "os[0].s", "'a'", "'ab'", "''", "'10'", "'é'"],
    "boolean": ["b", "o.b", "`true`", "`false`", "n > `1`", "s == 'a'", "contains(ss, 'a')"],
    "numbers": ["ns", "o.ns", "os[*].n", "`[]`", "`[2, 0.5, 1]`", "os[].ns[]"],
    "strings": ["ss", "o.ss", "os[*].s", "keys(o)", '`["b", "a"]`'],
    "object": ["o", "os[0]", "@", "`{}`", '`{"n": 2, "s": "b"}`', "o.o"],
    "objects": ["os", "os[?b]", "[o, @]", "os[1:]", "`[]`"],
    "any": ["x", "@", "missing", "o.x", "`null`", "os[*].x", "*", "x.*", "[]", "ns[1:3]", "x[*]"],
    "wild": [
        "a",
        "b",
        "c",
        "a",
        "b",
        '"b c"',
        '"\\u00e9"',
        '"a"',
        "@",
        "*",
        "[*]",
        "[]",
        "[<index>]",
        "<literal>",
    ],
}
FORMS = {
    "number": [
        *(
            "sum(<numbers>)",
            "avg(<numbers>)",
            "max(<numbers>)",
            "min(<numbers>)",
            "abs(<number>)",
            "<object>.n",
        ),
        *("ceil(<number>)", "floor(<number>)", "length(<any>)", "length(<string>)", "length(<objects>)"),
        *("to_number(<string>)", "to_number(<number>)", "not_null(<any>, <number>)", "(<numbers>)[0]"),
        *("max_by(<objects>, &<number>).n", "<object> | <number>", "(<boolean> && <number>)"),
    ],
    "string": [
        *(
            "join(<string>, <strings>)",
            "to_string(<any>)",
            "to_string(<number>)",
            "type(<any>)",
            "(<strings>)[-1]",
        ),
        *("reverse(<string>)", "max(<strings>)", "min_by(<objects>, &<string>).s", "<object>.s"),
        *("(<string> || <string>)", "not_null(<string>, <any>)"),
    ],
    "boolean": [
        *("<number> <order> <number>", "<number> <order> <number>", "<any> <equality> <any>", "!(<boolean>)"),
        *("<number> <equality> <number>", "<string> <equality> <string>", "<object> <equality> <object>"),
        *("<boolean> && <boolean>", "<boolean> || <boolean>", "(<boolean> || <boolean>) && <boolean>"),
        *("contains(<strings>, <string>)", "contains(<numbers>, <number>)", "contains(<string>, <string>)"),
        *("contains(<any>, <any>)", "starts_with(<string>, <string>)", "ends_with(<string>, <string>)"),
        *("contains(<objects>, <object>)", "<numbers> <equality> <numbers>", "<any> <order> <any>"),
    ],
    "numbers": [
        *("sort(<numbers>)", "map(&<number>, <objects>)", "<objects>[*].n", "reverse(<numbers>)"),
        *("<numbers>[?@ > `0`]", "(<numbers>)[::-1]", "(<numbers>)[1:]", "<objects>[?<boolean>].n"),
        *("[<number>, <number>]", "sort_by(<numbers>, &<number>)", "[<numbers>, <numbers>][]"),
        *("(<objects>)[?<boolean>].abs(n)", "(<object>).[<number>, <number>]"),
    ],
    "strings": [
        *("sort(<strings>)", "keys(<object>)", "map(&<string>, <objects>)", "[<string>, <string>]"),
        *("<strings>[?starts_with(@, <string>)]", "values(<object>)[?type(@) == 'string']"),
        *("<numbers>[*].to_string(@)", "(<objects>)[*].s", "reverse(<strings>)"),
    ],
    "object": [
        *("merge(<object>, <object>)", "{n: <number>, s: <string>}", "<object>.{n: <any>, ns: <numbers>}"),
        *("max_by(<objects>, &<number>)", "(<objects>)[0]", "sort_by(<objects>, &<string>)[0]"),
        *("(<object> || <object>)", "min_by(<objects>, &<string>)"),
    ],
    "objects": [
        *(
            "<objects>[?<boolean>]",
            "<objects>[?<boolean>]",
            "sort_by(<objects>, &<number>)",
            "(<objects>)[:2]",
        ),
        *(
            "sort_by(<objects>, &<string>)",
            "to_array(<object>)",
            "[<object>, <object>]",
            "(<objects>) | [?<boolean>]",
        ),
        *("<objects>[*].{n: <number>, s: <string>, b: <boolean>}", "[<objects>, <objects>][]"),
        *("map(&<object>, <objects>)", "(<objects>)[*].o", "(<objects>)[::2]"),
    ],
    "any": [
        *("<number>", "<string>", "<boolean>", "<numbers>", "<strings>", "<object>", "<objects>"),
        *(
            "(<any>)[]",
            "(<any>).*",
            "values(<object>)",
            "(<objects>)[*].[<any>, <any>]",
            "[<any>, <any>] | [1]",
        ),
        *(
            "<any> | <any>",
            "<any> || <any>",
            "<any> && <any>",
            "(<objects>)[*].[<any>][]",
            "not_null(<any>, <any>)",
        ),
        *("(<any>).x", "(<any>)[0]", "(<any>).*.x", "(<any>)[*].x[]"),
    ],
    "wild": [
        *("<wild><postfix>", "<wild><postfix>", "<wild><postfix>", "<wild> <operator> <wild>", "(<wild>)"),
        *("<wild> <operator> <wild>", "!<wild>", "<wild>[?<wild>]", "<wild>[?<wild>].a", "[?<wild>]"),
        *(
            "[<wild>, <wild>]",
            "<wild>.[<wild>, <wild>]",
            "<wild>.a[?<wild>].[<wild>]",
            "{a: <wild>, b: <wild>}",
        ),
        *("<wild>.{a: <wild>}", "<wild>[*].{a: <wild>}", "(<wild>).a", "(<wild>)[0]", "(<wild>)[*].a"),
        *("map(&<wild>, <wild>)", "<one>(<wild>)", "<two>(<wild>, <wild>)", "<by>(<wild>, &<wild>)"),
    ],
}
PARTS = {
    "order": ["<", "<=", ">", ">="],
    "equality": ["==", "!="],
    "operator": ["==", "!=", "<", "<=", ">", ">=", "||", "&&", "|"],
    "literal": [*LITERALS, *(f"'{text}'" for text in STRINGS)],
    "index": ["0", "1", "2", "-1", "-2"],
    "postfix": [
        *(
            ".a",
            ".b",
            '."b c"',
            "[*]",
            "[]",
            ".*",
            "[0]",
            "[1]",
            "[-1]",
            "[:]",
            "[1:]",
            "[:-1]",
            "[::2]",
            "[::-1]",
        ),
        *("[2:0:-1]", "[-2:]"),
    ],
    "one": [
        *(
            "abs",
            "avg",
            "ceil",
            "floor",
            "keys",
            "length",
            "max",
            "min",
            "not_null",
            "reverse",
            "sort",
            "sum",
        ),
        *("to_array", "to_number", "to_string", "type", "values", "merge"),
    ],
    "two": ["contains", "ends_with", "join", "starts_with", "not_null", "merge"],
    "by": ["sort_by", "max_by", "min_by"],
}
TYPED = [kind for kind in FORMS if kind != "wild"]
_HOLE = re.compile(r"<([a-z]+)>")


class Maker:
    """Makes expressions and documents; `choose` picks one of several."""

    def __init__(self, choose: Callable[[Sequence[Any]], Any]) -> None:
        self.choose = choose

    def expression(self, kind: str, depth: int) -> str:
        if kind in PARTS:
            return str(self.choose(PARTS[kind]))
        if kind != "wild" and self.choose(range(20)) == 0:
            kind = "any"
        template = self.choose(FORMS[kind] if depth else LEAVES[kind])
        smaller = self.choose(range(depth)) if depth else 0
        return _HOLE.sub(lambda hole: self.expression(hole[1], smaller), template)

    def wild_expression(self) -> str:
        return self.expression("wild", self.choose(range(5)))

    def typed_expression(self) -> str:
        return self.expression(self.choose(TYPED), self.choose([1, 2, 2, 3]))

    def wild_document(self, depth: int = 3) -> Any:
        form = self.choose(["scalar", "array", "object", "object"]) if depth else "scalar"
        if form == "scalar":
            return self.choose([*SCALARS, *ANYTHING])
        size = self.choose(range(4))
        if form == "array":
            return [self.wild_document(depth - 1) for _ in range(size)]
        return {self.choose(KEYS): self.wild_document(depth - 1) for _ in range(size)}

    def typed_document(self, depth: int = 2) -> dict[str, Any]:
        document = {
            "n": self.choose(NUMBERS),
            "s": self.choose(STRINGS),
            "b": self.choose([True, False]),
            "ns": self.choose(MANY_NUMBERS),
            "ss": self.choose(MANY_STRINGS),
            "x": self.choose(ANYTHING),
        }
        if depth:
            document["o"] = self.typed_document(0)
            document["os"] = [self.typed_document(depth - 2) for _ in range(self.choose(range(4)))]
        for name in self.choose([[], [], [], ["n"], ["s", "x"], ["ns", "b", "o"]]):
            document.pop(name, None)
        return document

    def hostile_document(self, depth: int = 2) -> Any:
        """Data that Python's JSON reader or another program could come up with, and nobody expects."""
        form = self.choose(["scalar", "array", "object"]) if depth else "scalar"
        if form == "scalar":
            return self.choose([*HOSTILE, *SCALARS])
        size = self.choose(range(4))
        if form == "array":
            return [self.hostile_document(depth - 1) for _ in range(size)]
        names = ["a", "b", "n", "s", "x", "o", "os", "ns", "ss", "", "\ud800"]
        return {self.choose(names): self.hostile_document(depth - 1) for _ in range(size)}

    def case(self) -> tuple[str, Any]:
        """An expression and data for it."""
        if self.choose(range(4)):
            return self.typed_expression(), self.typed_document()
        return self.wild_expression(), self.wild_document()


def _chooser(draw: st.DrawFn) -> Maker:
    return Maker(lambda options: draw(st.sampled_from(options)))


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Any expression that is right by the grammar."""
    maker = _chooser(draw)
    return maker.wild_expression() if draw(st.booleans()) else maker.typed_expression()


@st.composite
def hostile_documents(draw: st.DrawFn) -> Any:
    return _chooser(draw).hostile_document()


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, Any]:
    return _chooser(draw).case()


_WILD_CHARACTERS = "abc.[]*?(){}!&|<>=@`'\"\\,:0123456789- \n\té\u0000\ud800😀#$%^+/~;"


@st.composite
def mutated_expressions(draw: st.DrawFn) -> str:
    """An expression with a few characters changed, dropped or put in."""
    text = draw(expressions())
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        kept = draw(st.integers(0, 1))
        text = text[:place] + draw(st.sampled_from(_WILD_CHARACTERS)) + text[place + kept :]
    return text
