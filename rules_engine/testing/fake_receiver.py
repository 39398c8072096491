"""The fake of the network beyond AWS clients: webhooks' receivers, and the `_bulk` of index servers.

It is the `transport` that actions ask for. A receiver takes every request and answers 204; what arrived is an
effect of the service `webhook`, with URL, headers and body. What goes to `_bulk` is `FakeOpenSearch`'s. A
fault that is an error is an answer: 422 for a code that is permanent, 503 for any other; one that loses the
answer is a timeout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.actions.transport import Answer
from rules_engine.error_class import class_of_code
from rules_engine.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.testing.fake_aws import FakeAws
    from rules_engine.testing.faults import Fault


class FakeReceiver:
    """See the module."""

    def __init__(self, aws: FakeAws) -> None:
        self._aws = aws

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_seconds: float,
        most_answer_bytes: int = 0,
    ) -> Answer:
        try:
            if url.partition("?")[0].endswith("/_bulk"):
                return self._aws.opensearch.bulk(url, body)
            return self._receive(method, {"url": url, "headers": dict(headers), "body": body.decode()})
        except Exception as error:
            # Imported here: where nothing goes wrong, botocore is not needed.
            from botocore.exceptions import ClientError, ReadTimeoutError

            if isinstance(error, ReadTimeoutError):
                message = f"no answer within {timeout_seconds:g} s"
                raise ActionError("TIMEOUT", message, "transient") from None
            if not isinstance(error, ClientError):
                raise
            return Answer(422 if class_of_code(error.response["Error"]["Code"]) == "permanent" else 503)

    def _receive(self, method: str, request: dict[str, Any]) -> Answer:
        def effect(_fault: Fault | None) -> Answer:
            self._aws.took_effect("webhook", method, request)
            return Answer(204)

        return self._aws.perform("webhook", method, request, effect)
