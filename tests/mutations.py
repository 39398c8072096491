"""JSON documents with one value changed: `changed(random, document, values)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random


def changed(random: Random, document: dict[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    """A copy with one value below the top left out, put in twice, moved, or replaced by one of `values`."""
    document = _copy(document)
    places = list(_places(document))
    if not places:
        return document
    parent, key = random.choice(places)
    what = random.randrange(10)
    if what == 0:
        del parent[key]
    elif what == 1 and isinstance(parent, list):
        parent.insert(key, _copy(parent[key]))
    elif what == 2:
        other, name = random.choice(places)
        parent[key] = _copy(other[name])
    else:
        parent[key] = random.choice(values)
    return document


def _copy(value: Any) -> Any:
    """Without recursion: a few changes may put deep values into one another."""
    root = [value]
    places: list[tuple[Any, Any]] = [(root, 0)]
    while places:
        holder, key = places.pop()
        if isinstance(holder[key], (dict, list)):
            holder[key] = holder[key].copy()
            places += _members(holder[key])
    return root[0]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(collection, key) of every value."""
    places = _members(value)
    while places:
        holder, key = places.pop()
        yield holder, key
        if isinstance(holder[key], (dict, list)):
            places += _members(holder[key])


def _members(value: Any) -> list[tuple[Any, Any]]:
    return [(value, key) for key in (value if isinstance(value, dict) else range(len(value)))]
