"""The shapes of rule files and test files as JSON Schema, assembled from the action types' own schemas.

Out: `rules_schema()` and `tests_schema()` for editors and other tools, and the pieces of them that the loader
checks one by one, so that what an editor accepts and what `validate` accepts is one text. Draft 2020-12,
closed everywhere an author writes keys. What only the other values of a file can tell (a table that
`defaults` gives, ids that meet) is the loader's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from rules_engine.actions import COMMON_PROPERTIES, action_type, action_types
from rules_engine.model import EVENT_NAMES, VIEWS

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

ID_PATTERN = "^[a-z0-9][a-z0-9-]*$"
NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"
TABLE_PATTERN = "^[A-Za-z0-9_.-]{3,255}$"
DATE_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

PATTERN_HINTS = {
    ID_PATTERN: "use lower-case letters, digits and '-', beginning with a letter or a digit",
    NAME_PATTERN: "use letters, digits and '_', beginning with a letter",
    TABLE_PATTERN: "write the name of the table: 3 to 255 letters, digits, '_', '-' and '.'",
    DATE_PATTERN: "write a date as YYYY-MM-DD, such as 2027-06-30",
}
"""What to write instead of a text that one of the patterns refuses."""


def rules_schema() -> Schema:
    """The schema of a rule file, with the action types of all installed packages."""
    return {
        "$schema": DIALECT,
        "description": "Rules for changes of DynamoDB items: event, condition, actions.",
        **file_shape(rule_shape(_any_action(), _with_described_record(test_shape()))),
    }


def tests_schema() -> Schema:
    """The schema of a `*.test.yaml` file."""
    shape = tests_file_shape()
    tests = {**shape["properties"]["tests"], "items": _with_described_record(file_test_shape())}
    return {
        "$schema": DIALECT,
        "description": "Tests of rules that are defined in other files of the rule set.",
        **shape,
        "properties": {**shape["properties"], "tests": tests},
    }


def _with_described_record(test: Schema) -> Schema:
    """`test` in which the keys of a record in plain values are described, for editors.

    The loader's shape has none of them: a stream record may stand there too, and a record in plain values is
    checked by itself.
    """
    record = {**test["properties"]["record"], "properties": RECORD_SHAPE["properties"]}
    return {**test, "properties": {**test["properties"], "record": record}}


def file_shape(rule: Schema) -> Schema:
    """A rule file whose rules have the shape `rule`."""
    return {
        "title": "rule file",
        "type": "object",
        "additionalProperties": False,
        "required": ["rules"],
        "properties": {
            "version": {
                "const": 1,
                "description": "Version of the rule language; 1 is the only one.",
                "examples": [1],
            },
            "defaults": {
                "title": "mapping of defaults",
                "type": "object",
                "additionalProperties": False,
                "description": "Keys for every rule of this file that does not have them itself.",
                "examples": [{"table": "orders", "owner": "fulfilment"}],
                "properties": {name: _RULE_PROPERTIES[name] for name in ("table", "view", "owner")},
            },
            "vars": {
                "type": "object",
                "propertyNames": {"pattern": NAME_PATTERN},
                "description": "Constants of this file, used as vars.NAME in conditions and holes.",
                "examples": [{"big_order": 1000}],
            },
            "lists": {
                "type": "object",
                "propertyNames": {"pattern": NAME_PATTERN},
                "additionalProperties": {"type": "array"},
                "description": "Lists of constants of this file, used as lists.NAME.",
                "examples": [{"test_customers": ["c-test-1", "c-test-2"]}],
            },
            "conditions": {
                "type": "object",
                "propertyNames": {"pattern": NAME_PATTERN},
                "additionalProperties": _EXPRESSION,
                "description": "Named conditions of this file, used as is.NAME.",
                "examples": [{"vip": "new.customer.tier == 'gold'"}],
            },
            "rules": {
                "type": "array",
                "minItems": 1,
                "items": rule,
                "description": "The rules of this file.",
                "examples": [[{"id": "order-shipped", "table": "orders", "actions": [{"type": "log"}]}]],
            },
        },
    }


def rule_shape(action: Schema, test: Schema | None = None) -> Schema:
    """A rule whose actions have the shape `action`, and its tests `test`. `defaults` may give its `table`."""
    actions = {
        "type": "array",
        "minItems": 1,
        "items": action,
        "description": "What to do with a record that matches, in this order.",
        "examples": [[{"type": "log"}]],
    }
    tests = {
        "type": "array",
        "minItems": 1,
        "items": test or test_shape(),
        "description": "Records to try the rule on, and what must come of them.",
        "examples": [[_TEST]],
    }
    return {
        "title": "rule",
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "actions"],
        "properties": {**_RULE_PROPERTIES, "actions": actions, "tests": tests},
    }


@cache
def action_shape(type_name: str) -> Schema:
    """An action of one type: the keys of its own schema and those that every action has."""
    found = action_type(type_name)
    own = found.SCHEMA
    mode = {**COMMON_PROPERTIES["mode"], "enum": list(found.MODES), "examples": [found.MODES[-1]]}
    return {
        "title": f"{type_name} action",
        **own,
        "required": ["type", *own.get("required", [])],
        "properties": {**COMMON_PROPERTIES, "mode": mode, **own.get("properties", {})},
    }


def _any_action() -> Schema:
    names = list(action_types())
    return {
        "title": "action",
        "type": "object",
        "required": ["type"],
        "properties": {"type": {**COMMON_PROPERTIES["type"], "enum": names}},
        "allOf": [
            {
                "if": {"required": ["type"], "properties": {"type": {"const": name}}},
                "then": action_shape(name),
            }
            for name in names
        ],
    }


def tests_file_shape() -> Schema:
    """A `*.test.yaml` file."""
    return {
        "title": "test file",
        "type": "object",
        "additionalProperties": False,
        "required": ["tests"],
        "properties": {
            "version": {"const": 1, "description": "Version of the rule language.", "examples": [1]},
            "tests": {
                "type": "array",
                "minItems": 1,
                "items": file_test_shape(),
                "description": "The tests of this file.",
                "examples": [[{"rule": "order-shipped", **_TEST}]],
            },
        },
    }


def test_shape() -> Schema:
    """A test that stands in a rule."""
    return {
        "title": "test",
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "expect"],
        "properties": _TEST_PROPERTIES,
    }


def file_test_shape() -> Schema:
    """A test of a `*.test.yaml` file, which says what rule it is about or all rules that must match."""
    return {
        "title": "test",
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            **_TEST_PROPERTIES,
            "rule": {
                "type": "string",
                "minLength": 1,
                "description": "Id of the rule that the test is about.",
                "examples": ["order-shipped"],
            },
            "matches": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "uniqueItems": True,
                "description": "Ids of all rules of the rule set that must match; no other may.",
                "examples": [["order-shipped", "order-history"]],
            },
        },
    }


_TEST = {
    "name": "packed to shipped fires",
    "record": {
        "event": "MODIFY",
        "keys": {"order_id": "o-1"},
        "old": {"status": "PACKED"},
        "new": {"status": "SHIPPED"},
    },
    "expect": {"match": True},
}

_EXPRESSION: Schema = {
    "title": "condition",
    "type": "string",
    "minLength": 1,
    "description": "A JMESPath expression.",
    "examples": ["became(&status, 'SHIPPED')"],
}

MOST_CLAUSES = 100
"""Of one rule, and of one exception."""

_WHEN: Schema = {
    "title": "condition",
    "type": ["string", "array"],
    "minLength": 1,
    "minItems": 1,
    "maxItems": MOST_CLAUSES,
    "items": _EXPRESSION,
    "description": "A condition, or a list of conditions of which all must hold.",
    "examples": ["became(&status, 'SHIPPED')", ["changed(&total)", "old.status == 'SHIPPED'"]],
}

_TEXT: Schema = {"type": "string", "minLength": 1}

_EVENT: Schema = {"type": "string", "enum": list(EVENT_NAMES), "examples": ["MODIFY"]}

_TABLE: Schema = {"type": "string", "pattern": TABLE_PATTERN}

_RULE_PROPERTIES: dict[str, Schema] = {
    "id": {
        "type": "string",
        "pattern": ID_PATTERN,
        "maxLength": 128,
        "description": "Name of the rule, unique in the rule set and stable: retries are keyed on it.",
        "examples": ["order-shipped"],
    },
    "description": {
        **_TEXT,
        "description": "What the rule is for.",
        "examples": ["Tell the customer that the order is on its way."],
    },
    "severity": {**_TEXT, "description": "How much the rule matters.", "examples": ["info"]},
    "tags": {
        "type": "array",
        "items": _TEXT,
        "uniqueItems": True,
        "description": "Words to find the rule by.",
        "examples": [["notifications"]],
    },
    "runbook": {
        **_TEXT,
        "description": "Where people read what to do about it.",
        "examples": ["https://wiki.example.com/order-shipped"],
    },
    "owner": {**_TEXT, "description": "Who answers for the rule.", "examples": ["fulfilment"]},
    "enabled": {
        "type": "boolean",
        "default": True,
        "description": "Whether the rule is in force.",
        "examples": [False],
    },
    "table": {
        **_TABLE,
        "type": ["string", "array"],
        "minItems": 1,
        "uniqueItems": True,
        "items": _TABLE,
        "description": "Name of the table whose changes the rule is for, or a list of names.",
        "examples": ["orders", ["orders", "orders-archive"]],
    },
    "view": {
        "type": "string",
        "enum": list(VIEWS),
        "description": "Stream view type of the table: which images its records carry.",
        "examples": ["NEW_AND_OLD_IMAGES"],
    },
    "event": {
        "anyOf": [_EVENT, {"type": "array", "minItems": 1, "uniqueItems": True, "items": _EVENT}],
        "description": "Kind of change, or a list of kinds; without it all kinds.",
        "examples": ["MODIFY", ["INSERT", "MODIFY"]],
    },
    "when": _WHEN,
    "unless": {
        "type": "array",
        "minItems": 1,
        "description": "Named exceptions: records that are not for this rule although 'when' holds.",
        "examples": [[{"name": "test accounts", "when": "contains(new.tags, 'test')"}]],
        "items": {
            "title": "exception",
            "type": "object",
            "additionalProperties": False,
            "required": ["name", "when"],
            "properties": {
                "name": {
                    **_TEXT,
                    "description": "Name by which traces and tests call it.",
                    "examples": ["test accounts"],
                },
                "when": _WHEN,
                "reason": {
                    **_TEXT,
                    "description": "Why there is an exception.",
                    "examples": ["load tests run in production"],
                },
                "expires": {
                    "type": "string",
                    "pattern": DATE_PATTERN,
                    "description": "Last day on which it is in force; after it, validate fails.",
                    "examples": ["2027-06-30"],
                },
            },
        },
    },
}

_IMAGE: Schema = {"type": ["object", "null"]}

RECORD_SHAPE: Schema = {
    "title": "record",
    "type": "object",
    "additionalProperties": False,
    "required": ["event"],
    "properties": {
        "event": {**_EVENT, "description": "Kind of change; EXPIRE is a removal by time to live."},
        "table": {
            **_TEXT,
            "description": "Name of the table; without it, the rule's first.",
            "examples": ["orders"],
        },
        "keys": {
            **_IMAGE,
            "description": "The item's key attributes.",
            "examples": [{"order_id": "o-1"}],
        },
        "new": {
            **_IMAGE,
            "description": "The item after the change; none in a removal.",
            "examples": [{"status": "SHIPPED", "total": 12.5}],
        },
        "old": {
            **_IMAGE,
            "description": "The item before the change; none where it is new.",
            "examples": [{"status": "PACKED", "total": 12.5}],
        },
        "expired": {
            "type": "boolean",
            "description": "Whether time to live removed the item; EXPIRE says so by itself.",
            "examples": [True],
        },
        "eventID": {
            **_TEXT,
            "description": "The change's id; without it, one made of the content.",
            "examples": ["6b9a8c3f0c1e4a5d8e7f9a0b1c2d3e4f"],
        },
        "awsRegion": {**_TEXT, "description": "The table's region.", "examples": ["eu-west-1"]},
        "createdAt": {
            **_TEXT,
            "description": "When the change was made, ISO 8601 with an offset from UTC.",
            "examples": ["2024-07-30T17:20:48Z"],
        },
        "sequenceNumber": {
            **_TEXT,
            "description": "Place of the change in its shard.",
            "examples": ["100000000000000000001"],
        },
    },
}
"""A record in plain values, as tests and `explain` take it."""

_TEST_PROPERTIES: dict[str, Schema] = {
    "name": {
        **_TEXT,
        "description": "What the test shows, as a sentence.",
        "examples": ["packed to shipped fires"],
    },
    "record": {
        "title": "record",
        "type": "object",
        "description": "Event and images in plain values, or a stream record as Lambda delivers it.",
        "examples": [{"event": "INSERT", "keys": {"order_id": "o-1"}, "new": {"status": "NEW"}}],
    },
    "record_file": {
        **_TEXT,
        "description": "File with one stream record or a Lambda event, relative to this file.",
        "examples": ["events/order-shipped.json"],
    },
    "expect": {
        "title": "expectation",
        "type": "object",
        "additionalProperties": False,
        "description": "What must come of the record.",
        "examples": [{"match": True}, {"match": False, "stopped_by": "when"}],
        "properties": {
            "match": {
                "type": "boolean",
                "description": "Whether the rule matches the record.",
                "examples": [True],
            },
            "stopped_by": {
                **_TEXT,
                "description": "What stops the record: enabled, table, event, when, when[1] or unless[NAME].",
                "examples": ["when[1]"],
            },
            "actions": {
                "type": "object",
                "description": "By action id: what the rendered request must contain.",
                "examples": [{"sns": {"subject": "Order o-1 shipped"}}],
            },
            "may_repeat": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": _TEXT,
                "description": "Ids of actions that may take effect again when a record is delivered again.",
                "examples": [["table"]],
            },
        },
    },
}
