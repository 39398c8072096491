"""AWS clients: one place for timeouts and retries.

`Clients` makes boto3's low-level clients, one for each service and timeout, when first asked, most of them
while the function starts, and signs what no client of boto3 sends. Region, credentials and endpoints are
found by boto3 itself. Importing this module does not load boto3.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from rules_engine.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Signer
    from rules_engine.actions.host_policy import HostPolicy
    from rules_engine.actions.transport import Transport

CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 10.0
"""boto3's own default of 60 s is longer than most functions may run."""
TOTAL_ATTEMPTS = 3
CONNECTIONS = 16
"""Kept open: as many as there are calls to one target at a time."""


class Clients:
    """boto3 clients. `timeout_seconds` is how long one attempt waits for an answer. Raises SettingsError.

    `total_attempts` is 1 for whoever tries again by himself; `hosts` says where webhooks may go.
    """

    def __init__(self, total_attempts: int = TOTAL_ATTEMPTS, hosts: HostPolicy | None = None) -> None:
        self._total_attempts = total_attempts
        self._hosts = hosts
        self._clients: dict[tuple[str, float], Any] = {}
        # boto3's default session is not made for several threads.
        self._lock = Lock()

    @cached_property
    def transport(self) -> Transport:
        from rules_engine.actions.http_transport import HttpTransport

        return HttpTransport(self._hosts)

    @cached_property
    def _credentials(self) -> Any:
        """As boto3 finds them, and renewed by botocore when they expire. Raises SettingsError."""
        import botocore.session

        credentials = botocore.session.get_session().get_credentials()
        if credentials is None:
            raise SettingsError("no AWS credentials to sign requests with")
        return credentials

    def signer(self, service: str, region: str) -> Signer:
        credentials = self._credentials

        def sign(method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
            return _signed(credentials, service, region, method, url, headers, body)

        return sign

    def client(self, service: str, timeout_seconds: float | None = None) -> Any:
        """`Any`: the service is a name, so no stub fits."""
        # A bundle's numbers are Decimal, which sockets do not take.
        seconds = READ_TIMEOUT_SECONDS if timeout_seconds is None else float(timeout_seconds)
        with self._lock:
            if (service, seconds) not in self._clients:
                self._clients[service, seconds] = _make_client(service, seconds, self._total_attempts)
            return self._clients[service, seconds]


def _signed(
    credentials: Any,
    service: str,
    region: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
) -> dict[str, str]:
    """`headers` with a signature of them and of the body."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    # OpenSearch Serverless wants the header, and takes only what is signed with it.
    of_the_body = {"x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    request = AWSRequest(method, url, headers={**headers, **of_the_body}, data=body)
    # Frozen: renewed credentials must not come between the key and its token.
    SigV4Auth(credentials.get_frozen_credentials(), service, region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def _make_client(service: str, timeout_seconds: float, total_attempts: int) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, NoRegionError

    config = Config(
        connect_timeout=min(CONNECT_TIMEOUT_SECONDS, timeout_seconds),
        read_timeout=timeout_seconds,
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": total_attempts},
    )
    try:
        return boto3.client(service, config=config)  # type: ignore[call-overload]
    except NoRegionError as error:
        raise SettingsError(
            "no AWS region is known: set AWS_DEFAULT_REGION, or one in the profile"
        ) from error
    except (BotoCoreError, ValueError) as error:
        # ValueError: an endpoint that is no URL.
        raise SettingsError(f"no client for the service '{service}': {error}") from error
