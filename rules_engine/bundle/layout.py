"""How the lines of a bundle hang together: what `writer` puts between its parts, and `reader` looks for.

Sections are separated by lines that no expression or rule can be: inside of JSON text there is no line end.
"""

from __future__ import annotations

import hashlib

FORMAT = 2

START = b'{"format":%d,' % FORMAT
TREES = b'"trees":{'
"""Ends the first line; the trees follow."""
RULES = b'},"rules":['
"""A line by itself, between the trees and the rules."""
LAST = b'],"scopes":'
"""How the last line starts."""

_SUM = b',"sha256":"'
_END = b'"}\n'
_SEAL_BYTES = len(_SUM) + 64 + len(_END)


def seal(content: bytes) -> bytes:
    """The document that `content` becomes with its sum as the last member."""
    return b"".join((content, _SUM, hashlib.sha256(content).hexdigest().encode(), _END))


def is_sealed(data: bytes) -> bool:
    """Whether `data` ends with the sum of what stands before it."""
    return data[-_SEAL_BYTES:] == seal(data[:-_SEAL_BYTES])[-_SEAL_BYTES:]
