"""The actions of one rule: shape, ids, templates, targets, secrets.

In: the `actions` node of a rule, the file's `Expressions`, and which images are never there. Out: an
`ActionSpec` for every action that has a type, and problems. What only a type itself can know is asked of its
`check`, and only where its schema and its templates are in order: one mistake gives one problem.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from rules_engine.actions import (
    ACTIONS,
    COMMON_PROPERTIES,
    ActionType,
    ConfigFinding,
    action_type,
    action_types,
)
from rules_engine.expression.checks.spelling import nearest, only_near, slipped
from rules_engine.loader.action_texts import check_texts
from rules_engine.loader.fixes import fix_of
from rules_engine.loader.payload_size import check_size
from rules_engine.loader.shape import check_foreign_shape, check_shape, is_known, missing_key
from rules_engine.loader.wording import article, flow
from rules_engine.model import ActionSpec
from rules_engine.schema import action_shape
from rules_engine.template import holes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules_engine.errors import Location, Problem
    from rules_engine.loader.conditions import Expressions
    from rules_engine.source import Node

_OTHER_TYPES = {
    "dynamodb": "table", "ddb": "table", "put": "table", "put_item": "table", "http": "webhook",
    "https": "webhook", "post": "webhook", "url": "webhook", "rest": "webhook", "topic": "sns",
    "notify": "sns", "notification": "sns", "email": "sns", "publish": "sns", "print": "log",
    "logger": "log", "stdout": "log", "cloudwatch": "log", "queue": "sqs", "fifo": "sqs", "send": "sqs",
    "send_message": "sqs", "event_bus": "eventbridge", "eventbus": "eventbridge", "bus": "eventbridge",
    "events": "eventbridge", "put_events": "eventbridge", "kinesis": "firehose", "archive": "firehose",
    "delivery_stream": "firehose", "put_record": "firehose", "function": "lambda", "invoke": "lambda",
    "sfn": "stepfunctions", "step_functions": "stepfunctions", "step-functions": "stepfunctions",
    "state_machine": "stepfunctions", "workflow": "stepfunctions", "start_execution": "stepfunctions",
    "emf": "metric", "gauge": "metric", "count": "metric", "counter": "metric",
    "bucket": "s3", "object": "s3", "put_object": "s3", "elasticsearch": "opensearch",
    "elastic": "opensearch", "search": "opensearch", "index": "opensearch", "es": "opensearch",
    "aoss": "opensearch",
}  # fmt: skip
"""What people call the types."""


@cache
def known_types() -> Mapping[str, ActionType]:
    """All action types. Looking through the installed packages takes 30 ms: only a name that is not ours
    needs it."""
    return action_types()


def _find_type(name: Any) -> ActionType | None:
    if not isinstance(name, str):
        return None
    return action_type(name) if name in ACTIONS else known_types().get(name)


@cache
def _is_ours(name: str) -> bool:
    """Whether the type's schema keeps to the keywords that `shape` knows."""
    return is_known(action_shape(name))


def check_actions(
    node: Node, expressions: Expressions, absent: Mapping[str, str]
) -> tuple[tuple[ActionSpec, ...], list[Problem]]:
    """The actions of a rule, and all problems of them."""
    problems: list[Problem] = []
    specs = []
    tests = tests_among(node)
    if tests:
        message = "the key 'tests' is missing before this test"
        hint = "write 'tests:' on the line above, in the column of 'actions:'"
        problems.append(node.source.problem("RE108", message, tests[0].location, hint))
    for item in node.items():
        if item in tests:
            continue
        spec, found = _check_action(item, expressions, absent)
        problems += found
        if spec is not None:
            specs.append((spec, item))
    problems += _same_ids(specs)
    return tuple(spec for spec, _ in specs), problems


def tests_among(actions: Node) -> list[Node]:
    """The entries of a list of actions that are tests of the rule."""
    return [
        item
        for item in actions.items()
        if item.kind == "mapping" and "type" not in item.value and not _OF_TESTS.isdisjoint(item.value)
    ]


_OF_TESTS = frozenset({"record", "record_file", "expect"})

_ANY_ACTION: dict[str, Any] = {"title": "action", "type": "object", "examples": [{"type": "log"}]}


def _check_action(
    node: Node, expressions: Expressions, absent: Mapping[str, str]
) -> tuple[ActionSpec | None, list[Problem]]:
    problems = _as_text(node) or check_shape(node, _ANY_ACTION, "an action")
    if problems or node.broken:
        return None, problems
    problems = [] if node.get("type") is not None else _without_type(node)
    type_node = node.get("type")
    if type_node is None:
        return None, problems
    found = _find_type(type_node.value)
    if found is not None:
        spec, of_type = _check_typed(node, type_node.value, found, expressions, absent)
        return spec, problems + of_type
    if type_node.broken:
        return None, problems
    near, problem = _unknown_type(type_node, node)
    # Of the type that was meant, so that no test names an unknown action for it.
    meant = None if near is None else _spec(node, near, _config(node))
    return meant, [*problems, problem]


def _as_text(node: Node) -> list[Problem]:
    """`- log`, the name of a type by itself."""
    if node.broken or node.kind != "scalar" or _find_type(node.value) is None:
        return []
    message = "an action must be a mapping, but it is text"
    hint, fix = f"write: {{type: {node.value}}}", fix_of(node, f"{{type: {node.value}}}")
    return [node.source.problem("RE107", message, node.location, hint, fix=fix)]


def _without_type(node: Node) -> list[Problem]:
    """That there is no type, or what was written for 'type', which is read as that from here on."""
    words = {"action", "kind", "typ", "Type", "types"}
    wrong = next(
        (key for key in node.keys if key in words or nearest(key, ["type"]) or slipped(key, ["type"])), None
    )
    if wrong is not None:
        message = f"unknown key '{wrong}' in an action"
        key = node.keys[wrong]
        fix = fix_of(key, "type")
        problem = node.source.problem("RE106", message, key.location, "did you mean 'type'?", fix=fix)
        node.rename({wrong: "type"})
        return [problem]
    as_key = next((key for key in node.keys if key in known_types()), None)
    problem = missing_key(node, "type", {"title": "action"}, "action", None)
    hint = f"add 'type': one of {', '.join(known_types())}"
    if as_key is not None and "table" not in node.keys:
        hint = f"write 'type: {as_key}' and the keys of the action beside it"
    return [node.source.problem(problem.code, problem.message, problem.location, hint)]


def _unknown_type(node: Node, action: Node) -> tuple[str | None, Problem]:
    """(the type that was meant, if one was, problem)"""
    written = node.written()
    near = "metric" if str(node.value).lower() == "cloudwatch" and "namespace" in action.value else None
    near = near or _OTHER_TYPES.get(str(node.value).lower()) or nearest(str(node.value), known_types())
    listed = f"the types are {', '.join(known_types())}"
    hint = f"did you mean '{near}'? {listed}" if near else listed
    fix = fix_of(node, near) if near and near == only_near(str(node.value), known_types()) else None
    return near, node.source.problem(
        "RE301", f"unknown action type '{written}'", node.location, hint, fix=fix
    )


def _check_typed(
    node: Node, name: str, action_type: ActionType, expressions: Expressions, absent: Mapping[str, str]
) -> tuple[ActionSpec, list[Problem]]:
    check = check_shape if _is_ours(name) else check_foreign_shape
    problems = _once_explained(node, action_type, check(node, action_shape(name), "action"))
    config = {key: value for key, value in node.entries() if key not in COMMON_PROPERTIES}
    problems += check_texts(config, action_type, expressions, absent)
    plain = _config(node)
    spec = _spec(node, name, plain)
    sound = all(problem.severity == "warning" for problem in problems)
    if sound and not any(value.broken for value in config.values()):
        problems += [_of_config(node, finding) for finding in action_type.check(plain, spec.mode)]
    if not problems:
        problems += check_size(node, action_type, expressions.scope)
    return spec, problems


def _config(node: Node) -> dict[str, Any]:
    return {key: value.plain() for key, value in node.entries() if key not in COMMON_PROPERTIES}


def _once_explained(node: Node, action_type: ActionType, problems: list[Problem]) -> list[Problem]:
    """`problems` of an action's shape, with more to say where the type cannot do what `once` promises."""
    mode = node.get("mode")
    if mode is None or mode.value != "once" or "once" in action_type.MODES:
        return problems
    message = f"{article(f'{action_type.TYPE} action')} cannot be done once"
    able = ", ".join(name for name, each in known_types().items() if "once" in each.MODES)
    hint = f"leave 'mode' out: a receiver can tell a repeat by {{{{ eventID }}}}; {able} can be done once"
    explained = node.source.problem("RE308", message, mode.location, hint)
    return [explained if problem.location == mode.location else problem for problem in problems]


def _spec(node: Node, name: str, config: dict[str, Any]) -> ActionSpec:
    common: dict[str, Any] = {}
    for key in ("id", "mode", "on_error", "timeout_seconds"):
        value = node.get(key)
        if value is not None and value.kind == "scalar" and value.value is not None:
            common[key] = value.value
    timeout = common.get("timeout_seconds")
    seconds = None if timeout is None or isinstance(timeout, str) else float(timeout)
    return ActionSpec(
        id=str(common.get("id", name)),
        type=name,
        config=config,
        mode=str(common.get("mode", "at_least_once")),
        on_error=str(common.get("on_error", "retry")),
        timeout_seconds=seconds,
    )


def _of_config(node: Node, finding: ConfigFinding) -> Problem:
    """What the type itself has against the action, at the value it is about."""
    at, key = node, node.keys.get("type")
    location = node.value["type"].location
    for step in finding.path:
        if isinstance(step, str) and at.get(step) is not None:
            key, at = at.keys[step], at.value[step]
        elif isinstance(step, int) and at.kind == "sequence" and step < len(at.value):
            key, at = None, at.value[step]
        location = _place(at, key, finding)
    hint = finding.hint or _example_hint(finding, action_shape(node.value["type"].value))
    return node.source.problem(finding.code, finding.message, location, hint, severity=finding.severity)


def _example_hint(finding: ConfigFinding, schema: dict[str, Any]) -> str | None:
    key = finding.path[0] if finding.path else ""
    example = next(iter(schema["properties"].get(key, {}).get("examples", ())), None)
    return f"write for example: {key}: {flow(example)}" if example is not None else None


def _place(node: Node, key: Node | None, finding: ConfigFinding) -> Location:
    if node.kind == "scalar" and isinstance(node.value, str) and not _is_about(key, finding):
        found = holes(node.value) if finding.code == "RE303" else ()
        return node.locate(found[0].start, found[0].end - found[0].start) if found else node.location
    return key.location if key is not None else node.location


def _is_about(key: Node | None, finding: ConfigFinding) -> bool:
    """Whether a finding is about the key itself, not about its value."""
    return key is not None and len(finding.path) > 1 and f"'{key.value}'" in finding.message


def _same_ids(specs: list[tuple[ActionSpec, Node]]) -> Iterator[Problem]:
    first: dict[str, Node] = {}
    for spec, node in specs:
        shown = node.get("id") or node.value["type"]
        known = first.setdefault(spec.id, node)
        if known is node:
            continue
        earlier = known.get("id") or known.value["type"]
        named = node.get("id") is not None
        message = f"two actions of this rule have the id '{spec.id}'"
        hint = "give one of them another id"
        if not named:
            message = f"this rule has two actions of type '{spec.type}' and no 'id' to tell them apart"
            hint = f"add for example id: {spec.type}-2; then leave it, for retries are keyed on it"
        related = ((earlier.location, "the first one is here"),)
        yield node.source.problem("RE304", message, shown.location, hint, related=related)
