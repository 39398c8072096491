"""A text with secrets in it, which shows `***` in the place of each.

`SecretText` is a `str` whose characters are the masked ones: JSON, formatting, pickles, logs and tracebacks
have nothing else to show, and C code that takes a `str` has neither. `reveal` gives the real text; whoever
sends it calls it at the last moment and keeps it in no variable of a frame that may raise. `renew` has the
secrets in it read anew. `joined` is `"".join` for texts some of which may be secret.

Two of them are equal if they show the same. An object that is no `str` was left: a rendered request is plain
data, which every action type and the command line can show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK = "***"


class Source(Protocol):
    """Where one secret comes from; used by several threads. Its own text must not show the secret."""

    def current(self) -> str:
        """The secret as it is now: what was read once stays. Raises SecretUnreadable where nothing was."""

    def renew(self) -> None:
        """Read it anew, if that was not done a moment ago."""


class SecretText(str):
    """See the module. `parts` are texts, those that are secret among them, and sources of secrets."""

    __slots__ = ("_parts",)
    _parts: tuple[str | Source, ...]

    def __new__(cls, *parts: str | Source) -> SecretText:
        flat: list[str | Source] = []
        for part in parts:
            flat += part._parts if isinstance(part, SecretText) else (part,)
        text = super().__new__(cls, "".join(part if isinstance(part, str) else MASK for part in flat))
        text._parts = tuple(flat)
        return text

    def reveal(self) -> str:
        """Raises SecretUnreadable."""
        return "".join(part if isinstance(part, str) else part.current() for part in self._parts)

    def renew(self) -> None:
        for part in self._parts:
            if not isinstance(part, str):
                part.renew()

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        # A copy or a pickle is the masked text and no more.
        return str, (str(self),)


class _Fixed:
    """A secret that never changes."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def current(self) -> str:
        return self._text

    def renew(self) -> None:
        pass


def hidden(text: str) -> SecretText:
    """A text of which all is secret; one that is a SecretText already stays what it is."""
    return text if isinstance(text, SecretText) else SecretText(_Fixed(text))


def revealed(text: str) -> str:
    """The real text of what may be a SecretText. Raises SecretUnreadable."""
    return text.reveal() if isinstance(text, SecretText) else text


def joined(texts: Sequence[str]) -> str:
    """One after the other; secret if one of them is."""
    return SecretText(*texts) if any(isinstance(text, SecretText) for text in texts) else "".join(texts)
