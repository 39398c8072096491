"""How a webhook request reaches the network: the one seam between the action and the wire.

In: method, URL, headers, body and timeout. Out: the status of the answer, whatever it is, and for how long it
asks to be left alone; no answer at all is an ActionError whose code says why and whose text shows neither URL
nor headers, because both may hold secrets. No redirects, no retries, no proxies and no cookies. urllib3 comes
with boto3 and is imported with the first transport. requests was left: it reads proxies and .netrc from the
surroundings.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rules_engine.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_TIMEOUT_SECONDS = 3.0
ANSWER_LIMIT_BYTES = 65_536
"""How much of an answer is read, and thrown away, so that the connection can be used again."""


CONNECTIONS = 16
"""Kept open to one host: as many as there are calls to one target at a time."""


class Answer(NamedTuple):
    """`retry_after_seconds` is what the header of that name says; None where it does not."""

    status: int
    retry_after_seconds: float | None = None


class Transport(Protocol):
    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        """The answer. Raises ActionError where there is none."""


class Urllib3Transport:
    """Connections of this process, kept open between requests; used by several threads."""

    def __init__(self) -> None:
        import urllib3

        # Said, not assumed: urllib3 1.26, which Lambda has had, checks no certificate unless it is told to.
        # Authorities and TLS 1.2 at least are the interpreter's own: 1.26 fails with a context of ours.
        self._pool = urllib3.PoolManager(retries=False, cert_reqs="CERT_REQUIRED", maxsize=CONNECTIONS)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        from urllib3 import Timeout, exceptions

        connect_seconds = min(CONNECT_TIMEOUT_SECONDS, timeout_seconds)
        try:
            response = self._pool.request(
                method,
                url,
                headers=headers,
                body=body,
                timeout=Timeout(connect=connect_seconds, read=timeout_seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        # In this order: with urllib3 1.26, which Lambda has had, a failed connection is a kind of timeout.
        except exceptions.NewConnectionError as error:
            if type(error).__name__ == "NameResolutionError":  # only urllib3 2 tells it apart
                raise ActionError("DNS", "the receiver's name cannot be resolved", "systemic") from None
            raise ActionError("CONNECT", "no connection to the receiver", "transient") from None
        except exceptions.TimeoutError:
            raise ActionError("TIMEOUT", f"no answer within {timeout_seconds:g} s", "transient") from None
        except exceptions.SSLError:
            message = "the receiver's certificate or TLS version was refused"
            raise ActionError("TLS", message, "systemic") from None
        except (exceptions.HTTPError, OSError):
            message = "the connection broke before there was an answer"
            raise ActionError("CONNECTION", message, "transient") from None
        # The status is the answer: what follows it is read to free the connection, and may fail.
        with suppress(exceptions.HTTPError, OSError):
            response.read(ANSWER_LIMIT_BYTES, decode_content=False)
        response.close()
        return Answer(response.status, retry_after(response.headers.get("retry-after"), datetime.now(UTC)))


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds, of a number or a date; None where it is neither."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())
