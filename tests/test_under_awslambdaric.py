"""One set of events, three ways: in process, under the real runtime client, behind a stream mapping.

What arrives at the targets, and what the function answers, must be the same.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine import bundle
from rules_engine.deploy.package import build_package
from rules_engine.errors import BatchError
from rules_engine.function import Function
from rules_engine.loader import load_rules
from rules_engine.local.derivation import Addresses
from rules_engine.local.effect import Effect, distinct
from rules_engine.local.function_process import FunctionProcess
from rules_engine.local.ministack import Ministack
from rules_engine.local.plan import plan_for
from rules_engine.local.play import Played, play, wait_until
from rules_engine.local.samples import samples_of
from rules_engine.local.stack import LocalStack
from rules_engine.local.target_types.log import logged
from rules_engine.local.targets import Targets
from rules_engine.local.webhook_receiver import WebhookReceiver
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.plain_record import record_from_images
from rules_engine.settings import PRIVATE_HOSTS, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.local

RULES_PATH = Path(__file__).parent.parent / "rules" / "orders"
SUCCESS: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture(scope="module")
def rule_set() -> RuleSet:
    rules, problems = load_rules([RULES_PATH])
    assert problems == []
    return rules


class BehindTheMapping:
    """The scenario played on a local stack: what the function was given, answered and brought about."""

    def __init__(self, rule_set: RuleSet) -> None:
        with LocalStack(rule_set) as stack:
            self.played: Played = play(stack)
            assert wait_until(lambda: not self.played.missing(stack.effects()) and stack.is_idle(), 60)
            self.effects = stack.effects()
            self.event = {"Records": self.played.records}
            self.response = stack.invoke(self.event)
            self.effects_after_a_repeat = stack.effects()


@pytest.fixture(scope="module")
def mapped(rule_set: RuleSet) -> BehindTheMapping:
    return BehindTheMapping(rule_set)


@pytest.fixture
def targets(tmp_path: Path, rule_set: RuleSet) -> Iterator[tuple[Targets, dict[str, str]]]:
    """Targets that nothing was sent to, and the environment of a function that can reach them."""
    with WebhookReceiver() as receiver, Ministack() as aws:
        plan = plan_for(rule_set, samples_of(rule_set)[0], Addresses(receiver.address), {})
        fresh = Targets(aws, plan, receiver, tmp_path, str)
        yield fresh, fresh.environment


def in_one_order(effects: list[Effect]) -> list[str]:
    return sorted(map(repr, effects))


def test_behind_the_mapping_everything_owed_arrives_and_nothing_else(mapped: BehindTheMapping) -> None:
    assert mapped.played.unexpected(mapped.effects) == []
    assert len(mapped.effects) == len(mapped.played.expectations)
    assert mapped.response == SUCCESS


def test_a_second_delivery_of_every_record_leaves_the_targets_as_they_are(mapped: BehindTheMapping) -> None:
    assert in_one_order(mapped.effects_after_a_repeat) == in_one_order(mapped.effects)


def test_under_the_runtime_client_the_same_records_do_the_same(
    mapped: BehindTheMapping, rule_set: RuleSet, targets: tuple[Targets, dict[str, str]]
) -> None:
    fresh, environment = targets
    with FunctionProcess(build_package(rule_set), environment) as function:
        result = function.invoke(mapped.event)
        effects = distinct([*fresh.effects(), *logged(function.log)])
    assert (result.payload, result.error) == (SUCCESS, None)
    assert in_one_order(effects) == in_one_order(mapped.effects)


def test_in_process_the_same_records_do_the_same(
    mapped: BehindTheMapping,
    rule_set: RuleSet,
    targets: tuple[Targets, dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fresh, environment = targets
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with zipfile.ZipFile(io.BytesIO(build_package(rule_set))) as package:
        package.extract("bundle.json", tmp_path)
    settings = Settings(tmp_path / "bundle.json", private_hosts=environment[PRIVATE_HOSTS])
    function = Function.from_settings(settings, environment)
    response = function(mapped.event, None)
    effects = distinct([*fresh.effects(), *logged(capsys.readouterr().out)])
    assert response == SUCCESS
    assert in_one_order(effects) == in_one_order(mapped.effects)


# Failures

COPY = RuleSet(
    (
        Rule(
            "copy",
            ("orders",),
            (ActionSpec("table", "table", {"table": "${COPIES}", "put": {"id": "{{ new.copy_id }}"}}),),
        ),
    )
)
"""Copies to a table whose key is `id`: a record without `copy_id` cannot be rendered."""

ORDERS = {
    "Records": [
        record_from_images(
            {
                "event": "INSERT",
                "sequenceNumber": f"10000000000000000000{number}",
                "keys": {"order_id": f"o-{number}"},
                "new": {"order_id": f"o-{number}", "copy_id": copy_id},
            },
            "orders",
        )
        for number, copy_id in enumerate(["a", None, "c"], start=1)
    ]
}


@pytest.fixture
def copies(ministack: Ministack, unique_name: Callable[[str], str]) -> str:
    name = unique_name("copies")
    ministack.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def copied(ministack: Ministack, table: str) -> list[str]:
    items = ministack.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    return sorted(item["id"]["S"] for item in items)


def test_with_partial_batches_the_first_failed_record_is_reported_and_those_after_it_are_done(
    ministack: Ministack, copies: str
) -> None:
    environment = ministack.environment | {"COPIES": copies, "RULES_ENGINE_PARTIAL_BATCH": "on"}
    with FunctionProcess(build_package(COPY), environment) as function:
        result = function.invoke(ORDERS)
    assert result.payload == {"batchItemFailures": [{"itemIdentifier": "100000000000000000002"}]}
    assert copied(ministack, copies) == ["a", "c"]


def test_without_partial_batches_a_failed_record_is_an_error_of_the_invocation(
    ministack: Ministack, copies: str
) -> None:
    environment = ministack.environment | {"COPIES": copies}
    with FunctionProcess(build_package(COPY), environment) as function:
        error = function.invoke(ORDERS).error
    assert error is not None
    assert error["errorType"] == BatchError.__name__
    assert "100000000000000000002" in error["errorMessage"]
    assert copied(ministack, copies) == ["a", "c"]


# A secret that is not there


def test_a_secret_that_is_not_there_holds_up_its_action_alone_until_it_is(
    ministack: Ministack, copies: str, unique_name: Callable[[str], str], tmp_path: Path
) -> None:
    secret, key = unique_name("secret"), f"whsec_{base64.b64encode(b'canary' * 5).decode()}"
    send = {"url": "${URL}", "body": "{{ keys.order_id }}", "signing_secret": f"${{secret:{secret}}}"}
    rules = RuleSet(
        (
            Rule("send", ("orders",), (ActionSpec("webhook", "webhook", send),)),
            replace(COPY.rules[0], when=("new.copy_id != `null`",)),
        )
    )
    with WebhookReceiver(key) as receiver:
        (tmp_path / "ca.pem").write_bytes(receiver.ca_pem)
        environment = ministack.environment | {
            "COPIES": copies,
            "URL": receiver.url,
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
            PRIVATE_HOSTS: receiver.address,
            "RULES_ENGINE_PARTIAL_BATCH": "on",
        }
        package = build_package(rules)
        with FunctionProcess(package, environment) as function:
            results = [function.invoke(ORDERS) for _ in range(3)]
            log = [json.loads(line) for line in function.log.splitlines() if line.startswith('{"level"')]
        first = {"batchItemFailures": [{"itemIdentifier": "100000000000000000001"}]}
        assert [(each.payload, each.error) for each in results] == [(first, None)] * 3
        assert (copied(ministack, copies), receiver.received) == (["a", "c"], [])
        unreadable = [line for line in log if line["message"].startswith("secret cannot be read")]
        error = f"'${{secret:{secret}}}' cannot be read: ResourceNotFoundException"
        assert [(line["reference"], line["error"]) for line in unreadable] == [(f"secret:{secret}", error)]
        assert {line["code"] for line in log if "code" in line} == {"SECRET_UNREADABLE"}

        ministack.client("secretsmanager").create_secret(Name=secret, SecretString=key)
        with FunctionProcess(package, environment) as function:
            result = function.invoke(ORDERS)
        assert (result.payload, result.error) == (SUCCESS, None)
        taken = sorted((each.payload, each.refusal) for each in receiver.received)
    assert taken == [(f"o-{number}", None) for number in (1, 2, 3)]


# Start-up

PROBE = """
import sys

import rules_engine.handler
from rules_engine.actions import action_types

def handler(event, context):
    return sorted({name.split(".")[0] for name in sys.modules})
"""


def rewritten(package: bytes, **members: bytes | None) -> bytes:
    """The package with these members (`bundle_json` is bundle.json) replaced, added, or left out."""
    wanted = {name.replace("_", "."): data for name, data in members.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            if name not in wanted:
                new.writestr(name, old.read(name))
        for name, data in wanted.items():
            if data is not None:
                new.writestr(name, data)
    return buffer.getvalue()


def init_error(package: bytes, environment: dict[str, str]) -> tuple[str, str]:
    """Type and message of the error with which the function fails to start."""
    with FunctionProcess(package, environment) as function:
        error = function.invoke({"Records": []}).error
    assert error is not None
    return error["errorType"], error["errorMessage"]


def test_the_function_loads_nothing_of_the_authors_side(ministack: Ministack, copies: str) -> None:
    package = rewritten(build_package(COPY), probe_py=PROBE.encode())
    environment = ministack.environment | {"COPIES": copies}
    with FunctionProcess(package, environment, handler="probe.handler") as function:
        result = function.invoke({})
    assert result.error is None
    assert {"rules_engine", "jmespath"} <= set(result.payload)
    assert set(result.payload) & {"yaml", "jsonschema", "click", "rich", "ministack"} == set()


def test_a_package_without_its_bundle_says_so_when_it_starts() -> None:
    kind, message = init_error(rewritten(build_package(COPY), bundle_json=None), {})
    assert kind == "BundleError"
    assert message.endswith("/bundle.json' cannot be read: No such file or directory")


def test_a_bundle_with_an_action_type_that_the_package_lacks_is_refused_when_the_function_starts() -> None:
    metric = ActionSpec("count", "metric", {"namespace": "Shop", "name": "Orders"})
    rules = bundle.dump(RuleSet((Rule("count", ("orders",), (metric,)),)))
    assert init_error(rewritten(build_package(COPY), bundle_json=rules), {}) == (
        "RuleSetError",
        "the action type 'metric' is not in this package: build it with rules that have it",
    )


def test_a_damaged_bundle_is_refused_when_the_function_starts() -> None:
    package = build_package(COPY)
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        rules = archive.read("bundle.json")
    assert b"copy_id" in rules
    assert init_error(rewritten(package, bundle_json=rules.replace(b"copy_id", b"copy_ID")), {}) == (
        "BundleError",
        "the bundle's SHA-256 does not match its rules: it was changed after it was built",
    )
    assert init_error(rewritten(package, bundle_json=rules[: len(rules) // 2]), {})[0] == "BundleError"


def test_a_variable_that_is_not_set_is_named_when_the_function_starts(ministack: Ministack) -> None:
    kind, message = init_error(build_package(COPY), ministack.environment)
    assert kind == "SettingsError"
    assert "COPIES" in message
