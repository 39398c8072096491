"""The rules as they are in a commit, without touching the working tree.

`rules_at` gives the rule set of paths as they are named now. `lay_out` gives it their files in a directory,
laid out as in the repository, and the paths below it. Only what git has is read (`ls-tree`,
`cat-file`); links are left out. Where rules name records of their tests, the JSON files of the commit are
laid beside them. It raises GitError where there is no repository, no such revision, or no git.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from rules_engine.cli.rule_files import RulesRefused
from rules_engine.errors import RulesEngineError
from rules_engine.model import RuleSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.errors import Location, Problem

_REGULAR = ("100644", "100755")
_LARGEST = 1024 * 1024


class GitError(RulesEngineError):
    """git cannot give the rules of that revision."""


class _Blob(NamedTuple):
    path: str
    object_id: str
    size: int


def rules_at(revision: str, paths: Sequence[str]) -> RuleSet:
    """The rules of a commit; none where it has no such paths. What had expired since is no mistake of then.
    Raises RulesRefused for errors in them, and GitError."""
    from rules_engine.loader import load_rules

    with TemporaryDirectory() as directory:
        laid_out = lay_out(revision, paths, Path(directory))
        if not laid_out:
            return RuleSet()
        rule_set, problems = load_rules(laid_out, today=date.min)
        errors = [_as_of(problem, revision, directory) for problem in problems if problem.severity == "error"]
    if errors:
        raise RulesRefused(errors)
    return rule_set


def _as_of(problem: Problem, revision: str, directory: str) -> Problem:
    """The problem with `REVISION:path` for the path of the copy, as git writes it."""

    def named(location: Location) -> Location:
        return replace(location, path=shown(location.path))

    def shown(text: str) -> str:
        return text.replace(f"{directory}/", f"{revision}:")

    related = tuple((named(location), message) for location, message in problem.related)
    return replace(problem, location=named(problem.location), message=shown(problem.message), related=related)


def lay_out(revision: str, paths: Sequence[str], directory: Path) -> list[str]:
    """The paths below `directory` that stand for `paths` at `revision`, without those that were not there."""
    root = Path(_git(Path.cwd(), "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    commit = _commit(root, revision)
    inside = [_path_inside(path, root) for path in paths]
    blobs = _blobs(root, commit)
    wanted = [blob for blob in blobs if any(_is_below(blob.path, path) for path in inside)]
    contents = _read(root, wanted)
    if any(b"record_file" in content for content in contents.values()):
        records = [each for each in blobs if each.path.endswith(".json") and each.size <= _LARGEST]
        contents |= _read(root, [each for each in records if each.path not in contents])
    for path, content in contents.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return [str(directory / path) for path in inside if (directory / path).exists()]


def _git(directory: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """What git prints. Raises GitError with what it says."""
    try:
        finished = subprocess.run(  # noqa: S603 - no shell, and a revision can be no option
            ["git", "--no-pager", "-C", str(directory), *arguments],  # noqa: S607 - the git of whoever calls
            check=False,
            input=stdin,
            capture_output=True,
        )
    except FileNotFoundError:
        raise GitError("git is not installed, or not on the PATH") from None
    if finished.returncode:
        said = finished.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(f"git: {said[0].removeprefix('fatal: ')}" if said else "git failed")
    return finished.stdout


def _commit(root: Path, revision: str) -> str:
    try:
        name = f"{revision}^{{commit}}"
        return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", name).decode().strip()
    except GitError:
        raise GitError(f"there is no commit '{revision}' in this repository") from None


def _path_inside(path: str, root: Path) -> str:
    full = Path(path).resolve()
    if not full.is_relative_to(root.resolve()):
        raise GitError(f"'{path}' is not in the repository {root}")
    return full.relative_to(root.resolve()).as_posix()


def _is_below(path: str, directory: str) -> bool:
    return directory in (".", path) or path.startswith(f"{directory}/")


def _blobs(root: Path, commit: str) -> list[_Blob]:
    """The regular files of a commit."""
    found = []
    for entry in _git(root, "ls-tree", "-r", "-l", "-z", commit).split(b"\0"):
        if entry:
            fields, _, name = entry.partition(b"\t")
            mode, _, object_id, size = fields.decode().split()
            if mode in _REGULAR:
                found.append(_Blob(name.decode("utf-8", "surrogateescape"), object_id, int(size)))
    return found


def _read(root: Path, blobs: Sequence[_Blob]) -> dict[str, bytes]:
    """The contents by path."""
    asked = "".join(f"{blob.object_id}\n" for blob in blobs).encode()
    answer = _git(root, "cat-file", "--batch", stdin=asked) if blobs else b""
    contents = {}
    at = 0
    for blob in blobs:
        begin = answer.index(b"\n", at) + 1
        contents[blob.path] = answer[begin : begin + blob.size]
        at = begin + blob.size + 1
    return contents
