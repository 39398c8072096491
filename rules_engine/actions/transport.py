"""How an HTTP request reaches the network: the one seam between the actions that send one and the wire.

In: method, URL, headers, body and timeout. Out: the status of the answer, whatever it is, for how long it
asks to be left alone, and as much of its body as was asked for; no answer at all is an ActionError whose code
says why and whose text shows neither URL nor headers, because both may hold secrets. `http_transport` is the
real one; tests and simulations bring theirs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Answer(NamedTuple):
    """`retry_after_seconds` is what the header of that name says; None where it does not."""

    status: int
    retry_after_seconds: float | None = None
    body: bytes = b""
    """Of an answer with status 200 whose body was asked for; of any other it is not read."""


class Transport(Protocol):
    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_seconds: float,
        most_answer_bytes: int = 0,
    ) -> Answer:
        """The answer. Raises ActionError where there is none, or its body has more than `most_answer_bytes`
        or breaks off; with 0 nobody asks for the body."""


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds, of a number or a date; None where it is neither."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    # Imported here: it takes 20 ms, and few answers need it.
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())
