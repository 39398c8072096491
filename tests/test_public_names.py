"""The names a user imports, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rules_engine


def test_the_public_names_are_these() -> None:
    assert {name: getattr(rules_engine, name).__module__ for name in rules_engine.__all__} == {
        "Engine": "rules_engine.engine",
        "Problem": "rules_engine.errors",
        "Program": "rules_engine.expression.compiler",
        "RuleSet": "rules_engine.model",
        "compile_expression": "rules_engine.expression.compiler",
        "load_rules": "rules_engine.loader",
    }


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'rules_engine' has no attribute 'Engin'"):
        _ = rules_engine.Engin


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after `statement`."""
    code = f"import sys; {statement}; print('\\n'.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(shown.stdout.split())


AUTHORS_SIDE = {"yaml", "jsonschema", "click", "rich"}


def test_importing_the_handler_loads_nothing_of_the_authors_side() -> None:
    assert loaded_by("import rules_engine.handler") & AUTHORS_SIDE == set()


def test_importing_the_package_loads_none_of_its_parts() -> None:
    assert loaded_by("import rules_engine") & {*AUTHORS_SIDE, "boto3", "jmespath", "decimal"} == set()


def test_loading_rules_needs_no_aws_client() -> None:
    loaded = loaded_by("from rules_engine import load_rules, Engine")
    assert loaded & {"boto3", "botocore", "urllib3"} == set()
