"""Rendered values -> the parts of a DynamoDB request: items, keys, and what an update adds.

In go values as templates give them; out come attributes in DynamoDB JSON. What DynamoDB would refuse for its
type is a TemplateError here, before anything is sent; its message names types as conditions do, never values.
The checks of a rule ask the same functions about what an author wrote out.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import Any

from rules_engine.attribute_value import AttributeSet, Binary, encode
from rules_engine.errors import AttributeValueError, TemplateError
from rules_engine.expression.values import type_name

_KEY_TYPES = ("S", "N", "B")


def attribute_of(where: str, value: Any) -> dict[str, Any]:
    """Any value as an attribute."""
    try:
        return encode(value)
    except AttributeValueError as error:
        raise TemplateError(f"'{where}': {error}") from None


def item_of(where: str, value: Any) -> dict[str, Any]:
    """A map as attributes by name."""
    if not isinstance(value, Mapping):
        raise TemplateError(f"'{where}' needs an object, not {type_name(value)}")
    return dict(attribute_of(where, value)["M"])


def key_of(where: str, value: Any) -> dict[str, Any]:
    """A map as the key of an item."""
    key = item_of(where, value)
    for name, attribute in key.items():
        if not any(attribute.get(tag) for tag in _KEY_TYPES):
            raise TemplateError(
                f"'{where}': attribute '{name}' must be a text, number or binary with a value"
            )
    return key


def addend_of(value: Any) -> dict[str, Any]:
    """A number, or a set. A list is taken for the set of its elements: ADD knows no lists."""
    if isinstance(value, list) and not isinstance(value, AttributeSet):
        value = _set_of(value)
    attribute = attribute_of("update.add", value)
    if not attribute.keys() & {"N", "SS", "NS", "BS"}:
        raise TemplateError(f"'update.add' takes numbers and sets, not {type_name(value)}")
    return attribute


def _set_of(elements: list[Any]) -> AttributeSet:
    once = dict.fromkeys(elements) if all(isinstance(element, Hashable) for element in elements) else {}
    kinds = {type(element) for element in once}
    if kinds == {Binary}:
        return AttributeSet("BS", once)
    if kinds == {str}:
        return AttributeSet("SS", once)
    if kinds and kinds <= {int, Decimal}:
        return AttributeSet("NS", once)
    raise TemplateError("'update.add': a list must hold texts only, numbers only or binaries only")
