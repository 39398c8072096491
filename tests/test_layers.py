"""The arrows between modules point one way: a module imports only from layers below its own."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from rules_engine.deploy.package import imported_names

PACKAGE = Path(__file__).parent.parent / "rules_engine"

LAYERS = [
    {"light_dataclass", "packed"},
    {"errors"},
    {
        "error_class",
        "exact_json",
        "json_forms",
        "attribute_value",
        "settings",
        "model",
        "on_demand",
        "poller",
        "secret_text",
    },
    {"record", "source", "log_line", "views"},
    {"expression", "plain_record"},
    {"template", "index", "archived_record"},
    {"engine", "actions", "template_checks", "effective"},
    {"delivery", "schema", "bundle", "aws", "secret_store", "variables"},
    {"loader", "canonical", "function", "bundle_schema"},
    {"handler", "deploy", "redrive", "rule_graph", "testing", "backtest"},
    {"local", "lsp", "rule_tests"},
    {"cli"},
]
"""Modules and packages of `rules_engine`, lowest layer first."""

AUTHORS_ONLY = {
    "bundle_schema",
    "plain_record",
    "archived_record",
    "backtest",
    "template_checks",
    "effective",
    "rule_graph",
    "variables",
    "source",
    "schema",
    "loader",
    "canonical",
    "poller",
    "deploy",
    "testing",
    "redrive",
    "local",
    "lsp",
    "rule_tests",
    "cli",
}
"""What the function never imports."""

NEVER_IN_LAMBDA = {"yaml", "jsonschema", "click", "rich"}


def layer_of(part: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if part in parts)


def parts_with_imports() -> list[tuple[str, Path, set[str]]]:
    """(part, file, every dotted name it imports at run time) for each file of a part."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        part = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if not part.startswith("__"):
            found.append((part, path, set(imported_names(ast.parse(path.read_text())))))
    return found


FILES = parts_with_imports()


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def own_parts(names: set[str]) -> set[str]:
    """The parts of this package among imported names; `rules_engine` itself is the top."""
    return {name.split(".")[1] for name in names if name.startswith("rules_engine.")}


def test_every_part_of_the_package_has_a_layer() -> None:
    assert {part for part, _, _ in FILES} == set().union(*LAYERS)


@pytest.mark.parametrize(
    ("part", "names"), [pytest.param(part, names, id=name_of(path)) for part, path, names in FILES]
)
def test_a_module_imports_only_from_lower_layers(part: str, names: set[str]) -> None:
    upward = {other for other in own_parts(names) - {part} if layer_of(other) >= layer_of(part)}
    assert upward == set()


def test_the_nouns_alone_name_types_from_above() -> None:
    """What is imported for type checkers points down, too, but for what values of the model hold."""
    upward = set()
    for part, path, _ in FILES:
        modules = {
            node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)
        }
        others = own_parts({module for module in modules if module is not None}) - {part}
        upward |= {(part, other) for other in others if layer_of(other) >= layer_of(part)}
    assert upward == {("model", "record"), ("model", "expression")}


def test_no_module_leads_back_to_itself() -> None:
    """Also within a part, and by what functions import."""
    imports = {module_name(path): names for _, path, names in FILES}
    arrows = {
        module: {name for name in names & set(imports) if not is_only_the_way(name, names & set(imports))}
        for module, names in imports.items()
    }
    assert set(TopologicalSorter(arrows).static_order()) == set(imports)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def is_only_the_way(name: str, modules: set[str]) -> bool:
    """Whether it is the package of `from package import module`."""
    return any(module.rpartition(".")[0] == name for module in modules)


@pytest.mark.parametrize(
    "names",
    [pytest.param(names, id=name_of(path)) for part, path, names in FILES if part not in AUTHORS_ONLY],
)
def test_the_function_never_imports_the_authors_side(names: set[str]) -> None:
    assert own_parts(names) & AUTHORS_ONLY == set()
    assert {name.split(".")[0] for name in names} & NEVER_IN_LAMBDA == set()


def test_no_import_is_relative() -> None:
    """`imported_names` could not say where it points."""
    assert [
        str(path) for _, path, _ in FILES if re.search(r"^ *from \.", path.read_text(), re.MULTILINE)
    ] == []


def test_only_one_module_imports_jmespath() -> None:
    importers = [
        name_of(path) for _, path, names in FILES if "jmespath" in {name.split(".")[0] for name in names}
    ]
    assert importers == ["expression/syntax.py"]


def test_the_documented_picture_is_this_one() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", page, flags=re.MULTILINE)
    documented = [{part for number, part in rows if int(number) == layer} for layer in range(len(LAYERS))]
    assert documented == LAYERS
