"""`python -m tests.mutation.score`: what mutmut found, as a score for each group of modules beside its goal.

In: the verdicts of `mutmut run` in `mutants/`, the groups in `groups.toml`, and `equivalent.toml`: mutants
that behave as the original does, each with the reason. Out: a line for each group and each living mutant.
It ends with 1 where a goal is missed. A mutant counts as killed if a test failed or time ran out, and as
alive if it was never run or no test reaches it. An entry of `equivalent.toml` that is no living mutant is an
error, too: the code has moved on. What mutmut does not mutate: decorated functions, and tables of modules.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import mangled_name_from_mutant_name

HERE = Path(__file__).parent
KILLED = {"killed", "timeout"}


@dataclass(frozen=True)
class Change:
    """A mutant by what it is: numbers change with every edit of the function before it."""

    function: str
    removed: str
    added: str

    def __str__(self) -> str:
        return f"    - {self.removed}\n    + {self.added}"


@dataclass(frozen=True)
class Mutant:
    name: str
    status: str
    module: str

    @property
    def change(self) -> Change:
        lines = get_diff_for_mutant(self.name, path=Path(self.module)).splitlines()
        body = [line for line in lines if not line.startswith(("---", "+++"))]
        removed, added = (
            "\n".join(line[1:].strip() for line in body if line.startswith(sign)) for sign in "-+"
        )
        return Change(mangled_name_from_mutant_name(self.name), removed, added)


@dataclass(frozen=True)
class Score:
    """Of one group. `excused` are the living mutants that are listed as equivalent; they do not count."""

    name: str
    goal_percent: float
    statuses: Counter[str]
    alive: dict[Mutant, Change]
    excused: set[Change]

    @property
    def percent(self) -> float:
        killed = sum(self.statuses[status] for status in KILLED)
        counted = killed + len(self.alive)
        return 100 * killed / counted if counted else 0.0

    @property
    def is_met(self) -> bool:
        return self.percent >= self.goal_percent

    def __str__(self) -> str:
        return (
            f"{self.name:<17} {self.percent:5.1f} %, goal {self.goal_percent} % "
            f"{'met' if self.is_met else 'MISSED'}: {self.statuses['killed']} killed, "
            f"{self.statuses['timeout']} out of time, {len(self.alive)} alive, {len(self.excused)} equivalent"
        )


def score_of(group: dict[str, Any], equivalents: set[Change]) -> Score:
    mutants = [mutant for module in group["modules"] for mutant in mutants_of(module)]
    alive = {mutant: mutant.change for mutant in mutants if mutant.status not in KILLED}
    return Score(
        group["name"],
        group["goal_percent"],
        Counter(mutant.status for mutant in mutants),
        {mutant: change for mutant, change in alive.items() if change not in equivalents},
        equivalents.intersection(alive.values()),
    )


def mutants_of(module: str) -> list[Mutant]:
    data = SourceFileMutationData(path=Path(module))
    data.load()
    return [Mutant(name, status_by_exit_code[code], module) for name, code in data.exit_code_by_key.items()]


def read_groups() -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = tomllib.loads((HERE / "groups.toml").read_text())["group"]
    modules = sorted(module for group in groups for module in group["modules"])
    if modules != sorted(config().only_mutate):
        raise SystemExit("groups.toml and [tool.mutmut] in pyproject.toml name different modules")
    return groups


def read_equivalents() -> set[Change]:
    entries: list[dict[str, Any]] = tomllib.loads((HERE / "equivalent.toml").read_text())["mutant"]
    for entry in entries:
        if not entry["reason"].strip():
            raise SystemExit(f"equivalent.toml: {entry['function']} has no reason")
    return {Change(entry["function"], entry["removed"], entry["added"]) for entry in entries}


def main() -> int:
    equivalents = read_equivalents()
    scores = [score_of(group, equivalents) for group in read_groups()]
    lines = [
        f"{mutant.name}: {mutant.status}\n{change}"
        for each in scores
        for mutant, change in each.alive.items()
    ]
    stale = equivalents.difference(*(each.excused for each in scores))
    lines += [f"equivalent.toml: no living mutant of {change.function} is\n{change}" for change in stale]
    sys.stdout.write("\n".join([*lines, *map(str, scores)]) + "\n")
    return 0 if all(each.is_met for each in scores) and not stale else 1


if __name__ == "__main__":
    sys.exit(main())
