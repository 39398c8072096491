"""`deploy` and `rollback` at a terminal, on the emulator: a no leaves everything as it was."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from rules_engine.deploy.template import ALIAS
from tests.deployed_stack import Account, emulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rules_engine.local.ministack import Ministack

pytestmark = pytest.mark.local


@pytest.fixture
def account(ministack: Ministack, tmp_path: Path, unique_name: object) -> Iterator[Account]:
    with emulated(ministack):
        yield Account.new(ministack, tmp_path, unique_name("parcels"))  # type: ignore[operator]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def in_service(account: Account) -> str:
    alias = account.aws.client("lambda").get_alias(FunctionName=account.stack, Name=ALIAS)
    return str(alias["FunctionVersion"])


def test_without_a_yes_nothing_is_changed(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(answer: str, command: str, *arguments: str) -> tuple[int, str]:
        """Exit code and last line."""
        monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
        code, output = account.run(command, "--stack", account.stack, *arguments)
        return code, output.splitlines()[-1]

    account.stream("NEW_AND_OLD_IMAGES")
    account.write_rules("ON-ITS-WAY", "first")
    rules = ("--rules", str(account.directory / "rules.yaml"))
    given = (*rules, "--set", f"TOPIC_ARN={account.topic}")

    assert answered("n", "deploy", *given) == (1, "Change the stack? [y/N]: Error: nothing was changed")
    assert account.buckets() == []
    with pytest.raises(ClientError, match="does not exist"):
        account.outputs()

    assert answered("y", "deploy", *given) == (
        0,
        f"Check it with 'rules-engine doctor --stack {account.stack}'.",
    )
    first = in_service(account)

    account.write_rules("ON-ITS-WAY", "second")
    assert answered("n", "deploy", "--rules-only", *rules) == (
        1,
        "Put it into service? [y/N]: Error: nothing was changed",
    )
    assert in_service(account) == first
    assert answered("y", "deploy", "--rules-only", *rules)[0] == 0
    second = in_service(account)
    assert second != first

    assert answered("n", "rollback") == (1, "Put it into service? [y/N]: Error: nothing was changed")
    assert in_service(account) == second
