"""Write one object for each change to an S3 bucket.

```yaml
- type: s3
  bucket: ${ORDER_ARCHIVE_BUCKET}
  key: "orders/{{ keys.order_id }}/{{ eventID }}.json"
  body: {order: "{{ keys.order_id }}", status: "{{ new.status }}"}
```

- `bucket`: its name; `${NAME}` may stand in it, a hole may not.
- `key`: where the object is. Default: `<table>/<yyyy>/<mm>/<dd>/<delivery id>.json`, the day (UTC) being that
  of the change, so that a retry on the next day writes the same object. What a hole inserts is
  percent-encoded, so `a/b` becomes `a%2Fb`. The key has at most 1,024 bytes, and no segment is empty, `.` or
  `..`; where a record makes such a key, nothing is written and it becomes a dead letter.
- `body`: a text is written as it is, anything else as JSON with exact numbers. Default: the change
  (`eventID`, `eventName`, `table`, `createdAt`, `keys`, `new`, `old`).
- `content_type`: default `application/json`, or `text/plain; charset=utf-8` where the body is a text.
- `gzip: true`: compresses the object and says so in `Content-Encoding`. The default key then ends in
  `.json.gz`; a key of your own should, too.
- `kms_key`: ARN of a key of KMS to encrypt with. Without it the bucket's own encryption is used, which is
  always on.

Every object has the delivery id in its metadata (`delivery-id`). A repeat writes the same object again: with
`{{ eventID }}` in the key, as in the default, nothing changes but its date. A key without it, such as
`orders/{{ keys.order_id }}.json`, keeps the change that came last. Where a bucket has versions, or where each
new object starts something, use `mode: once`: an object that is there is left alone (`If-None-Match`). It
needs a key of its own for each change: the default, or one with `{{ eventID }}`. Two actions need two keys.

Permissions: `s3:PutObject` on the keys that `key` can make, on the whole bucket with the default; with
`kms_key` also `kms:GenerateDataKey` on that key. Limit: 16 MiB a body before it is compressed, which a change
as it came never has.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rules_engine.actions import ConfigFinding, Permission, refuse_errors
from rules_engine.actions.object_key import encode, key_fault, resource_pattern, template_fault
from rules_engine.actions.rendering import payload, target, text_of
from rules_engine.errors import SettingsError, TemplateError
from rules_engine.light_dataclass import dataclass
from rules_engine.template import compile_template, holes, references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules_engine.actions import Clients
    from rules_engine.model import ActionSpec, Delivery, Scope
    from rules_engine.record import StreamRecord
    from rules_engine.template import Template

TYPE = "s3"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["bucket"],
    "properties": {
        "bucket": {
            "type": "string",
            "minLength": 1,
            "description": "Name of the bucket, or a `${NAME}` that holds it.",
            "examples": ["${ORDER_ARCHIVE_BUCKET}", "orders-archive"],
        },
        "key": {
            "type": "string",
            "minLength": 1,
            "description": "Key of the object. Default: table, day and delivery id.",
            "examples": ["orders/{{ keys.order_id }}/{{ eventID }}.json"],
        },
        "body": {
            "description": "What to write: a text as it is, anything else as JSON. Default: the change.",
            "examples": [{"order": "{{ keys.order_id }}", "status": "{{ new.status }}"}, "{{ new }}"],
        },
        "content_type": {
            "type": "string",
            "pattern": r"^[!-~]+/[!-~]+(; ?[!-~]+)*$",
            "description": "Media type of the object. Default: `application/json`, of a text `text/plain`.",
            "examples": ["text/csv; charset=utf-8"],
        },
        "gzip": {
            "type": "boolean",
            "default": False,
            "description": "Compress the object.",
            "examples": [True],
        },
        "kms_key": {
            "type": "string",
            "minLength": 1,
            "description": "ARN of the KMS key to encrypt with. Default: the bucket's own encryption.",
            "examples": ["${ARCHIVE_KEY_ARN}", "arn:aws:kms:eu-west-1:123456789012:key/1f2e-example"],
        },
    },
}

MODES = ("at_least_once", "once")
PAYLOAD = ("body",)
MOST_BYTES = 16 * 1024 * 1024
TARGETS = ("bucket", "kms_key", "content_type")
SECRET_FIELDS: tuple[str, ...] = ()
CONNECTION = ("bucket", "kms_key")

_is_name = re.compile(r"(?!xn--|sthree-)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]").fullmatch
_is_address = re.compile(r"[0-9]+(?:\.[0-9]+){3}").fullmatch
_is_kms_key = re.compile(r"arn:[^:]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+").fullmatch


@dataclass(frozen=True, slots=True)
class S3Action:
    """Writes one object for each record. `key` is None for the default; `constant` is the same each time."""

    bucket: str
    key: Template | None
    body: Callable[[StreamRecord], Any]
    content_type: str | None
    gzip: bool
    constant: Mapping[str, str]
    client: Any

    @property
    def target(self) -> str:
        return f"s3 {self.bucket}"

    def render(self, delivery: Delivery) -> dict[str, Any]:
        record = delivery.match.record
        content = self.body(record)
        body = text_of(content)
        size = len(body.encode())
        if size > MOST_BYTES:
            raise TemplateError(f"the body has {size} bytes: an object takes at most {MOST_BYTES}")
        of_a_text = "text/plain; charset=utf-8" if isinstance(content, str) else "application/json"
        return {
            "Bucket": self.bucket,
            "Key": self._render_key(delivery),
            "Body": body,
            "ContentType": self.content_type or of_a_text,
            "Metadata": {"delivery-id": delivery.id},
            **self.constant,
        }

    def _render_key(self, delivery: Delivery) -> str:
        record = delivery.match.record
        if self.key is None:
            return _default_key(record, f"{delivery.id}.json{'.gz' if self.gzip else ''}")
        key: str = self.key.render(record.document)
        fault = key_fault(key)
        if fault is not None:
            raise TemplateError(fault)
        return key

    def perform(self, request: Mapping[str, Any]) -> None:
        from botocore.exceptions import ClientError

        body = request["Body"].encode()
        try:
            self.client.put_object(**{**request, "Body": _compressed(body) if self.gzip else body})
        except ClientError as error:
            # An earlier try wrote it, whatever became of its answer.
            if error.response.get("Error", {}).get("Code") != "PreconditionFailed":
                raise


def _compressed(data: bytes) -> bytes:
    # Imported here: most actions do not compress.
    import gzip

    # Without the time: the same change gives the same bytes.
    return gzip.compress(data, mtime=0)


def _default_key(record: StreamRecord, name: str) -> str:
    """Of the record alone, never of the clock: a retry must write the same object."""
    seconds = record.created_at_seconds
    if seconds is None:
        raise TemplateError("the default 'key' needs the time of the change, and the record has none")
    day = datetime.fromtimestamp(int(seconds), UTC)
    return f"{encode(record.table)}/{day:%Y/%m/%d}/{name}"


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> Any:
    """The client."""
    bucket = target(spec.config["bucket"], environment)
    fault = _bucket_fault(bucket)
    if fault is not None:
        raise SettingsError(f"action '{spec.id}': '{bucket}' {fault}")
    if "kms_key" in spec.config:
        key = target(spec.config["kms_key"], environment)
        if not _is_kms_key(key):
            raise SettingsError(f"action '{spec.id}': '{key}' is not the ARN of a key of KMS")
    return clients.client("s3", spec.timeout_seconds)


def permissions(spec: ActionSpec) -> list[Permission]:
    keys = resource_pattern(spec.config["key"]) if "key" in spec.config else "*"
    objects = f"arn:${{AWS::Partition}}:s3:::{spec.config['bucket']}/{keys}"
    needed = [Permission("s3:PutObject", objects)]
    if "kms_key" in spec.config:
        needed.append(Permission("kms:GenerateDataKey", spec.config["kms_key"]))
    return needed


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    return [*_check_bucket(config["bucket"]), *_check_key(config, mode), *_check_kms_key(config)]


def _check_bucket(bucket: str) -> Iterator[ConfigFinding]:
    fault = None if references(bucket) else _bucket_fault(bucket)
    if fault is not None:
        hint = "write the bucket's name alone, or ${NAME} for a variable of the function"
        if ":" not in bucket and (bucket != bucket.lower() or "_" in bucket):
            hint = "a bucket's name has lower-case letters, digits, '-' and '.' only; or write ${NAME}"
        yield ConfigFinding("RE109", ("bucket",), f"'bucket' {fault}", hint)


def _bucket_fault(bucket: str) -> str | None:
    if bucket.startswith(("arn:", "s3:", "https:")):
        return "is not a bucket's name but an address"
    return None if _is_name(bucket) and not _is_address(bucket) else "is not the name of a bucket"


def _check_key(config: Mapping[str, Any], mode: str) -> Iterator[ConfigFinding]:
    if "key" not in config:
        return
    fault = template_fault(config["key"])
    if fault is not None:
        hint = "write it as in orders/{{ keys.order_id }}/{{ eventID }}.json"
        yield ConfigFinding("RE109", ("key",), fault, hint)
    elif mode == "once" and not any("eventID" in hole.expression for hole in holes(config["key"])):
        message = "'mode: once' needs a key of its own for each change, and 'key' has no {{ eventID }}"
        hint = "add {{ eventID }} to 'key', leave 'key' out for the default, or leave 'mode' out"
        yield ConfigFinding("RE308", ("key",), message, hint)


def _check_kms_key(config: Mapping[str, Any]) -> Iterator[ConfigFinding]:
    key = config.get("kms_key")
    if key is not None and not references(key) and not _is_kms_key(key):
        # An alias cannot stand in the function's permissions.
        hint = "write arn:aws:kms:<region>:<account>:key/<id>, or ${NAME} for a variable of the function"
        yield ConfigFinding("RE109", ("kms_key",), "'kms_key' is not the ARN of a key of KMS", hint)


def build(
    spec: ActionSpec, scope: Scope, environment: Mapping[str, str], clients: Clients | None
) -> S3Action:
    config = spec.config
    refuse_errors(spec, check(config, spec.mode))
    constant = {}
    if config.get("gzip", False):
        constant["ContentEncoding"] = "gzip"
    if "kms_key" in config:
        constant["ServerSideEncryption"] = "aws:kms"
        constant["SSEKMSKeyId"] = target(config["kms_key"], environment)
    if spec.mode == "once":
        constant["IfNoneMatch"] = "*"
    key = config.get("key")
    return S3Action(
        bucket=target(config["bucket"], environment),
        key=None if key is None else compile_template(key, scope, environment, encode=encode),
        body=payload(spec, "body", scope, environment),
        content_type=target(config["content_type"], environment) if "content_type" in config else None,
        gzip=config.get("gzip", False),
        constant=constant,
        # Without clients the texts in `environment` may be stand-ins.
        client=None if clients is None else connect(spec, environment, clients),
    )
