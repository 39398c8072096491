"""Changes of rules as text for a terminal, as Markdown for a pull request, and as data.

In: `Changes`. Out: lines, or a document for JSON. Values are shown whole, as lines that went and lines that
came; a fence in Markdown is longer than any run of backticks in what it holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.canonical.values import yaml_lines
from rules_engine.cli.markdown import code_span, escaped
from rules_engine.cli.report import Paint, plain, visible
from rules_engine.cli.rule_document import rule_document
from rules_engine.cli.rule_files import count
from rules_engine.model import EVENT_NAMES, VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rules_engine.cli.rule_changes import Changes, RuleChange
    from rules_engine.model import Rule

VERSION = 1
"""Of the document for programs."""

_NAME = re.compile(r"[\w.-]+")
"""Of events, tables and tags, which stand on one line."""
_KINDS = ("added", "removed", "renamed", "changed")
_SIGNS = {
    "added": ("+", "good"),
    "removed": ("-", "bad"),
    "renamed": (">", "hint"),
    "changed": ("~", "warning"),
}
_USUAL = {
    "enabled": True,
    "view": VIEWS[0],
    "event": list(EVENT_NAMES),
    "mode": "at_least_once",
    "on_error": "retry",
}
RENAMED = "deliveries are known by the rule's id: what is being retried under the old one is made again"


def render_text(changes: Changes, paint: Paint = plain) -> Iterator[str]:
    """A line for each rule, and below it what differs."""
    yield summary(changes)
    for change in changes.rules:
        sign, role = _SIGNS[change.kind]
        yield ""
        yield f"{paint(f'{sign} {title(change)}', role)}{_place(change)}"
        yield from (_painted(f"    {line}", paint) for line in _details(change))
    for name in changes.names:
        yield ""
        yield f"{paint(name.name, 'place')} changes {', '.join(name.rules)}"
        yield from (_painted(f"    {line}", paint) for line in _both(name.before, name.after))


def render_markdown(changes: Changes) -> Iterator[str]:
    """For a comment: a heading with the counts, a section for each rule."""
    yield f"### {summary(changes)[0].upper()}{summary(changes)[1:]}"
    for change in changes.rules:
        yield ""
        yield f"**{change.kind}** {code_span(title(change))}{_place(change, escaped)}"
        if change.kind == "renamed":
            yield ""
            yield RENAMED
        else:
            yield from _fenced(list(_details(change)))
    if changes.names:
        yield ""
        yield "### Constants and named conditions"
    for name in changes.names:
        yield ""
        yield f"{code_span(name.name)} changes {', '.join(map(code_span, name.rules))}"
        yield from _fenced(list(_both(name.before, name.after)))


def changes_document(changes: Changes) -> dict[str, Any]:
    """The same as data, as `changes_schema` describes it; `exact_json.dumps` takes it."""
    return {
        "version": VERSION,
        "rules": [_change_document(change) for change in changes.rules],
        "names": [name._asdict() for name in changes.names],
    }


def summary(changes: Changes) -> str:
    """`1 rule added, 2 rules changed`, or `no rule changed`."""
    counted = [(kind, sum(change.kind == kind for change in changes.rules)) for kind in _KINDS]
    parts = [f"{count(number, 'rule')} {kind}" for kind, number in counted if number]
    return ", ".join(parts) or "no rule changed"


def title(change: RuleChange) -> str:
    """`order-shipped`, or `order-sent, until now order-shipped`."""
    if change.before is not None and change.after is not None and change.kind == "renamed":
        return f"{change.after.id}, until now {change.before.id}"
    return _rule(change).id


def _rule(change: RuleChange) -> Rule:
    rule = change.after or change.before
    assert rule is not None
    return rule


def _place(change: RuleChange, written: Callable[[str], str] = str) -> str:
    """Where the rule stands now."""
    location = change.after.location if change.after else None
    return f"  {written(visible(location.path))}:{location.line}" if location else ""


def _details(change: RuleChange) -> Iterator[str]:
    if change.kind == "renamed":
        yield RENAMED
    elif change.kind == "changed":
        for aspect in change.aspects:
            through = f", through {', '.join(aspect.through)}" if aspect.through else ""
            yield f"@@ {visible(aspect.name)}{through} @@"
            yield from _both(aspect.before, aspect.after)
    else:
        sign = _SIGNS[change.kind][0]
        yield from (f"{sign} {visible(line)}" for line in yaml_lines(_told(_rule(change))))


def _told(rule: Rule) -> dict[str, Any]:
    """The rule without what is so of every rule unless it says otherwise."""
    document = {
        key: each for key, each in rule_document(rule).items() if key != "id" and _USUAL.get(key) != each
    }
    actions = [
        {key: each for key, each in action.items() if _USUAL.get(key) != each}
        for action in document["actions"]
    ]
    return {**document, "actions": actions}


def _both(before: Any, after: Any) -> Iterator[str]:
    yield from (f"- {visible(line)}" for line in _lines(before))
    yield from (f"+ {visible(line)}" for line in _lines(after))


def _lines(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.strip("\n").split("\n")
    if isinstance(value, Mapping):
        return yaml_lines(value) if value else ["{}"]
    if isinstance(value, (list, tuple)) and value and all(isinstance(each, str) for each in value):
        lines = [line for each in value for line in _lines(each)]
        return [", ".join(lines)] if all(map(_NAME.fullmatch, lines)) else lines
    return [exact_json.dumps(value)]


def _painted(line: str, paint: Paint) -> str:
    role = {"-": "bad", "+": "good", "@": "hint"}.get(line.lstrip()[:1])
    return paint(line, role) if role else line


def _fenced(lines: list[str]) -> Iterator[str]:
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(longest + 1, 3)
    yield from (f"{fence}diff", *lines, fence)


def _change_document(change: RuleChange) -> dict[str, Any]:
    documents = [each and rule_document(each) for each in (change.before, change.after)]
    return {
        "rule": _rule(change).id,
        "change": change.kind,
        "previous_id": change.before.id if change.before and change.kind == "renamed" else None,
        "before": documents[0],
        "after": documents[1],
        "aspects": [aspect._asdict() for aspect in change.aspects],
    }
