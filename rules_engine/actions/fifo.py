"""Names that keep the messages of one item in order in a FIFO topic or queue.

In: a record. Out: a message group id, the same for every change of one item. It is the item's key in readable
form where the service can take that, and its SHA-256 where not. The deduplication id is the delivery id.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules_engine.record import StreamRecord

# What SNS and SQS take: ASCII letters, digits and punctuation, so everything printable but the space.
_is_group_id = re.compile(r"[!-~]{1,128}").fullmatch


def item_key(record: StreamRecord) -> str:
    """One text for one item: the table's name and the key attributes in canonical JSON."""
    # Strings, so nothing for exact_json to keep, unless a key is no attribute; ASCII, so most keys stay
    # readable as a group id.
    keys = json.dumps(record.keys_raw, sort_keys=True, separators=(",", ":"), default=str)
    return f"{record.table}/{keys}"


def message_group_id(record: StreamRecord) -> str:
    """1 to 128 characters."""
    key = item_key(record)
    return key if _is_group_id(key) else hashlib.sha256(key.encode()).hexdigest()
