"""What the commands that a beginner waits for load, and that they open no socket.

A subprocess with an audit hook runs the command; the hook ends the process at the first socket event.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROBE = """
import os, sys

def refuse_sockets(event, arguments):
    if event.startswith("socket."):
        os._exit(99)

sys.addaudithook(refuse_sockets)

from rules_engine.cli.main import rules_engine, run

code = run(rules_engine, sys.argv[1:])
with open("modules", "w") as file:
    file.write("\\n".join(sys.modules))
sys.exit(code)
"""

RULES = """version: 1
rules:
  - id: order-shipped
    table: orders
    when: became(&status, 'SHIPPED')
    actions:
      - {type: log}
      - {type: sns, topic_arn: "${TOPIC}"}
      - {type: webhook, url: https://hooks.example.com/}
      - {type: table, table: "${TABLE}", put: {id: "{{ keys.id }}"}, mode: once}
    tests:
      - name: packed to shipped fires
        record: {event: MODIFY, keys: {id: "1"}, old: {status: PACKED}, new: {status: SHIPPED}}
        expect: {match: true}
"""

RECORD = '{"event": "MODIFY", "keys": {"id": "1"}, "old": {"status": "PACKED"}, "new": {"status": "SHIPPED"}}'

AWS_AND_WEB = {
    "boto3", "botocore", "s3transfer", "awslambdaric", "ministack", "urllib3", "requests", "asyncio",
    "http.client", "http.server", "urllib.request", "socketserver", "ssl",
}  # fmt: skip

NEEDED = {"rules_engine", "click", "yaml", "jmespath"}
"""Of all that is installed. jsonschema and rich take 90 ms and 40 ms, and these commands do without them."""

COMMANDS = [
    ["validate", "rules"],
    *[["validate", "--format", name, "rules"] for name in ("json", "sarif", "github", "junit", "gitlab")],
    *[["test", "--coverage", "--format", name, "rules"] for name in ("text", "json", "junit", "github")],
    ["explain", "record.json"],
    ["explain", "--format", "json", "record.json"],
    ["backtest", "record.json"],
    ["fmt", "--check", "rules"],
    ["show", "rules"],
    ["graph", "rules"],
]


OFFLINE = [
    ["list", "rules"],
    ["diff", "rules", "rules"],
    ["run", "--dry-run", "record.json"],
    ["build", "-o", "function.zip"],
    ["template", "-o", "template.json"],
]


FOR_OTHER_CASES = {
    "rules_engine.source.syntax_errors", "rules_engine.cli.results_schema",
    "rules_engine.cli.problems_schema", "rules_engine.cli.code_pages", "rules_engine.delivery.dead_letter",
    "rules_engine.redrive", "rules_engine.canonical", "rules_engine.deploy", "rules_engine.lsp",
    "rules_engine.local", "rules_engine.rule_tests.mutation", "shutil", "tempfile", "lzma", "subprocess",
}  # fmt: skip
"""What a small sound rule set and a plain record do without."""

QUICK = [["validate", "rules"], ["test", "rules"], ["explain", "record.json"]]


def modules_of(arguments: list[str], directory: Path, rules: str = RULES) -> set[str]:
    """The modules that the command has loaded when it ends."""
    (directory / "rules").mkdir()
    (directory / "rules/orders.yaml").write_text(rules)
    (directory / "record.json").write_text(RECORD)
    finished = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], cwd=directory, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished
    return set((directory / "modules").read_text().split("\n"))


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_socket_is_opened_and_only_what_is_needed_is_loaded(arguments: list[str], tmp_path: Path) -> None:
    modules = modules_of(arguments, tmp_path)
    assert modules & AWS_AND_WEB == set()
    installed = {name for name in packages_distributions() if not name.startswith("_")}
    assert {name.partition(".")[0] for name in modules} & installed - NEEDED == set()


@pytest.mark.parametrize("arguments", OFFLINE, ids=" ".join)
def test_what_else_needs_no_network_opens_no_socket_either(arguments: list[str], tmp_path: Path) -> None:
    assert "rules_engine.loader" in modules_of(arguments, tmp_path)


@pytest.mark.parametrize("arguments", QUICK, ids=" ".join)
def test_what_only_mistakes_and_other_commands_need_is_not_loaded(
    arguments: list[str], tmp_path: Path
) -> None:
    modules = modules_of(arguments, tmp_path)
    assert modules & FOR_OTHER_CASES == set()
    of_tests_alone = {"rules_engine.bundle", "rules_engine.rule_tests"}
    of_a_record = {"rules_engine.engine", "rules_engine.index"}
    used = {name for name in of_tests_alone | of_a_record if name in modules}
    assert (
        used
        == {"validate": set(), "explain": of_a_record, "test": of_tests_alone | of_a_record}[arguments[0]]
    )


def test_a_delivery_in_memory_opens_no_socket_and_loads_no_client(tmp_path: Path) -> None:
    rules = RULES.replace('put: {id: "{{ keys.id }}"}', 'update: {key: {id: "{{ keys.id }}"}, add: {n: 1}}')
    modules = modules_of(["test", "rules"], tmp_path, rules)
    assert "rules_engine.delivery.invocation" in modules
    assert modules & {"boto3", "s3transfer", "urllib3", "http.client", "asyncio"} == set()


def test_the_probe_sees_a_socket(tmp_path: Path) -> None:
    script = PROBE.replace("from rules_engine", "import socket; socket.socket()\nfrom rules_engine")
    finished = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=os.environ)
    assert finished.returncode == 99
