from __future__ import annotations

import dataclasses
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from rules_engine.actions import ConfigFinding, Permission, s3
from rules_engine.aws import Clients
from rules_engine.delivery.failure import classify
from rules_engine.errors import RuleSetError, SettingsError, TemplateError
from rules_engine.model import EMPTY_SCOPE
from rules_engine.testing import FakeAws, Fault, ScriptedFaults
from tests.units import SHIPPED_CHANGE, action_spec, delivery_of, raw_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack
    from rules_engine.model import ActionSpec

BUCKET = "orders-archive"
DELIVERY_ID = delivery_of(action_spec("s3")).id
KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def render(
    record: dict[str, Any] | None = None, environment: dict[str, str] | None = None, **config: Any
) -> dict[str, Any]:
    spec = action_spec("s3", **{"bucket": BUCKET, **config})
    return s3.build(spec, EMPTY_SCOPE, environment or {}, None).render(delivery_of(spec, record))


def once(**config: Any) -> ActionSpec:
    return dataclasses.replace(action_spec("s3", **{"bucket": BUCKET, **config}), mode="once")


def with_text(text: str) -> dict[str, Any]:
    return raw_record({"x": {"S": text}}, {"id": {"S": "1"}})


def at(seconds: float | None) -> dict[str, Any]:
    """A record with this time, or with none."""
    record = with_text("x")
    record["dynamodb"]["ApproximateCreationDateTime"] = seconds
    return record


def test_without_more_the_change_is_written_below_its_table_and_day() -> None:
    assert render() == {
        "Bucket": BUCKET,
        "Key": f"orders/2024/01/01/{DELIVERY_ID}.json",
        "Body": SHIPPED_CHANGE,
        "ContentType": "application/json",
        "Metadata": {"delivery-id": DELIVERY_ID},
    }


def test_everything_may_be_said() -> None:
    request = render(
        environment={"STAGE": "test", "KEY": KMS_KEY},
        bucket="orders-${STAGE}",
        key="${STAGE}/{{ keys.order_id }}/{{ eventID }}.csv.gz",
        body="{{ keys.order_id }},{{ new.total }}\n",
        content_type="text/csv",
        gzip=True,
        kms_key="${KEY}",
    )
    assert request == {
        "Bucket": "orders-test",
        "Key": f"test/o-1/{delivery_of(action_spec('s3')).match.record.event_id}.csv.gz",
        "Body": "o-1,12.5\n",
        "ContentType": "text/csv",
        "ContentEncoding": "gzip",
        "Metadata": {"delivery-id": DELIVERY_ID},
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": KMS_KEY,
    }


def test_a_text_is_written_as_it_is_and_anything_else_as_exact_json() -> None:
    record = raw_record(
        {"n": {"N": "12345678901234567890123456789012345678"}, "t": {"S": "ü"}}, {"id": {"S": "1"}}
    )
    text = render(record, body="{{ new.t }}")
    assert (text["Body"], text["ContentType"]) == ("ü", "text/plain; charset=utf-8")
    value = render(record, body="{{ new }}")
    assert value["Body"] == '{"n":12345678901234567890123456789012345678,"t":"ü"}'
    assert value["ContentType"] == "application/json"


@pytest.mark.parametrize(
    ("seconds", "day"),
    [(0, "1970/01/01"), (1_767_225_599, "2025/12/31"), (1_767_225_599.999, "2025/12/31")],
)
def test_the_day_in_the_default_key_is_that_of_the_change_in_utc(seconds: float, day: str) -> None:
    assert render(at(seconds))["Key"].startswith(f"orders/{day}/")


def test_a_change_without_a_time_has_no_default_key() -> None:
    with pytest.raises(TemplateError) as failure:
        render(at(None))
    assert str(failure.value) == "the default 'key' needs the time of the change, and the record has none"
    assert render(at(None), key="{{ eventID }}")["Key"] != ""


def test_the_default_key_of_a_compressed_object_says_so() -> None:
    assert render(gzip=True)["Key"] == f"orders/2024/01/01/{DELIVERY_ID}.json.gz"


# Keys


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("a b", "a%20b"),
        ("../../other", "..%2F..%2Fother"),
        ("/absolute", "%2Fabsolute"),
        ("a\\b", "a%5Cb"),
        ("line\nend\x00\x7f", "line%0Aend%00%7F"),
        ("ü*?", "%C3%BC%2A%3F"),
        ("%2e", "%252e"),
        ("v1..v2", "v1..v2"),
    ],
)
def test_a_value_cannot_leave_its_segment_of_a_key(text: str, encoded: str) -> None:
    assert render(with_text(text), key="orders/{{ new.x }}/e.json")["Key"] == f"orders/{encoded}/e.json"


NO_DOTS = "the key must not have '.' or '..' as a segment"
NO_EMPTY = "the key must not have an empty segment, nor end in '/'"


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("orders/{{ new.x }}/e.json", ".", NO_DOTS),
        ("orders/{{ new.x }}/e.json", "..", NO_DOTS),
        ("orders/.{{ new.x }}", ".", NO_DOTS),
        ("{{ new.x }}", "..", NO_DOTS),
        ("orders/{{ new.x }}/e.json", "", NO_EMPTY),
        ("orders/{{ new.x }}", "", NO_EMPTY),
        ("{{ new.x }}", "", NO_EMPTY),
        ("{{ new.x }}/e.json", "", "the key must not begin with '/'"),
        ("{{ new.x }}", "x" * 1_025, "the key has 1025 bytes: S3 takes at most 1024"),
        ("e/{{ new.x }}", "é" * 171, "the key has 1028 bytes: S3 takes at most 1024"),
    ],
)
def test_a_record_that_makes_an_impossible_key_is_found_before_anything_is_written(
    key: str, text: str, message: str
) -> None:
    with pytest.raises(TemplateError) as failure:
        render(with_text(text), key=key)
    assert str(failure.value) == message


def test_the_longest_key_is_taken() -> None:
    assert len(render(with_text("x" * 1_022), key="e/{{ new.x }}")["Key"]) == 1_024


def test_what_a_variable_puts_into_a_key_is_checked_too() -> None:
    with pytest.raises(TemplateError) as failure:
        render(environment={"PREFIX": "../up"}, key="${PREFIX}/{{ eventID }}")
    assert str(failure.value) == NO_DOTS


KEY_HINT = "write it as in orders/{{ keys.order_id }}/{{ eventID }}.json"
BUCKET_HINT = "write the bucket's name alone, or ${NAME} for a variable of the function"
CHARACTERS_HINT = "a bucket's name has lower-case letters, digits, '-' and '.' only; or write ${NAME}"
NO_NAME = "'bucket' is not the name of a bucket"
NO_ADDRESS = "'bucket' is not a bucket's name but an address"


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        *(
            ({"key": key}, ConfigFinding("RE109", ("key",), message, KEY_HINT))
            for key, message in (
                ("/orders/{{ eventID }}", "the key must not begin with '/'"),
                ("orders//{{ eventID }}", NO_EMPTY),
                ("orders/{{ eventID }}/", NO_EMPTY),
                ("../{{ eventID }}", NO_DOTS),
                ("orders/./{{ eventID }}", NO_DOTS),
                ("orders/{{ eventID }}\n", "the key must not have control characters or line ends"),
                ("orders\x85/{{ eventID }}", "the key must not have control characters or line ends"),
                ("orders\\{{ eventID }}", "the key must not have '\\' in it"),
                ("orders/*/{{ eventID }}", "the key must not have '*' in it"),
                ("x" * 1_024 + "{{ eventID }}", "the key has 1025 bytes: S3 takes at most 1024"),
            )
        ),
        *(
            ({"bucket": bucket}, ConfigFinding("RE109", ("bucket",), message, BUCKET_HINT))
            for bucket, message in (
                ("ab", NO_NAME),
                ("a" * 64, NO_NAME),
                ("orders/archive", NO_NAME),
                ("orders..archive", NO_NAME),
                ("-orders", NO_NAME),
                ("orders-", NO_NAME),
                ("192.168.5.4", NO_NAME),
                ("xn--orders", NO_NAME),
                ("orders\n", NO_NAME),
                ("arn:aws:s3:::orders", NO_ADDRESS),
                ("s3://orders/archive", NO_ADDRESS),
                ("https://orders.s3.amazonaws.com", NO_ADDRESS),
            )
        ),
        *(
            ({"bucket": bucket}, ConfigFinding("RE109", ("bucket",), NO_NAME, CHARACTERS_HINT))
            for bucket in ("Orders", "orders_archive")
        ),
        *(
            (
                {"kms_key": key},
                ConfigFinding(
                    "RE109",
                    ("kms_key",),
                    "'kms_key' is not the ARN of a key of KMS",
                    "write arn:aws:kms:<region>:<account>:key/<id>, "
                    "or ${NAME} for a variable of the function",
                ),
            )
            for key in ("alias/orders", "arn:aws:kms:eu-west-1:123456789012:alias/orders", f"{KMS_KEY}\n")
        ),
    ],
)
def test_what_can_work_for_no_record_is_found(config: dict[str, Any], finding: ConfigFinding) -> None:
    config = {"bucket": BUCKET, **config}
    assert s3.check(config) == [finding]
    with pytest.raises(RuleSetError) as refusal:
        s3.build(action_spec("s3", **config), EMPTY_SCOPE, {}, None)
    assert str(refusal.value) == f"action 's3': {finding}"


@pytest.mark.parametrize(
    "config",
    [
        {"bucket": "${BUCKET}"},
        {"bucket": "orders-${STAGE}", "key": "${STAGE}/{{ eventID }}", "kms_key": "${KEY}"},
        {"bucket": "a.b-1", "key": "{{ keys.order_id }}"},
        {"key": "Größe=1/{{ keys.order_id }}_{{ eventID }}(1)!.json", "kms_key": KMS_KEY},
    ],
)
def test_a_config_that_can_work_has_no_findings(config: dict[str, Any]) -> None:
    assert s3.check({"bucket": BUCKET, **config}) == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"bucket": "${NAME}"}, "action 's3': 'No Name' is not the name of a bucket"),
        (
            {"bucket": BUCKET, "kms_key": "${NAME}"},
            "action 's3': 'No Name' is not the ARN of a key of KMS",
        ),
    ],
)
def test_what_a_variable_stands_for_is_checked_when_the_function_starts(
    config: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        s3.connect(action_spec("s3", **config), {"NAME": "No Name"}, FakeAws())
    assert str(refusal.value) == message


def test_a_bucket_is_never_chosen_by_a_record() -> None:
    with pytest.raises(RuleSetError, match="must not hold a hole"):
        s3.build(action_spec("s3", bucket="${A}{{ new.bucket }}"), EMPTY_SCOPE, {"A": "a"}, None)


def test_the_largest_body_is_taken_and_a_larger_one_found_before_it_is_sent() -> None:
    most = 16 * 1024 * 1024
    assert len(render(body="x" * most)["Body"]) == most
    with pytest.raises(TemplateError) as failure:
        render(body="x" * (most - 1) + "ü")
    assert str(failure.value) == "the body has 16777217 bytes: an object takes at most 16777216"


# Permissions


def test_writing_is_allowed_on_the_keys_that_the_template_can_make() -> None:
    prefix = "arn:${AWS::Partition}:s3:::"
    for config, resource in (
        ({}, f"{prefix}{BUCKET}/*"),
        ({"bucket": "${BUCKET}"}, f"{prefix}${{BUCKET}}/*"),
        ({"key": "latest.json"}, f"{prefix}{BUCKET}/latest.json"),
        (
            {"key": "${STAGE:-test}/{{ keys.id }}/{{ eventID }}.json"},
            f"{prefix}{BUCKET}/${{STAGE:-test}}/*/*.json",
        ),
    ):
        spec = action_spec("s3", **{"bucket": BUCKET, **config})
        assert s3.permissions(spec) == [Permission("s3:PutObject", resource)]


def test_a_key_of_kms_needs_a_permission_of_its_own() -> None:
    assert s3.permissions(action_spec("s3", bucket=BUCKET, key="a", kms_key="${KEY}")) == [
        Permission("s3:PutObject", f"arn:${{AWS::Partition}}:s3:::{BUCKET}/a"),
        Permission("kms:GenerateDataKey", "${KEY}"),
    ]


# Once


def test_once_writes_only_where_there_is_nothing() -> None:
    spec = once()
    request = s3.build(spec, EMPTY_SCOPE, {}, None).render(delivery_of(spec))
    assert request["IfNoneMatch"] == "*"
    assert "IfNoneMatch" not in render()


def test_once_needs_a_key_of_its_own_for_each_change() -> None:
    finding = ConfigFinding(
        "RE308",
        ("key",),
        "'mode: once' needs a key of its own for each change, and 'key' has no {{ eventID }}",
        "add {{ eventID }} to 'key', leave 'key' out for the default, or leave 'mode' out",
    )
    for key in ("latest.json", "orders/{{ keys.order_id }}.json"):
        assert s3.check({"bucket": BUCKET, "key": key}, "once") == [finding]
        assert s3.check({"bucket": BUCKET, "key": key}) == []
    assert s3.check({"bucket": BUCKET, "key": "o/{{ eventID }}"}, "once") == []
    assert s3.check({"bucket": BUCKET}, "once") == []


def test_a_repeat_that_finds_the_object_has_nothing_to_do() -> None:
    aws = FakeAws(faults=ScriptedFaults({0: Fault.lost()}))
    spec = once()
    action = s3.build(spec, EMPTY_SCOPE, {}, aws)
    request = action.render(delivery_of(spec))
    with pytest.raises(Exception, match="Read timeout"):
        action.perform(request)
    action.perform(request)
    assert aws.s3.objects == {(BUCKET, f"orders/2024/01/01/{DELIVERY_ID}.json"): SHIPPED_CHANGE.encode()}
    assert aws.calls == {("s3", "PutObject"): 2}
    assert len(aws.effects) == 1


@pytest.mark.parametrize(
    ("code", "error_class"),
    [
        ("ConditionalRequestConflict", "transient"),
        ("SlowDown", "transient"),
        ("NoSuchBucket", "systemic"),
        ("AccessDenied", "systemic"),
        ("PermanentRedirect", "systemic"),
        ("KMS.DisabledException", "systemic"),
        ("KeyTooLongError", "permanent"),
        ("EntityTooLarge", "permanent"),
    ],
)
def test_any_other_refusal_is_a_failure_of_its_class(code: str, error_class: str) -> None:
    aws = FakeAws(faults=ScriptedFaults({0: Fault.error(code)}))
    spec = once()
    action = s3.build(spec, EMPTY_SCOPE, {}, aws)
    with pytest.raises(ClientError) as refusal:
        action.perform(action.render(delivery_of(spec)))
    failure = classify(refusal.value)
    assert (failure.code, failure.error_class) == (code, error_class)
    assert aws.s3.objects == {}


# Bytes


def test_a_compressed_object_has_the_same_bytes_each_time() -> None:
    aws = FakeAws()
    spec = action_spec("s3", bucket=BUCKET, key="a.json.gz", gzip=True)
    action = s3.build(spec, EMPTY_SCOPE, {}, aws)
    written = []
    for _ in range(2):
        action.perform(action.render(delivery_of(spec)))
        written.append(aws.s3.objects[BUCKET, "a.json.gz"])
        aws.sandbox.sleep(3_600)
    assert written[0] == written[1]
    assert gzip.decompress(written[0]).decode() == SHIPPED_CHANGE
    # The time in the head of the file, which says nothing.
    assert written[0][4:8] == bytes(4)


def bucket_on(ministack: Ministack, unique_name: Callable[[str], str]) -> str:
    name = unique_name("orders")
    ministack.client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return name


@pytest.mark.local
def test_the_object_is_there_as_it_was_rendered(aws: Ministack, unique_name: Callable[[str], str]) -> None:
    bucket = bucket_on(aws, unique_name)
    spec = action_spec("s3", bucket=bucket, key="orders/{{ new.x }}.json.gz", gzip=True, body="{{ new }}")
    action = s3.build(spec, EMPTY_SCOPE, {}, Clients(total_attempts=1))
    delivery = delivery_of(spec, with_text("../a b&ü"))
    action.perform(action.render(delivery))
    key = "orders/..%2Fa%20b%26%C3%BC.json.gz"
    (found,) = aws.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert found["Key"] == key
    answer = aws.client("s3").get_object(Bucket=bucket, Key=key)
    assert json.loads(gzip.decompress(answer["Body"].read())) == {"x": "../a b&ü"}
    assert (answer["ContentType"], answer["ContentEncoding"]) == ("application/json", "gzip")
    assert answer["Metadata"] == {"delivery-id": delivery.id}


@pytest.mark.local
def test_once_leaves_an_object_alone_that_is_there(aws: Ministack, unique_name: Callable[[str], str]) -> None:
    bucket = bucket_on(aws, unique_name)
    spec = once(bucket=bucket)
    action = s3.build(spec, EMPTY_SCOPE, {}, Clients(total_attempts=1))
    request = action.render(delivery_of(spec))
    action.perform(request)
    action.perform({**request, "Body": "something else"})
    answer = aws.client("s3").get_object(Bucket=bucket, Key=request["Key"])
    assert answer["Body"].read().decode() == SHIPPED_CHANGE


@pytest.mark.local
def test_a_bucket_that_is_not_there_is_an_error_of_the_service(aws: Ministack) -> None:
    spec = action_spec("s3", bucket="orders-not-there")
    action = s3.build(spec, EMPTY_SCOPE, {}, Clients(total_attempts=1))
    with pytest.raises(ClientError) as failure:
        action.perform(action.render(delivery_of(spec)))
    assert classify(failure.value).error_class == "systemic"
