"""The script for a real account, against the emulator: its steps hold there, and it leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.aws.verify import STEPS

if TYPE_CHECKING:
    from rules_engine.local.ministack import Ministack

ROOT = Path(__file__).parent.parent


@pytest.mark.local
def test_every_step_holds_or_is_said_to_be_left_out(ministack: Ministack) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.aws.verify", "--name", "verified"],
        cwd=ROOT,
        env={**os.environ, **ministack.environment},
        capture_output=True,
        text=True,
    )
    first, *lines, last = done.stdout.splitlines()
    assert re.fullmatch(r"everything is named verified-[0-9a-f]{6}", first), done
    assert lines == [
        f"ok        {function.__doc__}" if not_emulated is None
        else f"left out  {function.__doc__}: {not_emulated}"
        for function, not_emulated in STEPS
    ], done  # fmt: skip
    assert (last, done.returncode) == ("all of it is deleted again", 0)
    buckets = ministack.client("s3").list_buckets()["Buckets"]
    tables = ministack.client("dynamodb").list_tables()["TableNames"]
    queues = ministack.client("sqs").list_queues().get("QueueUrls", [])
    left = [*(each["Name"] for each in buckets), *tables, *queues]
    assert [name for name in left if "verified-" in name] == []


def test_the_page_names_every_step() -> None:
    page = " ".join((ROOT / "docs" / "verify-on-aws.md").read_text().split())
    assert [function.__doc__ for function, _ in STEPS if function.__doc__ not in page] == []
