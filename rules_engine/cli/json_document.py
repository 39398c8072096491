"""A command's document as JSON text, exact and always Unicode.

In: plain data. Out: the text in one line. The name of a file may have bytes that are no UTF-8; Python reads
them as halves of surrogate pairs, which JSON cannot hold. They are written as `\\udcff`, as people see them.
"""

from __future__ import annotations

from typing import Any

from rules_engine import exact_json


def render_document(document: dict[str, Any]) -> str:
    """The text, ended. Raises what `exact_json.dumps` raises for what is no JSON value."""
    return exact_json.dumps(_in_unicode(document)) + "\n"


def _in_unicode(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {_in_unicode(key): _in_unicode(each) for key, each in value.items()}
    return [_in_unicode(each) for each in value] if isinstance(value, (list, tuple)) else value
