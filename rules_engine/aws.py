"""AWS clients and the values that live in AWS: one place for timeouts, retries and secrets.

`Clients` makes boto3's low-level clients, one for each service and timeout, when first asked, which is
while the function starts. Region, credentials and endpoints are found by boto3 itself. `resolve_references`
reads the secrets and parameters that templates name; they are read once, so a rotated secret is seen by new
execution environments only. Errors name the reference, never what was read. Importing this module does not
load boto3.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rules_engine.actions import Clients as ClientsProtocol
    from rules_engine.actions.host_policy import HostPolicy
    from rules_engine.actions.transport import Transport

CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 10.0
"""boto3's own default of 60 s is longer than most functions may run."""
TOTAL_ATTEMPTS = 3
CONNECTIONS = 16
"""Kept open: as many as there are calls to one target at a time."""

SECRET = "secret:"  # noqa: S105 - how a reference to one starts
PARAMETER = "ssm:"


class Clients:
    """boto3 clients. `timeout_seconds` is how long one attempt waits for an answer. Raises SettingsError.

    `total_attempts` is 1 for whoever tries again by himself; `hosts` says where webhooks may go.
    """

    def __init__(self, total_attempts: int = TOTAL_ATTEMPTS, hosts: HostPolicy | None = None) -> None:
        self._total_attempts = total_attempts
        self._hosts = hosts
        self._clients: dict[tuple[str, float], Any] = {}

    @cached_property
    def transport(self) -> Transport:
        from rules_engine.actions.http_transport import HttpTransport

        return HttpTransport(self._hosts)

    def client(self, service: str, timeout_seconds: float | None = None) -> Any:
        """`Any`: the service is a name, so no stub fits."""
        # A bundle's numbers are Decimal, which sockets do not take.
        seconds = READ_TIMEOUT_SECONDS if timeout_seconds is None else float(timeout_seconds)
        if (service, seconds) not in self._clients:
            self._clients[service, seconds] = _make_client(service, seconds, self._total_attempts)
        return self._clients[service, seconds]


def _make_client(service: str, timeout_seconds: float, total_attempts: int) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=min(CONNECT_TIMEOUT_SECONDS, timeout_seconds),
        read_timeout=timeout_seconds,
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": total_attempts},
    )
    try:
        return boto3.client(service, config=config)  # type: ignore[call-overload]
    except BotoCoreError as error:
        raise SettingsError(f"no client for the service '{service}': {error}") from error


def resolve_references(names: Iterable[str], clients: ClientsProtocol) -> dict[str, str]:
    """The text of every `secret:name`, `secret:name#key` and `ssm:/path`, by name, each secret read once.

    Raises SettingsError.
    """
    secrets: dict[str, str] = {}
    resolved = {}
    for reference in names:
        if reference.startswith(PARAMETER):
            resolved[reference] = _read_parameter(reference, clients)
            continue
        secret, _, key = reference.partition("#")
        if secret not in secrets:
            secrets[secret] = _read_secret(secret, clients)
        resolved[reference] = _member(reference, secrets[secret], key) if key else secrets[secret]
    return resolved


def _read_secret(reference: str, clients: ClientsProtocol) -> str:
    with _errors_naming(reference):
        client = clients.client("secretsmanager")
        answer = client.get_secret_value(SecretId=reference.removeprefix(SECRET))
    if "SecretString" not in answer:
        raise SettingsError(f"'${{{reference}}}' is binary: only a secret that is text can be used")
    return str(answer["SecretString"])


def _read_parameter(reference: str, clients: ClientsProtocol) -> str:
    with _errors_naming(reference):
        client = clients.client("ssm")
        answer = client.get_parameter(Name=reference.removeprefix(PARAMETER), WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def _member(reference: str, secret: str, key: str) -> str:
    try:
        members = exact_json.loads(secret)
    except ValueError:
        # Not chained: the original error quotes the secret.
        raise SettingsError(f"'${{{reference}}}': the secret is not JSON, so it has no keys") from None
    value = members.get(key) if isinstance(members, dict) else None
    if not isinstance(value, str):
        raise SettingsError(f"'${{{reference}}}': the secret has no text under '{key}'")
    return value


@contextmanager
def _errors_naming(reference: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise SettingsError(f"'${{{reference}}}' cannot be read: {code}") from error
    except BotoCoreError as error:
        raise SettingsError(f"'${{{reference}}}' cannot be read: {type(error).__name__}") from error
