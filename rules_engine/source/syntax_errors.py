"""What stopped the YAML parser, in a rule author's words.

In: the parser's error and the last scalar it had read. Out: one `Problem`. A parser names the token at which
it gave up, which is seldom where the mistake is: a forgotten closing quote shows lines below, a missing space
after a colon on the next line. So the lines around the error are looked at for the mistakes people make; the
parser's own sentence is the last resort.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules_engine.errors import Fix
from rules_engine.source import traps

if TYPE_CHECKING:
    from collections.abc import Callable

    import yaml

    from rules_engine.errors import Location, Problem
    from rules_engine.source.tree import Node, SourceFile

_LINE = re.compile(
    r"""(?P<indent>[ ]*(?:-[ ]+)*)
        (?:(?P<key>"[^"]*"|'[^']*'|[\w.$-]+)[ ]*:(?:[ ]+|$))?
        (?P<value>.*)""",
    re.VERBOSE,
)
_NO_SPACE = re.compile(r" *(?:- +)*(?P<key>[A-Za-z_]\w*):(?P<value>[^\s:/].*)")
_NO_DASH_SPACE = re.compile(r" *(?P<dash>-)[A-Za-z_'\"{\[]")
_ABOUT_ESCAPES = re.compile(r"escape|hexa?decimal")
_FLOW_VALUE_BEFORE = re.compile(r"""[^\s,\[\]{}"'\\]{0,200}$""")
_FLOW_VALUE_BEHIND = re.compile(r"""[^\s,\[\]{}"'\\]{0,200}""")
_EQUALS = re.compile(r" *(?:- +)*(?P<key>[A-Za-z_]\w*) *(?P<sign>=) *(?!=)")


@dataclass(frozen=True, slots=True)
class _Trouble:
    """An error of the parser, with the line it stands on taken apart."""

    source: SourceFile
    context: str
    context_at: int | None
    problem: str
    at: int
    last: Node | None

    @property
    def place(self) -> Location:
        return self.source.location(self.at)

    @property
    def line(self) -> str:
        return self.source.line(self.place.line)

    @property
    def value_at(self) -> int:
        """Where the value on the line of the error begins."""
        match = _LINE.match(self.line)
        return self.at - self.place.column + 1 + (match.start("value") if match is not None else 0)

    @property
    def character(self) -> str:
        """The character at the error."""
        return self.source.text[self.at : self.at + 1]

    def problem_at(
        self, code: str, message: str, start: int, end: int, hint: str, fix: Fix | None = None
    ) -> Problem:
        return self.source.problem(code, message, self.source.location(start, end), hint, fix=fix)

    def fix(self, start: int, end: int, text: str) -> Fix:
        """Write `text` in place of what stands there."""
        return Fix(self.source.location(start, end), text)


def explain(source: SourceFile, error: yaml.MarkedYAMLError, last: Node | None) -> Problem:
    """The problem that `error` of PyYAML's own parser is about."""
    return _explained(_EXPLANATIONS, source, error, last)


def explain_long(source: SourceFile, error: yaml.MarkedYAMLError, last: Node | None) -> Problem:
    """The problem that `error` of libyaml is about. Its words about characters are those of the other."""
    return _explained(_OF_EITHER_PARSER, source, error, last)


def _explained(
    explanations: tuple[Callable[[_Trouble], Problem | None], ...],
    source: SourceFile,
    error: yaml.MarkedYAMLError,
    last: Node | None,
) -> Problem:
    context = error.context_mark.index if error.context_mark is not None else None
    mark = error.problem_mark or error.context_mark
    at = min(mark.index, len(source.text)) if mark is not None else 0
    trouble = _Trouble(source, error.context or "", context, error.problem or "", at, last)
    for explanation in explanations:
        problem = explanation(trouble)
        if problem is not None:
            return problem
    return _in_the_parsers_words(trouble)


def _tab(trouble: _Trouble) -> Problem | None:
    if trouble.character == "\t":
        return traps.tab(trouble.source, trouble.at)
    white = trouble.line[: len(trouble.line) - len(trouble.line.lstrip())]
    if "\t" in white:
        return traps.tab(trouble.source, trouble.at - trouble.place.column + 1 + white.index("\t"))
    return None


def _first_character(trouble: _Trouble) -> Problem | None:
    """A value whose first character means something to YAML."""
    start = trouble.value_at
    first = trouble.source.text[start : start + 1]
    if start > trouble.at:
        return None
    if first == "!":
        return traps.tag(trouble.source, start)
    if first == "*":
        return traps.alias(trouble.source, start, trouble.at + (trouble.at == start))
    if first == "&":
        return traps.anchor(trouble.source, start, trouble.at + (trouble.at == start))
    if (
        first
        and first in "`@%?"
        and (trouble.at == start or first == "?")
        and not trouble.line.startswith("%")
    ):
        hint = traps.quoted(trouble.source, start, f"a value cannot begin with '{first}' in YAML")
        message, fix = f"'{first}' cannot begin a value", traps.quoting(trouble.source, start)
        return trouble.problem_at("RE102", message, start, start + 1, hint, fix)
    if trouble.context == "while scanning a block scalar":
        hint = traps.quoted(
            trouble.source, start, f"'{first}' alone begins a block of text on the next lines"
        )
        message = f"'{first}' begins a block of text, and nothing may stand behind it"
        return trouble.problem_at("RE102", message, start, start + 1, hint)
    if trouble.source.text[start : start + 2] == "{{":
        return traps.hole_without_quotes(trouble.source, start)
    return None


def _stray_character(trouble: _Trouble) -> Problem | None:
    """A backtick or an at sign at the start of a value inside `[ ]` or `{ }`."""
    if "cannot start any token" not in trouble.problem:
        return None
    hint = "put the value in quotes"
    message = f"'{trouble.character}' cannot begin a value"
    return trouble.problem_at("RE102", message, trouble.at, trouble.at + 1, hint)


def _unclosed_quote(trouble: _Trouble) -> Problem | None:
    opening = trouble.context_at if "quoted scalar" in trouble.context else None
    if opening is not None and "found unexpected" in trouble.problem:
        message = "the quote that opens here is never closed"
        hint = "close it at the end of the text"
        return trouble.problem_at("RE102", message, opening, opening + 1, hint)
    last = trouble.last
    if last is None or last.style not in ("'", '"') or not trouble.problem.startswith("expected"):
        return None
    first_line, last_line = last.location.line, trouble.source.location(last.end - 1).line
    if first_line == last_line or trouble.place.line != last_line:
        return None
    message = f"the quote that opens here is closed only on line {last_line}"
    hint = "close it at the end of its text; everything between is read as one text"
    return trouble.problem_at("RE102", message, last.start, last.start + 1, hint)


def _escape(trouble: _Trouble) -> Problem | None:
    if "quoted scalar" not in trouble.context or not _ABOUT_ESCAPES.search(trouble.problem):
        return None
    start = trouble.source.text.rfind("\\", 0, trouble.at + 1)
    escape = trouble.source.text[start : start + 2]
    if "unknown escape" in trouble.problem:
        message = f"'{escape}' means nothing inside double quotes"
        hint = "write the text in single quotes, where a backslash is a backslash, or double the backslash"
    else:
        message = f"'{escape}' must be followed by a character's number in hexadecimal digits"
        hint = "for a backslash itself write two, or use single quotes"
    return trouble.problem_at("RE102", message, start, start + 2, hint)


def _after_the_value(trouble: _Trouble) -> Problem | None:
    """`when: 'x' == y`, `'it's'`, `[?x].y`: text behind the end of a quoted or bracketed value."""
    if not trouble.problem.startswith("expected <block end>") or trouble.value_at >= trouble.at:
        return None
    text, start = trouble.source.text, trouble.value_at
    first = text[start]
    end = start + len(trouble.line[start - (trouble.at - trouble.place.column + 1) :].rstrip())
    if first == "'" and text[trouble.at - 1] == "'":
        message = "the quote in this text ends it"
        hint = "write the quote twice ('it''s'), or put the text in double quotes"
        fix = _in_double_quotes(trouble, start, end)
        return trouble.problem_at("RE102", message, trouble.at - 1, trouble.at, hint, fix)
    if first in "'\"":
        what = "YAML takes what stands in the quotes for the whole value"
        message = "text after the closing quote"
    elif first in "[{":
        what = f"a value that begins with '{first}' is {'a list' if first == '[' else 'a mapping'} in YAML"
        message = f"text after the closing '{']' if first == '[' else '}'}'"
    else:
        return None
    hint = traps.quoted(trouble.source, start, what)
    # A bracket may be one that was closed too early; a condition often begins with a text.
    closed_early = first in "[{" and any(bracket in text[trouble.at : end] for bracket in "]},")
    fix = None if closed_early else traps.quoting(trouble.source, start)
    return trouble.problem_at("RE102", message, trouble.at, end, hint, fix)


def _in_double_quotes(trouble: _Trouble, start: int, end: int) -> Fix | None:
    """`'it's'` as `"it's"`."""
    text = trouble.source.text[start:end]
    if len(text) < 2 or text[-1] != "'" or "''" in text or "\\" in text or '"' in text:
        return None
    return trouble.fix(start, end, f'"{text[1:-1]}"')


def _reference_in_flow(trouble: _Trouble) -> Problem | None:
    """`{topic: ${X}}`: inside braces a brace ends plain text."""
    text = trouble.source.text
    if trouble.character not in ("{", "[") or "flow" not in trouble.context:
        return None
    if text[trouble.at - 1] == "$" and trouble.character == "{":
        return _reference_without_quotes(trouble)
    message = f"'{trouble.character}' inside a value in [ ] or {{ }}"
    hint = "put the value in quotes, or write the mapping on lines of its own"
    return trouble.problem_at("RE102", message, trouble.at, trouble.at + 1, hint)


def _reference_without_quotes(trouble: _Trouble) -> Problem:
    text = trouble.source.text
    reference_end = text.find("}", trouble.at) + 1 or trouble.at + 1
    start = trouble.at - 1 - len(_FLOW_VALUE_BEFORE.search(text[: trouble.at - 1])[0])  # type: ignore[index]
    end = _FLOW_VALUE_BEHIND.match(text, reference_end).end()  # type: ignore[union-attr]
    whole = text[start - 1] in " [" and text[end : end + 1] in (",", "}", "]")
    hint = f'write "{text[start:end]}"' if whole else "put the whole value in double quotes"
    fix = trouble.fix(start, end, f'"{text[start:end]}"') if whole else None
    message = "a '${...}' inside [ ] or { } needs quotes"
    return trouble.problem_at("RE102", message, trouble.at - 1, reference_end, hint, fix)


def _flow(trouble: _Trouble) -> Problem | None:
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


def _missing_space(trouble: _Trouble) -> Problem | None:
    """`id:a`, `-type: sns`, `id = a`, on the line of the error or where the text before it began."""
    lines = [trouble.place.line]
    if trouble.context_at is not None:
        lines.insert(0, trouble.source.location(trouble.context_at).line)
    if trouble.last is not None and trouble.problem == "mapping values are not allowed here":
        first, error = trouble.last.location.line, trouble.place.line
        lines = [first, *range(max(first + 1, error - 50), error), *lines]
        if trouble.last.location.line == trouble.place.line and trouble.place.line > 1:
            lines.insert(0, trouble.place.line - 1)
    for number in lines:
        line = trouble.source.line(number)
        start = trouble.source.offset(number, 1)
        if match := _NO_SPACE.fullmatch(line):
            message = f"a space is missing after '{match['key']}:'"
            end = match.end("key") + 1
            hint = f"write: {match['key']}: {match['value']}"
            fix = trouble.fix(start + end - 1, start + end, ": ")
            return trouble.problem_at("RE102", message, start + match.start("key"), start + end, hint, fix)
        if match := _NO_DASH_SPACE.match(line):
            message, dash = "a space is missing after '-'", start + match.start("dash")
            hint, fix = f"write: - {line.strip()[1:]}", trouble.fix(dash, dash + 1, "- ")
            return trouble.problem_at("RE102", message, dash, dash + 1, hint, fix)
        if (match := _EQUALS.match(line)) and ":" not in line[: match.start("sign")]:
            message, sign = "a key is followed by ':', not by '='", start + match.start("sign")
            hint = f"write: {match['key']}: {line[match.end() :]}"
            fix = trouble.fix(start + match.end("key"), start + match.end(), ": ")
            return trouble.problem_at("RE102", message, sign, sign + 1, hint, fix)
    return None


def _colon_in_value(trouble: _Trouble) -> Problem | None:
    """`description: Tell: the customer`."""
    if trouble.problem != "mapping values are not allowed here" or trouble.value_at >= trouble.at:
        return None
    match = _LINE.match(trouble.line)
    if match is None or match["key"] is None:
        return None
    hint = traps.quoted(trouble.source, trouble.value_at, "': ' inside a value begins a mapping")
    message, fix = "': ' inside a value without quotes", traps.quoting(trouble.source, trouble.value_at)
    return trouble.problem_at("RE102", message, trouble.at, trouble.at + 1, hint, fix)


def _deeper(trouble: _Trouble) -> Problem | None:
    """A line indented deeper than the value above it, which it therefore continues."""
    if trouble.problem != "mapping values are not allowed here":
        return None
    start = _text_start(trouble)
    above = _line_above(trouble)
    hint = "begin it in the same column as the key above"
    if above is not None:
        wanted = _key_column(trouble.source.line(above))
        column = start - trouble.at + trouble.place.column
        hint = f"begin it in column {wanted}, as line {above} does; it now begins in column {column}"
    message = "this line is indented too deep: it is read as a part of the value above"
    return trouble.problem_at("RE102", message, start, trouble.at, hint)


def _key_without_colon(trouble: _Trouble) -> Problem | None:
    if "could not find expected ':'" not in trouble.problem or trouble.context_at is None:
        return None
    place = trouble.source.location(trouble.context_at)
    line = trouble.source.line(place.line)
    end = trouble.context_at + len(line[place.column - 1 :].rstrip())
    above = trouble.source.line(place.line - 1).rstrip()
    if re.search(r": *[|>][-+0-9]*$", above):
        message = "the lines of a block must be indented deeper than its key"
        return trouble.problem_at(
            "RE102", message, trouble.context_at, end, "indent this line by two more spaces"
        )
    word = line[place.column - 1 :].split()[0] if line[place.column - 1 :].split() else ""
    message = f"a ':' is missing after '{word}'"
    hint = (
        f"write '{word}: value'; a text that goes on from the line above must be indented deeper than its key"
    )
    return trouble.problem_at("RE102", message, trouble.context_at, end, hint)


def _indentation(trouble: _Trouble) -> Problem | None:
    """A line that begins in a column of its own."""
    begins = ("'<block mapping start>'", "'<block sequence start>'", "'?'", "'-'")
    if not trouble.problem.startswith("expected") or not trouble.problem.endswith(begins):
        return None
    if trouble.problem.startswith("expected '<document start>'"):
        return _document(trouble)
    start = _text_start(trouble)
    column = start - trouble.at + trouble.place.column
    item = trouble.source.text[start] == "-"
    above = _line_above(trouble, items=item)
    hint = "begin it in the same column as the entries above it"
    if above is not None:
        wanted = (
            _key_column(trouble.source.line(above)) if not item else _item_column(trouble.source.line(above))
        )
        hint = f"begin it in column {wanted}, as line {above} does; it now begins in column {column}"
    message = "this line is indented differently from the lines it belongs to"
    end = start + len(trouble.line[column - 1 :].rstrip())
    return trouble.problem_at("RE102", message, start, end, hint)


def _list_on_the_line_of_its_key(trouble: _Trouble) -> Problem | None:
    if trouble.problem != "sequence entries are not allowed here":
        return None
    hint = "begin the list on the next line, indented"
    message = "a list cannot begin on the line of its key"
    return trouble.problem_at("RE102", message, trouble.at, trouble.at + 1, hint)


def _closes_nothing(trouble: _Trouble) -> Problem | None:
    outside = "flow" not in trouble.context and trouble.problem.startswith("expected")
    if trouble.character not in ("]", "}") or not outside:
        return None
    message = f"this '{trouble.character}' closes nothing"
    return trouble.problem_at(
        "RE102", message, trouble.at, trouble.at + 1, "remove it, or put the value in quotes"
    )


def _key_missing(trouble: _Trouble) -> Problem | None:
    """`: value`."""
    if trouble.character != ":" or not trouble.problem.endswith("found ':'"):
        return None
    hint = "write 'key: value', or put the text in quotes"
    return trouble.problem_at("RE102", "a key is missing before ':'", trouble.at, trouble.at + 1, hint)


def _document(trouble: _Trouble) -> Problem | None:
    """Something behind the end of the document, or a line that begins left of the first one."""
    about = trouble.problem + trouble.context
    if not any(word in about for word in ("document start", "directive", "incompatible YAML")):
        return None
    percent = re.search(r"^%.*", trouble.source.text, re.MULTILINE)
    if percent is not None:
        message = "a line that begins with '%' is a directive to YAML"
        return trouble.problem_at("RE102", message, percent.start(), percent.end(), "remove it, or indent it")
    end = trouble.at + len(trouble.line[trouble.place.column - 1 :].rstrip())
    if re.search(r"^\.\.\.", trouble.source.text[: trouble.at], re.MULTILINE):
        message = "text after '...', which ends a YAML document"
        return trouble.problem_at("RE105", message, trouble.at, end, "remove the line '...'")
    message = "this line is indented less than the first line of the file"
    return trouble.problem_at("RE102", message, trouble.at, end, "begin all top-level keys in column 1")


def _in_the_parsers_words(trouble: _Trouble) -> Problem:
    problem = trouble.problem.replace("<block end>", "the end of this block").replace("'", "")
    message = f"this is not valid YAML: {problem}"
    hint = "check the quotes, brackets and the indentation here and in the line above"
    return trouble.problem_at("RE102", message, trouble.at, trouble.at + 1, hint)


def _text_start(trouble: _Trouble) -> int:
    """Offset of the first character on the line of the error."""
    indent = len(trouble.line) - len(trouble.line.lstrip())
    return trouble.at - trouble.place.column + 1 + indent


def _line_above(trouble: _Trouble, items: bool = False) -> int | None:
    """The nearest line above the error with a key on it, or with a list item; its number."""
    for number in range(trouble.place.line - 1, 0, -1):
        line = trouble.source.line(number)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.lstrip().startswith("- ") if items else _LINE.match(line)["key"]:  # type: ignore[index]
            return number
    return None


def _key_column(line: str) -> int:
    match = _LINE.match(line)
    return (match.end("indent") if match is not None else 0) + 1


def _item_column(line: str) -> int:
    return len(line) - len(line.lstrip()) + 1


_EXPLANATIONS: tuple[Callable[[_Trouble], Problem | None], ...] = (
    _tab,
    _unclosed_quote,
    _escape,
    _first_character,
    _reference_in_flow,
    _flow,
    _stray_character,
    _closes_nothing,
    _after_the_value,
    _missing_space,
    _colon_in_value,
    _deeper,
    _key_without_colon,
    _indentation,
    _list_on_the_line_of_its_key,
    _key_missing,
    _document,
)
"""Tried in this order: the sure ones first."""

_OF_EITHER_PARSER = (_tab, _unclosed_quote, _escape, _first_character, _stray_character, _document)
