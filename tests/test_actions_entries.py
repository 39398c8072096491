"""What a batch call says of its entries goes to the entry it is about, whatever the order and what lacks."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.actions.entries import errors_by_id, errors_by_place
from rules_engine.errors import ActionError

FATES = st.lists(st.sampled_from(["taken", "refused", "silent"]), max_size=10)


def fate_of(place: int, error: Exception | None) -> str:
    """Each refused entry has a code of its own."""
    if error is None:
        return "taken"
    assert isinstance(error, ActionError)
    if error.code == "NO_ANSWER":
        assert (str(error), error.error_class) == ("the queue said nothing of this message", "transient")
        return "silent"
    assert (error.code, str(error)) == (f"Code{place}", "the queue refused the message")
    return "refused"


@given(FATES, st.randoms())
def test_an_entry_that_is_named_gets_what_was_said_of_it(fates: list[str], random: Any) -> None:
    taken = [{"Id": str(place)} for place, fate in enumerate(fates) if fate == "taken"]
    refused = [
        {"Id": str(place), "Code": f"Code{place}", "SenderFault": place % 2 == 0, "Message": "canary"}
        for place, fate in enumerate(fates)
        if fate == "refused"
    ]
    random.shuffle(taken)
    random.shuffle(refused)
    answer = {"Successful": taken, "Failed": refused} if refused else {"Successful": taken}
    errors = errors_by_id(answer, len(fates), "queue")
    assert [fate_of(place, error) for place, error in enumerate(errors)] == fates
    assert {
        error.error_class
        for place, error in enumerate(errors)
        if isinstance(error, ActionError) and place % 2
    } <= {"transient"}


@given(FATES, st.integers(0, 3))
def test_an_entry_without_a_name_gets_what_stands_in_its_place(fates: list[str], missing: int) -> None:
    results = [
        {"taken": {"EventId": "x"}, "refused": {"ErrorCode": f"Code{place}"}, "silent": {}}[fate]
        for place, fate in enumerate(fates)
    ]
    errors = errors_by_place(results, len(fates) + missing, "EventId", "queue", "message")
    found = [fate_of(place, error) for place, error in enumerate(errors)]
    assert found == fates + ["silent"] * missing


def test_a_code_says_what_a_refusal_means_and_where_it_is_unknown_whose_fault_it_was() -> None:
    refused = [
        ("InvalidParameter", True),
        ("InvalidMessageContents", False),
        ("Throttled", True),
        ("KMS.ThrottlingException", True),
        ("AuthorizationError", True),
        ("KMS.AccessDeniedException", True),
        ("SomethingNew", True),
        ("SomethingNew", False),
    ]
    failed = [
        {"Id": str(place), "Code": code, "SenderFault": fault, "Message": "canary"}
        for place, (code, fault) in enumerate(refused)
    ]
    errors = errors_by_id({"Failed": failed}, len(failed), "topic")
    assert [(each.error_class, str(each)) for each in errors if isinstance(each, ActionError)] == [
        (error_class, "the topic refused the message")
        for error_class in (
            "permanent",
            "permanent",
            "transient",
            "transient",
            "systemic",
            "systemic",
            "permanent",
            "transient",
        )
    ]
