"""Which tables lead to which rules, and those to which targets.

In: rules. Out: a `Graph` of nodes and edges in the order of the rules. A table that a rule writes to is the
same node as the table that others read, so a way that leads back to where it began is seen; its edges are
marked. That is all the ways there are by table names: whether a loop comes to rest is for the checks of
`validate` to say. Rules that are switched off are in the graph, and lead nowhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rules_engine.actions import action_type
from rules_engine.model import EVENT_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules_engine.model import ActionSpec, Rule

Kind = Literal["table", "rule", "target"]

_ORIGIN = re.compile(r"(https?://)(?:[^/?#@]*@)?([^/?#]+)")


@dataclass(frozen=True, slots=True)
class Node:
    """`label` is for people: of a target its type and where it is, without credentials or record data."""

    kind: Kind
    label: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Edge:
    """`label` is empty where there is nothing to say: every event, the only action of its type."""

    source: Node
    target: Node
    label: str
    in_loop: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph_of(rules: Iterable[Rule]) -> Graph:
    """Tables, rules and targets."""
    edges = [edge for rule in rules for edge in _edges(rule)]
    reached = _reached(edges)
    marked = [
        Edge(each.source, each.target, each.label, each.source in reached[each.target]) for each in edges
    ]
    nodes = dict.fromkeys(node for edge in edges for node in (edge.source, edge.target))
    return Graph(tuple(nodes), tuple(dict.fromkeys(marked)))


def _edges(rule: Rule) -> Iterable[Edge]:
    node = Node("rule", rule.id, rule.enabled)
    events = "" if rule.events == EVENT_NAMES else ", ".join(rule.events)
    for table in rule.tables:
        yield Edge(Node("table", table), node, events)
    for action in rule.actions:
        yield Edge(node, _target(action), "" if action.id == action.type else action.id)


def _target(action: ActionSpec) -> Node:
    if action.type == "table":
        return Node("table", str(action.config["table"]).rpartition("table/")[2])
    where = _where(action)
    return Node("target", f"{action.type} {where}" if where else action.type)


def _where(action: ActionSpec) -> str:
    """Where the action sends to, as far as that is one place."""
    found = action_type(action.type)
    values: list[Any] = [action.config.get(name) for name in (*found.CONNECTION, *found.TARGETS)]
    text = next((value for value in values if isinstance(value, str)), "")
    origin = _ORIGIN.match(text)
    return origin[1] + origin[2] if origin else text.partition("{{")[0]


def _reached(edges: list[Edge]) -> dict[Node, set[Node]]:
    """For each node that an edge leads to those that can be reached from it, itself included."""
    following: dict[Node, list[Node]] = {}
    for edge in edges:
        if edge.source.enabled and edge.target.enabled:
            following.setdefault(edge.source, []).append(edge.target)
    from_tables = {
        node: _from([node], following) for node in {edge.target for edge in edges} if node.kind == "table"
    }
    reached = dict(from_tables)
    for edge in edges:
        if edge.source.kind == "rule":
            beyond = from_tables.get(edge.target, set()) if edge.source.enabled else set()
            reached.setdefault(edge.source, {edge.source}).update(beyond)
            reached.setdefault(edge.target, set())
    return reached


def _from(waiting: list[Node], following: dict[Node, list[Node]]) -> set[Node]:
    reached = set(waiting)
    while waiting:
        for node in following.get(waiting.pop(), ()):
            if node not in reached:
                reached.add(node)
                waiting.append(node)
    return reached
