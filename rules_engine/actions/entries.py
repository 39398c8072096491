"""What a batch call says of its entries -> an error or None for each of them, in their order.

SNS and SQS name the entries that they took and those that they refused; EventBridge and Firehose say it in
the order of the request. Messages of a service may quote the entry, and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.error_class import class_of_code
from rules_engine.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def errors_by_id(answer: Mapping[str, Any], count: int, taker: str) -> list[Exception | None]:
    """Of `count` messages whose `Id` is their place. `taker` took or refused them ("topic")."""
    taken = {entry["Id"] for entry in answer.get("Successful", ())}
    failed = {entry["Id"]: entry for entry in answer.get("Failed", ())}
    return [_error_by_id(str(place), taken, failed, taker) for place in range(count)]


def _error_by_id(
    name: str, taken: set[str], failed: Mapping[str, Mapping[str, Any]], taker: str
) -> ActionError | None:
    if name in taken:
        return None
    entry = failed.get(name)
    if entry is None:
        return _no_answer(taker, "message")
    code = str(entry.get("Code", "FAILED"))
    error_class = class_of_code(code)
    if error_class == "unknown":
        error_class = "permanent" if entry.get("SenderFault") else "transient"
    return ActionError(code, f"the {taker} refused the message", error_class)


def errors_by_place(
    results: Sequence[Mapping[str, Any]], count: int, success: str, taker: str, what: str
) -> list[Exception | None]:
    """Of `count` entries with `results` in their order, which are `what` ("event"). One that was taken has a
    `success` (`EventId`)."""
    errors = [_error_of(result, success, taker, what) for result in results[:count]]
    return [*errors, *(_no_answer(taker, what) for _ in range(count - len(errors)))]


def _error_of(result: Mapping[str, Any], success: str, taker: str, what: str) -> ActionError | None:
    code = result.get("ErrorCode")
    if code:
        return ActionError(str(code), f"the {taker} refused the {what}", class_of_code(str(code)))
    return None if result.get(success) else _no_answer(taker, what)


def _no_answer(taker: str, what: str) -> ActionError:
    """It may or may not have been taken: it is tried again."""
    return ActionError("NO_ANSWER", f"the {taker} said nothing of this {what}", "transient")
