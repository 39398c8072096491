"""Safe mends: what `validate --fix` writes, and that it does nothing else.

The law is tried on every case of a wrong rule file and of a wrong expression that the tests have.
"""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rules_engine.errors import Fix, Location
from rules_engine.loader import load_rules
from rules_engine.loader.mending import apply_fixes, mend, mend_all
from tests.test_expression_checks import blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.errors import Problem

CASES = sorted((Path(__file__).parent / "cases/validate").iterdir())
TODAY = date(2026, 1, 1)
RULE = "rules:\n  - id: {}\n    table: orders\n    when: {}\n    actions: [{{type: log}}]\n    tests: []\n"


def check(data: bytes) -> list[Problem]:
    return load_rules("a.yaml", TODAY, {"a.yaml": data})[1]


@pytest.fixture(autouse=True)
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").touch()
    monkeypatch.chdir(tmp_path)


HIDING = {"RE102", "RE103", "RE104", "RE105"}
"""Of problems that keep what stands behind them from being looked at."""


def said(problems: list[Problem]) -> Counter[tuple[int, str, str]]:
    return Counter((problem.location.line, problem.code, problem.message) for problem in problems)


def assert_law(data: bytes, check: Callable[[bytes], list[Problem]]) -> None:
    before = check(data)
    mended = mend(data, check)
    after = check(mended.data)
    assert after == mended.left
    lines, new_lines = data.splitlines(keepends=True), mended.data.splitlines(keepends=True)
    changed = {
        number for number, pair in enumerate(zip(lines, new_lines, strict=True), 1) if len({*pair}) > 1
    }
    left = said(after)
    if any(problem.code in HIDING for problem in mended.gone):
        errors_on_changed_lines = said(
            [problem for problem in after if problem.severity == "error" and problem.location.line in changed]
        )
        left = (left & said(before)) | errors_on_changed_lines
    assert left + (said(mended.gone) & said(before)) <= said(before)
    assert changed == {problem.location.line for problem in mended.gone}
    assert mend(mended.data, check) == (mended.data, [], after)
    assert bool(mended.gone) is (mended.data != data)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mend_takes_its_problem_away_and_brings_no_other(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shutil.copytree(case, tmp_path / "case"))
    paths = dict.fromkeys(problem.location.path for problem in load_rules(".", TODAY)[1])
    for path in filter(lambda path: Path(path).is_file(), paths):
        data = Path(path).read_bytes()
        assert_law(data, lambda data, path=path: load_rules(path, TODAY, {path: data})[1])  # type: ignore[misc]


@pytest.mark.parametrize("expression", [block.split("\n")[0] for block in blocks()])
@pytest.mark.parametrize("style", ["plain", "single", "double", "block"])
def test_an_expression_is_mended_however_it_is_quoted(expression: str, style: str) -> None:
    value = {
        "plain": expression,
        "single": "'" + expression.replace("'", "''") + "'",
        "double": '"' + expression.replace("\\", "\\\\").replace('"', '\\"') + '"',
        "block": f">-\n      {expression}",
    }[style]
    assert_law(RULE.format("a", value).encode(), check)


def test_mends_of_all_kinds_together_leave_all_else_as_it_was() -> None:
    before = (
        b"\xef\xbb\xbfversion: '1'   # kept\r\n"
        b"lists: {done: [A, B]}\r\n"
        b"rules:\r\n"
        b"  - id:   a\r\n"
        b"    tabel: orders\r\n"
        b"    event: [modify, 'remove']  # both\r\n"
        b"    enabled: yes\r\n"
        b"    when:\r\n"
        b"      - 'new.name = \"\xc3\xa4\" and nwe.total > 100 or contain(lists.done, old.a)' # it\r\n"
        b"      - >-\r\n"
        b"        new.a == SHIPPED &&\r\n"
        b"        new.b = 'x'\r\n"
        b"    actions: [{type: log, mesage: \"{{ new.total.N }} {{ new.a = 'x' }}\"}]\r\n"
    )
    after = (
        b"\xef\xbb\xbfversion: 1   # kept\r\n"
        b"lists: {done: [A, B]}\r\n"
        b"rules:\r\n"
        b"  - id:   a\r\n"
        b"    table: orders\r\n"
        b"    event: [MODIFY, REMOVE]  # both\r\n"
        b"    enabled: true\r\n"
        b"    when:\r\n"
        b"      - 'new.name == ''\xc3\xa4'' && new.total > `100` || contains(lists.done, old.a)' # it\r\n"
        b"      - >-\r\n"
        b"        new.a == 'SHIPPED' &&\r\n"
        b"        new.b == 'x'\r\n"
        b"    actions: [{type: log, message: \"{{ new.total }} {{ new.a == 'x' }}\"}]\r\n"
    )
    mended = mend(before, check)
    assert mended.data == after
    assert [problem.code for problem in mended.left] == ["RE450"]


@pytest.mark.parametrize(
    "condition",
    [
        "status == 'SHIPPED'",  # of new or of old
        "new.status == shipped",  # the text or a path
        "like(new.sku, 'A%')",  # a pattern of another kind
        '"!(new.total > `100`)"',  # a warning: it may be meant
        "new.total > vars.limit",
    ],
)
def test_what_has_two_meanings_is_left(condition: str) -> None:
    text = RULE.format("a", condition).encode()
    assert mend(text, check) == (text, [], check(text))


HEAD = "rules:\n  - id: a\n    table: orders\n"
TESTS = "    tests: [{name: n, record: {event: INSERT, keys: {a: 1}}, expect: {match: false}}]\n"
LOG = "    actions: [{type: log}]\n"


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("when: !new.x", 'when: "!(new.x)"'),
        ("when: !contains(new.tags, 'a')", "when: \"!contains(new.tags, 'a')\""),
        ('when: !contains(new.tags, "a")', "when: '!contains(new.tags, ''a'')'"),
        ("when: 'A' == new.status", "when: \"'A' == new.status\""),
        ("when: SHIPPED == new.status", "when: \"'SHIPPED' == new.status\""),
        ("when: `1` == new.total", 'when: "`1` == new.total"'),
        ("when:\tnew.total == `1`", "when: new.total == `1`"),
        ("when: new.total ==\t`1`", "when: new.total == `1`"),
        ("when:new.total == `1`", "when: new.total == `1`"),
        ("tags: [a]\n    when:\n      -new.gift\n      - expired", None),
        ("when: !new.x  # why", None),
        ("when: !Ref Name", None),
        ("when: &x new.total == `1`", None),
        ("when: [?x]", None),
        ("when: [?new.x == 'a']", "when: new.x == 'a'"),
        ("when: [?new.x == 'a: b']", None),
        ("when: [?is.a && !new.x]", None),
        ("when = new.x == 'a'", "when: new.x == 'a'"),
        ("when: new.x == 'a: b'", "when: \"new.x == 'a: b'\""),
        ("when: new.x == 'a: b' # why", None),
        ("when: new.x == 'a #b'", "when: \"new.x == 'a #b'\""),
        ("when: new.x == 'a #b", None),
        ("when:\n      - new.x == 'a: b'\n      - expired", None),
        ("description: Note: b", 'description: "Note: b"'),
        ("description: Note: b\n      and c", None),
        ("description: 'it's here'", 'description: "it\'s here"'),
        ("description: 'it's \"here\"'", None),
        ("description: [urgent] tell", 'description: "[urgent] tell"'),
        ("tags: [a], b]", None),
        ("owner: a: b: c", 'owner: "a: b: c"'),
        ("event: a: b", None),
    ],
)
def test_what_yaml_reads_as_something_else_is_mended_where_it_has_one_meaning(
    written: str, mended: str | None
) -> None:
    data = f"{HEAD}    {written}\n{LOG}{TESTS}".encode()
    after = mend(data, check)
    assert after.data.decode() == f"{HEAD}    {mended or written}\n{LOG}{TESTS}"
    assert bool(after.left) == (mended is None)
    assert_law(data, check)


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("{type: log, message: {{ new.x }}}", '{type: log, message: "{{ new.x }}"}'),
        ('{type: log, message: {{ new."x" }}}', "{type: log, message: '{{ new.\"x\" }}'}"),
        ("type: log\n        message: {{ new.x }}", 'type: log\n        message: "{{ new.x }}"'),
        ("type: log\n        message: {{ new.x }} sent", 'type: log\n        message: "{{ new.x }} sent"'),
        ("{type:log}", "{type: log}"),
        ("{type: log, fields: {1: a, true: b}}", '{type: log, fields: {"1": a, "true": b}}'),
        ("type = log", "type: log"),
        ("type:log", "type: log"),
        ("type: log\n        message: {keys.x}", 'type: log\n        message: "{{ keys.x }}"'),
        ("{type: log, message: {new.x}}", '{type: log, message: "{{ new.x }}"}'),
        ("{type: log, message: ${X}}", '{type: log, message: "${X}"}'),
        ("{type: log, message: a/${X}/b}", '{type: log, message: "a/${X}/b"}'),
        ("{type: log, message: a ${X}}", None),
        ("{type: log, message: {NAME}}", None),
        ("type: log\n        message: Order {keys.x!r}", "type: log\n        message: Order {{ keys.x }}"),
        ("{type: log, message: {{ new.x }} sent}", None),
        ("{type: log, message: {https://a}}", None),
    ],
)
def test_an_action_that_yaml_reads_as_something_else_is_mended(written: str, mended: str | None) -> None:
    tests = TESTS.replace("false", "true")
    data = f"{HEAD}    actions:\n      - {written}\n{tests}".encode()
    after = mend(data, check)
    assert after.data.decode() == f"{HEAD}    actions:\n      - {mended or written}\n{tests}"
    assert (mended is None) == any(problem.severity == "error" for problem in after.left)


def test_what_a_mend_brings_to_light_on_other_lines_is_left_there() -> None:
    text = (
        "rules:\n  - id = a\n    table: orders\n    description: Note: it\n"
        "    when:\n      - new.x = 'a'\n      - status\n"
        "    actions: [{type: nolog}]\n"
    )
    mended = mend(text.encode(), check)
    assert mended.data.decode() == text.replace("id = a", "id: a").replace("Note: it", '"Note: it"').replace(
        "new.x =", "new.x =="
    )
    assert [(problem.code, problem.location.line) for problem in mended.left] == [
        ("RE450", 2),
        ("RE206", 7),
        ("RE301", 8),
    ]


def test_of_two_keys_that_a_name_is_near_to_none_is_taken() -> None:
    text = b"vars: {big_a: 1, big_b: 2}\nrules:\n  - id: a\n    table: orders\n    when: new.t > vars.big_c\n"
    assert mend(text, check).gone == []


def test_a_mend_that_harms_another_file_is_left(tmp_path: Path) -> None:
    texts = {
        "a.yaml": RULE.format("order-shipped", "new.a == 'x'").encode(),
        "b.yaml": RULE.format("OrderShipped", "new.a = 'x'").encode(),
    }
    for path, data in texts.items():
        (tmp_path / path).write_bytes(data)

    def check_set(changed: object) -> list[Problem]:
        return load_rules(".", TODAY, {**texts, **changed})[1]  # type: ignore[dict-item]

    assert mend_all(texts, lambda path, data: load_rules(path, TODAY, {path: data})[1], check_set) == {}


def test_fixes_are_written_from_the_last_to_the_first() -> None:
    fixes = [
        Fix(Location("a", 2, 1, 1), "xyz"),
        Fix(Location("a", 2, 3, 2), ""),
        Fix(Location("a", 1, 1, 2), "B"),
    ]
    assert apply_fixes(b"ab\r1 23\n", fixes) == b"B\rxyz \n"
