from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import network_spy

ELSEWHERE = ("192.0.2.1", 9)
"""An address that nobody has."""

HIDES_IT = f"""
import contextlib, socket

def test_that_takes_the_refusal_for_a_dead_server():
    with contextlib.suppress(OSError):
        socket.create_connection({ELSEWHERE}, 1)
"""


def test_a_connection_that_would_leave_the_machine_is_refused_and_kept_in_mind() -> None:
    with pytest.raises(PermissionError):
        socket.create_connection(ELSEWHERE, 1)
    assert network_spy.FORBIDDEN.pop() == ELSEWHERE


def test_a_test_with_such_a_connection_fails_though_it_hides_it(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(HIDES_IT)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        str(tmp_path),
    ]
    root = Path(__file__).parent.parent
    finished = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert f"a test tried to connect to [{ELSEWHERE}]" in finished.stdout
    assert "1 passed, 1 error" in finished.stdout
    assert finished.returncode == 1


@pytest.mark.parametrize(
    ("address", "stays"),
    [
        (("127.0.0.1", 80), True),
        (("127.8.9.1", 80), True),
        (("localhost", 80), True),
        (("::1", 80, 0, 0), True),
        ("/run/socket", True),
        (b"\0abstract", True),
        (("10.0.0.1", 80), False),
        (("0.0.0.0", 80), False),
        (("example.com", 80), False),
        (("localhost.example.com", 80), False),
        (("fe80::1", 80, 0, 2), False),
    ],
)
def test_loopback_and_unix_sockets_stay_here(address: Any, stays: bool) -> None:
    assert network_spy.stays_here(address) is stays
