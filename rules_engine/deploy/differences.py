"""What differs between two templates, resource by resource and property by property.

In: the properties of a resource before and after, each with the values of parameters put in their places
(`with_parameters`). Out: paths with what stood there and what will. Lists are compared as sets of their
elements: a permission that is put in between changes nothing of those behind it. What CloudFormation itself
says of a property was left: it names the property without its values unless all of them are shown, and the
emulators that we test with say nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ABSENT = object()
_SHOWN_CHARACTERS = 100


class Difference(NamedTuple):
    """One property. `before` and `after` are ABSENT where there is none."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is ABSENT:
            return f"{self.path}: + {_shown(self.after)}"
        if self.after is ABSENT:
            return f"{self.path}: - {_shown(self.before)}"
        return f"{self.path}: {_shown(self.before)} -> {_shown(self.after)}"


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Everything that is not the same, in the order of the names."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            inner = f"{path}.{name}" if path else name
            yield from differences(before.get(name, ABSENT), after.get(name, ABSENT), inner)
    elif isinstance(before, list) and isinstance(after, list):
        gone = [each for each in before if each not in after]
        new = [each for each in after if each not in before]
        if len(gone) == len(new) == 1:
            yield from differences(gone[0], new[0], f"{path}[{after.index(new[0])}]")
        else:
            yield from (Difference(path, each, ABSENT) for each in gone)
            yield from (Difference(path, ABSENT, each) for each in new)
    else:
        yield Difference(path, before, after)


def with_parameters(node: Any, values: Mapping[str, str]) -> Any:
    """`node` of a template, with `{"Ref": name}` replaced where `values` has the parameter."""
    if isinstance(node, dict):
        if list(node) == ["Ref"] and node["Ref"] in values:
            return values[node["Ref"]]
        return {name: with_parameters(each, values) for name, each in node.items()}
    if isinstance(node, list):
        return [with_parameters(each, values) for each in node]
    return node


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."
