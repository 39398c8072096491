"""Paths as the repository knows them, from wherever the command runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules_engine.cli.repository import path_in_repository, repository_root


@pytest.mark.parametrize(
    ("variables", "current", "expected"),
    [
        ({}, "shop", "shop"),
        ({"GITHUB_WORKSPACE": "."}, "shop", "."),
        ({"GITHUB_WORKSPACE": "shop"}, "shop", "shop"),
        ({"GITHUB_WORKSPACE": "other"}, "shop", "shop"),
        ({"CI_PROJECT_DIR": "."}, "shop/orders", "."),
        ({"GITHUB_WORKSPACE": "other", "CI_PROJECT_DIR": "shop"}, "shop/orders", "shop"),
        ({"GITHUB_WORKSPACE": ""}, "shop", "shop"),
    ],
)
def test_the_root_is_the_checkout_that_the_command_runs_in(
    variables: dict[str, str], current: str, expected: str, tmp_path: Path
) -> None:
    environ = {name: value and str(tmp_path / value) for name, value in variables.items()}
    assert repository_root(environ, tmp_path / current) == tmp_path / expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, "."), ({"GITHUB_WORKSPACE": "shop"}, "shop"), ({"GITHUB_WORKSPACE": "other"}, ".")],
)
@pytest.mark.parametrize("is_worktree", [False, True])
def test_without_a_variable_the_checkout_is_where_git_says(
    variables: dict[str, str], expected: str, is_worktree: bool, tmp_path: Path
) -> None:
    (tmp_path / "shop/rules").mkdir(parents=True)
    if is_worktree:
        (tmp_path / ".git").write_text("gitdir: /elsewhere/.git/worktrees/shop\n")
    else:
        (tmp_path / ".git").mkdir()
    environ = {name: str(tmp_path / value) for name, value in variables.items()}
    assert repository_root(environ, tmp_path / "shop") == tmp_path / expected
    assert repository_root({}, tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("rules/a.yaml", "shop/rules/a.yaml"),
        ("./rules/../rules/a.yaml", "shop/rules/a.yaml"),
        ("../b.yaml", "b.yaml"),
        ("/repository/c.yaml", "c.yaml"),
        ("../../outside.yaml", "/outside.yaml"),
        ("/elsewhere/d.yaml", "/elsewhere/d.yaml"),
    ],
)
def test_a_path_counts_from_the_root(path: str, expected: str) -> None:
    assert path_in_repository(path, Path("/repository"), Path("/repository/shop")) == expected


def test_a_checkout_behind_a_link_is_the_same_checkout(tmp_path: Path) -> None:
    (tmp_path / "real/shop/rules").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/shop/rules/linked.yaml").symlink_to("/nowhere")
    current = tmp_path / "real/shop"
    root = repository_root({"GITHUB_WORKSPACE": str(tmp_path / "link")}, current)
    assert path_in_repository("rules/linked.yaml", root, current) == "shop/rules/linked.yaml"
