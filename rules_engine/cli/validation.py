"""What `validate` found: the one value that every output format shows.

In: the files that were read, the number of sound rules, the problems. Out: the exit code and the line of
summary. Both come from here for all formats, so that no format can say something else than the exit code
does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules_engine.cli.exit_codes import OK, PROBLEMS, USAGE
from rules_engine.cli.rule_files import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.errors import Problem, Severity
    from rules_engine.loader.mending import Mended


@dataclass(frozen=True, slots=True)
class Validation:
    """`problems` in the order they are to be shown, after `--fix` those that are left. `strict`: warnings
    fail, too. `mended` is what `--fix` has written, None without it."""

    files: Sequence[str]
    rules: int
    problems: Sequence[Problem]
    strict: bool = False
    mended: Sequence[Mended] | None = None

    @property
    def fixed(self) -> list[Problem] | None:
        """The problems that `--fix` has mended; None without it."""
        return None if self.mended is None else [problem for one in self.mended for problem in one.gone]

    @property
    def exit_code(self) -> int:
        """Nothing found is wrong usage, never a success."""
        if not self.files:
            return USAGE
        return PROBLEMS if any(self.fails(problem) for problem in self.problems) else OK

    def fails(self, problem: Problem) -> bool:
        """Whether this problem makes the run fail."""
        return self.strict or problem.severity == "error"

    def number(self, severity: Severity) -> int:
        """How many errors, or warnings, there are."""
        return sum(problem.severity == severity for problem in self.problems)

    @property
    def summary(self) -> str:
        """`2 errors, 1 warning in 3 files`, or `3 files, 7 rules: no problems`; before it what was fixed."""
        fixed = f"fixed {count(len(self.fixed), 'problem')}; " if self.fixed else ""
        files = count(len(self.files), "file")
        errors, warnings = self.number("error"), self.number("warning")
        if not self.problems:
            return f"{fixed}{files}, {count(self.rules, 'rule')}: no problems"
        if not errors:
            fail = "; with --strict, warnings fail" if self.strict else ""
            return f"{fixed}{count(warnings, 'warning')} in {files}{fail}"
        also = f", {count(warnings, 'warning')}" if warnings else ""
        return f"{fixed}{count(errors, 'error')}{also} in {files}"
