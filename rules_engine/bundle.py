"""A rule set as one file that the function loads without YAML.

`dump` writes canonical JSON: the format version, the SHA-256 of the rules' text, and the rules with every
default left out. `load` refuses another format version, a wrong sum and anything it cannot read, with a
`BundleError` that says which. Tests and source positions stay with the author: the function needs neither.
Scopes are written once and referred to by number, because all rules of a file share one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from rules_engine import exact_json
from rules_engine.errors import BundleError
from rules_engine.model import ActionSpec, Rule, RuleSet, Scope, Unless

FORMAT = 1

_LEFT_OUT = frozenset({"tests", "location", "scope"})
"""Fields of a rule that are not written as they stand; `scope` becomes a number."""


def dump(rule_set: RuleSet) -> bytes:
    """The bundle of `rule_set`: the same rules give the same bytes."""
    scopes: list[Scope] = []
    rules = []
    for rule in rule_set.rules:
        if rule.scope not in scopes:
            scopes.append(rule.scope)
        rules.append(_rule_to_json(rule, scopes.index(rule.scope)))
    content = {"scopes": [_to_json(scope) for scope in scopes], "rules": rules}
    text = exact_json.dumps({"format": FORMAT, "sha256": _digest(content), **content})
    return text.encode()


def load(data: bytes) -> RuleSet:
    """The rule set that `dump` wrote. Raises BundleError."""
    try:
        document = exact_json.loads(data.decode())
    except ValueError as error:
        raise BundleError(f"the bundle is not JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise BundleError("the bundle is not a JSON object")
    version = document.get("format")
    if version != FORMAT:
        raise BundleError(f"the bundle has format {version!r}, and this version reads format {FORMAT} only")
    content: dict[str, Any] = {"scopes": document.get("scopes"), "rules": document.get("rules")}
    if document.get("sha256") != _digest(content):
        raise BundleError("the bundle's SHA-256 does not match its rules: it was changed after it was built")
    try:
        scopes = [Scope(**scope) for scope in content["scopes"]]
        return RuleSet(tuple(_rule_from_json(rule, scopes) for rule in content["rules"]))
    except (TypeError, KeyError, IndexError) as error:
        raise BundleError(f"the bundle's rules cannot be read: {error}") from error


def digest(rule_set: RuleSet) -> str:
    """SHA-256 of the rules, as hexadecimal text: what a bundle of `rule_set` carries."""
    sha256: str = exact_json.loads(dump(rule_set).decode())["sha256"]
    return sha256


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(exact_json.dumps(content).encode()).hexdigest()


def _rule_to_json(rule: Rule, scope: int) -> dict[str, Any]:
    written = _to_json(rule, _LEFT_OUT)
    written["scope"] = scope
    written["actions"] = [_to_json(action) for action in rule.actions]
    if rule.unless:
        written["unless"] = [_to_json(exception) for exception in rule.unless]
    return written


def _rule_from_json(rule: Mapping[str, Any], scopes: list[Scope]) -> Rule:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in rule.items()
    }
    values["scope"] = scopes[rule["scope"]]
    values["actions"] = tuple(ActionSpec(**action) for action in rule["actions"])
    values["unless"] = tuple(
        Unless(**{**exception, "when": tuple(exception["when"])}) for exception in rule.get("unless", ())
    )
    return Rule(**values)


def _to_json(value: Any, left_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The fields of a model object that differ from their default."""
    return {
        field.name: getattr(value, field.name)
        for field in fields(value)
        if field.name not in left_out and getattr(value, field.name) != _default(field)
    }


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return object() if field.default is MISSING else field.default
