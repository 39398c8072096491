"""Loops: rules that set each other off by what they write, through any number of rules and tables.

In: the rules of a rule set. Out: the loops that never end for certain, and those that may not. A loop is
certain if of each record in it is proved that the write changes the item and that the next rule wants the
change; it is left out if it is proved to come to rest. Both proofs are about the rules of the loop alone:
what else writes to the tables may start a loop again, or end one.

Why a loop rests: writes of the same constants to items named by keys, which no other write of the loop
contradicts, change each item once. Without them, the rest of the loop has to lead back to itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules_engine.loader.loops.circles import circles, shortest_circle
from rules_engine.loader.loops.edges import Steps
from rules_engine.loader.loops.rest import parts, without_settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules_engine.loader.loops.edges import Node, Step
    from rules_engine.loader.loops.writes import Write
    from rules_engine.model import Rule

__all__ = ["Loop", "Loops", "Turn", "find_loops"]


class Turn(NamedTuple):
    """One part of a loop: the rule at `rule` of those given, which `write` leads on from."""

    rule: int
    write: Write


class Loop(NamedTuple):
    """The turns in order; the last leads back to the first."""

    turns: tuple[Turn, ...]
    is_certain: bool


class Loops(NamedTuple):
    """`is_cut` says that there are so many writes that not all could be followed."""

    loops: tuple[Loop, ...]
    is_cut: bool


def find_loops(rules: Sequence[Rule]) -> Loops:
    """The loops of a rule set: for each rule that is in one, one of its shortest."""
    found = Steps(rules)
    covered: set[int] = set()
    loops = []
    # Most loops are of one rule. Others are looked for among the rules that are in none.
    for alone in (True, False):
        steps = [
            step
            for step in found.steps
            if (step.source.rule == step.target.rule if alone else covered.isdisjoint(_rules(step)))
        ]
        certain = [step for part in parts(steps) for step in part if found.is_sure(step)]
        loops += [Loop(turns, is_certain=True) for turns in _turns(_lasting(certain), covered)]
        covered |= {turn.rule for loop in loops for turn in loop.turns}
    loops += [Loop(turns, is_certain=False) for turns in _turns(without_settled(found), covered)]
    return Loops(tuple(loops), found.is_cut)


def _rules(step: Step) -> tuple[int, int]:
    return step.source.rule, step.target.rule


def _lasting(left: list[Step]) -> list[Step]:
    """Of steps that are taken each time, those between records after which it goes on for ever.

    A record is one if by some write it leads to such a record whatever event the change has; those that are
    none are taken away until all that are left are some.
    """
    while True:
        by_write: dict[tuple[Node, str], set[str]] = {}
        for step in left:
            by_write.setdefault((step.source, step.made.write.action.id), set()).add(step.target.event)
        alive = {
            (step.source, step.made.write.action.id)
            for step in left
            if by_write[step.source, step.made.write.action.id] >= {*step.needed}
        }
        nodes = {source for source, _ in alive}
        kept = [
            step
            for step in left
            if (step.source, step.made.write.action.id) in alive and step.target in nodes
        ]
        if len(kept) == len(left):
            return left
        left = kept


def _turns(steps: Iterable[Step], covered: set[int]) -> Iterator[tuple[Turn, ...]]:
    """A shortest circle through each rule that is in one and not in `covered`."""
    ways: dict[Node, dict[Node, Write]] = {}
    for step in steps:
        ways.setdefault(step.source, {}).setdefault(step.target, step.made.write)
    covered = set(covered)
    for part in circles(ways):
        inside: Mapping[Node, list[Node]] = {
            node: [other for other in ways[node] if other in set(part)] for node in part
        }
        for node in sorted(part):
            circle = None if node.rule in covered else shortest_circle(node, inside)
            if circle:
                covered.update(each.rule for each in circle)
                following = [*circle[1:], circle[0]]
                yield tuple(
                    Turn(each.rule, ways[each][other]) for each, other in zip(circle, following, strict=True)
                )
