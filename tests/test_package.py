"""The function package: what is in it, and that the same rules always give the same bytes."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rules_engine import bundle
from rules_engine.deploy.compiled import compiled, without_docstrings
from rules_engine.deploy.package import build_package, function_files
from rules_engine.errors import RuleSetError
from rules_engine.local.lambda_runtime import link_runtime, python_path
from rules_engine.model import ActionSpec, Rule, RuleSet, Scope

ROOT = Path(__file__).parent.parent
RULES = RuleSet((Rule("big", ("orders",), (ActionSpec("log", "log", {"message": "big"}),)),))
OTHER_RULES = RuleSet((Rule("small", ("orders",), (ActionSpec("log", "log"),)),))

SEARCH = {"endpoint": "${ENDPOINT}", "domain_arn": "${DOMAIN}", "index": "orders"}
ALL_TYPES = RuleSet(
    (
        Rule(
            "all",
            ("orders",),
            (
                ActionSpec("bus", "eventbridge", {"event_bus": "b", "source": "s", "detail_type": "d"}),
                ActionSpec("firehose", "firehose", {"delivery_stream": "${STREAM}"}),
                ActionSpec("lambda", "lambda", {"function": "${FUNCTION}"}),
                ActionSpec("log", "log", {"message": "big"}),
                ActionSpec("metric", "metric", {"namespace": "Shop", "name": "Orders"}),
                ActionSpec("s3", "s3", {"bucket": "${BUCKET}"}),
                ActionSpec("search", "opensearch", SEARCH),
                ActionSpec("sns", "sns", {"topic_arn": "${TOPIC}"}),
                ActionSpec("sqs", "sqs", {"queue_url": "${QUEUE}"}),
                ActionSpec("machine", "stepfunctions", {"state_machine_arn": "${MACHINE}"}),
                ActionSpec("table", "table", {"table": "${TABLE}", "put": "{{ new }}"}),
                ActionSpec("webhook", "webhook", {"url": "${URL}"}),
            ),
        ),
    )
)

AUTHORS_ONLY = ("cli", "deploy", "loader", "local", "schema", "source")


def opened(package: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(package))


def test_the_same_rules_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = build_package(RULES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert build_package(RULES) == first


def test_names_are_sorted_and_nothing_tells_when_or_where_it_was_built() -> None:
    with opened(build_package(RULES)) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    told = {(entry.date_time, entry.create_system, entry.external_attr >> 16) for entry in entries}
    assert told == {((1980, 1, 1, 0, 0, 0), 3, 0o644)}


def test_it_holds_code_of_the_lambda_side_and_the_bundle_and_nothing_else() -> None:
    with opened(build_package(RULES)) as archive:
        names = set(archive.namelist())
        assert archive.read("bundle.json") == bundle.dump(RULES)
        source = {name for name in names if name.endswith(".py")}
        for name in source:
            assert archive.read(name) == without_docstrings((ROOT / name).read_bytes())
        files = dict(compiled(name, archive.read(name)) for name in function_files(["log"]))
        assert {name: archive.read(name) for name in names - source - {"bundle.json"}} == files
    assert {"rules_engine/__init__.py", "rules_engine/handler.py", "rules_engine/actions/sns.py"} <= source
    parts = {Path(name).with_suffix("").parts[1] for name in source}
    assert parts & set(AUTHORS_ONLY) == set()
    parsing = {"expression/syntax.py", "expression/grammar.py", "bundle/writer.py", "index/outline.py"}
    assert {f"rules_engine/{name}" for name in parsing} & source == set()


def test_another_process_at_another_place_builds_the_same_bytes(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rules_engine", tmp_path / "rules_engine", ignore=lambda *_: ["__pycache__"])
    (tmp_path / "rules.json").write_bytes(bundle.dump(RULES))
    script = (
        "from rules_engine import bundle\n"
        "from rules_engine.deploy.package import __file__ as place, build_package\n"
        "rules = bundle.load(open('rules.json', 'rb').read())\n"
        "open('package.zip', 'wb').write(build_package(rules))\n"
        "print(place)"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert (done.stdout, done.stderr) == (f"{tmp_path}/rules_engine/deploy/package.py\n", "")
        assert (tmp_path / "package.zip").read_bytes() == build_package(RULES)


@pytest.mark.parametrize(
    "rule",
    [
        Rule("circle", ("orders",), (), when=("is.a",), scope=Scope(conditions={"a": "is.a"})),
        Rule("hole", ("orders",), (ActionSpec("log", "log", {"message": "{{ nosuch() }}"}),)),
        Rule("type", ("orders",), (ActionSpec("log", "nosuch"),)),
    ],
    ids=lambda rule: rule.id,
)
def test_rules_with_which_the_function_could_not_start_are_refused(rule: Rule) -> None:
    with pytest.raises(RuleSetError):
        build_package(RuleSet((rule,)))


def test_other_rules_change_the_bundle_alone() -> None:
    with opened(build_package(RULES)) as one, opened(build_package(OTHER_RULES)) as other:
        assert one.namelist() == other.namelist()
        changed = [name for name in one.namelist() if one.read(name) != other.read(name)]
    assert changed == ["bundle.json"]


def test_it_is_small() -> None:
    with opened(build_package(RULES)) as archive:
        sizes = {entry.filename: entry.compress_size for entry in archive.infolist()}
    compiled = sum(size for name, size in sizes.items() if name.endswith(".pyc"))
    # The goal of 300 KB was given up for the compiled files: docs/decisions/0004.
    # All action types come along, twelve of them: a package does not depend on which of them rules use.
    assert sum(sizes.values()) - compiled <= 165_000
    assert compiled <= 250_000


def test_every_module_in_it_imports_with_nothing_but_the_lambda_runtime(tmp_path: Path) -> None:
    function, runtime = tmp_path / "function", tmp_path / "runtime"
    with opened(build_package(ALL_TYPES)) as archive:
        archive.extractall(function)
        files = [Path(name) for name in archive.namelist() if name.endswith(".py")]
    link_runtime(runtime)
    modules = [".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files]
    script = f"import importlib\nfor name in {modules}: importlib.import_module(name)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": python_path(function, runtime)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
