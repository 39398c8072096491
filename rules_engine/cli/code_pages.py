"""The manual page of a problem code, as `validate --explain` prints it.

A page is `codes/RE204.md` beside this module: a title line `# RE204 unknown function`, what is wrong, and a
wrong and a right example. The file is the page: nothing is rendered, so what is printed is what the
documentation shows. Codes are found by listing the files, not in a second register that could disagree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_PAGES = Path(__file__).with_name("codes")

_TITLE = re.compile(r"# (?P<code>RE\d{3}) (?P<title>.+)")
_EXAMPLE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """A fenced block of a page."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class CodePage:
    """One page. `text` is the whole file; `wrong` and `right` are the examples under those headings."""

    code: str
    title: str
    text: str
    wrong: tuple[Example, ...]
    right: tuple[Example, ...]

    @property
    def description(self) -> str:
        """The first paragraph below the title, as one line."""
        return " ".join(self.text.split("\n\n")[1].split())


def codes() -> list[str]:
    """Every code that has a page, sorted."""
    return sorted(path.stem for path in _PAGES.glob("RE*.md"))


def page_path(code: str) -> Path:
    """Where the page of `code` lies."""
    return _PAGES / f"{code}.md"


def load_page(code: str) -> CodePage:
    """The page of `code`, which is one of `codes()`. Raises ValueError for a page without its parts."""
    text = page_path(code).read_text(encoding="utf-8")
    title = _TITLE.match(text)
    if title is None or title["code"] != code:
        raise ValueError(f"the page of {code} does not begin with '# {code} <title>'")
    return CodePage(code, title["title"].strip(), text, _examples(text, "Wrong"), _examples(text, "Right"))


def _examples(text: str, heading: str) -> tuple[Example, ...]:
    _, _, after = text.partition(f"\n## {heading}\n")
    section = re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0]
    return tuple(Example(match["language"], match["text"]) for match in _EXAMPLE.finditer(section))
