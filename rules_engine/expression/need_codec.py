"""Needs as JSON, for the outlines of a bundle: `NeedWriter` writes them, `read_needs` reads them back.

A need is `[name of its class, field, ...]`. What a need reads from stands once in a list of sources, and the
need has its place there. `_SOURCES` and `_NEEDS` say what each field is; a new kind of source or need is a
line there, a new field an entry in its line. Looking at the classes' own fields was left: it would be done
each time that a function starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rules_engine.errors import BundleError
from rules_engine.expression.needs import (
    Differs,
    Equals,
    Has,
    Holds,
    SomeElement,
    Source,
    StartsWith,
    Within,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        for source in sources:
            read.append(_read(source, read, _SOURCES))
        return [_read(need, read, _NEEDS) for need in needs]
    except (TypeError, ValueError, LookupError) as error:
        raise BundleError(f"the bundle's outlines cannot be read: {error}") from error


def _read(written: Any, sources: list[Any], forms: dict[str, _Form]) -> Any:
    name, *parts = written
    kind, codecs = forms[name]
    return kind(*[codec.read(sources, part) for codec, part in zip(codecs, parts, strict=True)])


class _Codec(NamedTuple):
    """How a field is written, given the writer, and read, given the sources so far."""

    write: Callable[[NeedWriter, Any], Any]
    read: Callable[[list[Any], Any], Any]


def _key(written: Any) -> Any:
    """A key that is no text or number is a tuple, which JSON knows as an array."""
    return tuple(written) if type(written) is list else written


_PLAIN = _Codec(lambda writer, value: value, lambda sources, value: value)
_NAMES = _Codec(lambda writer, names: names, lambda sources, names: None if names is None else tuple(names))
_SOURCE = _Codec(lambda writer, source: writer.place(source), lambda sources, place: sources[place])
_KEY = _Codec(lambda writer, key: key, lambda sources, written: _key(written))
_KEYS = _Codec(lambda writer, keys: keys, lambda sources, written: tuple(map(_key, written)))
_EXPRESSION = _Codec(lambda writer, text: text and writer.note(text), lambda sources, text: text)
"""Text that an index compiles, so that its tree has to be in the bundle."""

_TESTS = _Codec(
    lambda writer, tests: [writer.write(test) for test in tests],
    lambda sources, written: tuple(_read(test, sources, _NEEDS) for test in written),
)

_Form = tuple[type, tuple[_Codec, ...]]

_SOURCES: dict[str, _Form] = {"Source": (Source, (_NAMES, _NAMES, _PLAIN, _NAMES, _EXPRESSION))}

_NEEDS: dict[str, _Form] = {
    "Equals": (Equals, (_SOURCE, _KEYS)),
    "Differs": (Differs, (_SOURCE, _KEYS)),
    "Within": (Within, (_SOURCE, _PLAIN, _PLAIN, _PLAIN, _PLAIN)),
    "StartsWith": (StartsWith, (_SOURCE, _PLAIN)),
    "Has": (Has, (_SOURCE, _KEY)),
    "SomeElement": (SomeElement, (_TESTS,)),
    "Holds": (Holds, (_EXPRESSION,)),
}
