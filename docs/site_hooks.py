"""What the documentation site adds to the pages: decisions, an anchor for each problem code, bars in tables.

`codes/#re204` must stay as it is, whatever the code's title becomes: editors and reports link to it. A bar in
a code span of a table is written with a backslash, as GitHub wants it; Python-Markdown would show that.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from markdown.extensions.toc import slugify

_CODE = re.compile(r"RE\d{3}\b")
_CELL = re.compile(r"<td[^>]*>.*?</td>", re.DOTALL)


def on_config(config: Any) -> Any:
    """Called by mkdocs with the site's configuration."""
    docs = Path(config.docs_dir)
    decisions = [str(path.relative_to(docs)) for path in sorted(docs.glob("decisions/*.md"))]
    for section in config.nav:
        for entry in section.get("Explanation", []):
            if isinstance(entry, dict) and "Decisions" in entry:
                entry["Decisions"] = decisions
    config.mdx_configs.setdefault("toc", {})["slugify"] = anchor
    return config


def anchor(heading: str, separator: str) -> str:
    """`re204` for `RE204 unknown function`, and what is usual for any other heading."""
    code = _CODE.match(heading)
    return code[0].lower() if code is not None else slugify(heading, separator)


def on_page_content(html: str, **_: Any) -> str:
    """Called by mkdocs with the HTML of a page."""
    return _CELL.sub(lambda cell: cell[0].replace("\\|", "|"), html)
