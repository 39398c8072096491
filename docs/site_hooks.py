"""What the documentation site adds to the pages: decisions, an anchor for each code, bars in tables,
pictures.

A page that the navigation does not name, because it is new, stands under "More". `codes/#re204` must stay as
it is, whatever the code's title becomes: editors and reports link to it, and links of pages, which have
GitHub's longer anchor of the same heading, are cut to it. A bar in a code span of a table is written with a
backslash, as GitHub wants it; Python-Markdown would show that. GitHub draws a Mermaid block itself; the theme
would fetch a script for it from elsewhere, so here the same picture stands as SVG.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from markdown.extensions.toc import slugify

_CODE = re.compile(r"RE\d{3}\b")
_LINK_TO_CODE = re.compile(r"(?<=codes\.md#)(re\d{3})-[\w-]*")
_MERMAID = re.compile(r"^```mermaid\n.*?^```$", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"<td[^>]*>.*?</td>", re.DOTALL)


def on_config(config: Any) -> Any:
    """Called by mkdocs with the site's configuration."""
    docs = Path(config.docs_dir)
    pages = [path.relative_to(docs).as_posix() for path in sorted(docs.rglob("*.md"))]
    named = json.dumps(config.nav)
    decisions = [page for page in pages if page.startswith("decisions/")]
    others = [page for page in pages if f'"{page}"' not in named and page not in decisions]
    config.nav += [{"More": others}] if others else []
    config.nav += [{"Decisions": decisions}]
    config.mdx_configs.setdefault("toc", {})["slugify"] = anchor
    return config


def anchor(heading: str, separator: str) -> str:
    """`re204` for `RE204 unknown function`, and what is usual for any other heading."""
    code = _CODE.match(heading)
    return code[0].lower() if code is not None else slugify(heading, separator)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Called by mkdocs with the text of a page."""
    name = Path(page.file.src_uri).stem
    with_picture = _MERMAID.sub(f"![Tables, rules and targets of the pattern {name}]({name}.svg)", markdown)
    return _LINK_TO_CODE.sub(r"\1", with_picture)


def on_page_content(html: str, **_: Any) -> str:
    """Called by mkdocs with the HTML of a page."""
    return _CELL.sub(lambda cell: cell[0].replace("\\|", "|"), html)
