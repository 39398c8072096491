"""Which tables lead to which rules, and those to which targets.

In: rules. Out: a `Graph` of nodes and edges in the order of the rules. A table that a rule writes to is the
same node as the table that others read. The edges of loops are marked: not every way back to a table, but
what `validate` reports, of rules that may set each other off for ever by what they write. Where such a loop
goes by a table whose name is known when the function starts, an edge leads from that name to the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from rules_engine.actions import action_type
from rules_engine.loader.loops import find_loops
from rules_engine.model import EVENT_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.loader.loops import Loop
    from rules_engine.model import ActionSpec, Rule

Kind = Literal["table", "rule", "target"]

SAME_TABLE = "if it is this table"
"""The label of an edge between tables."""

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


def graph_of(rules: Sequence[Rule]) -> Graph:
    """Tables, rules and targets."""
    looping = dict.fromkeys(edge for loop in find_loops(rules).loops for edge in _loop_edges(loop, rules))
    edges = dict.fromkeys(edge for rule in rules for edge in _edges(rule))
    edges |= dict.fromkeys(edge for edge in looping if edge.label == SAME_TABLE)
    nodes = dict.fromkeys(node for edge in edges for node in (edge.source, edge.target))
    return Graph(tuple(nodes), tuple(replace(edge, in_loop=edge in looping) for edge in edges))


def _loop_edges(loop: Loop, rules: Sequence[Rule]) -> Iterator[Edge]:
    """As they are in the graph, not marked."""
    following = (*loop.turns[1:], loop.turns[0])
    for turn, after in zip(loop.turns, following, strict=True):
        rule, table = rules[turn.rule], Node("table", turn.write.table)
        target = _target(turn.write.action)
        yield _action_edge(rule, turn.write.action)
        if target != table:
            yield Edge(target, table, SAME_TABLE)
        yield _table_edge(turn.write.table, rules[after.rule])


def _edges(rule: Rule) -> Iterator[Edge]:
    for table in rule.tables:
        yield _table_edge(table, rule)
    for action in rule.actions:
        yield _action_edge(rule, action)


def _table_edge(table: str, rule: Rule) -> Edge:
    events = "" if rule.events == EVENT_NAMES else ", ".join(rule.events)
    return Edge(Node("table", table), _node(rule), events)


def _action_edge(rule: Rule, action: ActionSpec) -> Edge:
    return Edge(_node(rule), _target(action), "" if action.id == action.type else action.id)


def _node(rule: Rule) -> Node:
    return Node("rule", rule.id, rule.enabled)


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
