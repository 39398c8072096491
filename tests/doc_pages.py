"""The blocks of a documentation page, and a project in which they are tried in their order.

A page is one session: its shell blocks run one after the other, each where the one before it ended, in a
directory of their own with `rules-engine` on the PATH. What a reader does not see says what a block is:

- `<!-- file: rules/orders.yaml -->`: the block is written to that file of the session's project;
- `<!-- output -->`: what the shell block above it prints; `<!-- exit: 1 -->` before that one: its exit code;
- `<!-- setup: rules-engine init -->`: a command that is run before the shell block, and not shown;
- `<!-- not run: why -->`: a shell block that no machine without AWS, or no test, can run;
- `<!-- not ours: what -->`: YAML of something else, which is only parsed.

Other YAML is told by what stands in it: a rule file, a list of rules or of actions, or keys of a rule. The
rules that a page has written are validated together at its end.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules_engine import exact_json
from rules_engine.loader import load_rules
from rules_engine.schema import rule_shape
from rules_engine.source import parse_source

ROOT = Path(__file__).parent.parent

_BLOCK = re.compile(
    r"(?P<notes>(?:^ *<!-- [^\n]* -->\n)*)^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_NOTE = re.compile(r"<!-- (file|output|exit|setup|not run|not ours)(?:: ([^\n]*?))? -->")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. `notes` are what the comments before it say."""

    line: int
    language: str
    text: str
    notes: dict[str, str]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        content = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        notes = dict(_NOTE.findall(match["notes"]))
        line = text.count("\n", 0, match.start("language")) + 1
        found.append(Block(line, match["language"], content, notes))
    return found


class Session:
    """The project of one page."""

    def __init__(self, directory: Path) -> None:
        self.project = directory / "project"
        self.project.mkdir()
        self.here = self.project
        self._place = directory / "here"
        self.printed = ""

    def write(self, name: str, text: str) -> None:
        path = self.here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, script: str) -> int:
        """The exit code of a shell block; its output is kept."""
        program = f"set -eu\ntrap 'pwd > {self._place}' EXIT\n{script}"
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.project),
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
        }
        done = subprocess.run(
            ["bash", "-c", program],
            cwd=self.here,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.here = Path(self._place.read_text().strip())
        self.printed = done.stdout
        return done.returncode


def try_page(page: Path, directory: Path) -> list[str]:
    """What is wrong with the blocks of a page, each with its line."""
    session = Session(directory)
    found = [
        f"{page.name}:{block.line}: {wrong}" for block in blocks(page) if (wrong := _try(block, session))
    ]
    rules = session.project / "rules"
    return found + [f"{page.name}: {error}" for error in _errors(rules)] if rules.exists() else found


def _try(block: Block, session: Session) -> str:
    if "output" in block.notes:
        same = block.text.rstrip() == session.printed.rstrip()
        return "" if same else f"the block above prints this:\n{session.printed}"
    if "file" in block.notes:
        session.write(block.notes["file"], block.text)
    if block.language == "sh":
        if "not run" in block.notes:
            return ""
        if "setup" in block.notes and session.run(block.notes["setup"]) != 0:
            return f"the setup failed:\n{session.printed}"
        code = session.run(block.text)
        return "" if code == int(block.notes.get("exit", 0)) else f"exit code {code}:\n{session.printed}"
    if block.language == "json":
        list(exact_json.loads_each(block.text))
    if block.language == "python":
        compile(block.text, "block", "exec")
    return _wrong_yaml(block, session) if block.language == "yaml" else ""


def _wrong_yaml(block: Block, session: Session) -> str:
    """What `validate` says of a YAML block, which it sees as a whole file."""
    root, problems = parse_source("block.yaml", block.text.encode())
    if "not ours" in block.notes:
        return ""
    if root is None or problems:
        return str(problems)
    whole = as_rule_file(root.plain())
    if whole is None:
        return "" if "file" in block.notes else "say what this YAML is: see tests/doc_pages.py"
    path = session.project.parent / "block.yaml"
    path.write_text(exact_json.dumps(whole))
    return "; ".join(_errors(path))


def _errors(path: Path) -> list[str]:
    _, found = load_rules(path)
    return [f"{problem.code} {problem.message}" for problem in found if problem.severity == "error"]


def as_rule_file(value: Any) -> dict[str, Any] | None:
    """A rule file with `value` in it; None where nothing says what it is a part of."""
    rule = {"id": "example", "table": "orders", "actions": [{"type": "log"}]}
    if isinstance(value, list) and all("type" in one for one in value):
        return {"rules": [{**rule, "actions": value}]}
    if isinstance(value, list) and all("id" in one for one in value):
        return {"defaults": {"table": "orders"}, "rules": value}
    if isinstance(value, dict) and "rules" in value:
        return value
    if isinstance(value, dict) and any(
        "matches" in test or "rule" in test for test in value.get("tests", [])
    ):
        return None
    if isinstance(value, dict) and set(value) <= set(rule_shape({})["properties"]):
        return {"rules": [{**rule, **value}]}
    return None
