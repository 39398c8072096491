from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.aws import Clients, resolve_references
from rules_engine.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    assert str(refusal.value) == "no client for the service 'sns': You must specify a region."


def test_references_are_resolved_by_their_name(
    ministack: Ministack, clients: Clients, unique_name: Callable[[str], str]
) -> None:
    plain, members, parameter = unique_name("plain"), unique_name("members"), unique_name("/orders/key")
    ministack.client("secretsmanager").create_secret(Name=plain, SecretString="canary-1")
    ministack.client("secretsmanager").create_secret(
        Name=members, SecretString=json.dumps({"token": "canary-2", "other": "canary-3"})
    )
    ministack.client("ssm").put_parameter(Name=parameter, Value="canary-4", Type="SecureString")
    names = [f"secret:{plain}", f"secret:{members}#token", f"secret:{members}#other", f"ssm:{parameter}"]
    assert resolve_references(names, clients) == dict(
        zip(names, ["canary-1", "canary-2", "canary-3", "canary-4"], strict=True)
    )


def test_no_reference_needs_no_client() -> None:
    assert resolve_references([], Clients()) == {}


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("secret:{absent}", "'${{secret:{absent}}}' cannot be read: ResourceNotFoundException"),
        ("ssm:/{absent}", "'${{ssm:/{absent}}}' cannot be read: ParameterNotFound"),
        ("secret:{text}#key", "'${{secret:{text}#key}}': the secret is not JSON, so it has no keys"),
        ("secret:{members}#kye", "'${{secret:{members}#kye}}': the secret has no text under 'kye'"),
        ("secret:{members}#number", "'${{secret:{members}#number}}': the secret has no text under 'number'"),
        ("secret:{array}#key", "'${{secret:{array}#key}}': the secret has no text under 'key'"),
        ("secret:{binary}", "'${{secret:{binary}}}' is binary: only a secret that is text can be used"),
    ],
)
def test_what_cannot_be_read_is_named_and_not_shown(
    ministack: Ministack, clients: Clients, unique_name: Callable[[str], str], reference: str, message: str
) -> None:
    names = {kind: unique_name(kind) for kind in ("absent", "text", "members", "array", "binary")}
    manager = ministack.client("secretsmanager")
    manager.create_secret(Name=names["text"], SecretString="canary")
    manager.create_secret(Name=names["members"], SecretString='{"key": "canary", "number": 1}')
    manager.create_secret(Name=names["array"], SecretString='["canary"]')
    manager.create_secret(Name=names["binary"], SecretBinary=b"canary")
    with pytest.raises(SettingsError) as refusal:
        resolve_references([reference.format_map(names)], clients)
    assert str(refusal.value) == message.format_map(names)


def test_a_service_that_does_not_answer_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with pytest.raises(SettingsError) as refusal:
        resolve_references(["secret:orders"], Clients())
    assert str(refusal.value) == "'${secret:orders}' cannot be read: EndpointConnectionError"
