"""Publish a message to an SNS topic.

```yaml
- type: sns
  topic_arn: ${ORDER_EVENTS_TOPIC_ARN}
  subject: "Order {{ keys.order_id }} shipped"
  message: {order: "{{ keys.order_id }}", total: "{{ new.total }}"}
  attributes: {status: "{{ new.status }}"}
```

- `topic_arn`: the topic; `${NAME}` may stand in it, a hole may not.
- `message`: a text is sent as it is, anything else as JSON with exact numbers. Default: the change
  (`eventID`, `eventName`, `table`, `createdAt`, `keys`, `new`, `old`).
- `subject`: for e-mail subscribers; ASCII, one line, at most 100 characters.
- `attributes`: for subscription filters. A text becomes `String`, a number `Number`, a list or a DynamoDB set
  `String.Array`, a DynamoDB binary `Binary`, `true` and `false` the text. What is null is left out.

A topic whose name ends in `.fifo` gets the item's key as message group, so the messages of one item stay in
order, and the delivery id as deduplication id, so a repeat within five minutes is dropped.

Permissions: `sns:Publish` on the topic. Limit: 256 KiB for message and attributes together; a larger one is
an error of the record, not of the topic.
"""

from __future__ import annotations

from typing import Any

TYPE = "sns"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["topic_arn"],
    "properties": {
        "topic_arn": {
            "type": "string",
            "minLength": 1,
            "description": "ARN of the topic, or a `${NAME}` that holds it.",
            "examples": ["${ORDER_EVENTS_TOPIC_ARN}", "arn:aws:sns:eu-west-1:123456789012:orders"],
        },
        "subject": {
            "type": "string",
            "minLength": 1,
            "description": "Subject of e-mails made of the message: ASCII, one line, at most 100 characters.",
            "examples": ["Order {{ keys.order_id }} shipped"],
        },
        "message": {
            "description": "What to send: a text as it is, anything else as JSON. Default: the change.",
            "examples": [{"order": "{{ keys.order_id }}"}, "Order {{ keys.order_id }} shipped"],
        },
        "attributes": {
            "type": "object",
            # The names that SNS takes: no dot at either end or twice, at most 256 characters.
            "propertyNames": {"pattern": r"^(?=.{1,256}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"},
            "additionalProperties": {"type": ["string", "number", "boolean", "array"]},
            "description": "Message attributes by name, for the filters of subscriptions.",
            "examples": [{"status": "{{ new.status }}", "total": "{{ new.total }}"}],
        },
    },
}

TARGETS = ("topic_arn",)
SECRET_FIELDS: tuple[str, ...] = ()
