from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from rules_engine.aws import Clients
from rules_engine.errors import SettingsError

if TYPE_CHECKING:
    from rules_engine.local.ministack import Ministack

pytestmark = pytest.mark.local


@pytest.fixture
def clients(aws: Ministack) -> Clients:
    return Clients()


def test_a_client_is_made_once_for_a_service_and_a_timeout(clients: Clients) -> None:
    assert clients.client("sns") is clients.client("sns")
    assert clients.client("sns") is not clients.client("sns", 2.5)


def test_timeouts_and_retries_are_explicit(clients: Clients) -> None:
    config = clients.client("dynamodb").meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    config = clients.client("dynamodb", 1.5).meta.config
    assert (config.connect_timeout, config.read_timeout) == (1.5, 1.5)


def test_who_tries_again_by_himself_gets_one_attempt(aws: Ministack) -> None:
    config = Clients(total_attempts=1).client("sns").meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert config.max_pool_connections == 16


def test_a_timeout_out_of_a_bundle_is_taken(clients: Clients) -> None:
    # exact_json reads 0.5 as a Decimal.
    timeout_seconds: Any = Decimal("0.5")
    client = clients.client("sns", timeout_seconds)
    assert client is clients.client("sns", 0.5)
    assert client.list_topics()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_client_that_cannot_be_made_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(SettingsError) as refusal:
        Clients().client("sns")
    assert str(refusal.value) == "no AWS region is known: set AWS_DEFAULT_REGION, or one in the profile"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AWS_ENDPOINT_URL", "localhost", "no client for the service 'sns': Invalid endpoint: localhost"),
        (
            "AWS_PROFILE",
            "nobody",
            "no client for the service 'sns': The config profile (nobody) could not be found",
        ),
    ],
)
def test_what_the_environment_says_wrongly_is_a_settings_error(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for given, text in {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        name: value,
    }.items():
        monkeypatch.setenv(given, text)
    with pytest.raises(SettingsError) as refusal:
        Clients().client("sns")
    assert str(refusal.value) == message


def test_a_request_is_signed_with_the_credentials_of_the_environment(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signature itself is recomputed in `test_opensearch_local`."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token")
    url, given = "https://search.example.com/orders/_bulk?a=b", {"content-type": "application/x-ndjson"}
    headers = clients.signer("aoss", "eu-west-1")("POST", url, given, b"{}")
    signed = "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
    day = headers["x-amz-date"][:8]
    scope = f"{day}/eu-west-1/aoss/aws4_request"
    assert headers.pop("authorization").startswith(
        f"AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders={signed}, Signature="
    )
    assert headers == {
        **given,
        "x-amz-content-sha256": hashlib.sha256(b"{}").hexdigest(),
        "x-amz-date": headers["x-amz-date"],
        "x-amz-security-token": "a-token",
    }


def test_without_credentials_nothing_can_be_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    with pytest.raises(SettingsError) as refusal:
        Clients().signer("es", "eu-west-1")
    assert str(refusal.value) == "no AWS credentials to sign requests with"
