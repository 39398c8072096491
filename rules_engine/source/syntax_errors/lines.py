"""What stopped the YAML parser on a line of its own kind: a tab, a forgotten space, colon or quote.

In: a `Trouble`. Out: the problem, if it is one of these mistakes, else None.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.source import traps
from rules_engine.source.syntax_errors.trouble import LINE

if TYPE_CHECKING:
    from rules_engine.errors import Problem
    from rules_engine.source.syntax_errors.trouble import Trouble

_NO_SPACE = re.compile(r" *(?:- +)*(?P<key>[A-Za-z_]\w*):(?P<value>[^\s:/].*)")
_NO_DASH_SPACE = re.compile(r" *(?P<dash>-)[A-Za-z_'\"{\[]")
_NO_COLON = re.compile(r" *(?:- +)*(?P<key>[A-Za-z_]\w*)(?P<space> +)[\[{]")
_EQUALS = re.compile(r" *(?:- +)*(?P<key>[A-Za-z_]\w*) *(?P<sign>=) *(?!=)")


def tab(trouble: Trouble) -> Problem | None:
    if trouble.character == "\t":
        return traps.tab(trouble.source, trouble.at)
    white = trouble.line[: len(trouble.line) - len(trouble.line.lstrip())]
    if "\t" in white:
        return traps.tab(trouble.source, trouble.at - trouble.place.column + 1 + white.index("\t"))
    return None


def missing_space(trouble: Trouble) -> Problem | None:
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


def no_colon_before_a_bracket(trouble: Trouble) -> Problem | None:
    """`record {event: INSERT}`."""
    match = _NO_COLON.match(trouble.line)
    if trouble.problem != "mapping values are not allowed here" or match is None:
        return None
    start = trouble.at - trouble.place.column + 1
    if start + match.end("space") > trouble.at:
        return None
    message, hint = f"a ':' is missing after '{match['key']}'", f"write '{match['key']}: ', then the value"
    fix = trouble.fix(start + match.start("space"), start + match.end("space"), ": ")
    begin, end = start + match.start("key"), start + match.end("key")
    return trouble.problem_at("RE102", message, begin, end, hint, fix)


def colon_in_value(trouble: Trouble) -> Problem | None:
    """`description: Tell: the customer`."""
    if trouble.problem != "mapping values are not allowed here" or trouble.value_at >= trouble.at:
        return None
    match = LINE.match(trouble.line)
    if match is None or match["key"] is None:
        return None
    hint = traps.quoted(trouble.source, trouble.value_at, "': ' inside a value begins a mapping")
    message, fix = "': ' inside a value without quotes", traps.quoting(trouble.source, trouble.value_at)
    return trouble.problem_at("RE102", message, trouble.at, trouble.at + 1, hint, fix)


def key_without_colon(trouble: Trouble) -> Problem | None:
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


def list_on_the_line_of_its_key(trouble: Trouble) -> Problem | None:
    if trouble.problem != "sequence entries are not allowed here":
        return None
    hint = "begin the list on the next line, indented"
    message = "a list cannot begin on the line of its key"
    return trouble.problem_at("RE102", message, trouble.at, trouble.at + 1, hint)


def key_missing(trouble: Trouble) -> Problem | None:
    """`: value`."""
    if trouble.character != ":" or not trouble.problem.endswith("found ':'"):
        return None
    hint = "write 'key: value', or put the text in quotes"
    return trouble.problem_at("RE102", "a key is missing before ':'", trouble.at, trouble.at + 1, hint)
