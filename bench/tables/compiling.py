"""From rules to a working engine: out of a bundle, as the function does, and out of YAML with all checks.

An engine works when it has matched a record of each kind, for which it makes its look-ups then. The garbage
collector rests meanwhile, as the handler lets it.

PyYAML's own reading of the same files is shown beside the loader. The quick run takes 1,000 rules, and a
tenth of the goals. Seconds are processor time.
"""

from __future__ import annotations

import gc
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING

import yaml

from bench.report import Row, Table
from bench.session import one_of_each_kind, rule_set
from bench.timing import WrongAnswer
from bench.workload import rules, write_rule_files
from rules_engine import bundle
from rules_engine.engine import Engine
from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.session import Session
    from bench.workload import Kind

_EXPECTED_WARNINGS = {"RE450", "RE452"}
"""A rule without tests: the workload's rules have none. A rule like another: of 10,000 some are."""


def measure(session: Session) -> Table:
    n = 1_000 if session.quick else 10_000
    rows = [_from_bundle(kind, n) for kind in ("A", "B")]
    with TemporaryDirectory() as folder:
        write_rule_files(rules("B", n), Path(folder))
        rows += _from_yaml(Path(folder), n)
    return Table("compile", "Compile", rows)


def _from_bundle(kind: Kind, n: int) -> Row:
    data = bundle.dump(rule_set(kind, n))
    given = one_of_each_kind()

    def load() -> None:
        engine = Engine.from_rules(bundle.load(data))
        for record in given:
            engine.match(record)

    gc.collect()
    gc.disable()
    try:
        seconds = _fastest(load, 3)
    finally:
        gc.enable()
    return Row(
        f"{kind}, {n:,} rules from a bundle to an engine",
        seconds,
        "s",
        at_most=n / 10_000,
        note=f"bundle of {len(data) / 1024:,.0f} KB",
    )


def _from_yaml(folder: Path, n: int) -> list[Row]:
    def load() -> None:
        loaded, problems = load_rules([folder])
        unexpected = [problem for problem in problems if problem.code not in _EXPECTED_WARNINGS]
        if len(loaded.rules) != n or unexpected:
            raise WrongAnswer(f"{len(loaded.rules)} of {n} rules loaded, problems: {unexpected[:3]}")

    def read() -> None:
        for path in sorted(folder.iterdir()):
            yaml.safe_load(path.read_text(encoding="utf-8"))

    return [
        Row(f"B, {n:,} rules from YAML with all checks", _fastest(load, 1), "s", at_most=n / 1_000),
        Row(f"B, {n:,} rules read by yaml.safe_load alone", _fastest(read, 1), "s"),
    ]


def _fastest(work: Callable[[], object], times: int) -> float:
    found = []
    for _ in range(times):
        start = process_time()
        work()
        found.append(process_time() - start)
    return min(found)
