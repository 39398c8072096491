"""Keep a search index equal to the table: one document for each item.

```yaml
- type: opensearch
  endpoint: ${ORDER_SEARCH_ENDPOINT}
  domain_arn: ${ORDER_SEARCH_DOMAIN_ARN}
  index: orders
  document: {status: "{{ new.status }}", total: "{{ new.total }}"}
```

- `endpoint`: `https://` and the host of an OpenSearch Service domain, a Serverless collection or a cluster of
  your own, without a path.
- exactly one of `domain_arn`, `collection_arn` and `basic_auth`. The ARN of a domain or collection says as
  what the requests are signed (Signature Version 4), and stands in the function's permissions.
- `basic_auth`: in place of an ARN, a user of OpenSearch itself: a secret that is `name:password`
  (`${secret:order-search}`), or the name with a secret behind it (`writer:${secret:order-search#password}`).
  After 401 or 403 it is read anew, and if it has changed, the request is sent once more at once.
- `index`: name of the index, in lower case. `${NAME}` may stand in these, a hole may not: an item whose
  index changed would stay in the old one.
- `document_id`: default: the item's key, its parts in the order of their names with `/` between
  them. It has at most 512 bytes; a longer key is replaced by its SHA-256. Only `keys` and `table` may stand
  in it, for an item keeps its document. Two tables that share an index need
  `document_id: "{{ table }}/{{ keys.id }}"`.
- `document`: a map. Default: the new image. Numbers are exact in the source of the document; what the search
  makes of them is for the mapping of the index to say (a whole number of more than 63 bits is refused where
  the mapping makes a `long` of it).

An INSERT or MODIFY indexes the document, a REMOVE deletes it. Each carries the item's version, made of the
sequence number (`external_gte`), so however often and in whatever order changes come, an older one never
replaces a newer one; it counts as superseded. With `mode: once` a repeat leaves the document alone
(`external`). Let the rule match every change of the items to be found, removals too.

OpenSearch forgets the version of a deleted document after `index.gc_deletes`, 60 seconds by default: set it
to `1d`, since a stream repeats no change that is older, and to more where dead letters of this action wait
longer before they are sent again. Fill a new index where the table was restored or its stream made anew.

Make the index before, with its mapping: OpenSearch otherwise makes one at the first document, also for a name
that was misspelt. What the server refuses for the document itself becomes a dead letter (the code is its
error type, such as `mapper_parsing_exception`); an index or a server that is out of reach is waited for.

Documents of one index go out up to 500 and 5 MiB in a call of `_bulk`. Where requests may go is decided as
for a webhook: a domain in a VPC has a private address and must be named in `RULES_ENGINE_PRIVATE_HOSTS`, with
port 443. Permissions: `es:ESHttpPost` on the `_bulk` of this index, or `aoss:APIAccessAll` on the collection,
whose data access policy must allow `aoss:WriteDocument` besides; with `basic_auth` reading the secret. Where
a domain has fine-grained access control, the function's role, or the user, must be mapped to a role of
OpenSearch that may write to the index. Limit: 5 MiB a document.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Any, ClassVar

from rules_engine import exact_json
from rules_engine.actions import ConfigFinding, Permission, refuse_errors
from rules_engine.actions.document_version import version_of
from rules_engine.actions.endpoint import parse_url
from rules_engine.actions.login import authorization, is_login, login_fault
from rules_engine.actions.rendering import json_of, target, text_of
from rules_engine.error_class import class_of_status
from rules_engine.errors import ActionError, SettingsError, Superseded, TemplateError
from rules_engine.light_dataclass import dataclass
from rules_engine.secret_text import hidden
from rules_engine.template import compile_template, field_template, holes, references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rules_engine.actions import Clients, Signer
    from rules_engine.actions.transport import Answer, Transport
    from rules_engine.errors import ErrorClass
    from rules_engine.model import ActionSpec, Delivery, Scope
    from rules_engine.record import StreamRecord
    from rules_engine.secret_text import SecretText
    from rules_engine.template import Template

TYPE = "opensearch"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["endpoint", "index"],
    "properties": {
        "endpoint": {
            "type": "string",
            "minLength": 1,
            "description": "URL of the domain or collection, without a path, or a `${NAME}` that holds it.",
            "examples": [
                "${ORDER_SEARCH_ENDPOINT}",
                "https://search-orders-abcdefghijklmnopqrstuvwxyz.eu-west-1.es.amazonaws.com",
            ],
        },
        "domain_arn": {
            "type": "string",
            "minLength": 1,
            "description": "ARN of the OpenSearch Service domain, or a `${NAME}` that holds it.",
            "examples": ["${ORDER_SEARCH_DOMAIN_ARN}", "arn:aws:es:eu-west-1:123456789012:domain/orders"],
        },
        "collection_arn": {
            "type": "string",
            "minLength": 1,
            "description": "ARN of the OpenSearch Serverless collection, or a `${NAME}` that holds it.",
            "examples": [
                "${ORDER_SEARCH_COLLECTION_ARN}",
                "arn:aws:aoss:eu-west-1:123456789012:collection/07tjusf2h91cunochc",
            ],
        },
        "basic_auth": {
            "type": "string",
            "minLength": 1,
            "description": "Reference to the name and password of a user: `name:password`.",
            "examples": ["${secret:order-search}", "writer:${secret:order-search#password}"],
        },
        "index": {
            "type": "string",
            "minLength": 1,
            "description": "Name of the index, or a `${NAME}` that holds it.",
            "examples": ["orders", "${ORDER_INDEX}"],
        },
        "document_id": {
            "type": "string",
            "minLength": 1,
            "description": "Id of the document, made of `keys`. Default: the item's key.",
            "examples": ["{{ keys.order_id }}"],
        },
        "document": {
            "type": ["object", "string"],
            "minLength": 1,
            "description": "What to index: a map, or one hole that yields a map. Default: the new image.",
            "examples": [{"status": "{{ new.status }}", "total": "{{ new.total }}"}, "{{ new.search }}"],
        },
    },
}

TARGETS = ("endpoint", "domain_arn", "collection_arn", "basic_auth", "index")
SECRET_FIELDS = ("basic_auth",)
CONNECTION = ("endpoint", "domain_arn", "collection_arn", "basic_auth", "index")
MODES = ("at_least_once", "once")
PAYLOAD = ("document",)
MOST_BYTES = 5 * 1024 * 1024

ID_LIMIT_BYTES = 512
MOST_ENTRIES = 500
ANSWER_LIMIT_BYTES = 1024 * 1024
"""Twenty times what 500 entries take, each with its status and the type of its error."""
TIMEOUT_SECONDS = 10.0

# The reasons of errors quote documents: they are not even asked for.
_QUERY = "filter_path=errors%2Citems.%2A.status%2Citems.%2A.error.type"
_HEADERS = {"content-type": "application/x-ndjson", "user-agent": "rules-engine"}
_ARNS = {
    "domain_arn": re.compile(r"arn:[^:]+:es:[a-z0-9-]+:[0-9]{12}:domain/[a-z][a-z0-9-]{2,27}").fullmatch,
    "collection_arn": re.compile(r"arn:[^:]+:aoss:[a-z0-9-]+:[0-9]{12}:collection/[a-z0-9]{3,40}").fullmatch,
}
_WHAT = {
    "domain_arn": "an OpenSearch Service domain",
    "collection_arn": "an OpenSearch Serverless collection",
}
_SERVICES = {"domain_arn": "es", "collection_arn": "aoss"}
_IDENTITIES = (*_ARNS, "basic_auth")

REFUSED_AS_UNKNOWN = frozenset({401, 403})
"""What a server answers to a password that it does not take, or no longer."""

_is_index = re.compile(r"[a-z0-9][a-z0-9._-]{0,254}").fullmatch
_is_error_type = re.compile(r"[a-z_]{1,80}").fullmatch
_varies = re.compile(
    r"(?<![.\w'\"`])(new|old|eventID|eventName|createdAt|sequenceNumber|expired|awsRegion)\b"
).search

_OF_THE_TARGET: dict[str, ErrorClass] = {
    "cluster_block_exception": "systemic",
    "index_closed_exception": "systemic",
    "index_not_found_exception": "systemic",
    "invalid_index_name_exception": "systemic",
    "security_exception": "systemic",
    "circuit_breaking_exception": "transient",
}
"""Error types that say nothing of the document, whatever their status."""


@dataclass(frozen=True, slots=True)
class OpenSearchAction:
    """Indexes or deletes one document for each record. `document_id` is None for the item's key."""

    most_entries: ClassVar[int] = MOST_ENTRIES
    most_bytes: ClassVar[int] = MOST_BYTES
    endpoint: str
    index: str
    document_id: Template | None
    document: Template
    version_type: str
    timeout_seconds: float
    transport: Transport | None
    sign: Signer | None
    login: SecretText | None
    """In place of a signature."""
    monotonic: Callable[[], float]

    @property
    def target(self) -> str:
        return f"opensearch {self.endpoint}"

    @property
    def batch_key(self) -> str:
        return f"{self.target}/{self.index}"

    def render(self, delivery: Delivery) -> dict[str, Any]:
        record = delivery.match.record
        request: dict[str, Any] = {
            "operation": "delete" if record.event_name == "REMOVE" else "index",
            "_index": self.index,
            "_id": self._render_id(record),
            "version": version_of(record),
            "version_type": self.version_type,
        }
        if request["operation"] == "index":
            request["document"] = self._render_document(record)
        return request

    def _render_id(self, record: StreamRecord) -> str:
        if self.document_id is None:
            return _key_as_id(record)
        found = text_of(self.document_id.render(record.document))
        size = len(found.encode())
        if not 0 < size <= ID_LIMIT_BYTES:
            raise TemplateError(f"the document's id has {size} bytes: OpenSearch takes 1 to {ID_LIMIT_BYTES}")
        return found

    def _render_document(self, record: StreamRecord) -> str:
        document = json_of(self.document.render(record.document))
        if not document.startswith("{"):
            raise TemplateError("the document is not a map")
        size = len(document.encode())
        if size > MOST_BYTES:
            raise TemplateError(f"the document has {size} bytes: at most {MOST_BYTES} are sent")
        return document

    def perform(self, request: Mapping[str, Any]) -> None:
        (error,) = self.perform_batch([request])
        if error is not None:
            raise error

    def entry_bytes(self, request: Mapping[str, Any]) -> int:
        return len(_entry(request))

    def perform_batch(self, requests: Sequence[Mapping[str, Any]]) -> list[Exception | None]:
        items = _items(self._send(b"".join(map(_entry, requests))))
        if len(items) != len(requests):
            raise _unreadable()
        return [_error(request["operation"], item) for request, item in zip(requests, items, strict=True)]

    def _send(self, body: bytes) -> bytes:
        """The answer to a call of `_bulk`."""
        url = f"{self.endpoint}/{self.index}/_bulk?{_QUERY}"
        answer = self._answer(url, body)
        # Raised here, where no variable holds a secret and no other exception is under way.
        if isinstance(answer, ActionError):
            raise answer
        if answer.status != 200:
            message = f"the index server answered {answer.status}"
            error_class = class_of_status(answer.status)
            raise ActionError(f"HTTP_{answer.status}", message, error_class, answer.retry_after_seconds)
        return answer.body

    def _answer(self, url: str, body: bytes) -> Answer | ActionError:
        if self.transport is None or (self.sign is None and self.login is None):
            raise ActionError("NOT_CONNECTED", "the action was built without clients: it can only render")
        if self.sign is None:
            return self._answer_to_user(url, body)
        headers = self.sign("POST", url, _HEADERS, body)
        return self.transport.send("POST", url, headers, body, self.timeout_seconds, ANSWER_LIMIT_BYTES)

    def _answer_to_user(self, url: str, body: bytes) -> Answer | ActionError:
        """Never raises: its frames have the password, and tracebacks may be logged with what frames hold."""
        try:
            return self._exchange(url, body)
        except ActionError as error:
            return ActionError(error.code, str(error), error.error_class, error.retry_after_seconds)
        except Exception as error:  # noqa: BLE001 - what a library says may quote the request
            return ActionError(type(error).__name__, "the request could not be sent")

    def _exchange(self, url: str, body: bytes) -> Answer | ActionError:
        """Sends it; once more if the server does not take the user and there is a newer password."""
        assert self.login is not None
        assert self.transport is not None
        until = self.monotonic() + self.timeout_seconds
        refused: Answer | None = None
        tried = ""
        while True:
            fault = login_fault(self.login)
            if fault is not None:
                return ActionError("SECRET_UNUSABLE", f"'basic_auth' cannot be used: {fault}", "systemic")
            header = authorization(self.login)
            # Rounded, for messages may say it.
            seconds = round(until - self.monotonic(), 3)
            if refused is not None and (header == tried or seconds <= 0):
                return refused
            headers = {**_HEADERS, "authorization": header}
            answer = self.transport.send("POST", url, headers, body, seconds, ANSWER_LIMIT_BYTES)
            if refused is not None or answer.status not in REFUSED_AS_UNKNOWN:
                return answer
            refused, tried = answer, header
            self.login.renew()


def _key_as_id(record: StreamRecord) -> str:
    """The same for every change of an item, and of no other item of its table."""
    keys = record.keys
    if not keys:
        raise TemplateError("the document's id is the item's key, and the record has none")
    parts = [text_of(keys[name]) for name in sorted(keys)]
    if len(parts) > 1:
        parts = [part.replace("%", "%25").replace("/", "%2F") for part in parts]
    name = "/".join(parts).encode()
    return name.decode() if len(name) <= ID_LIMIT_BYTES else hashlib.sha256(name).hexdigest()


def _entry(request: Mapping[str, Any]) -> bytes:
    """The lines of one document in the body of `_bulk`. The index is in the URL, where IAM can see it."""
    head = {name: request[name] for name in ("_id", "version", "version_type")}
    lines = [exact_json.dumps({request["operation"]: head})]
    if "document" in request:
        lines.append(request["document"])
    return "".join(f"{line}\n" for line in lines).encode()


def _items(body: bytes) -> list[Any]:
    try:
        items = exact_json.loads(body.decode())["items"]
    except (ValueError, LookupError, TypeError):
        raise _unreadable() from None
    if not isinstance(items, list):
        raise _unreadable()
    return items


def _unreadable() -> ActionError:
    return ActionError("ANSWER", "the answer does not say what came of each document")


def _error(operation: str, item: Any) -> Exception | None:
    """What came of one document; None where the index now has what it should."""
    try:
        result = item[operation]
        status = int(result["status"])
        error_type = result.get("error", {}).get("type", "")
    except (LookupError, TypeError, ValueError, AttributeError):
        return _unreadable()
    # A document that is not there needs no deleting.
    if 200 <= status <= 299 or (operation == "delete" and status == 404 and not error_type):
        return None
    if status == 409:
        return Superseded("the index holds this version or a newer one")
    code = error_type if _is_error_type(str(error_type)) else f"HTTP_{status}"
    error_class = _OF_THE_TARGET.get(code) or class_of_status(status)
    return ActionError(code, f"the index server refused the document with {status}", error_class)


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> Signer | None:
    """What signs the requests; None where a user's name and password are sent."""
    for name in ("endpoint", "index", *_ARNS):
        if name in spec.config:
            fault = _fault(name, target(spec.config[name], environment))
            if fault is not None:
                raise SettingsError(f"action '{spec.id}': {fault}")
    if "basic_auth" in spec.config:
        fault = login_fault(_login(spec.config, environment))
        if fault is not None:
            raise SettingsError(f"action '{spec.id}': 'basic_auth' cannot be used: {fault}")
        return None
    identity = next(name for name in _ARNS if name in spec.config)
    region = target(spec.config[identity], environment).split(":")[3]
    return clients.signer(_SERVICES[identity], region)


def _login(config: Mapping[str, Any], environment: Mapping[str, str]) -> SecretText:
    return hidden(target(config["basic_auth"], environment, takes_secrets=True))


def permissions(spec: ActionSpec) -> list[Permission]:
    if "basic_auth" in spec.config:
        # Imported here: the function itself never asks.
        from rules_engine.actions.secret_permissions import secret_permissions

        return secret_permissions(spec.config["basic_auth"])
    if "domain_arn" in spec.config:
        return [Permission("es:ESHttpPost", f"{spec.config['domain_arn']}/{spec.config['index']}/_bulk")]
    return [Permission("aoss:APIAccessAll", spec.config["collection_arn"])]


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    return [*_check_targets(config), *_check_identity(config), *_check_id(config)]


_HINTS = {
    "endpoint": "write https://<host>, or ${NAME} for a variable of the function",
    "index": "write lower-case letters, digits, '-', '_' and '.', such as orders-2",
    "domain_arn": "write arn:aws:es:<region>:<account>:domain/<name>, or ${NAME} that holds it",
    "collection_arn": "write arn:aws:aoss:<region>:<account>:collection/<id>, or ${NAME} that holds it",
}


def _check_targets(config: Mapping[str, Any]) -> Iterator[ConfigFinding]:
    for name, hint in _HINTS.items():
        if name in config and not references(config[name]):
            fault = _fault(name, config[name])
            if fault is not None:
                yield ConfigFinding("RE109", (name,), fault, hint)


def _fault(name: str, text: str) -> str | None:
    """Why the text cannot stand under this key."""
    if name == "endpoint":
        return _endpoint_fault(text)
    if name == "index":
        return None if _is_index(text) else f"'{text}' is not the name of an index"
    return None if _ARNS[name](text) else f"'{text}' is not the ARN of {_WHAT[name]}"


def _endpoint_fault(text: str) -> str | None:
    try:
        url = parse_url(text)
    except ValueError as error:
        return str(error)
    if url.endpoint.scheme != "https":
        return "the URL must start with https://"
    return None if url.target == "/" else "'endpoint' must not have a path or a query"


def _check_identity(config: Mapping[str, Any]) -> Iterator[ConfigFinding]:
    given = [name for name in _IDENTITIES if name in config]
    if len(given) > 1:
        message = f"'{given[0]}' does not go together with '{given[1]}'"
        yield ConfigFinding("RE308", (given[1],), message, "keep the one that 'endpoint' belongs to")
    elif not given:
        message = "an opensearch action needs 'domain_arn', 'collection_arn' or 'basic_auth'"
        hint = "add the ARN of what 'endpoint' belongs to: requests are signed for it"
        yield ConfigFinding("RE308", (), message, hint)
    if "basic_auth" in config and not is_login(config["basic_auth"]):
        message = "the password of 'basic_auth' must come from a secret"
        hint = "keep it in Secrets Manager and write ${secret:name}, or user:${secret:name#password}"
        yield ConfigFinding("RE306", ("basic_auth",), message, hint)


def _check_id(config: Mapping[str, Any]) -> Iterator[ConfigFinding]:
    if "document_id" not in config:
        return
    found = holes(config["document_id"])
    varying = next((match[1] for hole in found if (match := _varies(hole.expression))), None)
    hint = "make it of 'keys', such as {{ keys.order_id }}, or leave it out for the item's key"
    if varying is not None:
        message = f"'document_id' must not come from '{varying}': an item must keep its document"
        yield ConfigFinding("RE308", ("document_id",), message, hint)
    elif not found and not references(config["document_id"]):
        yield ConfigFinding("RE308", ("document_id",), "'document_id' would be the same for every item", hint)


def build(
    spec: ActionSpec,
    scope: Scope,
    environment: Mapping[str, str],
    clients: Clients | None,
    transport: Transport | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> OpenSearchAction:
    """`transport` and the clock are for tests and for whoever brings a network of his own."""
    config = spec.config
    refuse_errors(spec, check(config))
    return OpenSearchAction(
        endpoint=target(config["endpoint"], environment).rstrip("/"),
        index=target(config["index"], environment),
        document_id=compile_template(config["document_id"], scope, environment)
        if "document_id" in config
        else None,
        document=compile_template(config["document"], scope, environment)
        if "document" in config
        else field_template("new"),
        # A repeat of a change writes what is there already, unless that is not wanted.
        version_type="external" if spec.mode == "once" else "external_gte",
        # A bundle's numbers are Decimal, which sockets do not take.
        timeout_seconds=float(spec.timeout_seconds or TIMEOUT_SECONDS),
        transport=transport or (None if clients is None else clients.transport),
        # Without clients the texts in `environment` may be stand-ins.
        sign=None if clients is None else connect(spec, environment, clients),
        login=None if clients is None or "basic_auth" not in config else _login(config, environment),
        monotonic=monotonic,
    )
