"""Whether any record that a rule is for can satisfy a formula.

In: formulas that must all be so, and the `Circumstances` of the rule. Out: False where that is certain. Each
value is tried with one of every kind that the facts about it can tell apart: the constants they name, a
number between and beyond them, a text of its own, null and so on. Each event is tried by itself, because it
says which images there are. Formulas with more alternatives than anybody
would read count as satisfiable.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rules_engine.expression.checks.facts import EMPTY, OTHER, All, Fact, Some
from rules_engine.expression.needs import ABSENT, FALSE, NULL, TRUE
from rules_engine.model import EVENT_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rules_engine.expression.checks.facts import Formula, Names
    from rules_engine.expression.needs import Key

_MOST_STEPS = 20_000
_MOST_STEPS_OF_A_FILE = 2_000_000
"""A file of 1 MiB in which people wrote rules takes less than half of them."""

_OWN_TEXT = "\x00" * 8
"""A text that no constant holds, or only one that nobody compares with."""

_EXACT = Context(prec=5_000, Emax=999_999, Emin=-999_999)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What all records of a rule have in common; of a condition that rules share, nothing."""

    events: tuple[str, ...] = EVENT_NAMES
    tables: tuple[str, ...] = ()
    absent: frozenset[str] = frozenset()

    def domain(self, names: Names, event: str) -> tuple[Key, ...]:
        """The values that there can be in a record of the event; none where they may be any."""
        removed = event in ("REMOVE", "EXPIRE")
        if names == ("eventName",):
            return ("REMOVE" if removed else event,)
        if names == ("expired",):
            return {"REMOVE": (TRUE, FALSE), "EXPIRE": (TRUE,)}.get(event, (FALSE,))
        if names == ("table",):
            return self.tables
        image = names[0]
        if image in self.absent or (image == "new" and removed) or (image == "old" and event == "INSERT"):
            return (ABSENT,)
        return ()


NO_RULE = Circumstances()


class Effort:
    """The steps that are left for one file; without any, everything counts as satisfiable."""

    def __init__(self) -> None:
        self.left = _MOST_STEPS_OF_A_FILE

    def is_satisfiable(self, formulas: Iterable[Formula], given: Circumstances) -> bool:
        """Whether a record may satisfy all formulas, as far as can be told."""
        most = min(_MOST_STEPS, self.left)
        search = _Search(given, most)
        formulas = list(formulas)
        found = any(search.find(formulas, (), event) for event in given.events)
        self.left -= most - max(0, search.left)
        return found


class _Search:
    def __init__(self, given: Circumstances, steps: int) -> None:
        self.given = given
        self.left = steps

    def find(self, formulas: Sequence[Formula], facts: tuple[Fact, ...], event: str) -> bool:
        """Whether the formulas can be so together with the facts."""
        alternatives: list[Some] = []
        todo, found = list(formulas), list(facts)
        while todo:
            formula = todo.pop()
            self.left -= 1
            if self.left < 0:
                return True
            match formula:
                case All(parts):
                    todo += parts
                case Some(parts):
                    alternatives.append(formula)
                case _:
                    found.append(formula)
        if not self._agree(found, event):
            return False
        if not alternatives:
            return True
        first, *others = alternatives
        return any(self.find([part, *others], tuple(found), event) for part in first.parts)

    def _agree(self, facts: Iterable[Fact], event: str) -> bool:
        about: dict[Names, list[Fact]] = {}
        for fact in facts:
            about.setdefault(fact.names, []).append(fact)
        return all(
            self._have_a_value(group, self.given.domain(names, event)) for names, group in about.items()
        )

    def _have_a_value(self, facts: Sequence[Fact], domain: Iterable[Key]) -> bool:
        for value in domain or _values(facts):
            self.left -= len(facts)
            if self.left < 0 or all(fact.test(value) for fact in facts):
                return True
        return False


def _values(facts: Sequence[Fact]) -> Iterator[Any]:
    """A value of each kind that the facts can tell apart."""
    keys = [key for fact in facts for key in fact.keys]
    yield from keys  # first, for it is mostly one of them
    yield from (_OWN_TEXT, NULL, ABSENT, TRUE, FALSE, OTHER, EMPTY, "", 0)
    numbers = sorted({key for key in keys if isinstance(key, (int, Decimal))})
    if numbers:
        yield from (_EXACT.subtract(numbers[0], 1), _EXACT.add(numbers[-1], 1))
        yield from (_middle(low, high) for low, high in pairwise(numbers))
    # A text that begins as it must holds all the parts as well: whatever else is asked of it is not to be
    # some constant, and our own text makes it another one.
    parts = [part for fact in facts for part in fact.parts]
    yield from (f"{part}{_OWN_TEXT}{_OWN_TEXT.join(parts)}{_OWN_TEXT}" for part in parts)


def _middle(low: int | Decimal, high: int | Decimal) -> Decimal:
    return _EXACT.divide(_EXACT.add(low, high), 2)
