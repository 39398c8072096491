"""The known name an author most likely meant.

In: a name that is not known, and the names that are. Out: one of them, or None: no suggestion is better than
a silly one. Names that differ only in case, underscores or dashes are the same name to a person. Otherwise a
name may be one slip of the finger away, two from 8 characters on, three from 12, but not in the first letter,
where people rarely slip. A slip is a character too many, too few, another one, or two neighbours swapped; up
to three characters only the swap counts. `difflib`'s ratio was left: to it `net` is as near to `new` as `nwe`
is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name among `known` that `name` stands for; the first in the alphabet where several are as near."""
    candidates = sorted(known)
    same = [candidate for candidate in candidates if _plain(candidate) == _plain(name)]
    if same:
        return same[0]
    allowed = _allowed_slips(name)
    near = [
        (slips(name, candidate, allowed), candidate)
        for candidate in candidates
        if _starts_alike(name, candidate)
    ]
    return next((candidate for distance, candidate in sorted(near) if distance <= allowed), None)


def only_near(name: str, known: Iterable[str]) -> str | None:
    """The nearest name, where no other one is near enough to have been meant."""
    names = list(known)
    found = nearest(name, names)
    return (
        found if found is not None and nearest(name, [one for one in names if one != found]) is None else None
    )


def slipped(name: str, missing: Iterable[str]) -> str | None:
    """The only one of the names `missing` from a small set that is one slip away, also in its first letter.

    That it is missing makes it likely, so less is asked than of `nearest`: `nme` for `name`, `ids` for `id`.
    Another letter counts only from four characters on."""
    plain = re.sub(r"\W", "", name)
    found = [one for one in missing if plain and _is_one_slip_away(plain, one)]
    return found[0] if len(found) == 1 else None


def _is_one_slip_away(name: str, known: str) -> bool:
    if slips(name, known, 1) > 1:
        return False
    return len(name) != len(known) or len(known) > 3 or sorted(name) == sorted(known)


def slips(one: str, other: str, at_most: int) -> int:
    """How many slips lie between two names; some number above `at_most` where it is more than that."""
    if abs(len(one) - len(other)) > at_most:
        return at_most + 1
    above: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        above_that, above, row = above, row, [i]
        for j, right in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, above_that[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _allowed_slips(name: str) -> int:
    return 1 + (len(name) >= 8) + (len(name) >= 12)


def _starts_alike(name: str, candidate: str) -> bool:
    if len(name) <= 3:
        return name != candidate and sorted(name) == sorted(candidate)
    return name[:1] == candidate[:1] or name[:2] == candidate[1::-1]


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")
