"""Which of many words stand somewhere in a text.

A few words are looked for one by one. Of many, each is kept under its first characters, as many as the
shortest has, and every place of the text is looked up: the cost follows the text and not the words.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FEW = 64
"""Words that are found faster one by one: a search in a short text takes as long as a look-up."""


class WordFinder:
    """Built once from the words."""

    __slots__ = ("_by_beginning", "_few", "_length")

    def __init__(self, words: Iterable[str]) -> None:
        every = list(words)
        # The words too short to be told apart by their beginning stay with the few.
        long = [word for word in every if len(word) > 1]
        if len(long) <= FEW:
            long = []
        self._few = [word for word in every if len(word) < 2 or not long]
        self._length = min(map(len, long), default=0)
        self._by_beginning: dict[str, list[str]] = {}
        found = defaultdict(list)
        for word in long:
            found[word[: self._length]].append(word)
        self._by_beginning = dict(found)

    def find(self, text: str) -> list[str]:
        """Each word that stands in `text`, once."""
        found = [word for word in self._few if word in text]
        if self._by_beginning:
            length, by_beginning = self._length, self._by_beginning
            beginnings = {text[place : place + length] for place in range(len(text) - length + 1)}
            for beginning in beginnings:
                if beginning in by_beginning:
                    found += [word for word in by_beginning[beginning] if word in text]
        return found
