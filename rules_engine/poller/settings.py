"""The settings of an event source mapping, by AWS's names in our spelling, with AWS's defaults and limits.

`backoff_seconds` is the one that AWS has not: how long the poller waits after a failure, doubled each time
from the first value up to the second. AWS says that it backs off and not how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules_engine.errors import RulesEngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

RETENTION_SECONDS = 86_400
"""A DynamoDB stream keeps a record for 24 hours."""
PAYLOAD_BYTES = 6 * 1024 * 1024
"""What one synchronous invocation can be handed."""
NO_LIMIT = -1

_LIMITS = {
    "batch_size": (1, 10_000),
    "batching_window_seconds": (0, 300),
    "parallelization_factor": (1, 10),
    "maximum_retry_attempts": (NO_LIMIT, 10_000),
}
_RECORD_AGE = (60, 604_800)


class MappingError(RulesEngineError):
    """A setting that an event source mapping cannot have."""


@dataclass(frozen=True, slots=True)
class MappingSettings:
    """Frozen and checked. Raises MappingError for what AWS would refuse. -1 is no limit of ours: a record is
    then tried until it leaves the stream."""

    batch_size: int = 100
    batching_window_seconds: float = 0
    parallelization_factor: int = 1
    report_batch_item_failures: bool = False
    bisect_batch_on_function_error: bool = False
    maximum_retry_attempts: int = NO_LIMIT
    maximum_record_age_seconds: int = NO_LIMIT
    filters: tuple[Mapping[str, Any], ...] = ()
    """Patterns of FilterCriteria as objects; a record is wanted if one of them fits, or if there is none."""
    backoff_seconds: tuple[float, float] = (1.0, 60.0)

    def __post_init__(self) -> None:
        for name, (least, most) in _LIMITS.items():
            if not least <= getattr(self, name) <= most:
                raise MappingError(f"{name} must be from {least} to {most}")
        age, (least, most) = self.maximum_record_age_seconds, _RECORD_AGE
        if age != NO_LIMIT and not least <= age <= most:
            raise MappingError(f"maximum_record_age_seconds must be {NO_LIMIT} or from {least} to {most}")
