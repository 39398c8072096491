"""The `opensearch` action and a real index server, over HTTPS on loopback."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.actions import opensearch
from rules_engine.actions.host_policy import HostPolicy
from rules_engine.attribute_value import encode
from rules_engine.aws import Clients
from rules_engine.errors import ActionError, Superseded
from rules_engine.local.index_server import IndexServer
from rules_engine.model import EMPTY_SCOPE, ActionSpec, Rule
from rules_engine.record import parse_record
from rules_engine.settings import PRIVATE_HOSTS
from rules_engine.testing import StreamSim
from tests.copier import write_changes
from tests.test_actions_opensearch import BASE, COLLECTION, DOMAIN, change
from tests.test_delivery_local import Surroundings, function_of, records, surroundings
from tests.test_delivery_local import deliver as deliver_to
from tests.units import action_spec, delivery_of, raw_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rules_engine.local.index_server import IndexRequest

__all__ = ["surroundings"]

pytestmark = pytest.mark.local

KEY_ID, KEY, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-session-token"


@pytest.fixture
def server(index_server: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IndexServer:
    """The server, trusted, with credentials to sign for it."""
    (tmp_path / "ca.pem").write_bytes(index_server.ca_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    for name, value in (
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", KEY),
        ("AWS_SESSION_TOKEN", TOKEN),
    ):
        monkeypatch.setenv(name, value)
    return index_server


def build(server: IndexServer, spec: ActionSpec) -> opensearch.OpenSearchAction:
    clients = Clients(hosts=HostPolicy.of(None, server.address))
    return opensearch.build(spec, EMPTY_SCOPE, {}, clients)


def spec_for(server: IndexServer, index: str, **config: Any) -> ActionSpec:
    arn = {} if "collection_arn" in config else {"domain_arn": DOMAIN}
    return action_spec("opensearch", **{"endpoint": server.url, "index": index, **arn, **config})


def deliver(action: opensearch.OpenSearchAction, spec: ActionSpec, records: Sequence[Any]) -> list[Any]:
    return action.perform_batch([action.render(delivery_of(spec, record)) for record in records])


def test_documents_arrive_with_exact_numbers_and_are_deleted(
    server: IndexServer, unique_name: Callable[[str], str]
) -> None:
    spec = spec_for(server, unique_name("orders"))
    action = build(server, spec)
    new = {"d": {"N": "0.1000000000000000000000000000000000001"}, "t": {"S": "ü\n\u2028"}, "m": {"M": {}}}
    first = raw_record(new, {"pk": {"S": "a/b"}, "sk": {"N": "1"}})
    first["dynamodb"]["SequenceNumber"] = "400000000000000499659"
    assert deliver(action, spec, [first, change()]) == [None, None]
    found = server.documents(action.index)
    number = Decimal("0.1000000000000000000000000000000000001")
    assert found["a%2Fb/1"] == {"d": number, "t": "ü\n\u2028", "m": {}}
    assert found.keys() == {"a%2Fb/1", "o-1"}
    assert deliver(action, spec, [change("REMOVE", new=None)]) == [None]
    assert server.documents(action.index).keys() == {"a%2Fb/1"}


def test_each_document_has_its_own_outcome(server: IndexServer, unique_name: Callable[[str], str]) -> None:
    index = unique_name("orders")
    mapping = {"dynamic": "strict", "properties": {"n": {"type": "long"}}}
    server.request("PUT", f"/{index}", {"mappings": mapping})
    spec = spec_for(server, index)

    def record(name: str, value: Any, number: int = 1) -> dict[str, Any]:
        raw = raw_record({"n": encode(value)}, {"id": {"S": name}})
        raw["dynamodb"]["SequenceNumber"] = str(number)
        return raw

    action = build(server, spec)
    large = 12345678901234567890123456789012345678
    errors = deliver(
        action,
        spec,
        [record("a", 1, 5), record("b", "text"), record("a", 2, 4), record("c", large), record("d", 4)],
    )
    assert [type(error) for error in errors] == [type(None), ActionError, Superseded, ActionError, type(None)]
    assert [(errors[place].code, errors[place].error_class) for place in (1, 3)] == [
        ("mapper_parsing_exception", "permanent")
    ] * 2
    assert server.documents(index) == {"a": {"n": 1}, "d": {"n": 4}}


def test_an_index_name_that_the_server_refuses_is_no_fault_of_the_document(
    server: IndexServer, unique_name: Callable[[str], str]
) -> None:
    spec = spec_for(server, unique_name("orders"))
    action = dataclasses.replace(build(server, spec), index="Orders")
    (error,) = deliver(action, spec, [change()])
    assert (error.code, error.error_class) == ("invalid_index_name_exception", "systemic")


def test_repeats_do_nothing_with_mode_once(server: IndexServer, unique_name: Callable[[str], str]) -> None:
    spec = dataclasses.replace(spec_for(server, unique_name("orders")), mode="once")
    action = build(server, spec)
    assert deliver(action, spec, [change()]) == [None]
    (error,) = deliver(action, spec, [change()])
    assert isinstance(error, Superseded)
    again = build(server, dataclasses.replace(spec, mode="at_least_once"))
    assert deliver(again, spec, [change()]) == [None]


def test_a_removed_item_does_not_come_back_by_an_older_change(
    server: IndexServer, unique_name: Callable[[str], str]
) -> None:
    spec = spec_for(server, unique_name("orders"))
    action = build(server, spec)
    older, removal, newer = change(), change("REMOVE", new=None), change("INSERT", old=None)
    removal["dynamodb"]["SequenceNumber"] = "500000000000000499661"
    newer["dynamodb"]["SequenceNumber"] = "600000000000000499662"
    assert deliver(action, spec, [removal]) == [None]
    assert [type(error) for error in deliver(action, spec, [older])] == [Superseded]
    assert server.documents(action.index) == {}
    assert deliver(action, spec, [newer]) == [None]
    assert [type(error) for error in deliver(action, spec, [removal, older])] == [Superseded, Superseded]
    assert server.documents(action.index).keys() == {"o-1"}


# Repeats and disorder


@given(seed=st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_repeats_and_disorder_leave_the_index_equal_to_the_table(
    index_server: IndexServer, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Every change arrives at least once, in any order and any call."""
    draw = Random(seed)
    sim = StreamSim(lambda event, context: None, seed=seed)
    write_changes(sim, seed, 40, 6)
    records = [change.record for change in sim.changes]
    arriving = records + draw.choices(records, k=20)
    draw.shuffle(arriving)
    index = f"orders-{seed}-{len(index_server.received)}"
    spec = spec_for(index_server, index)
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca_file.write_bytes(index_server.ca_pem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(ca_file))
        patch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
        patch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
        action = build(index_server, spec)
        while arriving:
            size = draw.randint(1, 15)
            errors = deliver(action, spec, arriving[:size])
            assert {type(error) for error in errors} <= {type(None), Superseded}
            del arriving[:size]
    table = {}
    for record in records:
        parsed = parse_record(record)
        assert parsed.keys is not None
        if parsed.new is None:
            table.pop(str(parsed.keys["id"]), None)
        else:
            table[str(parsed.keys["id"])] = dict(parsed.new)
    assert index_server.documents(index) == table


# Signatures


def recomputed(request: IndexRequest, service: str) -> str:
    """The signature of a request that arrived, made from AWS's description of Signature Version 4 alone."""
    fields = dict(
        part.strip().split("=", 1)
        for part in request.headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(",")
    )
    key_id, day, region, of, end = fields["Credential"].split("/")
    assert (key_id, of, end) == (KEY_ID, service, "aws4_request")
    path, _, query = request.path.partition("?")
    signed = fields["SignedHeaders"]
    canonical = "\n".join(
        [
            request.method,
            path,
            "&".join(sorted(query.split("&"))),
            *(f"{name}:{' '.join(request.headers[name].split())}" for name in signed.split(";")),
            "",
            signed,
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            request.headers["x-amz-date"],
            f"{day}/{region}/{service}/aws4_request",
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{KEY}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("config", "service"), [({"domain_arn": DOMAIN}, "es"), ({"collection_arn": COLLECTION}, "aoss")]
)
def test_what_arrives_is_signed_for_its_service(
    server: IndexServer, unique_name: Callable[[str], str], config: dict[str, str], service: str
) -> None:
    spec = spec_for(server, unique_name("orders"), **config)
    action = build(server, spec)
    assert deliver(action, spec, [change(), change("REMOVE", new=None)]) == [None, None]
    request = server.received[-1]
    assert request.headers["authorization"].endswith(f"Signature={recomputed(request, service)}")
    signed = request.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert {"host", "content-type", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"} <= {*signed}
    assert request.headers["x-amz-content-sha256"] == hashlib.sha256(request.body).hexdigest()
    assert request.headers["x-amz-security-token"] == TOKEN
    assert request.headers["host"] == server.address
    assert "/eu-west-1/" in request.headers["authorization"]


def test_a_request_that_was_changed_on_its_way_has_another_signature(
    server: IndexServer, unique_name: Callable[[str], str]
) -> None:
    spec = spec_for(server, unique_name("orders"))
    deliver(build(server, spec), spec, [change()])
    request = server.received[-1]
    changed = request._replace(body=request.body.replace(b"SHIPPED", b"PENDING"))
    assert not request.headers["authorization"].endswith(recomputed(changed, "es"))


# The server


def test_a_server_that_is_closed_is_gone() -> None:
    with IndexServer() as server:
        assert json.loads(json.dumps(server.request("GET", "/")))["version"]["distribution"] == "opensearch"
        process = server._process
    assert process.poll() is not None


# Through the function


def test_the_function_package_keeps_an_index(
    server: IndexServer,
    surroundings: Surroundings,
    unique_name: Callable[[str], str],
    tmp_path: Path,
) -> None:
    """Built, started by the real runtime client, and behind it nothing but HTTP."""
    spec = ActionSpec("opensearch", "opensearch", {**BASE, "endpoint": "${SEARCH}", "index": "${INDEX}"})
    index, raws = unique_name("orders"), records(20)
    environment = surroundings.environment | {
        "SEARCH": server.url,
        "INDEX": index,
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        PRIVATE_HOSTS: server.address,
    }
    arrived = len(server.received)
    with function_of(environment, Rule("indexed", ("orders",), (spec,))) as function:
        assert deliver_to(function, raws) == []
        assert deliver_to(function, raws) == []
    images = [dict(parse_record(raw).new or {}) for raw in raws]
    assert server.documents(index) == {f"o-{number}": image for number, image in enumerate(images, start=1)}
    calls = [request.path.partition("?")[0] for request in server.received[arrived:]]
    assert set(calls) == {f"/{index}/_bulk"}
    assert len(calls) < 10
    assert surroundings.dead_letters() == []


class Guarded(IndexServer):
    """Takes one user only, and quotes what it does not take, as no server should."""

    login = "writer:right"

    def take(self, request: IndexRequest) -> tuple[int, bytes]:
        given = request.headers.get("authorization", "")
        if given != f"Basic {base64.b64encode(self.login.encode()).decode()}":
            return 401, json.dumps({"error": given}).encode()
        return super().take(request)


def test_a_password_that_is_not_taken_is_shown_nowhere_and_one_that_is_mended_is_used(
    surroundings: Surroundings, unique_name: Callable[[str], str], tmp_path: Path
) -> None:
    wrong, secret, index = "canary-of-the-password", unique_name("search"), unique_name("orders")
    secrets = surroundings.aws.client("secretsmanager")
    secrets.create_secret(Name=secret, SecretString=json.dumps({"password": wrong}))
    config = {"endpoint": "${SEARCH}", "index": index, "basic_auth": f"writer:${{secret:{secret}#password}}"}
    spec = ActionSpec("opensearch", "opensearch", config, on_error="dead_letter")
    raws = records(3)
    with Guarded() as server:
        (tmp_path / "ca.pem").write_bytes(server.ca_pem)
        environment = surroundings.environment | {
            "SEARCH": server.url,
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
            PRIVATE_HOSTS: server.address,
            "RULES_ENGINE_DEBUG_VALUES": "on",
        }
        with function_of(environment, Rule("indexed", ("orders",), (spec,))) as function:
            assert deliver_to(function, raws) == []
            letters = surroundings.dead_letter_texts()
            failed = [(json.loads(letter)["rule"], json.loads(letter)["error"]) for letter in letters]
            error = {"class": "systemic", "code": "HTTP_401", "message": "the index server answered 401"}
            assert failed == [("indexed", error)] * 3
            shown = function.log + "".join(letters)
            assert "HTTP_401" in function.log
            for text in (wrong, base64.b64encode(f"writer:{wrong}".encode()).decode()):
                assert text not in shown
        secrets.put_secret_value(SecretId=secret, SecretString='{"password": "right"}')
        with function_of(environment, Rule("indexed", ("orders",), (spec,))) as function:
            assert deliver_to(function, raws) == []
        assert sorted(server.documents(index)) == ["o-1", "o-2", "o-3"]
    assert surroundings.dead_letters() == []
