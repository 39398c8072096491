"""The rule set of an editor's workspace, with the texts that are open in it.

In: the folders of the workspace, where rules lie in each, and the open texts by real path. Out: an
`Analysis`: the problems that `validate` would report if every open text were saved, and where each rule
stands. A file outside of the rule paths is none of ours: an editor sends every YAML file that it opens.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rules_engine.loader import FileRead, find_files, load_rules
from rules_engine.loader.files import ENDINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules_engine.errors import Location, Problem


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of a workspace. `problems` are by real path of their file; `elsewhere` belong to none."""

    problems: Mapping[str, list[Problem]] = field(default_factory=dict)
    elsewhere: tuple[Problem, ...] = ()
    rules: Mapping[str, Location] = field(default_factory=dict)


def _texts(paths: Sequence[str], buffers: Mapping[str, bytes]) -> dict[str, bytes]:
    """The open texts below `paths`, by the path under which the loader finds each, or would find it."""
    found = {os.path.realpath(path): path for path in find_files(paths)}
    real_paths = [os.path.realpath(path) for path in paths]
    return {
        found.get(path, path): text
        for path, text in buffers.items()
        if path in found or any(Path(path).is_relative_to(one) for one in real_paths)
    }


def is_rule_file(path: str, folders: Sequence[str], paths: Sequence[str]) -> bool:
    """Whether a file is, or would be, one of the rule set's."""
    below = (os.path.realpath(Path(folder, name)) for folder in folders for name in paths)
    return path.lower().endswith(ENDINGS) and any(Path(path).is_relative_to(one) for one in below)


Known = dict[str, dict[str, FileRead]]
"""By folder and path, what the last analysis read."""


def analyse(
    folders: Sequence[str], paths: Sequence[str], buffers: Mapping[str, bytes], known: Known
) -> Analysis:
    """The rule sets of all folders; each is a set of its own. `known` is kept from one call to the next: of a
    thousand rules those of one file change with a key that is pressed."""
    for gone in known.keys() - set(folders):
        del known[gone]
    problems: dict[str, list[Problem]] = {}
    elsewhere: list[Problem] = []
    rules: dict[str, Location] = {}
    for folder in folders:
        below = [str(Path(folder, path)) for path in paths]
        rule_set, found = load_rules(below, texts=_texts(below, buffers), known=known.setdefault(folder, {}))
        for problem in found:
            file = os.path.realpath(problem.location.path)
            if file in buffers or Path(file).is_file():
                problems.setdefault(file, []).append(problem)
            else:
                elsewhere.append(problem)
        rules |= {rule.id: rule.location for rule in rule_set.rules if rule.location is not None}
    return Analysis(problems, tuple(elsewhere), rules)
