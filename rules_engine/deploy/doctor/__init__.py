"""`examine(examined)`: everything about a deployed function that will lose, delay or repeat records.

The function is compared with what its own rules need, read out of its own package; only whether it has the
newest rules is a question of the rules here. Nothing is changed. A check that AWS does not let us make is a
finding too: what was not looked at is not in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.deploy.doctor import mappings, running, stores
from rules_engine.deploy.doctor.finding import Examined, Finding
from rules_engine.deploy.doctor.permissions import permissions
from rules_engine.deploy.refusals import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Check = Callable[[Examined], Iterator[Finding]]

__all__ = ["CHECKS", "Examined", "Finding", "examine"]

CHECKS: tuple[Check, ...] = (
    running.version_in_service,
    running.state,
    running.settings,
    mappings.presence,
    mappings.work,
    mappings.partial_batches,
    mappings.filters,
    mappings.streams,
    mappings.limits,
    permissions,
    stores.dead_letters,
    stores.spill_bucket,
    stores.state_table,
    stores.log,
)


def examine(examined: Examined, track: Callable[[Sequence[Check]], Iterable[Check]] = iter) -> list[Finding]:
    """The findings of all checks. `track` hands on the checks, as each is begun."""
    findings: list[Finding] = []
    for check in track(CHECKS):
        try:
            findings += check(examined)
        except DeploymentError as error:
            name = f"{check.__module__.rpartition('.')[2]}: {check.__name__.replace('_', ' ')}"
            where = f"function '{examined.function.name}'"
            findings.append(
                Finding("not-checked", f"{error}", where, f"allow it, so that it can be checked ({name})")
            )
    return findings
