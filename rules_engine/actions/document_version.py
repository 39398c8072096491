"""The version of a document: a number of 63 bits that grows with the changes of its item.

In: a record. Out: what OpenSearch calls an external version. DynamoDB's sequence numbers have up to 40
digits, which 63 bits cannot tell apart; a floating point number can: the length in bits, and the first `BITS`
bits. It never falls where the sequence number rises, and it rises where that does by more than one part in
2^56. See docs/decisions/0013 for what is known of the numbers: two changes of one item are always further
apart than that. A change that comes through Kinesis has a number of 56 digits that says nothing of the item's
order; its version is its time in microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.errors import TemplateError
from rules_engine.record import MOST_DIGITS_OF_DYNAMODB

if TYPE_CHECKING:
    from rules_engine.record import StreamRecord

BITS = 57
"""The most with which a number of 40 digits has a version below 2^63."""


def version_of(record: StreamRecord) -> int:
    """0 to 2^63 - 1. Raises TemplateError."""
    if record.sequence_number is None:
        raise TemplateError("a document's version needs a sequence number, and the record has none")
    if len(record.sequence_number) <= MOST_DIGITS_OF_DYNAMODB:
        return compressed(int(record.sequence_number))
    seconds = record.created_at_seconds
    if seconds is None:
        raise TemplateError("a document's version needs the time of the change, and the record has none")
    return int(seconds * 1_000_000)


def compressed(number: int) -> int:
    """A number below 10^40 as one below 2^63, in the same order; itself where it has at most `BITS` bits."""
    dropped = max(0, number.bit_length() - BITS)
    # What is left has its highest bit set, which counts as one more in front of the length.
    return (dropped << (BITS - 1)) + (number >> dropped)
