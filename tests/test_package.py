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
from rules_engine.deploy.compiled import compiled, for_machines
from rules_engine.deploy.package import build_package, function_files
from rules_engine.errors import RuleSetError
from rules_engine.local.lambda_runtime import link_runtime, python_path
from rules_engine.model import ActionSpec, Rule, RuleSet, Scope

ROOT = Path(__file__).parent.parent
RULES = RuleSet((Rule("big", ("orders",), (ActionSpec("log", "log", {"message": "big"}),)),))
OTHER_RULES = RuleSet((Rule("small", ("orders",), (ActionSpec("log", "log"),)),))

METRIC = {"namespace": "Shop", "name": "Orders"}
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
                ActionSpec("metric", "metric", METRIC),
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


def modules_of(package: bytes) -> list[str]:
    """The source files of a package, those that come from its archive."""
    with opened(package) as archive, opened(archive.read("rules_engine/source.zip")) as source:
        return source.namelist()


def test_the_same_rules_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = build_package(RULES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert build_package(RULES) == first


def test_names_are_sorted_and_nothing_tells_when_or_where_it_was_built() -> None:
    with opened(build_package(RULES)) as archive, opened(archive.read("rules_engine/source.zip")) as source:
        for each in (archive, source):
            entries = each.infolist()
            assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
            told = {(entry.date_time, entry.create_system, entry.external_attr >> 16) for entry in entries}
            assert told == {((1980, 1, 1, 0, 0, 0), 3, 0o644)}


def test_it_holds_code_of_the_lambda_side_and_the_bundle_and_nothing_else() -> None:
    files = {name: for_machines((ROOT / name).read_bytes()) for name in function_files(["log"])}
    start, importer = files.pop("rules_engine/__init__.py"), files.pop("rules_engine/packed.py")
    with opened(build_package(RULES)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with opened(content.pop("rules_engine/source.zip")) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
    use = 'from rules_engine.packed import use\n\nuse(__file__.removesuffix("/rules_engine/__init__.py"))\n'
    assert content == {
        "bundle.json": bundle.dump(RULES),
        "rules_engine/__init__.py": start + f"\n\n{use}".encode(),
        "rules_engine/packed.py": importer,
        f"rules_engine/compiled.{sys.implementation.cache_tag}": compiled(files),
    }
    assert {"rules_engine/handler.py", "rules_engine/actions/log.py"} <= files.keys()
    parts = {Path(name).with_suffix("").parts[1] for name in files}
    assert parts & set(AUTHORS_ONLY) == set()
    parsing = {"expression/syntax.py", "expression/grammar.py", "bundle/writer.py", "index/outline.py"}
    assert {f"rules_engine/{name}" for name in parsing} & files.keys() == set()


def test_it_holds_the_action_types_that_rules_use_even_where_they_are_switched_off() -> None:
    rules = RuleSet(
        (
            Rule("big", ("orders",), (ActionSpec("log", "log"),)),
            Rule("off", ("orders",), (ActionSpec("metric", "metric", METRIC),), enabled=False),
        )
    )
    types = {f"rules_engine/actions/{name}.py": name for name in ("log", "metric", "sns", "webhook")}
    assert [types[name] for name in modules_of(build_package(rules)) if name in types] == ["log", "metric"]


def test_another_process_on_another_day_at_another_place_builds_the_same_bytes(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rules_engine", tmp_path / "rules_engine", ignore=lambda *_: ["__pycache__"])
    for path in tmp_path.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    (tmp_path / "rules.json").write_bytes(bundle.dump(RULES))
    script = (
        "import time\n"
        "later = time.time() + 40 * 86400\n"
        "time.time, time.localtime = lambda: later, lambda seconds=later: time.gmtime(later)\n"
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
    # Docs and docs/decisions/0004 promise 300 KB for all but very many rules.
    assert len(build_package(RULES)) <= 280 * 1024
    # Every action type at once.
    assert len(build_package(ALL_TYPES)) <= 360 * 1024


def test_every_module_in_it_imports_with_nothing_but_the_lambda_runtime(tmp_path: Path) -> None:
    function, runtime = tmp_path / "function", tmp_path / "runtime"
    with opened(package := build_package(ALL_TYPES)) as archive:
        archive.extractall(function)
    files = [Path(name) for name in modules_of(package)]
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
