"""Templates: what holes and references become, what is refused, and laws for any text."""

from __future__ import annotations

import contextlib
import re
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import exact_json
from rules_engine.attribute_value import AttributeSet, Binary, Image
from rules_engine.errors import Finding, RulesEngineError, RuleSetError, SettingsError, TemplateError
from rules_engine.model import EMPTY_SCOPE, Scope
from rules_engine.secret_text import hidden, revealed
from rules_engine.template import (
    Hole,
    Reference,
    compile_template,
    holes,
    references,
)
from rules_engine.template_checks import check_template

SCOPE = Scope(vars={"shop": "Main"}, lists={"sizes": ["S", "L"]}, conditions={"vip": "new.tier == 'gold'"})
ENVIRONMENT = {
    "TOPIC": "arn:aws:sns:eu-west-1:123456789012:orders",
    "EMPTY": "",
    "TRAP": "{{ new.name }} ${TOPIC}",
    "secret:orders-webhook": "whsec_1",
    "secret:orders#key": "k",
    "ssm:/orders/url": "https://example.com",
}
ITEM = {
    "name": {"S": "Ann"},
    "total": {"N": "12.50"},
    "big": {"N": "12345678901234567890123456789012345678"},
    "tags": {"SS": ["b", "a"]},
    "photo": {"B": "AAEC"},
    "address": {"M": {"city": {"S": "Graz"}, "lines": {"L": [{"N": "1"}, {"NULL": True}]}}},
    "tier": {"S": "gold"},
    "trap": {"S": "{{ new.total }} ${TOPIC}"},
    "broken": {"N": "twelve"},
    "half": {"S": "\ud800"},
}
DOCUMENT = {
    "eventName": "INSERT",
    "table": "orders",
    "keys": Image({"id": {"S": "o 1/2"}}),
    "new": Image(ITEM),
    "old": None,
}


def render(value: Any, **options: Any) -> Any:
    return compile_template(value, SCOPE, ENVIRONMENT, **options).render(DOCUMENT)


# One hole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ new.name }}", "Ann"),
        ("{{new.name}}", "Ann"),
        ("{{ new.total }}", Decimal("12.50")),
        ("{{ new.big }}", 12345678901234567890123456789012345678),
        ("{{ old }}", None),
        ("{{ new.missing }}", None),
        ("{{ is.vip }}", True),
        ("{{ vars.shop }}", "Main"),
        ("{{ lists.sizes }}", ["S", "L"]),
        ("{{ {a: {b: new.name}} }}", {"a": {"b": "Ann"}}),
        ("{{ {a: {b: new.name}}}}", {"a": {"b": "Ann"}}),
        ("{{ '}}' }}", "}}"),
        ("{{ '{{' }}", "{{"),
        ("{{ '${' }}", "${"),
        ('{{ `{"a": {}}` }}', {"a": {}}),
        ("{{ 'it\\'s }}' }}", "it's }}"),
    ],
)
def test_a_string_that_is_one_hole_becomes_the_value(text: str, expected: Any) -> None:
    rendered = render(text)
    assert rendered == expected
    assert type(rendered) is type(expected)


@pytest.mark.parametrize(
    ("name", "expected_type"), [("tags", AttributeSet), ("photo", Binary), ("address", Image)]
)
def test_one_hole_keeps_what_plain_json_cannot_tell_apart(name: str, expected_type: type) -> None:
    assert type(render(f"{{{{ new.{name} }}}}")) is expected_type


def test_one_hole_copies_an_item_without_loss() -> None:
    item = {name: value for name, value in ITEM.items() if name not in ("broken", "half")}
    copied = compile_template("{{ new }}", EMPTY_SCOPE, {}).render({"new": Image(item)})
    assert copied.raw == item


# Longer strings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order {{ keys.id }}!", "order o 1/2!"),
        (" {{ new.total }}", " 12.50"),
        ("{{ new.big }}.", "12345678901234567890123456789012345678."),
        ("{{ new.name }}{{ new.total }}", "Ann12.50"),
        ("{{ new.missing }}?", "null?"),
        ("{{ is.vip }}?", "true?"),
        ("{{ new.address }}.", '{"city":"Graz","lines":[1,null]}.'),
        ("{{ new.tags }}.", '["a","b"].'),
        ("{{ new.photo }}.", "AAEC."),
        ("{{ 'é' }}!", "é!"),
        ("{{ ['é'] }}!", '["é"]!'),
        ("a }} b { c } $ d $$ {{ '{{' }}", "a }} b { c } $ d $$ {{"),
    ],
)
def test_in_a_longer_string_a_hole_becomes_text(text: str, expected: str) -> None:
    assert render(text) == expected


def test_a_value_is_never_read_as_a_template_again() -> None:
    assert render("{{ new.trap }}") == "{{ new.total }} ${TOPIC}"
    assert render("<{{ new.trap }}>") == "<{{ new.total }} ${TOPIC}>"
    assert render("${TRAP}") == "{{ new.name }} ${TOPIC}"
    assert render("${TRAP}{{ new.name }}") == "{{ new.name }} ${TOPIC}Ann"


# References


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${TOPIC}", ENVIRONMENT["TOPIC"]),
        ("<${EMPTY}>", "<>"),
        ("${EMPTY:-default}", ""),
        ("${MISSING:-default}", "default"),
        ("${MISSING:-}", ""),
        ("${MISSING:-a:-b c}", "a:-b c"),
        ("${secret:orders-webhook}", "whsec_1"),
        ("${secret:orders#key}", "k"),
        ("${ssm:/orders/url}/{{ new.name }}", "https://example.com/Ann"),
    ],
)
def test_a_reference_becomes_what_the_environment_has(text: str, expected: str) -> None:
    assert render(text, takes_secrets=True) == expected


@pytest.mark.parametrize("text", ["${secret:orders-webhook}", "key ${ssm:/orders/url}/{{ new.name }}"])
def test_a_secret_is_refused_where_the_caller_takes_none(text: str) -> None:
    with pytest.raises(RuleSetError, match="must not stand where it would be sent as data"):
        render({"message": [text]})


def test_a_text_with_a_secret_in_it_shows_the_mask() -> None:
    environment = {"secret:api": hidden("canary"), "BASE": "https://h"}
    template = compile_template(
        ["${BASE}/${secret:api}/{{ new.name }}", "{{ new.name }}"], SCOPE, environment, takes_secrets=True
    )
    secret, plain = template.render(DOCUMENT)
    assert (secret, revealed(secret)) == ("https://h/***/Ann", "https://h/canary/Ann")
    assert (plain, type(plain)) == ("Ann", str)


@pytest.mark.parametrize("text", ["${MISSING}", "${secret:missing}", "${ssm:/missing}"])
def test_a_reference_that_the_environment_lacks_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match=f"'{text[2:-1]}' is not set"):
        render({"message": [text]}, takes_secrets=True)


def test_references_are_listed_with_kind_name_and_default() -> None:
    value = {"a": "${A} ${B:-b}", "c": ["${secret:s#k}", {"d": "${ssm:/p/q} {{ '${NO}' }}"}], "e": 1}
    assert references(value) == (
        Reference("env", "A", None, "A"),
        Reference("env", "B", "b", "B:-b"),
        Reference("secret", "s#k", None, "secret:s#k"),
        Reference("ssm", "/p/q", None, "ssm:/p/q"),
    )
    assert [reference.key for reference in references(value)] == ["A", "B", "secret:s#k", "ssm:/p/q"]


def test_holes_are_listed_with_their_place() -> None:
    assert holes({"a": "x{{ new.a }}", "b": ["{{old}}", "${A}"]}) == (
        Hole("new.a", 4, 1, 12),
        Hole("old", 2, 0, 7),
    )


# Values


def test_maps_and_lists_are_rendered_inside_and_keys_are_not() -> None:
    value = {
        "{{ k }}": ["{{ new.name }}", 1, Decimal("0.1"), None, True, {"x": "${EMPTY:-y}"}],
        "t": ("a", "b"),
    }
    assert render(value) == {
        "{{ k }}": ["Ann", 1, Decimal("0.1"), None, True, {"x": ""}],
        "t": ["a", "b"],
    }


def test_with_an_encoding_holes_are_encoded_and_nothing_else_is() -> None:
    assert render(
        "https://x/a b/{{ keys.id }}?n={{ new.total }}&o={{ old }}", encode=lambda text: quote(text, safe="")
    ) == ("https://x/a b/o%201%2F2?n=12.50&o=null")
    assert render("{{ keys.id }}", encode=str.upper) == "O 1/2"
    assert render("{{ new.total }}", encode=str) == "12.50"


# Refusals


@pytest.mark.parametrize(
    "text", ["{{ new.half }}", "<{{ new.half }}>", "{{ [new.half] }}", "{{ {a: new.half} }}"]
)
def test_text_that_is_no_unicode_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match="not valid Unicode"):
        render(text)


@pytest.mark.parametrize(
    "text",
    ["{{ lower(new.total) }}", "{{ lower(new.total) }}!", "{{ new.broken }}", "{{ new }}", "x{{ new }}"],
)
def test_data_that_a_hole_cannot_be_filled_with_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        render({"a": [text]})


def test_an_error_names_the_hole_and_no_value() -> None:
    with pytest.raises(TemplateError) as caught:
        render("{{ starts_with(new.name, new.total) }}")
    assert "{{ starts_with(new.name, new.total) }}" in str(caught.value)
    assert "12.5" not in str(caught.value)
    assert "Ann" not in str(caught.value)


# Findings


def found(text: str, absent: dict[str, str] | None = None) -> list[tuple[str, str, str, str | None]]:
    """Code, marked text, message and hint of each finding."""
    return [
        (finding.code, text[finding.start : finding.start + finding.length], finding.message, finding.hint)
        for finding in check_template(text, SCOPE, absent or {})
    ]


_FORMS = "write ${NAME}, ${NAME:-default}, ${secret:name}, ${secret:name#key} or ${ssm:/path}"


@pytest.mark.parametrize(
    ("text", "code", "marked", "message", "hint"),
    [
        (
            "order {{ keys.id",
            "RE302",
            "{{",
            "the hole that begins with '{{' is never closed",
            "close it with }}; to write {{ itself, write {{ '{{' }}",
        ),
        (
            "order {{ keys.id }",
            "RE302",
            "{{",
            "the hole that begins with '{{' is never closed",
            "close it with }}; to write {{ itself, write {{ '{{' }}",
        ),
        (
            "a {{ }} b",
            "RE302",
            "{{ }}",
            "the hole is empty",
            "write an expression between the braces: {{ new.status }}",
        ),
        (
            "{{}}",
            "RE302",
            "{{}}",
            "the hole is empty",
            "write an expression between the braces: {{ new.status }}",
        ),
        (
            "${TOPIC",
            "RE305",
            "${",
            "the reference that begins with '${' is never closed",
            "close it with }; to write ${ itself, write {{ '${' }}",
        ),
        ("a ${} b", "RE305", "${}", "'${}' is no reference", _FORMS),
        ("${a b}", "RE305", "${a b}", "'${a b}' is no reference", _FORMS),
        ("${ TOPIC }", "RE305", "${ TOPIC }", "'${ TOPIC }' is no reference", "write: ${TOPIC}"),
        ("${TOPIC:x}", "RE305", "${TOPIC:x}", "'${TOPIC:x}' is no reference", "write: ${TOPIC:-x}"),
        ("${TOPIC-x}", "RE305", "${TOPIC-x}", "'${TOPIC-x}' is no reference", "write: ${TOPIC:-x}"),
        ("${Secret:x}", "RE305", "${Secret:x}", "'${Secret:x}' is no reference", "write: ${secret:x}"),
        (
            "${ssm:orders/url}",
            "RE305",
            "${ssm:orders/url}",
            "'${ssm:orders/url}' is no reference",
            "write: ${ssm:/orders/url}",
        ),
        (
            "${new.name}",
            "RE305",
            "${new.name}",
            "'${new.name}' is no reference",
            "${} is for variables of the function; write: {{ new.name }}",
        ),
        (
            "id: ${{ new.name }}.",
            "RE305",
            "${{ new.name }}",
            "'${' is followed by a hole",
            "a hole has no $ before it; write: {{ new.name }}",
        ),
        ("a {{ status }} b", "RE206", "status", "unknown name 'status'", "did you mean 'new.status'?"),
        ("{{new.name = 'x'}}", "RE202", "=", "'=' is not an operator here", "write: =="),
        (
            "Hi {{ new.name || 'you }}!",
            "RE201",
            "'you",
            "the text that begins with ' is never closed",
            "write: 'you'",
        ),
        (
            "{{ new.name | upper }}",
            "RE207",
            "upper",
            "'upper' is a field name here",
            "a function is called, with what was passed on as @; write: upper(@)",
        ),
        ("{{ vars.shpo }}", "RE208", "vars.shpo", "'vars.shpo' is not defined", "did you mean 'vars.shop'?"),
        (
            "{{ new.total.N }}",
            "RE209",
            "new.total.N",
            "'.N' is a type tag of DynamoDB JSON, and images are decoded without them",
            "write: new.total",
        ),
    ],
)
def test_a_mistake_is_found_at_its_place(text: str, code: str, marked: str, message: str, hint: str) -> None:
    assert found(text) == [(code, marked, message, hint)]


def test_all_mistakes_of_a_string_are_found_in_order() -> None:
    assert [finding[:2] for finding in found("{{ a }}${b c}{{ new.x == 1 }}{{ status")] == [
        ("RE206", "a"),
        ("RE305", "${b c}"),
        ("RE203", "1"),
        ("RE302", "{{"),
    ]


def test_an_image_that_is_never_there_is_found() -> None:
    assert found("was {{ old.status }}", {"old": "the event is INSERT"}) == [
        ("RE402", "old", "'old' is never there: the event is INSERT", None)
    ]


# Laws

PIECES = (
    *(
        "{{",
        "}}",
        "{",
        "}",
        "${",
        "$",
        " ",
        "'",
        '"',
        "`",
        "\\",
        "new.name",
        "new",
        "a",
        "TOPIC",
        ":-",
        "secret:",
    ),
    *("ssm:/", "#", "'{{'", "`1`", "(", ")", "lower(", "é", "\n", "\ud800", "=", "."),
)
texts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=20))
plain_texts = texts.filter(lambda text: "{{" not in text and "${" not in text and "\ud800" not in text)
json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(), st.decimals(allow_nan=False, allow_infinity=False)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=6,
)

REPORTED_ONLY = {"RE206", "RE207", "RE209", "RE210", "RE211", "RE215"}
"""What means something in JMESPath, but nothing that an author can want: it compiles, and is always null."""


@given(plain_texts)
def test_text_without_holes_and_references_renders_to_itself(text: str) -> None:
    assert render(text) == text


@given(texts)
def test_any_text_gives_a_template_or_an_error_of_ours(text: str) -> None:
    try:
        template = compile_template(text, SCOPE, {})
    except (RuleSetError, SettingsError):
        return
    with contextlib.suppress(TemplateError):
        template.render(DOCUMENT)


SENT_AS_IT_STANDS = re.compile("is sent as it stands|there are no statements")
"""Of texts that are templates, but not those that were meant."""


@given(texts)
def test_what_does_not_compile_has_a_finding_and_the_other_way_round(text: str) -> None:
    findings: list[Finding] = check_template(text, SCOPE)
    environment = {reference.key: "" for reference in references(text)}
    try:
        compile_template(text, SCOPE, environment)
    except RulesEngineError:
        assert findings
    else:
        errors = [finding for finding in findings if finding.severity == "error"]
        codes = {finding.code for finding in errors if not SENT_AS_IT_STANDS.search(finding.message)}
        assert codes <= {*REPORTED_ONLY, "RE201", "RE202"}


@given(texts)
def test_findings_lie_within_the_text(text: str) -> None:
    for finding in check_template(text, SCOPE):
        assert finding.length >= 1
        assert 0 <= finding.start <= finding.start + finding.length <= len(text)


@given(json_values)
def test_no_value_breaks_out_of_its_place(value: Any) -> None:
    text = value if isinstance(value, str) else exact_json.dumps(value)
    template = compile_template({"a": "<{{ new }}>", "b": "{{ new }}", "c": "{{ old }}"}, EMPTY_SCOPE, {})
    assert template.render({"new": value, "old": "kept"}) == {"a": f"<{text}>", "b": value, "c": "kept"}


@given(st.text().filter(lambda text: "'" not in text and not text.endswith("\\")))
def test_any_text_can_be_written_as_a_constant_in_a_hole(text: str) -> None:
    assert render(f"{{{{ '{text}' }}}}") == text


def test_a_text_has_at_most_a_hundred_holes() -> None:
    assert check_template("{{ new.a }} " * 100) == []
    assert check_template("{{ new.a }} " * 60_000) == [
        Finding(
            "RE302",
            "this text has more than 100 holes",
            1200,
            11,
            "send a map of them, or an image as a whole: {{ new }}",
        )
    ]
