"""The entry point, each time in a fresh interpreter: what it imports, and when it builds the function."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from rules_engine import bundle
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.plain_record import record_from_images
from tests.units import SHIPPED

if TYPE_CHECKING:
    from pathlib import Path

RULES = RuleSet(
    (Rule("shipped", ("orders",), (ActionSpec("log", "log", {"message": "{{ keys.order_id }}"}),)),)
)


def python(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_importing_it_loads_nothing_of_the_authors_side_and_no_client() -> None:
    code = "import sys, rules_engine.handler, rules_engine.function; print(' '.join(sys.modules))"
    modules = set(python(code).stdout.split())
    assert "rules_engine.function" in modules
    assert {name.split(".")[0] for name in modules} & {
        "yaml",
        "jsonschema",
        "click",
        "rich",
        "boto3",
    } == set()
    authors = {f"rules_engine.{part}" for part in ("source", "schema", "loader", "cli", "deploy", "local")}
    assert modules & authors == set()


def test_every_action_type_loads_without_the_authors_side() -> None:
    code = (
        "import sys, rules_engine.handler\n"
        "from rules_engine.actions import ACTIONS, action_type\n"
        "[action_type(name) for name in ACTIONS]\n"
        "print(' '.join(sys.modules))"
    )
    modules = {name.split(".")[0] for name in python(code).stdout.split()}
    assert "rules_engine" in modules
    assert modules & {"yaml", "jsonschema", "click", "rich", "boto3", "urllib3"} == set()


def test_importing_it_outside_of_lambda_has_no_effect(tmp_path: Path) -> None:
    result = python("import rules_engine.handler", RULES_ENGINE_BUNDLE=str(tmp_path / "absent.json"))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_inside_lambda_a_bad_setting_is_an_error_of_the_import() -> None:
    result = python(
        "import rules_engine.handler", AWS_LAMBDA_RUNTIME_API="127.0.0.1:1", RULES_ENGINE_PARTIAL_BATCH="yes"
    )
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        "rules_engine.errors.SettingsError: RULES_ENGINE_PARTIAL_BATCH is 'yes': it must be 'on' or 'off'"
    )


def test_the_collector_rests_only_while_the_function_is_built(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_bytes(bundle.dump(RULES))
    code = "import gc, rules_engine.handler; print(gc.isenabled(), gc.get_freeze_count() > 0)"
    bundled = {"RULES_ENGINE_BUNDLE": str(tmp_path / "bundle.json")}
    in_lambda = python(code, AWS_LAMBDA_RUNTIME_API="127.0.0.1:1", **bundled)
    assert (in_lambda.stdout, python(code, **bundled).stdout) == ("True True\n", "True False\n")


def test_a_batch_is_answered_and_the_function_is_built_once(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_bytes(bundle.dump(RULES))
    event = {"Records": [record_from_images(SHIPPED, "orders")]}
    code = (
        "import json, os, sys\n"
        "from rules_engine.handler import lambda_handler\n"
        f"event = json.loads({json.dumps(event)!r})\n"
        "print(json.dumps(lambda_handler(event, None)))\n"
        "os.remove(os.environ['RULES_ENGINE_BUNDLE'])\n"
        "print(json.dumps(lambda_handler(event, None)))\n"
    )
    result = python(code, RULES_ENGINE_BUNDLE=str(tmp_path / "bundle.json"))
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["message"] for line in lines[0::3]] == ["o-1", "o-1"]
    assert [(line["Records"], line["Delivered"]) for line in lines[1::3]] == [(1, 1), (1, 1)]
    assert lines[2::3] == [{"batchItemFailures": []}] * 2
