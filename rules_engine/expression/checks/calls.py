"""Calls of functions: the name, how many arguments, and the types that are known before there is a record.

In: a call. Out: findings for functions that do not exist, with the one that was meant where that is clear,
for too many or too few arguments, and for arguments that can never be of the type the function takes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine.expression.checks.inference import UNKNOWN, constant, known_type
from rules_engine.expression.checks.mistake import shown, string
from rules_engine.expression.checks.places import Place
from rules_engine.expression.checks.spelling import nearest, only_near
from rules_engine.expression.functions import FUNCTIONS, REFERENCES, Function
from rules_engine.expression.values import type_name

if TYPE_CHECKING:
    from rules_engine.expression.checks.report import Report
    from rules_engine.expression.node import Node

_MEANT = {
    "contains": "has includes include in_list any_of index_of find",
    "starts_with": "begins_with has_prefix prefix",
    "ends_with": "has_suffix suffix",
    "length": "len size count strlen",
    "lower": "to_lower lowercase lcase to_lower_case",
    "upper": "to_upper uppercase ucase to_upper_case",
    "trim": "strip",
    "glob": "like match matches regex regex_match wildcard fnmatch",
    "to_number": "int float number parse_int parse_float decimal num",
    "to_string": "str string",
    "not_null": "coalesce if_null nvl default",
    "join": "concat",
    "type": "type_of get_type",
    "cidr_contains": "cidr cidrmatch ip_in_cidr in_cidr",
    "changed": "modified updated has_changed is_changed differs",
    "became": "becomes changed_to",
    "present": "exists attribute_exists has_attribute is_present isset defined",
    "!present": "not_exists attribute_not_exists missing absent is_missing",
}
_OTHER_NAMES = {other.replace("_", ""): name for name, others in _MEANT.items() for other in others.split()}
"""What functions are called elsewhere, in lower case and without underscores."""
_QUANTIFIERS = frozenset({"any", "all", "some", "every", "none", "filter", "count_if", "exists_in"})
_NULL_TESTS = frozenset({"is_null", "isnull", "is_none", "isnone", "is_nil"})
_GETTERS = frozenset({"get", "getattr", "get_attribute", "at"})
_CLOCKS = frozenset({"now", "today", "current_date", "current_timestamp", "date", "time", "timestamp"})
_ORDINALS = ("first", "second", "third", "fourth")


def check_call(place: Place, report: Report) -> None:
    """A call and its arguments."""
    call = place.node
    function = FUNCTIONS.get(call.value)
    if function is None:
        _report_unknown(place, report)
        return
    if _check_method(place, report, function) or _check_count(place, report, function):
        return
    for index, argument in enumerate(call.children):
        _check_argument(Place(argument, place.meaning, place, index), report, function)


# The name


def _report_unknown(place: Place, report: Report) -> None:
    call = place.node
    message = f"unknown function '{call.value}'"
    word = call.value.lower()
    meant = _OTHER_NAMES.get(word.replace("_", "")) or nearest(call.value, FUNCTIONS)
    name_start = report.text.index(call.value, call.start)
    marked = (name_start, name_start + len(call.value))
    attribute = _path_in_item(call.children[0]) if len(call.children) == 1 else None
    if meant in ("present", "!present") and attribute:
        report.add(place, "RE204", message, "", f"{meant}(&{attribute})")
    elif word == "default" and place.parent and place.parent.node.type == "pipe" and len(call.children) == 1:
        mend = f"{place.siblings[0].text} || {call.children[0].text}"
        report.add_alone(place.parent, "RE204", message, "", mend)
    elif word in _NULL_TESTS and attribute and call.children[0].type != "literal":
        mend = f"{call.children[0].text} == `null`"
        joined = place.parent is None or place.parent.node.type in ("and_expression", "or_expression")
        report.add(place, "RE204", message, "", mend if joined else f"({mend})")
    elif word in _GETTERS and (name := _name_got(place)) and place.parent:
        owner = report.text[place.parent.node.start : place.parent.node.children[place.index - 1].end]
        marked = (place.parent.node.start, call.end)
        report.add(place, "RE204", message, "an attribute follows a dot", f"{owner}.{name}", marked=marked)
    elif word in ("secret", "env", "getenv"):
        form = "${secret:NAME}" if word == "secret" else "${NAME}"
        report.add(place, "RE204", message, f"it is written {form}, outside of holes and conditions")
    elif word == "isinstance":
        report.add(place, "RE204", message, "a type is asked for by a function: type(new.a) == 'string'")
    elif word in _QUANTIFIERS:
        hint = "a filter picks elements of a list, and is true where one is left: new.items[?price > `5`]"
        report.add_alone(place, "RE204", message, hint, marked=marked)
    elif meant:
        fix = only_near(call.value, FUNCTIONS)
        report.add_alone(place, "RE204", message, f"did you mean '{meant}'?", marked=marked, fix=fix)
    elif word in _CLOCKS:
        hint = "there is no clock: the same record must come to the same tomorrow; use createdAt"
        report.add_alone(place, "RE204", message, hint, marked=marked)
    else:
        report.add_alone(
            place, "RE204", message, f"functions are {', '.join(sorted(FUNCTIONS))}", marked=marked
        )


def _name_got(place: Place) -> str | None:
    """The name in `new.get('status')`."""
    call = place.node
    if not call.follows_dot or len(call.children) != 1 or call.children[0].type != "literal":
        return None
    name = call.children[0].value
    return name if isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name) else None


def _path_in_item(node: Node) -> str | None:
    """The path inside of the item that `new.status`, `status` and `'status'` mean."""
    if node.type == "literal" and isinstance(node.value, str):
        return node.value if re.fullmatch(r"\w+(?:\.\w+)*", node.value) else None
    if node.type == "field":
        return node.text
    if node.type == "subexpression" and all(child.type == "field" for child in node.children):
        inner = node.children[1:] if node.children[0].value in ("new", "old") else node.children
        return ".".join(child.text for child in inner)
    return None


# How many arguments


def _check_method(place: Place, report: Report, function: Function) -> bool:
    """`new.tags.contains('vip')`."""
    call, parent = place.node, place.parent
    fits = len(call.children) == len(function.parameters) - 1
    if not call.follows_dot or parent is None or parent.node.type != "subexpression" or not fits:
        return False
    owner = report.text[parent.node.start : parent.node.children[place.index - 1].end]
    if function.reads_images:
        owner = "&" + re.sub(r"^(?:new|old)\.", "", owner)
    arguments = ", ".join([owner, *(child.text for child in call.children)])
    message = f"'{function.name}' is a function, not a method of a value"
    mend = f"{function.name}({arguments})"
    report.add(place, "RE205", message, "", mend, marked=(parent.node.start, call.end))
    return True


def _check_count(place: Place, report: Report, function: Function) -> bool:
    call, least = place.node, len(function.parameters)
    given = len(call.children)
    if given == least or (function.variadic and given >= least):
        return False
    takes = f"{'at least ' if function.variadic else ''}{least} argument{'s' if least > 1 else ''}"
    message = f"'{function.name}' takes {takes}, not {given}"
    mend = _became(call) or _with_what_is_piped(place, least)
    hint = "" if mend else _of_several(call) or f"an example is {function.example}"
    report.add(place, "RE205", message, hint, mend)
    return True


def _with_what_is_piped(place: Place, least: int) -> str | None:
    """`new.tags | join(', ')`, where other languages hand on the first argument of themselves."""
    call, parent = place.node, place.parent
    if parent is None or parent.node.type != "pipe" or place.index == 0 or len(call.children) != least - 1:
        return None
    arguments = [child.text for child in call.children]
    arguments.insert(len(arguments) if call.value == "join" else 0, "@")
    return f"{call.value}({', '.join(arguments)})"


def _became(call: Node) -> str | None:
    """`became(&status == 'A')` and `changed(&status, 'A')`, both meant as `became(&status, 'A')`."""
    first = call.children[0] if call.children else None
    if first is None or first.type != "expref":
        return None
    inner = first.children[0]
    if call.value == "became" and inner.type == "comparator" and inner.value == "eq":
        path, value = inner.children
        return f"became(&{path.text}, {value.text})"
    if call.value == "changed" and len(call.children) == 2 and call.children[1].type != "expref":
        return f"became({first.text}, {call.children[1].text})"
    return None


def _of_several(call: Node) -> str:
    """How to ask of several paths, or from which value to which; '' where neither was meant."""
    types = [child.type for child in call.children]
    if call.value in ("changed", "present") and len(types) > 1 and set(types) == {"expref"}:
        calls = [f"{call.value}({child.text})" for child in call.children]
        return f"it takes one path: write {' || '.join(calls)}, or && where all must be so"
    if call.value == "became" and len(types) == 3 and types[0] == "expref":
        path, before, after = (child.text for child in call.children)
        return f"write old.{path[1:].strip()} == {before} && became({path}, {after})"
    return ""


# Their types


def _check_argument(place: Place, report: Report, function: Function) -> None:
    node, position = place.node, min(place.index, len(function.parameters) - 1)
    types = function.parameters[position]
    if REFERENCES.intersection(types):
        _check_reference(place, report, function)
    elif node.type == "expref":
        message = f"'{function.name}' takes a value here, not a path"
        report.add(place, "RE205", message, "", node.children[0].text)
    elif types != ("any",):
        _check_type(place, report, function, types)


def check_expref(place: Place, report: Report) -> None:
    """`&path` elsewhere than among the arguments of a function."""
    if place.parent is None or place.parent.node.type != "function_expression":
        message = f"{shown(place.node.text)} does not stand in a function that takes a path"
        report.add(place, "RE205", message, "a path as a value has no &", place.node.children[0].text)


def _check_reference(place: Place, report: Report, function: Function) -> None:
    node = place.node
    path = node.children[0] if node.type == "expref" else node
    if node.type == "expref" and path.type != "literal":
        return
    what = "the path of an attribute" if function.reads_images else "an expression for each element"
    message = f"'{function.name}' takes {what} as its {_ORDINALS[place.index]} argument"
    attribute = _path_in_item(path)
    mend = f"&{attribute}" if attribute else None
    report.add(place, "RE205", message, "" if mend else "it begins with &, such as &status", mend)


def _check_type(place: Place, report: Report, function: Function, types: tuple[str, ...]) -> None:
    node = place.node
    value, kind = constant(node, report.scope), known_type(node, report.scope)
    if kind is None or _fits(value, kind, types):
        return
    wanted, ordinal = " or ".join(_DESCRIBED[name] for name in types), _ORDINALS[min(place.index, 3)]
    message = f"'{function.name}' takes {wanted} as its {ordinal} argument, not {_DESCRIBED[kind]}"
    mend = _converted(node, value, types) if node.type == "literal" else None
    report.add(place, "RE205", message, "" if mend else f"an example is {function.example}", mend)


def _fits(value: Any, kind: str, types: tuple[str, ...]) -> bool:
    for name in types:
        wanted, _, element = name.partition("-")
        if kind != wanted:
            continue
        if not element or value is UNKNOWN or all(type_name(item) == element for item in value):
            return True
    return False


_DESCRIBED = {
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "array-number": "a list of numbers",
    "array-string": "a list of texts",
    "object": "a map",
    "expref": "a path",
}


def _converted(node: Node, value: Any, types: tuple[str, ...]) -> str | None:
    """The constant as the type that was wanted."""
    kind = type_name(value)
    if types == ("string",) and kind == "number":
        return string(node.text.strip("`").strip())
    if types == ("number",) and kind == "string" and re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", value):
        return f"`{value}`"
    return None
