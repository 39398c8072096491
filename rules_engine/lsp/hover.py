"""What stands at a place, in Markdown: a key's description and example, a function, a field, a defined name.

In: a file's text and the cursor. Out: the text to show and the columns that it is about, or None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import yaml

from rules_engine.expression.functions import FUNCTIONS
from rules_engine.lsp.outline import LINE_END, read_outline
from rules_engine.lsp.shape import choices, keys_of, shape_at
from rules_engine.lsp.words import FIELDS, SECTIONS, defined, in_expression, word_at

if TYPE_CHECKING:
    from rules_engine.lsp.outline import Outline
    from rules_engine.schema import Schema


class Hover(NamedTuple):
    """Markdown about the characters from `start` to `end` of the cursor's line."""

    markdown: str
    start: int
    end: int


def hover(path: str, text: str, line: int, column: int) -> Hover | None:
    """What is known of the place, which is counted from 0 in characters."""
    outline = read_outline(text, line, column)
    place = outline.place
    if place is None:
        return None
    shape = shape_at(path, outline, place)
    entry = outline.at(line, column)
    if entry is not None and place.role != "value":
        known = keys_of(shape).get(entry.key)
        return Hover(about_key(entry.key, known), entry.start, entry.end) if known else None
    if in_expression(place, shape):
        return _about_word(outline, LINE_END.split(text)[line], column)
    return None


def about_key(key: str, shape: Schema) -> str:
    """A key's description, values, default and first example."""
    parts = [f"**{key}** {shape.get('description', '')}".rstrip()]
    if choices(shape):
        shown = (str(one).lower() if isinstance(one, bool) else str(one) for one in choices(shape))
        parts.append(f"One of {', '.join(f'`{one}`' for one in shown)}.")
    if "default" in shape:
        default = shape["default"]
        parts.append(f"Default: `{str(default).lower() if isinstance(default, bool) else default}`.")
    if shape.get("examples"):
        example = yaml.safe_dump({key: shape["examples"][0]}, sort_keys=False, width=100, allow_unicode=True)
        parts.append(f"```yaml\n{example}```")
    return "\n\n".join(parts)


def _about_word(outline: Outline, line: str, column: int) -> Hover | None:
    found = word_at(line, column)
    if found is None:
        return None
    word, start, called = found
    if called:
        function = FUNCTIONS.get(word)
        if function is None:
            return None
        doc = f"{function.doc[0].upper()}{function.doc[1:]}."
        markdown = f"```\n{function.signature}\n```\n\n{doc}\n\nExample: `` {function.example} ``"
        return Hover(markdown, start, start + len(word))
    root, *names = word.split(".")
    if root in SECTIONS and names and column > start + len(root):
        entry = defined(outline, root).get(names[0])
        end = start + len(root) + 1 + len(names[0])
        if entry is None or column > end:
            return None
        return Hover(f"**{root}.{names[0]}** of this file\n\n```yaml\n{entry.value}\n```", start, end)
    if root in FIELDS and column <= start + len(root):
        return Hover(f"**{root}** {FIELDS[root]}", start, start + len(root))
    return None
