"""Conditions in the rule language, each beside the clause it means.

In: a path and values. Out: `Phrase(text, clauses)`, the way a rule author would write it. A phrase has no
`||` at its top, so that phrases can be joined by `&&`. Texts are written out here by hand: what a clause
means to the reference and what its text means to the engine must have nothing but the author in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.description import Clause

if TYPE_CHECKING:
    from decimal import Decimal


class Phrase(NamedTuple):
    text: str
    clauses: tuple[Clause, ...]


def literal(value: str | bool | int | Decimal) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    return f"`{str(value).lower()}`"


def equals(path: str, value: str | bool | int) -> Phrase:
    return Phrase(f"{path} == {literal(value)}", (Clause("equals", path, value),))


def named(text: str, meaning: Phrase) -> Phrase:
    """The same written with a name of the rule file: `vars.x`, `lists.x`, `is.x`."""
    return Phrase(text, meaning.clauses)


def one_of(path: str, values: tuple[str, ...]) -> Phrase:
    elements = ", ".join(f'"{value}"' for value in values)
    return Phrase(f"contains(`[{elements}]`, {path})", (Clause("one_of", path, values),))


_SIGNS = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}


def compared(test: str, path: str, value: int | Decimal) -> Phrase:
    """`test` is a name in `_SIGNS`."""
    return Phrase(f"{path} {_SIGNS[test]} {literal(value)}", (Clause(test, path, value),))


def between(path: str, low: int | Decimal, high: int | Decimal) -> Phrase:
    text = f"{path} >= {literal(low)} && {path} < {literal(high)}"
    return Phrase(text, (Clause("at_least", path, low), Clause("below", path, high)))


def became(path: str, value: str) -> Phrase:
    return Phrase(f"became(&{path}, '{value}')", (Clause("became", path, value),))


def became_by_comparison(path: str, value: str) -> Phrase:
    text = f"old.{path} != '{value}' && new.{path} == '{value}'"
    return Phrase(text, (Clause("differs", f"old.{path}", value), Clause("equals", f"new.{path}", value)))


def moved(path: str, before: str, after: str) -> Phrase:
    text = f"old.{path} == '{before}' && new.{path} == '{after}'"
    return Phrase(text, (Clause("equals", f"old.{path}", before), Clause("equals", f"new.{path}", after)))


def changed(path: str) -> Phrase:
    return Phrase(f"changed(&{path})", (Clause("changed", path),))


def rose(path: str) -> Phrase:
    return Phrase(f"new.{path} > old.{path}", (Clause("rose", path),))


def starts_with(path: str, prefix: str) -> Phrase:
    return Phrase(f"starts_with({path}, '{prefix}')", (Clause("starts_with", path, prefix),))


def starts_with_if_present(name: str, prefix: str) -> Phrase:
    path = f"new.{name}"
    return Phrase(
        f"present(&{name}) && starts_with({path}, '{prefix}')", (Clause("starts_with", path, prefix),)
    )


def has_text(path: str, part: str) -> Phrase:
    return Phrase(f"contains({path}, '{part}')", (Clause("has_text", path, part),))


def has_element(path: str, element: str) -> Phrase:
    return Phrase(f"contains({path}, '{element}')", (Clause("has_element", path, element),))


def has_sku(sku: str) -> Phrase:
    return Phrase(
        f"contains(new.items[*].sku, '{sku}')", (Clause("any_item", "new.items", (("sku", "equals", sku),)),)
    )


def orders_many_of(sku: str, quantity: int) -> Phrase:
    text = f"length(new.items[?sku == '{sku}' && qty >= `{quantity}`]) > `0`"
    wanted = (("sku", "equals", sku), ("qty", "at_least", quantity))
    return Phrase(text, (Clause("any_item", "new.items", wanted),))


def has_item_above(name: str, value: int) -> Phrase:
    text = f"length(new.items[?{name} > `{value}`]) > `0`"
    return Phrase(text, (Clause("any_item", "new.items", ((name, "above", value),)),))


def sum_above(name: str, value: int) -> Phrase:
    return Phrase(f"sum(new.items[*].{name}) > `{value}`", (Clause("sum_above", "new.items", (name, value)),))


def largest_above(name: str, value: int) -> Phrase:
    return Phrase(
        f"max(new.items[*].{name}) > `{value}`", (Clause("any_item", "new.items", ((name, "above", value),)),)
    )
