"""`template`: what it writes and where, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rules_engine.cli.main import rules_engine, run
from rules_engine.deploy.template import (
    TemplateSettings,
    cloudformation_template,
    sam_template,
    terraform_config,
)
from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RULES = """
version: 1
rules:
  - id: order-shipped
    table: [orders, old_orders]
    when: became(&status, 'is shipped')
    actions: [{type: sns, topic_arn: "${TOPIC}", message: "${GREETING:-hello}"}]
"""

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with one rule in `rules/`, which is also where commands run."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/orders.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "make", "read"),
    [
        ([], cloudformation_template, yaml.safe_load),
        (["--format", "sam"], sam_template, yaml.safe_load),
        (["--format", "terraform"], terraform_config, json.loads),
    ],
)
@pytest.mark.usefixtures("project")
def test_it_prints_the_template_of_the_rules(
    options: list[str],
    make: Callable[..., dict[str, Any]],
    read: Callable[[str], Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["--stream-arn", f"orders={STREAM}", "--set", f"TOPIC={TOPIC}", "--set", "GREETING="]
    assert run(rules_engine, ["template", *options, *given, "--function-name", "shop"]) == 0
    out, err = capsys.readouterr()
    variables = {"TOPIC": TOPIC, "GREETING": ""}
    settings = TemplateSettings("shop", stream_arns={"orders": STREAM}, variables=variables)
    assert (read(out), err) == (make(load_rules(["rules"])[0], settings), "")
    assert "&id" not in out


def test_it_writes_a_file_and_says_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["template", "-o", "template.yaml"]) == 0
    assert capsys.readouterr() == ("", "")
    written = (project / "template.yaml").read_text()
    assert yaml.safe_load(written) == cloudformation_template(load_rules(["rules"])[0], TemplateSettings())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "TOPIK=x"], "'--set': no rule names the variable 'TOPIK'. Did you mean 'TOPIC'?"),
        (["--set", "x=x"], "'--set': no rule names the variable 'x'. They name GREETING, TOPIC."),
        (["--set", "TOPIC"], "'--set TOPIC' has no '=': write --set NAME=VALUE."),
        (["--set", "TOPIC=orders"], "'--set TOPIC' is 'orders' and must be a whole ARN, without wildcards."),
        (["--set", "TOPIC="], "'--set TOPIC' is '' and must be a whole ARN, without wildcards."),
        (["--set", "TOPIC=a", "--set", "TOPIC=b"], "'--set' is given twice for the variable 'TOPIC'."),
        (
            ["--stream-arn", f"order={STREAM}"],
            "'--stream-arn': no rule names the table 'order'. Did you mean 'orders'?",
        ),
        (
            ["--stream-arn", f"old_orders={STREAM}"],
            "'--stream-arn old_orders' has the stream of the table 'orders'.",
        ),
        (
            ["--stream-arn", "orders=arn:aws:dynamodb:eu-west-1:123456789012:table/orders"],
            "'arn:aws:dynamodb:eu-west-1:123456789012:table/orders' is not the ARN of a stream, such as "
            "arn:aws:dynamodb:<region>:<account>:table/orders/stream/<label>.",
        ),
        (
            ["--function-name", "order rules"],
            "'order rules' cannot be the name of a function: 1 to 64 of A-Z, a-z, 0-9, '-' and '_'.",
        ),
        (["-o", "no/such/template.yaml"], "Cannot write 'no/such/template.yaml': No such file or directory."),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_does_not_fit_the_rules_is_wrong_usage(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rules_engine, ["template", *options]) == 2
    assert capsys.readouterr() == (
        "",
        "Usage: rules-engine template [OPTIONS]\nTry 'rules-engine template --help' for help.\n"
        f"\nError: {message}\n",
    )


def test_rules_with_errors_have_no_template(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "rules/orders.yaml").write_text(RULES.replace("became", "becomes"))
    assert run(rules_engine, ["template", "-o", "template.yaml"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "error RE204 unknown function 'becomes'" in err
    assert not (project / "template.yaml").exists()
