"""Everything that can go wrong, as types.

An author's mistake is a `Problem` in a list: never raised, never printed by its finder. A mistake inside a
piece of text (an expression, a template) is found before anyone knows where that text stands; it is a
`Finding`, which the loader turns into a `Problem`. A broken promise between modules is an exception under
`RulesEngineError`; nothing else may leave this package on purpose.
"""

from __future__ import annotations

from typing import Literal

from rules_engine.light_dataclass import dataclass

Severity = Literal["error", "warning"]

ErrorClass = Literal["permanent", "transient", "systemic", "gone", "blocked", "unknown"]
"""What the failure of an effect means for the next try: see `delivery/failure.py`."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A stretch of one line of a file. `line` and `column` count from 1, in characters."""

    path: str
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Fix:
    """The one safe mend of a problem: `text` in place of what stands at `location`. It has no line end."""

    location: Location
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of a rule author, complete enough to be shown without reading the file again.

    `message` is lower case, with the offending name in single quotes; `hint` says what to do;
    `source_line` is the text of the line at `location`; `related` are other places the message speaks of;
    `fix` is what `validate --fix` does about it.
    """

    code: str
    message: str
    location: Location
    severity: Severity = "error"
    hint: str | None = None
    source_line: str = ""
    related: tuple[tuple[Location, str], ...] = ()
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake at `start` (characters from 0) of a text whose own place is not known here.

    `fix`, where there is one safe mend, is what to write in place of the marked text.
    """

    code: str
    message: str
    start: int
    length: int = 1
    hint: str | None = None
    severity: Severity = "error"
    fix: str | None = None


class RulesEngineError(Exception):
    """Base of every exception this package raises."""


class ExpressionError(RulesEngineError):
    """An expression that cannot be compiled. `finding` says what and where in its text."""

    def __init__(self, text: str, finding: Finding) -> None:
        super().__init__(f"{finding.message} (at character {finding.start + 1} of {text!r})")
        self.text = text
        self.finding = finding


class EvaluationError(RulesEngineError):
    """An expression that cannot be evaluated on this record: a function was given the wrong type."""


class BudgetError(EvaluationError):
    """An evaluation took more steps, or made a larger value, than one condition may."""


class AttributeValueError(EvaluationError):
    """An attribute that is not legal DynamoDB JSON, found when something read it."""


class RecordError(RulesEngineError):
    """A stream record or event that is not of a known shape."""


class TemplateError(RulesEngineError):
    """A payload that cannot be rendered from this record."""


class RuleSetError(RulesEngineError):
    """A rule set that cannot be compiled; `load_rules` would have reported it as problems."""


class BundleError(RulesEngineError):
    """A bundle that is missing, damaged, or of another format version."""


class SettingsError(RulesEngineError):
    """An environment variable of the function that is missing or cannot be used."""


class ActionError(RulesEngineError):
    """An effect that the target refused or that never reached it. `code` is short and stable (`HTTP_503`).

    `error_class` is what the action knows of it, `retry_after_seconds` what the target asked for.
    """

    def __init__(
        self,
        code: str,
        message: str,
        error_class: ErrorClass = "unknown",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.error_class = error_class
        self.retry_after_seconds = retry_after_seconds


class SecretUnreadable(ActionError):
    """A secret that could not be read yet. `message` names the reference and a code; nothing is sent."""

    def __init__(self, message: str) -> None:
        super().__init__("SECRET_UNREADABLE", message, "systemic")


class Superseded(RulesEngineError):
    """Raised by an action whose target already holds this change or a newer one: there is nothing to do."""


class BatchError(RulesEngineError):
    """Raised to Lambda when a record failed and no partial response may be given: the batch comes again."""
