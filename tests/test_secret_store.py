"""Secrets of Secrets Manager and Parameter Store: when they are read, and what is had when they cannot be."""

from __future__ import annotations

import json
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from rules_engine.aws import Clients
from rules_engine.errors import SettingsError
from rules_engine.secret_store import (
    KEPT_SECONDS,
    REFRESH_TIMEOUT_SECONDS,
    RENEWAL_SECONDS,
    RETRY_SECONDS,
    SecretStore,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack


@dataclass
class Vault:
    """Both services: `texts` by the name in a reference, `fault` in place of an answer, `reads` so far."""

    texts: dict[str, str] = field(default_factory=dict)
    fault: Exception | None = None
    reads: list[str] = field(default_factory=list)
    clients: list[tuple[str, float | None]] = field(default_factory=list)
    before_answer: Callable[[], object] = lambda: None

    def client(self, service: str, timeout_seconds: float | None = None) -> Vault:
        self.clients.append((service, timeout_seconds))
        return self

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {"SecretString": self._read(f"secret:{SecretId}")}

    def get_parameter(self, Name: str, WithDecryption: bool) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert WithDecryption
        return {"Parameter": {"Value": self._read(f"ssm:{Name}")}}

    def _read(self, name: str) -> str:
        self.reads.append(name)
        self.before_answer()
        if self.fault is not None:
            raise self.fault
        return self.texts[name]


@dataclass
class Bench:
    """A store on a clock that stands still."""

    vault: Vault
    now: float = 1_700_000_000.0
    log: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = SecretStore(
            self.vault, self.vault, lambda line: self.log.append(json.loads(line)), lambda: self.now
        )


def denied(code: str = "AccessDeniedException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "canary"}}, "GetSecretValue")


def test_every_reference_has_its_text_and_each_secret_is_read_once() -> None:
    vault = Vault(
        {"secret:plain": "canary-1", "secret:api": '{"a": "canary-2", "b": "canary-3"}', "ssm:/k": "4"}
    )
    names = ["secret:plain", "secret:api#a", "secret:api#b", "secret:api", "ssm:/k"]
    texts = Bench(vault).store.texts(names)
    assert {name: text.reveal() for name, text in texts.items()} == {
        "secret:plain": "canary-1",
        "secret:api#a": "canary-2",
        "secret:api#b": "canary-3",
        "secret:api": '{"a": "canary-2", "b": "canary-3"}',
        "ssm:/k": "4",
    }
    assert vault.reads == ["secret:plain", "secret:api", "ssm:/k"]
    assert set(map(str, texts.values())) == {"***"}


def test_no_reference_reads_nothing() -> None:
    vault = Vault()
    assert (Bench(vault).store.texts([]), vault.clients) == ({}, [])


@pytest.mark.parametrize(
    ("reference", "text", "message"),
    [
        ("secret:a#key", "canary", "'${secret:a#key}': the secret is not JSON, so it has no keys"),
        ("secret:a#kye", '{"key": "canary"}', "'${secret:a#kye}': the secret has no text under 'kye'"),
        ("secret:a#key", '{"key": 1}', "'${secret:a#key}': the secret has no text under 'key'"),
        ("secret:a#key", '["canary"]', "'${secret:a#key}': the secret has no text under 'key'"),
    ],
)
def test_what_cannot_be_used_stops_the_start_and_is_not_shown(
    reference: str, text: str, message: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        Bench(Vault({"secret:a": text})).store.texts([reference])
    assert str(refusal.value) == message
    assert "canary" not in told(refusal.value)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (denied(), "AccessDeniedException"),
        (EndpointConnectionError(endpoint_url="https://canary"), "EndpointConnectionError"),
        (ValueError("canary"), "ValueError"),
    ],
)
def test_what_cannot_be_read_stops_the_start_with_a_code_and_drags_no_other_error_along(
    fault: Exception, code: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        Bench(Vault(fault=fault)).store.texts(["ssm:/a"])
    assert str(refusal.value) == f"'${{ssm:/a}}' cannot be read: {code}"
    assert "canary" not in told(refusal.value)


def told(error: BaseException) -> str:
    """All that anybody could log of an exception."""
    parts = []
    while error is not None:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        # The test's own frame knows the canary.
        told.stack[:] = [frame for frame in told.stack if frame.filename != __file__]
        parts.append("".join(told.format()))
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return "".join(parts)


def test_a_text_is_kept_for_five_minutes_and_then_read_anew_on_use() -> None:
    bench = Bench(Vault({"secret:a": "old"}))
    text = bench.store.texts(["secret:a"])["secret:a"]
    bench.vault.texts["secret:a"] = "new"
    bench.now += KEPT_SECONDS - 1
    assert (text.reveal(), len(bench.vault.reads)) == ("old", 1)
    bench.now += 1
    assert (len(bench.vault.reads), text.reveal(), len(bench.vault.reads)) == (1, "new", 2)
    assert (text.reveal(), len(bench.vault.reads)) == ("new", 2)
    assert bench.vault.clients == [("secretsmanager", None), ("secretsmanager", REFRESH_TIMEOUT_SECONDS)]


def test_a_clock_that_was_set_back_keeps_nothing_for_longer() -> None:
    bench = Bench(Vault({"secret:a": "old"}))
    text = bench.store.texts(["secret:a"])["secret:a"]
    bench.vault.texts["secret:a"] = "new"
    bench.now -= 86_400
    assert text.reveal() == "new"


@pytest.mark.parametrize("unusable", [denied("ThrottlingException"), "canary that is not JSON"])
def test_the_old_text_stays_in_use_while_no_new_one_can_be_had(unusable: Exception | str) -> None:
    bench = Bench(Vault({"secret:a": '{"key": "old"}'}))
    text = bench.store.texts(["secret:a#key"])["secret:a#key"]
    if isinstance(unusable, Exception):
        bench.vault.fault = unusable
        error = "'${secret:a}' cannot be read: ThrottlingException"
    else:
        bench.vault.texts["secret:a"] = unusable
        error = "'${secret:a#key}': the secret is not JSON, so it has no keys"
    bench.now += KEPT_SECONDS
    assert (text.reveal(), text.reveal(), len(bench.vault.reads), bench.store.stale()) == ("old", "old", 2, 1)
    bench.now += RETRY_SECONDS
    assert (text.reveal(), len(bench.vault.reads)) == ("old", 3)
    said = {
        "level": "ERROR",
        "message": "secret cannot be read anew; the old one stays in use",
        "reference": "secret:a",
        "error": error,
    }
    assert bench.log == [said]

    bench.vault.fault, bench.vault.texts["secret:a"] = None, '{"key": "new"}'
    bench.now += RETRY_SECONDS
    assert (text.reveal(), bench.store.stale(), bench.log) == ("new", 0, [said])
    bench.vault.fault = denied()
    bench.now += KEPT_SECONDS
    assert (text.reveal(), len(bench.log)) == ("new", 2)


def test_a_renewal_reads_at_once_and_at_most_once_a_minute() -> None:
    bench = Bench(Vault({"secret:a": "old"}))
    text = bench.store.texts(["secret:a"])["secret:a"]
    bench.vault.texts["secret:a"] = "new"
    text.renew()
    assert text.reveal() == "new"
    for _ in range(100):
        text.renew()
    assert len(bench.vault.reads) == 2
    bench.now += RENEWAL_SECONDS
    text.renew()
    assert len(bench.vault.reads) == 3


def test_a_clock_that_was_set_back_holds_no_renewal_up() -> None:
    bench = Bench(Vault({"secret:a": "old"}))
    text = bench.store.texts(["secret:a"])["secret:a"]
    text.renew()
    bench.now -= 86_400
    text.renew()
    assert len(bench.vault.reads) == 3


def test_a_renewal_that_fails_keeps_the_text_and_counts() -> None:
    bench = Bench(Vault({"secret:a": "old"}))
    text = bench.store.texts(["secret:a"])["secret:a"]
    bench.vault.fault = denied()
    text.renew()
    assert (text.reveal(), bench.store.stale(), len(bench.log)) == ("old", 1, 1)


def test_sixteen_threads_read_a_secret_once_and_wait_for_no_other_but_a_renewal() -> None:
    bench = Bench(Vault({"secret:a": "old"}))
    text = bench.store.texts(["secret:a"])["secret:a"]
    bench.vault.texts["secret:a"] = "new"
    reading, go_on = threading.Event(), threading.Event()

    def answer() -> None:
        reading.set()
        assert go_on.wait(60)

    bench.vault.before_answer = answer
    bench.now += KEPT_SECONDS
    with ThreadPoolExecutor(17) as threads:
        first = threads.submit(text.reveal)
        assert reading.wait(60)
        # Fifteen go on with what there is, although the first still waits for its answer.
        others = [threads.submit(text.reveal) for _ in range(15)]
        assert [each.result(60) for each in others] == ["old"] * 15
        go_on.set()
        assert first.result(60) == "new"
        assert len(bench.vault.reads) == 2

        reading.clear()
        go_on.clear()
        bench.vault.texts["secret:a"] = "newest"
        renewals = [threads.submit(lambda: (text.renew(), text.reveal())[1]) for _ in range(16)]
        assert reading.wait(60)
        go_on.set()
        assert [each.result(60) for each in renewals] == ["newest"] * 16
    assert len(bench.vault.reads) == 3


def test_what_is_kept_are_the_texts_of_the_rules_and_no_more() -> None:
    bench = Bench(Vault({"secret:a": "0", "ssm:/b": "0"}))
    texts = bench.store.texts(["secret:a", "ssm:/b"])
    for number in range(50):
        bench.vault.texts = {"secret:a": f"a{number}", "ssm:/b": f"b{number}"}
        bench.now += KEPT_SECONDS
        assert [text.reveal() for text in texts.values()] == [f"a{number}", f"b{number}"]
    secrets = vars(bench.store)["_secrets"]
    assert [vars(secret)["_texts"] for secret in secrets.values()] == [{"": "a49"}, {"": "b49"}]


@pytest.mark.local
def test_the_real_services_give_what_is_named(
    ministack: Ministack, aws: Ministack, unique_name: Callable[[str], str]
) -> None:
    plain, members, parameter = unique_name("plain"), unique_name("members"), unique_name("/orders/key")
    manager = ministack.client("secretsmanager")
    manager.create_secret(Name=plain, SecretString="canary-1")
    manager.create_secret(Name=members, SecretString=json.dumps({"token": "canary-2", "other": "canary-3"}))
    ministack.client("ssm").put_parameter(Name=parameter, Value="canary-4", Type="SecureString")
    names = [f"secret:{plain}", f"secret:{members}#token", f"secret:{members}#other", f"ssm:{parameter}"]
    now = 1_700_000_000.0
    store = SecretStore(Clients(), Clients(total_attempts=1), print, lambda: now)
    texts = store.texts(names)
    assert [texts[name].reveal() for name in names] == ["canary-1", "canary-2", "canary-3", "canary-4"]
    manager.put_secret_value(SecretId=plain, SecretString="canary-5")
    assert texts[names[0]].reveal() == "canary-1"
    texts[names[0]].renew()
    assert [texts[name].reveal() for name in names] == ["canary-5", "canary-2", "canary-3", "canary-4"]


@pytest.mark.local
@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("secret:{absent}", "'${{secret:{absent}}}' cannot be read: ResourceNotFoundException"),
        ("ssm:/{absent}", "'${{ssm:/{absent}}}' cannot be read: ParameterNotFound"),
        ("secret:{binary}", "'${{secret:{binary}}}' is binary: only a secret that is text can be used"),
    ],
)
def test_what_the_real_services_refuse_is_named_and_not_shown(
    aws: Ministack, unique_name: Callable[[str], str], reference: str, message: str
) -> None:
    names = {kind: unique_name(kind) for kind in ("absent", "binary")}
    aws.client("secretsmanager").create_secret(Name=names["binary"], SecretBinary=b"canary")
    with pytest.raises(SettingsError) as refusal:
        SecretStore(Clients(), Clients(), print).texts([reference.format_map(names)])
    assert str(refusal.value) == message.format_map(names)


def test_a_service_that_does_not_answer_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    for name, value in {
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refusal:
        SecretStore(Clients(1), Clients(1), print).texts(["secret:orders"])
    assert str(refusal.value) == "'${secret:orders}' cannot be read: EndpointConnectionError"
