from __future__ import annotations

import socket
import threading
from ipaddress import ip_address

import pytest

from rules_engine.actions.resolver import Resolver

LONG_SECONDS = 30.0


def test_the_system_knows_localhost() -> None:
    assert ip_address("127.0.0.1") in Resolver()("localhost", LONG_SECONDS)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::14"])
def test_an_address_is_its_own_answer(address: str) -> None:
    assert Resolver(_never)(address, LONG_SECONDS) == [ip_address(address)]


def test_every_address_is_given_in_order_without_its_zone() -> None:
    resolve = Resolver(lambda host: ["2606:2800:21f::14", "93.184.215.14", "fe80::1%eth0"])
    addresses = ["2606:2800:21f::14", "93.184.215.14", "fe80::1"]
    assert resolve("hooks.example.com", LONG_SECONDS) == list(map(ip_address, addresses))


def test_a_name_that_does_not_exist_is_an_error_of_the_system() -> None:
    def unknown(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(socket.gaierror):
        Resolver(unknown)("does-not-exist.invalid", LONG_SECONDS)


def test_a_look_up_that_hangs_is_left_alone_and_its_late_answer_read_by_nobody() -> None:
    go_on, ended = threading.Event(), threading.Event()

    def hang(host: str) -> list[str]:
        if host == "slow.example":
            go_on.wait()
            ended.set()
            return ["127.0.0.1"]
        return ["93.184.215.14"]

    resolve = Resolver(hang, most_look_ups=2)
    with pytest.raises(TimeoutError):
        resolve("slow.example", 0.01)
    assert resolve("hooks.example.com", LONG_SECONDS) == [ip_address("93.184.215.14")]
    go_on.set()
    assert ended.wait(LONG_SECONDS)
    assert resolve("hooks.example.com", LONG_SECONDS) == [ip_address("93.184.215.14")]


def test_look_ups_that_hang_do_not_pile_up() -> None:
    go_on = threading.Event()
    started: list[str] = []

    def hang(host: str) -> list[str]:
        started.append(host)
        go_on.wait()
        return ["93.184.215.14"]

    resolve = Resolver(hang, most_look_ups=2)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            resolve("slow.example", 0.01)
    assert len(started) == 2
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "name look-up":
            thread.join(LONG_SECONDS)
    assert resolve("slow.example", LONG_SECONDS) == [ip_address("93.184.215.14")]


def test_a_system_without_a_further_thread_takes_no_room_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = Resolver(lambda host: ["93.184.215.14"], most_look_ups=1)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as without_threads:
        without_threads.setattr(threading.Thread, "start", refuse)
        for _ in range(2):
            with pytest.raises(TimeoutError):
                resolve("hooks.example.com", LONG_SECONDS)
    assert resolve("hooks.example.com", LONG_SECONDS) == [ip_address("93.184.215.14")]


def test_a_process_can_end_while_a_look_up_hangs() -> None:
    go_on = threading.Event()

    def hang(host: str) -> list[str]:
        go_on.wait()
        return []

    with pytest.raises(TimeoutError):
        Resolver(hang)("slow.example", 0.01)
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "name look-up")
    assert thread.daemon
    go_on.set()
    thread.join(LONG_SECONDS)


def _never(host: str) -> list[str]:
    raise AssertionError(host)
