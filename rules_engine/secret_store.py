"""Secrets Manager and Parameter Store: each secret is read once, kept for five minutes, and read anew on use.

In go references, `secret:name`, `secret:name#key` and `ssm:/path`; out comes a `SecretText` for each, which
always has the newest text that could be read. When a secret cannot be read anew, the old text stays (that is
logged once, and `stale` counts it) and the next use half a minute later asks again. `renew`, for a receiver
that no longer takes a secret, reads at once, but at most once a minute: one that is simply wrong must not
flood the service. One thread reads, and the others go on with the old text. What no rule names is not kept.

One that cannot be read at the start is logged and counted too, and asked for again in the same way: until it
is there, whoever wants its text gets SecretUnreadable. A key that is missing leaves the others alone. A start
without region or credentials is a SettingsError. Errors name the reference and a code, never what was read,
and are raised where no variable holds it. A background thread was left: Lambda freezes it.
"""

from __future__ import annotations

import threading
import time
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_engine import exact_json
from rules_engine.errors import SecretUnreadable, SettingsError
from rules_engine.log_line import log_line
from rules_engine.secret_text import SecretText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rules_engine.actions import Clients

SECRET = "secret:"  # noqa: S105 - how a reference to one starts
PARAMETER = "ssm:"

START_TIMEOUT_SECONDS = 3.0
"""For connecting and again for the answer, three times: no rule runs before all have been asked for."""
KEPT_SECONDS = 300.0
RETRY_SECONDS = 30.0
"""After a failed reading."""
RENEWAL_SECONDS = 60.0
REFRESH_TIMEOUT_SECONDS = 1.0
"""For connecting and again for the answer, once: a delivery waits for it, perhaps for several secrets."""

_NO_CREDENTIALS = frozenset({"NoCredentialsError", "PartialCredentialsError"})


class _Fault(NamedTuple):
    """Why a secret, or a key of it, could not be read."""

    message: str
    code: str = ""
    is_answer: bool = True
    """Whether the service said so, and did not stay silent."""


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
        """A text for each reference, every secret read once. Raises SettingsError where nothing can be read:
        without a region or credentials."""
        found: dict[str, SecretText] = {}
        for reference in references:
            name, _, key = reference.partition("#") if reference.startswith(SECRET) else (reference, "", "")
            if name not in self._secrets:
                self._secrets[name] = _Secret(name, self._clients, self._log, self._clock)
            found[reference] = SecretText(self._secrets[name].member(key))
        # Outside of any reading: what is wrong with the settings is said as it is.
        for service in dict.fromkeys(secret.service for secret in self._secrets.values()):
            self._start_clients.client(service, START_TIMEOUT_SECONDS)
        silent: set[str] = set()
        for secret in self._secrets.values():
            if secret.service in silent:
                # One wait for a service is enough: this one is asked for when it is needed.
                secret.put_off()
            elif not secret.read_first(self._start_clients):
                silent.add(secret.service)
        return found

    def stale(self) -> int:
        """How many secrets could not be read when it was time, at first or anew."""
        return sum(secret.is_stale for secret in self._secrets.values())


class _Secret:
    """One secret or parameter, with its texts by key; the key "" has the whole."""

    def __init__(
        self, name: str, clients: Clients, log: Callable[[str], object], clock: Callable[[], float]
    ) -> None:
        self._name, self._clients, self._log, self._clock = name, clients, log, clock
        self._keys: list[str] = []
        self._texts: Mapping[str, str] = {}
        self._faults: Mapping[str, _Fault] = {}
        """Of the keys, by the last reading."""
        self._lock = threading.Lock()
        self._asked_at = self._renewed_at = -inf
        self.is_stale = False

    @property
    def service(self) -> str:
        """As boto3 names it."""
        return "ssm" if self._name.startswith(PARAMETER) else "secretsmanager"

    def member(self, key: str) -> _Member:
        if key not in self._keys:
            self._keys.append(key)
        return _Member(self, key)

    def text(self, key: str) -> str:
        """Raises SecretUnreadable."""
        # Whoever finds the lock taken does not wait where there is a text: it is good enough.
        if self._is_due() and self._lock.acquire(blocking=key not in self._texts):
            try:
                if self._is_due():
                    self._refresh()
            finally:
                self._lock.release()
        if key in self._texts:
            return self._texts[key]
        fault = self._faults.get(key)
        raise SecretUnreadable(f"'${{{self._name}}}' cannot be read" if fault is None else fault.message)

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

    def read_first(self, clients: Clients) -> bool:
        """Whether the service answered, be it with a refusal. Raises SettingsError without credentials."""
        faults = self._read(clients, START_TIMEOUT_SECONDS)
        without = next((fault for fault in faults.values() if fault.code in _NO_CREDENTIALS), None)
        if without is not None:
            raise SettingsError(without.message)
        self._note(faults)
        self._asked_at = self._clock()
        return all(fault.is_answer for fault in faults.values())

    def _refresh(self) -> None:
        self._note(self._read(self._clients, REFRESH_TIMEOUT_SECONDS))
        # At last: whoever finds it not due takes what is there by then.
        self._asked_at = self._clock()

    def _read(self, clients: Clients, timeout_seconds: float) -> Mapping[str, _Fault]:
        """What is wrong with the keys. Never raises: its frame has the texts."""
        members: dict[str, str] = {}
        faults: dict[str, _Fault] = {}
        text = _read(self._name, self.service, clients, timeout_seconds)
        for key in self._keys:
            member = text if isinstance(text, _Fault) else _member(self._name, text, key)
            if isinstance(member, _Fault):
                faults[key] = member
            else:
                members[key] = member
        # Texts that were read together stay until all of them can be read anew: they may belong together.
        if not faults.keys() & self._texts.keys():
            self._texts = members
        return faults

    def put_off(self) -> None:
        """In place of a reading that would only cost time: the first use makes it."""
        fault = _Fault(f"'${{{self._name}}}' was not asked for: the service did not answer")
        self._note(dict.fromkeys(self._keys, fault))

    def _note(self, faults: Mapping[str, _Fault]) -> None:
        """Takes what is wrong with the keys now, and says it once."""
        self._faults = faults
        fault = next(iter(faults.values()), None)
        if fault is not None and not self.is_stale:
            message = "secret cannot be read; the actions that need it wait"
            if faults.keys() <= self._texts.keys():
                message = "secret cannot be read anew; the old one stays in use"
            self._log(log_line("ERROR", message, reference=self._name, error=fault.message))
        self.is_stale = fault is not None


class _Member:
    """The whole of a secret, or what it has under a key, as the source of a SecretText."""

    __slots__ = ("_key", "_secret")

    def __init__(self, secret: _Secret, key: str) -> None:
        self._secret, self._key = secret, key

    def current(self) -> str:
        return self._secret.text(self._key)

    def renew(self) -> None:
        self._secret.renew()


def _read(name: str, service: str, clients: Clients, timeout_seconds: float) -> str | _Fault:
    """The text. Never raises: nothing may stop a delivery that has an older one."""
    try:
        client = clients.client(service, timeout_seconds)
        if name.startswith(PARAMETER):
            answer = client.get_parameter(Name=name.removeprefix(PARAMETER), WithDecryption=True)
            return str(answer["Parameter"]["Value"])
        answer = client.get_secret_value(SecretId=name.removeprefix(SECRET))
    except SettingsError as error:
        return _Fault(str(error), is_answer=False)
    except Exception as error:  # noqa: BLE001 - said by its code, for its text is not ours
        response: Any = getattr(error, "response", None)
        code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
        is_answer, code = code is not None, str(code or type(error).__name__)
        return _Fault(f"'${{{name}}}' cannot be read: {code}", code, is_answer)
    if "SecretString" not in answer:
        return _Fault(f"'${{{name}}}' is binary: only a secret that is text can be used")
    return str(answer["SecretString"])


def _member(name: str, text: str, key: str) -> str | _Fault:
    """What the secret has under `key`."""
    if not key:
        return text
    try:
        members = exact_json.loads(text)
    except ValueError:
        return _Fault(f"'${{{name}#{key}}}': the secret is not JSON, so it has no keys")
    value = members.get(key) if isinstance(members, dict) else None
    if not isinstance(value, str):
        return _Fault(f"'${{{name}#{key}}}': the secret has no text under '{key}'")
    return value
