"""Answers whose body is wanted: it comes whole, or it is a failure that says of which kind."""

from __future__ import annotations

import pytest

from rules_engine.actions.transport import Answer
from rules_engine.errors import ActionError
from tests import hostile_server
from tests.hostile_server import OK, Peer, hostile
from tests.test_hostile_receivers import transport_for

MOST = 1_000
LATE = ("TIMEOUT", "transient")
LOST = ("CONNECTION", "transient")
ODD = ("ANSWER", "unknown")


def test_the_body_of_a_success_is_given_back_and_the_connection_used_again() -> None:
    def behaviour(peer: Peer) -> None:
        peer.answer(OK + b"content-length: 3\r\n\r\nabc")
        peer.answer(OK + b"transfer-encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n")
        peer.answer(b"HTTP/1.1 503 Unavailable\r\ncontent-length: 3\r\n\r\nabc")

    with hostile(behaviour) as seen:
        transport = transport_for(seen.port)
        url = f"http://127.0.0.1:{seen.port}/"
        answers = [transport.send("POST", url, {}, b"{}", 30, MOST) for _ in range(3)]
        transport.close()
    assert answers == [Answer(200, None, b"abc"), Answer(200, None, b"def"), Answer(503)]
    assert seen.connections == 1


def test_a_body_that_nobody_asked_for_is_not_given_back() -> None:
    with hostile(lambda peer: peer.answer(OK + b"content-length: 3\r\n\r\nabc")) as seen:
        transport = transport_for(seen.port)
        answer = transport.send("POST", f"http://127.0.0.1:{seen.port}/", {}, b"{}", 30)
        transport.close()
    assert answer == Answer(200)


@pytest.mark.parametrize(("size", "is_taken"), [(MOST, True), (MOST + 1, False)])
def test_a_body_has_at_most_so_many_bytes(size: int, is_taken: bool) -> None:
    with hostile(lambda peer: peer.answer(OK + b"content-length: %d\r\n\r\n" % size + b"x" * size)) as seen:
        transport = transport_for(seen.port)
        url = f"http://127.0.0.1:{seen.port}/"
        if is_taken:
            assert transport.send("POST", url, {}, b"{}", 30, MOST).body == b"x" * size
        else:
            with pytest.raises(ActionError) as failure:
                transport.send("POST", url, {}, b"{}", 30, MOST)
            assert (failure.value.code, failure.value.error_class) == ODD
        transport.close()


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("hang_before_the_rest", LATE),
        ("drip_the_rest", LATE),
        ("reset_before_the_rest", LOST),
        ("reset_in_the_rest", LOST),
        ("less_than_the_length", LOST),
        ("huge_length", ODD),
        ("chunks_without_a_size", LOST),
        ("chunk_that_breaks_off", LOST),
        ("chunk_of_a_negative_size", LOST),
        ("endless_chunks", ODD),
        ("endless_empty_lines_of_chunks", ODD),
        ("endless_trailers", ODD),
        ("endless_rest", ODD),
        ("gzip_bomb", ODD),
    ],
)
def test_a_body_that_does_not_come_whole_is_no_answer(behaviour: str, expected: tuple[str, str]) -> None:
    seconds = 0.5 if expected == LATE else 30
    with hostile(getattr(hostile_server, behaviour)) as seen:
        transport = transport_for(seen.port)
        with pytest.raises(ActionError) as failure:
            transport.send("POST", f"http://127.0.0.1:{seen.port}/", {}, b"{}", seconds, MOST)
        transport.close()
    assert (failure.value.code, failure.value.error_class) == expected
