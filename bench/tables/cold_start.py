"""What the handler adds to a cold start.

In fresh interpreters: boto3 imported and one client made, and the same with the handler imported as Lambda
does, with a bundle of 1,000 rules.

The package is unpacked as Lambda unpacks it, where nothing can be written. What is compiled in it is for the
version of Python that built it; the last row is without that, as under another version, where every cold
start compiles the source. The clients are a part of what is added: the workload's rules need one for SNS and
one for DynamoDB. Processor time is taken: whatever else runs on this machine would not run in the function's.
"""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.processes import run
from bench.report import Row, Table
from bench.session import one_of_each_kind, rule_set
from bench.timing import WrongAnswer
from bench.workload import ENVIRONMENT
from rules_engine.deploy.package import build_package
from rules_engine.packed import COMPILED_NAME

if TYPE_CHECKING:
    from bench.session import Session

_RULES = 1_000
_BASE = (
    "from time import process_time; start = process_time(); import boto3; "
    "boto3.client('sns', region_name='eu-west-1'); "
)
_END = "print(process_time() - start)"
_IMPORT = f"{_BASE}import rules_engine.handler; "
_HANDLER = f"{_IMPORT}{_END}; print(rules_engine.handler.__file__)"
_FIRST = (
    f"{_IMPORT}import json; records = json.load(open('records.json')); "
    "engine = rules_engine.handler._function()._invocation.engine; "
    f"[engine.match(record) for record in records]; {_END}; print(rules_engine.handler.__file__)"
)


def measure(session: Session) -> Table:
    with TemporaryDirectory() as folder:
        deployed, source = Path(folder, "deployed"), Path(folder, "source")
        package = build_package(rule_set("B", _RULES))
        for target in (deployed, source):
            zipfile.ZipFile(io.BytesIO(package)).extractall(target)
        Path(deployed, "records.json").write_text(json.dumps(one_of_each_kind()), encoding="utf-8")
        Path(source, COMPILED_NAME).unlink()
        times = [
            (
                _seconds(_BASE + _END, deployed),
                _seconds(_HANDLER, deployed),
                _seconds(_FIRST, deployed),
                _seconds(_HANDLER, source),
            )
            for _ in range(3 if session.quick else 9)
        ]
    base, as_built, first, from_source = (1e3 * min(column) for column in zip(*times, strict=True))
    note = f"boto3 and one client alone: {base:.0f} ms"
    rows = [
        Row("as Lambda unpacks it", as_built - base, "ms added", at_most=60, note=note),
        Row("and a first record of every kind matched", first - base, "ms added"),
        Row("under another version of Python", from_source - base, "ms added"),
    ]
    return Table("cold-start", f"Cold start, handler and a bundle of {_RULES:,} B rules", rows)


def _seconds(code: str, package: Path) -> float:
    environment = {
        **ENVIRONMENT,
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(package),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
    seconds, *imported = run([sys.executable, "-c", code], environment, package).printed.splitlines()
    if imported and not Path(imported[0]).is_relative_to(package):
        raise WrongAnswer("another handler than the package's was imported")
    return float(seconds)
