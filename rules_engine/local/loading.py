"""The rules that a local stack runs, again after each change of a file: `load_rule_set`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from rules_engine.model import RuleSet


def load_rule_set(rules_paths: Sequence[str | Path], console: Console) -> RuleSet | None:
    """The rules; None after printing why they cannot be used."""
    rule_set, problems = load_rules([Path(path) for path in rules_paths])
    errors = [problem for problem in problems if problem.severity == "error"]
    for problem in errors:
        console.print(Text(f"{problem.location}: error {problem.code} {problem.message}", style="red"))
    if errors:
        console.print("'rules-engine validate' shows where and what to do.")
        return None
    return rule_set
