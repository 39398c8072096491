"""A rule set as one file from which a function starts without YAML, a parser, or reading every rule.

`dump` writes it, for authors; `load` reads it, in the function. It is one JSON document, laid out in lines:

- first: the format, what actions take from the environment, and of every rule what the index must know;
- a line for every expression that may have to be evaluated, with its parsed tree, sorted by their text;
- a line for every rule;
- last: the scopes, which all rules of a file share, and the SHA-256 of all bytes before it.

`load` checks format and sum, and reads the first and the last line. A rule, or the tree of an expression, is
read when it is first asked for. Tests and source positions stay with the author. Pickled or marshalled
objects were left: a bundle is to be read with any tool, and by any version of Python.
"""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import TYPE_CHECKING

from rules_engine.bundle.layout import FORMAT
from rules_engine.bundle.reader import load

if TYPE_CHECKING:
    from rules_engine.model import RuleSet

__all__ = ["FORMAT", "digest", "dump", "load"]


def dump(rule_set: RuleSet) -> bytes:
    """The bundle of `rule_set`: the same rules give the same bytes. Raises RuleSetError."""
    # By name, so that the function's package leaves it out.
    written: bytes = import_module("rules_engine.bundle.writer").write(rule_set)
    return written


def digest(rule_set: RuleSet) -> str:
    """SHA-256 of the bundle of `rule_set`, as hexadecimal text: what dead letters call `rules_hash`."""
    return hashlib.sha256(dump(rule_set)).hexdigest()
