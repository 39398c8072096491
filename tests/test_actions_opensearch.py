from __future__ import annotations

import dataclasses
import hashlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.actions import ConfigFinding, Permission, opensearch
from rules_engine.actions.transport import Answer
from rules_engine.errors import ActionError, RuleSetError, SettingsError, Superseded, TemplateError
from rules_engine.model import EMPTY_SCOPE, Match, Rule
from rules_engine.plain_record import record_from_images
from rules_engine.record import StreamRecord, parse_event
from rules_engine.testing import FakeAws
from tests.units import SHIPPED, action_spec, delivery_of, raw_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.model import ActionSpec

HOST = "https://search-orders-abcdefghijklmnopqrstuvwxyz.eu-west-1.es.amazonaws.com"
DOMAIN = "arn:aws:es:eu-west-1:123456789012:domain/orders"
COLLECTION = "arn:aws:aoss:eu-west-1:123456789012:collection/07tjusf2h91cunochc"
BASE = {"endpoint": HOST, "domain_arn": DOMAIN, "index": "orders"}
QUERY = "filter_path=errors%2Citems.%2A.status%2Citems.%2A.error.type"
SEQUENCE_NUMBER = "400000000000000499660"


def change(event: str = "MODIFY", **images: Any) -> dict[str, Any]:
    """A record with a number as DynamoDB makes them."""
    raw = record_from_images({**SHIPPED, "event": event, **images}, "orders")
    raw["dynamodb"]["SequenceNumber"] = SEQUENCE_NUMBER
    return raw


def of_key(**keys: Any) -> dict[str, Any]:
    """A record of an item with these key attributes in DynamoDB JSON."""
    return raw_record({"a": {"S": "b"}}, keys)


def spec_of(mode: str = "at_least_once", **config: Any) -> ActionSpec:
    return dataclasses.replace(action_spec("opensearch", **{**BASE, **config}), mode=mode)


def render(
    record: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    mode: str = "at_least_once",
    **config: Any,
) -> dict[str, Any]:
    spec = spec_of(mode, **config)
    action = opensearch.build(spec, EMPTY_SCOPE, environment or {}, None)
    return action.render(delivery_of(spec, change() if record is None else record))


def test_without_more_the_new_image_is_indexed_under_the_items_key() -> None:
    assert render() == {
        "operation": "index",
        "_index": "orders",
        "_id": "o-1",
        "version": compressed_by_hand(),
        "version_type": "external_gte",
        "document": '{"order_id":"o-1","status":"SHIPPED","total":12.5}',
    }


def compressed_by_hand() -> int:
    """400000000000000499660 has 69 bits: 12 more than fit."""
    assert int(SEQUENCE_NUMBER).bit_length() == 69
    return (12 << 56) + (int(SEQUENCE_NUMBER) >> 12)


@pytest.mark.parametrize("event", ["REMOVE", "EXPIRE"])
def test_a_removal_deletes_the_document(event: str) -> None:
    record = record_from_images({"event": event, "keys": {"order_id": "o-1"}, "old": {"a": 1}}, "orders")
    record["dynamodb"]["SequenceNumber"] = SEQUENCE_NUMBER
    assert render(record) == {
        "operation": "delete",
        "_index": "orders",
        "_id": "o-1",
        "version": compressed_by_hand(),
        "version_type": "external_gte",
    }


def test_everything_may_be_said() -> None:
    request = render(
        environment={"ENDPOINT": f"{HOST}/", "INDEX": "orders-2", "DOMAIN": DOMAIN},
        endpoint="${ENDPOINT}",
        domain_arn="${DOMAIN}",
        index="${INDEX}",
        document_id="{{ table }}-{{ keys.order_id }}",
        document={"total": "{{ new.total }}", "was": "{{ old.status }}"},
        mode="once",
    )
    assert request == {
        "operation": "index",
        "_index": "orders-2",
        "_id": "orders-o-1",
        "version": compressed_by_hand(),
        "version_type": "external",
        "document": '{"total":12.5,"was":"PACKED"}',
    }


# Ids


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({"id": {"S": "a/b%c ü"}}, "a/b%c ü"),
        ({"id": {"N": "12345678901234567890123456789012345678"}}, "12345678901234567890123456789012345678"),
        ({"id": {"N": "1.50"}}, "1.50"),
        ({"id": {"B": "3q2+7w=="}}, "3q2+7w=="),
        ({"pk": {"S": "c-1"}, "sk": {"S": "2026"}}, "c-1/2026"),
        ({"sk": {"S": "2026"}, "pk": {"S": "c-1"}}, "c-1/2026"),
        ({"pk": {"S": "a/b"}, "sk": {"S": "c"}}, "a%2Fb/c"),
        ({"pk": {"S": "a"}, "sk": {"S": "b/c"}}, "a/b%2Fc"),
        ({"pk": {"S": "a%2Fb"}, "sk": {"S": "c"}}, "a%252Fb/c"),
        ({"id": {"S": "x" * 512}}, "x" * 512),
        ({"id": {"S": "x" * 513}}, hashlib.sha256(b"x" * 513).hexdigest()),
    ],
)
def test_an_item_has_one_id_and_no_other_item_has_it(keys: dict[str, Any], name: str) -> None:
    assert render(of_key(**keys))["_id"] == name


def test_an_id_that_opensearch_would_refuse_is_found_before_it_is_sent() -> None:
    for text, size in (("", 0), ("ü" * 257, 514)):
        with pytest.raises(TemplateError) as failure:
            render(of_key(id={"S": "1"}, name={"S": text}), document_id="{{ keys.name }}")
        assert str(failure.value) == f"the document's id has {size} bytes: OpenSearch takes 1 to 512"
    assert len(render(of_key(id={"S": "x" * 510}), document_id="a-{{ keys.id }}")["_id"]) == 512


def test_a_record_without_keys_has_no_id() -> None:
    record = of_key(id={"S": "1"})
    del record["dynamodb"]["Keys"]
    with pytest.raises(TemplateError) as failure:
        render(record)
    assert str(failure.value) == "the document's id is the item's key, and the record has none"


# Documents


def test_numbers_sets_and_binaries_are_exact_json() -> None:
    new = {
        "n": {"N": "12345678901234567890123456789012345678"},
        "d": {"N": "0.10"},
        "s": {"SS": ["b", "a"]},
        "b": {"B": "3q2+7w=="},
    }
    assert render(raw_record(new, {"id": {"S": "1"}}))["document"] == (
        '{"n":12345678901234567890123456789012345678,"d":0.10,"s":["a","b"],"b":"3q2+7w=="}'
    )


@pytest.mark.parametrize("document", ["{{ new.status }}", "{{ new.none }}", "{{ [new] }}", "{{ new.total }}"])
def test_a_document_that_is_no_map_is_found_before_it_is_sent(document: str) -> None:
    with pytest.raises(TemplateError) as failure:
        render(document=document)
    assert str(failure.value) == "the document is not a map"


def test_a_change_without_a_new_image_has_no_document() -> None:
    record = change()
    del record["dynamodb"]["NewImage"]
    with pytest.raises(TemplateError, match="the document is not a map"):
        render(record)


def test_the_largest_document_is_taken_and_a_larger_one_found_before_it_is_sent() -> None:
    most = 5 * 1024 * 1024
    assert len(render(document={"a": "x" * (most - 8)})["document"]) == most
    with pytest.raises(TemplateError) as failure:
        render(document={"a": "x" * (most - 9) + "ü"})
    assert str(failure.value) == "the document has 5242881 bytes: at most 5242880 are sent"


def test_a_record_without_a_sequence_number_is_refused() -> None:
    raw = change()
    del raw["dynamodb"]["SequenceNumber"]
    (record,) = parse_event([raw])
    assert isinstance(record, StreamRecord)
    spec = spec_of()
    rule = Rule("indexed", ("orders",), (spec,))
    delivery = dataclasses.replace(delivery_of(spec, change()), match=Match((rule,), 0, record))
    with pytest.raises(TemplateError, match="needs a sequence number"):
        opensearch.build(spec, EMPTY_SCOPE, {}, None).render(delivery)


# Configs

INDEX_HINT = "write lower-case letters, digits, '-', '_' and '.', such as orders-2"
ENDPOINT_HINT = "write https://<host>, or ${NAME} for a variable of the function"
ID_HINT = "make it of 'keys', such as {{ keys.order_id }}, or leave it out for the item's key"


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        *(
            (
                {"index": name},
                ConfigFinding("RE109", ("index",), f"'{name}' is not the name of an index", INDEX_HINT),
            )
            for name in (
                "Orders",
                "_orders",
                "-orders",
                "a b",
                "a,b",
                "orders*",
                "a/b",
                "..",
                "x" * 256,
                "a\n",
            )
        ),
        *(
            ({"endpoint": url}, ConfigFinding("RE109", ("endpoint",), message, ENDPOINT_HINT))
            for url, message in (
                ("http://search.example.com", "the URL must start with https://"),
                ("search.example.com", "the URL must start with https://"),
                (f"{HOST}/orders", "'endpoint' must not have a path or a query"),
                (f"{HOST}?a=b", "'endpoint' must not have a path or a query"),
                ("https://user:word@search.example.com", "the URL must not hold user information"),
            )
        ),
        (
            {"domain_arn": f"{DOMAIN}/*"},
            ConfigFinding(
                "RE109",
                ("domain_arn",),
                f"'{DOMAIN}/*' is not the ARN of an OpenSearch Service domain",
                "write arn:aws:es:<region>:<account>:domain/<name>, or ${NAME} that holds it",
            ),
        ),
        (
            {"domain_arn": None, "collection_arn": DOMAIN},
            ConfigFinding(
                "RE109",
                ("collection_arn",),
                f"'{DOMAIN}' is not the ARN of an OpenSearch Serverless collection",
                "write arn:aws:aoss:<region>:<account>:collection/<id>, or ${NAME} that holds it",
            ),
        ),
        (
            {"collection_arn": COLLECTION},
            ConfigFinding(
                "RE308",
                ("collection_arn",),
                "'domain_arn' does not go together with 'collection_arn'",
                "keep the one that 'endpoint' belongs to",
            ),
        ),
        (
            {"domain_arn": None},
            ConfigFinding(
                "RE308",
                (),
                "an opensearch action needs 'domain_arn', 'collection_arn' or 'basic_auth'",
                "add the ARN of what 'endpoint' belongs to: requests are signed for it",
            ),
        ),
        *(
            (
                {"document_id": text},
                ConfigFinding(
                    "RE308",
                    ("document_id",),
                    f"'document_id' must not come from '{name}': an item must keep its document",
                    ID_HINT,
                ),
            )
            for text, name in (
                ("{{ new.sku }}", "new"),
                ("{{ keys.id }}-{{ old.sku }}", "old"),
                ("{{ eventID }}", "eventID"),
                ("{{ keys.id || new.id }}", "new"),
            )
        ),
        (
            {"document_id": "latest"},
            ConfigFinding(
                "RE308", ("document_id",), "'document_id' would be the same for every item", ID_HINT
            ),
        ),
    ],
)
def test_what_can_work_for_no_record_is_found(config: dict[str, Any], finding: ConfigFinding) -> None:
    config = {name: value for name, value in {**BASE, **config}.items() if value is not None}
    assert opensearch.check(config) == [finding]
    with pytest.raises(RuleSetError) as refusal:
        opensearch.build(action_spec("opensearch", **config), EMPTY_SCOPE, {}, None)
    assert str(refusal.value) == f"action 'opensearch': {finding}"


@pytest.mark.parametrize(
    "config",
    [
        {"endpoint": "${ENDPOINT}", "domain_arn": "${DOMAIN}", "index": "${INDEX}"},
        {"index": "orders-2026.v1_a", "document_id": "{{ table }}/{{ keys.new }}-{{ 'new' }}"},
        {"endpoint": "https://search.example.com:8443/", "document_id": "${PREFIX}{{ keys.id }}"},
    ],
)
def test_a_config_that_can_work_has_no_findings(config: dict[str, Any]) -> None:
    assert opensearch.check({**BASE, **config}) == []
    assert opensearch.check({"endpoint": HOST, "collection_arn": COLLECTION, "index": "orders"}) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("endpoint", "the URL has a character that must be percent-encoded"),
        ("index", "'No Name' is not the name of an index"),
        ("domain_arn", "'No Name' is not the ARN of an OpenSearch Service domain"),
    ],
)
def test_what_a_variable_stands_for_is_checked_when_the_function_starts(name: str, message: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        opensearch.connect(spec_of(**{name: "${TEXT}"}), {"TEXT": "No Name"}, FakeAws())
    assert str(refusal.value) == f"action 'opensearch': {message}"


def test_the_index_is_never_chosen_by_a_record() -> None:
    with pytest.raises(RuleSetError):
        opensearch.build(spec_of(index="orders-{{ new.year }}"), EMPTY_SCOPE, {}, None)


def test_writing_is_allowed_to_the_bulk_of_the_index_alone() -> None:
    assert opensearch.permissions(spec_of(domain_arn="${DOMAIN}", index="${INDEX}")) == [
        Permission("es:ESHttpPost", "${DOMAIN}/${INDEX}/_bulk")
    ]
    spec = action_spec("opensearch", endpoint=HOST, collection_arn="${COLLECTION}", index="orders")
    assert opensearch.permissions(spec) == [Permission("aoss:APIAccessAll", "${COLLECTION}")]


# Requests


class Server:
    """A transport that keeps what is sent and gives the answers in turn."""

    def __init__(self, *answers: Answer) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.answers = list(answers)

    def send(self, *request: Any) -> Answer:
        self.sent.append(request)
        return self.answers.pop(0)


def items(*results: Mapping[str, Any]) -> Answer:
    return Answer(200, None, json.dumps({"items": list(results)}).encode())


def performed(answer: Answer, *records: dict[str, Any], **config: Any) -> tuple[Server, list[Any]]:
    """The server, and what `perform_batch` made of its answer for these records."""
    server = Server(answer)
    spec = spec_of(**config)
    action = opensearch.build(spec, EMPTY_SCOPE, {}, FakeAws(), transport=server)
    requests = [action.render(delivery_of(spec, record)) for record in records]
    return server, action.perform_batch(requests)


REMOVED = change("REMOVE", new=None)


def test_one_call_has_a_line_for_each_deletion_and_two_for_each_document() -> None:
    server, errors = performed(
        items({"index": {"status": 201}}, {"delete": {"status": 200}}),
        change(),
        REMOVED,
        timeout_seconds=None,
    )
    version = compressed_by_hand()
    ((method, url, headers, body, timeout_seconds, most),) = server.sent
    assert (method, url) == ("POST", f"{HOST}/orders/_bulk?{QUERY}")
    assert headers == {
        "content-type": "application/x-ndjson",
        "user-agent": "rules-engine",
        "authorization": "fake es eu-west-1",
    }
    assert body.decode() == (
        f'{{"index":{{"_id":"o-1","version":{version},"version_type":"external_gte"}}}}\n'
        '{"order_id":"o-1","status":"SHIPPED","total":12.5}\n'
        f'{{"delete":{{"_id":"o-1","version":{version},"version_type":"external_gte"}}}}\n'
    )
    assert (timeout_seconds, most) == (10.0, 1024 * 1024)
    assert errors == [None, None]


def test_a_request_to_a_collection_is_signed_for_serverless() -> None:
    server = Server(items({"index": {"status": 201}}))
    spec = action_spec("opensearch", endpoint=HOST, collection_arn=COLLECTION, index="orders")
    spec = dataclasses.replace(spec, timeout_seconds=Decimal(3))
    action = opensearch.build(spec, EMPTY_SCOPE, {}, FakeAws(), transport=server)
    action.perform(action.render(delivery_of(spec, change())))
    assert server.sent[0][2]["authorization"] == "fake aoss eu-west-1"
    assert server.sent[0][4] == 3.0


def test_texts_with_line_ends_stay_in_their_line() -> None:
    record = raw_record({"t": {"S": "a\nb\r\u2028"}}, {"id": {"S": "1\n2"}})
    server, _ = performed(items({"index": {"status": 201}}), record)
    lines = server.sent[0][3].decode().split("\n")
    assert len(lines) == 3
    assert json.loads(lines[0])["index"]["_id"] == "1\n2"
    assert json.loads(lines[1]) == {"t": "a\nb\r\u2028"}


def test_the_size_of_an_entry_is_that_of_its_lines() -> None:
    spec = spec_of()
    action = opensearch.build(spec, EMPTY_SCOPE, {}, None)
    server, _ = performed(items({"index": {"status": 201}}), change())
    assert action.entry_bytes(action.render(delivery_of(spec, change()))) == len(server.sent[0][3])
    assert (action.most_entries, action.most_bytes) == (500, 5 * 1024 * 1024)


def test_indexes_of_one_server_are_one_target_and_do_not_share_a_call() -> None:
    one, other = (
        opensearch.build(spec_of(index=index), EMPTY_SCOPE, {}, None) for index in ("orders", "orders-2")
    )
    assert one.target == other.target == f"opensearch {HOST}"
    assert one.batch_key != other.batch_key


# Answers

CONFLICT = {"status": 409, "error": {"type": "version_conflict_engine_exception"}}


@pytest.mark.parametrize(
    ("status", "error_type", "error_class"),
    [
        (429, "rejected_execution_exception", "transient"),
        (429, "circuit_breaking_exception", "transient"),
        (400, "mapper_parsing_exception", "permanent"),
        (400, "strict_dynamic_mapping_exception", "permanent"),
        (404, "index_not_found_exception", "systemic"),
        (400, "index_closed_exception", "systemic"),
        (403, "security_exception", "systemic"),
        (429, "cluster_block_exception", "systemic"),
        (503, "unavailable_shards_exception", "transient"),
        (503, None, "transient"),
        (400, "A text: secret", "permanent"),
    ],
)
def test_what_is_refused_is_the_failure_of_its_own_document(
    status: int, error_type: str | None, error_class: str
) -> None:
    result = {"status": status} | ({} if error_type is None else {"error": {"type": error_type}})
    _, errors = performed(
        items({"index": {"status": 201}}, {"index": result}, {"index": {"status": 200}}), *[change()] * 3
    )
    assert (errors[0], errors[2]) == (None, None)
    assert isinstance(errors[1], ActionError)
    is_type = error_type is not None and " " not in error_type
    assert errors[1].code == (error_type if is_type else f"HTTP_{status}")
    assert errors[1].error_class == error_class
    assert str(errors[1]) == f"the index server refused the document with {status}"


def test_a_version_conflict_means_that_the_index_is_ahead() -> None:
    _, errors = performed(items({"index": CONFLICT}, {"delete": CONFLICT}), change(), REMOVED)
    assert [type(error) for error in errors] == [Superseded, Superseded]


def test_a_document_that_is_not_there_needs_no_deleting() -> None:
    _, errors = performed(items({"delete": {"status": 404}}), REMOVED)
    assert errors == [None]
    missing = {"status": 404, "error": {"type": "index_not_found_exception"}}
    _, errors = performed(items({"delete": missing}), REMOVED)
    assert [(error.code, error.error_class) for error in errors] == [
        ("index_not_found_exception", "systemic")
    ]


@pytest.mark.parametrize(
    ("status", "error_class"),
    [(400, "permanent"), (401, "systemic"), (403, "systemic"), (413, "permanent"), (429, "transient"),
     (503, "transient"), (302, "unknown"), (201, "unknown")],
)  # fmt: skip
def test_a_call_that_is_refused_is_a_failure_of_all_its_documents(status: int, error_class: str) -> None:
    with pytest.raises(ActionError) as failure:
        performed(Answer(status, 7.0, b""), change(), change())
    assert (failure.value.code, failure.value.error_class) == (f"HTTP_{status}", error_class)
    assert failure.value.retry_after_seconds == 7.0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[]",
        b"{}",
        b'{"items":1}',
        b'{"items":[]}',
        b'{"items":[{},{},{}]}',
        b"null",
    ],
)
def test_an_answer_that_does_not_say_what_came_of_each_document_is_none(body: bytes) -> None:
    with pytest.raises(ActionError) as failure:
        performed(Answer(200, None, body), change(), change())
    assert (failure.value.code, failure.value.error_class) == ("ANSWER", "unknown")


@pytest.mark.parametrize(
    "item",
    [
        {},
        None,
        {"index": None},
        {"delete": {"status": 200}},
        {"index": {}},
        {"index": {"status": "x"}},
        {"index": {"status": 400, "error": "text"}},
    ],
)
def test_an_item_that_cannot_be_read_is_a_failure_of_its_own_document(item: Any) -> None:
    _, errors = performed(items({"index": {"status": 200}}, item), change(), change())
    assert errors[0] is None
    assert (errors[1].code, errors[1].error_class) == ("ANSWER", "unknown")


def test_one_document_alone_raises_what_came_of_it() -> None:
    spec = spec_of()
    server = Server(items({"index": CONFLICT}), items({"index": {"status": 201}}))
    action = opensearch.build(spec, EMPTY_SCOPE, {}, FakeAws(), transport=server)
    request = action.render(delivery_of(spec, change()))
    with pytest.raises(Superseded):
        action.perform(request)
    action.perform(request)
    assert server.answers == []


def test_an_action_without_clients_can_only_render() -> None:
    spec = spec_of()
    action = opensearch.build(spec, EMPTY_SCOPE, {}, None)
    with pytest.raises(ActionError) as failure:
        action.perform(action.render(delivery_of(spec, change())))
    assert failure.value.code == "NOT_CONNECTED"
