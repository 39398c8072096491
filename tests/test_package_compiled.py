"""Compiled files of the package: used by the version of Python that built it, ignored by every other one."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rules_engine.actions import ACTIONS
from rules_engine.deploy.compiled import compiled, without_columns, without_docstrings
from rules_engine.deploy.package import build_package, function_files
from rules_engine.local.lambda_runtime import link_runtime, python_path
from rules_engine.model import ActionSpec, Rule, RuleSet

if TYPE_CHECKING:
    from types import CodeType

ROOT = Path(__file__).parent.parent
SOURCES = {name: (ROOT / name).read_bytes() for name in function_files(ACTIONS)}

LOG = ActionSpec("log", "log", {"message": "{{ keys.order_id }}"})
RULES = RuleSet((Rule("shipped", ("orders",), (LOG,), when=("became(&status, 'SHIPPED')",)),))

EVENT = """{"Records": [{
    "eventID": "e-1", "eventName": "MODIFY", "awsRegion": "eu-west-1",
    "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026",
    "dynamodb": {"SequenceNumber": "1", "Keys": {"order_id": {"S": "o-1"}},
        "OldImage": {"status": {"S": "NEW"}}, "NewImage": {"status": {"S": "SHIPPED"}}}
}]}"""
HANDLE = f"import json, rules_engine.handler as h; print(h.lambda_handler(json.loads('''{EVENT}'''), None))"
HANDLED = ['"message":"o-1"', "{'batchItemFailures': []}"]


def lines(code: CodeType) -> list[list[tuple[int, int, int | None]]]:
    """Which code belongs to which line, for this code and all within it."""
    here: list[tuple[int, int, int | None]] = []
    for start, end, line in code.co_lines():
        joined = bool(here) and here[-1][2] == line
        here.append((here.pop()[0] if joined else start, end, line))
    inner = [constant for constant in code.co_consts if hasattr(constant, "co_lines")]
    return [here, *(each for constant in inner for each in lines(constant))]


@pytest.mark.parametrize("name", SOURCES)
def test_without_columns_every_instruction_keeps_its_line(name: str) -> None:
    code = compile(SOURCES[name], name, "exec", dont_inherit=True)
    bare = without_columns(code)
    assert lines(bare) == lines(code)
    assert {columns[2:] for columns in bare.co_positions()} == {(None, None)}


@pytest.mark.parametrize("name", SOURCES)
def test_without_docstrings_the_code_is_the_same_and_on_the_same_lines(name: str) -> None:
    bare, whole = ast.parse(without_docstrings(SOURCES[name])), ast.parse(SOURCES[name])
    for node in ast.walk(whole):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = "" if isinstance(node.value.value, str) else node.value.value
    assert ast.dump(bare) == ast.dump(whole)
    assert [getattr(node, "lineno", 0) for node in ast.walk(bare)] == [
        getattr(node, "lineno", 0) for node in ast.walk(whole)
    ]


def test_a_compiled_file_is_unchecked_and_names_no_place() -> None:
    name, content = compiled("rules_engine/x.py", b"def f(): raise ValueError\n")
    assert name == f"rules_engine/__pycache__/x.{sys.implementation.cache_tag}.pyc"
    assert content[:8] == MAGIC_NUMBER + b"\1\0\0\0"
    for source_name, source in SOURCES.items():
        assert str(ROOT).encode() not in compiled(source_name, source)[1]


def unpacked(directory: Path) -> Path:
    """The package as Lambda unpacks it, and beside it what the runtime brings."""
    function = directory / "function"
    link_runtime(directory / "runtime")
    zipfile.ZipFile(io.BytesIO(build_package(RULES))).extractall(function)
    return function


def run(python: str, script: str, function: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    path = python_path(function, function.parent / "runtime")
    environ = {**environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [python, "-S", "-c", script], cwd=function, env=environ, capture_output=True, text=True, check=False
    )


def handled(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == 0 and all(each in done.stdout for each in HANDLED)


def other_pythons() -> list[str]:
    """One of each supported version but this: on the path, or installed beside this one, as pyenv does."""
    beside = Path(sys.base_prefix).parent.glob("*/bin/python3")
    known = [f"python3.{minor}" for minor in range(11, 20)]
    found = {version_of(python): python for python in (*known, *sorted(map(str, beside)))}
    supported = {version: python for version, python in found.items() if version and version >= (3, 11)}
    return [python for version, python in supported.items() if version != sys.version_info[:2]]


def version_of(python: str) -> tuple[int, ...]:
    """None of what cannot be run."""
    script = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    except OSError:
        return ()
    return tuple(map(int, done.stdout.split()))


def test_this_version_of_python_reads_no_source(tmp_path: Path) -> None:
    function = unpacked(tmp_path)
    for path in function.rglob("*.py"):
        path.write_text("raise SystemExit('source')\n")
    done = run(sys.executable, HANDLE, function)
    assert handled(done), done


def test_another_version_of_python_reads_the_source_and_does_the_same(tmp_path: Path) -> None:
    others = other_pythons()
    if not others:
        pytest.skip("no other supported version of Python is installed")
    function = unpacked(tmp_path)
    for python in others:
        done = run(python, HANDLE, function)
        assert handled(done), done
    (function / "rules_engine/handler.py").write_text("raise SystemExit('source')\n")
    assert [run(python, HANDLE, function).stderr for python in others] == ["source\n"] * len(others)


def test_a_traceback_shows_the_functions_own_files(tmp_path: Path) -> None:
    function = unpacked(tmp_path)
    done = run(sys.executable, HANDLE, function, RULES_ENGINE_PARTIAL_BATCH="yes")
    files = [line.split('"')[1] for line in done.stderr.splitlines() if line.startswith('  File "')]
    assert files == ["<string>"] + [
        str(function / "rules_engine" / name)
        for name in ("handler.py", "handler.py", "settings.py", "settings.py")
    ]
    assert "return Function.from_settings(Settings.from_environment(os.environ)," in done.stderr
