"""Names to addresses, within a time: the system's own resolver in a thread that nobody has to wait for.

`getaddrinfo` cannot be told when to stop. A look-up that takes too long is left alone: its thread ends when
the system gives up, with an answer that nobody reads, so it does nothing in a later invocation. At most
`MOST_LOOK_UPS` are under way in the process, those that were left alone too. An address needs no look-up.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.actions.addresses import Address

    LookUp = Callable[[str], list[str]]

MOST_LOOK_UPS = 64
"""Twice as many as there are workers: those that were left alone leave room for the others."""


class Resolver:
    """Callable: host and timeout to its addresses. Used by several threads."""

    def __init__(self, look_up: LookUp | None = None, most_look_ups: int = MOST_LOOK_UPS) -> None:
        self._look_up = look_up or system_look_up
        self._room = BoundedSemaphore(most_look_ups)

    def __call__(self, host: str, timeout_seconds: float) -> list[Address]:
        """In the resolver's order. Raises OSError: TimeoutError where there is no answer in time, or nobody
        to wait for one."""
        try:
            return [ip_address(host)]
        except ValueError:
            pass
        if not self._room.acquire(blocking=False):
            raise TimeoutError
        answers: SimpleQueue[list[str] | OSError] = SimpleQueue()
        try:
            Thread(target=self._answer, args=(host, answers), name="name look-up", daemon=True).start()
        except RuntimeError:  # the system gives no further thread, so nobody else makes room again
            self._room.release()
            raise TimeoutError from None
        try:
            answer = answers.get(timeout=timeout_seconds)
        except Empty:
            raise TimeoutError from None
        if isinstance(answer, OSError):
            raise answer
        return [ip_address(text.partition("%")[0]) for text in answer]

    def _answer(self, host: str, answers: SimpleQueue[list[str] | OSError]) -> None:
        try:
            answers.put(self._look_up(host))
        except OSError as error:
            answers.put(error)
        finally:
            self._room.release()


def system_look_up(host: str) -> list[str]:
    # As bytes: a text would go through Python's codec for international names, of another standard than ours.
    found = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
