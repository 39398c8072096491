"""A rendered request in the words of the rule, for tests to compare with.

In: an action as written and the request that it rendered. Out: the request's own members, and beside them
those of the rule: `subject` for `Subject`, `put: {...}` in plain values for an `Item` of DynamoDB JSON. A
type that is not named here, another package's, is compared by the members of its request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.attribute_value import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.model import ActionSpec


def payload_of(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    """What a test may expect of the action."""
    in_words = _IN_WORDS.get(spec.type)
    return dict(request) if in_words is None else {**request, **in_words(spec, request)}


def _log(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"level": request["level"].lower()}


def _message(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    """Of SNS or SQS, which call the message by another name."""
    words = {_in_snake_case(name): value for name, value in request.items() if name != "MessageAttributes"}
    if "message_body" in words:
        words["message"] = words.pop("message_body")
    if "attributes" in spec.config:  # also where all of them are null, and the request has none
        attributes = request.get("MessageAttributes", {})
        words["attributes"] = {name: _message_attribute(value) for name, value in attributes.items()}
    return words


def _eventbridge(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "event_bus": request["EventBusName"],
        "source": request["Source"],
        "detail_type": request["DetailType"],
        "detail": exact_json.loads(request["Detail"]),
    }


def _firehose(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    record = exact_json.loads(request["Record"]["Data"])
    return {"delivery_stream": request["DeliveryStreamName"], "record": record}


def _lambda(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "function": request["FunctionName"],
        "invocation": "wait" if request["InvocationType"] == "RequestResponse" else "async",
        "payload": exact_json.loads(request["Payload"]),
    }


def _stepfunctions(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    arn, text = request["stateMachineArn"], request["input"]
    return {"state_machine_arn": arn, "input": exact_json.loads(text)}


def _metric(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    (directive,) = request["_aws"]["CloudWatchMetrics"]
    (metric,), (names,) = directive["Metrics"], directive["Dimensions"]
    return {
        "namespace": directive["Namespace"],
        "name": metric["Name"],
        "unit": metric["Unit"],
        "value": request[metric["Name"]],
        "dimensions": {name: request[name] for name in names},
    }


def _opensearch(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    words: dict[str, Any] = {"index": request["_index"], "document_id": request["_id"]}
    if "document" in request:
        words["document"] = exact_json.loads(request["document"])
    return words


def _s3(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "bucket": request["Bucket"],
        "key": request["Key"],
        "body": request["Body"],
        "content_type": request["ContentType"],
    }


def _in_snake_case(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _message_attribute(attribute: Mapping[str, Any]) -> Any:
    if attribute["DataType"] in ("Number", "String.Array"):
        return exact_json.loads(attribute["StringValue"])
    return attribute.get("StringValue", attribute.get("BinaryValue"))


def _webhook(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    """Headers travel in small letters; they may be expected as the rule writes them, too."""
    sent = request["headers"]
    as_written = {name: sent[name.lower()] for name in spec.config.get("headers", {})}
    return {"headers": {**sent, **as_written}}


def _table(spec: ActionSpec, request: Mapping[str, Any]) -> dict[str, Any]:
    words: dict[str, Any] = {"table": request["TableName"]}
    if "put" in spec.config:
        words["put"] = _values(request["Item"])
    elif "sync" in spec.config:
        words["sync"] = {"item": _values(request["Item"])}
    elif "delete" in spec.config:
        words["delete"] = {"key": _values(request["Key"])}
    else:
        words["update"] = {"key": _values(request["Key"]), **_update(request)}
    return words


def _values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: decode(value) for name, value in attributes.items()}


def _update(request: Mapping[str, Any]) -> dict[str, Any]:
    """`set`, `add` and `remove` of an update expression, in which placeholders stand for names and values."""
    names, values = request["ExpressionAttributeNames"], request.get("ExpressionAttributeValues", {})
    words: dict[str, Any] = {}
    _, *parts = re.split(r"\b(SET|ADD|REMOVE) ", request["UpdateExpression"])
    for part, written in zip(parts[::2], parts[1::2], strict=True):
        pairs = [re.split(r" (?:= )?", change) for change in written.strip().split(", ")]
        paths = [re.sub(r"#\w+", lambda found: names[found[0]], path) for path, *_ in pairs]
        if part == "REMOVE":
            words["remove"] = paths
        else:
            placeholders = [placeholder for _, placeholder in pairs]
            words[part.lower()] = {
                path: decode(values[placeholder])
                for path, placeholder in zip(paths, placeholders, strict=True)
            }
    return words


_IN_WORDS: dict[str, Callable[[ActionSpec, Mapping[str, Any]], dict[str, Any]]] = {
    "eventbridge": _eventbridge,
    "firehose": _firehose,
    "lambda": _lambda,
    "log": _log,
    "metric": _metric,
    "opensearch": _opensearch,
    "s3": _s3,
    "sns": _message,
    "sqs": _message,
    "stepfunctions": _stepfunctions,
    "table": _table,
    "webhook": _webhook,
}
