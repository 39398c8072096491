"""YAML's own traps, in a rule author's words.

In: a place in a `SourceFile` at which YAML reads something else than the author meant: a tag, an alias, an
anchor, a hole without quotes, a tab. Out: the `Problem`, with the mended line as its hint where there is one
mend. These are found on the parser's events; what stops the parser is in `syntax_errors`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rules_engine.errors import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.errors import Problem
    from rules_engine.source.tree import Node, SourceFile

REUSE = "write the keys out; 'defaults', 'vars', 'lists' and 'conditions' hold what several rules share"

_BLOCK_VALUE = re.compile(r"\s*(?:- +)*(?:[\w.$-]+ *: +)?")
"""What may stand on a line before a value that goes on to the end of the line."""

_OWNER = re.compile(r" *(?:- +)*(?=\w)| *(?:- +)*(?=- )")
"""What stands before the key of a value, or before the dash of an entry: deeper lines belong to the value."""

_BELOW = re.compile(r"\n(?:[ \t]*\n)*( *)[^\s#]")

_NEGATION = re.compile(r"!(?:\(|(?:new|old|keys|is|expired)\b|[a-z_]+\()")
"""What can only be a condition: other tags are CloudFormation's."""

_TAG_OR_PLAIN = re.compile(r"[^\s,\]}]*")


def quoted(source: SourceFile, start: int, what: str) -> str:
    """Hint: put the value at `start` in quotes. Shows the mended line where the value ends with its line."""
    location = source.location(start)
    line = source.line(location.line)
    before, value = line[: location.column - 1], line[location.column - 1 :].rstrip()
    if _BLOCK_VALUE.fullmatch(before):
        key = before.strip()
        if _goes_on(source, start):
            return f"{what}: write '{key} >-' and the whole value on the lines below, indented deeper"
        for quote, forbidden in (('"', '"\\'), ("'", "'")):
            if not any(character in value for character in forbidden):
                return f"{what}: put the value in quotes: {f'{before.strip()} {quote}{value}{quote}'.strip()}"
        return f"{what}: write '{key} >-' and the value on the next line, indented deeper"
    return f"{what}: put the value in quotes"


def quoting(source: SourceFile, start: int) -> Fix | None:
    """The mend that `quoted` shows; none where the value may end before its line does, at a comment, or
    goes on below."""
    location = source.location(start)
    line = source.line(location.line)
    before, value = line[: location.column - 1], line[location.column - 1 :].rstrip()
    if not value or " #" in value or not _BLOCK_VALUE.fullmatch(before) or _goes_on(source, start):
        return None
    text = in_quotes(value)
    return None if text is None else Fix(replace(location, length=len(value)), text)


def _goes_on(source: SourceFile, start: int) -> bool:
    """Whether the lines below the value at `start` are indented so deep that they belong to it."""
    location = source.location(start)
    before = source.line(location.line)[: location.column - 1]
    owner = _OWNER.match(before)
    below = _BELOW.match(source.text, start - len(before) + len(source.line(location.line)))
    return owner is not None and below is not None and len(below[1]) > len(owner[0])


def in_quotes(text: str) -> str | None:
    """A text of one line in the quotes that it does not hold."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return None if "'" in text else f"'{text}'"


def tag(source: SourceFile, start: int) -> Problem:
    """`when: !x`, which YAML reads as a tag on the value."""
    shown = _TAG_OR_PLAIN.match(source.text, start)
    text = shown[0] if shown is not None else "!"
    hint = quoted(source, start, "a value that begins with '!' is not read as text")
    location = source.location(start, start + len(text))
    message = f"'{text}' is read as a YAML tag, which is not allowed"
    fix = quoting(source, start) if _NEGATION.match(source.text, start) else None
    return source.problem("RE105", message, location, hint, fix=fix)


def tag_or_anchor(source: SourceFile, event: Any) -> Problem:
    """A node with `!tag` or `&anchor` before it."""
    start = event.start_mark.index
    if source.text[start : start + 1] == "!" or event.anchor is None:
        return tag(source, start)
    problem = anchor(source, start, start + 1 + len(event.anchor))
    # Before a list or a mapping it was surely meant as an anchor.
    return problem if hasattr(event, "value") else replace(problem, hint=REUSE)


def anchor(source: SourceFile, start: int, end: int) -> Problem:
    """`&name`."""
    hint = quoted(source, start, "a value that begins with '&' is not read as text")
    message = f"'{source.text[start:end]}' is read as a YAML anchor, which is not allowed"
    return source.problem("RE105", message, source.location(start, end), hint)


def alias(source: SourceFile, start: int, end: int, *, known: bool = False) -> Problem:
    """`*name`; `known` if there is an anchor of that name."""
    hint = REUSE if known else quoted(source, start, "a value that begins with '*' is not read as text")
    message = f"'{source.text[start:end]}' is read as a YAML alias, which is not allowed"
    return source.problem("RE105", message, source.location(start, end), hint)


def not_a_text_key(key: Node) -> Problem:
    """A key that is a number, a word such as `true`, a list or, most often, a hole without quotes."""
    source = key.source
    if key.kind == "mapping" and source.text[key.start - 1 : key.start + 1] == "{{":
        return hole_without_quotes(source, key.start - 1)
    if key.kind != "scalar":
        message = f"a key must be text, but this is {key.describe()}"
        return source.problem("RE107", message, key.location, "put the key in quotes if it is meant as text")
    if key.start == key.end:
        message, hint = "a key is missing before ':'", "write 'key: value', or put the text in quotes"
        return source.problem("RE107", message, key.location, hint)
    written = source.text[key.start : key.end]
    message = f"a key must be text, but '{written}' is {_kind_of_word(key)}"
    fix = Fix(key.location, f'"{written}"') if key.start < key.end and key.style == "" else None
    return source.problem("RE107", message, key.location, f'put it in quotes: "{written}"', fix=fix)


def _kind_of_word(key: Node) -> str:
    return "the empty value" if key.value is None else key.describe()


def colon_too_many(key: Node) -> Problem:
    """`status:: SHIPPED`, whose key is `status:` to YAML."""
    name = str(key.value).rstrip(": ")
    message = f"a ':' too many stands after '{name}'"
    hint = f"write '{name}:'; a name that ends with ':' needs quotes"
    return key.source.problem("RE102", message, key.location, hint, fix=Fix(key.location, name))


def stands_twice(parent: Node, key: Node) -> Problem:
    """A key that the mapping has already."""
    message = f"the key '{key.value}' stands twice in one mapping"
    hint = "keep one of them; where both values are meant, write a list"
    related = ((parent.keys[key.value].location, "first defined here"),)
    return key.source.problem("RE104", message, key.location, hint, related=related)


def entry_without_dash(parent: Node, key: Node) -> Problem:
    """The first of several keys of an entry of a list that stand twice: an entry begins there."""
    problem, source = stands_twice(parent, key), key.source
    line = source.line(problem.location.line)
    hint = f"keep one of them; if an entry of the list begins here, write '- ' before it: - {line.strip()}"
    before = source.text[key.start - 2 : key.start]
    is_first = parent.keys[key.value].start == parent.start
    fix = Fix(source.location(key.start - 2, key.start), "- ") if is_first and before == "  " else None
    return replace(problem, hint=hint, fix=fix)


def has_colon(key: Node) -> bool:
    """Whether a ':' follows the key; `{a}` and `? a` make an entry without one."""
    text, at = key.source.text, key.end
    while at < len(text) and text[at] in " \n":
        at += 1
    return text[at : at + 1] == ":"


def key_without_value(key: Node) -> Problem:
    """`{total:1}`, `{a}` and `[?x]`, of which YAML makes a key with nothing."""
    source, written = key.source, key.source.text[key.start : key.end]
    # Not all that stands before: there may be a mebibyte of it for each of many keys.
    before = source.text[max(0, key.start - 80) : key.start].rstrip()
    opening = max(0, key.start - 80) + len(before) - 2
    if before.endswith("[?"):
        return _filter_without_quotes(source, opening, key.end)
    if before.endswith("{{"):
        return hole_without_quotes(source, opening)
    if before.endswith("{") and (problem := _in_single_braces(key, opening + 1)):
        return problem
    name, colon, value = written.partition(":")
    if colon and key.style == "":
        message = f"a space is missing after '{name}:'"
        is_name = re.fullmatch(r"[A-Za-z_]\w*", name) and not value.startswith("//")
        fix = Fix(key.location, f"{name}: {value}") if is_name else None
        return source.problem("RE102", message, key.location, f"write: {name}: {value}", fix=fix)
    if key.style == "" and (pair := re.fullmatch(r"([A-Za-z_]\w*) +(\S+)", written)):
        message = f"a ':' is missing after '{pair[1]}'"
        hint = f"write: {pair[1]}: {pair[2]}; put a text with commas in it in quotes"
        return source.problem("RE102", message, key.location, hint)
    message = f"the key '{written}' has no value"
    hint = f"write '{written}: value', for nothing '{written}: null'; put a text with commas in it in quotes"
    return source.problem("RE102", message, key.location, hint)


def _filter_without_quotes(source: SourceFile, start: int, key_end: int) -> Problem:
    """`when: [?new.total > `5`]`, which YAML reads as a list."""
    location = source.location(start)
    rest = source.line(location.line)[location.column - 1 :].rstrip()
    inner = rest[2:-1].strip()
    message, what = "'[?' without quotes is read as a list", "a value that begins with '[' is a list in YAML"
    if rest.endswith("]") and _CONDITION.match(inner) and not {"[", "]"} & {*inner}:
        before = source.line(location.line)[: location.column - 1].strip()
        needs_quotes = ": " in inner or " #" in inner or inner[0] in "!&'\"`"
        text = in_quotes(inner) if needs_quotes else inner
        hint = f"{what}, and a condition has no brackets; write: {before} {text or inner}"
        fix = None if text is None else Fix(replace(location, length=len(rest)), text)
        return source.problem("RE102", message, source.location(start, key_end), hint, fix=fix)
    hint = f"{what}, and a filter follows the list that it filters: new.items{rest}"
    return source.problem("RE102", message, source.location(start, key_end), hint)


_CONDITION = re.compile(
    r"!?\(*(?:(?:new|old|keys|is|vars|lists)\.|eventName\b|expired\b|(?:changed|became|present)\(&)"
)
"""Begins a condition about a record, not about an element of a list."""

_PATH_OF_ROOT = re.compile(
    r"(?:new|old|keys|vars|lists)(?:\.\w+)+|eventName|eventID|createdAt|sequenceNumber"
)


def _in_single_braces(key: Node, start: int) -> Problem | None:
    """`message: {keys.id}` and `topic_arn: {TOPIC}`, which YAML reads as mappings; `start` is at the `{`."""
    source, name = key.source, str(key.value)
    end = key.end + 1
    if source.text[start:end] != "{" + name + "}":
        return None
    location = source.location(start, end)
    alone = re.match(r" *(?:\n|$|[,}\]])", source.text[end : end + 80]) is not None
    if _PATH_OF_ROOT.fullmatch(name):
        message, written = f"'{{{name}}}' is read as a YAML mapping", f'"{{{{ {name} }}}}"'
        hint = f"a hole has two braces on each side and stands in quotes; write: {written}"
        return source.problem("RE102", message, location, hint, fix=Fix(location, written) if alone else None)
    if alone and re.fullmatch("[A-Z][A-Z0-9_]+", name):
        message = f"'{{{name}}}' is read as a YAML mapping"
        return source.problem(
            "RE102", message, location, f'for a variable of the function write: "${{{name}}}"'
        )
    return None


def hole_without_quotes(source: SourceFile, start: int) -> Problem:
    """`message: {{ new.x }}`, which YAML reads as a mapping in a mapping."""
    end = source.text.find("}}", start)
    line_end = source.text.find("\n", start)
    one_line = end != -1 and (line_end == -1 or end < line_end)
    hole = source.text[start : end + 2] if one_line else "{{ ... }}"
    quote = "'" if '"' in hole else '"'
    hint = quoted(source, start, "a value that begins with '{' is a mapping in YAML")
    fix = quoting(source, start) if one_line else None
    line_start = source.text.rfind("\n", 0, start) + 1
    if not _BLOCK_VALUE.fullmatch(source.text[line_start:start]):
        hint = f"a value that begins with '{{' is a mapping in YAML: put it in quotes: {quote}{hole}{quote}"
        text = in_quotes(hole) if one_line else None
        fix = None if text is None else Fix(source.location(start, end + 2), text)
    location = source.location(start, end + 2 if one_line else start + 2)
    message = "a hole without quotes is read as a YAML mapping"
    return source.problem("RE102", message, location, hint, fix=fix)


def number_hint(text: str) -> str:
    """What to do about a number that cannot be one."""
    shown = f': "{text}"' if len(text) <= 50 else ""
    return f"if it is meant as text, put it in quotes{shown}"


def tab(source: SourceFile, at: int) -> Problem:
    """A tab where YAML wants spaces."""
    line_start = source.text.rfind("\n", 0, at) + 1
    if source.text[line_start:at].strip(" \t"):
        message = "a tab stands between words"
        place = source.location(at)
        return source.problem("RE103", message, place, "use a space instead", fix=Fix(place, " "))
    hint = "indent with spaces; editors can replace every tab of a file at once"
    return source.problem("RE103", "the line is indented with a tab", source.location(at), hint)


def first_tab(source: SourceFile, root: Node | None) -> int | None:
    """Where a tab stands outside quotes, blocks and comments: libyaml lets some of them pass."""
    if "\t" not in source.text:
        return None
    spans = sorted(_quoted_spans(root)) if root is not None else []
    behind_comment = 0
    for match in re.finditer("\t", source.text):
        at = match.start()
        if at < behind_comment or _is_inside(spans, at):
            continue
        line_start = source.text.rfind("\n", 0, at) + 1
        if not _in_comment(source.text, line_start, at, spans):
            return at
        behind_comment = source.text.find("\n", at) % (len(source.text) + 1)
    return None


def _is_inside(spans: list[tuple[int, int]], at: int) -> bool:
    before = bisect_right(spans, (at, len(spans) and spans[-1][1])) - 1
    return before >= 0 and spans[before][0] <= at < spans[before][1]


def _quoted_spans(root: Node) -> Iterator[tuple[int, int]]:
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if node.kind == "scalar":
            if node.style:
                yield node.start, node.end
        elif node.kind == "mapping":
            nodes.extend(node.value.values())
            nodes.extend(node.keys.values())
        else:
            nodes.extend(node.value)


def _in_comment(text: str, line_start: int, at: int, spans: list[tuple[int, int]]) -> bool:
    hash_at = text.find("#", line_start, at)
    while hash_at != -1:
        begins = hash_at == line_start or text[hash_at - 1] in " \t"
        if begins and not _is_inside(spans, hash_at):
            return True
        hash_at = text.find("#", hash_at + 1, at)
    return False
