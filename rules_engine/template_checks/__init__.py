"""What is wrong with a template, for authors: `check_template(text)` gives every finding about one string.

Apart from `template`, because the function compiles templates and never needs the checks. Of the text outside
of holes, `plain_text` says what was meant as one, and `holes` what stands in one and is no expression.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from rules_engine.errors import Finding
from rules_engine.expression.checks import NamedConditions, check
from rules_engine.model import EMPTY_SCOPE, Scope
from rules_engine.template import Hole, scan
from rules_engine.template_checks.holes import check_hole
from rules_engine.template_checks.plain_text import check_plain_text, has_statement, is_suspect

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING: Mapping[str, str] = MappingProxyType({})

MOST_HOLES = 100
"""Of one text."""


def check_template(
    text: str, scope: Scope | NamedConditions = EMPTY_SCOPE, absent: Mapping[str, str] = _NOTHING
) -> list[Finding]:
    """Everything that can be said against one string; positions are characters of it."""
    findings = list(check_plain_text(text)) if is_suspect(text) else []
    if has_statement(findings) or ("{{" not in text and "${" not in text):
        return findings
    number = 0
    for part in scan(text):
        if isinstance(part, Finding):
            findings.append(part)
        elif isinstance(part, Hole):
            number += 1
            if number > MOST_HOLES:
                hint = "send a map of them, or an image as a whole: {{ new }}"
                message = f"this text has more than {MOST_HOLES} holes"
                return [*findings, Finding("RE302", message, part.start, part.end - part.start, hint)]
            if (of_hole := check_hole(part)) is not None:
                findings.append(of_hole)
                if has_statement([of_hole]):
                    break
                continue
            found = check(part.expression, scope, absent)
            if found and (inner := _in_third_braces(part)) and not check(inner, scope, absent):
                message, hint = "this hole has three braces", f"a hole has two: {{{{ {inner} }}}}"
                findings.append(Finding("RE302", message, part.start, part.end - part.start, hint))
                continue
            findings += [replace(finding, start=finding.start + part.at) for finding in found]
    return sorted(findings, key=lambda finding: finding.start)


def _in_third_braces(hole: Hole) -> str:
    """The expression of `{{{ new.status }}}`, as other template languages have it; '' for any other hole."""
    text = hole.expression
    return text[1:-1].strip() if text[:1] == "{" and text[-1:] == "}" else ""
