"""`deploy`: what is refused before anything is asked of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules_engine.cli.main import rules_engine, run

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
version: 1
rules:
  - id: order-shipped
    table: orders
    when: became(&status, 'SHIPPED')
    actions:
      - {type: sns, topic_arn: "${TOPIC}", message: "${GREETING:-hello}"}
      - {type: sqs, queue_url: "${QUEUE}"}
      - {type: table, table: "${HISTORY}", put: "{{ new }}"}
"""


@pytest.mark.parametrize("name", ["", "my rules", "1rules", "my_rules", "rules/../x", "ümlaut"])
@pytest.mark.parametrize("command", [["deploy", "--dry-run"], ["rollback", "--yes"], ["doctor"]])
def test_what_cannot_be_the_name_of_a_stack_is_wrong_usage(
    command: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rules_engine, [*command, "--stack", name]) == 2
    said = f"'{name}' cannot be the name of a stack: a letter, then letters, digits and '-'."
    assert capsys.readouterr().err.endswith(f"\nError: Invalid value for '--stack': {said}\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "TOPIK=x"], "'--set': no rule names the variable 'TOPIK'. Did you mean 'TOPIC'?"),
        (
            ["--set", "TOPIC=arn:aws:sns:eu-west-1:123456789012:*"],
            "'--set TOPIC' is 'arn:aws:sns:eu-west-1:123456789012:*' and must be a whole ARN, without "
            "wildcards.",
        ),
        (
            ["--set", "QUEUE=arn:aws:sqs:eu-west-1:123456789012:work"],
            "'--set QUEUE' is 'arn:aws:sqs:eu-west-1:123456789012:work' and must be the URL of a queue, as "
            "in https://sqs.eu-west-1.amazonaws.com/123456789012/orders.",
        ),
        (
            ["--set", "HISTORY=history*"],
            "'--set HISTORY' is 'history*' and must be a name, not an ARN, and without wildcards: the role "
            "may use what it names.",
        ),
        (
            ["--alarm-topic", "ops"],
            "'--alarm-topic' is 'ops' and must be the ARN of an SNS topic, "
            "arn:aws:sns:<region>:<account>:<name>.",
        ),
        (
            ["--bucket", "Code_Bucket"],
            "'--bucket': 'Code_Bucket' cannot be the name of a bucket: 3 to 63 lower-case letters, digits, "
            "'.' and '-'.",
        ),
    ],
)
def test_a_value_that_the_template_would_not_take_is_wrong_usage(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/orders.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    assert run(rules_engine, ["deploy", "--stack", "shop", "--dry-run", *options]) == 2
    assert capsys.readouterr() == (
        "",
        "Usage: rules-engine deploy [OPTIONS]\nTry 'rules-engine deploy --help' for help.\n"
        f"\nError: {message}\n",
    )
