from __future__ import annotations

from ipaddress import ip_address

import pytest

from rules_engine.actions.endpoint import Endpoint, parse_url
from rules_engine.actions.host_policy import HostPattern, HostPolicy
from rules_engine.errors import SettingsError

A, P = "RULES_ENGINE_ALLOWED_HOSTS", "RULES_ENGINE_PRIVATE_HOSTS"
EXAMPLES = "hooks.example.com, *.example.com or hooks.example.com:8443"
PRIVATE_EXAMPLES = "receiver.internal:8443 or 10.0.0.5:8080"


def test_without_settings_every_host_may_be_asked_for_and_no_private_one_connected_to() -> None:
    policy = HostPolicy.of(None, None)
    assert policy == HostPolicy(None, ())
    endpoint = Endpoint("https", "hooks.example.com", 443)
    assert policy.refusal_of_host(endpoint) is None
    assert policy.refusal_of_address(endpoint, ip_address("93.184.215.14")) is None
    message = "the receiver has a private address: webhooks go to public ones only"
    assert policy.refusal_of_address(endpoint, ip_address("10.0.0.5")) == message


def test_entries_are_separated_by_commas_spaces_and_lines() -> None:
    policy = HostPolicy.of(
        "Hooks.Example.com, *.example.org\n[2606:2800:21f::14]:8443", "10.0.0.5:8080,b:443"
    )
    assert policy == HostPolicy(
        (
            HostPattern("hooks.example.com"),
            HostPattern("example.org", covers_subdomains=True),
            HostPattern("2606:2800:21f::14", port=8443),
        ),
        (HostPattern("10.0.0.5", port=8080), HostPattern("b", port=443)),
    )


@pytest.mark.parametrize(
    ("allowed", "url", "is_allowed"),
    [
        ("example.com", "https://example.com/", True),
        ("example.com", "https://EXAMPLE.com:8443/", True),
        ("example.com", "https://a.example.com/", False),
        ("example.com", "https://example.com.evil.example/", False),
        ("example.com", "https://notexample.com/", False),
        ("example.com", "https://evil.example/example.com", False),
        ("example.com:443", "https://example.com/", True),
        ("example.com:443", "https://example.com:8443/", False),
        ("example.com:443", "http://example.com/", False),
        ("*.example.com", "https://a.example.com/", True),
        ("*.example.com", "https://a.b.example.com/", True),
        ("*.example.com", "https://example.com/", False),
        ("*.example.com", "https://aexample.com/", False),
        ("*.example.com:8443", "https://a.example.com:8443/", True),
        ("*.example.com:8443", "https://a.example.com/", False),
        ("93.184.215.14", "https://93.184.215.14/", True),
        ("93.184.215.14", "https://93.184.215.15/", False),
        ("[2606:2800:21f::14]", "https://[2606:2800:021f:0::14]/", True),
        ("a.example, b.example", "https://b.example/", True),
    ],
)
def test_a_host_is_allowed_as_it_is_written_or_below_a_star(allowed: str, url: str, is_allowed: bool) -> None:
    refusal = HostPolicy.of(allowed, None).refusal_of_host(parse_url(url).endpoint)
    assert refusal == (None if is_allowed else f"the receiver's host is not in {A}")


@pytest.mark.parametrize(
    ("address", "opens"),
    [
        ("127.0.0.1", True),
        ("10.0.0.5", True),
        ("172.16.0.1", True),
        ("192.168.1.1", True),
        ("100.64.0.1", True),
        ("::1", True),
        ("fd12:3456::1", True),
        ("::ffff:10.0.0.5", True),
        ("169.254.169.254", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("0.0.0.0", False),
        ("::", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("64:ff9b::7f00:1", False),
        ("::ffff:169.254.169.254", False),
    ],
)
def test_an_exception_opens_loopback_and_private_ranges_to_one_host_and_port(
    address: str, opens: bool
) -> None:
    policy = HostPolicy.of(None, "receiver.internal:8443")

    def is_open(host: str, port: int) -> bool:
        return policy.refusal_of_address(Endpoint("https", host, port), ip_address(address)) is None

    assert is_open("receiver.internal", 8443) is opens
    assert not is_open("receiver.internal", 443)
    assert not is_open("other.internal", 8443)
    assert not is_open("a.receiver.internal", 8443)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "an unspecified"),
        ("::7f00:1", "an IPv4-compatible"),
        ("2002::1", "a 6to4"),
        ("169.254.169.254", "a link-local"),
        ("224.0.0.1", "a multicast"),
    ],
)
def test_a_refused_address_is_named_by_its_kind(address: str, kind: str) -> None:
    endpoint = Endpoint("https", "hooks.example.com", 443)
    message = f"the receiver has {kind} address: webhooks go to public ones only"
    assert HostPolicy().refusal_of_address(endpoint, ip_address(address)) == message


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("https://hooks.example.com", "only host and port are wanted"),
        ("hooks.example.com/orders", "only host and port are wanted"),
        ("*", "host is not a valid name"),
        ("*.", "host and port cannot be read"),
        ("*.*.example.com", "host is not a valid name"),
        ("hooks.*.com", "host is not a valid name"),
        ("hooks.example.com:25", "port must be 80, 443, or from 1024 to 65535"),
        ("hooks.example.com:", "host and port cannot be read"),
        ("user@hooks.example.com", "host is not a valid name"),
        ("10.0.0", "host looks like an address and is none: write all of a.b.c.d"),
        ("10.0.0.0/8", "only host and port are wanted"),
        ("bücher.example", "host is not a valid name"),
        ("[::1", "host and port cannot be read"),
        ("::1", "host and port cannot be read"),
    ],
)
def test_an_entry_that_is_no_host_is_refused_by_name(entry: str, reason: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        HostPolicy.of(f"hooks.example.com {entry}", None)
    assert str(refusal.value) == f"{A}: '{entry}' cannot be used ({reason}): write {EXAMPLES}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("receiver.internal", f"{P}: 'receiver.internal' has no port: write receiver.internal:443"),
        (
            "*.internal:443",
            f"{P}: '*.internal:443' cannot be used (host is not a valid name): write {PRIVATE_EXAMPLES}",
        ),
        (" , ", f"{P} names no host: give one or leave it unset"),
    ],
)
def test_an_exception_names_one_host_and_its_port(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        HostPolicy.of(None, text)
    assert str(refusal.value) == message


def test_an_empty_list_of_allowed_hosts_is_refused() -> None:
    with pytest.raises(SettingsError) as refusal:
        HostPolicy.of(" , ", None)
    assert str(refusal.value) == f"{A} names no host: give one or leave it unset"
