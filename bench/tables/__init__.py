"""One module for each table. `measure(session)` gives it; `TABLES` is all of them in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.tables import (
    cold_start,
    compiling,
    conditions,
    delivery,
    filters,
    growth,
    matching,
    memory,
    package_size,
    peers,
    rule_tests,
    text_to_matches,
    validate_start,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.report import Table
    from bench.session import Session

TABLES: dict[str, Callable[[Session], Table]] = {
    "matching": matching.measure,
    "growth": growth.measure,
    "text": text_to_matches.measure,
    "conditions": conditions.measure,
    "compile": compiling.measure,
    "memory": memory.measure,
    "delivery": delivery.measure,
    "cold-start": cold_start.measure,
    "package": package_size.measure,
    "filters": filters.measure,
    "validate": validate_start.measure,
    "tests": rule_tests.measure,
    "peers": peers.measure,
}
