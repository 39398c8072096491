"""Signatures as the Standard Webhooks specification defines them.

`parse_keys` takes the text of a signing secret, one or more `whsec_` keys, and gives the keys' bytes;
`sign` gives the header value for one attempt: a signature by each key, so receivers may hold the old key or
the new one. A refused secret is a ValueError that does not show it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX = "whsec_"
MIN_KEY_BYTES = 24
MAX_KEY_BYTES = 64


def parse_keys(text: str) -> tuple[bytes, ...]:
    """The keys in `text`, in order, separated by spaces or commas."""
    keys = tuple(_parse_key(part) for part in re.split(r"[\s,]+", text) if part)
    if not keys:
        raise ValueError("the signing secret is empty")
    return keys


def _parse_key(text: str) -> bytes:
    if not text.startswith(PREFIX):
        raise ValueError(f"a signing key must start with '{PREFIX}'")
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ValueError(f"a signing key must be base64 after '{PREFIX}'") from None
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ValueError(f"a signing key must have {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes, not {len(key)}")
    return key


def sign(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header for `body` as it is sent."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
