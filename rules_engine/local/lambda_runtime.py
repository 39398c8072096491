"""What a Python Lambda runtime holds besides the function: `awslambdaric`, boto3 and jmespath, nothing else.

`link_runtime(directory)` fills a directory with links to exactly these distributions and what they require,
taken from the running interpreter's environment. `runtime_command` starts that interpreter so that it sees
its standard library, the function and this directory; none of the author's side (YAML, JSON Schema, click,
rich) can be imported, so a package that lacks a module fails here as it would on AWS. A virtual environment
made by pip does the same in seconds and with a network; this takes milliseconds.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from rules_engine.local.ministack import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNTIME_DISTRIBUTIONS = ("awslambdaric", "boto3", "jmespath")
HANDLER = "rules_engine.handler.lambda_handler"


def link_runtime(directory: Path) -> None:
    """Fills `directory` with links to the packages of `RUNTIME_DISTRIBUTIONS` and their requirements."""
    directory.mkdir(parents=True, exist_ok=True)
    for found in _with_requirements(RUNTIME_DISTRIBUTIONS):
        for top_level in _top_level(found):
            (directory / top_level).symlink_to(Path(str(found.locate_file(top_level))).resolve())


def _with_requirements(names: tuple[str, ...]) -> Iterator[Distribution]:
    """The distributions of these names and all they require, extras and environment markers aside."""
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            raise LocalStackError(
                f"the local stack needs '{name}', which is not installed: "
                "pip install 'dynamodb-rules-engine[local]'"
            ) from None
        yield found
        for requirement in found.requires or ():
            wanted, _, marker = requirement.partition(";")
            if not marker:
                waiting.append(re.split(r"[^A-Za-z0-9._-]", wanted.strip())[0].lower())


def _top_level(found: Distribution) -> set[str]:
    """Names of the packages, modules and extension modules that a distribution installed."""
    names = {file.parts[0] for file in found.files or ()}
    return {name for name in names if name not in ("..", "__pycache__") and not name.endswith(".dist-info")}


def runtime_command(handler: str = HANDLER) -> list[str]:
    """The command that runs a handler under the runtime client. `-S`: no site-packages."""
    return [sys.executable, "-S", "-B", "-m", "awslambdaric", handler]


def python_path(function: Path, runtime: Path) -> str:
    """`PYTHONPATH` for `runtime_command`: the unzipped function first, as on AWS."""
    return f"{function}:{runtime}"
