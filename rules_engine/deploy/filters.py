"""Filters of the mappings of a function in service, made wide enough for another version's rules.

A filter that is too narrow drops records without a trace, one that is too wide costs calls. So before an
older version goes into service, its patterns are added to those that are there; more than a mapping takes
become none at all, which lets everything through.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rules_engine.deploy.deployed import patterns_of
from rules_engine.deploy.pushdown import MOST_PATTERNS
from rules_engine.deploy.refusals import DeploymentError, asking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.deploy.deployed import Deployed

POLL_SECONDS = 1.0
MOST_POLLS = 600


def widened(there: Sequence[str], needed: Sequence[str]) -> list[str] | None:
    """The patterns that let through what either does; None where those that are there do already."""
    if not there or (needed and set(needed) <= set(there)):
        return None
    together = list(dict.fromkeys([*there, *needed]))
    return together if needed and len(together) <= MOST_PATTERNS else []


def too_narrow(function: Deployed) -> list[tuple[Mapping[str, Any], list[str]]]:
    """Mappings that drop records which `function`'s rules want, with the patterns that would not."""
    found = []
    for source in function.wanted.sources:
        for mapping in function.mappings_of(source):
            patterns = widened(patterns_of(mapping), source.patterns)
            if patterns is not None:
                found.append((mapping, patterns))
    return found


def widen(
    client: Any,
    mapping: Mapping[str, Any],
    patterns: Sequence[str],
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Sets the patterns and waits until they are in force. `client` is boto3's for Lambda."""
    uuid = mapping["UUID"]
    with asking(f"change the filter of the mapping {uuid}"):
        client.update_event_source_mapping(
            UUID=uuid, FilterCriteria={"Filters": [{"Pattern": each} for each in patterns]}
        )
        for _ in range(MOST_POLLS):
            if client.get_event_source_mapping(UUID=uuid)["State"] not in ("Updating", "Enabling"):
                return
            sleep(POLL_SECONDS)
    raise DeploymentError(
        f"the mapping {uuid} is still being changed after {MOST_POLLS * POLL_SECONDS:.0f} s"
    )
