"""What one evaluation may cost, counted where cost can grow: in loops and where text or lists are built.

A straight-line condition pays nothing. A loop pays, before it runs, its number of elements times the nodes of
its body; a scan over text pays a step for 16 characters; whatever is built pays for its elements and
characters. Past a limit the evaluation ends with BudgetError. Clocks were left: the same record must give
the same answer on a slow machine.

The numbers: the largest item (400 KB) holds some 130,000 list elements, so a filter of fifteen nodes over the
longest possible list still fits in 2,000,000 steps, which take less than a second. What is built may be ten
times the largest item, 4,000,000 elements and characters, at most 32 MB of references.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rules_engine.attribute_value import Image
from rules_engine.errors import BudgetError

MAX_STEPS = 2_000_000
MAX_SIZE = 4_000_000

_CHARACTERS_A_STEP = 16
_STEPS_TO_ENTER = 4


class Evaluation:
    """One run of a program: the document at its root, and what is left of its budget.

    Made by `begin`. It has no `__init__`: Python takes three times as long to make an object that has one,
    which is hardly less than a short condition takes.
    """

    __slots__ = ("document", "size", "steps")

    document: Any
    size: int
    steps: int

    def take(self, steps: int) -> None:
        """Pay for a loop."""
        self.steps -= steps
        if self.steps < 0:
            self.check()

    def enter(self, elements: int) -> None:
        """Pay for looking at every element of an array or object, however small it is."""
        self.take(_STEPS_TO_ENTER + elements)

    def scan(self, characters: int) -> None:
        """Pay for looking through text. Short text, which most is, costs nothing and hardly any time."""
        if characters >= _CHARACTERS_A_STEP:
            self.take(characters // _CHARACTERS_A_STEP)

    def build(self, size: int) -> None:
        """Pay for `size` elements or characters about to be made."""
        self.size -= size
        if self.size < 0:
            self.check()

    def check(self) -> None:
        """Raises BudgetError if more was taken or built than may be.

        What conditions do all the time takes from `steps` and `size` itself, and calls this only when one of
        them has become negative: on a list of three elements a call costs as much as the work.
        """
        if self.steps < 0:
            raise BudgetError("the expression takes too many steps on this data")
        if self.size < 0:
            raise BudgetError("the expression builds too large a value from this data")

    def build_all(self, value: Any) -> None:
        """Pay for everything in `value`, as often as it occurs: `[@, @]` thirty times over is a billion."""
        values = [value]
        while values:
            value = values.pop()
            if value is None or value is True or value is False:
                continue
            if isinstance(value, str):
                self.build(len(value))
            elif isinstance(value, int):
                self.build(value.bit_length() // 3)
            elif isinstance(value, Decimal):
                self.build(len(str(value)))
            elif isinstance(value, list):
                self.build(len(value))
                self.enter(len(value))
                values.extend(value)
            elif isinstance(value, Image):
                values.append(value.raw)  # counted without decoding what nobody reads
            elif isinstance(value, Mapping):
                self.build(2 * len(value))
                self.enter(len(value))
                values.extend(value.values())


def begin(document: Any, steps: int = MAX_STEPS) -> Evaluation:
    """An evaluation of `document` with a full budget, or with fewer steps."""
    run = Evaluation()
    run.document = document
    run.steps = steps
    run.size = MAX_SIZE
    return run
