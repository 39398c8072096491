from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rules_engine.local.ministack import Ministack

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.local

STARTER = """
import sys
from rules_engine.local.ministack import Ministack
server = Ministack()
server.start()
print(server._process.pid, server.port, flush=True)
sys.stdin.read()
"""


def listeners_of(port: int) -> list[str]:
    """Addresses on which somebody listens at this port, as the kernel shows them (hexadecimal)."""
    addresses = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, port_text = local.partition(":")
            if state == "0A" and int(port_text, 16) == port:
                addresses.append(address)
    return addresses


def test_it_listens_on_loopback_only(ministack: Ministack) -> None:
    assert listeners_of(ministack.port) == ["0100007F"]


def test_a_table_made_through_it_can_be_read_back(
    ministack: Ministack, unique_name: Callable[[str], str]
) -> None:
    dynamodb, name = ministack.client("dynamodb"), unique_name("things")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=name, Item={"id": {"S": "a"}})
    assert dynamodb.scan(TableName=name)["Items"] == [{"id": {"S": "a"}}]


def test_an_error_inside_the_block_stops_the_server() -> None:
    server = Ministack()

    def fail_while_it_runs() -> None:
        with server:
            assert listeners_of(server.port) == ["0100007F"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_while_it_runs()
    assert listeners_of(server.port) == []


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_parent_takes_its_server_with_it(kill: signal.Signals, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},  # a killed parent cannot clean up
    )
    with parent:
        assert parent.stdout is not None
        server_pid = int(parent.stdout.readline().split()[0])
        waiter = os.pidfd_open(server_pid)
        parent.send_signal(kill)
        parent.wait(10)
        ended = select.select([waiter], [], [], 10)
        os.close(waiter)
    assert ended[0] == [waiter]
