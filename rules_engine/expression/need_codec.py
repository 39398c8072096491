"""Needs as JSON, for the outlines of a bundle: `NeedWriter` writes them, `read_needs` reads them back.

A need is `[name of its class, field, ...]`. What a need reads from stands once in a list of sources, and the
need has its place there. `_SOURCES` and `_NEEDS` say what each field is; a new kind of source or need is a
line there, a new field an entry in its line. Looking at the classes' own fields was left: it would be done
each time that a function starts.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_engine.errors import BundleError
from rules_engine.expression.needs import (
    ABSENT,
    FALSE,
    NULL,
    TRUE,
    Differs,
    Equals,
    Has,
    Holds,
    SomeElement,
    Source,
    StartsWith,
    Within,
)
from rules_engine.expression.node import MAX_DIGITS
from rules_engine.json_forms import elements, flag, place, text, text_or_none, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.expression.needs import Need


class NeedWriter:
    """Writes needs. `sources` are those of all needs so far; `texts` the expressions that needs name, and
    whoever takes care of them takes them out."""

    def __init__(self) -> None:
        self.sources: list[Any] = []
        self.texts: list[str] = []
        self._places: dict[Source, int] = {}

    def write(self, need: Need) -> list[Any]:
        return self._written(need, _NEEDS)

    def place(self, source: Source) -> int:
        if source not in self._places:
            self._places[source] = len(self._places)
            self.sources.append(self._written(source, _SOURCES))
        return self._places[source]

    def note(self, text: str) -> str:
        self.texts.append(text)
        return text

    def _written(self, value: Any, forms: dict[str, _Form]) -> list[Any]:
        name = type(value).__name__
        _, codecs = forms[name]
        parts = [getattr(value, field) for field in value.__match_args__]
        return [name, *(codec.write(self, part) for codec, part in zip(codecs, parts, strict=True))]


def read_needs(sources: Sequence[Any], needs: Sequence[Any]) -> list[Need]:
    """The needs of which a `NeedWriter` gave `sources` and `needs`. Raises BundleError."""
    try:
        read: list[Any] = []
        for source in elements(sources):
            read.append(_read(source, read, _SOURCES))
        return [_read(need, read, _NEEDS) for need in elements(needs)]
    except (TypeError, ValueError, LookupError) as error:
        raise BundleError(f"the bundle's outlines cannot be read: {error}") from error


def _read(written: Any, sources: list[Any], forms: dict[str, _Form]) -> Any:
    name, *parts = elements(written)
    kind, codecs = forms[name]
    return kind(*[codec.read(sources, part) for codec, part in zip(codecs, parts, strict=True)])


class _Codec(NamedTuple):
    """How a field is written, given the writer, and read, given the sources so far."""

    write: Callable[[NeedWriter, Any], Any]
    read: Callable[[list[Any], Any], Any]


_WORDS = (NULL, TRUE, FALSE, ABSENT)


def _key(written: Any) -> Any:
    """A key that is no text or number is a tuple, which JSON knows as an array."""
    if type(written) is list:
        if tuple(written) in _WORDS:
            return tuple(written)
    elif type(written) is str or _is_number(written):
        return written
    raise TypeError("not a key")


def _bound(written: Any) -> Any:
    if written is None or _is_number(written):
        return written
    raise TypeError("not a bound")


def _is_number(written: Any) -> bool:
    return type(written) is int or (type(written) is Decimal and abs(written.adjusted()) <= MAX_DIGITS)


def _codec(read: Callable[[Any], Any]) -> _Codec:
    """Of what is written as it is."""
    return _Codec(lambda writer, value: value, lambda sources, written: read(written))


_TEXT = _codec(text)
_TEXT_OR_NONE = _codec(text_or_none)
_BOUND = _codec(_bound)
_FLAG = _codec(flag)
_NAMES = _codec(texts)
_NAMES_OR_NONE = _codec(lambda written: None if written is None else texts(written))
_KEY = _codec(_key)
_KEYS = _codec(lambda written: tuple(map(_key, elements(written))))
_SOURCE = _Codec(
    lambda writer, source: writer.place(source), lambda sources, written: sources[place(written)]
)
_EXPRESSION = _Codec(lambda writer, written: writer.note(written), lambda sources, written: text(written))
"""Text that an index compiles, so that its tree has to be in the bundle."""
_EXPRESSION_OR_NONE = _Codec(
    lambda writer, written: written and writer.note(written), lambda sources, written: text_or_none(written)
)

_TESTS = _Codec(
    lambda writer, tests: [writer.write(test) for test in tests],
    lambda sources, written: tuple(_read(test, sources, _NEEDS) for test in elements(written)),
)

_Form = tuple[Callable[..., Any], tuple[_Codec, ...]]


def _source(*fields: Any) -> Source:
    """One of the shapes that sources have."""
    source = Source(*fields)
    names, inner, function, other, expression = source
    if expression is not None:
        sound = source == Source((), text=expression)
    elif other is not None:
        sound = bool(names and other) and inner is None and function in _OF_TWO
    elif inner is not None:
        sound = bool(names and inner) and function in _OF_ELEMENTS
    else:
        sound = bool(names) and function is None
    if not sound:
        raise ValueError("no source has this shape")
    return source


_OF_TWO = frozenset({"lt", "lte", "gt", "gte", "changed"})
_OF_ELEMENTS = frozenset({None, "sum", "max", "min", "largest", "smallest"})

_SOURCES: dict[str, _Form] = {
    "Source": (_source, (_NAMES, _NAMES_OR_NONE, _TEXT_OR_NONE, _NAMES_OR_NONE, _EXPRESSION_OR_NONE))
}

_NEEDS: dict[str, _Form] = {
    "Equals": (Equals, (_SOURCE, _KEYS)),
    "Differs": (Differs, (_SOURCE, _KEYS)),
    "Within": (Within, (_SOURCE, _BOUND, _FLAG, _BOUND, _FLAG)),
    "StartsWith": (StartsWith, (_SOURCE, _TEXT)),
    "Has": (Has, (_SOURCE, _KEY)),
    "SomeElement": (SomeElement, (_TESTS,)),
    "Holds": (Holds, (_EXPRESSION,)),
}
