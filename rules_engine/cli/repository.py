"""Where a file stands in its repository: CI servers know files only by that path.

In: a path as the author gave it, relative to the current directory. Out: the path from the root of the
checkout, with slashes. GitHub and GitLab say in a variable where that is; elsewhere it is where git has its
`.git`, at the current directory or above it; without one, the current directory. A file outside of it keeps
its absolute path.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOT_VARIABLES = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def repository_root(environ: Mapping[str, str], current: Path) -> Path:
    """The root of the checkout that `current` is in. `current` holds no links: the system gives it so."""
    for name in _ROOT_VARIABLES:
        if environ.get(name):
            root = Path(os.path.realpath(environ[name]))
            if current.is_relative_to(root):
                return root
    # A file in a worktree, a directory elsewhere.
    checkouts = (each for each in (current, *current.parents) if (each / ".git").exists())
    return next(checkouts, current)


def path_in_repository(path: str, root: Path, current: Path) -> str:
    """`path` from `root`. Links below `current` are left as they are: the repository has them, too."""
    full = Path(os.path.normpath(current / path))
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else full.as_posix()
