"""The alarms of a deployment, as CloudWatch's own properties: what must be looked at, and no more.

Namespaces and dimensions hold `${FunctionName}` and `${QueueName}`, which each template format fills in. None
of them takes an alarm for missing data: a function that nobody calls has nothing to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rules_engine.delivery.metrics import NAMESPACE

OWN_NAMESPACE = f"{NAMESPACE}/${{FunctionName}}"
Statistic = Literal["Maximum", "Sum"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """In alarm while the statistic of a period is above `threshold`. `dimension` is a name and a value."""

    name: str
    description: str
    namespace: str
    metric: str
    statistic: Statistic
    threshold: float
    dimension: tuple[str, str] | None = None
    period_seconds: int = 300


_FUNCTION = ("FunctionName", "${FunctionName}")

ALARMS = (
    Alarm(
        "Behind",
        "Records wait for more than an hour: the function fails, is throttled, or gets more than it can do.",
        "AWS/Lambda",
        "IteratorAge",
        "Maximum",
        3_600_000,
        _FUNCTION,
    ),
    Alarm(
        "Errors",
        "Invocations fail: look for 'unexpected error' and for timeouts in the function's log.",
        "AWS/Lambda",
        "Errors",
        "Sum",
        0,
        _FUNCTION,
    ),
    Alarm(
        "DeadLetters",
        "There are dead letters: see why, mend it, and bring them back with 'rules-engine redrive'.",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        0,
        ("QueueName", "${QueueName}"),
    ),
    Alarm(
        "DeadLettersNotWritten",
        "Dead letters cannot be written: mend the queue or the bucket. Their records come again meanwhile.",
        OWN_NAMESPACE,
        "DeadLettersNotWritten",
        "Sum",
        0,
    ),
    Alarm(
        "Breaker",
        "A target is left alone, since what it fails with does not pass: access, a missing target, DNS, TLS.",
        OWN_NAMESPACE,
        "SystemicFailures",
        "Sum",
        0,
    ),
    Alarm(
        "Blocked",
        "Webhooks go where they may not: a host that is not allowed, or an address that is not public.",
        OWN_NAMESPACE,
        "BlockedTargets",
        "Sum",
        0,
    ),
    Alarm(
        "StaleSecrets",
        "A secret cannot be read: its last text is still in use, or the actions that need it wait.",
        OWN_NAMESPACE,
        "StaleSecrets",
        "Maximum",
        0,
    ),
)
