"""Compiled files of the package: used by the version of Python that built it, ignored by every other one."""

from __future__ import annotations

import ast
import io
import marshal
import re
import subprocess
import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rules_engine.actions import ACTIONS
from rules_engine.deploy.compiled import (
    compiled,
    for_machines,
    is_for_type_checkers,
    without_columns,
    without_types,
)
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
def test_source_for_machines_is_the_same_code_on_the_same_lines(name: str) -> None:
    bare, whole = ast.parse(for_machines(SOURCES[name])), ast.parse(SOURCES[name])
    for node in ast.walk(whole):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = "" if isinstance(node.value.value, str) else node.value.value
        if isinstance(node, ast.If) and is_for_type_checkers(node):
            node.body = [ast.copy_location(ast.Expr(ast.Constant("")), node.body[0])]
            ast.copy_location(node.body[0].value, node.body[0])
    assert ast.dump(bare) == ast.dump(whole)
    assert [getattr(node, "lineno", 0) for node in ast.walk(bare)] == [
        getattr(node, "lineno", 0) for node in ast.walk(whole)
    ]


def test_what_is_compiled_is_for_this_version_and_names_no_place() -> None:
    content = compiled(SOURCES)
    assert content[:4] == MAGIC_NUMBER
    codes = marshal.loads(content[4:])
    assert list(codes) == sorted(SOURCES)
    assert {code.co_filename for code in codes.values()} == set(SOURCES)
    assert str(ROOT).encode() not in content


@pytest.mark.parametrize("name", SOURCES)
def test_one_object_for_equal_ones_is_the_same_code(name: str) -> None:
    code = without_columns(compile(without_types(ast.parse(SOURCES[name])), name, "exec", dont_inherit=True))
    (read,) = marshal.loads(compiled({name: SOURCES[name]})[4:]).values()
    # Version 2 of the format writes no references, so equal bytes are equal code.
    assert marshal.dumps(read, 2) == marshal.dumps(code, 2)


def test_equal_numbers_of_different_types_stay_apart() -> None:
    source = b"x = (1, 1.0, True, 0.0, -0.0, 'a', b'a', (1,), (True,))\n"
    (code,) = marshal.loads(compiled({"x.py": source})[4:]).values()
    held: dict[str, object] = {}
    exec(code, held)
    assert repr(held["x"]) == "(1, 1.0, True, 0.0, -0.0, 'a', b'a', (1,), (True,))"


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


def damage(function: Path, name: str) -> None:
    """Makes the source of a module end the process, in the archive or as the file that it is."""
    end = "raise SystemExit('source')\n"
    if (function / name).is_file():
        (function / name).write_text(end)
        return
    path = function / "rules_engine/source.zip"
    with zipfile.ZipFile(path) as archive:
        held = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in held.items():
            archive.writestr(each, end if each == name else content)


def test_this_version_of_python_reads_no_source(tmp_path: Path) -> None:
    function = unpacked(tmp_path)
    (function / "rules_engine/source.zip").unlink()
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
    damage(function, "rules_engine/handler.py")
    assert [run(python, HANDLE, function).stderr for python in others] == ["source\n"] * len(others)


@pytest.mark.parametrize("start", [None, b"\x01\x02\r\n"], ids=["missing", "of a pre-release"])
def test_without_what_was_compiled_for_it_the_source_does_the_same(
    start: bytes | None, tmp_path: Path
) -> None:
    function = unpacked(tmp_path)
    (path,) = function.glob("rules_engine/compiled.*")
    if start is None:
        path.unlink()
    else:
        path.write_bytes(start + path.read_bytes()[4:])
    done = run(sys.executable, HANDLE, function)
    assert handled(done), done
    damage(function, "rules_engine/settings.py")
    assert run(sys.executable, HANDLE, function).stderr == "source\n"


TRACED = """
import traceback
try:
    import rules_engine.handler as handler
    handler.lambda_handler({}, None)
except Exception:
    print(traceback.format_exc())
"""


@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_traceback_shows_files_lines_and_their_text(is_compiled: bool, tmp_path: Path) -> None:
    function = unpacked(tmp_path)
    if not is_compiled:
        (function / f"rules_engine/compiled.{sys.implementation.cache_tag}").unlink()
    done = run(sys.executable, TRACED, function, RULES_ENGINE_PARTIAL_BATCH="yes")
    shown = done.stdout.splitlines()
    names = []
    for place, text in pairwise(shown):
        found = re.fullmatch(r'  File "(?:.*/)?(rules_engine/.*)", line ([0-9]+), in .*', place)
        if found:
            names.append(found[1])
            assert text.strip() == (ROOT / found[1]).read_text().splitlines()[int(found[2]) - 1].strip()
    start = ["rules_engine/handler.py"] * 2
    assert names == [*start, "rules_engine/settings.py", "rules_engine/settings.py"]


def test_modules_are_found_as_others_are(tmp_path: Path) -> None:
    function = unpacked(tmp_path)
    script = """
import importlib.util, rules_engine.delivery.plan as plan, rules_engine.actions as actions
print(plan.__file__, plan.__package__, hasattr(plan, "__path__"))
print(actions.__file__, actions.__package__, actions.__path__)
print(plan.__loader__.get_source("rules_engine.delivery.plan").splitlines()[-1])
print([importlib.util.find_spec(f"rules_engine{each}") for each in (".nosuch", ".cli", "x")])
"""
    package = function / "rules_engine"
    assert run(sys.executable, script, function).stdout.splitlines() == [
        f"{package}/delivery/plan.py rules_engine.delivery False",
        f"{package}/actions/__init__.py rules_engine.actions ['{package}/actions']",
        (ROOT / "rules_engine/delivery/plan.py").read_text().splitlines()[-1],
        "[None, None, None]",
    ]


def test_what_is_for_readers_and_type_checkers_is_left_out_and_nothing_else() -> None:
    lines = {
        '"""What it is.': '""',
        '"""': "",
        "# why": "",
        "if TYPE_CHECKING:": "if TYPE_CHECKING:",
        "    from a import (": '    ""',
        "        b,": "",
        "    )": "",
        "def f(x):  # whom": "def f(x):",
        '    """Why."""': '    ""',
        "    return '# no comment', '''": "    return '# no comment', '''",
        "# nor this'''  # but this": "# nor this'''",
    }
    assert for_machines("\n".join(lines).encode()).decode().split("\n") == list(lines.values())
