"""Send the change to an HTTP endpoint, signed.

```yaml
- type: webhook
  url: https://hooks.example.com/orders/{{ keys.order_id }}
  signing_secret: ${secret:orders-webhook}
  body: {order: "{{ keys.order_id }}", status: "{{ new.status }}"}
```

- `url`: `https://`. Holes may stand in path segments and query values only and are percent-encoded; scheme
  and host come from the rule or from `${NAME}`. Not allowed: user information, a fragment, `..` as a
  segment.
- `method`: `POST` (default) or `PUT`.
- `headers`: fixed texts, in which `${NAME}` and `${secret:...}` may stand.
- `body`: always sent as JSON, with exact numbers. Default: the change (`eventID`, `eventName`, `table`,
  `createdAt`, `keys`, `new`, `old`).
- `signing_secret`: one or more `whsec_` keys (base64 of 24 to 64 bytes), separated by a space or a comma
  while keys are rotated; only as a reference.
- `allow_plain_http: true`: allows `http://`, never together with a secret.
- `timeout_seconds`: default 10.

Requests carry the Standard Webhooks headers: `webhook-id` is the delivery id, the same for every repeat, so
the receiver can drop what it already has; with a signing secret also `webhook-timestamp` and
`webhook-signature`. Any answer but 2xx is a failure, a redirect too. Permissions: none, but for reading the
secret. Limit: 256 KiB.
"""

from __future__ import annotations

from typing import Any

TYPE = "webhook"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url"],
    "properties": {
        "url": {
            "type": "string",
            "minLength": 1,
            "description": "Where to send to. Holes may stand in path segments and query values only.",
            "examples": ["https://hooks.example.com/orders/{{ keys.order_id }}", "${ORDERS_WEBHOOK_URL}"],
        },
        "method": {
            "enum": ["POST", "PUT"],
            "default": "POST",
            "description": "HTTP method.",
            "examples": ["PUT"],
        },
        "headers": {
            "type": "object",
            "propertyNames": {"pattern": r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"},
            "additionalProperties": {"type": "string"},
            "description": "Further request headers; never holes.",
            "examples": [{"authorization": "Bearer ${secret:orders-api#token}"}],
        },
        "body": {
            "description": "What to send, as JSON. Default: the change.",
            "examples": [{"order": "{{ keys.order_id }}", "status": "{{ new.status }}"}],
        },
        "signing_secret": {
            "type": "string",
            "minLength": 1,
            "description": "Reference to the `whsec_` keys that sign the request (Standard Webhooks).",
            "examples": ["${secret:orders-webhook}", "${ssm:/orders/webhook-key}"],
        },
        "allow_plain_http": {
            "type": "boolean",
            "default": False,
            "description": "Allow `http://`. Not together with a secret.",
            "examples": [True],
        },
    },
}

TARGETS = ("headers", "signing_secret")
SECRET_FIELDS = ("url", "headers", "signing_secret")
