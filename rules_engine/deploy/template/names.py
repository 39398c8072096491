"""Names of CloudFormation parameters and resources, which are letters and digits, from names that are more.

`ORDERS_TABLE` gives `OrdersTable`. Names that would meet are numbered, in the order they are asked for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_CHARACTERS = 200


class LogicalNames:
    """Gives names that are not `taken` and not given before."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {name.lower() for name in taken}

    def name(self, text: str, suffix: str = "") -> str:
        words = re.findall(r"[A-Za-z0-9]+", text)
        base = "".join(word[0].upper() + (word[1:].lower() if word.isupper() else word[1:]) for word in words)
        wanted = found = (base or "Name")[:MOST_CHARACTERS] + suffix
        number = 2
        while found.lower() in self._taken:
            found = f"{wanted}{number}"
            number += 1
        self._taken.add(found.lower())
        return found
