"""Planted secrets, looked for in everything that the commands print and write, in every format.

First what an author runs, with secrets in the environment; then what really sends and delivers again, on real
servers of AWS's services and over real HTTPS, and the handler itself in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine import bundle
from rules_engine.cli.main import rules_engine, run
from rules_engine.loader import load_rules
from rules_engine.local.keys import Keys
from rules_engine.local.tables import create_table
from tests.canaries import ITEM, SECRETS, SIGNING_KEY, GivenAway, event, record
from tests.receiver import authority_of
from tests.test_canaries import LOG_FIELDS, failing_receiver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rules_engine.local.ministack import Ministack

RULES = """
version: 1
rules:
  - id: order-changed
    table: orders
    when: new.text != old.text
    actions:
      - type: webhook
        url: URL/${secret:path}/FAILURE/{{ new.text }}?token=${ssm:/token}
        headers: {authorization: 'Bearer ${secret:api#token}'}
        signing_secret: ${secret:key}
        body: {key: '{{ keys.id }}', new: '{{ new.text }}', old: '{{ old.text }}', n: '{{ new.n }}'}
    tests:
      - name: a changed text fires
        record: {event: MODIFY, keys: {id: o-1}, old: {text: a}, new: {text: b}}
        expect: {match: true}
"""


def rules_for(url: str, failure: str, names: dict[str, str]) -> str:
    """The rules with the names that the secrets have in this test."""
    text = RULES.replace("URL", url).replace("FAILURE", failure)
    for name in ("secret:path", "ssm:/token", "secret:api", "secret:key"):
        text = text.replace(name, names.get(name, name))
    return text


AUTHOR = [
    ["validate", "rules.yaml"],
    ["validate", "--format", "json", "rules.yaml"],
    ["list", "rules.yaml"],
    ["list", "rules.yaml", "--format", "json"],
    ["list", "rules.yaml", "--format", "markdown"],
    ["explain", "event.json", "--rules", "rules.yaml"],
    ["explain", "event.json", "--rules", "rules.yaml", "--format", "json"],
    ["run", "--dry-run", "--rules", "rules.yaml", "event.json"],
    ["run", "--dry-run", "--rules", "rules.yaml", "--format", "json", "event.json"],
    ["schema"],
    ["schema", "bundle"],
    ["build", "--rules", "rules.yaml", "-o", "function.zip"],
]


@pytest.mark.parametrize("arguments", AUTHOR, ids=" ".join)
def test_what_an_author_runs_shows_no_secret_of_the_environment(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(rules_for("https://hooks.example.com", "500", {}))
    (tmp_path / "event.json").write_text(json.dumps(event(record(1))))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SECRETS["path"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRETS["token"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", SECRETS["parameter"])
    monkeypatch.setenv("ORDERS_KEY", SIGNING_KEY)
    given = GivenAway()
    code = run(rules_engine, arguments)
    out = capfd.readouterr()
    given.add("the output", out.out + out.err)
    if (tmp_path / "function.zip").exists():
        given.add("the package", (tmp_path / "function.zip").read_bytes())
    assert code == 0, out
    assert given.parts != [("the output", b"")]
    assert given.found(SECRETS) == []
    # The request of a dry run and the values that `explain` names are what the record's owner asked for.
    shows = arguments[0] in ("explain", "run")
    assert bool(given.found(ITEM)) == shows


# Everything real


@pytest.fixture
def names(aws: Ministack, unique_name: Callable[[str], str]) -> dict[str, str]:
    """What each secret is called for this test; all of them are there."""
    found = {name: unique_name(name) for name in ("secret:path", "ssm:/token", "secret:api", "secret:key")}
    manager = aws.client("secretsmanager")
    texts = {
        "secret:path": SECRETS["path"],
        "secret:api": json.dumps({"token": SECRETS["token"]}),
        "secret:key": SIGNING_KEY,
    }
    for name, text in texts.items():
        manager.create_secret(Name=found[name].removeprefix("secret:"), SecretString=text)
    parameter = found["ssm:/token"].removeprefix("ssm:")
    aws.client("ssm").put_parameter(Name=parameter, Value=SECRETS["parameter"], Type="SecureString")
    return found


@pytest.fixture
def place(
    aws: Ministack,
    unique_name: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Any]:
    """A queue for dead letters, a state table, and the environment of a function that uses them."""
    queue = aws.client("sqs").create_queue(QueueName=unique_name("dead"))["QueueUrl"]
    table = unique_name("state")
    create_table(aws, table, Keys((("id", "S"),), "a test"))
    monkeypatch.setenv("RULES_ENGINE_DEAD_LETTER_QUEUE_URL", queue)
    monkeypatch.setenv("RULES_ENGINE_STATE_TABLE", table)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "event.json").write_text(json.dumps(event(record(1), record(2))))
    return {"queue": queue, "table": table}


def letters_in(aws: Ministack, queue: str) -> list[str]:
    answer = aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [message["Body"] for message in answer.get("Messages", [])]


@pytest.mark.local
@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize("failure", ["403", "500", "reset", "headers_that_cannot_be_read"])
def test_what_really_sends_and_delivers_again_shows_no_secret(
    failure: str,
    output: str,
    aws: Ministack,
    names: dict[str, str],
    place: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    given = GivenAway()
    with failing_receiver() as receiver:
        (tmp_path / "ca.pem").write_bytes(receiver.ca_pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        monkeypatch.setenv("RULES_ENGINE_PRIVATE_HOSTS", authority_of(receiver.url))
        (tmp_path / "rules.yaml").write_text(rules_for(receiver.url, failure, names))
        code = run(rules_engine, ["run", "--rules", "rules.yaml", "--format", output, "event.json"])
        out = capfd.readouterr()
        given.add("run", out.out + out.err)
        assert (code, len(letters_in(aws, place["queue"]))) == (0, 2), out
        sent = len(receiver.requests)
        code = run(rules_engine, ["redrive", "--rules", "rules.yaml", "--format", output, place["queue"]])
        out = capfd.readouterr()
        given.add("redrive", out.out + out.err)
        assert code == 1, out
        assert len(receiver.requests) > sent
    assert given.found({**SECRETS, **ITEM}) == []
    letters = GivenAway([("a letter", letter.encode()) for letter in letters_in(aws, place["queue"])])
    assert letters.found(SECRETS) == []


HANDLER = """
import json, sys
from rules_engine.handler import lambda_handler
try:
    print(json.dumps(lambda_handler(json.load(open("event.json")), None)))
except Exception:
    import logging
    logging.getLogger().exception("the batch failed")
    sys.exit(7)
"""


@pytest.mark.local
@pytest.mark.parametrize("partial_batch", ["on", "off"])
def test_the_handler_in_a_process_of_its_own_shows_no_secret(
    partial_batch: str,
    aws: Ministack,
    names: dict[str, str],
    place: dict[str, Any],
    tmp_path: Path,
) -> None:
    """Nothing is given up, so there is a resume item, and without partial answers a traceback."""
    new = {"ApproximateCreationDateTime": 4_102_444_800}
    (tmp_path / "event.json").write_text(json.dumps(event(record(1, **new), record(2, **new))))
    with failing_receiver() as receiver:
        (tmp_path / "ca.pem").write_bytes(receiver.ca_pem)
        (tmp_path / "rules.yaml").write_text(rules_for(receiver.url, "500", names))
        rule_set, _ = load_rules(tmp_path / "rules.yaml")
        (tmp_path / "bundle.json").write_bytes(bundle.dump(rule_set))
        environment = {
            **os.environ,
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
            "RULES_ENGINE_BUNDLE": str(tmp_path / "bundle.json"),
            "RULES_ENGINE_PARTIAL_BATCH": partial_batch,
            "RULES_ENGINE_PRIVATE_HOSTS": authority_of(receiver.url),
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9",
        }
        finished = subprocess.run(
            [sys.executable, "-c", HANDLER],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert finished.returncode == (0 if partial_batch == "on" else 7), finished
    assert receiver.requests
    given = GivenAway()
    given.add("the output", finished.stdout + finished.stderr)
    for item in aws.client("dynamodb").scan(TableName=place["table"], ConsistentRead=True)["Items"]:
        given.add("the state table", item)
    assert given.found({**SECRETS, **ITEM}) == []
    lines = [json.loads(line) for line in finished.stdout.splitlines() if line.startswith('{"level"')]
    assert lines
    assert set().union(*lines) <= LOG_FIELDS
