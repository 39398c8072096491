"""Tables, rules and targets as a graph, and as text that Mermaid and Graphviz take for one."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.cli.graph import RENDERERS
from rules_engine.model import ActionSpec, Rule
from rules_engine.rule_graph import Edge, Graph, Node, graph_of


def writes(rule_id: str, source: str, target: str, enabled: bool = True) -> Rule:
    """A rule of one table that writes to another, something else each time."""
    config = {"table": target, "put": {"id": "{{ keys.id }}", "at": "{{ eventID }}"}}
    return Rule(rule_id, (source,), (ActionSpec("table", "table", config),), enabled=enabled)


def in_loop(*rules: Rule) -> list[tuple[str, str]]:
    return [(edge.source.label, edge.target.label) for edge in graph_of(rules).edges if edge.in_loop]


def test_a_graph_has_each_node_once_in_the_order_of_the_rules() -> None:
    log = ActionSpec("log", "log")
    rules = [Rule("a", ("t", "u"), (log,), ("INSERT",)), Rule("b", ("t",), (ActionSpec("said", "log"),))]
    t, u, a, b = Node("table", "t"), Node("table", "u"), Node("rule", "a"), Node("rule", "b")
    target = Node("target", "log")
    assert graph_of(rules) == Graph(
        (t, a, u, target, b),
        (
            Edge(t, a, "INSERT"),
            Edge(u, a, "INSERT"),
            Edge(a, target, ""),
            Edge(t, b, ""),
            Edge(b, target, "said"),
        ),
    )


def test_a_loop_is_marked_all_along() -> None:
    rules = [writes("a", "t", "u"), writes("b", "u", "t"), writes("c", "u", "v")]
    assert in_loop(*rules) == [("t", "a"), ("a", "u"), ("u", "b"), ("b", "t")]


def test_a_rule_that_sees_its_own_write_is_a_loop() -> None:
    assert in_loop(writes("a", "t", "t")) == [("t", "a"), ("a", "t")]


def test_a_rule_that_does_not_see_its_own_write_is_none() -> None:
    rule = replace(writes("a", "t", "t"), when=("became(&state, 'PAID')",))
    assert in_loop(rule) == []


def test_a_loop_by_a_table_that_is_named_at_the_start_is_closed() -> None:
    assert in_loop(writes("a", "t", "u"), writes("b", "u", "${T_TABLE}")) == [
        ("t", "a"),
        ("a", "u"),
        ("u", "b"),
        ("b", "${T_TABLE}"),
        ("${T_TABLE}", "t"),
    ]


def test_a_rule_that_is_switched_off_closes_no_loop() -> None:
    assert in_loop(writes("a", "t", "u"), writes("b", "u", "t", enabled=False)) == []


@pytest.mark.parametrize(
    ("action", "label"),
    [
        (
            ActionSpec("webhook", "webhook", {"url": "https://u:p@api.example.com/a?token=x"}),
            "webhook https://api.example.com",
        ),
        (ActionSpec("webhook", "webhook", {"url": "${URL}/{{ keys.id }}"}), "webhook ${URL}/"),
        (
            ActionSpec("sns", "sns", {"topic_arn": "arn:aws:sns:eu-west-1:1:t"}),
            "sns arn:aws:sns:eu-west-1:1:t",
        ),
        (ActionSpec("table", "table", {"table": "arn:aws:dynamodb:eu-west-1:1:table/t"}), "t"),
        (ActionSpec("log", "log", {"message": "m"}), "log"),
    ],
)
def test_a_target_is_called_by_where_it_is(action: ActionSpec, label: str) -> None:
    assert graph_of([Rule("a", ("s",), (action,))]).nodes[-1].label == label


MERMAID = re.compile(
    r"flowchart LR\n"
    r'(  (table\d+\[\("[^"`\\<>\n]*"\)\]|rule\d+\["[^"`\\<>\n]*"\]|target\d+\(\["[^"`\\<>\n]*"\]\))\n)+'
    r'(  \w+ (-->|-\.->)(\|"[^"`\\<>\n]*"\|)? \w+\n)+'
)
DOT = re.compile(
    r"digraph rules \{\n  rankdir=LR\n"
    r'(  \w+( -> \w+)?( \[(\w+="([^"\\\n]|\\.)*"(, )?)+\])?\n)+\}\n'
)


@given(label=st.text())
def test_no_name_can_be_taken_for_syntax(label: str) -> None:
    table, rule, target = Node("table", label), Node("rule", label), Node("target", label)
    graph = Graph((table, rule, target), (Edge(table, rule, label), Edge(rule, target, label)))
    for name, form in (("mermaid", MERMAID), ("dot", DOT)):
        text = "".join(f"{line}\n" for line in RENDERERS[name](graph))
        assert form.fullmatch(text), text
        assert text.count("\n") == (6 if name == "mermaid" else 8)
