"""How a webhook request reaches the network: the one seam between the action and the wire.

In: method, URL, headers, body and timeout. Out: the status of the answer, whatever it is; no answer at all
is an ActionError whose code says why and whose text shows neither URL nor headers, because both may hold
secrets. No redirects, no retries, no proxies and no cookies. urllib3 comes with boto3 and is imported with
the first transport. requests was left: it reads proxies and .netrc from the surroundings.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from rules_engine.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_TIMEOUT_SECONDS = 3.0
ANSWER_LIMIT_BYTES = 65_536
"""How much of an answer is read, and thrown away, so that the connection can be used again."""


class Transport(Protocol):
    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> int:
        """The status of the answer. Raises ActionError where there is none."""


class Urllib3Transport:
    """Connections of this process, kept open between requests."""

    def __init__(self) -> None:
        import urllib3

        # Said, not assumed: urllib3 1.26, which Lambda has had, checks no certificate unless it is told to.
        # Authorities and TLS 1.2 at least are the interpreter's own: 1.26 fails with a context of ours.
        self._pool = urllib3.PoolManager(retries=False, cert_reqs="CERT_REQUIRED")

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> int:
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
        except exceptions.NewConnectionError:
            raise ActionError("CONNECT", "no connection to the receiver") from None
        except exceptions.TimeoutError:
            raise ActionError("TIMEOUT", f"no answer within {timeout_seconds:g} s") from None
        except exceptions.SSLError:
            raise ActionError("TLS", "the receiver's certificate or TLS version was refused") from None
        except (exceptions.HTTPError, OSError):
            raise ActionError("CONNECTION", "the connection broke before there was an answer") from None
        # The status is the answer: what follows it is read to free the connection, and may fail.
        with suppress(exceptions.HTTPError, OSError):
            response.read(ANSWER_LIMIT_BYTES, decode_content=False)
        response.close()
        return response.status
