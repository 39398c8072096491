"""A file that is there as a whole or not at all.

In: a path and the file's new content. It is written beside its place under a name of its own, and then takes
the place in one step: neither an editor nor a crash meets half of it. A link stays a link, and a file that
was there keeps its mode.
"""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: str | Path, content: bytes) -> None:
    """Raises OSError; the file is then as it was, and nothing else is left."""
    target = Path(os.path.realpath(path))
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        if target.exists():
            unfinished.chmod(target.stat().st_mode)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
