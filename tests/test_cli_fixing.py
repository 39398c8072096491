"""`validate --fix` and the files themselves: what is written, and what is shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from rules_engine.cli.fixing import fix_files, render_fixes, replace_checked
from rules_engine.cli.report import plain
from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from pathlib import Path

LINE = """    actions: [{{type: webhook, url: https://a.io/, headers: {{authorization: "{}"}}, {}: x}}]\n"""
RULE = f"""\
version: 1
rules:
  - id: order-shipped
    table: orders
    when: became(&status, 'SHIPPED')
{LINE}"""
REFERENCE = "${secret:a}"


def test_a_file_that_changed_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "orders.yaml"
    file.write_bytes(b"saved meanwhile")
    with pytest.raises(click.ClickException) as refusal:
        replace_checked(str(file), b"checked", b"mended")
    assert refusal.value.message == f"'{file}' changed while it was checked; it was not written"
    assert file.read_bytes() == b"saved meanwhile"


def test_a_file_that_is_gone_meanwhile_is_not_made_again(tmp_path: Path) -> None:
    file = tmp_path / "orders.yaml"
    with pytest.raises(click.ClickException) as refusal:
        replace_checked(str(file), b"checked", b"mended")
    assert refusal.value.message == f"'{file}' cannot be written: no such file or directory"
    assert not file.exists()


@pytest.mark.parametrize(
    ("secret", "is_shown"), [(REFERENCE, True), ("Bearer 9f86d081884c7d659a2feaa0c55ad015", False)]
)
def test_a_line_is_shown_before_and_after_unless_there_is_a_secret_in_it(
    secret: str, is_shown: bool, tmp_path: Path
) -> None:
    file = tmp_path / "orders.yaml"
    file.write_text(RULE.format(secret, "bodi"))
    mended = fix_files([str(file)], load_rules(file)[1])
    before, after = LINE.format(secret, "bodi"), LINE.format(secret, "body")
    place = f"{file}:6:{before.index('bodi') + 1}"
    shown = [f"{place}: fixed RE106 unknown key 'bodi' in a webhook action\n"]
    shown += [f"   6 - {before}", f"     + {after}"] if is_shown else []
    assert render_fixes(mended, plain) == "".join(shown)
    assert file.read_text() == RULE.format(secret, "body")
