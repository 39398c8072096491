"""Words that stand in a text are found, however many there are to look for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.index.words import FEW, WordFinder

words = st.sets(st.text("ab@", max_size=5), max_size=8)
many = st.sets(st.text("abc@.", min_size=2, max_size=6), min_size=FEW + 1, max_size=FEW + 40)
addresses = st.sets(st.from_regex("[ab]{0,2}@[ab]{0,1}", fullmatch=True), min_size=13)
texts = st.text("abc@.", max_size=30)


@given(words | many | addresses, texts)
def test_each_word_that_stands_in_the_text_is_found_once(looked_for: set[str], text: str) -> None:
    found = WordFinder(looked_for).find(text)
    assert sorted(found) == sorted(word for word in looked_for if word in text)


def test_words_around_a_common_character_are_found_wherever_it_stands() -> None:
    looked_for = {f"{name}@{domain}" for name in ("", "a", "ab", "b") for domain in ("", "x", "xy", "y")} | {
        "c@"
    }
    finder = WordFinder(looked_for)
    for text in ("ab@xy", "@", "a@@xb@y", "", "c@x c@x", "b@xyb@xy", "abc"):
        assert sorted(finder.find(text)) == sorted(word for word in looked_for if word in text), text
