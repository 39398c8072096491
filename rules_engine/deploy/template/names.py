"""Names that a template can use, made of names that hold other characters too.

`ORDERS_TABLE` gives `OrdersTable` for CloudFormation, whose names are letters and digits, and `orders_table`
for Terraform. Names that would meet are numbered, in the order they are asked for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_CHARACTERS, MOST_CHARACTERS = 2, 200


class Names:
    """Gives names that are not `taken`, and none twice, whatever their case."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {name.lower() for name in taken}

    def camel(self, text: str, suffix: str = "") -> str:
        base = "".join(_capitalised(word) for word in re.findall(r"[A-Za-z0-9]+", text))
        if len(base) < LEAST_CHARACTERS or not base[0].isalpha():
            base = f"Name{base}"
        return self._free(base, suffix)

    def snake(self, text: str) -> str:
        base = "_".join(re.findall(r"[a-z0-9]+", text.lower()))
        return self._free(base if base[:1].isalpha() else f"n{base}", "")

    def _free(self, base: str, suffix: str) -> str:
        wanted = found = base[:MOST_CHARACTERS] + suffix
        number = 2
        while found.lower() in self._taken:
            found = f"{wanted}{number}"
            number += 1
        self._taken.add(found.lower())
        return found


def _capitalised(word: str) -> str:
    """A word of capitals only is one that is not spelt out."""
    return word[0].upper() + (word[1:].lower() if word.isupper() else word[1:])
