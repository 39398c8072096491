"""JUnit XML, as CI servers read it: suites of test cases that passed, failed or could not be run.

In: suites as values. Out: one document. JUnit has no standard; this keeps to what the schema of Jenkins'
xUnit plugin knows, which refuses whatever else a document holds, so the file stands at the suite and not at
the case. Times are written only where they were measured. A character that XML 1.0 cannot hold, escaped or
not, becomes U+FFFD: one such character of a rule file would make a reader refuse the whole document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Verdict = Literal["failure", "error", "skipped"]
"""`failure`: what was checked is wrong. `error`: it could not be checked."""

# A reader makes a line end of a bare carriage return, and in an attribute a space of every line end and tab.
_IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_QUOTES = _IN_TEXT | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class NotPassed:
    """Why a case did not pass. `message` is one line, `text` everything there is to say."""

    verdict: Verdict
    message: str
    text: str = ""
    kind: str = ""
    """For programs: the code of a problem, the kind of an assertion."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test. `class_name` is what it belongs to, `output` what to read of it although it passed."""

    name: str
    class_name: str
    seconds: float | None = None
    not_passed: NotPassed | None = None
    output: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """None: it passed."""
        return self.not_passed.verdict if self.not_passed else None


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases that belong together: those of one file, or one run of a tool."""

    name: str
    cases: Sequence[Case]
    file: str | None = None


def render_suites(name: str, suites: Sequence[Suite]) -> str:
    """The document, each line ended."""
    counted = _attributes(name=name, **_counts([case for suite in suites for case in suite.cases]))
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites{counted}>"]
    for suite in suites:
        skipped = sum(case.verdict == "skipped" for case in suite.cases)
        counted = _attributes(name=suite.name, file=suite.file, **_counts(suite.cases), skipped=skipped)
        lines.append(f"  <testsuite{counted}>")
        lines += [f"    {line}" for case in suite.cases for line in _case(case)]
        lines.append("  </testsuite>")
    lines.append("</testsuites>")
    return "".join(f"{line}\n" for line in lines)


def _counts(cases: Sequence[Case]) -> dict[str, object]:
    """What suites, and all suites together, say of their cases."""
    verdicts = [case.verdict for case in cases]
    measured = [case.seconds for case in cases if case.seconds is not None]
    return {
        "tests": len(cases),
        "failures": verdicts.count("failure"),
        "errors": verdicts.count("error"),
        "time": _time(sum(measured)) if measured else None,
    }


def _case(case: Case) -> Iterator[str]:
    attributes = _attributes(
        name=case.name,
        classname=case.class_name,
        time=None if case.seconds is None else _time(case.seconds),
    )
    if case.not_passed is None and not case.output:
        yield f"<testcase{attributes}/>"
        return
    yield f"<testcase{attributes}>"
    if case.not_passed is not None:
        yield f"  {_not_passed(case.not_passed)}"
    if case.output:
        yield f"  <system-out>{_text(case.output)}</system-out>"
    yield "</testcase>"


def _not_passed(why: NotPassed) -> str:
    if why.verdict == "skipped":
        return f"<skipped{_attributes(message=why.message)}/>"
    attributes = _attributes(message=why.message, type=why.kind or why.verdict)
    return f"<{why.verdict}{attributes}>{_text(why.text)}</{why.verdict}>"


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"


def _attributes(**values: object) -> str:
    return "".join(f" {key}={_quoted(str(value))}" for key, value in values.items() if value is not None)


def _quoted(text: str) -> str:
    return f'"{_legal(text).translate(_IN_QUOTES)}"'


def _text(text: str) -> str:
    return _legal(text).translate(_IN_TEXT)


def _legal(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
