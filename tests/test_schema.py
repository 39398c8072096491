"""The JSON Schemas that editors use, and that they accept what the loader accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rules_engine import schema
from rules_engine.actions import ACTIONS, COMMON_PROPERTIES, action_type, action_types
from rules_engine.loader.files import is_test_file
from rules_engine.loader.shape import check_shape, is_known
from rules_engine.source import Node, parse_source

ROOT = Path(__file__).parent.parent

RULES = schema.rules_schema()
TESTS = schema.tests_schema()

EXAMPLES = sorted((ROOT / "rules").rglob("*.yaml")) + sorted(
    (ROOT / "rules_engine/cli/starter").rglob("rules/*.yaml")
)


def tree(value: Any) -> Node:
    # JSON is YAML, but for characters that a rule file may hold only as escapes.
    root, problems = parse_source("r.yaml", json.dumps(value).encode())
    assert problems == []
    assert root is not None
    return root


def schemas_within(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in schemas_within(item)]
    if not isinstance(value, dict):
        return []
    below = [*value.get("properties", {}).values(), *value.get("anyOf", []), *value.get("allOf", [])]
    below += [value[key] for key in ("items", "additionalProperties", "then") if key in value]
    return [value, *schemas_within(below)]


@pytest.mark.parametrize(("name", "made"), [("rules", RULES), ("test", TESTS)])
def test_the_checked_in_schema_is_the_one_that_the_code_makes(name: str, made: dict[str, Any]) -> None:
    assert json.loads((ROOT / f"schemas/{name}.schema.json").read_text()) == made


@pytest.mark.parametrize("made", [RULES, TESTS])
def test_the_schemas_are_valid_and_hold_plain_json(made: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(made)
    assert json.loads(json.dumps(made)) == made


@pytest.mark.parametrize("made", [RULES, TESTS, schema.RECORD_SHAPE])
def test_every_key_of_an_author_has_a_description_and_an_example(made: dict[str, Any]) -> None:
    # Where the type of an action decides what its keys are, `type` stands once more, as a constant.
    bare = [
        (key, name)
        for part in schemas_within(made)
        for key, value in part.get("properties", {}).items()
        for name in ("description", "examples")
        if not value.get(name) and set(value) != {"const"}
    ]
    assert bare == []


@pytest.mark.parametrize("made", [RULES, TESTS, schema.RECORD_SHAPE])
def test_every_example_is_of_its_own_shape(made: dict[str, Any]) -> None:
    for part in schemas_within(made):
        for example in part.get("examples", []):
            Draft202012Validator(part).validate(example)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_editors_accept_the_rules_that_come_along(path: Path) -> None:
    content = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
    root, _ = parse_source(str(path), path.read_bytes())
    assert root is not None
    assert set(content) == set(root.plain())
    made = TESTS if is_test_file(str(path)) else RULES
    errors = [error.message for error in Draft202012Validator(made).iter_errors(root.plain())]
    assert errors == []


def test_no_type_has_a_key_that_every_action_has() -> None:
    """It would be read as that one, and never get to the type."""
    taken = {name: set(action_type(name).SCHEMA["properties"]) & set(COMMON_PROPERTIES) for name in ACTIONS}
    assert taken == {name: set() for name in ACTIONS}


def test_our_own_types_keep_to_the_keywords_that_the_loader_knows() -> None:
    assert [name for name in action_types() if not is_known(schema.action_shape(name))] == []


KEYS = [
    "rules", "version", "defaults", "vars", "lists", "conditions", "id", "table", "event", "when", "actions",
    "type", "tests", "name", "record", "expect", "match", "unless", "tags", "enabled", "view", "expires", "x",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 1000),
    st.sampled_from(["", "a", "orders", "MODIFY", "log", "2027-06-30", "a b", "A", "KEYS_ONLY"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


def seeds() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Shapes with a value of each, from which random ones are made."""
    rule = {
        "id": "a", "table": ["orders"], "event": ["MODIFY"], "when": ["x"], "tags": ["t"], "enabled": True,
        "unless": [{"name": "n", "when": "x", "expires": "2027-06-30"}], "actions": [{}],
        "tests": [{"name": "n", "record": {}, "expect": {"match": True}}],
    }  # fmt: skip
    whole = {"version": 1, "vars": {"a": 1}, "lists": {"b": [1]}, "conditions": {"c": "x"}, "rules": [rule]}
    made = [
        ("file", schema.file_shape(schema.rule_shape({})), whole),
        ("rule", schema.rule_shape({}), rule),
        ("tests", schema.tests_file_shape(), {"tests": [{"name": "n", "rule": "r", "expect": {}}]}),
        ("record", schema.RECORD_SHAPE, {"event": "MODIFY", "new": {}, "old": None}),
    ]
    actions = [
        {"type": "log", "level": "info", "message": "m", "fields": {"a": 1}, "timeout_seconds": 5},
        {"type": "sns", "id": "a", "topic_arn": "t", "attributes": {"a": "b", "c": ["d"]}},
        {"type": "table", "table": "t", "update": {"key": {"a": 1}, "add": {"b": 1}, "remove": ["c"]}},
        {"type": "webhook", "url": "u", "method": "PUT", "headers": {"a": "b"}, "allow_plain_http": True},
    ]
    return made + [(action["type"], schema.action_shape(action["type"]), action) for action in actions]


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    """(a shape, a value that is nearly or not at all of it)"""
    _, shape, seed = draw(st.sampled_from(seeds()))
    value = json.loads(json.dumps(seed))
    for _ in range(draw(st.integers(0, 2))):
        value = changed(draw, value)
    return shape, value


def changed(draw: st.DrawFn, value: Any) -> Any:
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 9)) == 9:
        return draw(VALUES)
    at = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
    if draw(st.integers(0, 4)) == 4:
        del value[at]
    else:
        value[at] = changed(draw, value[at])
    return value


@given(cases())
@settings(max_examples=1000)
def test_the_loader_accepts_exactly_what_json_schema_accepts(case: tuple[dict[str, Any], Any]) -> None:
    shape, value = case
    expected = Draft202012Validator(shape).is_valid(value)
    assert (check_shape(tree(value), shape, "value") == []) == expected
