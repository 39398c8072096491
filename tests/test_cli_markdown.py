"""What Markdown shows of texts that strangers wrote: the texts, and nothing drawn from them."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rules_engine.cli.main import rules_engine, run
from rules_engine.cli.markdown import code_span, escaped

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# Whatever a reader of Markdown makes of, and what would end a cell, a row or the table.
MARKED = st.text(st.sampled_from("ab \n|\\`*_~<>&[]()!#@$:-+=1.\"'é"), max_size=30)
READER = MarkdownIt("commonmark").enable("table")


def test_a_cell_shows_the_text_and_no_markdown_of_it() -> None:
    assert escaped("a | b\n`c` <img> [d](e) \\ _f_ @g") == (r"a \| b \`c\` \<img\> \[d\](e) \\ \_f\_ \@g")


@given(MARKED)
def test_any_text_comes_back_from_a_cell(text: str) -> None:
    rendered = READER.render(f"| a | b |\n|---|---|\n| x | {escaped(text)} |\n")
    (cells,) = re.findall("<td>x</td>\n<td>(.*)</td>", rendered)
    assert html.unescape(cells) == " ".join(text.split())


@given(st.text(st.sampled_from("a`<>&*[]()\\"), min_size=1, max_size=20))
def test_any_text_comes_back_from_a_code_span(text: str) -> None:
    (code,) = re.findall("<p>x <code>(.*)</code> y</p>", READER.render(f"x {code_span(text)} y"))
    assert html.unescape(code) == text


HOSTILE = """\
version: 1
rules:
  - id: a
    table: orders
    owner: "<img src=x> [click](http://h) @team | `x"
    when: new.b == '``<img src=x> | ``'
    unless: [{name: "`` <img src=x> ``", when: old.x == 'y'}]
    actions: [{type: log}]
    tests: [{name: b, record: {event: INSERT, keys: {id: a}, new: {b: c}}, expect: {match: false}}]
"""


def made(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert run(rules_engine, arguments) == 0
    return capsys.readouterr().out


def test_rules_and_names_of_files_draw_nothing_into_a_page_of_rules_or_a_comment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "![x](y) @team <img src=z>.yaml"
    (tmp_path / "before.yaml").write_text(HOSTILE.replace("id: a\n", "id: z\n").replace("b == ", "q == "))
    (tmp_path / name).write_text(HOSTILE)
    table = READER.render(made(["list", name, "--format", "markdown"], capsys))
    comment = READER.render(made(["diff", "before.yaml", name, "--format", "markdown"], capsys))
    for rendered in (table, comment):
        assert re.findall("<(?:img|a)\\b[^>]*>", rendered) == []
    cells = [html.unescape(cell) for cell in re.findall("<td>(.*)</td>", table)]
    assert cells == [
        "a",
        "orders",
        "any",
        "<code>new.b == '``<img src=x> | ``'</code><br><code>unless `` <img src=x> ``: old.x == 'y'</code>",
        "log",
        "<img src=x> [click](http://h) @team | `x",
    ]
    assert f"<strong>added</strong> <code>a</code>  {name}:3" in html.unescape(comment)
