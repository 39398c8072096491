"""Where the webhooks of a deployment may go: its own list of hosts first, the address filter second.

`HostPolicy.of` reads the settings `RULES_ENGINE_ALLOWED_HOSTS` and `RULES_ENGINE_PRIVATE_HOSTS`. It then says
why a host or an address is refused, or None. Without the first setting any host may be asked for; without the
second no address but a public one is ever connected to. An entry of the second opens loopback and private
ranges to that host and port, and never link-local ones, where credentials of the machine are to be had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.actions.addresses import PRIVATE_KINDS, special_kind
from rules_engine.actions.endpoint import parse_authority
from rules_engine.errors import SettingsError
from rules_engine.light_dataclass import dataclass
from rules_engine.settings import ALLOWED_HOSTS, PRIVATE_HOSTS

if TYPE_CHECKING:
    from rules_engine.actions.addresses import Address
    from rules_engine.actions.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class HostPattern:
    """`covers_subdomains`: all names below `host`, and not itself. Without a port, any."""

    host: str
    covers_subdomains: bool = False
    port: int | None = None

    def covers(self, endpoint: Endpoint) -> bool:
        if self.port not in (None, endpoint.port):
            return False
        if self.covers_subdomains:
            return endpoint.host.endswith(f".{self.host}")
        return endpoint.host == self.host


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """`allowed` is None where every host is."""

    allowed: tuple[HostPattern, ...] | None = None
    private: tuple[HostPattern, ...] = ()

    @classmethod
    def of(cls, allowed_hosts: str | None, private_hosts: str | None) -> HostPolicy:
        """Of the texts of both settings. Raises SettingsError naming the setting and the entry."""
        return cls(
            None if allowed_hosts is None else _allowed(allowed_hosts),
            () if private_hosts is None else _private(private_hosts),
        )

    def refusal_of_host(self, endpoint: Endpoint) -> str | None:
        if self.allowed is None or any(pattern.covers(endpoint) for pattern in self.allowed):
            return None
        return f"the receiver's host is not in {ALLOWED_HOSTS}"

    def refusal_of_address(self, endpoint: Endpoint, address: Address) -> str | None:
        kind = special_kind(address)
        if kind is None:
            return None
        if kind in PRIVATE_KINDS and any(pattern.covers(endpoint) for pattern in self.private):
            return None
        article = "an" if kind[0] in "aeiouI" else "a"
        return f"the receiver has {article} {kind} address: webhooks go to public ones only"


def _allowed(text: str) -> tuple[HostPattern, ...]:
    return tuple(
        _pattern(
            ALLOWED_HOSTS, entry, "hooks.example.com, *.example.com or hooks.example.com:8443", wild=True
        )
        for entry in _entries(ALLOWED_HOSTS, text)
    )


def _private(text: str) -> tuple[HostPattern, ...]:
    patterns = []
    for entry in _entries(PRIVATE_HOSTS, text):
        pattern = _pattern(PRIVATE_HOSTS, entry, "receiver.internal:8443 or 10.0.0.5:8080", wild=False)
        if pattern.port is None:
            raise SettingsError(f"{PRIVATE_HOSTS}: '{entry}' has no port: write {entry}:443")
        patterns.append(pattern)
    return tuple(patterns)


def _entries(name: str, text: str) -> list[str]:
    entries = text.replace(",", " ").split()
    if not entries:
        raise SettingsError(f"{name} names no host: give one or leave it unset")
    return entries


def _pattern(name: str, entry: str, examples: str, *, wild: bool) -> HostPattern:
    is_wild = wild and entry.startswith("*.")
    try:
        if "/" in entry:
            raise ValueError("only host and port are wanted")
        host, port = parse_authority(entry.removeprefix("*.") if is_wild else entry)
    except ValueError as error:
        reason = str(error).removeprefix("the URL's ")
        raise SettingsError(f"{name}: '{entry}' cannot be used ({reason}): write {examples}") from None
    return HostPattern(host, is_wild, port)
