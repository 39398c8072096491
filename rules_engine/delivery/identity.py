"""The delivery id: one name for this action of this rule on this record; and the deliveries of a match.

The same three names give the same id in every process and at every retry, so a receiver can tell a repeat
from news. Nothing else goes in: an id that depended on the rule's text or the record's content would change
under a redelivery after a deployment. The separator is NUL, which no part can contain: ids have a closed
alphabet.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from rules_engine.model import Delivery

if TYPE_CHECKING:
    from rules_engine.model import Match

VERSION = "v1"
LENGTH_BYTES = 20
"""160 bits of the digest: 32 characters of RFC 4648 base32, legal as a FIFO deduplication id and a URL
segment."""


def delivery_id(event_id: str, rule_id: str, action_id: str) -> str:
    """32 characters of A-Z and 2-7."""
    name = "\0".join((VERSION, event_id, rule_id, action_id))
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).digest()
    return base64.b32encode(digest[:LENGTH_BYTES]).decode("ascii")


def deliveries_of(match: Match) -> list[Delivery]:
    """One for each action of the rule, in order."""
    return [
        Delivery(delivery_id(match.record.event_id, match.rule.id, action.id), match, action)
        for action in match.rule.actions
    ]
