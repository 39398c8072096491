"""What the action types share in making a request: payloads, texts and targets.

In go templates and records; out come values and texts ready for a request. Everything that cannot be rendered
is a TemplateError here, whichever part of a value it comes from; its message names types, never values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.errors import AttributeValueError, RuleSetError, TemplateError
from rules_engine.model import EMPTY_SCOPE
from rules_engine.template import compile_template, holes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.model import ActionSpec, Scope
    from rules_engine.record import StreamRecord

PAYLOAD_FIELDS = ("eventID", "eventName", "table", "createdAt", "keys", "new", "old")


def change_of(record: StreamRecord) -> dict[str, Any]:
    """The change itself: what an action sends where the rule names no payload."""
    document = record.document
    return {name: document[name] for name in PAYLOAD_FIELDS}


def payload(
    spec: ActionSpec, key: str, scope: Scope, environment: Mapping[str, str]
) -> Callable[[StreamRecord], Any]:
    """What turns a record into the payload that the config has under `key`, or into the change."""
    if key not in spec.config:
        return change_of
    template = compile_template(spec.config[key], scope, environment)
    return lambda record: template.render(record.document)


def is_one_hole(value: Any) -> bool:
    """Whether a value of a config is a hole and nothing else, which can give anything."""
    if not isinstance(value, str):
        return False
    found = holes(value)
    return len(found) == 1 and (found[0].start, found[0].end) == (0, len(value))


def target(text: str, environment: Mapping[str, str], *, takes_secrets: bool = False) -> str:
    """`text` with its references resolved, those to secrets only with `takes_secrets`. A hole is refused:
    record data never chooses a target."""
    if holes(text):
        raise RuleSetError(f"the target '{text}' must not hold a hole")
    rendered: str = compile_template(text, EMPTY_SCOPE, environment, takes_secrets=takes_secrets).render({})
    return rendered


def json_of(value: Any) -> str:
    """Compact JSON with exact numbers."""
    try:
        return exact_json.dumps(value)
    except AttributeValueError as error:
        raise TemplateError(f"the item has an attribute that cannot be read: {error}") from None
    except (ValueError, TypeError) as error:
        raise TemplateError(f"cannot be written as JSON: {error}") from None


def text_of(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return str(value) if isinstance(value, str) else json_of(value)
