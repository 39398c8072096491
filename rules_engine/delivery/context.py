"""What Lambda says of an invocation beside the event, and how much time that leaves.

`InvocationContext.of` reads Lambda's context object; anything else, None too, stands for an invocation
without a limit. A unit is started only while `covers` its timeout: what is cut off in the middle is repeated,
and nobody learns what became of it. A function whose own timeout is shorter than those of its actions would
so start nothing at all; there half of its time is what a unit must have.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

RESERVE_SECONDS = 2.0
"""For the resume item, the last dead letter and the answer."""


@dataclass(frozen=True, slots=True)
class InvocationContext:
    """`remaining_seconds` counts down to the moment at which Lambda ends the process."""

    remaining_seconds: Callable[[], float]
    function_name: str | None = None
    request_id: str | None = None

    @classmethod
    def of(cls, context: Any) -> InvocationContext:
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        return cls(
            remaining_seconds=(lambda: inf) if remaining is None else (lambda: float(remaining()) / 1000),
            function_name=_text(context, "function_name"),
            request_id=_text(context, "aws_request_id"),
        )


class Deadline:
    """Made when the invocation starts."""

    def __init__(self, context: InvocationContext) -> None:
        self._remaining_seconds = context.remaining_seconds
        self.seconds = context.remaining_seconds()
        """At the start of the invocation."""
        self._half = self.seconds / 2

    def may_cut_off(self, timeout_seconds: float) -> bool:
        """Whether what takes this long is ended in the middle, even if it is started first."""
        return self.seconds < timeout_seconds + RESERVE_SECONDS

    def covers(self, timeout_seconds: float) -> bool:
        """Whether what may take this long can still be started."""
        return self._remaining_seconds() >= min(timeout_seconds + RESERVE_SECONDS, self._half)


def _text(context: Any, name: str) -> str | None:
    value = getattr(context, name, None)
    return value if isinstance(value, str) else None
