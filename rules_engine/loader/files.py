"""Paths to the rule files below them, and their bytes.

In: files and directories as the author named them. Out: file paths, sorted within each directory and each
once, and what can be read of them; a problem for each path, directory and file that cannot be read. Names
that begin with a dot are passed over below a directory: a repository's CI workflows and virtual environments
are YAML too. Links to directories are followed, unless they lead back up. A file that is named itself is read
whatever it is called, but only a regular one: a pipe could keep us waiting for ever. No link is followed out
of the checkout: a stranger's pull request could make one to `/proc/self/environ` or `.git/config`, and a
problem shows the line that it is about.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rules_engine.errors import Location, Problem
from rules_engine.source.reader import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ENDINGS = (".yaml", ".yml")
TEST_ENDINGS = (".test.yaml", ".test.yml")

LEADS_OUT = "it is a link that leads out of the checkout, or to a name that begins with a dot"


def find_files(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    """The rule and test files under `paths`, in order."""
    return find_all(paths)[0]


def find_all(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> tuple[list[str], list[Problem]]:
    """The files, and a problem for each path that leads to none and each directory that cannot be listed."""
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for given in paths:
        path = os.fspath(given)
        known = len(problems)
        try:
            files = list(_files(path, problems))
        except (OSError, ValueError) as error:
            problems.append(_unreadable(path, _reason(error)))
            continue
        if not files and len(problems) == known:
            message = f"there is no rule file (*.yaml, *.yml) in '{path}'"
            hint = "name a directory that holds rule files, or a file"
            problems.append(Problem("RE101", message, Location(path, 1, 1), hint=hint))
        for file in files:
            found.setdefault(os.path.realpath(file), file)
    return list(found.values()), problems


def is_test_file(path: str) -> bool:
    """Whether a file holds tests only."""
    return path.lower().endswith(TEST_ENDINGS)


def read_bytes(path: str) -> tuple[bytes, Problem | None]:
    """The content of a file, cut just behind the size limit; a problem if it cannot be read."""
    try:
        with _open(path) as file:
            return file.read(MOST_BYTES + 1), None
    except (OSError, ValueError) as error:
        return b"", _unreadable(path, _reason(error))


def file_states(files: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Time and size of each file that is there: a save changes one of them."""
    states = {}
    for path in files:
        with suppress(FileNotFoundError):  # an editor may be replacing it
            found = Path(path).stat()
            states[path] = (found.st_mtime_ns, found.st_size)
    return states


def _open(path: str) -> BinaryIO:
    if not path:
        raise ValueError("the path is empty")
    if not stat.S_ISREG(Path(path).stat().st_mode):  # asked first, because to open a pipe is to wait for it
        raise ValueError("it is not a regular file")
    return Path(path).open("rb")


def _files(path: str, problems: list[Problem]) -> Iterator[str]:
    bounds = _bounds(path)
    if not path or not Path(path).is_dir():
        with _open(path):
            if not _is_within(os.path.realpath(path), bounds):
                raise ValueError(LEADS_OUT)
            yield path
        return

    def refuse(error: OSError) -> None:
        problems.append(_unreadable(error.filename, _reason(error)))

    seen: set[str] = set()
    for directory, directories, names in os.walk(path, onerror=refuse, followlinks=True):
        real = os.path.realpath(directory)
        if real in seen or not _is_within(real, bounds):
            if real not in seen:
                problems.append(_unreadable(directory, LEADS_OUT))
            directories.clear()
            continue
        seen.add(real)
        directories[:] = sorted(
            name for name in directories if not name.startswith(".") and not _leads_up(real, name)
        )
        for name in sorted(names):
            if name.lower().endswith(ENDINGS) and not name.startswith("."):
                file = str(Path(directory, name))
                if _is_link(file) and not _is_within(os.path.realpath(file), bounds):
                    problems.append(_unreadable(file, LEADS_OUT))
                else:
                    yield file


def _bounds(path: str) -> list[Path]:
    """The directories that links may lead into: what is named, and the checkout that it stands in, or without
    one the current directory. A link that is named gives itself no leave there."""
    here = Path(os.path.realpath(path))
    full = os.path.abspath(path)  # noqa: PTH100 - Path.absolute leaves `..` as it is
    above = Path(os.path.realpath(Path(full).parent)) if _is_link(full) else here
    current = Path.cwd()
    checkout = _checkout_of(above)
    if checkout is None and above.is_relative_to(current) and current != current.parent:
        checkout = current
    if checkout is None:
        return [here]
    return [checkout] if above != here else [here, checkout]


def is_out_of_checkout(path: str, place: str) -> bool:
    """Whether a path leads out of the checkout that the file at `place` stands in, if there is one."""
    checkout = _checkout_of(Path(os.path.realpath(place)).parent)
    try:
        return checkout is not None and not Path(os.path.realpath(path)).is_relative_to(checkout)
    except ValueError:  # a name with a NUL: it leads nowhere
        return False


def _checkout_of(directory: Path) -> Path | None:
    return next((one for one in (directory, *directory.parents) if (one / ".git").exists()), None)


def _is_within(real: str, bounds: Iterable[Path]) -> bool:
    """Whether a real path is below one of them, and there below no name that begins with a dot."""
    path = Path(real)
    return any(
        path.is_relative_to(bound) and not any(part.startswith(".") for part in path.relative_to(bound).parts)
        for bound in bounds
    )


def _is_link(path: str) -> bool:
    # Unlike Path.is_symlink, this raises nothing for a path that is too long.
    return os.path.islink(path)  # noqa: PTH114


def _leads_up(directory: str, name: str) -> bool:
    """Whether an entry of a directory is a link to one that it stands in."""
    path = str(Path(directory, name))
    return _is_link(path) and Path(directory).is_relative_to(os.path.realpath(path))


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file or directory"
    if isinstance(error, PermissionError):
        return "it may not be read by this user"
    return (getattr(error, "strerror", None) or str(error)).lower()


def _unreadable(path: str, reason: str) -> Problem:
    hint = "check the path; it is relative to the current directory unless it begins with '/'"
    if reason == LEADS_OUT:
        hint = "put the file itself in the place of the link, or name what it leads to"
    return Problem("RE101", f"cannot read '{path}': {reason}", Location(path or "''", 1, 1), hint=hint)
