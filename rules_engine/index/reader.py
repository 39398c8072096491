"""What a record has at the sources that rules read, each read once and straight from DynamoDB JSON.

`SourceReader(sources).read(record)` gives a list with a value for each source, in their order: the key of a
scalar (`needs.Key`); `Elements` for a set or list, whose elements a look-up may ask for; `MAP`; for a source
with `inner` the list of its elements' keys, or `UNEXPECTED` where the list holds other things than maps.
Nothing else of the record is decoded. AttributeValueError: an attribute on the way is no DynamoDB JSON.

Going through `record.document` was left: its images cost twice what all the look-ups of a record do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rules_engine.attribute_value import decode
from rules_engine.errors import AttributeValueError
from rules_engine.expression.needs import NULL, Key, Source, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rules_engine.record import StreamRecord

UNEXPECTED: Final = ("unexpected",)
MAP: Final = ("map",)

_IMAGES: Final = ("new", "old", "keys")


class Elements:
    """A set or list: equal to no key. `keys` are those of its elements that are scalars."""

    __slots__ = ("keys",)

    def __init__(self, elements: Iterable[Any]) -> None:
        self.keys = [key for element in elements if (key := key_of(element)) is not None]


class _Plan(NamedTuple):
    """What to read of one map: slots of attributes and of lists' elements, and the plans of maps in it."""

    attributes: list[tuple[int, str]]
    lists: list[tuple[int, str, tuple[str, ...]]]
    maps: dict[str, _Plan]


class SourceReader:
    """Built once from the sources of all rules that a record can concern."""

    __slots__ = ("_fields", "_keys", "_new", "_nothing", "_old")

    def __init__(self, sources: Sequence[Source]) -> None:
        self._nothing: list[Any] = [[] if source.inner else NULL for source in sources]
        self._fields: list[tuple[int, tuple[str, ...]]] = []
        images = {image: _Plan([], [], {}) for image in _IMAGES}
        for slot, source in enumerate(sources):
            image, *path = source.names
            if image not in images or not path:
                self._fields.append((slot, source.names))
                continue
            plan = images[image]
            for name in path[:-1]:
                plan = plan.maps.setdefault(name, _Plan([], [], {}))
            if source.inner:
                plan.lists.append((slot, path[-1], source.inner))
            else:
                plan.attributes.append((slot, path[-1]))
        self._new, self._old, self._keys = (plan if any(plan) else None for plan in images.values())

    def read(self, record: StreamRecord) -> list[Any]:
        values = self._nothing.copy()
        try:
            if self._new and record.new_raw:
                _read(record.new_raw, self._new, values)
            if self._old and record.old_raw:
                _read(record.old_raw, self._old, values)
            if self._keys and record.keys_raw:
                _read(record.keys_raw, self._keys, values)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise AttributeValueError("not one known type tag with a value") from error
        for slot, names in self._fields:
            values[slot] = _field(record, names)
        return values


# All of these raise AttributeValueError or one of the four above for what is no DynamoDB JSON.


def _read(raw: Mapping[str, Any], plan: _Plan, values: list[Any]) -> None:
    attributes, lists, maps = plan
    for slot, name in attributes:
        attribute = raw.get(name)
        if attribute is not None:
            # A text, which most attributes are, without a call.
            text = attribute.get("S")
            values[slot] = text if type(text) is str and len(attribute) == 1 else _value(attribute)
        elif name in raw:
            raise TypeError("JSON null is no attribute")
    for name, inside in maps.items():
        if name in raw and (members := _members(raw[name])) is not None:
            _read(members, inside, values)
    for slot, name, inner in lists:
        if name in raw:
            values[slot] = _elements(raw[name], inner)


def _members(attribute: Any) -> Mapping[str, Any] | None:
    """The attributes of a map; None for an attribute of another type."""
    members = attribute.get("M")
    if type(members) is dict and len(attribute) == 1:
        return members
    decode(attribute)
    return None


def _value(attribute: Any) -> Any:
    ((tag, content),) = attribute.items()
    return _VALUES[tag](content)


def _number(content: Any) -> Any:
    # Most numbers are whole and short; for them int() needs no further check.
    if len(content) <= 38 and content.isdigit() and content.isascii():
        return int(content)
    return decode({"N": content})


def _decoded(tag: str) -> Callable[[Any], Any]:
    def value(content: Any) -> Any:
        found = decode({tag: content})
        if isinstance(found, list):
            return Elements(found)
        key = key_of(found)
        return MAP if key is None else key

    return value


_VALUES: dict[str, Callable[[Any], Any]] = {
    **{tag: _decoded(tag) for tag in ("S", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS")},
    "N": _number,
}


def _elements(attribute: Any, inner: tuple[str, ...]) -> Any:
    elements = attribute.get("L")
    if type(elements) is not list or len(attribute) != 1:
        decode(attribute)
        return []
    keys: list[Key] = []
    for element in elements:
        members = _members(element)
        if members is None:
            return UNEXPECTED
        value = _value_at(members, inner)
        if not isinstance(value, Elements):
            keys.append(value)
    return keys


def _value_at(members: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value at a path of maps; NULL where there is none."""
    *parents, last = path
    for name in parents:
        inside = _members(members[name]) if name in members else None
        if inside is None:
            return NULL
        members = inside
    return _value(members[last]) if last in members else NULL


def _field(record: StreamRecord, names: tuple[str, ...]) -> Any:
    """A field of the document that is no attribute. What is below a scalar is null."""
    value = record.document.get(names[0]) if len(names) == 1 else None
    key = key_of(value)
    return MAP if key is None else key
