"""Words that stand in a text are found, however many there are to look for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.index.words import FEW, WordFinder

words = st.sets(st.text("ab@", max_size=5), max_size=8)
many = st.sets(st.text("abc@.", min_size=2, max_size=6), min_size=FEW + 1, max_size=FEW + 40)
texts = st.text("abc@.", max_size=30)


@given(words | many, texts)
def test_each_word_that_stands_in_the_text_is_found_once(looked_for: set[str], text: str) -> None:
    found = WordFinder(looked_for).find(text)
    assert sorted(found) == sorted(word for word in looked_for if word in text)
