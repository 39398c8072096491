"""The patterns that come with this package: rules with tests, and a README that says when to use them.

They are the folders of `rules/` at the top of the repository, to which `rules_engine/patterns` is a link:
what is shipped is what is shown there, run by `make demo PATTERN=name` and tested. A folder is a pattern if
it has a README.
"""

from __future__ import annotations

from pathlib import Path

import rules_engine

LINK = "rules_engine/patterns"
"""Where a system without symbolic links has a text file instead."""


def patterns_beside(package: Path) -> Path:
    """Where the patterns are. git writes a link as a file with its target where the system has no links."""
    place = package / "patterns"
    return package / place.read_text(encoding="utf-8").strip() if place.is_file() else place


_PATTERNS = patterns_beside(Path(rules_engine.__file__).parent)


def pattern_names() -> list[str]:
    """Sorted."""
    return sorted(path.parent.name for path in _PATTERNS.glob("*/README.md"))


def pattern_files(name: str) -> dict[str, str]:
    """Text by path below the pattern's folder. `name` is one of `pattern_names`."""
    folder = _PATTERNS / name
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
