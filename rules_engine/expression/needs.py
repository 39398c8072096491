"""What must hold of a record for a condition to hold, in terms that an index can look up.

`needs(nodes, scope)` gives, for clauses that must all hold, needs that together say the same as the clauses:
all of them hold exactly when every clause does. What has no better form becomes a `Holds` with the text of
the operand itself, so nothing is left out; only what an index can do with a need differs from kind to kind.

A `Source` says where a need reads; `key_of` makes a constant comparable with what is read there. Values of
different JSON types never have equal keys (`true` is not 1), numbers of equal value always do.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from rules_engine.expression.closures import MIRRORED, ORDERS
from rules_engine.expression.roots import resolve
from rules_engine.expression.trees import tree_of
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

Key: TypeAlias = "str | int | Decimal | tuple[str]"

NULL: Final = ("null",)
TRUE: Final = ("true",)
FALSE: Final = ("false",)
"""Keys of the values that Python would mix up with numbers, or with nothing at all."""
ABSENT: Final = ("absent",)
"""Key of what is not there. A condition takes it for null, except `present`, `changed` and `became`."""
_NOTHING: Final = (NULL, ABSENT)


class Source(NamedTuple):
    """Where a value comes from: a path of names from the document; with `inner`, that path in each element
    of the list there; with `function` too, what that makes of the elements (`sum`, `max`, `min`) or of those
    that are numbers (`largest`, `smallest`); with `function` and `other`, whether the value is so to the one
    at that path (`lt`, `lte`, `gt`, `gte`), or is not the same (`changed`); with `text` alone, whatever that
    expression gives."""

    names: tuple[str, ...]
    inner: tuple[str, ...] | None = None
    function: str | None = None
    other: tuple[str, ...] | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Equals:
    """The value at `source` has one of `keys`; where it is the elements of a list, some element has."""

    source: Source
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Differs:
    """The value at `source` has none of `keys`."""

    source: Source
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """The value is a number between the bounds; an open bound does not belong."""

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
class SomeElement:
    """One element of a list meets all of `tests`, whose sources are of that list."""

    tests: tuple[Equals | Within, ...]


@dataclass(frozen=True, slots=True)
class Holds:
    """Whatever `text` says is true."""

    text: str


Need: TypeAlias = "Equals | Differs | Within | StartsWith | Has | SomeElement | Holds"


def needs(nodes: Iterable[Node], scope: Scope) -> tuple[Need, ...]:
    """The needs of clauses that must all hold, each once. Takes the trees that `compile_expression` took.

    A clause that as a whole would run out of its budget may hold need by need.
    """
    reader = _Reader(scope)
    return tuple(dict.fromkeys(need for node in nodes for need in reader.read(node)))


def change_of(names: Iterable[str]) -> Source:
    """Whether the attribute at a path below the images is not what it was."""
    return Source(("new", *names), function="changed", other=("old", *names))


def key_of(value: Any) -> Key | None:
    """The key of a constant; None for a list or an object."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return TRUE if value else FALSE
    return value if isinstance(value, (str, int, Decimal)) else None


class _Reader:
    """Walks the operands of `&&`, also through named conditions."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.open: list[str] = []

    def read(self, node: Node) -> Iterator[Need]:
        match node.type:
            case "and_expression":
                for child in node.children:
                    yield from self.read(child)
            case "subexpression" if condition := self._condition(node):
                yield from self._read_condition(condition, node)
            case _:
                found = self._form(node)
                yield from found or (Holds(node.text),)

    def _condition(self, node: Node) -> str | None:
        """The name, if the node is `is.name` and nothing more."""
        children = resolve(node, self.scope).children
        return str(children[0].value) if len(children) == 1 and children[0].type == "condition" else None

    def _read_condition(self, name: str, node: Node) -> Iterator[Need]:
        if name in self.open:  # a circle: compiling the rule refuses it
            yield Holds(node.text)
            return
        self.open.append(name)
        yield from self.read(tree_of(self.scope.conditions[name], self.scope))
        self.open.pop()

    def _form(self, node: Node) -> tuple[Need, ...]:
        """Needs that say what `node` says, all of them together; none if there are no such."""
        match node.type:
            case "comparator":
                return (
                    self._not_empty(node)
                    or self._comparison(node, self._source)
                    or self._both_read(node)
                    or self._comparison(node, self._computed)
                )
            case "or_expression":
                return self._alternatives(node)
            case "filter_projection":
                return self._some_element(node)
            case "function_expression" if node.value in _CALLS:
                return _CALLS[node.value](self, node)
        return ()

    def _source(self, node: Node) -> Source | None:
        if node.type == "function_expression" and node.value in _AGGREGATES:
            elements = self._elements(node.children[0])
            return elements._replace(function=node.value) if elements else None
        names = self._names(node)
        return Source(names) if names else None

    def _computed(self, node: Node) -> Source | None:
        """Anything but a constant, evaluated once for all rules that compare it."""
        return None if self._constant(node) else Source((), text=node.text)

    def _names(self, node: Node) -> tuple[str, ...]:
        """The names of a plain path; none for anything else."""
        if node.type == "field":
            return (node.value,)
        if node.type == "subexpression" and resolve(node, self.scope) is node:
            return self._path(node.children)
        return ()

    def _path(self, nodes: Sequence[Node]) -> tuple[str, ...]:
        names = [self._names(node) for node in nodes]
        return tuple(name for part in names for name in part) if all(names) else ()

    def _constant(self, node: Node) -> tuple[Any] | None:
        """The value of a literal or of `vars.name`, in a tuple, because it may be None."""
        if node.type == "subexpression":
            resolved = resolve(node, self.scope)
            if len(resolved.children) == 1:
                node = resolved.children[0]
        return (node.value,) if node.type == "literal" else None

    def _key(self, node: Node) -> Key | None:
        constant = self._constant(node)
        return key_of(constant[0]) if constant else None

    def _comparison(self, node: Node, source_of: Callable[[Node], Source | None]) -> tuple[Need, ...]:
        left, right, name = *node.children, node.value
        if self._constant(left):
            left, right, name = right, left, MIRRORED.get(name, name)
        source, key = source_of(left), self._key(right)
        if source is None or key is None:
            return ()
        if name in ("eq", "ne"):
            keys = _NOTHING if key == NULL else (key,)
            return (Equals(source, keys) if name == "eq" else Differs(source, keys),)
        if not isinstance(key, (int, Decimal)):
            return ()
        return (_BOUNDS[name](source, key),)

    def _both_read(self, node: Node) -> tuple[Need, ...]:
        """`new.total > old.total`."""
        left, right = map(self._names, node.children)
        if not left or not right or node.value not in ORDERS:
            return ()
        return (Equals(Source(left, function=node.value, other=right), (TRUE,)),)

    def _alternatives(self, node: Node) -> tuple[Need, ...]:
        """`a == 'x' || a == 'y'`: one of several keys."""
        forms = [self._form(child) for child in node.children]
        found = [form[0] for form in forms if len(form) == 1 and isinstance(form[0], Equals)]
        if len(found) < len(forms) or len({need.source for need in found}) > 1:
            return ()
        return (Equals(found[0].source, tuple(dict.fromkeys(key for need in found for key in need.keys))),)

    def _some_element(self, node: Node) -> tuple[Need, ...]:
        """`path[?name == 'x']`, which is true where some element is so."""
        if node.type != "filter_projection":
            return ()
        left, body, condition = node.children
        names = self._names(left)
        if not names or body.type != "identity":
            return ()

        def source_of(part: Node) -> Source | None:
            inner = self._names(part)
            return Source(names, inner) if inner else None

        operands = condition.children if condition.type == "and_expression" else (condition,)
        found = [
            need
            for operand in operands
            if operand.type == "comparator"
            for need in self._comparison(operand, source_of)
            if isinstance(need, (Equals, Within)) and need != Equals(need.source, _NOTHING)
        ]
        if not found:
            return ()
        # The first finds the rule; that one element meets all is checked then.
        first = _extreme(found[0])
        if len(found) < len(operands):
            return (first, Holds(node.text))
        return (first,) if len(found) == 1 else (first, SomeElement(tuple(found)))

    def _not_empty(self, node: Node) -> tuple[Need, ...]:
        """``length(path[?...]) > `0` ``: some element is so. For a larger number that is a part of it."""
        call, number = node.children[0], self._key(node.children[1])
        if call.type != "function_expression" or call.value != "length" or not isinstance(number, int):
            return ()
        least = {"gt": number + 1, "gte": number}.get(node.value, 0)
        found = self._some_element(call.children[0]) if least >= 1 else ()
        if least == 1 or not found:
            return found
        return (found[0], Holds(node.text))

    def _became(self, node: Node) -> tuple[Need, ...]:
        path, value = node.children
        names, key = self._names(path.children[0]), self._key(value)
        if not names or key is None:
            return ()
        return (Equals(Source(("new", *names)), (key,)), Differs(Source(("old", *names)), (key,)))

    def _changed(self, node: Node) -> tuple[Need, ...]:
        names = self._names(node.children[0].children[0])
        return (Equals(change_of(names), (TRUE,)),) if names else ()

    def _present(self, node: Node) -> tuple[Need, ...]:
        names = self._names(node.children[0].children[0])
        return (Differs(Source(("new", *names)), (ABSENT,)),) if names else ()

    def _contains(self, node: Node) -> tuple[Need, ...]:
        subject, element = node.children
        constant = self._constant(subject)
        if constant:
            return self._is_listed(constant[0], element)
        key = self._key(element)
        if key is None:
            return ()
        if source := self._source(subject):
            return (Has(source, key),)
        source = self._elements(subject)
        return (Equals(source, (key,)),) if source and key != NULL else ()

    def _is_listed(self, elements: Any, node: Node) -> tuple[Need, ...]:
        source = self._source(node)
        keys = [key_of(element) for element in elements] if isinstance(elements, list) else [None]
        if source is None or None in keys:
            return ()
        found = [key for key in keys if key is not None] + ([ABSENT] if NULL in keys else [])
        return (Equals(source, tuple(dict.fromkeys(found))),)

    def _elements(self, node: Node) -> Source | None:
        """`path[].name` and `path[*].name`."""
        *before, last = node.children if node.type == "subexpression" else (node,)
        if last.type != "projection" or resolve(node, self.scope) is not node:
            return None
        base, body = last.children
        parts = [*before, base.children[0] if base.type == "flatten" else base]
        names, inner = self._path(parts), self._names(body)
        return Source(names, inner) if names and inner else None

    def _starts_with(self, node: Node) -> tuple[Need, ...]:
        source, prefix = self._source(node.children[0]), self._key(node.children[1])
        return (StartsWith(source, prefix),) if source and isinstance(prefix, str) else ()


_CALLS: dict[str, Callable[[_Reader, Node], tuple[Need, ...]]] = {
    "became": _Reader._became,
    "changed": _Reader._changed,
    "contains": _Reader._contains,
    "present": _Reader._present,
    "starts_with": _Reader._starts_with,
}


def _extreme(need: Equals | Within) -> Equals | Within:
    """Some element is above a bound if the largest is, and below one if the smallest is."""
    if isinstance(need, Equals):
        return need
    return replace(need, source=need.source._replace(function="largest" if need.high is None else "smallest"))


_AGGREGATES = ("sum", "max", "min")

_BOUNDS: dict[str, Callable[[Source, int | Decimal], Within]] = {
    "lt": lambda source, number: Within(source, high=number, high_open=True),
    "lte": lambda source, number: Within(source, high=number),
    "gt": lambda source, number: Within(source, low=number, low_open=True),
    "gte": lambda source, number: Within(source, low=number),
}
