"""Rules -> the variables of the function that they name: what a deployment has to ask for.

In: rules. Out: one `Variable` for each `${NAME}` of an enabled rule's actions, but for the function's own
settings and what Lambda sets. What a variable may hold follows from what the actions need permission for: one
that a resource begins with must be an ARN, one further inside must not make it mean more. A queue alone is
named by its URL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rules_engine.actions import action_type
from rules_engine.settings import NAMES, PREFIX, is_credential
from rules_engine.template import references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rules_engine.actions import Permission
    from rules_engine.model import ActionSpec, Rule

Form = Literal["arn", "queue_url", "part", "text"]
"""Of a variable: an ARN, the URL of a queue, what stands inside of an ARN, or any text."""

ALLOWED_PATTERNS: Mapping[Form, str] = {
    "arn": r"arn:[^:*?]+:[^:*?]+:[^:*?]*:[^:*?]*:[^*?]+",
    "queue_url": r"https?://[^./]+\.[^./]+\.[^/]+/[0-9]+/[A-Za-z0-9_.-]+",
    # What stands inside of an ARN must not make it mean more: no wildcard and no ARN, yet `function:alias`.
    "part": r"[^:*?$]+(:[^:*?$]+)?",
}

MUST_BE: Mapping[Form, str] = {
    "arn": "a whole ARN, without wildcards",
    "queue_url": "the URL of a queue, as in https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
    "part": "a name, not an ARN, and without wildcards: the role may use what it names",
}
"""The patterns in words. A variable of form `text` may hold anything."""

QUEUE_OF = "QueueOf:"
"""In a resource, `${QueueOf:NAME}` is the ARN of the queue with the URL that `NAME` holds."""

IN_RESOURCES = {
    "AWS_REGION": "${AWS::Region}",
    "AWS_DEFAULT_REGION": "${AWS::Region}",
}
"""Variables that Lambda sets and that a target may be named with, as `Permission.resource` has them."""

_is_set_by_lambda = re.compile(
    "AWS_REGION|AWS_DEFAULT_REGION|AWS_EXECUTION_ENV|AWS_LAMBDA_[A-Z_]+|AWS_XRAY_[A-Z_]+|_X_AMZN_TRACE_ID"
    "|_HANDLER|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR"
).fullmatch

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-[^{}]*)?\}")


@dataclass(frozen=True, slots=True)
class Variable:
    """`default` is None for one that must be given: it has none, or several."""

    name: str
    default: str | None
    form: Form

    def allows(self, value: str) -> bool:
        """Whether a deployment may give it this value; where not, it must be `MUST_BE[self.form]`."""
        return self.form not in ALLOWED_PATTERNS or bool(re.fullmatch(ALLOWED_PATTERNS[self.form], value))


def variables_of(rules: Iterable[Rule]) -> list[Variable]:
    """Each once, by name."""
    defaults: dict[str, set[str | None]] = {}
    forms: dict[str, Form] = {}
    for spec in enabled_actions(rules):
        for reference in references(spec.config):
            if reference.kind == "env" and not is_set_elsewhere(reference.name):
                defaults.setdefault(reference.name, set()).add(reference.default)
        for permission in action_type(spec.type).permissions(spec):
            for name, form in forms_in(permission):
                forms.setdefault(name, form)
    return [
        Variable(name, found.copy().pop() if len(found) == 1 else None, forms.get(name, "text"))
        for name, found in sorted(defaults.items())
    ]


def forms_in(permission: Permission) -> Iterator[tuple[str, Form]]:
    """Variables in its resource, with what each is there."""
    for match in _REFERENCE.finditer(permission.resource):
        if match.start() > 0:
            yield match[1], "part"
        else:
            yield match[1], "queue_url" if permission.action.startswith("sqs:") else "arn"


def enabled_actions(rules: Iterable[Rule]) -> Iterator[ActionSpec]:
    for rule in rules:
        if rule.enabled:
            yield from rule.actions


def fault_of(name: str) -> tuple[str, str] | None:
    """What is wrong with a variable of this name, and what to do: it is not for rules to name, whatever it
    holds. None for all others."""
    if is_credential(name):
        return (
            "is one of the function's own credentials",
            "these are never sent: name a secret, ${secret:NAME}",
        )
    if name.startswith(PREFIX) and name not in NAMES:
        return (
            "is no setting of the function, which does not start with it",
            f"take a name that does not begin with {PREFIX}",
        )
    return None


def is_set_elsewhere(name: str) -> bool:
    """Whether the function gets this variable unasked: from Lambda, or as a setting of its own."""
    return name.startswith(PREFIX) or _is_set_by_lambda(name) is not None


def resource_of(permission: Permission) -> str:
    """Its resource, in which `${NAME:-default}` is `${NAME}`, what Lambda sets is what AWS calls it, and a
    queue is named by its ARN."""
    forms = dict(forms_in(permission))

    def written(match: re.Match[str]) -> str:
        name = match[1]
        if forms[name] == "queue_url":
            return f"${{{QUEUE_OF}{name}}}"
        return IN_RESOURCES.get(name, f"${{{name}}}")

    return _REFERENCE.sub(written, permission.resource)
