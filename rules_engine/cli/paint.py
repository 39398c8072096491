"""What the roles of a report look like on a terminal. `click.echo` takes the colours out everywhere else."""

from __future__ import annotations

from typing import Any

import click

_STYLES: dict[str, dict[str, Any]] = {
    "place": {"bold": True},
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "caret": {"fg": "green", "bold": True},
    "hint": {"fg": "cyan"},
    "good": {"fg": "green", "bold": True},
    "bad": {"fg": "red", "bold": True},
    "quiet": {"dim": True},
}


def paint(text: str, role: str) -> str:
    """`text` in the colours of `role`."""
    return click.style(text, **_STYLES[role])
