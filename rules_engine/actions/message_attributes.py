"""Message attributes of SNS and SQS, which are one and the same.

In: values by name, as a template rendered them. Out: attributes in the form of the API, binaries still as
base64 text, so that a request stays plain data until it is sent.
"""

from __future__ import annotations

from base64 import b64decode
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rules_engine.actions import ConfigFinding
from rules_engine.actions.rendering import json_of, text_of
from rules_engine.attribute_value import Binary
from rules_engine.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Attributes = dict[str, dict[str, str]]


def message_attributes(values: Mapping[str, Any], service: str) -> Attributes:
    """What is null is left out. Raises TemplateError, in whose message `service` takes no such value."""
    attributes = {}
    for name, value in values.items():
        if value is None:
            continue
        attribute = _attribute(name, value, service)
        if "" in attribute.values():
            raise TemplateError(_empty(name, service))
        attributes[name] = attribute
    return attributes


def check_attributes(values: Mapping[str, Any], service: str) -> Iterator[ConfigFinding]:
    """Attributes that are empty for every record."""
    for name, value in values.items():
        if value == "":
            hint = "write a value, or remove the key"
            yield ConfigFinding("RE109", ("attributes", name), _empty(name, service), hint)


def message_bytes(message: str, attributes: Mapping[str, Mapping[str, str]]) -> int:
    """How much of the services' limit a message takes. A binary counts as its base64 text, a third more than
    they count: near the limit, never beyond it."""
    size = len(message.encode())
    for name, attribute in attributes.items():
        size += len(name.encode()) + sum(len(text.encode()) for text in attribute.values())
    return size


def with_bytes(request: Mapping[str, Any]) -> dict[str, Any]:
    """A rendered request as boto3 takes it."""
    parameters = dict(request)
    if "MessageAttributes" in request:
        parameters["MessageAttributes"] = {
            name: _decoded(attribute) for name, attribute in request["MessageAttributes"].items()
        }
    return parameters


def _empty(name: str, service: str) -> str:
    return f"the message attribute '{name}' is empty, which {service} does not take"


def _attribute(name: str, value: Any, service: str) -> dict[str, str]:
    if isinstance(value, Binary):
        return {"DataType": "Binary", "BinaryValue": str(value)}
    if isinstance(value, (str, bool)):
        return {"DataType": "String", "StringValue": text_of(value)}
    if isinstance(value, (int, float, Decimal)):
        return {"DataType": "Number", "StringValue": json_of(value)}
    if isinstance(value, (list, tuple)):
        return {"DataType": "String.Array", "StringValue": json_of(value)}
    raise TemplateError(f"the message attribute '{name}' is a map, which {service} does not take")


def _decoded(attribute: Mapping[str, str]) -> dict[str, Any]:
    if "BinaryValue" not in attribute:
        return dict(attribute)
    return {**attribute, "BinaryValue": b64decode(attribute["BinaryValue"])}
