"""Checks of the function itself: what is in service, and whether it can run."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rules_engine.deploy.doctor.finding import Finding
from rules_engine.deploy.refusals import asking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.deploy.doctor.finding import Examined

DEPRECATED_ON = {
    "python3.7": date(2023, 12, 4),
    "python3.8": date(2024, 10, 14),
    "python3.9": date(2025, 12, 15),
    "python3.10": date(2026, 10, 31),
    "python3.11": date(2027, 6, 30),
    "python3.12": date(2028, 10, 31),
    "python3.13": date(2029, 6, 30),
    "python3.14": date(2029, 6, 30),
}
"""When AWS stops mending a runtime, by its list "Lambda runtimes". Dates have moved before."""


def version_in_service(examined: Examined) -> Iterator[Finding]:
    """The newest version works, and has the rules that are here."""
    function, newest = examined.function, examined.newest
    where = f"alias '{function.alias}' of the function '{function.name}'"
    if newest.number != function.live.number:
        yield Finding(
            "alias-behind",
            f"version {function.live.number} is in service, and {newest.number} is the newest",
            where,
            "after a rollback this is as it should be; else deploy again: rules-engine deploy",
        )
    here = examined.local_sha256
    if here is not None and here != function.rules.sha256:
        yield Finding(
            "rules-differ",
            f"the rules in service are {function.rules.sha256[:16]}, and those here are {here[:16]}",
            where,
            "deploy those here, or look at the commit that was deployed: rules-engine diff",
        )


def state(examined: Examined) -> Iterator[Finding]:
    """Lambda can start the function, in a runtime that is looked after, and has room for it."""
    function, configuration = examined.function, examined.function.live.configuration
    where = f"version {function.live.number} of the function '{function.name}'"
    if configuration.get("State", "Active") not in ("Active", "Pending"):
        reason = configuration.get("StateReason", "")
        yield Finding(
            "function-state",
            f"it is {configuration['State']}: {reason}",
            where,
            "mend that, and deploy again",
        )
    runtime = configuration.get("Runtime", "")
    gone = DEPRECATED_ON.get(runtime)
    if gone is not None and gone <= examined.today:
        yield Finding(
            "runtime-deprecated",
            f"AWS has not looked after its runtime {runtime} since {gone}",
            where,
            "deploy with the newest version of rules-engine, which takes a newer one",
        )
    with asking(f"read the concurrency of the function '{function.name}'"):
        reserved = examined.client("lambda").get_function_concurrency(FunctionName=function.name)
    if reserved.get("ReservedConcurrentExecutions") == 0:
        yield Finding(
            "concurrency-zero",
            "its reserved concurrency is 0: it is never called, and the stream keeps records for 24 hours",
            f"function '{function.name}'",
            f"aws lambda delete-function-concurrency --function-name {function.name}",
        )


def settings(examined: Examined) -> Iterator[Finding]:
    """It has the time and the variables that its rules need."""
    function = examined.function
    where = f"version {function.live.number} of the function '{function.name}'"
    timeout, needed = int(function.live.configuration["Timeout"]), function.wanted.timeout_seconds
    if timeout < needed:
        yield Finding(
            "timeout-short",
            f"its timeout is {timeout} s, and its rules need {needed} s: slow batches are done over and over",
            where,
            "deploy the rules again: rules-engine deploy",
        )
    missing = [
        each.name
        for each in function.wanted.variables
        if each.default is None and each.name not in function.environment
    ]
    if missing:
        named = ", ".join(f"${{{name}}}" for name in missing)
        yield Finding(
            "variables-missing",
            f"it does not start: rules name {named}, which it does not have",
            where,
            f"rules-engine deploy --set {missing[0]}=...",
        )
