"""Secrets Manager and Parameter Store: each secret is read once, kept for five minutes, and read anew on use.

In go references, `secret:name`, `secret:name#key` and `ssm:/path`; out comes a `SecretText` for each, which
always has the newest text that could be read. When a secret cannot be read anew, the old text stays (that is
logged once, and `stale` counts it) and the next use half a minute later asks again. `renew`, for a receiver
that no longer takes a secret, reads at once, but at most once a minute: one that is simply wrong must not
flood the service. One thread reads, and the others go on with the old text. What no rule names is not kept.

What cannot be read at the start is a SettingsError. Errors name the reference and a code, never what was
read, and are raised where no variable holds it. A background thread was left: Lambda freezes it.
"""

from __future__ import annotations

import threading
import time
from math import inf
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.errors import SettingsError
from rules_engine.log_line import log_line
from rules_engine.secret_text import SecretText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rules_engine.actions import Clients

SECRET = "secret:"  # noqa: S105 - how a reference to one starts
PARAMETER = "ssm:"

KEPT_SECONDS = 300.0
RETRY_SECONDS = 30.0
"""After a failed reading."""
RENEWAL_SECONDS = 60.0
REFRESH_TIMEOUT_SECONDS = 1.0
"""For connecting and again for the answer, once: a delivery waits for it, perhaps for several secrets, and
there is the old text."""


class SecretStore:
    """The secrets of one function. `start_clients` read them first, `clients`, which try once, later."""

    def __init__(
        self,
        start_clients: Clients,
        clients: Clients,
        log: Callable[[str], object],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is in seconds since 1970: others may stand still while Lambda freezes the process."""
        self._start_clients, self._clients = start_clients, clients
        self._log, self._clock = log, clock
        self._secrets: dict[str, _Secret] = {}

    def texts(self, references: Iterable[str]) -> dict[str, SecretText]:
        """A text for each reference, every secret read once. Raises SettingsError."""
        found: dict[str, SecretText] = {}
        for reference in references:
            name, _, key = reference.partition("#") if reference.startswith(SECRET) else (reference, "", "")
            if name not in self._secrets:
                self._secrets[name] = _Secret(name, self._clients, self._log, self._clock)
            found[reference] = SecretText(self._secrets[name].member(key))
        for secret in self._secrets.values():
            fault = secret.read(self._start_clients, None)
            if fault is not None:
                raise SettingsError(fault)
        return found

    def stale(self) -> int:
        """How many secrets could not be read anew when it was time."""
        return sum(secret.is_stale for secret in self._secrets.values())


class _Secret:
    """One secret or parameter, with its texts by key; the key "" has the whole."""

    def __init__(
        self, name: str, clients: Clients, log: Callable[[str], object], clock: Callable[[], float]
    ) -> None:
        self._name, self._clients, self._log, self._clock = name, clients, log, clock
        self._keys: list[str] = []
        self._texts: Mapping[str, str] = {}
        self._lock = threading.Lock()
        self._asked_at = self._renewed_at = -inf
        self.is_stale = False

    def member(self, key: str) -> _Member:
        if key not in self._keys:
            self._keys.append(key)
        return _Member(self, key)

    def text(self, key: str) -> str:
        # Whoever finds the lock taken does not wait: the text that is there is good enough.
        if self._is_due() and self._lock.acquire(blocking=False):
            try:
                if self._is_due():
                    self._refresh()
            finally:
                self._lock.release()
        return self._texts[key]

    def renew(self) -> None:
        # Whoever finds the lock taken waits here: the text that is there was refused.
        with self._lock:
            now = self._clock()
            if not 0 <= now - self._renewed_at < RENEWAL_SECONDS:
                self._renewed_at = now
                self._refresh()

    def _is_due(self) -> bool:
        # A clock that was set back must not keep a text for longer.
        kept = RETRY_SECONDS if self.is_stale else KEPT_SECONDS
        return not 0 <= self._clock() - self._asked_at < kept

    def _refresh(self) -> None:
        fault = self.read(self._clients, REFRESH_TIMEOUT_SECONDS)
        if fault is not None and not self.is_stale:
            message = "secret cannot be read anew; the old one stays in use"
            self._log(log_line("ERROR", message, reference=self._name, error=fault))
        self.is_stale = fault is not None

    def read(self, clients: Clients, timeout_seconds: float | None) -> str | None:
        """Reads it. What is wrong, if it could not be: then all stays as it was."""
        text, fault = _read(self._name, clients, timeout_seconds)
        self._asked_at = self._clock()
        if text is None:
            return fault
        members = {key: _member(self._name, text, key) for key in self._keys}
        for _, fault in members.values():
            if fault is not None:
                return fault
        self._texts = {key: member for key, (member, _) in members.items()}
        return None


class _Member:
    """The whole of a secret, or what it has under a key, as the source of a SecretText."""

    __slots__ = ("_key", "_secret")

    def __init__(self, secret: _Secret, key: str) -> None:
        self._secret, self._key = secret, key

    def current(self) -> str:
        return self._secret.text(self._key)

    def renew(self) -> None:
        self._secret.renew()


def _read(name: str, clients: Clients, timeout_seconds: float | None) -> tuple[str | None, str | None]:
    """The text, or what is wrong. Never raises: nothing may stop a delivery that has an older text."""
    try:
        if name.startswith(PARAMETER):
            client = clients.client("ssm", timeout_seconds)
            answer = client.get_parameter(Name=name.removeprefix(PARAMETER), WithDecryption=True)
            return str(answer["Parameter"]["Value"]), None
        client = clients.client("secretsmanager", timeout_seconds)
        answer = client.get_secret_value(SecretId=name.removeprefix(SECRET))
    except SettingsError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - said by its code, for its text is not ours
        return None, f"'${{{name}}}' cannot be read: {_code_of(error)}"
    if "SecretString" not in answer:
        return None, f"'${{{name}}}' is binary: only a secret that is text can be used"
    return str(answer["SecretString"]), None


def _code_of(error: Exception) -> str:
    response: Any = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(code or type(error).__name__)


def _member(name: str, text: str, key: str) -> tuple[str, str | None]:
    """What the secret has under `key`, and what is wrong."""
    if not key:
        return text, None
    try:
        members = exact_json.loads(text)
    except ValueError:
        return "", f"'${{{name}#{key}}}': the secret is not JSON, so it has no keys"
    value = members.get(key) if isinstance(members, dict) else None
    if not isinstance(value, str):
        return "", f"'${{{name}#{key}}}': the secret has no text under '{key}'"
    return value, None
