"""Constants written as another language writes them: bare numbers and dates, curly or unclosed quotes.

In: a constant or name in an expression's tokens. Out: the mistake in how it is written, or None. Here too
fall names that JMESPath takes only between double quotes, and JSON between backticks that is none.
"""

from __future__ import annotations

import re

from rules_engine import exact_json
from rules_engine.expression.checks.mistake import ROOTS, Mistake, Spot, shown, string, value_path

NUMBERS = "numbers are written between backticks"
STRINGS = "text is written between single quotes"

_EPOCH = 1_767_225_600
"""2026-01-01 in seconds since 1970, as an example."""

_JSON_WORDS = {
    "true": "true",
    "false": "false",
    "null": "null",
    "none": "null",
    "nil": "null",
    "undefined": "null",
}
_PATH = re.compile(rf"(?:{'|'.join(ROOTS)})(?:\.\w+)+")


def json_number(text: str) -> str:
    """A number as JSON writes it: no underscores, no leading zeros, a digit before the point."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    digits = digits.replace("_", "")
    digits = re.sub(r"^0+(?=[0-9])", "", digits)
    return f"{sign}{'0' if digits.startswith('.') else ''}{digits}"


def check_number(spot: Spot) -> Mistake | None:
    """A number stands bare only between square brackets: as an index or a part of a slice."""
    before, after = spot.before, spot.after
    if before and before.text == ".":
        return _numbered_path(spot)
    in_index = before and before.text in ("[", ":") and spot.token.inside in ("index", "list")
    if in_index and (after is None or after.text in ("]", ":")) and re.fullmatch("-?[0-9]+", spot.token.text):
        return None
    message = f"'{spot.token.text}' is a bare number"
    whole = _list_of_numbers(spot)
    if whole:
        first, end = whole
        items = [json_number(token.text) for token in spot.tokens[first + 1 : end - 1 : 2]]
        return spot.mistake_over(first, end, "RE203", message, NUMBERS, f"`[{', '.join(items)}]`")
    return spot.mistake("RE203", message, NUMBERS, f"`{json_number(spot.token.text)}`")


def _numbered_path(spot: Spot) -> Mistake:
    """`new.items.0`; `new.2` where the attribute is called so is written new."2"."""
    message = f"'.{spot.token.text}' does not pick an element of a list"
    hint = "an element is picked by its number between square brackets"
    return spot.mistake_over(spot.at - 1, spot.at + 1, "RE201", message, hint, f"[{spot.token.text}]")


def _list_of_numbers(spot: Spot) -> tuple[int, int] | None:
    """The tokens of a list that holds only bare numbers and begins with this one."""
    first = spot.at - 1
    if spot.token.inside != "list" or first < 0 or spot.tokens[first].text != "[":
        return None
    for end in range(spot.at + 1, len(spot.tokens) - 1, 2):
        if spot.tokens[end].text == "]":
            return first, end + 1
        if spot.tokens[end].text != "," or spot.tokens[end + 1].kind != "number":
            return None
    return (first, len(spot.tokens)) if spot.tokens[-1].text == "]" else None


def check_date(spot: Spot) -> Mistake | None:
    message = f"'{spot.token.text}' is not a number"
    if spot.before and spot.before.text in ("<", "<=", ">", ">="):
        hint = f"only numbers have an order: keep times as numbers, such as `{_EPOCH}` in seconds"
        return spot.mistake("RE203", message, hint)
    return spot.mistake("RE203", message, STRINGS, string(spot.token.text))


def check_mixed(spot: Spot) -> Mistake | None:
    """`2fa`: a digit where a name begins."""
    text = spot.token.text
    if spot.before and spot.before.text == ".":
        message = f"the name '{text}' begins with a digit"
        hint = "such a name is written in double quotes"
        return spot.mistake("RE201", message, hint, f'"{text}"')
    return spot.mistake("RE203", f"'{text}' is neither a number nor a name", STRINGS, string(text))


def check_name(spot: Spot) -> Mistake | None:
    """A name with letters beyond a to z."""
    text = spot.token.text
    if text.isascii():
        return None
    hint = "a name with letters other than a to z is written in double quotes"
    return spot.mistake("RE201", f"the name '{text}' needs quotes", hint, value_path(spot, spot.at, text))


def check_literal(spot: Spot) -> Mistake | None:
    """What stands between backticks must be JSON; JMESPath once took anything else as a string."""
    content = spot.token.text[1:-1].replace("\\`", "`")
    try:
        exact_json.loads(content)
    except ValueError:
        pass
    else:
        return None
    content = content.strip()
    message = f"{shown(content)} between backticks is not JSON"
    hint, mend = _json_meant(content)
    return spot.mistake("RE201", message, hint, mend)


def _json_meant(content: str) -> tuple[str, str | None]:
    word = _JSON_WORDS.get(content.lower())
    if word:
        return "JSON has it in lower case" if word == content.lower() else "JSON calls it null", f"`{word}`"
    if re.fullmatch(r"-?(?:[0-9][0-9_]*(?:\.[0-9]+)?|\.[0-9]+)", content):
        return "", f"`{json_number(content)}`"
    if re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", content):
        return "", f"`{content.replace(',', '')}`"
    if len(content) > 1 and content[0] == content[-1] == "'":
        return STRINGS, content
    if _PATH.fullmatch(content):
        return "a path is written without quotes", content
    if not content:
        return "an empty text is written ''", None
    if content[0] in "[{":
        return 'JSON has double quotes around names and text: {"a": [1, "b"]}', None
    return STRINGS, string(content)


def check_curly(spot: Spot) -> Mistake | None:
    text = spot.token.text
    message = f"'{text[0]}' is a typographic quote"
    if len(text) == 1:
        return spot.mistake("RE201", message, f"{STRINGS}, as on the keyboard: 'SHIPPED'")
    return spot.mistake("RE201", message, STRINGS, string(text[1:-1]))


def check_unclosed(spot: Spot) -> Mistake | None:
    """A quote without its partner. It swallows the rest, so only a single word is closed again."""
    quote, body = spot.token.text[0], spot.token.text[1:]
    word = re.match(r"[\w#/@.-]+", body)
    rest = body[word.end() :] if word else body
    message = f"the text that begins with {quote} is never closed"
    if word and not rest.strip(" )]}"):
        return spot.mistake("RE201", message, "", f"{quote}{word.group()}{quote}{rest}")
    mistake = spot.mistake("RE201", message, f"put {quote} at its end")
    return Mistake(mistake.code, mistake.message, mistake.start, mistake.start + 1, mistake.hint)


def check_apostrophe(spot: Spot) -> Mistake | None:
    """`'it's'` and `'it''s'`: a single quote inside a string, seen at what follows the string."""
    before, last = spot.before, spot.tokens[-1]
    if before is None or before.kind != "raw" or before.end != spot.token.start:
        return None
    message = f"the text {before.text} ends at its second quote"
    hint = "a quote inside of a text is written \\'"
    if spot.token.kind == "raw":
        mend = f"{before.text[:-1]}\\'{spot.token.text[1:]}"
        return spot.mistake_over(spot.at - 1, spot.at + 1, "RE201", message, hint, mend)
    if spot.token.kind == "name" and last.kind == "unclosed" and last.text.startswith("'"):
        mend = string(spot.text[before.start + 1 : last.start])
        return Mistake("RE201", message, before.start, last.start + 1, hint, mend)
    return None


def check_quoted(spot: Spot) -> Mistake | None:
    """A name in double quotes: not of a function, and with the escapes of JSON."""
    text = spot.token.text
    if spot.after and spot.after.text == "(":
        return spot.mistake("RE201", "a function's name has no quotes", "", text[1:-1])
    mended = re.sub(r"\\(u[0-9A-Fa-f]{4}|[^u])|\\", _escape, text, flags=re.DOTALL)
    if mended == text:
        return None
    hint = "a backslash in a name is written twice"
    return spot.mistake("RE201", f"{text} has a backslash too few", hint, mended)


def _escape(match: re.Match[str]) -> str:
    known = match[1] is not None and (match[1][0] in '"\\/bfnrtu')
    return match[0] if known else f"\\{match[0]}"
