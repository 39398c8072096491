"""How large the function's zip is, and that it holds nothing but this package's code and the bundle."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from bench.report import Row, Table
from bench.session import rule_set
from rules_engine.deploy.package import BUNDLE_NAME, build_package
from rules_engine.model import RuleSet

if TYPE_CHECKING:
    from bench.session import Session


def measure(session: Session) -> Table:
    return Table(
        "package",
        "Function package",
        [
            _size("without rules", build_package(RuleSet())),
            _size("with 1,000 B rules", package := build_package(rule_set("B", 1_000))),
            _strangers(package),
        ],
    )


def _size(label: str, package: bytes) -> Row:
    return Row(label, len(package) / 1024, "KB", at_most=300)


def _strangers(package: bytes) -> Row:
    names = zipfile.ZipFile(io.BytesIO(package)).namelist()
    others = [
        name
        for name in names
        if name != BUNDLE_NAME and not (name.startswith("rules_engine/") and name.endswith((".py", ".pyc")))
    ]
    note = ", ".join(others[:3]) or f"{len(names)} files in all"
    return Row("files that are neither our code nor the bundle", len(others), "files", at_most=0, note=note)
