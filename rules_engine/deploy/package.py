"""`build_package(rule_set)`: the function's zip, holding the Lambda side of this package and `bundle.json`.

The code is what `rules_engine.handler` imports, directly or not, and the action types, which are imported by
name. Nobody keeps a list, so a module the function starts to need is in the next zip and one it no longer
needs is not. What else is imported by name, such as the parser, is for authors and not in it. boto3 comes
with the Lambda runtime and is left out.

The source that these rules need is one file, and what this version of Python compiles it to another, because
a function cannot keep compiled files and compiling was half of its cold start; another version compiles the
source (`rules_engine.packed`). Docstrings and comments are for readers of the repository. See
docs/decisions/0004-compiled-files-in-the-package.md.

The same rule set, code and version of Python give the same bytes: fixed times, sorted names; so a hash of the
zip tells whether a deployment would change anything.
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
from rules_engine.deploy.compiled import compiled, for_machines, is_for_type_checkers
from rules_engine.engine import Engine
from rules_engine.function import actions_of
from rules_engine.packed import COMPILED_NAME, SOURCE_NAME
from rules_engine.template import references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rules_engine.model import RuleSet

ENTRY_POINT = "rules_engine.handler"
BUNDLE_NAME = "bundle.json"
_START, _IMPORTER = "rules_engine/__init__.py", "rules_engine/packed.py"
_USE = b"""

from rules_engine.packed import use

use(__file__.removesuffix("/rules_engine/__init__.py"))
"""
"""What the package's `__init__.py` has more than ours."""

_ROOT = Path(rules_engine.__file__).parent.parent
_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold."""


def build_package(rule_set: RuleSet) -> bytes:
    """The zip to upload: a pure function of the rule set and of the installed code.

    Raises RuleSetError or SettingsError for rules with which the function could not start.
    """
    rules = bundle.dump(rule_set)
    rehearse_start(rules)
    used = {spec.type for rule in rule_set.rules for spec in rule.actions}
    files = {name: for_machines(source) for name, source in function_files(used & ACTIONS.keys()).items()}
    plain = {name: files.pop(name) for name in (_START, _IMPORTER)}
    content = {
        BUNDLE_NAME: rules,
        _START: plain[_START] + _USE,
        _IMPORTER: plain[_IMPORTER],
        SOURCE_NAME: _zipped(files, zipfile.ZIP_STORED),
        COMPILED_NAME: compiled(files),
    }
    return _zipped(content, zipfile.ZIP_DEFLATED)


def _zipped(content: Mapping[str, bytes], compression: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression, compresslevel=9) as archive:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3  # as on Unix everywhere, or the bytes would tell the platform
            entry.external_attr = 0o644 << 16
            entry.compress_type = compression
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


def function_files(types: Iterable[str]) -> dict[str, bytes]:
    """The source of every module that `ENTRY_POINT` and these action types import at run time, by its name in
    the package."""
    waiting = [ENTRY_POINT, "rules_engine.packed", *(ACTIONS[name] for name in types)]
    files: dict[str, bytes] = {}
    while waiting:
        module = waiting.pop()
        parent = module.rpartition(".")[0]
        if parent:
            waiting.append(parent)
        path = _source_of(module)
        if path is not None and (name := path.relative_to(_ROOT).as_posix()) not in files:
            files[name] = path.read_bytes()
            waiting.extend(imported_names(ast.parse(files[name])))
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
        if isinstance(node, ast.If) and is_for_type_checkers(node):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imported_names(node)
