"""What stopped the YAML parser inside of `[ ]` and `{ }`, or at one of them.

In: a `Trouble`. Out: the problem, if it is one of these mistakes, else None.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules_engine.errors import Problem
    from rules_engine.source.syntax_errors.trouble import Trouble

_FLOW_VALUE_BEFORE = re.compile(r"""[^\s,\[\]{}"'\\]{0,200}$""")
_FLOW_VALUE_BEHIND = re.compile(r"""[^\s,\[\]{}"'\\]{0,200}""")


def reference_in_flow(trouble: Trouble) -> Problem | None:
    """`{topic: ${X}}`: inside braces a brace ends plain text."""
    text = trouble.source.text
    if trouble.character not in ("{", "[") or "flow" not in trouble.context:
        return None
    if text[trouble.at - 1] == "$" and trouble.character == "{":
        return _reference_without_quotes(trouble)
    message = f"'{trouble.character}' inside a value in [ ] or {{ }}"
    hint = "put the value in quotes, or write the mapping on lines of its own"
    return trouble.problem_at("RE102", message, trouble.at, trouble.at + 1, hint)


def _reference_without_quotes(trouble: Trouble) -> Problem:
    text = trouble.source.text
    reference_end = text.find("}", trouble.at) + 1 or trouble.at + 1
    start = trouble.at - 1 - len(_FLOW_VALUE_BEFORE.search(text[: trouble.at - 1])[0])  # type: ignore[index]
    end = _FLOW_VALUE_BEHIND.match(text, reference_end).end()  # type: ignore[union-attr]
    whole = text[start - 1] in " [" and text[end : end + 1] in (",", "}", "]")
    hint = f'write "{text[start:end]}"' if whole else "put the whole value in double quotes"
    fix = trouble.fix(start, end, f'"{text[start:end]}"') if whole else None
    message = "a '${...}' inside [ ] or { } needs quotes"
    return trouble.problem_at("RE102", message, trouble.at - 1, reference_end, hint, fix)


def flow(trouble: Trouble) -> Problem | None:
    """`[` and `{` that are not closed, or entries without a comma."""
    if "flow" not in trouble.context or trouble.context_at is None:
        return None
    opening = trouble.source.text[trouble.context_at : trouble.context_at + 1]
    if trouble.problem.startswith("expected ',' or"):
        opened_on = trouble.source.location(trouble.context_at).line
        closing = "]" if opening == "[" else "}"
        if trouble.place.line != opened_on or trouble.at >= len(trouble.source.text):
            message = f"the '{opening}' that opens here is not closed"
            hint = f"close it with '{closing}'"
            return trouble.problem_at("RE102", message, trouble.context_at, trouble.context_at + 1, hint)
        message = f"a ',' or '{closing}' is missing before this"
        hint = "separate entries with ', '; put a value with a ':' or a bracket in it in quotes"
        return trouble.problem_at("RE102", message, trouble.at, trouble.at + 1, hint)
    if trouble.character == "-":
        hint = "inside [ ] write the entries without '-', with ', ' between them"
        return trouble.problem_at("RE102", "'-' begins no entry inside [ ]", trouble.at, trouble.at + 1, hint)
    if not trouble.character.strip("\0\n"):
        at = _last_open(trouble.source.text[: trouble.at])
        opening = trouble.source.text[at]
        message = f"the '{opening}' that opens here is not closed"
        hint = f"close it with '{']' if opening == '[' else '}'}'"
        return trouble.problem_at("RE102", message, at, at + 1, hint)
    message = f"a value is missing before '{trouble.character}'"
    return trouble.problem_at(
        "RE102", message, trouble.at, trouble.at + 1, "write the value, or remove the comma"
    )


def _last_open(text: str) -> int:
    """Where the last bracket or brace stands that nothing closes; 0 if all are closed."""
    closed = 0
    for match in re.finditer(r"[\[\]{}]", text[::-1]):
        closed += 1 if match[0] in "]}" else -1
        if closed < 0:
            return len(text) - match.end()
    return 0


def closes_nothing(trouble: Trouble) -> Problem | None:
    outside = "flow" not in trouble.context and trouble.problem.startswith("expected")
    if trouble.character not in ("]", "}") or not outside:
        return None
    message = f"this '{trouble.character}' closes nothing"
    return trouble.problem_at(
        "RE102", message, trouble.at, trouble.at + 1, "remove it, or put the value in quotes"
    )
