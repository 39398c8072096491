"""`rules-engine graph`: the rule set as a picture.

In: paths to a rule set without errors. Out: tables, rules and targets as text for Mermaid, which GitHub and
GitLab draw where it stands in Markdown, or for Graphviz. Nodes are numbered, so that no name can be taken for
syntax; names stand in labels, escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rules_engine.cli.exit_codes import OK
from rules_engine.cli.report import visible
from rules_engine.cli.rule_files import (
    DEFAULT_PATHS,
    NothingFound,
    load_clean_rules,
    rule_option,
    rules_called,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules_engine.rule_graph import Edge, Graph, Node

_LOOP = "loop"

_MERMAID_SHAPES = {"table": '[("{}")]', "rule": '["{}"]', "target": '(["{}"])'}
_DOT_SHAPES = {"table": "cylinder", "rule": "box", "target": "oval"}

_MERMAID_ESCAPES = str.maketrans(
    {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\\": "#92;"}
)


@click.command("graph", short_help="Draw tables, rules and targets.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1)
@rule_option
@click.option(
    "--table", "tables", metavar="NAME", multiple=True, help="Only rules of this table; repeatable."
)
@click.option(
    "--format", "output", type=click.Choice(["mermaid", "dot"]), default="mermaid", show_default=True
)
def command(paths: tuple[str, ...], rule_ids: tuple[str, ...], tables: tuple[str, ...], output: str) -> int:
    """Draw the rules under PATHS (default: rules): from tables through rules to targets.

    Rules that may set each other off for ever by what they write are a loop, in red: what
    'rules-engine validate' warns of. Rules that are switched off are dashed.

    \b
    Examples:
      rules-engine graph > rules.mmd
      rules-engine graph rules --table orders
      rules-engine graph --format dot | dot -Tsvg > rules.svg
    """
    from rules_engine.rule_graph import graph_of

    rules = rules_called(load_clean_rules(paths or DEFAULT_PATHS), rule_ids)
    drawn = [rule for rule in rules if not tables or set(tables) & set(rule.tables)]
    if not drawn:
        raise NothingFound(f"no rule of {' or '.join(tables)}")
    for line in RENDERERS[output](graph_of(drawn)):
        click.echo(line)
    return OK


def _names(graph: Graph) -> dict[Node, str]:
    """`table1`, `rule1`, `rule2`, ... in the order of the nodes."""
    counts: dict[str, int] = {}
    names = {}
    for node in graph.nodes:
        counts[node.kind] = counts.get(node.kind, 0) + 1
        names[node] = f"{node.kind}{counts[node.kind]}"
    return names


def _label(edge: Edge) -> str:
    return ", ".join(part for part in (edge.label, _LOOP if edge.in_loop else "") if part)


def _mermaid(graph: Graph) -> Iterator[str]:
    names = _names(graph)
    yield "flowchart LR"
    for node, name in names.items():
        yield f"  {name}{_MERMAID_SHAPES[node.kind].format(_mermaid_text(node.label))}"
    for edge in graph.edges:
        label = f'|"{_mermaid_text(_label(edge))}"|' if _label(edge) else ""
        arrow = "-->" if edge.source.enabled and edge.target.enabled else "-.->"
        yield f"  {names[edge.source]} {arrow}{label} {names[edge.target]}"
    off = [name for node, name in names.items() if not node.enabled]
    if off:
        yield "  classDef off stroke-dasharray: 4 4"
        yield f"  class {','.join(off)} off"
    loops = [str(number) for number, edge in enumerate(graph.edges) if edge.in_loop]
    if loops:
        yield f"  linkStyle {','.join(loops)} stroke:#c00,stroke-width:2px"


def _mermaid_text(text: str) -> str:
    return visible(text).translate(_MERMAID_ESCAPES)


def _dot(graph: Graph) -> Iterator[str]:
    names = _names(graph)
    yield "digraph rules {"
    yield "  rankdir=LR"
    for node, name in names.items():
        style = {} if node.enabled else {"style": "dashed"}
        yield f"  {name} {_attributes({'label': node.label, 'shape': _DOT_SHAPES[node.kind], **style})}"
    for edge in graph.edges:
        attributes = {"label": _label(edge)} if _label(edge) else {}
        if edge.in_loop:
            attributes |= {"color": "red", "penwidth": "2"}
        if not (edge.source.enabled and edge.target.enabled):
            attributes["style"] = "dashed"
        yield f"  {names[edge.source]} -> {names[edge.target]} {_attributes(attributes)}".rstrip()
    yield "}"


def _attributes(values: Mapping[str, str]) -> str:
    quoted = (f'{key}="{_dot_text(value)}"' for key, value in values.items())
    return f"[{', '.join(quoted)}]" if values else ""


def _dot_text(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace('"', '\\"')


RENDERERS: dict[str, Callable[[Graph], Iterator[str]]] = {"mermaid": _mermaid, "dot": _dot}
