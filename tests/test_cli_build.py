"""`build` and `schema`: what they write, and that a refusal leaves everything as it was."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from rules_engine import schema
from rules_engine.bundle_schema import bundle_schema
from rules_engine.cli.changes_schema import changes_schema
from rules_engine.cli.explanation_json import explanation_schema
from rules_engine.cli.main import rules_engine, run
from rules_engine.cli.problems_schema import problems_schema
from rules_engine.cli.results_schema import results_schema
from rules_engine.deploy.package import build_package
from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
version: 1
rules:
  - id: order-shipped
    table: orders
    when: became(&status, 'SHIPPED')
    actions: [{type: log}]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with one rule in `rules/`, which is also where commands run."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/orders.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_build_writes_the_package_of_the_rules(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["build", "-o", "function.zip"]) == 0
    package = (project / "function.zip").read_bytes()
    assert package == build_package(load_rules(["rules"])[0])
    digest = hashlib.sha256(package).hexdigest()
    message = f"wrote function.zip: 1 rule, {len(package):,} bytes, SHA-256 {digest}\n"
    assert capsys.readouterr() == (message, "")
    assert sorted(path.name for path in project.iterdir()) == ["function.zip", "rules"]


def test_rules_with_errors_leave_the_old_package_alone(project: Path) -> None:
    (project / "function.zip").write_text("old")
    (project / "rules/orders.yaml").write_text(RULES.replace("became", "becomes"))
    assert run(rules_engine, ["build", "-o", "function.zip"]) == 1
    assert (project / "function.zip").read_text() == "old"


@pytest.mark.usefixtures("project")
def test_a_place_that_cannot_be_written_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["build", "-o", "no/such/function.zip"]) == 2
    assert capsys.readouterr() == (
        "",
        "Usage: rules-engine build [OPTIONS]\n"
        "Try 'rules-engine build --help' for help.\n"
        "\n"
        "Error: Cannot write 'no/such/function.zip': No such file or directory.\n",
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], schema.rules_schema()),
        (["rules"], schema.rules_schema()),
        (["test"], schema.tests_schema()),
        (["bundle"], bundle_schema()),
        (["problems"], problems_schema()),
        (["results"], results_schema()),
        (["explanation"], explanation_schema()),
        (["changes"], changes_schema()),
    ],
)
def test_schema_prints_the_schema(
    arguments: list[str], expected: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rules_engine, ["schema", *arguments]) == 0
    out, err = capsys.readouterr()
    assert (json.loads(out), err) == (expected, "")
