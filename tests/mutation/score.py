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


def mutants_of(module: str) -> list[Mutant]:
    data = SourceFileMutationData(path=Path(module))
    data.load()
    return [Mutant(name, status_by_exit_code[code], module) for name, code in data.exit_code_by_key.items()]


def read_equivalents() -> set[Change]:
    entries: list[dict[str, Any]] = tomllib.loads((HERE / "equivalent.toml").read_text())["mutant"]
    for entry in entries:
        if not entry["reason"].strip():
            raise SystemExit(f"equivalent.toml: {entry['function']} has no reason")
    return {Change(entry["function"], entry["removed"], entry["added"]) for entry in entries}


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    groups: list[dict[str, Any]] = tomllib.loads((HERE / "groups.toml").read_text())["group"]
    modules = sorted(module for group in groups for module in group["modules"])
    if modules != sorted(config().only_mutate):
        raise SystemExit("groups.toml and [tool.mutmut] in pyproject.toml name different modules")
    unused = read_equivalents()
    missed = False
    for group in groups:
        mutants = [mutant for module in group["modules"] for mutant in mutants_of(module)]
        alive = {mutant: mutant.change for mutant in mutants if mutant.status not in KILLED}
        excused = [mutant for mutant, change in alive.items() if change in unused]
        unused -= {alive.pop(mutant) for mutant in excused}
        counted = len(mutants) - len(excused)
        percent = 100 * (counted - len(alive)) / counted if counted else 0.0
        is_met = percent >= group["goal_percent"]
        missed |= not is_met
        statuses = Counter(mutant.status for mutant in mutants)
        for mutant, change in alive.items():
            say(f"{mutant.name}: {mutant.status}\n    - {change.removed}\n    + {change.added}")
        say(
            f"{group['name']}: {percent:.1f} % of {counted} killed, goal {group['goal_percent']} % "
            f"{'met' if is_met else 'MISSED'} ({statuses['timeout']} by time, {len(excused)} equivalent)"
        )
    for change in unused:
        say(f"equivalent.toml: no living mutant of {change.function}\n    + {change.added}")
    return 1 if missed or unused else 0


if __name__ == "__main__":
    sys.exit(main())
