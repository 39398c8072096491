"""What to tell an author whose key or value is not where or what it should be.

In: the key or node and what was expected of it. Out: the hint, one short sentence that says what to write.
Only sure guesses: a name near a known one, a word that other rule languages use, a key that belongs one level
up.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine.loader.patterns import condition_of_pattern
from rules_engine.source.traps import in_quotes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules_engine.source import Node

_OTHER_WORDS = {
    "rule file": {"var": "vars", "variables": "vars", "constants": "vars"},
    "rule": {
        "on": "event", "events": "event", "trigger": "event", "event_name": "event", "eventname": "event",
        "tables": "table", "source": "table", "table_name": "table",
        "if": "when", "where": "when", "condition": "when", "conditions": "when", "filter": "when",
        "match": "when", "expression": "when",
        "event_pattern": "when", "event-pattern": "when", "eventpattern": "when", "pattern": "when",
        "criteria": "when",
        "except": "unless", "exclude": "unless", "exceptions": "unless", "not": "unless",
        "action": "actions", "then": "actions", "do": "actions", "targets": "actions", "target": "actions",
        "name": "id", "rule_id": "id", "key": "id",
        "active": "enabled", "disabled": "enabled", "desc": "description", "test": "tests", "labels": "tags",
    },
    "exception": {"id": "name", "if": "when", "condition": "when", "until": "expires", "expiry": "expires"},
    "action": {
        "action": "type", "kind": "type", "timeout": "timeout_seconds",
        "topic": "topic_arn", "topic_name": "topic_arn", "title": "subject",
        "arn": "function state_machine_arn topic_arn",
        "queue": "queue_url", "queue_name": "queue_url", "message_attributes": "attributes",
        "bus": "event_bus", "bus_name": "event_bus", "event_bus_name": "event_bus",
        "stream": "delivery_stream", "stream_name": "delivery_stream",
        "delivery_stream_name": "delivery_stream",
        "function_name": "function", "function_arn": "function", "state_machine": "state_machine_arn",
        "table_name": "table", "item": "put",
        "bucket_name": "bucket", "object_key": "key",
        "metric": "name", "metric_name": "name", "index_name": "index",
        "async": "invocation", "invocation_type": "invocation", "http_method": "method", "verb": "method",
        "url": "endpoint", "uri": "url endpoint", "host": "endpoint", "endpoint": "url",
        "secret": "signing_secret", "signing_key": "signing_secret",
        **dict.fromkeys(
            ("message", "body", "detail", "record", "payload", "input", "document", "data", "content"),
            "message body detail record payload input document",
        ),
    },
    "test": {
        "id": "name", "description": "name", "input": "record", "event": "record", "given": "record",
        "expected": "expect", "then": "expect",
    },
    "expectation": {"matches": "match", "matched": "match", "payload": "actions", "action": "actions"},
    "record": {
        "eventName": "event", "newimage": "new", "NewImage": "new", "oldimage": "old", "OldImage": "old",
        "Keys": "keys", "key": "keys", "new_image": "new", "old_image": "old", "type": "event",
    },
}  # fmt: skip
"""By what the mapping is: other words for its keys; of several keys the one that the mapping can have."""

_BELONGS = {
    "rule": {
        "defaults": "at the top of the file", "vars": "at the top of the file",
        "lists": "at the top of the file", "version": "at the top of the file",
        "reason": "in an exception under 'unless'", "expires": "in an exception under 'unless'",
        "record": "in a test under 'tests'", "expect": "in a test under 'tests'",
        "type": "in an action under 'actions'", "topic_arn": "in an action of type sns, under 'actions'",
        "message": "in an action under 'actions'", "subject": "in an action of type sns, under 'actions'",
        "queue_url": "in an action of type sqs, under 'actions'",
        "event_bus": "in an action of type eventbridge", "detail": "in an action of type eventbridge",
        "delivery_stream": "in an action of type firehose", "function": "in an action of type lambda",
        "state_machine_arn": "in an action of type stepfunctions", "namespace": "in an action of type metric",
        "url": "in an action of type webhook, under 'actions'", "put": "in an action of type table",
        "on_error": "in an action under 'actions'", "timeout_seconds": "in an action under 'actions'",
    },
    "action": {
        "when": "in the rule, beside 'actions'", "event": "in the rule, beside 'actions'",
        "unless": "in the rule, beside 'actions'", "tests": "in the rule, beside 'actions'",
        "enabled": "in the rule, beside 'actions'", "owner": "in the rule, beside 'actions'",
    },
    "rule file": {
        "table": "in a rule, or under 'defaults' for all rules", "view": "in a rule, or under 'defaults'",
        "owner": "in a rule, or under 'defaults'", "id": "in a rule, under 'rules'",
        "when": "in a rule, under 'rules'", "actions": "in a rule, under 'rules'",
        "event": "in a rule, under 'rules'", "unless": "in a rule, under 'rules'",
        "tests": "in a rule, or in a file called *.test.yaml",
    },
    "exception": dict.fromkeys(
        ("type", "topic_arn", "subject", "message", "url", "queue_url", "table", "put", "on_error", "mode"),
        "in an action, under 'actions' beside 'unless'",
    ),
    "record": {
        "expect": "beside 'record', not in it", "match": "under 'expect', beside 'record'",
        "stopped_by": "under 'expect', beside 'record'", "actions": "under 'expect', beside 'record'",
    },
    "test file": {"rules": "in a file that is not called *.test.yaml"},
    "mapping of defaults": dict.fromkeys(
        ("id", "when", "event", "unless", "actions", "tests", "enabled", "severity", "tags", "runbook"),
        "in each rule",
    ),
    "test": {"match": "under 'expect'", "stopped_by": "under 'expect'", "actions": "under 'expect'"},
}  # fmt: skip
"""By what the mapping is: keys that belong somewhere else, and where."""


_NOWHERE = {
    "rule": {
        "schedule": "there are no schedules: a rule is for changes of items",
        "cron": "there are no schedules: a rule is for changes of items",
        "priority": "rules have no order: each that matches does its actions",
        "order": "rules have no order: each that matches does its actions",
        "retry": "what fails is tried again by itself; 'on_error' of an action says what comes of it then",
        "retries": "what fails is tried again by itself; 'on_error' of an action says what comes of it then",
    },
    "action": {
        **dict.fromkeys(
            ("retry", "retries", "max_retries", "attempts", "max_attempts", "backoff", "retry_policy"),
            "what fails is tried again by itself; 'on_error' says what comes of it then",
        ),
        "dead_letter_queue": "the function has one for all rules, and 'on_error' says what goes there",
        "dlq": "the function has one for all rules, and 'on_error' says what goes there",
        "prefix": "write it in 'key': key: PREFIX/{{ eventID }}.json",
    },
}
"""By what the mapping is: keys of other systems that nothing here stands for, and what there is instead."""


def other_word(key: str, title: str, known: Iterable[str]) -> str:
    """The key for which people say `key`; '' if there is none."""
    words = _OTHER_WORDS.get(_kind(title), {})
    meant = words.get(key) or words.get(key.lower(), "")
    return next((one for one in meant.split() if one in known), "")


def _kind(title: str) -> str:
    return "action" if title.endswith(" action") else title


def misplaced_key_hint(key: str, title: str, known: Iterable[str]) -> tuple[str, str]:
    """(the key that was meant or '', the hint or '') for a key that is known by another word or elsewhere."""
    kind, meant = _kind(title), other_word(key, title, known)
    if meant:
        return meant, f"did you mean '{meant}'?"
    where = where_it_belongs(key, title)
    if where is None and (instead := _NOWHERE.get(kind, {}).get(key)):
        return "", instead
    # A test file that holds rules lacks its tests because of that, not besides.
    instead_of = {"test file": "tests", "test": "expect"}.get(kind, "")
    return (instead_of, f"'{key}' belongs {where}") if where else ("", "")


def where_it_belongs(key: str, title: str) -> str | None:
    """Where else a key of that name stands; None where nobody would look for it."""
    return _BELONGS.get(_kind(title), {}).get(key)


def known_keys_hint(key: str, where: str, known: Iterable[str]) -> str:
    """All the keys there are."""
    if key.startswith("-"):
        return f"a space is missing after '-': write '- {key[1:]}'"
    return f"the keys of {where} are {', '.join(known)}"


def article(noun: str) -> str:
    """`a rule`, `an action`."""
    return f"{'an' if noun[:1].lower() in 'aeiou' or noun.startswith(('sns', 's3', 'sqs')) else 'a'} {noun}"


def plural(number: int, noun: str) -> str:
    """`1 entry`, `2 entries`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


def flow(value: Any) -> str:
    """An example as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f'"{text}"' if text[:1] in "{[*&!@`" or ": " in text else text


def repair_hint(node: Node, wanted: list[str], key: Node | None, schema: dict[str, Any]) -> str:
    """How to make of a value of a wrong type one of a right type."""
    name = key.value if key is not None else ""
    example = next(iter(schema.get("examples", ())), None)
    such_as = f", such as: {f'{name}: ' if name else ''}{flow(example)}" if example is not None else ""
    if node.kind == "scalar" and node.value is None:
        comment = _comment_behind(node, key)
        if comment:
            return f"'#' begins a comment in YAML: put the value in quotes: {name}: {in_quotes(comment)}"
        return f"write a value after '{name}:'{such_as}" if name else "write a value"
    if node.kind == "mapping" and "string" in wanted and (text := _cut_at_colon(node, schema)):
        return f"': ' begins a mapping in YAML: put the value in quotes: {text}"
    if schema.get("title") == "condition" and not (node.kind == "sequence" and node.style == "block"):
        always = node.value is True and name == "when"
        otherwise = "for every record leave 'when' out; otherwise " if always else ""
        meant = condition_of_pattern(node) if node.kind == "mapping" else None
        return f"{otherwise}write an expression{such_as if meant is None else f': {meant}'}"
    if node.kind == "mapping" and schema.get("items", {}).get("type") == "string":
        return (
            f"write one text or several in [ ]{such_as}" if "string" in wanted else f"write a list{such_as}"
        )
    if node.kind == "scalar" and wanted == ["array"] and _takes_texts(schema) and _in_brackets(node):
        return f"put it in [ ]: {name}: {_in_brackets(node)}"
    if schema.get("title") == "exception" and isinstance(node.value, str):
        return f"give it a name: {flow({'name': 'NAME', 'when': node.value})}"
    hint = _HINTS[node.kind](node, wanted, name)
    return hint or f"write {_KINDS[wanted[0]]}{such_as}"


def _comment_behind(node: Node, key: Node | None) -> str:
    """The comment in place of a value that was meant as one: `message: #{{ keys.id }}`; '' for any other."""
    if key is None or node.start != node.end:
        return ""
    line = node.source.line(key.location.line)
    found = re.search(r"(?<=: )#[^\s#].*", line[key.location.column - 1 :])
    return found[0].rstrip() if found is not None and in_quotes(found[0]) is not None else ""


def _repair_mapping(node: Node, wanted: list[str], name: str) -> str:
    # Where a number would do too, the entries of a list are plain values, not mappings.
    if "array" not in wanted or "number" in wanted:
        return ""
    if (whole := _in_brackets(node)) is not None:
        return f"put it in [ ]: {whole}"
    first = next(iter(node.value), "")
    if first.startswith("-"):
        return f"a space is missing after '-': write '- {first[1:]}: ...'"
    if name == "rules" and first:
        return f"each rule begins with '- ', and its name is its id: - id: {first}"
    return f"begin each entry with '- '{f': - {first}: ...' if first else ''}"


def _in_brackets(node: Node) -> str | None:
    """`{type: log}` or `a, b` on one line as a list."""
    written = node.source.text[node.start : node.end]
    plain = node.kind == "scalar" and node.style == "" and _SIMPLE_LIST.fullmatch(written) is not None
    return f"[{written}]" if "\n" not in written and (node.style == "flow" or plain) else None


_SIMPLE_LIST = re.compile(r"[\w.-]+(?:, *[\w.-]+)*")


def _repair_list(node: Node, wanted: list[str], name: str) -> str:
    if "object" in wanted and node.style == "block":
        return "write 'key: value' lines without '- ' before them"
    if not name and node.style == "block":
        return "'- - ' makes a list in a list: remove one '- '"
    return ""


def _cut_at_colon(node: Node, schema: dict[str, Any]) -> str | None:
    """The text of one line that became a mapping at its `: `, in quotes: `- new.note == 'a: b'`."""
    if schema.get("title") == "condition" and _NAME.fullmatch(next(iter(node.value), "")):
        return None  # an entry of a pattern
    written = node.source.text[node.start : node.end]
    plain = node.style == "block" and len(node.value) == 1 and "\n" not in written
    return in_quotes(written) if plain else None


_NAME = re.compile(r"[\w.-]*")
_ENTRY_AS_TEXT = re.compile(r"([A-Za-z_]\w*) ?[:=] *(\S.*)")

_TRUTHS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def repaired(node: Node, wanted: list[str], schema: dict[str, Any]) -> str | None:
    """A value of a wrong type as it must be written to be of a right one, where there is no doubt."""
    if node.kind == "mapping" and "string" in wanted:
        return _cut_at_colon(node, schema)
    if wanted == ["array"] and (node.kind == "mapping" or _takes_texts(schema)):
        return _in_brackets(node)
    return _repaired_scalar(node, wanted) if node.kind == "scalar" else None


def _takes_texts(schema: dict[str, Any]) -> bool:
    return bool(schema.get("items", {}).get("type") == "string")


def _repaired_scalar(node: Node, wanted: list[str]) -> str | None:
    if node.kind != "scalar" or node.value is None:
        return None
    written = node.source.text[node.start : node.end]
    if "string" in wanted:
        return f'"{written}"'
    if wanted == ["object"]:
        entry = _ENTRY_AS_TEXT.match(written.partition("\n")[0]) if node.style == "" else None
        return None if entry is None else f"{entry[1]}: {entry[2]}"
    if isinstance(node.value, str) and node.style and _looks_like(node.value, wanted):
        return node.value
    return _TRUTHS.get(written.lower()) if "boolean" in wanted else None


def _repair_scalar(node: Node, wanted: list[str], name: str) -> str:
    meant = _repaired_scalar(node, wanted)
    if wanted == ["object"] and meant is not None:
        return f"a key is followed by ':' and a space; write: {meant}"
    if "string" in wanted:
        return f"put it in quotes: {meant}"
    if meant is not None and node.style:
        return f"remove the quotes: {meant}"
    if "boolean" in wanted:
        written = node.source.text[node.start : node.end]
        return f"'{written}' is text in YAML 1.2; write {meant}" if meant else "write true or false"
    return ""


_HINTS = {"mapping": _repair_mapping, "sequence": _repair_list, "scalar": _repair_scalar}

_KINDS = {
    "object": "a mapping of 'key: value' lines",
    "array": "a list, in [ ] or with '- ' before each entry",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def _looks_like(text: str, wanted: list[str]) -> bool:
    if "boolean" in wanted:
        return text in ("true", "false")
    return ("number" in wanted or "integer" in wanted) and text.replace(".", "", 1).isdigit()
