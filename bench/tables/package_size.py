"""How large the function's zip is, and that it holds nothing but this package's code and the bundle."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from bench.report import Row, Table
from bench.session import rule_set
from rules_engine.deploy.package import BUNDLE_NAME, build_package
from rules_engine.model import RuleSet
from rules_engine.packed import COMPILED_NAME, SOURCE_NAME

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
    archive = zipfile.ZipFile(io.BytesIO(package))
    source = zipfile.ZipFile(io.BytesIO(archive.read(SOURCE_NAME))).namelist()
    names = [*archive.namelist(), *source]
    ours = {BUNDLE_NAME, SOURCE_NAME, COMPILED_NAME}
    others = [
        name
        for name in names
        if name not in ours and not (name.startswith("rules_engine/") and name.endswith(".py"))
    ]
    note = ", ".join(others[:3]) or f"{len(names)} files in all"
    return Row("files that are neither our code nor the bundle", len(others), "files", at_most=0, note=note)
