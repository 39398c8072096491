"""The documentation site is built without a warning, is whole, and asks no other host for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rules_engine.cli.code_pages import codes

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent

LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}
"""Elements whose address a browser loads by itself, and where they have it."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    # With --quiet mkdocs counts no warning, and --strict finds nothing.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(directory)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return directory


class Loads(HTMLParser):
    """Collects what a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(LOADED.get(tag, ""))
        if address is not None:
            self.found.append(address)


def loaded_by(page: Path) -> Iterator[str]:
    parser = Loads()
    parser.feed(page.read_text())
    yield from parser.found


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    loaded = {address for page in site.rglob("*.html") for address in loaded_by(page)}
    assert loaded
    assert {address for address in loaded if re.match(r"(https?:)?//", address)} == set()
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//[^)]*", styles) == []


def test_no_page_needs_what_the_theme_would_fetch(site: Path) -> None:
    # Diagrams are the one thing that the theme's script loads from elsewhere.
    assert [str(page) for page in site.rglob("*.html") if 'class="mermaid"' in page.read_text()] == []


def test_every_page_is_in_the_navigation(site: Path) -> None:
    pages = [path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")]
    places = {(page.parent if page.name == "index" else page).as_posix() for page in pages}
    addresses = {f"{place}/" for place in places - {"."}}
    home = (site / "index.html").read_text()
    assert [address for address in addresses if f'href="{address}"' not in home] == []


def test_every_code_has_its_anchor(site: Path) -> None:
    text = (site / "codes/index.html").read_text()
    assert [code for code in codes() if f'id="{code.lower()}"' not in text] == []


def test_no_cell_of_a_table_shows_the_escape_of_a_bar(site: Path) -> None:
    cells = [
        cell
        for page in site.rglob("*.html")
        for cell in re.findall(r"<td.*?</td>", page.read_text(), re.DOTALL)
    ]
    assert any("||" in cell for cell in cells)
    assert [cell for cell in cells if "\\|" in cell] == []
