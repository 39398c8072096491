"""`build_package(rule_set)`: the function's zip, holding the Lambda side of this package and `bundle.json`.

The code is what `rules_engine.handler` imports, directly or not, and the action types, which are imported by
name. Nobody keeps a list, so a module the function starts to need is in the next zip and one it no longer
needs is not. boto3 and jmespath come with the Lambda runtime and are left out. The same rule set and code
give the same bytes: fixed times, sorted names, no compiled files; so a hash of the zip tells whether a
deployment would change anything.
"""

from __future__ import annotations

import ast
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import rules_engine
from rules_engine import bundle
from rules_engine.actions import ACTIONS
from rules_engine.engine import Engine
from rules_engine.function import actions_of
from rules_engine.template import references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.model import RuleSet

ENTRY_POINT = "rules_engine.handler"
BUNDLE_NAME = "bundle.json"
_ROOT = Path(rules_engine.__file__).parent.parent
_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold."""


def build_package(rule_set: RuleSet) -> bytes:
    """The zip to upload: a pure function of the rule set and of the installed code.

    Raises RuleSetError or SettingsError for rules with which the function could not start.
    """
    rules = bundle.dump(rule_set)
    rehearse_start(rules)
    content = {path.relative_to(_ROOT).as_posix(): path.read_bytes() for path in function_files()}
    content[BUNDLE_NAME] = rules
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3  # as on Unix everywhere, or the bytes would tell the platform
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content[name])
    return buffer.getvalue()


def rehearse_start(rules: bytes) -> None:
    """Do what the function does with its bundle, with stand-ins for its environment, and build every action
    besides. Raises what that raises."""
    rule_set = bundle.load(rules)
    Engine.from_rules(rule_set)
    specs = [(rule, spec) for rule in rule_set.rules if rule.enabled for spec in rule.actions]
    named = references([spec.config for _, spec in specs])
    actions = actions_of(rule_set, {each.key: f"${{{each.text}}}" for each in named}, None)
    for rule, spec in specs:
        actions[rule.id, spec.id]


def function_files() -> set[Path]:
    """The source files of every module that `ENTRY_POINT` and the action types import at run time."""
    waiting = [ENTRY_POINT, *ACTIONS.values()]
    files: set[Path] = set()
    while waiting:
        module = waiting.pop()
        parent = module.rpartition(".")[0]
        if parent:
            waiting.append(parent)
        path = _source_of(module)
        if path is not None and path not in files:
            files.add(path)
            waiting.extend(imported_names(ast.parse(path.read_bytes())))
    return files


def _source_of(module: str) -> Path | None:
    """The file of a module of this package; None for other packages' and for names inside a module."""
    if module.split(".")[0] != rules_engine.__name__:
        return None
    base = _ROOT.joinpath(*module.split("."))
    return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Every dotted name imported anywhere under `tree`, those for type checkers alone left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imported_names(node)
