"""What other systems call the events of a stream: `UPDATE`, `DELETE`, `TTL`.

Authors write these words in `event` and in conditions; whoever refuses one says from here what was meant.
"""

from __future__ import annotations

EVENT_WORDS = {
    "UPDATE": "MODIFY",
    "UPDATED": "MODIFY",
    "CHANGE": "MODIFY",
    "MODIFIED": "MODIFY",
    "UPSERT": "MODIFY",
    "DELETE": "REMOVE",
    "DELETED": "REMOVE",
    "REMOVED": "REMOVE",
    "CREATE": "INSERT",
    "CREATED": "INSERT",
    "ADD": "INSERT",
    "PUT": "INSERT",
    "NEW": "INSERT",
    "INSERTED": "INSERT",
    "TTL": "EXPIRE",
    "EXPIRED": "EXPIRE",
}
"""Word in capitals -> event of a rule."""
