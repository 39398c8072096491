"""Imports the modules of a function's package from two files: what was compiled, and all of the source.

`use(directory)` is called by the package's `rules_engine/__init__.py`. Below `directory` lie `source.zip`,
with a file for each module, and a file with the code of all of them for the version of Python that built the
package; another version compiles the source. Tracebacks show the source's lines. Elsewhere nothing uses this.

Python's own import from a zip was left: it reads each module twice, which costs more than the two files save.
See docs/decisions/0004-compiled-files-in-the-package.md.
"""

from __future__ import annotations

import marshal
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipimport import zipimporter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.machinery import ModuleSpec
    from types import CodeType

SOURCE_NAME = "rules_engine/source.zip"
COMPILED_NAME = f"rules_engine/compiled.{sys.implementation.cache_tag}"


def use(directory: str) -> None:
    """From now on, modules of this package come from the two files below `directory`."""
    sys.meta_path.insert(0, _Finder(directory))


def packed(codes: Mapping[str, CodeType], version: int) -> bytes:
    """What `_unpacked` reads, for code by the name of its file, in a version of marshal's format."""
    return MAGIC_NUMBER + marshal.dumps(dict(codes), version)


def _unpacked(path: str) -> dict[str, CodeType]:
    """Nothing where there is no such file, or a pre-release of this version wrote it."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        return {}
    start = len(MAGIC_NUMBER)
    if data[:start] != MAGIC_NUMBER:
        return {}
    codes: dict[str, CodeType] = marshal.loads(data[start:])  # noqa: S302 - our own code, as a .pyc is
    return codes


class _Finder:
    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._codes = _unpacked(f"{directory}/{COMPILED_NAME}")

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """As importlib asks for it: None for what is not in the package."""
        if not fullname.startswith("rules_engine."):
            return None
        base = fullname.replace(".", "/")
        for name, places in ((f"{base}.py", None), (f"{base}/__init__.py", [f"{self._directory}/{base}"])):
            if name in self._codes if self._codes else _is_in(self._directory, name):
                loader = _Loader(fullname, self._directory, name, self._codes.get(name))
                return spec_from_file_location(
                    fullname, loader.path, loader=loader, submodule_search_locations=places
                )
        return None


class _Loader(SourceFileLoader):
    """Of one module, whose path is where the source would be if it were a file of its own."""

    def __init__(self, fullname: str, directory: str, name: str, code: CodeType | None) -> None:
        super().__init__(fullname, f"{directory}/{name}")
        self._directory, self._name, self._code = directory, name, code

    def get_code(self, fullname: str) -> CodeType | None:
        return super().get_code(fullname) if self._code is None else self._code

    def get_data(self, path: Any) -> bytes:
        return _source(self._directory, self._name)


def _source(directory: str, name: str) -> bytes:
    """Raises OSError where there is none."""
    # Made anew each time: Python keeps what it knows of an archive.
    return zipimporter(f"{directory}/{SOURCE_NAME}").get_data(name)


def _is_in(directory: str, name: str) -> bool:
    try:
        _source(directory, name)
    except OSError:
        return False
    return True
