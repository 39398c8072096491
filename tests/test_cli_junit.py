"""JUnit XML: whole documents, and that any text comes back from a strict parser."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.cli.junit import Case, NotPassed, Suite, render_suites


def test_a_document_holds_passed_failed_broken_and_skipped_cases() -> None:
    cases = [
        Case("passes", "orders", seconds=0.0126),
        Case("passes and talks", "orders", output="a < b\n"),
        Case("fails", "orders", seconds=1.5, not_passed=NotPassed("failure", "it <did>", "a\nb", "RE204")),
        Case("breaks", "orders", not_passed=NotPassed("error", "cannot be read")),
        Case("is left out", "orders", not_passed=NotPassed("skipped", "the rule is off")),
    ]
    assert render_suites("rules-engine test", [Suite("orders", cases, "rules/orders.yaml")]) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites name="rules-engine test" tests="5" failures="1" errors="1" time="1.513">\n'
        '  <testsuite name="orders" file="rules/orders.yaml" tests="5" failures="1" errors="1" '
        'time="1.513" skipped="1">\n'
        '    <testcase name="passes" classname="orders" time="0.013"/>\n'
        '    <testcase name="passes and talks" classname="orders">\n'
        "      <system-out>a &lt; b\n</system-out>\n"
        "    </testcase>\n"
        '    <testcase name="fails" classname="orders" time="1.500">\n'
        '      <failure message="it &lt;did&gt;" type="RE204">a\nb</failure>\n'
        "    </testcase>\n"
        '    <testcase name="breaks" classname="orders">\n'
        '      <error message="cannot be read" type="error"></error>\n'
        "    </testcase>\n"
        '    <testcase name="is left out" classname="orders">\n'
        '      <skipped message="the rule is off"/>\n'
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


def test_no_suites_are_a_document_with_no_tests() -> None:
    assert render_suites("rules-engine test", []) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites name="rules-engine test" tests="0" failures="0" errors="0">\n'
        "</testsuites>\n"
    )


TEXTS = st.text(
    st.one_of(st.characters(codec=None), st.sampled_from("\x00\x1b\ud800\ufffe\uffff\t\r\n<>&\"']"))
)


KNOWN = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "file"},
        {"testcase"},
    ),
    "testcase": ({"name", "classname", "time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
    "system-out": (set(), set()),
}
"""Of what the schema of Jenkins' xUnit plugin knows: the attributes and children of each element we write."""

TIMES = st.none() | st.floats(0, 1e6)
CASES = st.builds(
    Case,
    name=TEXTS,
    class_name=TEXTS,
    seconds=TIMES,
    not_passed=st.none()
    | st.builds(
        NotPassed,
        verdict=st.sampled_from(["failure", "error", "skipped"]),
        message=TEXTS,
        text=TEXTS,
        kind=TEXTS,
    ),
    output=TEXTS,
)
SUITES = st.builds(Suite, name=TEXTS, cases=st.lists(CASES, max_size=4), file=st.none() | TEXTS)


@given(st.lists(SUITES, max_size=3))
def test_a_document_keeps_to_the_schema_and_counts_right(suites: list[Suite]) -> None:
    document = ElementTree.fromstring(render_suites("all", suites).encode())
    for element in document.iter():
        attributes, children = KNOWN[element.tag]
        assert set(element.attrib) <= attributes
        assert {child.tag for child in element} <= children
        assert re.fullmatch(r"\d+\.\d{3}", element.get("time", "0.000"))
    for element in [document, *document]:
        counted = [element.get(name) for name in ("tests", "failures", "errors")]
        found = [len(list(element.iter(tag))) for tag in ("testcase", "failure", "error")]
        assert counted == [str(number) for number in found]
    for element in document:
        assert element.get("skipped") == str(len(list(element.iter("skipped"))))


@given(TEXTS, TEXTS)
def test_any_text_comes_back_with_what_xml_cannot_hold_replaced(message: str, output: str) -> None:
    case = Case(message, message, not_passed=NotPassed("failure", message, output), output=output)
    document = ElementTree.fromstring(render_suites(message, [Suite(message, [case])]).encode())
    illegal = "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
    message, output = (re.sub(illegal, "\ufffd", text) for text in (message, output))
    (read,) = document.iter("testcase")
    assert read.attrib == {"name": message, "classname": message}
    assert [(child.tag, child.get("message"), child.text or "") for child in read] == [
        ("failure", message, output),
        *([("system-out", None, output)] if output else []),
    ]
