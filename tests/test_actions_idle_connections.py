from __future__ import annotations

from dataclasses import dataclass

from rules_engine.actions.idle_connections import MOST_IDLE, MOST_IDLE_SECONDS, IdleConnections


@dataclass(eq=False)
class Fake:
    usable: bool = True
    closed: bool = False

    def is_usable(self) -> bool:
        return self.usable

    def close(self) -> None:
        self.closed = True


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_one_used_last_comes_first_and_only_to_its_endpoint() -> None:
    idle: IdleConnections[Fake] = IdleConnections(Clock())
    first, second, other = Fake(), Fake(), Fake()
    for endpoint, connection in (("a", first), ("a", second), ("b", other)):
        idle.put(endpoint, connection)
    assert [idle.take("a"), idle.take("a"), idle.take("a"), idle.take("c")] == [second, first, None, None]
    assert idle.take("b") is other


def test_one_that_cannot_be_used_is_closed_and_the_next_taken() -> None:
    idle: IdleConnections[Fake] = IdleConnections(Clock())
    good, bad = Fake(), Fake(usable=False)
    idle.put("a", good)
    idle.put("a", bad)
    assert (idle.take("a"), bad.closed, good.closed) == (good, True, False)


def test_one_that_rested_too_long_is_closed() -> None:
    clock = Clock()
    idle: IdleConnections[Fake] = IdleConnections(clock)
    old, young = Fake(), Fake()
    idle.put("a", old)
    clock.now = MOST_IDLE_SECONDS
    idle.put("a", young)
    clock.now = MOST_IDLE_SECONDS + 0.1
    assert (idle.take("a"), idle.take("a")) == (young, None)
    assert (old.closed, young.closed) == (True, False)


def test_no_more_than_so_many_are_kept() -> None:
    idle: IdleConnections[Fake] = IdleConnections(Clock())
    connections = [Fake() for _ in range(MOST_IDLE + 2)]
    for number, connection in enumerate(connections):
        idle.put(number, connection)
    assert [connection.closed for connection in connections] == [True, True] + [False] * MOST_IDLE


def test_all_are_closed_together() -> None:
    idle: IdleConnections[Fake] = IdleConnections(Clock())
    connections = [Fake(), Fake()]
    for connection in connections:
        idle.put("a", connection)
    idle.close()
    assert [connection.closed for connection in connections] == [True, True]
    assert idle.take("a") is None
