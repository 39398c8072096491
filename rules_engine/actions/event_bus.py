"""Whether an event bus is there, which PutEvents does not say: it takes events for any name and drops them.

In: the name or ARN of a bus. `make_sure` asks for it before the first event and again every five minutes.
Only the answer that there is no such bus holds events back; a function that may not ask sends all the same.
docs/decisions/0012 says why this is worth a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Callable

CHECK_SECONDS = 300.0
DEFAULT_BUS = "default"
"""Every account has it."""


class EventBus:
    """Used by several threads: at worst two of them ask at the same time. `clock` measures."""

    def __init__(self, name: str, client: Any, clock: Callable[[], float]) -> None:
        self.name = name
        self._client = client
        self._clock = clock
        self._asked_at: float | None = None

    def make_sure(self) -> None:
        """Raises ActionError where the bus is not there, and what boto3 raises where no answer comes."""
        now = self._clock()
        if self.name.rpartition("/")[2] == DEFAULT_BUS:
            return
        if self._asked_at is not None and now - self._asked_at < CHECK_SECONDS:
            return
        if not self._may_be_there():
            message = "there is no such event bus, and EventBridge would drop the event"
            raise ActionError("EVENT_BUS_NOT_FOUND", message, "systemic")
        self._asked_at = now

    def _may_be_there(self) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._client.describe_event_bus(Name=self.name)
        except ClientError as error:
            # Any other error PutEvents has too and says itself, or it is only that we may not ask.
            return error.response.get("Error", {}).get("Code") != "ResourceNotFoundException"
        return True
