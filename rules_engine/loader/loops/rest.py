"""Why a loop comes to rest: writes that change each item at most once.

In: the steps that rules may take. Out: those of them that can go on for ever, as far as can be told. In a
part of the steps that leads back to itself, a write is settled if what it writes is the same for each item
whenever it writes it, if the items it may write to are not more than there were at the start, and if no write
that the part may set off puts something else there. A settled write makes no change for ever, so it is taken
away with the steps it leads to, and what is left is looked at again, until nothing is settled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.actions.document_path import overlap
from rules_engine.loader.loops.circles import circles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules_engine.expression.checks.facts import Names
    from rules_engine.loader.loops.edges import Made, Node, Step, Steps
    from rules_engine.loader.loops.values import Leaf


def without_settled(found: Steps) -> list[Step]:
    """The steps in circles that may go on for ever."""
    ways: dict[Node, set[Node]] = {}
    for step in found.steps:
        ways.setdefault(step.source, set()).add(step.target)
    unsettled = []
    todo = [list(found.steps)]
    while todo:
        for part in parts(todo.pop()):
            around = _Around(found, part, _reached(part, ways))
            left = [step for step in part if not around.is_settled(step.made)]
            if len(left) == len(part):
                unsettled += part
            else:
                todo.append(left)
    return unsettled


def _reached(part: Iterable[Step], ways: Mapping[Node, Iterable[Node]]) -> set[tuple[int, str]]:
    """The rules that the part may set off, with the tables: also those that do not lead back to it."""
    seen = {step.source for step in part}
    todo = list(seen)
    while todo:
        further = set(ways.get(todo.pop(), ())) - seen
        seen |= further
        todo += further
    return {(node.rule, node.table) for node in seen}


def parts(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps that lead back to themselves, those of each circle of records together."""
    ways: dict[Node, list[Node]] = {}
    for step in steps:
        ways.setdefault(step.source, []).append(step.target)
    part_of = {node: number for number, part in enumerate(circles(ways)) for node in part}
    found: dict[int, list[Step]] = {}
    for step in steps:
        number = part_of.get(step.source)
        if number is not None and number == part_of.get(step.target):
            found.setdefault(number, []).append(step)
    return list(found.values())


class _Around:
    """A part of the steps, and all writes that it may set off."""

    def __init__(self, found: Steps, part: Sequence[Step], reached: Iterable[tuple[int, str]]) -> None:
        self.writes = [made for place in sorted(reached) for made in found.made[place]]
        self.is_bounded = all(map(self._is_bounded, {id(step.made): step.made for step in part}.values()))
        self._known: dict[int, bool] = {}

    def is_settled(self, made: Made) -> bool:
        """Whether the write changes each item once at most."""
        if id(made) not in self._known:
            self._known[id(made)] = (
                self.is_bounded
                and made.write.operation != "sync"
                and all(self._is_same_each_time(leaf, made) for leaf in made.write.leaves.values())
                and not any(
                    _contradict(made, other) for other in self.writes if other.write.table == made.write.table
                )
            )
        return self._known[id(made)]

    def _is_bounded(self, made: Made) -> bool:
        """Whether it writes only to items of which there are no more each time."""
        if made.is_own or made.write.operation == "delete":
            return True
        return made.key is not None and all(
            leaf.kind in ("constant", "fixed")
            or (leaf.kind == "copy" and self._is_stable(leaf.reads[0], made.source))
            # A text around a key makes a longer key each time.
            or (
                leaf.kind == "text"
                and all(self._is_stable(names, made.source, of_key=False) for names in leaf.reads)
            )
            for leaf in made.key.values()
        )

    def _is_stable(self, names: Names, table: str, *, of_key: bool = True) -> bool:
        """Whether what stands there in records of an item is the same in the end, whatever the writes do."""
        if names[0] == "keys":
            return of_key and len(names) > 1
        return (
            names[0] in ("new", "old")
            and len(names) > 1
            and not any(
                overlap(names[1:], path)
                for made in self.writes
                if made.write.table == table
                for path in made.write.replaced
            )
        )

    def _is_same_each_time(self, leaf: Leaf, made: Made) -> bool:
        """Whether the item gets the same value whichever record it is written for."""
        if leaf.kind in ("constant", "fixed", "joined", "removed"):
            return True
        if leaf.kind not in ("copy", "text"):
            return False
        if made.is_own:
            return all(self._is_stable(names, made.source) for names in leaf.reads)
        of_key = {other.reads[0] for other in (made.key or {}).values() if other.kind == "copy"}
        return of_key.issuperset(leaf.reads)


def _contradict(one: Made, other: Made) -> bool:
    """Whether one may undo what the other does."""
    write, further = one.write, other.write
    if write.action is further.action and one.source == other.source:
        return False
    if write.operation == further.operation == "update":
        return any(
            overlap(path, other_path) and not _agree(write.leaves.get(path), further.leaves.get(other_path))
            for path in write.replaced
            for other_path in further.replaced
        )
    return (write.operation, write.leaves) != (further.operation, further.leaves) or not all(
        leaf.kind == "constant" for leaf in write.leaves.values()
    )


def _agree(one: Leaf | None, other: Leaf | None) -> bool:
    return one is not None and one == other and one.kind in ("constant", "joined", "removed")
