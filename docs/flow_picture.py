"""`picture(graph)`: the flow of a rule set as SVG, for the documentation site, which loads no Mermaid.

Three columns: tables that rules watch, the rules, what they send to. Boxes stand in the graph's own order,
lines go from the right edge of one to the left edge of the next and carry the edge's label. Every length is a
whole number of pixels and follows from the graph alone, so that the file changes only when the rules do.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.rule_graph import Edge, Graph, Node

CHARACTER, PADDING, HEIGHT, GAP, BETWEEN = 9, 14, 36, 22, 190
"""Width of a letter; between text and border; height of a box; between boxes; between columns."""
STYLE = (
    "text{font:14px ui-monospace,monospace;fill:#444}"
    ".label{font-size:12px;fill:#777}"
    ".table{fill:#e3e8fb;stroke:#5264c4}.rule{fill:#fff;stroke:#777}.target{fill:#e2f3e6;stroke:#3d8b52}"
    "path{fill:none;stroke:#888;stroke-width:1.5}"
)


def picture(graph: Graph) -> str:
    """The SVG document."""
    columns = _columns(graph)
    widths = [max(map(_width, column)) for column in columns]
    lefts = [sum(widths[:number]) + number * BETWEEN for number in range(len(columns))]
    tall = max(map(len, columns)) * (HEIGHT + GAP) - GAP
    places = {
        node: (left, _top(row, len(column), tall), width)
        for column, left, width in zip(columns, lefts, widths, strict=True)
        for row, node in enumerate(column)
    }
    wide = lefts[-1] + widths[-1]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 -2 {wide + 4} {tall + 4}" width="{wide + 4}" '
        f'height="{tall + 4}" role="img" aria-label="tables, rules and targets">'
    )
    lines = [line for edge in graph.edges for line in _edge(edge, places)]
    boxes = [line for node in places for line in _box(node, *places[node])]
    return "\n".join([head, f"<style>{STYLE}</style>", *lines, *boxes, "</svg>"]) + "\n"


def _columns(graph: Graph) -> list[Sequence[Node]]:
    watched = {edge.source for edge in graph.edges if edge.source.kind == "table"}
    rules = [node for node in graph.nodes if node.kind == "rule"]
    tables = [node for node in graph.nodes if node in watched]
    return [tables, rules, [node for node in graph.nodes if node not in watched and node.kind != "rule"]]


def _width(node: Node) -> int:
    return len(node.label) * CHARACTER + 2 * PADDING


def _top(row: int, rows: int, tall: int) -> int:
    """Columns stand in the middle of the tallest."""
    return (tall - rows * (HEIGHT + GAP) + GAP) // 2 + row * (HEIGHT + GAP)


def _box(node: Node, left: int, top: int, width: int) -> Iterator[str]:
    radius = {"table": 4, "rule": 0, "target": HEIGHT // 2}[node.kind]
    yield (
        f'<rect class="{node.kind}" x="{left}" y="{top}" width="{width}" height="{HEIGHT}" rx="{radius}"/>'
        f'<text x="{left + PADDING}" y="{top + HEIGHT // 2 + 5}">{escape(node.label)}</text>'
    )


def _edge(edge: Edge, places: dict[Node, tuple[int, int, int]]) -> Iterator[str]:
    left, top, width = places[edge.source]
    to_left, to_top, _ = places[edge.target]
    x, y, to_y = left + width, top + HEIGHT // 2, to_top + HEIGHT // 2
    middle = (x + to_left) // 2
    yield f'<path d="M{x} {y}C{middle} {y} {middle} {to_y} {to_left} {to_y}"/>'
    if edge.label:
        # At the rule, where the lines of several rules are apart.
        to_rule = edge.target.kind == "rule"
        place = (
            f'x="{to_left - 6}" y="{to_y - 5}" text-anchor="end"' if to_rule else f'x="{x + 6}" y="{y - 5}"'
        )
        yield f'<text class="label" {place}>{escape(edge.label)}</text>'
