"""What must hold of a record for a condition to hold, in terms that an index can look up.

`needs(texts, scope)` gives, for clauses that must all hold, needs that together say the same as the clauses:
all of them hold exactly when every clause does. What has no better form becomes a `Holds` with the text of
the operand itself, so nothing is left out; only what an index can do with a need differs from kind to kind.

A `Source` says where a need reads; `key_of` makes a constant comparable with what is read there. Values of
different JSON types never have equal keys (`true` is not 1), numbers of equal value always do.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from rules_engine.expression.closures import MIRRORED
from rules_engine.expression.roots import resolve
from rules_engine.expression.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

Key: TypeAlias = "str | int | Decimal | tuple[str]"

NULL: Final = ("null",)
TRUE: Final = ("true",)
FALSE: Final = ("false",)
"""Keys of the values that Python would mix up with numbers, or with nothing at all."""


@dataclass(frozen=True, slots=True)
class Source:
    """A path of names from the document; with `inner`, that path in each element of the list there."""

    names: tuple[str, ...]
    inner: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Equals:
    """The value at `source` has one of `keys`; for a source with `inner`, some element's has."""

    source: Source
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Differs:
    """The value at `source` has another key."""

    source: Source
    key: Key


@dataclass(frozen=True, slots=True)
class Within:
    """The value, or some element's, is a number between the bounds; an open bound does not belong."""

    source: Source
    low: int | Decimal | None = None
    low_open: bool = False
    high: int | Decimal | None = None
    high_open: bool = False


@dataclass(frozen=True, slots=True)
class StartsWith:
    """The value is a text with this beginning."""

    source: Source
    prefix: str


@dataclass(frozen=True, slots=True)
class Has:
    """The value is a list or set with this element, or a text with this part."""

    source: Source
    key: Key


@dataclass(frozen=True, slots=True)
class Holds:
    """Whatever `text` says is true."""

    text: str


Need: TypeAlias = "Equals | Differs | Within | StartsWith | Has | Holds"


def needs(texts: Iterable[str], scope: Scope) -> tuple[Need, ...]:
    """The needs of clauses that must all hold, each once. Raises ExpressionError as `compile_expression`."""
    found: list[Need] = []
    for text in texts:
        node = parse(text)
        parts = list(_needs(node, scope, _Record(scope)))
        # A loop's budget is its clause's: split off, a part of it could hold where the whole runs out.
        found.extend(parts if _is_straight(node, scope) else [*_usable(parts), Holds(text)])
    return tuple(dict.fromkeys(found))


def key_of(value: Any) -> Key | None:
    """The key of a constant; None for a list or an object."""
    if value is None:
        return NULL
    if value is True:
        return TRUE
    if value is False:
        return FALSE
    return value if isinstance(value, (str, int, Decimal)) else None


def _usable(parts: Iterable[Need]) -> Iterator[Need]:
    return (part for part in parts if not isinstance(part, Holds))
