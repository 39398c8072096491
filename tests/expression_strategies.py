"""Random expressions over the whole grammar, and data that they have something to find in.

Expressions are made as text, without regard to precedence, so that every way of standing next to each other
occurs. Names, strings and numbers come from small sets that data shares. Fractions are halves and quarters: a
binary float holds them exactly, so jmespath.py can be asked about them.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

NAMES = ["a", "b", "c", '"a"', '"b c"', '"\\u00e9"']
KEYS = ["a", "b", "c", "b c", "é"]
STRINGS = ["", "a", "b", "ab", "10", "-1", "0.5", "é", "A b"]
NUMBERS = [0, 1, 2, 3, -1, 10, 100, 0.5, 1.5, -0.25]

scalars = st.one_of(
    st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(NUMBERS), st.sampled_from(STRINGS)
)


def _lists_and_objects(elements: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(elements, max_size=4),
        st.lists(st.sampled_from(NUMBERS), max_size=4),
        st.lists(st.sampled_from(STRINGS), max_size=4),
        st.dictionaries(st.sampled_from(KEYS), elements, max_size=4),
    )


values = st.recursive(scalars, _lists_and_objects, max_leaves=12)
documents = st.one_of(
    st.dictionaries(st.sampled_from(KEYS), values, min_size=2, max_size=4),
    st.lists(st.dictionaries(st.sampled_from(KEYS), values, max_size=3), max_size=4),
    values,
)


def _literal(value: Any) -> str:
    return "`" + json.dumps(value, ensure_ascii=False).replace("`", "\\`") + "`"


def _raw(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"


names = st.sampled_from(NAMES)
terms = st.one_of(
    names,
    names,
    names,
    st.just("@"),
    st.just("*"),
    st.just("[*]"),
    st.just("[]"),
    values.map(_literal),
    st.sampled_from(STRINGS).map(_raw),
    st.integers(-3, 3).map(lambda number: f"[{number}]"),
)
_bounds = st.one_of(st.just(""), st.integers(-3, 3).map(str))
_steps = st.one_of(st.just(""), st.sampled_from([":", ":1", ":2", ":-1"]))
_slices = st.builds(lambda start, stop, step: f"[{start}:{stop}{step}]", _bounds, _bounds, _steps)
_postfixes = st.one_of(
    names.map(lambda name: f".{name}"),
    names.map(lambda name: f".{name}"),
    st.integers(-3, 3).map(lambda number: f"[{number}]"),
    st.sampled_from(["[*]", "[]", ".*"]),
    _slices,
)

ONE_ARGUMENT = (
    *("abs", "avg", "ceil", "floor", "keys", "length", "max", "min", "not_null", "reverse", "sort", "sum"),
    *("to_array", "to_number", "to_string", "type", "values", "merge"),
)
TWO_ARGUMENTS = ("contains", "ends_with", "join", "starts_with", "not_null", "merge")
BY_EXPRESSION = ("sort_by", "max_by", "min_by")

_OPERATORS = ["==", "!=", "<", "<=", ">", ">=", "||", "&&", "|"]


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def build(template: str) -> st.SearchStrategy[str]:
        parts = [inner] * template.count("{}")
        return st.tuples(*parts).map(lambda texts: template.format(*texts))

    templates = [
        *("({})", "!{}", "{}[?{}]", "{}[?{}].a", "[?{}]", "[{}, {}]", "{}.[{}, {}]", "{}.a[?{}].[{}]"),
        *("{{a: {}, b: {}}}", "{}.{{a: {}}}", "{}[*].{{a: {}}}", "({}).a", "({})[0]", "({})[*].a"),
        "map(&{}, {})",
    ]
    return st.one_of(
        st.builds(lambda text, postfix: text + postfix, inner, _postfixes),
        st.builds(lambda text, postfix: text + postfix, inner, _postfixes),
        st.builds(lambda left, op, right: f"{left} {op} {right}", inner, st.sampled_from(_OPERATORS), inner),
        st.builds(lambda name, text: f"{name}({text})", st.sampled_from(ONE_ARGUMENT), inner),
        st.builds(
            lambda name, *texts: f"{name}({', '.join(texts)})", st.sampled_from(TWO_ARGUMENTS), inner, inner
        ),
        st.builds(
            lambda name, *texts: f"{name}({texts[0]}, &{texts[1]})",
            st.sampled_from(BY_EXPRESSION),
            inner,
            inner,
        ),
        st.sampled_from(templates).flatmap(build),
    )


expressions = st.recursive(terms, _larger, max_leaves=8)

_WILD = "abc.[]*?(){}!&|<>=@`'\"\\,:0123456789- \n\té\u0000\ud800😀#$%^+/~;"


@st.composite
def mutated_expressions(draw: st.DrawFn) -> str:
    """An expression with a few characters changed, dropped or put in."""
    text = draw(expressions)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        kept = draw(st.integers(0, 1))
        text = text[:place] + draw(st.sampled_from(_WILD)) + text[place + kept :]
    return text
