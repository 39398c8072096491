"""Which of many words stand somewhere in a text.

Where all words have a character in common, as addresses have an `@`, words are looked up around each place
where the text has it. Of other words, a few are looked for one by one. Many are kept under their first
characters, as many as the shortest has, and every place of the text is looked up: the cost follows the text
and not the words.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FEW = 64
"""Words that are found faster one by one: a search in a short text takes as long as a look-up."""


MAX_AROUND = 8
"""Combinations of a word's length and its place of the common character that are looked up at each."""

_Around: TypeAlias = "tuple[tuple[int, int, frozenset[str]], ...]"
"""How many characters of the words are before the common one and from there on, and the words."""


class WordFinder:
    """Built once from the words."""

    __slots__ = ("_around", "_by_beginning", "_common", "_few", "_length")

    def __init__(self, words: Iterable[str]) -> None:
        every = list(words)
        self._common, self._around = _common(every)
        if self._around:
            every = []
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
        if self._around:
            return self._find_around(text)
        found = [word for word in self._few if word in text]
        if self._by_beginning:
            length, by_beginning = self._length, self._by_beginning
            beginnings = {text[place : place + length] for place in range(len(text) - length + 1)}
            for beginning in beginnings:
                if beginning in by_beginning:
                    found += [word for word in by_beginning[beginning] if word in text]
        return found

    def _find_around(self, text: str) -> list[str]:
        found: list[str] = []
        place = text.find(self._common)
        while place >= 0:
            for before, after, words in self._around:
                part = text[place - before if place > before else 0 : place + after]
                if part in words and part not in found:
                    found.append(part)
            place = text.find(self._common, place + 1)
        return found


def _common(words: Sequence[str]) -> tuple[str, _Around]:
    """The common character around which the fewest places are looked up; none where that takes longer."""
    best: tuple[str, _Around] = ("", ())
    for character in sorted(set(words[0]).intersection(*words[1:])) if words else ():
        places: dict[tuple[int, int], set[str]] = {}
        for word in words:
            before = word.index(character)
            places.setdefault((before, len(word) - before), set()).add(word)
        if (
            len(places) <= MAX_AROUND
            and 2 * len(places) < len(words)
            and (not best[1] or len(places) < len(best[1]))
        ):
            best = character, tuple((*place, frozenset(group)) for place, group in sorted(places.items()))
    return best
