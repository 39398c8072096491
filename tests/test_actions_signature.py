from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from rules_engine.actions.signature import parse_keys, sign

KEYS = st.binary(min_size=24, max_size=64)


def written(key: bytes) -> str:
    return f"whsec_{base64.b64encode(key).decode()}"


@given(st.lists(KEYS, min_size=1, max_size=3), st.sampled_from([" ", ",", ", ", "\n"]))
def test_keys_are_read_as_they_were_written(keys: list[bytes], separator: str) -> None:
    assert parse_keys(separator.join(written(key) for key in keys)) == tuple(keys)


@given(st.lists(KEYS, min_size=1, max_size=3), st.from_regex("[A-Z2-7]{32}", fullmatch=True), st.text())
def test_the_reference_library_accepts_a_signature_by_any_of_the_keys(
    keys: list[bytes], message_id: str, text: str
) -> None:
    now = int(datetime.now(UTC).timestamp())
    body = text.encode()
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(keys, message_id, now, body),
    }
    for key in keys:
        reference = Webhook(written(key))
        expected = reference.sign(message_id, datetime.fromtimestamp(now, UTC), text)
        assert expected in headers["webhook-signature"].split(" ")


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("", "the signing secret is empty"),
        (" , ", "the signing secret is empty"),
        ("canary", "a signing key must start with 'whsec_'"),
        (written(bytes(24)).removeprefix("whsec_"), "a signing key must start with 'whsec_'"),
        ("whsec_canary!", "a signing key must be base64 after 'whsec_'"),
        ("whsec_canär", "a signing key must be base64 after 'whsec_'"),
        (written(bytes(23)), "a signing key must have 24 to 64 bytes, not 23"),
        (written(bytes(65)), "a signing key must have 24 to 64 bytes, not 65"),
        (f"{written(bytes(24))} canary", "a signing key must start with 'whsec_'"),
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_and_not_shown(secret: str, message: str) -> None:
    with pytest.raises(ValueError, match="sign") as refusal:
        parse_keys(secret)
    assert str(refusal.value) == message
