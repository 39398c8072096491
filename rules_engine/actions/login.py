"""A name and a password, as HTTP's basic authentication sends them.

In: a text such as `${secret:search}` (the secret is `name:password`) or `writer:${secret:search#password}`,
as it is written or resolved. Out: what is wrong with it, or the header's value. No password is in a message,
and nothing here raises: the frames have it.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules_engine.secret_text import SecretText

_ends_with_secret = re.compile(r"(?:[^:${}]+:|\$\{[^}]*\}:)?\$\{(?:secret|ssm):[^}]*\}").fullmatch
_has_control = re.compile(r"[\x00-\x1f\x7f]").search


def is_login(text: str) -> bool:
    """Whether the text, as an author writes it, has a password that is kept elsewhere."""
    return _ends_with_secret(text) is not None


def login_fault(login: SecretText) -> str | None:
    """Why it cannot be sent, as it is now."""
    text = login.reveal()
    name, colon, password = text.partition(":")
    if not (name and colon and password):
        return "it is no 'name:password'"
    return "it has a line end or another control character" if _has_control(text) else None


def authorization(login: SecretText) -> str:
    """The value of the header, of a login without a fault."""
    return f"Basic {base64.b64encode(login.reveal().encode('utf-8', 'backslashreplace')).decode('ascii')}"
