"""Rule set A in the languages of other rule engines of the package registry.

In: descriptions of rules that are equalities. Out: `PEERS`, each of which turns descriptions into a function
from a document to the numbers of the rules that match. An engine that is not installed raises ImportError
when it is compiled for. `json-logic` itself was left: its last release is for Python 2, and
`json-logic-qubit` is the fork that people use.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.reference import decode_record
from bench.tables.conditions import as_json
from bench.timing import Contender
from bench.workload import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.description import Description

Matcher: TypeAlias = "Callable[[Any], list[int]]"


@dataclass(frozen=True, slots=True)
class Peer:
    """`compile` makes a matcher of descriptions; `prepare` makes of a plain document what it takes."""

    name: str
    compile: Callable[[Sequence[Description]], Matcher]
    prepare: Callable[[Any], Any] = lambda document: document


def contender(peer: Peer, n: int, expected: Sequence[list[str]]) -> Contender:
    """`peer` with the first `n` rules of A. Raises ImportError where it is not installed."""
    described = rules("A", n)
    ids = [entry.rule.id for entry in described]
    match = peer.compile([entry.description for entry in described])

    def match_all(documents: Sequence[Any]) -> int:
        matched = 0
        for document in documents:
            matched += len(match(document))
        return matched

    return Contender(
        f"{peer.name} {n}",
        lambda document: [ids[number] for number in match(document)],
        match_all,
        expected,
        prepare=lambda texts, parsed: [peer.prepare(as_json(decode_record(record))) for record in parsed],
    )


def _rule_by_rule(evaluators: Sequence[Callable[[Any], object]]) -> Matcher:
    def match(document: Any) -> list[int]:
        return [number for number, evaluate in enumerate(evaluators) if evaluate(document)]

    return match


def _text(description: Description, both: str, either: str, literal: Callable[[Any], str]) -> str:
    """In a language with `==` and infix operators. The event first: no image is read that is not there."""
    events = either.join(f"eventName == {literal(event)}" for event in description.events)
    clauses = (f"{clause.path} == {literal(clause.operand)}" for clause in description.clauses)
    return both.join([f"({events})", *clauses])


def _plain_literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def _jmespath(descriptions: Sequence[Description]) -> Matcher:
    compile_ = import_module("jmespath").compile

    def literal(value: Any) -> str:
        return f"'{value}'" if isinstance(value, str) else f"`{str(value).lower()}`"

    return _rule_by_rule(
        [compile_(_text(description, " && ", " || ", literal)).search for description in descriptions]
    )


def _zen(descriptions: Sequence[Description]) -> Matcher:
    compile_ = import_module("zen").compile_expression
    return _rule_by_rule(
        [compile_(_text(entry, " and ", " or ", _plain_literal)).evaluate for entry in descriptions]
    )


def _cel_rust(descriptions: Sequence[Description]) -> Matcher:
    cel = import_module("cel")
    programs = [cel.compile(_text(entry, " && ", " || ", _plain_literal)).execute for entry in descriptions]
    by_rule = _rule_by_rule(programs)
    return lambda document: by_rule(cel.Context(document))


def _cel_python(descriptions: Sequence[Description]) -> Matcher:
    celpy = import_module("celpy")
    environment = celpy.Environment()
    programs = [
        environment.program(environment.compile(_text(entry, " && ", " || ", _plain_literal))).evaluate
        for entry in descriptions
    ]
    return _rule_by_rule(programs)


def _cel_python_document(document: Any) -> Any:
    celpy = import_module("celpy")
    return {name: celpy.json_to_cel(value) for name, value in document.items()}


def _rule_engine(descriptions: Sequence[Description]) -> Matcher:
    make = import_module("rule_engine").Rule
    return _rule_by_rule(
        [make(_text(entry, " and ", " or ", _plain_literal)).matches for entry in descriptions]
    )


def _logic(description: Description) -> dict[str, Any]:
    """In JsonLogic."""
    events = {"in": [{"var": "eventName"}, list(description.events)]}
    clauses = [{"==": [{"var": clause.path}, clause.operand]} for clause in description.clauses]
    return {"and": [events, *clauses]}


def _json_logic(descriptions: Sequence[Description]) -> Matcher:
    evaluate = import_module("json_logic").jsonLogic
    logics = [_logic(entry) for entry in descriptions]
    return lambda document: [
        number for number, logic in enumerate(logics) if evaluate(logic, document) is True
    ]


def _datalogic(descriptions: Sequence[Description]) -> Matcher:
    """All rules in one list, evaluated by one call: faster than one call for each rule."""
    datalogic = import_module("datalogic_py")
    engine = datalogic.Engine()
    session, logic = engine.session(), engine.compile([_logic(entry) for entry in descriptions])

    def match(text: str) -> list[int]:
        return [number for number, holds in enumerate(session.evaluate(logic, text)) if holds]

    return match


PEERS = (
    Peer("jmespath", _jmespath),
    Peer("zen-engine", _zen),
    Peer("common-expression-language", _cel_rust),
    Peer("cel-python", _cel_python, _cel_python_document),
    Peer("rule-engine", _rule_engine),
    Peer("json-logic-qubit", _json_logic),
    Peer("datalogic-py", _datalogic, json.dumps),
)
