"""The fake of whatever webhooks are sent to: takes every request and answers 204.

It is the `transport` that webhook actions ask for. What arrived is an effect of the service `webhook`, with
URL, headers and body. A fault that is an error is an answer: 422 for a code that is permanent, 503 for any
other; one that loses the answer is a timeout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        request = {"url": url, "headers": dict(headers), "body": body.decode()}

        def effect(_fault: Fault | None) -> Answer:
            self._aws.took_effect("webhook", method, request)
            return Answer(204)

        try:
            return self._aws.perform("webhook", method, request, effect)
        except Exception as error:
            # Imported here: where nothing goes wrong, botocore is not needed.
            from botocore.exceptions import ClientError, ReadTimeoutError

            if isinstance(error, ReadTimeoutError):
                message = f"no answer within {timeout_seconds:g} s"
                raise ActionError("TIMEOUT", message, "transient") from None
            if not isinstance(error, ClientError):
                raise
            return Answer(422 if class_of_code(error.response["Error"]["Code"]) == "permanent" else 503)
