"""Planted secrets and item values, looked for in everything the function gives away (security.md 24 and 25).

The function is the real one with real HTTPS to receivers that fail in every way; AWS is `FakeAws`, or a
client whose errors quote the request. Each test also shows that the canaries were there to be found: the
receiver has the secrets, the dead letter has the record.
"""

from __future__ import annotations

import json
import logging
import random
import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from botocore.exceptions import ClientError, ParamValidationError

from rules_engine import bundle
from rules_engine.aws import Clients
from rules_engine.delivery.dead_letter import read_dead_letter
from rules_engine.errors import BatchError
from rules_engine.function import Function
from rules_engine.local.loopback import Exchange, LoopbackServer
from rules_engine.log_line import LIMIT_BYTES
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.settings import Settings
from rules_engine.testing import FakeAws
from tests.canaries import ITEM, SECRETS, SIGNING_KEY, GivenAway, event, record
from tests.receiver import authority_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/dead"
NOBODY = "https://127.0.0.1:1999"
STORED = {
    "secret:path": SECRETS["path"],
    "secret:api": json.dumps({"token": SECRETS["token"], "other": "x"}),
    "ssm:/orders/token": SECRETS["parameter"],
    "secret:key": SIGNING_KEY,
}
LOG_FIELDS = {
    "level", "message", "rule_id", "action_id", "clause", "delivery_id", "record", "target", "class", "code",
    "error", "tries", "then", "count", "truncated", "reference",
}  # fmt: skip
"""All that a line of the log may have."""


# Receivers


@dataclass
class Receiver:
    url: str
    ca_pem: bytes
    requests: list[str] = field(default_factory=list)
    """Line, headers and body of each, as text."""


class _Failing(Exchange):
    """Fails as the second segment of the path says: a status, or the name of a method."""

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        body = self.read_body()
        self.server.requests.append(f"{self.requestline}\n{self.headers}\n{body.decode()}")  # type: ignore[attr-defined]
        how = self.path.split("/")[2]
        if how.isdigit():
            self.answer(HTTPStatus(int(how)), f"no: {self.path} {self.headers}".encode(), Location=self.path)
        else:
            getattr(self, how)()
            self.close_connection = True

    def reset(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def garbage(self) -> None:
        self.wfile.write(b"220 smtp.example.com ESMTP\r\n")

    def headers_that_cannot_be_read(self) -> None:
        self.wfile.write(b"HTTP/1.1 503 No\r\nthis is no header\r\nContent-Length: 0\r\n\r\n")

    def short_body(self) -> None:
        self.wfile.write(b"HTTP/1.1 503 No\r\nContent-Length: 100\r\n\r\nshort")

    def endless_redirect(self) -> None:
        self.wfile.write(f"HTTP/1.1 307 Go\r\nLocation: {self.path}\r\nContent-Length: 0\r\n\r\n".encode())

    def hang(self) -> None:
        self.connection.settimeout(30)
        self.rfile.read(1)


FAILURES = [
    "400", "401", "403", "404", "410", "422", "429", "500", "503", "301", "reset", "garbage",
    "headers_that_cannot_be_read", "short_body", "endless_redirect", "hang",
]  # fmt: skip


@contextmanager
def failing_receiver() -> Iterator[Receiver]:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with LoopbackServer(_Failing, tls) as server:
        receiver = Receiver(f"https://{server.address}", authority.cert_pem.bytes())
        server.requests = receiver.requests  # type: ignore[attr-defined]
        yield receiver


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """One that the function trusts."""
    with failing_receiver() as found:
        (tmp_path / "ca.pem").write_bytes(found.ca_pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        yield found


# The function


def webhook(url: str, timeout_seconds: float = 5.0) -> ActionSpec:
    """With a secret wherever one may stand."""
    config = {
        "url": f"{url}/{{{{ new.text }}}}?token=${{ssm:/orders/token}}",
        "headers": {"authorization": "Bearer ${secret:api#token}"},
        "signing_secret": "${secret:key}",
        "body": {"id": "{{ keys.id }}", "new": "{{ new.text }}", "old": "{{ old.text }}", "n": "{{ new.n }}"},
    }
    return ActionSpec("send", "webhook", config, timeout_seconds=timeout_seconds)


def rules(*actions: ActionSpec, **fields: Any) -> RuleSet:
    return RuleSet((Rule("order-changed", ("orders",), actions, **fields),))


class Quoting:
    """A client that refuses everything, and quotes the request when it does."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def refuse(**request: Any) -> Any:
            if self._code == "ParamValidationError":
                raise ParamValidationError(report=f"invalid: {request}")
            if self._code == "ValueError":
                raise ValueError(f"invalid: {request}")
            raise ClientError({"Error": {"Code": self._code, "Message": f"refused: {request}"}}, operation)

        return refuse


@dataclass
class World:
    """The function with everything around it, and what it gives away."""

    directory: Path
    rule_set: RuleSet
    given: GivenAway
    quoting: dict[str, Quoting] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    receiver: str = NOBODY
    """The URL of one on this machine, which webhooks may go to."""
    aws: FakeAws = field(default_factory=lambda: FakeAws(tables={"state": ("id",)}, secrets=STORED))
    log: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)

    def function(self) -> Function:
        data = bundle.dump(self.rule_set)
        (self.directory / "bundle.json").write_bytes(data)
        self.given.add("the bundle", data)
        world = self

        class Outside(Clients):
            def client(self, service: str, timeout_seconds: float | None = None) -> Any:
                return world.quoting.get(service) or world.aws.client(service)

        settings = Settings(
            bundle=self.directory / "bundle.json",
            **{
                "state_table": "state",
                "dead_letter_queue_url": QUEUE,
                "spill_bucket": "spill",
                "private_hosts": authority_of(self.receiver),
                **self.settings,
            },
        )
        return Function.from_settings(settings, {}, self.log.append, self.metrics.append, Outside)

    def deliver(self, *records: dict[str, Any], function: Function | None = None) -> None:
        """One batch; an error is kept as what it gives away."""
        try:
            function = function or self.function()
            self.given.add("the function's text", function)
            self.given.add("the answer", function(event(*records), None))
        except BatchError as error:
            self.given.add_error("the error of the batch", error)
        for line in self.log:
            self.given.add("the log", line)
        for line in self.metrics:
            self.given.add("the metrics", line)
        for item in self.aws.dynamodb.items("state"):
            self.given.add("the state table", item)

    @property
    def letters(self) -> list[str]:
        return [message["MessageBody"] for message in self.aws.sqs.messages(QUEUE)]

    def found_beside_records(self, canaries: dict[str, str]) -> list[str]:
        """What dead letters say besides the record."""
        beside = GivenAway()
        for letter in self.letters:
            beside.add("a dead letter", {**json.loads(letter), "record": None})
        return beside.found(canaries)

    def found_in_letters(self, canaries: dict[str, str]) -> list[str]:
        stored = GivenAway()
        for letter in self.letters:
            stored.add("a dead letter", letter)
        for data in self.aws.s3.objects.values():
            stored.add("a spilled record", data)
        return stored.found(canaries)


@dataclass
class Leaks:
    """Asked for canaries, it says where they are in all that was given away: what libraries log and print
    too, from the level on that Lambda's runtime shows."""

    capfd: pytest.CaptureFixture[str]
    caplog: pytest.LogCaptureFixture
    given: GivenAway = field(default_factory=GivenAway)

    def __call__(self, canaries: dict[str, str]) -> list[str]:
        formatter = logging.Formatter("%(message)s %(exc_text)s %(stack_info)s")
        for logged in self.caplog.records:
            self.given.add(f"the log of {logged.name}", formatter.format(logged))
        out = self.capfd.readouterr()
        self.given.add("standard output", out.out + out.err)
        return self.given.found(canaries)


@pytest.fixture
def leaks(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Leaks:
    caplog.set_level(logging.WARNING)
    return Leaks(capfd, caplog)


def check_lines(world: World) -> None:
    """What holds of every line of the log, and of the metrics."""
    for line in world.log:
        assert len(line.encode()) < LIMIT_BYTES
        assert set(json.loads(line)) <= LOG_FIELDS
    for line in world.metrics:
        entry = json.loads(line)
        assert [each["Dimensions"] for each in entry["_aws"]["CloudWatchMetrics"]] == [[[]]]
        assert set(entry["rules"]) <= {rule.id for rule in world.rule_set.rules}


# Webhooks


@pytest.mark.parametrize("give_up_seconds", [1, 72_000])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_webhook_that_fails_gives_nothing_away(
    failure: str,
    give_up_seconds: int,
    tmp_path: Path,
    receiver: Receiver,
    leaks: Leaks,
) -> None:
    url = f"{receiver.url}/${{secret:path}}/{failure}"
    spec = webhook(url, 0.3 if failure == "hang" else 5.0)
    world = World(
        tmp_path,
        rules(spec),
        leaks.given,
        settings={"give_up_seconds": give_up_seconds, "debug_values": give_up_seconds == 1},
        receiver=receiver.url,
    )
    # Of a record that is new nothing is given up; the others are years old.
    new = {} if give_up_seconds == 1 else {"ApproximateCreationDateTime": 4_102_444_800}
    world.deliver(record(1, **new), record(2, **new))
    assert leaks({**SECRETS, **ITEM}) == []
    assert world.found_in_letters(SECRETS) == []
    check_lines(world)
    assert world.log
    # The canaries were there.
    sent = GivenAway([("a request", request.encode()) for request in receiver.requests])
    wanted = {name: text for name, text in SECRETS.items() if "key" not in name}
    assert {each.removesuffix(" in a request") for each in sent.found({**wanted, **ITEM})} == {*wanted, *ITEM}
    permanent = failure in ("400", "410", "422")
    if give_up_seconds == 1 or permanent:
        assert {each.removesuffix(" in a dead letter") for each in world.found_in_letters(ITEM)} == set(ITEM)
    else:
        assert world.letters == []


def test_a_receiver_that_cannot_be_reached_or_trusted_is_told_without_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaks: Leaks
) -> None:
    with failing_receiver() as receiver, socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
        closed.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        (tmp_path / "none.pem").write_bytes(trustme.CA().cert_pem.bytes())
        for url in (receiver.url, f"https://127.0.0.1:{port}"):
            world = World(
                tmp_path,
                rules(webhook(f"{url}/${{secret:path}}/500")),
                leaks.given,
                receiver=url,
            )
            world.deliver(record(1))
            check_lines(world)
            assert world.found_in_letters(SECRETS) == []
            assert len(world.letters) == 1
    assert receiver.requests == []
    assert leaks({**SECRETS, **ITEM}) == []


def test_an_address_that_is_a_secret_as_a_whole_is_not_shown(
    tmp_path: Path, receiver: Receiver, leaks: Leaks
) -> None:
    spec = ActionSpec("send", "webhook", {"url": "${secret:url}"})
    world = World(tmp_path, rules(spec), leaks.given, receiver=receiver.url)
    world.aws.secrets["secret:url"] = f"{receiver.url}/{SECRETS['path']}/500"
    world.deliver(*(record(number) for number in range(1, 9)))
    host = receiver.url.removeprefix("https://")
    assert leaks({**SECRETS, **ITEM, "host": host}) == []
    assert world.found_in_letters({**SECRETS, "host": host}) == []
    assert len(receiver.requests) > 1


# AWS


SET = {"t": "{{ new.text }}"}
TARGETS = [
    ActionSpec(
        "publish",
        "sns",
        {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:orders", "attributes": {"text": "{{ new.text }}"}},
    ),
    ActionSpec("copy", "table", {"table": "copies", "put": "{{ new }}"}),
    ActionSpec("sum", "table", {"table": "sums", "update": {"key": {"id": "{{ keys.id }}"}, "set": SET}}),
    ActionSpec("put", "eventbridge", {"event_bus": "b", "source": "s", "detail_type": "{{ new.text }}"}),
    ActionSpec("archive", "firehose", {"delivery_stream": "orders", "record": SET}),
    ActionSpec("write", "s3", {"bucket": "orders-archive", "key": "{{ new.text }}", "body": SET}),
    ActionSpec("invoke", "lambda", {"function": "orders", "payload": SET}),
    ActionSpec(
        "start",
        "stepfunctions",
        {"state_machine_arn": "arn:aws:states:eu-west-1:123456789012:stateMachine:orders", "input": SET},
    ),
]
SERVICES = ("sns", "dynamodb", "events", "firehose", "lambda", "s3", "stepfunctions")
"""Not SQS, which is to take the dead letters; its errors go the way of those of SNS."""
CODES = [
    "ValidationException",
    "ThrottlingException",
    "AccessDenied",
    "Strange",
    "ParamValidationError",
    "ValueError",
]


@pytest.mark.parametrize("spec", TARGETS, ids=lambda spec: spec.id)
@pytest.mark.parametrize("code", CODES)
def test_a_service_that_quotes_the_request_is_not_quoted(
    code: str, spec: ActionSpec, tmp_path: Path, leaks: Leaks
) -> None:
    quoting = {service: Quoting(code) for service in SERVICES}
    # Without a state table, which could not be read either.
    world = World(tmp_path, rules(spec), leaks.given, quoting, {"state_table": None})
    world.deliver(record(1), record(2))
    assert leaks(ITEM) == []
    assert world.found_beside_records(ITEM) == []
    assert len(world.letters) == 2
    check_lines(world)
    assert world.log


def test_with_debug_values_a_service_is_quoted(tmp_path: Path, leaks: Leaks) -> None:
    world = World(
        tmp_path, rules(TARGETS[0]), leaks.given, {"sns": Quoting("Strange")}, {"debug_values": True}
    )
    world.deliver(record(1))
    assert "new in the log" in leaks(ITEM)


# Records, conditions and payloads that cannot be dealt with


CONDITIONS = [
    "length(new.n)", "starts_with(new.n, 'x')", "contains(new.n, 'x')", "cidr_contains(new.text, new.text)",
    "sum([new.text]) > `1`", "abs(new.text) > `1`", "max([new.text, new.n])", "join(new.text, [new.n])",
    "glob(new.n, '*')", "to_number(new.text) > `0`", "sort([new.text, new.n])", "map(&abs(@), [new.text])",
    "ceil(new.text) == `1`", "keys(new.text)", "merge(new.text)", "reverse(new.n)", "new.text > new.n",
    "avg([new.text])", "values(new.text)", "not_null(new.broken)", "new.broken.x == 'x'",
]  # fmt: skip
PAYLOADS: list[Any] = [
    "{{ length(new.n) }}", {"x": ["{{ abs(new.text) }}"]}, "{{ new.broken }}", {"all": "{{ new }}"},
    "{{ new.half }}", "a {{ new.half }} b", "{{ join(new.text, [new.n]) }}",
]  # fmt: skip
DAMAGE: list[dict[str, Any]] = [
    {"Keys": ITEM["key"]},
    {"NewImage": [ITEM["new"]]},
    {"ApproximateCreationDateTime": ITEM["new"]},
    {"Keys": {"id": ITEM["key"]}},
    {"NewImage": {"text": {"S": ITEM["new"]}, "broken": {"N": ITEM["new"]}}},
    {"NewImage": {"text": {"S": ITEM["new"]}, "n": {"N": "1"}, "broken": {ITEM["new"]: ITEM["new"]}}},
    {"NewImage": {"text": {"S": ITEM["new"]}, "broken": {"B": ITEM["new"]}}},
    {"NewImage": {"text": {"S": ITEM["new"]}, "broken": {"SS": [ITEM["new"], ITEM["new"]]}}},
    {"NewImage": {"text": {"S": ITEM["new"]}, "half": {"S": f"{ITEM['new']}\ud800"}}},
]


@pytest.mark.parametrize("partial_batch", [False, True])
def test_what_cannot_be_read_evaluated_or_rendered_is_told_without_its_values(
    partial_batch: bool, tmp_path: Path, leaks: Leaks
) -> None:
    topic = {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:orders"}
    specs = [
        *(ActionSpec(f"message-{n}", "sns", {**topic, "message": each}) for n, each in enumerate(PAYLOADS)),
        ActionSpec("subject", "sns", {**topic, "subject": "{{ old.text }} {{ new.text }} \u00fc"}),
        ActionSpec("attribute", "sns", {**topic, "attributes": {"x": "{{ new }}"}}),
        ActionSpec("item", "table", {"table": "copies", "put": "{{ new.text }}"}),
        ActionSpec(
            "key", "table", {"table": "copies", "update": {"key": {"id": "{{ new.half }}"}, "set": SET}}
        ),
    ]
    rule_set = RuleSet(
        (
            *(Rule(f"rule-{n}", ("orders",), (specs[0],), when=(each,)) for n, each in enumerate(CONDITIONS)),
            *(Rule(f"sends-{spec.id}", ("orders",), (spec,)) for spec in specs),
        )
    )
    aws = FakeAws(tables={"state": ("id",), "copies": ("id",)}, secrets=STORED)
    world = World(tmp_path, rule_set, leaks.given, settings={"partial_batch": partial_batch}, aws=aws)
    raws = [{**record(9), "eventName": ITEM["new"]}]
    raws += [record(number, **each) for number, each in enumerate(DAMAGE)]
    world.deliver(*raws)
    assert leaks({**SECRETS, **ITEM}) == []
    check_lines(world)
    messages = {json.loads(line)["message"] for line in world.log}
    assert messages == {"action failed", "record cannot be read", "condition cannot be evaluated"}
    assert {each.removesuffix(" in a dead letter") for each in world.found_in_letters(ITEM)} >= {"key", "new"}


@pytest.mark.parametrize("size", [1_100_000, 3_000_000])
def test_packed_and_spilled_records_hold_no_secret(size: int, tmp_path: Path, leaks: Leaks) -> None:
    letters = random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=size)
    large = record(1)
    large["dynamodb"]["NewImage"]["note"] = {"S": "".join(letters)}
    spec = ActionSpec("send", "sns", {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:orders"})
    world = World(
        tmp_path,
        rules(spec, webhook(f"{NOBODY}/${{secret:path}}")),
        leaks.given,
        receiver=NOBODY,
    )
    world.deliver(large)
    assert {json.loads(letter)["encoding"] for letter in world.letters} == (
        {"gzip"} if size < 2_000_000 else {"s3"}
    )
    assert world.found_in_letters(SECRETS) == []
    assert leaks({**SECRETS, **ITEM}) == []
    assert {each.partition(" in ")[0] for each in world.found_in_letters(ITEM)} == set(ITEM)
    (letter, *_) = world.letters
    kept = read_dead_letter(letter, lambda bucket, key: world.aws.s3.objects[bucket, key])
    assert kept.record == large


def test_the_local_variables_of_an_error_hold_no_secret(
    tmp_path: Path, receiver: Receiver, leaks: Leaks
) -> None:
    spec = webhook(f"{receiver.url}/${{secret:path}}/403")
    world = World(
        tmp_path,
        rules(spec),
        leaks.given,
        settings={"dead_letter_queue_url": None},
        receiver=receiver.url,
    )
    function = world.function()
    with pytest.raises(BatchError) as failure:
        function(event(record(1)), None)
    leaks.given.add_frames("the frames", failure.value)
    assert leaks(SECRETS) == []
    assert "new in the frames" in leaks(ITEM)


def test_a_secret_that_cannot_be_read_anew_is_told_without_its_text(
    tmp_path: Path, receiver: Receiver, leaks: Leaks
) -> None:
    world = World(
        tmp_path,
        rules(webhook(f"{receiver.url}/${{secret:path}}/401")),
        leaks.given,
        receiver=receiver.url,
    )
    function = world.function()
    world.quoting |= {"secretsmanager": Quoting("Strange"), "ssm": Quoting("ValueError")}
    world.deliver(record(1), function=function)
    assert leaks({**SECRETS, **ITEM}) == []
    lines = [json.loads(line) for line in world.log]
    stale = [line for line in lines if line["message"].startswith("secret cannot be read anew")]
    assert {line["reference"]: line["error"] for line in stale} == {
        "secret:path": "'${secret:path}' cannot be read: Strange",
        "secret:api": "'${secret:api}' cannot be read: Strange",
        "secret:key": "'${secret:key}' cannot be read: Strange",
        "ssm:/orders/token": "'${ssm:/orders/token}' cannot be read: ValueError",
    }
    assert [json.loads(line)["StaleSecrets"] for line in world.metrics] == [4]
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("give_up_seconds", [1, 72_000])
@pytest.mark.parametrize("missing", sorted(STORED))
def test_an_action_without_one_of_its_secrets_shows_none_of_the_others(
    missing: str, give_up_seconds: int, tmp_path: Path, receiver: Receiver, leaks: Leaks
) -> None:
    secrets = {name: text for name, text in STORED.items() if name != missing}
    world = World(
        tmp_path,
        rules(webhook(f"{receiver.url}/${{secret:path}}/200")),
        leaks.given,
        settings={"give_up_seconds": give_up_seconds, "debug_values": give_up_seconds == 1},
        receiver=receiver.url,
        aws=FakeAws(tables={"state": ("id",)}, secrets=secrets),
    )
    new = {} if give_up_seconds == 1 else {"ApproximateCreationDateTime": 4_102_444_800}
    function = world.function()
    world.deliver(record(1, **new), record(2, **new), function=function)
    assert leaks({**SECRETS, **ITEM}) == []
    assert world.found_in_letters(SECRETS) == []
    check_lines(world)
    codes = {line["code"] for line in map(json.loads, world.log) if "code" in line}
    assert (codes, receiver.requests) == ({"SECRET_UNREADABLE"}, [])
    assert len(world.letters) == (2 if give_up_seconds == 1 else 0)
    # All of it is there to be found once the secret is.
    world.aws.secrets[missing] = STORED[missing]
    world.deliver(record(3), function=world.function())
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("missing", sorted(STORED))
def test_the_local_variables_of_a_secret_that_is_missing_hold_none_of_the_others(
    missing: str, tmp_path: Path, leaks: Leaks
) -> None:
    world = World(
        tmp_path,
        rules(webhook(f"{NOBODY}/${{secret:path}}/200")),
        leaks.given,
        settings={"dead_letter_queue_url": None, "partial_batch": False},
        receiver=NOBODY,
        aws=FakeAws(
            tables={"state": ("id",)},
            secrets={name: text for name, text in STORED.items() if name != missing},
        ),
    )
    function = world.function()
    with pytest.raises(BatchError) as failure:
        function(event(record(1)), None)
    leaks.given.add_frames("the frames", failure.value)
    assert leaks(SECRETS) == []
    assert "new in the frames" in leaks(ITEM)


@pytest.mark.parametrize(
    "text", ["canary-text", '{"other": "canary-text"}', '{"token": {"x": "canary-text"}}']
)
def test_a_secret_without_its_key_is_told_without_its_text(text: str, tmp_path: Path, leaks: Leaks) -> None:
    world = World(
        tmp_path,
        rules(webhook(f"{NOBODY}/${{secret:path}}/200")),
        leaks.given,
        receiver=NOBODY,
        aws=FakeAws(tables={"state": ("id",)}, secrets={**STORED, "secret:api": text}),
    )
    world.deliver(record(1))
    assert leaks({**SECRETS, **ITEM, "text": "canary-text"}) == []
    (line, *_) = [json.loads(line) for line in world.log]
    assert line["reference"] == "secret:api"
    assert world.found_in_letters({"text": "canary-text"}) == []
