"""Each thing that `validate` promises to find has a case that shows what it says.

In the words of an author, with the code that it has; a promise without a case, or whose case says something
else, fails here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

CASES = Path(__file__).parent / "cases/validate"

ERRORS = {
    "unknown key": ("RE106", "key-unknown-typo"),
    "wrong type": ("RE107", "actions-is-text"),
    "duplicate id, both places named": ("RE401", "id-twice"),
    "duplicate YAML key": ("RE104", "yaml-duplicate-key"),
    "a tab": ("RE103", "yaml-tab"),
    "unknown event": ("RE109", "event-unknown"),
    "unknown action type": ("RE301", "action-type-unknown"),
    "=": ("RE202", "condition-single-equals"),
    "and": ("RE202", "condition-and"),
    "or": ("RE202", "condition-or"),
    "not": ("RE202", "condition-not"),
    "in": ("RE202", "condition-in"),
    "a bare number": ("RE203", "condition-bare-number"),
    "a-b": ("RE214", "condition-dash-in-a-name"),
    "unknown function": ("RE204", "condition-unknown-function"),
    "wrong arity": ("RE205", "condition-too-few-arguments"),
    "text without quotes": ("RE206", "condition-text-without-quotes"),
    "an attribute without its image": ("RE206", "condition-attribute-without-new"),
    "text in double quotes": ("RE207", "condition-text-in-double-quotes"),
    "a bare true": ("RE207", "condition-bare-true"),
    "an undefined is.x": ("RE208", "condition-undefined-name"),
    "an undefined vars.x": ("RE208", "condition-undefined-variable"),
    "a type tag": ("RE209", "condition-type-tag"),
    "!a.b": ("RE210", "condition-not-of-a-path"),
    "a number compared with a quoted one": ("RE211", "condition-number-in-quotes"),
    "an expired exception": ("RE403", "unless-expired"),
    "a test of an unknown rule": ("RE404", "test-file-unknown-rule"),
    "a test that asserts nothing": ("RE405", "test-asserts-nothing"),
    "an image that the event never has": ("RE402", "condition-image-never-there-event"),
    "an image that the view never has": ("RE402", "condition-image-never-there-view"),
    "a hole that does not parse": ("RE302", "action-hole-not-closed"),
    "a target from the record": ("RE303", "action-target-from-the-record"),
    "a secret in plain text": ("RE306", "action-secret-in-plain-text"),
    "two actions with one id": ("RE304", "action-two-with-one-id"),
    "an endless loop of one rule": ("RE406", "loop-timestamp-in-its-own-table"),
    "an endless loop of several rules": ("RE406", "loop-of-two-rules-in-turn"),
    "an endless loop through several tables": ("RE406", "loop-through-three-tables"),
    "when: !x": ("RE105", "yaml-exclamation-mark-is-a-tag"),
    "when: 'x' == y": ("RE102", "yaml-text-after-a-quote"),
    "# inside of a condition": ("RE201", "yaml-comment-cuts-the-condition"),
    "when: [?x]": ("RE102", "yaml-filter-is-a-list"),
    "${X} inside of { }": ("RE102", "yaml-reference-in-braces"),
}

WARNINGS = {
    "a condition that is never true": ("RE252", "condition-contradicts-itself"),
    "a condition that is always true": ("RE252", "condition-differs-from-one-or-the-other"),
    "conditions that are never true together": ("RE252", "condition-contradicts-another"),
    "an exception that never applies": ("RE252", "unless-never-applies"),
    "!(a > b)": ("RE251", "condition-negated-comparison"),
    "a rule shadowed by an identical one": ("RE452", "rule-same-as-another"),
    "a condition that is not boolean": ("RE250", "condition-not-boolean"),
    "an ordering of what tests show as text": ("RE253", "condition-orders-text-of-the-tests"),
    "a disabled rule with tests": ("RE451", "rule-switched-off-with-tests"),
    "a rule without tests": ("RE450", "rule-without-tests"),
    "a payload that can pass the limit": ("RE453", "action-copies-an-item-into-a-message"),
    "a counter in a write-back": ("RE454", "loop-that-may-be-one"),
    "a timestamp in a write-back": ("RE454", "loop-by-a-variable"),
}


@pytest.mark.parametrize("promise", ERRORS)
def test_a_case_shows_the_error_for(promise: str) -> None:
    code, case = ERRORS[promise]
    assert f" error {code} " in (CASES / case / "expected.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("promise", WARNINGS)
def test_a_case_shows_the_warning_for(promise: str) -> None:
    code, case = WARNINGS[promise]
    assert f" warning {code} " in (CASES / case / "expected.txt").read_text(encoding="utf-8")
