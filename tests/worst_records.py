"""The ten worst records that a stream may bring, as Lambda's json.loads hands them over."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

from rules_engine.plain_record import record_from_images

KEY = {"order_id": {"S": "o-1"}}
MIB = 1024 * 1024


def record(new: dict[str, Any], old: dict[str, Any] | None = None, number: int = 1) -> dict[str, Any]:
    """A change whose images are given in DynamoDB JSON."""
    plain = {
        "event": "INSERT",
        "eventID": f"w-{number}",
        "sequenceNumber": f"{number:021d}",
        "keys": {"order_id": "o-1"},
    }
    raw = record_from_images(plain, "orders")
    raw["dynamodb"] |= {"Keys": KEY, "NewImage": KEY | new}
    if old is not None:
        raw["eventName"] = "MODIFY"
        raw["dynamodb"]["OldImage"] = KEY | old
    return raw


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "innermost"}
    for level in range(depth):
        value = {"M": {f"level-{level}": value}} if level % 2 else {"L": [value, {"NULL": True}]}
    return value


def _characters() -> dict[str, Any]:
    texts = (
        "".join(map(chr, range(0x20))) + '\x7f"\\/\u2028\u2029\ufffe\uffff\ufdd0 e\u0301 \U0001f9fe\U0010ffff'
    )
    return record({"text": {"S": texts}, texts: {"S": "a name of them"}, "": {"S": ""}}, number=2)


def _half_a_pair() -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(
        json.dumps(record({"text": {"S": "half"}}, number=3)).replace("half", "\\ud83e")
    )
    return raw


def _noise(size: int, seed: int) -> str:
    return base64.b64encode(Random(seed).randbytes(size)).decode()


def _kinesis() -> dict[str, Any]:
    change = record({"total": {"N": "12.50"}}, number=9)
    body = {**change, "tableName": "orders"}
    del body["eventSourceARN"]
    return {
        "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
        "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/orders",
        "kinesis": {
            "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
            "approximateArrivalTimestamp": 1704067200.123,
            "data": base64.b64encode(json.dumps(body).encode()).decode(),
        },
    }


def worst_records() -> dict[str, dict[str, Any]]:
    """Each by what is bad about it."""
    small = {f"attribute-{number:06d}": {"N": str(number)} for number in range(75_000)}
    timed = record({"total": {"N": "1"}}, number=8)
    timed["dynamodb"]["ApproximateCreationDateTime"] = 1704067200.123
    odd = record({"weird": {"Q": "x"}, "empty": {}, "text": "no attribute"}, number=7)
    odd |= {"eventName": "UPSERT", "userIdentity": None, "unknown": [1, 2.5, True, None, {"a": "b"}]}
    numbers = {"N": "9" * 38}, {"N": "-1E-130"}, {"N": "0.10"}, {"N": "1e50"}
    return {
        "nested 32 deep": record({"deep": nested(32)}, number=1),
        "every odd character": _characters(),
        "half a surrogate pair": _half_a_pair(),
        "400 KB of noise, twice": record(
            {"noise": {"B": _noise(400_000, 1)}}, {"noise": {"B": _noise(400_000, 2)}}, 4
        ),
        "5.5 MiB of small attributes": record(small, {**small, "attribute-000000": {"S": "x"}}, 5),
        "5.5 MiB of noise": record({"a": {"S": _noise(2_080_000, 3)}}, {"a": {"S": _noise(2_080_000, 4)}}, 6),
        "nothing as it should be": odd,
        "a time with a fraction": timed,
        "a change in a Kinesis stream": _kinesis(),
        "all types and long numbers": record(
            {
                "numbers": {"L": list(numbers)},
                "sets": {
                    "M": {
                        "ss": {"SS": ["b", "a", ""]},
                        "ns": {"NS": ["1", "1.0"]},
                        "bs": {"BS": ["AA==", ""]},
                    }
                },
                "nothing": {"NULL": True},
                "no": {"BOOL": False},
                "holes": {"S": "{{ new }} ${secret:canary}"},
            },
            number=10,
        ),
    }
