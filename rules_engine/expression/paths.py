"""What an expression reads of the document, as paths: `new.customer.tier`, `old.items[0].sku`.

`paths_read` follows names and indexes as far as they say, without data, where a value comes from: through
pipes, functions, and the names of the rule file. What happens to the elements of an array ends a path. Each
path is an expression itself. It takes what `compile_expression` took. `value_at` tells a value that is null
from one that is not there.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from rules_engine.expression.budget import begin
from rules_engine.expression.closures import find
from rules_engine.expression.functions import FUNCTIONS
from rules_engine.expression.roots import resolve
from rules_engine.expression.trees import tree_of
from rules_engine.model import EMPTY_SCOPE, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules_engine.expression.node import Node

Path: TypeAlias = "tuple[str | int, ...]"

_IMAGES = {"present": ("new",)}
_BOTH_IMAGES = ("old", "new")

_is_plain_name = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch


def paths_read(node: Node, scope: Scope = EMPTY_SCOPE) -> tuple[str, ...]:
    """The paths, each once, in the order in which they stand; `@` for the whole document."""
    reader = _Reader(scope)
    reader.read(node, ())
    return tuple(dict.fromkeys(map(_written, reader.paths)))


def value_at(path: str, document: Any) -> Any:
    """What `document` has at one of the paths that `paths_read` gave; ABSENT where nothing is."""
    steps = _Reader(EMPTY_SCOPE).follow(tree_of(path, EMPTY_SCOPE), ())
    assert steps is not None, f"not a path: {path}"
    return find(steps)(document, begin(document))


def _written(path: Path) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name = step if _is_plain_name(step) else json.dumps(step, ensure_ascii=False)
            text += f".{name}" if text else name
    return text or "@"


class _Reader:
    """Walks a tree with the path of the value that each node is applied to; None where that is no path."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.paths: list[Path] = []
        self.conditions: set[str] = set()

    def read(self, node: Node, base: Path | None) -> None:
        """Note what `node` reads, its own value included."""
        path = self.follow(node, base)
        if path is not None:
            self.paths.append(path)

    def read_all(self, nodes: Iterable[Node], base: Path | None) -> None:
        for node in nodes:
            self.read(node, base)

    def follow(self, node: Node, base: Path | None) -> Path | None:
        """The path of the node's value, if it is one; what is read on the way is noted."""
        match node.type:
            case "field" | "index":
                return None if base is None else (*base, node.value)
            case "current" | "identity":
                return base
            case "slice" if base is not None:
                self.paths.append(base)
            case "subexpression" | "index_expression" | "pipe":
                return self._chain(node, base)
            case "projection" | "value_projection" | "filter_projection":
                left, *bodies = node.children
                self.read(left, base)
                self.read_all(bodies, None)
            case "condition":
                self._condition(node.value)
            case "function_expression":
                self._call(node, base)
            case "expref":
                self.read_all(node.children, None)
            case _:
                self.read_all(node.children, base)
        return None

    def _chain(self, node: Node, base: Path | None) -> Path | None:
        path = base
        for child in resolve(node, self.scope).children:
            path = self.follow(child, path)
        return path

    def _condition(self, name: str) -> None:
        if name not in self.conditions:
            self.conditions.add(name)
            self.read(tree_of(self.scope.conditions[name], self.scope), ())

    def _call(self, node: Node, base: Path | None) -> None:
        function = FUNCTIONS[node.value]
        if not function.reads_images:
            self.read_all(node.children, base)
            return
        path, *values = node.children
        for image in _IMAGES.get(function.name, _BOTH_IMAGES):
            self.read_all(path.children, (image,))
        self.read_all(values, base)
