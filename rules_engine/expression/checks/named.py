"""The named conditions of one file and how they use each other.

In: what the file defines. Out: the images that a condition reads, also through those it uses; the circles in
which conditions use each other; and what is too large only together with the conditions in it. Each condition
is parsed and compiled once for all expressions of the file, those it uses before it. Following them anew from
each use was left: a chain of 3,000 then takes minutes. The trees of the file's other expressions are kept
here too, for all that checks them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.errors import ExpressionError, Finding
from rules_engine.expression.checks.places import IMAGE_FUNCTIONS, is_alternative, path_from, walk
from rules_engine.expression.checks.spelling import nearest
from rules_engine.expression.compiler import CompiledConditions, compile_condition, compile_expression
from rules_engine.expression.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator

    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

IMAGES = ("new", "old")
EITHER = "either"
"""What `(new || old).id` reads: one of the images, whichever is there."""

_MOST_SHOWN = 8
"""Names of a circle."""

_MOST_SUGGESTIONS, _MOST_COMPARED = 20, 500


class NamedConditions:
    """The conditions of a scope. Nothing is found out before it is asked for."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._trees: dict[str, Node] = {}
        self._uses: dict[str, dict[str, tuple[int, int]]] = {}
        """Of each condition those it uses, and from where to where the first use of each stands."""
        self._reads: dict[str, frozenset[str]] = {}
        self._images: dict[str, frozenset[str]] = {}
        """The images that each reads itself, and with those that it uses."""
        self._suggestions = 0
        self._compiled: CompiledConditions = {}
        self._tried: set[str] = set()
        self._refused: set[str] = set()
        """Conditions that do not compile, be it because of one that they use."""

    def parse(self, text: str) -> Node:
        """The tree of `text`, of each text of the file once. Raises ExpressionError."""
        if text not in self._trees:
            self._trees[text] = parse(text)
        return self._trees[text]

    def suggest(self, name: str, known: Collection[str]) -> str | None:
        """The known name that was meant, among few and for the first unknown ones: looking takes time."""
        self._suggestions += 1
        if self._suggestions > _MOST_SUGGESTIONS or len(known) > _MOST_COMPARED:
            return None
        return nearest(name, known)

    def images_read(self, name: str) -> frozenset[str]:
        """The images that the condition reads, also through those that it uses."""
        for each in self._from_below([name], self._images):
            below = [self._images[other] for other in self._uses[each] if other in self._images]
            self._images[each] = self._reads[each].union(*below)
        return self._images[name]

    def too_large(self, text: str, tree: Node) -> Finding | None:
        """What the conditions it uses make of an expression in which nothing else was found."""
        may_use = "is" in text or "\\" in text  # `"\u0069s"` is a name too
        used = list(_uses_in(tree)) if may_use else []
        if not used:
            return None
        for name in self._from_below(used, self._tried):
            self._compile(name)
        if not self._refused.isdisjoint(used):
            return None  # it was said where the condition is defined
        try:
            compile_expression(text, self.scope, self._compiled)
        except ExpressionError as error:
            if error.finding.code == "RE212":
                return Finding("RE212", error.finding.message, 0, len(text), error.finding.hint)
        return None

    def circles(self) -> Iterator[tuple[str, Finding]]:
        """The circles, each at the first of its conditions in the file; no condition is in two of them."""
        order = {name: number for number, name in enumerate(self.scope.conditions)}
        said: set[str] = set()
        for circle in self._circles():
            if said.isdisjoint(circle):
                said.update(circle)
                first = circle.index(min(circle, key=order.__getitem__))
                yield circle[first], self._circle([*circle[first:], *circle[: first + 1]])

    def _circle(self, names: list[str]) -> Finding:
        shown = [f"is.{name}" for name in names]
        if len(shown) > _MOST_SHOWN:
            shown[_MOST_SHOWN - 2 : -1] = ["..."]
        message = f"named conditions use each other in a circle: {' -> '.join(shown)}"
        start, end = self._uses[names[0]][names[1]]
        hint = "write out in one of them what it needs of the next"
        return Finding("RE213", message, start, end - start, hint)

    def _circles(self) -> Iterator[list[str]]:
        """For each use that leads back to a condition on the way to it, the conditions on that way."""
        done: set[str] = set()
        for start in self.scope.conditions:
            way, waiting = [start], [iter(self._used_by(start))]
            at = {start: 0}
            while way and start not in done:
                name = next(waiting[-1], None)
                if name is None:
                    waiting.pop()
                    done.add(last := way.pop())
                    del at[last]
                elif name in at:
                    yield way[at[name] :]
                elif name not in done:
                    at[name] = len(way)
                    way.append(name)
                    waiting.append(iter(self._used_by(name)))

    def _from_below(self, names: Iterable[str], done: Container[str]) -> Iterator[str]:
        """`names` and all conditions they use, but for those `done`: each after those that it uses."""
        opened: set[str] = set()
        closed: set[str] = set()
        stack = list(names)
        while stack:
            name = stack[-1]
            if name not in opened and name not in done:
                opened.add(name)
                stack += (other for other in self._used_by(name) if other not in opened)
                continue
            stack.pop()
            if name in opened and name not in closed:
                closed.add(name)
                yield name

    def _used_by(self, name: str) -> Iterable[str]:
        """The conditions that a condition uses itself."""
        if name not in self._uses:
            self._uses[name], self._reads[name] = {}, frozenset()
            try:
                tree = self.parse(self.scope.conditions.get(name, ""))
            except ExpressionError:
                return ()
            self._uses[name], self._reads[name] = _uses_in(tree), frozenset(_images_in(tree))
        return self._uses[name]

    def _compile(self, name: str) -> None:
        self._tried.add(name)
        if name not in self.scope.conditions or not self._refused.isdisjoint(self._uses[name]):
            self._refused.add(name)
            return
        try:
            compile_condition(name, self.scope, self._compiled)
        except ExpressionError:
            self._refused.add(name)


def _uses_in(tree: Node) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for place in walk(tree):
        if place.is_head and place.node.value == "is":
            path = path_from(place)
            for name in path.names[1:2]:
                found.setdefault(name, (path.parts[0].start, path.parts[1].end))
    return found


def _images_in(tree: Node) -> Iterator[str]:
    for place in walk(tree):
        if place.node.type == "function_expression":
            yield from IMAGE_FUNCTIONS.get(place.node.value, ())
        elif place.is_head and place.meaning == "record" and place.node.value in IMAGES:
            yield EITHER if is_alternative(place) else place.node.value
