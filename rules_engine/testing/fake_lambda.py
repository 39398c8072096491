"""The fake of Lambda: `invoke`, of functions that do nothing but count, or what `handlers` has for them."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from rules_engine.testing.fake_service import FakeService, raise_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.testing.fake_aws import FakeAws
    from rules_engine.testing.faults import Fault

MOST_BYTES = {"Event": 1_048_576, "RequestResponse": 6 * 1_048_576}


class FakeLambda(FakeService):
    """`handlers` are called with the payload of each invocation that somebody waits for. One that raises is a
    function that failed."""

    service = "lambda"

    def __init__(self, aws: FakeAws) -> None:
        super().__init__(aws)
        self.handlers: dict[str, Callable[[Any], Any]] = {}
        self._payloads: defaultdict[str, list[Any]] = defaultdict(list)

    def payloads(self, function: str) -> list[Any]:
        """What a function was invoked with, oldest first."""
        return self._payloads[function]

    def invoke(self, **request: Any) -> dict[str, Any]:
        name, kind = request["FunctionName"], request["InvocationType"]

        def effect(_fault: Fault | None) -> dict[str, Any]:
            if len(request["Payload"]) > MOST_BYTES[kind]:
                raise_error("Invoke", "RequestTooLargeException", "the payload is too large")
            payload = json.loads(request["Payload"])
            self._payloads[name].append(payload)
            if kind == "Event":
                self._took_effect("Invoke", request)
                return {"StatusCode": 202, "Payload": io.BytesIO()}
            try:
                result = self.handlers[name](payload) if name in self.handlers else None
            except Exception as error:  # noqa: BLE001 - as Lambda does
                answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
                body = io.BytesIO(json.dumps(answer).encode())
                return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": body}
            self._took_effect("Invoke", request)
            return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(result).encode())}

        return self._perform("Invoke", request, effect)
