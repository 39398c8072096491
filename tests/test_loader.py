"""Files to a rule set: what becomes of each part of a rule, and of files that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.errors import Location, Problem
from rules_engine.loader import FileRead, find_files, load_rules
from rules_engine.loader.files import LEADS_OUT
from rules_engine.model import ActionSpec, Rule, RuleSet, Scope, Unless

TODAY = date(2026, 1, 1)

PLAIN = "rules:\n  - id: {id}\n    table: orders\n    actions: [{{type: log, message: {id}}}]\n"
TEST = "    tests: [{name: n, record: {event: INSERT, keys: {a: 1}}, expect: {match: true}}]\n"


def plain_rule(rule_id: str) -> str:
    return PLAIN.format(id=rule_id) + TEST


def load(directory: Path, **files: str) -> tuple[RuleSet, list[Problem]]:
    for name, text in files.items():
        path = directory / name.replace("__", "/").replace("_test", ".test")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(path.name + ".yaml").write_text(text)
    return load_rules(directory, today=TODAY)


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


FULL = """version: 1
defaults: {table: orders, view: NEW_AND_OLD_IMAGES, owner: fulfilment}
vars: {big_order: 1000, factor: 1.50}
lists: {test_customers: [c-1, c-2]}
conditions: {vip: new.customer.tier == 'gold'}
rules:
  - id: order-shipped
    description: Tell the customer.
    severity: info
    tags: [notifications]
    runbook: https://wiki.example.com/order-shipped
    event: MODIFY
    when:
      - became(&status, 'SHIPPED')
      - is.vip || new.total >= vars.big_order
    unless:
      - name: test accounts
        when: contains(lists.test_customers, new.customer_id)
        reason: load tests
        expires: 2027-06-30
    actions:
      - type: sns
        topic_arn: ${ORDER_EVENTS_TOPIC_ARN}
        message: {order: "{{ keys.order_id }}", weight: 1.50}
      - type: webhook
        id: partner
        url: https://hooks.example.com/orders
        timeout_seconds: 2.5
    tests:
      - name: packed to shipped fires
        record: {event: MODIFY, keys: {order_id: o-1}, new: {total: 12.50}}
        expect: {match: true}
"""


def test_a_rule_is_read_with_everything_its_file_gives_it(tmp_path: Path) -> None:
    rule_set, problems = load(tmp_path, orders=FULL)
    scope = Scope(
        vars={"big_order": 1000, "factor": Decimal("1.50")},
        lists={"test_customers": ["c-1", "c-2"]},
        conditions={"vip": "new.customer.tier == 'gold'"},
    )
    rule = Rule(
        id="order-shipped",
        tables=("orders",),
        actions=(
            ActionSpec(
                id="sns",
                type="sns",
                config={
                    "topic_arn": "${ORDER_EVENTS_TOPIC_ARN}",
                    "message": {"order": "{{ keys.order_id }}", "weight": Decimal("1.50")},
                },
            ),
            ActionSpec(
                id="partner",
                type="webhook",
                config={"url": "https://hooks.example.com/orders"},
                timeout_seconds=2.5,
            ),
        ),
        events=("MODIFY",),
        when=("became(&status, 'SHIPPED')", "is.vip || new.total >= vars.big_order"),
        when_is_list=True,
        unless=(
            Unless(
                name="test accounts",
                when=("contains(lists.test_customers, new.customer_id)",),
                reason="load tests",
                expires="2027-06-30",
            ),
        ),
        description="Tell the customer.",
        severity="info",
        tags=("notifications",),
        runbook="https://wiki.example.com/order-shipped",
        owner="fulfilment",
        view="NEW_AND_OLD_IMAGES",
        tests=(
            {
                "name": "packed to shipped fires",
                "record": {
                    "event": "MODIFY",
                    "keys": {"order_id": "o-1"},
                    "new": {"total": Decimal("12.50")},
                },
                "expect": {"match": True},
            },
        ),
        scope=scope,
    )
    assert problems == []
    assert rule_set == RuleSet((rule,))
    assert rule_set.rules[0].location == Location(str(tmp_path / "orders.yaml"), 7, 9, 13)


def test_a_beginners_rule_needs_three_keys(tmp_path: Path) -> None:
    rule_set, problems = load(tmp_path, orders=PLAIN.format(id="a"))
    action = ActionSpec("log", "log", {"message": "a"})
    assert rule_set == RuleSet((Rule(id="a", tables=("orders",), actions=(action,)),))
    assert codes(problems) == ["RE450"]


def test_a_rule_overrides_the_defaults_of_its_file(tmp_path: Path) -> None:
    defaults = "defaults: {table: orders, owner: a, view: NEW_IMAGE}\n"
    rule = "rules:\n  - id: r\n    table: [returns, claims]\n    owner: b\n    view: KEYS_ONLY\n"
    rule_set, problems = load(tmp_path, orders=defaults + rule + "    actions: [{type: log}]\n" + TEST)
    assert problems == []
    (found,) = rule_set.rules
    assert (found.tables, found.owner, found.view) == (("returns", "claims"), "b", "KEYS_ONLY")


def test_one_condition_and_a_list_of_one_are_told_apart(tmp_path: Path) -> None:
    one = plain_rule("one") + "    when: expired\n"
    several = plain_rule("list") + "    when: [expired]\n"
    rule_set, problems = load(tmp_path, one=one, several=several)
    assert problems == []
    assert {rule.id: (rule.when, rule.when_is_list) for rule in rule_set.rules} == {
        "one": (("expired",), False),
        "list": (("expired",), True),
    }


def test_rules_come_in_the_order_of_paths_and_files(tmp_path: Path) -> None:
    load(tmp_path, b=plain_rule("b"), a__z=plain_rule("az"), a__y=plain_rule("ay"), c=plain_rule("c"))
    (tmp_path / "d.yml").write_text(plain_rule("d"))
    ids = [rule.id for rule in load_rules([tmp_path / "c.yaml", tmp_path], today=TODAY)[0].rules]
    assert ids == ["c", "b", "d", "ay", "az"]


@pytest.mark.parametrize("kind", [str, Path, lambda path: [str(path)], lambda path: (path,)])
def test_paths_may_be_one_or_several_texts_or_paths(kind: object, tmp_path: Path) -> None:
    load(tmp_path, a=plain_rule("a"))
    rule_set, problems = load_rules(kind(tmp_path), today=TODAY)  # type: ignore[operator]
    assert ([rule.id for rule in rule_set.rules], problems) == (["a"], [])


def test_names_with_a_dot_in_front_are_passed_over(tmp_path: Path) -> None:
    for name in (".github/ci.yaml", ".hidden.yaml", "notes.txt", "seen.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("on: push\n")
    assert find_files(tmp_path) == [str(tmp_path / "seen.yaml")]


def test_a_file_has_at_most_a_thousand_named_conditions(tmp_path: Path) -> None:
    one = "conditions:\n  c0: wrong0\n"
    many = "conditions:\n" + "".join(f"  c{i}: wrong{i}\n" for i in range(1001))
    assert codes(load(tmp_path, a=one + plain_rule("a"))[1]) == ["RE206"]
    rule_set, problems = load(tmp_path, a=many + plain_rule("a") + "    when: is.c1\n")
    assert (codes(problems), rule_set.rules) == (["RE110"], ())


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("basic authentication is not used here", False),
        ("Basic understanding", False),
        ("the bearer instrument", False),
        ("Basic YWJjZGVmZ2hpamts", False),  # abcdefghijkl
        ("Basic b3JkZXJzOnNlc2FtZQ==", True),  # orders:sesame
        ("Bearer abcdefgh1", True),
        ("Authorization: Bearer abcdefgh", True),
    ],
)
def test_what_follows_basic_or_bearer_may_be_prose(line: str, secret: bool, tmp_path: Path) -> None:
    _, problems = load(tmp_path, a=f"# {line}\n" + plain_rule("a"))
    assert codes(problems) == ["RE306"] * secret


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'\xef\xbb\xbf{"event": "INSERT", "keys": {"a": 1}}', None),
        (b"", "it is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"\xff", "it is not UTF-8"),
        (b"1", "it is neither an object nor an array"),
        (b'{"Records": 1}', "the event is neither a list nor has a list of 'Records'"),
        (b'[{"eventID": "1"}]', "a record has no sequence number of digits"),
        (b" " * (6 * 1024 * 1024 + 1), "it is larger than 6 MiB, the most that Lambda takes"),
    ],
)
def test_a_record_file_holds_a_record(content: bytes, reason: str | None, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(content)
    test = "    tests: [{name: n, record_file: r.json, expect: {match: true}}]\n"
    _, problems = load(tmp_path, a=PLAIN.format(id="a") + test)
    expected = [] if reason is None else [("RE109", f"'{tmp_path / 'r.json'}' holds no record: {reason}")]
    assert [(problem.code, problem.message) for problem in problems] == expected


def test_a_rule_has_at_most_a_hundred_clauses(tmp_path: Path) -> None:
    rules = [plain_rule(f"r{n}") + f"    when: [{', '.join(['expired'] * n)}]\n" for n in (100, 101)]
    rule_set, problems = load(tmp_path, a=rules[0], b=rules[1])
    assert [len(rule.when) for rule in rule_set.rules] == [100]
    assert [problem.message for problem in problems] == ["'when' must have at most 100 entries, but has 101"]


def test_a_file_that_is_named_itself_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "rules.txt").write_text(plain_rule("a"))
    rule_set, problems = load_rules(tmp_path / "rules.txt", today=TODAY)
    assert ([rule.id for rule in rule_set.rules], problems) == (["a"], [])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "cannot read 'missing': there is no such file or directory"),
        ("a\0b", "cannot read 'a\0b': embedded null byte"),
        ("x" * 300, f"cannot read '{'x' * 300}': file name too long"),
        ("empty", "there is no rule file (*.yaml, *.yml) in 'empty'"),
        ("", "cannot read '': the path is empty"),
        ("/dev/null", "cannot read '/dev/null': it is not a regular file"),
    ],
)
def test_a_path_without_a_rule_file_is_a_problem(
    path: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    load(tmp_path, a=plain_rule("a"))
    rule_set, problems = load_rules([path, "a.yaml"], today=TODAY)
    assert [(problem.code, problem.message) for problem in problems] == [("RE101", message)]
    assert [rule.id for rule in rule_set.rules] == ["a"]


def test_a_directory_that_is_called_like_a_file_is_looked_into(tmp_path: Path) -> None:
    rule_set, problems = load(tmp_path, **{"rules.yaml__a": plain_rule("a")})
    assert ([rule.id for rule in rule_set.rules], problems) == (["a"], [])


def test_letters_of_an_ending_may_be_large(tmp_path: Path) -> None:
    (tmp_path / "a.YAML").write_text(plain_rule("a"))
    (tmp_path / "b.Yml").write_text(plain_rule("b"))
    record = "record: {event: INSERT, keys: {a: 1}}"
    (tmp_path / "a.TEST.yaml").write_text(
        f"tests: [{{name: n, rule: c, {record}, expect: {{match: true}}}}]\n"
    )
    rule_set, problems = load_rules(tmp_path, today=TODAY)
    assert [rule.id for rule in rule_set.rules] == ["a", "b"]
    assert codes(problems) == ["RE404"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    load(tmp_path, a=plain_rule("a"))
    for path in (tmp_path, tmp_path / "pipe.yaml"):
        (problem,) = load_rules(path, today=TODAY)[1]
        assert (problem.code, problem.message) == (
            "RE101",
            f"cannot read '{tmp_path / 'pipe.yaml'}': it is not a regular file",
        )


def test_a_directory_that_cannot_be_listed_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, a=plain_rule("a"))
    (tmp_path / "a.test.yaml").write_text(
        "tests: [{name: n, rule: deep, record: {event: INSERT, keys: {a: 1}}, expect: {match: true}}]\n"
    )
    monkeypatch.chdir(tmp_path)
    for _ in range(20):  # a path of more than 4,096 bytes can be made step by step, but not be named
        Path("d" * 250).mkdir()
        monkeypatch.chdir("d" * 250)
    monkeypatch.chdir(tmp_path)
    rule_set, (problem,) = load_rules(".", today=TODAY)
    assert [rule.id for rule in rule_set.rules] == ["a"]
    assert problem.code == "RE101"
    assert problem.message.endswith("dddd': file name too long")


def test_links_to_directories_are_followed_but_not_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rules = tmp_path / "rules"
    load(tmp_path, rules__a=plain_rule("a"), elsewhere__b=plain_rule("b"), outside=plain_rule("c"))
    (rules / "linked").symlink_to("../elsewhere")
    (rules / "again").symlink_to("../elsewhere")
    (rules / "up").symlink_to("..")
    (rules / "self").symlink_to(".")
    (tmp_path / "elsewhere/back").symlink_to("../rules")
    assert find_files(rules) == [str(rules / "a.yaml"), str(rules / "again/b.yaml")]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One with two directories, each with a rule, and what a stranger would like to see."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/keys.yaml").write_text("password: hunter2")
    root = tmp_path / "checkout"
    (root / ".git").mkdir(parents=True)
    (root / ".git/config.yaml").write_text("token: hunter2")
    load(root, rules__a=plain_rule("a"), common__b=plain_rule("b"))
    return root


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("rules/link.yaml", "/proc/self/environ"),
        ("rules/link.yaml", "../../outside/keys.yaml"),
        ("rules/link.yaml", "../.git/config.yaml"),
        ("rules/link", "../../outside"),
        ("rules/link", "../.git"),
        ("rules/link", "again"),
    ],
)
def test_no_link_leads_out_of_the_checkout(name: str, target: str, checkout: Path) -> None:
    link = checkout / name
    link.symlink_to(target)
    (checkout / "rules/again").symlink_to("../../outside")
    named = [link] if target == "again" else [checkout / "rules", link]
    for path in named:
        _, problems = load_rules(path, today=TODAY)
        assert {(one.code, one.message, one.source_line) for one in problems} >= {
            ("RE101", f"cannot read '{link}': {LEADS_OUT}", "")
        }
        assert "hunter2" not in str(problems)


@pytest.mark.parametrize("target", ["/proc/kmsg", "/proc/self/environ", "../../record.json", "linked.json"])
def test_no_record_of_a_test_is_out_of_the_checkout(target: str, checkout: Path) -> None:
    (checkout.parent / "record.json").write_text('{"event": "INSERT", "keys": {"hunter2": 1}}')
    (checkout / "rules/linked.json").symlink_to("../../record.json")
    test = f"    tests: [{{name: n, record_file: {target}, expect: {{match: true}}}}]\n"
    _, (problem,) = load(checkout / "rules", a=PLAIN.format(id="a") + test)
    place = checkout / "rules" / target
    assert (problem.code, problem.message) == (
        "RE101",
        f"'{place}' is not in the checkout that this file stands in",
    )


@pytest.mark.parametrize("name", ['"a\\0b"', "x" * 5_000, "''"])
def test_what_is_no_name_of_a_file_is_no_record_either(name: str, checkout: Path) -> None:
    test = f"    tests: [{{name: n, record_file: {name}, expect: {{match: true}}}}]\n"
    problems = load(checkout / "rules", a=PLAIN.format(id="a") + test)[1]
    assert {one.code for one in problems} <= {"RE101", "RE109"}
    assert problems != []


def test_a_record_of_a_test_may_be_anywhere_in_the_checkout(checkout: Path) -> None:
    (checkout / "record.json").write_text('{"event": "INSERT", "keys": {"a": 1}}')
    test = "    tests: [{name: n, record_file: ../record.json, expect: {match: true}}]\n"
    assert load(checkout / "rules", a=PLAIN.format(id="a") + test)[1] == []


def test_links_within_a_checkout_and_to_what_is_named_are_followed(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "rules/link.yaml").symlink_to("../common/b.yaml")
    (checkout / "rules/common").symlink_to("../common")
    (checkout / "linked").symlink_to("common")
    assert find_files(checkout / "rules") == [str(checkout / f"rules/{n}.yaml") for n in ("a", "link")]
    assert find_files(checkout / "linked") == [str(checkout / "linked/b.yaml")]
    monkeypatch.chdir(checkout / "rules")
    assert find_files(".") == ["a.yaml", "link.yaml"]
    # Below a hidden directory that is named, and in no checkout at all.
    (checkout / ".hidden").mkdir()
    load(checkout / ".hidden", c=plain_rule("c"))
    (checkout / ".hidden/d.yaml").symlink_to("c.yaml")
    assert find_files(checkout / ".hidden") == [str(checkout / ".hidden/c.yaml")]
    assert find_files(checkout.parent / "outside") == [str(checkout.parent / "outside/keys.yaml")]
    (checkout.parent / "alone.yaml").symlink_to("outside/keys.yaml")
    assert find_files(checkout.parent / "alone.yaml") == [str(checkout.parent / "alone.yaml")]


def test_a_link_in_a_circle_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("a.yaml")
    (problem,) = load_rules(tmp_path, today=TODAY)[1]
    assert (problem.code, problem.message) == (
        "RE101",
        f"cannot read '{tmp_path / 'a.yaml'}': too many levels of symbolic links",
    )


def test_a_rule_with_an_error_is_left_out_and_the_others_are_not(tmp_path: Path) -> None:
    wrong = "  - id: wrong\n    table: orders\n    when: new.a = 'b'\n    actions: [{type: log}]\n" + TEST
    rule_set, problems = load(tmp_path, one=plain_rule("right") + wrong, two=plain_rule("other"))
    assert codes(problems) == ["RE202"]
    assert [rule.id for rule in rule_set.rules] == ["right", "other"]


def test_a_warning_leaves_no_rule_out(tmp_path: Path) -> None:
    rule_set, problems = load(tmp_path, one=plain_rule("a") + "    when: new.count\n")
    assert [(problem.code, problem.severity) for problem in problems] == [("RE250", "warning")]
    assert [rule.id for rule in rule_set.rules] == ["a"]


def test_an_error_in_what_all_rules_of_a_file_share_leaves_all_of_them_out(tmp_path: Path) -> None:
    rule_set, problems = load(tmp_path, one="vars: {a-b: 1}\n" + plain_rule("a"), two=plain_rule("b"))
    assert codes(problems) == ["RE109"]
    assert [rule.id for rule in rule_set.rules] == ["b"]


def test_rules_with_one_id_are_all_left_out(tmp_path: Path) -> None:
    rule_set, (problem,) = load(tmp_path, one=plain_rule("a"), two=plain_rule("a") + "    owner: me\n")
    assert (problem.code, str(problem.location)) == ("RE401", f"{tmp_path / 'two.yaml'}:2:9")
    assert problem.related == ((Location(str(tmp_path / "one.yaml"), 2, 9, 1), "the first one is here"),)
    assert rule_set == RuleSet(())


def test_a_broken_file_hides_no_other_files_problems(tmp_path: Path) -> None:
    load(tmp_path, b="rules: [", c="\tx", d=plain_rule("Wrong"), e=plain_rule("right"))
    (tmp_path / "a.yaml").write_bytes(b"\xff")
    rule_set, problems = load_rules(tmp_path, today=TODAY)
    assert [(Path(p.location.path).name, p.code) for p in problems] == [
        ("a.yaml", "RE101"),
        ("b.yaml", "RE102"),
        ("c.yaml", "RE103"),
        ("d.yaml", "RE109"),
    ]
    assert [rule.id for rule in rule_set.rules] == ["right"]


def test_an_exception_is_in_force_through_its_last_day(tmp_path: Path) -> None:
    unless = "    unless: [{name: n, when: expired, expires: 2026-01-01}]\n"
    rule_set, problems = load(tmp_path, a=plain_rule("a") + unless)
    assert (len(rule_set.rules), problems) == (1, [])
    assert codes(load_rules(tmp_path, today=date(2026, 1, 2))[1]) == ["RE403"]


def test_a_test_file_tests_rules_of_other_files(tmp_path: Path) -> None:
    tests = """tests:
  - name: by rule
    rule: a
    record: {event: INSERT, keys: {a: 1}, new: {status: NEW}}
    expect: {match: true, actions: {log: {level: INFO}}}
  - name: by matches
    matches: [a, b]
    record: {event: INSERT, keys: {a: 1}}
"""
    rules = {"a": PLAIN.format(id="a"), "b": PLAIN.format(id="b")}
    rule_set, problems = load(tmp_path, all_test=tests, **rules)
    assert problems == []
    assert [rule.id for rule in rule_set.rules] == ["a", "b"]


def test_a_test_may_hold_a_record_as_lambda_delivers_it(tmp_path: Path) -> None:
    raw = (
        "{eventName: INSERT, eventID: e, dynamodb: {SequenceNumber: '1', NewImage: {a: {S: x}}}, "
        "eventSourceARN: 'arn:aws:dynamodb:eu-west-1:000000000000:table/orders/stream/x'}"
    )
    tests = f"    tests: [{{name: n, record: {raw}, expect: {{match: true}}}}]\n"
    _, problems = load(tmp_path, a=PLAIN.format(id="a") + tests)
    assert problems == []
    _, problems = load(tmp_path, a=PLAIN.format(id="a") + tests.replace("'1'", "one"))
    assert codes(problems) == ["RE109"]


def test_a_secret_is_shown_by_no_problem_of_its_line(tmp_path: Path) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    action = f"    actions: [{{typ: webhook, url: 'https://a.example.com', signing_secret: {secret}}}]\n"
    _, problems = load(tmp_path, a="rules:\n  - id: a\n    table: orders\n" + action + TEST)
    assert sorted(codes(problems)) == ["RE106", "RE306"]
    assert secret[8:] not in repr(problems)


def test_two_secrets_of_one_line_are_both_masked(tmp_path: Path) -> None:
    line = "# AKIAQ3EGRIUTXLEKWZMB and ghp_16C7e42F292c6912E7710c838347Ae178B4a\n"
    _, problems = load(tmp_path, a=line + plain_rule("a"))
    assert [problem.source_line for problem in problems] == [
        "# AKIA**************** and ghp_************************************"
    ] * 2


def test_after_a_thousand_findings_expressions_are_not_checked_and_rules_left_out(tmp_path: Path) -> None:
    wrong = "".join(
        f"  - id: r{i}\n    table: orders\n    when: x{i}\n    actions: [{{type: log}}]\n"
        for i in range(1500)
    )
    right = "  - id: right\n    table: orders\n    when: expired\n    actions: [{type: log}]\n"
    rule_set, problems = load(tmp_path, a=f"rules:\n{wrong}{right}", b=plain_rule("b"))
    assert [rule.id for rule in rule_set.rules] == ["b"]
    found = codes(problems)
    assert (found.count("RE206"), found.count("RE110")) == (1001, 1)


def test_thousands_of_unknown_rules_are_told_without_suggestions(tmp_path: Path) -> None:
    record = "record: {event: INSERT, keys: {a: 1}}"
    tests = "tests:\n" + "".join(f"  - {{name: n, matches: [rule-{i}x], {record}}}\n" for i in range(100))
    rules = "".join(plain_rule(f"rule-{i}").replace("rules:\n", "") for i in range(100))
    _, problems = load(tmp_path, a="rules:\n" + rules, a_test=tests)
    assert codes(problems) == ["RE404"] * 100
    assert sum((problem.hint or "").startswith("did you mean") for problem in problems) == 20


def test_a_type_of_another_package_is_held_to_its_own_schema(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "pigeon-1.dist-info").mkdir(parents=True)
    (site / "pigeon-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: pigeon\nVersion: 1\n")
    (site / "pigeon-1.dist-info/entry_points.txt").write_text("[rules_engine.actions]\npigeon = pigeon\n")
    (site / "pigeon.py").write_text(
        "TYPE = 'pigeon'\nTARGETS = ()\nSECRET_FIELDS = ()\n"
        "MODES = ('at_least_once',)\ncheck = lambda config, mode: []\n"
        "SCHEMA = {'type': 'object', 'properties': {'loft': {'type': 'object',"
        " 'dependentRequired': {'street': ['town']}}}}\n"
    )
    (tmp_path / "a.yaml").write_text(
        "rules:\n  - id: a\n    table: orders\n    actions: [{type: pigeon, loft: {street: s}}]\n"
    )
    script = (
        "from rules_engine.loader import load_rules\n"
        f"for problem in load_rules({str(tmp_path / 'a.yaml')!r})[1]: print(problem.code, problem.message)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines() == [
        "RE450 rule 'a' has no tests",
        "RE109 'loft' is not as the schema of this action type wants it: 'town' is a dependency of 'street'",
    ]


def test_loading_imports_neither_boto3_nor_jsonschema_and_opens_no_socket(tmp_path: Path) -> None:
    (tmp_path / "orders.yaml").write_text(FULL)
    script = (
        "import sys\n"
        "sys.addaudithook(lambda event, args: event.startswith('socket') and sys.exit(event))\n"
        "from rules_engine import load_rules\n"
        f"assert load_rules({str(tmp_path)!r})[1] == []\n"
        "print(sorted({'boto3', 'botocore', 'jsonschema', 'click', 'rich'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (shown.stdout, shown.stderr) == ("[]\n", "")


def test_what_was_read_before_makes_no_difference(tmp_path: Path) -> None:
    a, b = plain_rule("a"), plain_rule("b")
    broken = "rules: ["
    names = "tests: [{name: n, rule: b, record: {event: INSERT, keys: {a: 1}}, expect: {match: true}}]\n"
    # The states of a directory while it is being worked on: each differs from the one before in a file.
    states = [
        {"a": a, "b": b, "n_test": names},
        {"a": a, "b": b + "    when: new.x = 'y'\n", "n_test": names},
        {"a": a, "b": a, "n_test": names},
        {"a": a, "b": broken, "n_test": names},
        {"a": "vars: {a-b: 1}\n" + a, "b": broken, "n_test": names},
        {"a": "vars: {a-b: 1}\n" + a, "b": b, "c": a, "n_test": names},
        {"b": b, "c": a},
    ]
    known: dict[str, FileRead] = {}
    for state in states:
        for path in tmp_path.glob("*.yaml"):
            path.unlink()
        assert load(tmp_path, **state) == load_rules(tmp_path, today=TODAY, known=known)
        assert sorted(known) == sorted(str(path) for path in tmp_path.glob("?.yaml"))


def test_a_file_that_was_read_is_read_again_for_a_record_elsewhere_and_on_another_day(tmp_path: Path) -> None:
    unless = "    unless: [{name: x, when: new.a == 'b', reason: y, expires: 2026-03-01}]\n"
    test = "    tests: [{name: n, record_file: r.json, expect: {match: true}}]\n"
    load(tmp_path, a=plain_rule("a") + unless, b=PLAIN.format(id="b") + test)
    known: dict[str, FileRead] = {}
    found = []
    for today, record in [(date(2026, 3, 1), "{}"), (date(2026, 3, 2), "[]"), (date(2026, 3, 2), "{}")]:
        (tmp_path / "r.json").write_text(record)
        problems = load_rules(tmp_path, today=today, known=known)[1]
        assert problems == load_rules(tmp_path, today=today)[1]
        found.append([(one.code, one.message.partition("holds ")[2]) for one in problems])
    assert found[0] != found[1] != found[2] != found[0]
