"""Figures with their goals: as a table of text, as JSON, and beside the last committed ones.

In: `Table`s of `Row`s. Out: text for the terminal, and plain data. A row without a value says in its note
why it was not measured; it is neither met nor missed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `at_most` or `at_least` is its goal, if it has one."""

    label: str
    value: float | None
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        if self.at_most is not None:
            return self.value <= self.at_most
        return self.value >= self.at_least if self.at_least is not None else None

    @property
    def goal(self) -> str:
        if self.at_most is not None:
            return f"<= {number(self.at_most)}"
        return f">= {number(self.at_least)}" if self.at_least is not None else ""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    title: str
    rows: Sequence[Row] = field(default_factory=tuple)


def number(value: float) -> str:
    """Three digits that count, and all digits before the point."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def render(table: Table, committed: Mapping[str, Any]) -> str:
    """`committed` is what `to_json` gave for an earlier run of the same table; {} for none."""
    lines = [("", "value", "goal", "", "was", "")]
    for row in table.rows:
        value = "not measured" if row.value is None else f"{number(row.value)} {row.unit}"
        met = {True: "met", False: "MISSED", None: ""}[row.met]
        lines.append((row.label, value, row.goal, met, _change(row, committed.get(row.label)), row.note))
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([table.title, *(line.rstrip() for line in text), ""])


def _change(row: Row, before: Mapping[str, Any] | None) -> str:
    """This run's figure over the committed one."""
    if not before or not before["value"] or row.value is None or before["unit"] != row.unit:
        return ""
    return f"{row.value / before['value']:.2f} x"


def to_json(tables: Iterable[Table]) -> dict[str, dict[str, Any]]:
    return {
        table.name: {
            row.label: {
                "value": row.value if row.value is None else float(f"{row.value:.4g}"),
                "unit": row.unit,
                "goal": row.goal,
                "met": row.met,
                "note": row.note,
            }
            for row in table.rows
        }
        for table in tables
    }


def summary(tables: Iterable[Table]) -> str:
    rows = [(table, row) for table in tables for row in table.rows]
    met = [row for _, row in rows if row.met]
    missed = [f"{table.name}: {row.label}" for table, row in rows if row.met is False]
    lines = [f"{len(met)} goals met, {len(missed)} missed", *(f"  missed  {label}" for label in missed)]
    return "\n".join(lines)
