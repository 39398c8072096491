from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.delivery.identity import delivery_id

IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}", fullmatch=True)
UNITS = st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), IDS, IDS)


def test_an_id_never_changes_between_versions_of_the_engine() -> None:
    # printf 'v1\0c4ca4238\0order-shipped\0sns' | sha256sum | xxd -r -p | base32 | cut -c1-32
    assert delivery_id("c4ca4238", "order-shipped", "sns") == "JWYOJDBW6D2EZAVARMJZRY27PT67JHOZ"


@given(UNITS)
def test_an_id_is_32_characters_of_base32(unit: tuple[str, str, str]) -> None:
    assert re.fullmatch("[A-Z2-7]{32}", delivery_id(*unit))


@given(UNITS, UNITS)
def test_two_units_share_an_id_only_if_they_are_one(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert (delivery_id(*one) == delivery_id(*other)) == (one == other)


def test_names_do_not_run_into_each_other() -> None:
    assert delivery_id("e", "a", "bc") != delivery_id("e", "ab", "c")
