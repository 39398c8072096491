"""`python -m bench.run [--quick] [--only NAME ...] [--commit]`: every table, its goals, and the last figures.

Out: the tables on stdout, the figures in bench/results/latest.json, and after a full run the growth chart in
docs/growth.svg. `--commit` makes these figures the ones that later runs are compared with. A wrong answer
ends the run with an error; a missed goal does not: it is a result.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bench.chart import Line, draw
from bench.processes import ProcessFailed
from bench.report import Row, Table, render, summary, to_json
from bench.session import Session
from bench.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.timing import Timing
    from bench.workload import Kind

_ROOT = Path(__file__).parent.parent
_RESULTS = _ROOT / "bench" / "results"
_CHART = _ROOT / "docs" / "growth.svg"
_OURS = {"A": "#1f6feb", "S": "#2da44e", "B": "#8250df"}
_PEERS = {"jmespath": "#9a6700", "datalogic-py": "#6e7781"}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, within a minute")
    parser.add_argument("--only", action="append", choices=TABLES, metavar="NAME", help=", ".join(TABLES))
    parser.add_argument("--commit", action="store_true", help="compare later runs with these figures")
    options = parser.parse_args(arguments)
    size = "quick" if options.quick else "full"
    committed = _read(_RESULTS / "committed.json").get(size, {})
    session = Session(options.quick)
    tables = []
    for name in options.only or TABLES:
        start = perf_counter()
        table = _measured(name, session)
        print(render(table, committed.get("tables", {}).get(name, {})))
        print(f"({perf_counter() - start:.0f} s)\n", flush=True)
        tables.append(table)
    print(summary(tables))
    _write(tables, size, options.commit)
    if not options.quick and session.timings and session.peers:
        _CHART.write_text(_chart(session), encoding="utf-8")


def _measured(name: str, session: Session) -> Table:
    try:
        return TABLES[name](session)
    except ProcessFailed as error:
        return Table(name, name, [Row(name, None, "", note=str(error))])


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _write(tables: Sequence[Table], size: str, commit: bool) -> None:
    implementation = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{implementation}, {platform.machine()}, {os.cpu_count()} cores"
    for name in ("latest", *(["committed"] if commit else [])):
        path = _RESULTS / f"{name}.json"
        before = _read(path)
        kept = before.get(size, {}).get("tables", {})
        before[size] = {"machine": machine, "tables": {**kept, **to_json(tables)}}
        path.write_text(json.dumps(before, indent=1) + "\n", encoding="utf-8")


def _chart(session: Session) -> str:
    lines = [Line(f"set {kind}", color, _points(session.timings, kind)) for kind, color in _OURS.items()]
    for name, color in _PEERS.items():
        points = [(n, timing.ratio) for n, timing in session.peers.get(name, {}).items()]
        if points:
            lines.append(Line(f"{name}, set A", color, points, dashed=True))
    return draw("Time to match a record, as a multiple of json.loads of its text", lines)


def _points(timings: Mapping[tuple[Kind, int], Timing], kind: str) -> list[tuple[float, float]]:
    return [(n, timing.ratio) for (of, n), timing in timings.items() if of == kind]


if __name__ == "__main__":
    main()
