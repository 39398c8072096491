from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

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
    assert str(refusal.value) == "no client for the service 'sns': You must specify a region."
