"""The growth chart: time for a record over the number of rules, both axes logarithmic, as SVG.

In: lines of (rules, multiple of json.loads). Out: SVG text, drawn by hand: no plotting library for one
picture. Lines are labelled at their right end; labels that would overlap are moved apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from bench.report import number

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH, _HEIGHT = 760, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 590, 50, 390
_LABEL_HEIGHT = 16
_GRID, _TEXT = "#e3e6ea", "#3b4045"
_HALO = ' stroke="#ffffff" stroke-width="5" paint-order="stroke"'
"""So that a label can be read across a line."""


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    color: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def draw(title: str, lines: Sequence[Line]) -> str:
    axes = _Axes(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13" role="img">',
        f"<title>{title}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="#ffffff"/>',
        _label(_LEFT, 28, title, weight="600"),
        *axes.grid(),
        *(axes.line(line) for line in lines),
        *axes.labels(lines),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Axes:
    """From figures to places in the picture. Both axes go from one power of ten to another."""

    def __init__(self, lines: Sequence[Line]) -> None:
        xs = [log10(x) for line in lines for x, _ in line.points]
        ys = [log10(y) for line in lines for _, y in line.points]
        self._x = (floor(min(xs)), ceil(max(xs)))
        self._y = (floor(min(ys)), ceil(max(ys)))

    def x(self, value: float) -> float:
        low, high = self._x
        return round(_LEFT + (log10(value) - low) / (high - low) * (_RIGHT - _LEFT), 1)

    def y(self, value: float) -> float:
        low, high = self._y
        return round(_BOTTOM - (log10(value) - low) / (high - low) * (_BOTTOM - _TOP), 1)

    def grid(self) -> list[str]:
        parts = []
        for power in range(self._x[0], self._x[1] + 1):
            x = self.x(10**power)
            parts.append(_stroke(x, _TOP, x, _BOTTOM))
            parts.append(_label(x, _BOTTOM + 20, f"{10**power:,}", anchor="middle"))
        for power in range(self._y[0], self._y[1] + 1):
            y = self.y(10**power)
            parts.append(_stroke(_LEFT, y, _RIGHT, y))
            parts.append(_label(_LEFT - 8, y + 4, f"{number(10.0**power)} x", anchor="end"))
        parts.append(_label((_LEFT + _RIGHT) / 2, _BOTTOM + 40, "rules", anchor="middle"))
        return parts

    def line(self, line: Line) -> str:
        points = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in line.points)
        dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
        return (
            f'<polyline points="{points}" fill="none" stroke="{line.color}" stroke-width="2.5"'
            f' stroke-linejoin="round"{dashes}/>'
        )

    def labels(self, lines: Sequence[Line]) -> list[str]:
        """At the right ends of their lines, from the top down, none nearer to the last than its height."""
        parts = []
        lowest = float("-inf")
        for line in sorted(lines, key=lambda line: self.y(line.points[-1][1])):
            x, y = line.points[-1]
            lowest = max(self.y(y) + 4, lowest + _LABEL_HEIGHT)
            parts.append(_label(self.x(x) + 8, lowest, line.label, color=line.color, halo=_HALO))
        return parts


def _label(
    x: float,
    y: float,
    text: str,
    anchor: str = "start",
    color: str = _TEXT,
    weight: str = "400",
    halo: str = "",
) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{color}" font-weight="{weight}"{halo}>'
        f"{text}</text>"
    )


def _stroke(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{_GRID}"/>'
