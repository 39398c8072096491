"""Which changes of the conditions no test would notice.

In: rules and the cases of their tests, all of which pass. Out: how many changes were tried and which of them
survived. Each is made in memory: the changed rule is asked about the records of its own tests, and the change
is noticed if one of them no longer holds, or only because a condition cannot be evaluated any more: of that
`test` warns. A change of a named condition is noticed by a test of any rule that uses it. Rules that are
switched off or have no tests are left out; all of theirs would survive.

Tried are the changes of `mutants` for each clause and named condition, each clause of `when` and each
exception left out, an event left out, and the list of events widened to all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from rules_engine.engine import CompiledRule, compile_rule
from rules_engine.errors import RuleSetError
from rules_engine.expression import Program, compile_expression
from rules_engine.index import kinds_of
from rules_engine.model import EVENT_NAMES
from rules_engine.rule_tests.mutants import Mutant, mutants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules_engine.engine import Clause, Explanation
    from rules_engine.expression.compiler import CompiledConditions
    from rules_engine.model import Rule
    from rules_engine.rule_tests.cases import Case

    Change = tuple[str, str, Mutant, CompiledRule]
    """Clause, its text, what is changed in it, and the rule with that change."""


class Survivor(NamedTuple):
    """A change of a rule's `clause` (`when[0]`, `unless[NAME]`, `is.NAME`, `event`) that no test notices."""

    rule_id: str
    clause: str
    text: str
    mutant: Mutant


class Mutation(NamedTuple):
    """`tried` and `survivors` of one rule, or of one named condition."""

    tried: int
    survivors: list[Survivor]


def mutate(rules: Iterable[Rule], cases: Mapping[str, Sequence[Case]]) -> Iterator[Mutation]:
    """One `Mutation` for each rule that has `cases`, and one for each condition that such rules use."""
    users: dict[tuple[int, str], list[Rule]] = {}
    for rule in rules:
        if cases.get(rule.id):
            yield _mutate_rule(rule, cases[rule.id])
            for name in _conditions_of(rule):
                users.setdefault((id(rule.scope), name), []).append(rule)
    for (_, name), using in users.items():
        yield _mutate_condition(name, [(rule, cases[rule.id]) for rule in using])


def _mutate_rule(rule: Rule, cases: Sequence[Case]) -> Mutation:
    tried = 0
    survivors = []
    compiled = compile_rule(rule)
    for clause, text, mutant, changed in _changes(compiled):
        tried += 1
        if not any(_notices(case, compiled, changed) for case in cases):
            survivors.append(Survivor(rule.id, clause, text, mutant))
    return Mutation(tried, survivors)


def _notices(case: Case, rule: CompiledRule, changed: CompiledRule) -> bool:
    explanations = [changed.explain(record) for record in case.records]
    return not _holds(case, explanations) or any(
        each.outcome == "error" and rule.explain(record).outcome != "error"
        for record, each in zip(case.records, explanations, strict=True)
    )


def _holds(case: Case, explanations: Sequence[Explanation]) -> bool:
    if case.stopped_by is not None:
        return all(each.stopped_by == case.stopped_by for each in explanations)
    matched = any(each.outcome == "matched" for each in explanations)
    return case.match is None or matched is case.match


def _changes(rule: CompiledRule) -> Iterator[Change]:
    yield from _changes_of_events(rule)
    for clause in rule.clauses():
        for mutant, program in _changes_of_clause(clause, rule):
            yield clause.label, clause.program.text, mutant, _with_program(rule, clause, program)


def _changes_of_events(rule: CompiledRule) -> Iterator[Change]:
    """None of a rule for all events, which mostly says nothing of them."""
    events = rule.rule.events
    if kinds_of(rule.rule) == {*EVENT_NAMES}:
        return
    text = ", ".join(events)
    # Beside REMOVE, EXPIRE says nothing.
    counting = [event for event in events if event != "EXPIRE" or "REMOVE" not in events]
    fewer = [[each for each in counting if each != event] for event in counting if len(counting) > 1]
    for names in [*fewer, EVENT_NAMES]:
        changed = replace(rule, rule=replace(rule.rule, events=tuple(names)))
        yield "event", text, Mutant(0, len(text), ", ".join(names)), changed


def _changes_of_clause(clause: Clause, rule: CompiledRule) -> Iterator[tuple[Mutant, Program]]:
    """A clause of `when` that always holds is left out; so is an exception that never does."""
    text = clause.program.text
    yield from mutants(text, clause.scope)
    left_out = "`true`" if any(each is clause for each in rule.when) else "`false`"
    yield Mutant(0, len(text), left_out), compile_expression(left_out)


def _with_program(rule: CompiledRule, clause: Clause, program: Program) -> CompiledRule:
    """The rule with another program in one of its clauses."""

    def changed(clauses: Iterable[Clause]) -> tuple[Clause, ...]:
        return tuple(replace(each, program=program) if each is clause else each for each in clauses)

    unless = tuple(replace(exception, clauses=changed(exception.clauses)) for exception in rule.unless)
    return replace(rule, when=changed(rule.when), unless=unless)


# Named conditions


def _conditions_of(rule: Rule) -> list[str]:
    """The named conditions that the rule uses, also by way of others."""
    used: CompiledConditions = {}
    for text in (*rule.when, *(text for exception in rule.unless for text in exception.when)):
        compile_expression(text, rule.scope, used)
    return list(used)


def _mutate_condition(name: str, users: Sequence[tuple[Rule, Sequence[Case]]]) -> Mutation:
    scope = users[0][0].scope
    text = scope.conditions[name]
    compiled = [compile_rule(rule) for rule, _ in users]
    tried = 0
    survivors = []
    for mutant, _ in mutants(text, scope):
        other = replace(scope, conditions={**scope.conditions, name: mutant.apply(text)})
        try:
            changed = [compile_rule(replace(rule, scope=other)) for rule, _ in users]
        except RuleSetError:
            continue  # too deep, together with what uses it
        tried += 1
        if not any(
            _notices(case, rule, other_rule)
            for rule, other_rule, (_, cases) in zip(compiled, changed, users, strict=True)
            for case in cases
        ):
            survivors.append(Survivor(users[0][0].id, f"is.{name}", text, mutant))
    return Mutation(tried, survivors)
