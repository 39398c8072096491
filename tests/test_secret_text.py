"""A secret shows itself to nobody who does not ask for it by name."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import exact_json
from rules_engine.secret_text import MASK, SecretText, hidden, joined, revealed

CANARY = "canary-7f3a"


@dataclass
class Changing:
    """A source whose secret is another one after each renewal."""

    texts: list[str] = field(repr=False)

    def current(self) -> str:
        return self.texts[0]

    def renew(self) -> None:
        self.texts.pop(0)


TOKEN = SecretText("Bearer ", hidden(CANARY))


def formatted(text: str) -> str:
    record = logging.LogRecord("a", logging.INFO, "a.py", 1, "%s %r", (text, text), None)
    return logging.Formatter().format(record)


@pytest.mark.parametrize(
    "shown",
    [
        str(TOKEN),
        repr(TOKEN),
        f"{TOKEN} {TOKEN!r} {TOKEN!s:>40}",
        "%s" % TOKEN,  # noqa: UP031 - one of the ways
        "{}".format(TOKEN),  # noqa: UP032 - one of the ways
        "".join([TOKEN]),
        "-".join([TOKEN, "x"]),
        "x" + TOKEN + "x",
        TOKEN.upper() + TOKEN[3:] + TOKEN.replace("*", "x"),
        TOKEN.encode().decode(),
        json.dumps({TOKEN: [TOKEN]}),
        exact_json.dumps({TOKEN: [TOKEN]}),
        pickle.dumps(TOKEN).decode("latin-1"),
        repr(copy.copy(TOKEN)) + repr(copy.deepcopy([TOKEN])),
        formatted(TOKEN),
        repr({"headers": {"authorization": TOKEN}}),
        repr(vars(SecretText).keys()) + repr(TOKEN._parts),
    ],
)
def test_whatever_looks_at_it_sees_the_mask(shown: str) -> None:
    assert CANARY.lower() not in shown.lower()


def test_it_shows_what_is_no_secret() -> None:
    assert (TOKEN == "Bearer ***", len(TOKEN), json.dumps(TOKEN)) == (True, 10, '"Bearer ***"')


def test_a_traceback_with_local_variables_shows_the_mask() -> None:
    def fail(header: str) -> None:
        raise ValueError(header)

    with pytest.raises(ValueError, match="Bearer") as failure:
        fail(TOKEN)
    told = traceback.TracebackException.from_exception(failure.value, capture_locals=True)
    text = "".join(told.format())
    assert "header = 'Bearer ***'" in text
    assert CANARY not in text


def test_the_real_text_is_had_by_asking_for_it() -> None:
    assert TOKEN.reveal() == f"Bearer {CANARY}"
    assert type(TOKEN.reveal()) is str
    assert (revealed(TOKEN), revealed("plain")) == (f"Bearer {CANARY}", "plain")


def test_a_copy_is_the_masked_text_and_no_secret_any_more() -> None:
    loaded = pickle.loads(pickle.dumps(TOKEN))
    assert (loaded, type(loaded)) == ("Bearer ***", str)


def test_a_renewed_secret_is_seen_wherever_it_was_joined_into() -> None:
    text = joined(["https://h/", SecretText(Changing(["old", "new"])), "/o-1"])
    assert isinstance(text, SecretText)
    assert (text, text.reveal()) == ("https://h/***/o-1", "https://h/old/o-1")
    text.renew()
    assert (text, text.reveal()) == ("https://h/***/o-1", "https://h/new/o-1")


def test_texts_without_a_secret_join_into_a_text_without_one() -> None:
    assert type(joined(["a", "b"])) is str


def test_what_is_secret_already_stays_what_it_is() -> None:
    assert hidden(TOKEN) is TOKEN
    assert hidden("whsec_x") == MASK


@given(st.lists(st.text() | st.builds(hidden, st.text())))
def test_joining_joins_what_is_shown_and_what_is_meant(texts: list[str]) -> None:
    assert joined(texts) == "".join(str(text) for text in texts)
    assert revealed(joined(texts)) == "".join(revealed(text) for text in texts)
