"""Text of rule files in Markdown: it shows what it says, and draws nothing else.

A page of rules, a comment on a pull request and the summary of a job are read as the word of the project;
what a stranger wrote into a rule or a file's name must not make links, images, mentions or headings there.
"""

from __future__ import annotations

import re

from rules_engine.cli.report import visible

_SIGNS = re.compile(r"([\\`*_{}\[\]<>&|~#!@$])")


def escaped(text: str) -> str:
    """Text as it is, on one line, in a cell of a table or elsewhere."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))


def code_span(text: str) -> str:
    """Text as code. JMESPath writes constants in backticks, so the fence is longer than any run of them."""
    shown = visible(text)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {shown} {fence}" if longest else f"`{shown}`"
