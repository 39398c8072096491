"""Where a condition of a rule stands, found again when somebody wants to be shown.

In: the path of a rule file, and a rule's clause by the label that explanations give it. Out: its node in the
file as it is now, or None. To keep every rule's tree for this would cost more than to read a file twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.loader.files import read_bytes
from rules_engine.source import parse_source

if TYPE_CHECKING:
    from rules_engine.source import Node

_LABEL = re.compile(r"(?P<key>when|unless)(?:\[(?P<name>.*?)\])?(?:\[(?P<number>[0-9]+)\])?", re.DOTALL)


def read_tree(path: str) -> Node | None:
    """The root of a rule file; None if it cannot be read."""
    data, problem = read_bytes(path)
    return None if problem is not None else parse_source(path, data)[0]


def condition_at(root: Node, rule_id: str, label: str) -> Node | None:
    """The condition that a rule's explanation calls `label`; its list of events for `event`; the named
    condition of the file for `is.NAME`."""
    if label.startswith("is."):
        conditions = root.get("conditions")
        return None if conditions is None else conditions.get(label.removeprefix("is."))
    rules = root.get("rules")
    for rule in rules.items() if rules is not None else ():
        name = rule.get("id")
        if name is not None and name.value == rule_id:
            return rule.get("event") if label == "event" else _clause(rule, label)
    return None


def _clause(rule: Node, label: str) -> Node | None:
    found = _LABEL.fullmatch(label)
    if found is None:
        return None
    if found["key"] == "when":
        return _element(rule.get("when"), found["name"])
    exceptions = rule.get("unless")
    for exception in exceptions.items() if exceptions is not None else ():
        name = exception.get("name")
        if name is not None and name.value == found["name"]:
            return _element(exception.get("when"), found["number"])
    return None


def _element(node: Node | None, number: str | None) -> Node | None:
    """The condition itself, or an element of a list of them."""
    if node is None or node.kind == "scalar":
        return node
    elements = node.items()
    position = int(number or 0)
    return elements[position] if position < len(elements) else None
