"""A name for each problem that stays the same while the file around it changes.

In: problems, each with the path that the repository knows. Out: a fingerprint for each, unique in its
list. It is made of the code, the path, the line of source without its indentation and the text that is
marked in it, and of the number of the same before it. Line numbers are left out, since every line
inserted above would make old problems new; so is the message, which a later version may word better.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.errors import Problem


def fingerprints(problems: Sequence[Problem], paths: Sequence[str]) -> list[str]:
    """One of 32 hexadecimal digits for each problem; `paths` are those of the problems, in the same order."""
    seen: Counter[tuple[str, ...]] = Counter()
    named = []
    for problem, path in zip(problems, paths, strict=True):
        first = problem.location.column - 1
        marked = problem.source_line[first : first + problem.location.length]
        identity = (problem.code, path, problem.source_line.strip(), marked)
        text = "\0".join((*identity, str(seen[identity])))
        named.append(sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32])
        seen[identity] += 1
    return named
