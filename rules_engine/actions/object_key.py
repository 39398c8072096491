"""Keys of S3 objects: what a template may make of a record, and what S3 and the tools around it take.

In: the text of a key, or a template of one. Out: the reason why it cannot be used, or what IAM writes for all
the keys that the template can make. A value from a record goes through `encode` first, so it stays inside of
its own segment: a slash in it is `%2F`. `.` and `..` are left as they are by every encoding, and refused as a
segment, because tools that copy objects to files would walk out of their directory.
"""

from __future__ import annotations

from urllib.parse import quote

from rules_engine.template import Hole, Reference, scan

MOST_BYTES = 1_024
_SPECIAL = frozenset("\\*?")
"""A backslash is a separator on some systems; the other two are wildcards in IAM."""


def encode(text: str) -> str:
    """`text` as part of one segment."""
    return quote(text, safe="")


def key_fault(key: str) -> str | None:
    """Why an object cannot have this key; None where it can."""
    size = len(key.encode())
    if size > MOST_BYTES:
        return f"the key has {size} bytes: S3 takes at most {MOST_BYTES}"
    if key.startswith("/"):
        return "the key must not begin with '/'"
    segments = key.split("/")
    if "" in segments:
        return "the key must not have an empty segment, nor end in '/'"
    if not {".", ".."}.isdisjoint(segments):
        return "the key must not have '.' or '..' as a segment"
    if not key.isprintable():
        return "the key must not have control characters or line ends"
    special = next((character for character in key if character in _SPECIAL), None)
    return None if special is None else f"the key must not have '{special}' in it"


def template_fault(template: str) -> str | None:
    """What is wrong with every key that the template can make."""
    return key_fault("".join(part if isinstance(part, str) else "x" for part in scan(template)))


def resource_pattern(template: str) -> str:
    """All keys that the template can make, as a resource of IAM has them: holes are `*`, references stay."""
    return "".join(_in_a_resource(part) for part in scan(template))


def _in_a_resource(part: object) -> str:
    if isinstance(part, Hole):
        return "*"
    return f"${{{part.text}}}" if isinstance(part, Reference) else str(part)
