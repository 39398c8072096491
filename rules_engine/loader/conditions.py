"""The expressions of a rule file, checked where they stand.

In: nodes that hold expressions or templates, the file's `Scope`, and which images the rule's records never
carry. Out: the findings of `expression.checks` as problems of the file, with a hint of our own where it was
YAML that broke the expression before JMESPath saw it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rules_engine.errors import ExpressionError, Fix
from rules_engine.expression.checks import NamedConditions, check_condition
from rules_engine.expression.checks.certain import Certainties
from rules_engine.expression.checks.satisfiable import NO_RULE
from rules_engine.loader.fixes import fix_within, in_quotes, needs_quotes
from rules_engine.source.traps import in_quotes as plain_in_quotes
from rules_engine.source.traps import quoted
from rules_engine.template_checks import check_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.errors import Finding, Problem
    from rules_engine.expression.checks.satisfiable import Circumstances
    from rules_engine.expression.node import Node as ExpressionNode
    from rules_engine.model import Scope
    from rules_engine.source import Node

MOST_FINDINGS_OF_A_TEXT = 100
MOST_FINDINGS_OF_A_FILE = 1_000
"""A file with more is no file that anybody wrote, and looking for what was meant takes time."""

_REFERENCE = re.compile(r"\$\{[^}]*\}?")

NOTHING_ABSENT: Mapping[str, str] = MappingProxyType({})


class Expressions:
    """The expressions of one file, checked against what the file defines. Equal texts are checked once."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._named = NamedConditions(scope)
        self._certainties = Certainties(scope)
        self.exhausted = False
        """Whether there were too many findings, and what came later was not checked."""
        self._checked: dict[tuple[Any, ...], list[Finding]] = {}
        self._found = 0

    def check_condition(self, node: Node, absent: Mapping[str, str] = NOTHING_ABSENT) -> list[Problem]:
        """The problems of one condition."""
        if node.broken or not isinstance(node.value, str) or not node.value:
            return []
        reference = reference_problem(node)
        if reference is not None:
            return [reference]
        return self._problems(check_condition, node, absent)

    def check_conditions(self, nodes: list[Node], absent: Mapping[str, str]) -> list[Problem]:
        """The problems of a list of conditions. What YAML cut in two is one problem, not two."""
        problems: list[Problem] = []
        cut_off = False
        for node in nodes:
            if not cut_off:
                problems += self.check_condition(node, absent)
            cut_off = is_cut_off(node) or (cut_off and node.source.text[node.end : node.end + 1] == ",")
        return problems

    def check_certain(
        self, nodes: Sequence[Node], given: Circumstances = NO_RULE, before: Sequence[Node] = ()
    ) -> list[Problem]:
        """What is always or never true of conditions in which nothing else was found."""
        if not self._can_be_judged((*nodes, *before)):
            return []
        try:
            trees, earlier = self._parsed(nodes), self._parsed(before)
            found = self._certainties.find(trees, given, earlier)
        except ExpressionError:  # of one of them, or of a condition they use, where it is reported
            return []
        return [problem_of(nodes[number], finding) for number, finding in found]

    def check_covering(
        self, when: Sequence[Node], exceptions: Sequence[Sequence[Node]], given: Circumstances
    ) -> list[Problem]:
        """That exceptions leave no record which `when` lets through."""
        if not self._can_be_judged((*when, *(node for nodes in exceptions for node in nodes))):
            return []
        try:
            excepted = [self._parsed(nodes) for nodes in exceptions]
            found = self._certainties.find_covering(self._parsed(when), excepted, given)
        except ExpressionError:  # reported, as above
            return []
        return [] if found is None else [problem_of(exceptions[found[0]][0], found[1])]

    def _can_be_judged(self, nodes: Sequence[Node]) -> bool:
        return not self.exhausted and not any(
            node.broken or not isinstance(node.value, str) for node in nodes
        )

    def _parsed(self, nodes: Sequence[Node]) -> list[ExpressionNode]:
        return [self._named.parse(node.value) for node in nodes]

    def check_circles(self, nodes: Mapping[str, Node]) -> list[Problem]:
        """The circles in which the file's conditions, at `nodes`, use each other."""
        return [problem_of(nodes[name], finding) for name, finding in self._named.circles()]

    def check_template(self, node: Node, absent: Mapping[str, str]) -> list[Problem]:
        """The problems of one text of an action."""
        return self._problems(check_template, node, absent)

    def _problems(
        self, check: Callable[..., list[Finding]], node: Node, absent: Mapping[str, str]
    ) -> list[Problem]:
        if self.exhausted:
            return []
        if self._found > MOST_FINDINGS_OF_A_FILE:
            self.exhausted = True
            message = f"the file has more than {MOST_FINDINGS_OF_A_FILE:,} problems in its expressions"
            hint = "mend those above; from here on expressions were not checked"
            return [node.source.problem("RE110", message, node.location, hint)]
        identity = (check, node.value, absent.get("new"), absent.get("old"))
        findings = self._checked.get(identity)
        if findings is None:
            findings = check(node.value, self._named, absent)[:MOST_FINDINGS_OF_A_TEXT]
            self._checked[identity] = findings
        self._found += len(findings)
        return [problem_of(node, finding, absent) for finding in findings]


def problem_of(node: Node, finding: Finding, absent: Mapping[str, str] = NOTHING_ABSENT) -> Problem:
    """A finding about the text of `node`, at its place in the file. `absent`: images that are never there."""
    location = node.locate(finding.start, finding.length)
    of_yaml, whole = _yaml_hint(node, finding)
    hint = of_yaml or finding.hint
    if hint is None and finding.code == "RE402":
        hint = _image_hint(absent)
    fix = whole
    if finding.fix is not None and of_yaml is None:
        fix = fix_within(node, finding.start, finding.length, finding.fix)
        if hint is not None and hint.endswith(finding.fix) and needs_quotes(node, finding.start, finding.fix):
            hint = hint.removesuffix(finding.fix) + in_quotes(node, finding.length, finding.fix)
    return node.source.problem(
        finding.code, finding.message, location, hint, severity=finding.severity, fix=fix
    )


def _image_hint(absent: Mapping[str, str]) -> str:
    """What to read in place of an image that is never there."""
    there = next((image for image in ("new", "old") if image not in absent), "keys")
    return f"read '{there}', which is there, or change 'event' or 'view' of the rule"


def reference_problem(node: Node) -> Problem | None:
    """`${NAME}` where nothing replaces it."""
    match = _REFERENCE.search(node.value) if isinstance(node.value, str) else None
    if match is None:
        return None
    message = f"'{match[0]}' is not replaced here"
    hint = "write the value itself: only the values of actions take environment variables and secrets"
    return node.source.problem("RE305", message, node.locate(match.start(), len(match[0])), hint)


def _yaml_hint(node: Node, finding: Finding) -> tuple[str | None, Fix | None]:
    """What YAML did to a plain text that is no expression any more, and the mend of that."""
    if node.style or not finding.code.startswith("RE2") or finding.severity == "warning":
        return None, None
    text = node.source.text
    line_end = text.find("\n", node.end)
    rest = text[node.end : line_end if line_end != -1 else len(text)]
    if is_cut_off(node):
        hint = "a ',' inside [ ] ends the entry: put the condition in quotes, or on a line of its own"
        return hint, None
    if re.match(r" +#", rest) and (_is_open(node.value) or finding.message.startswith(_BREAKS_OFF)):
        hint = quoted(node.source, node.start, "' #' begins a comment in YAML and cuts the condition off")
        return hint, _with_its_comment(node, rest.rstrip())
    if re.match("-[A-Za-z(!]", node.value):
        hint = "a space is missing after '-', which begins an entry of a list"
        return hint, fix_within(node, 0, 1, "- ")
    if re.search(r"\n *- ", text[node.start : node.end]):
        hint = "a line below that begins with '- ' is indented so deep that it belongs to this text"
        return hint, None
    if finding.message.startswith("an operator is missing") and _begins_its_line(node, finding):
        return (
            "another condition of the list begins with '- '; to go on with the one above, use && or ||",
            None,
        )
    return None, None


_BREAKS_OFF = ("nothing stands to the right", "the expression breaks off")


def _with_its_comment(node: Node, rest: str) -> Fix | None:
    """The value together with what YAML took for a comment, in quotes, if that closes what is open."""
    written = node.source.text[node.start : node.end]
    whole = plain_in_quotes(written + rest)
    if "\n" in written or whole is None or not _is_open(node.value) or _is_open(written + rest):
        return None
    return Fix(node.source.location(node.start, node.end + len(rest)), whole)


def _begins_its_line(node: Node, finding: Finding) -> bool:
    """Whether what has no operator before it stands first on a line below the first."""
    place = node.locate(finding.start)
    above = node.source.line(place.line)[: place.column - 1]
    return place.line > node.location.line and not above.strip()


def is_cut_off(node: Node) -> bool:
    """Whether a `,` of a list in `[ ]` ended a condition in the middle."""
    return not node.style and node.source.text[node.end : node.end + 1] == "," and _is_open(node.value)


def _is_open(text: str) -> bool:
    """Whether a quote or a bracket is open at the end."""
    odd = any(text.count(quote) % 2 for quote in "'\"`")
    return odd or any(text.count(a) != text.count(b) for a, b in ("()", "[]", "{}"))


@lru_cache(maxsize=256)
def absent_images(events: tuple[str, ...], view: str | None) -> Mapping[str, str]:
    """Why records of these events and this view never have `new` or `old`; empty if they may have both."""
    absent: dict[str, str] = {}
    for image, word, without in (("new", "new", ("REMOVE", "EXPIRE")), ("old", "old", ("INSERT",))):
        if all(event in without for event in events):
            absent[image] = f"{_events(events)} no {word} image"
    if view in ("OLD_IMAGE", "KEYS_ONLY"):
        absent["new"] = f"the view type {view} has no new image"
    if view in ("NEW_IMAGE", "KEYS_ONLY"):
        absent["old"] = f"the view type {view} has no old image"
    return MappingProxyType(absent)


def _events(events: Sequence[str]) -> str:
    if len(events) == 1:
        return f"the rule is for {events[0]} alone, which has"
    return f"the rule is for {' and '.join(events)} alone, which have"
