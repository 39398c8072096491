"""The parts of `deploy`, `rollback` and `doctor`: what differs, what lacks, what is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    SSOTokenLoadError,
)
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.deploy.code_bucket import bucket_name
from rules_engine.deploy.deployed import table_of_stream
from rules_engine.deploy.differences import differences, with_parameters
from rules_engine.deploy.filters import widened
from rules_engine.deploy.pushdown import MOST_PATTERNS
from rules_engine.deploy.refusals import DeploymentError, asking
from rules_engine.deploy.release import Before, beyond_the_rules, release_of
from rules_engine.deploy.role import lacking
from rules_engine.deploy.source_tables import carries, stream_problem, view_for
from rules_engine.deploy.stack import Change, ChangeSet, Event, Stack, first_failure
from rules_engine.deploy.versions import rules_of_package
from rules_engine.errors import RuleSetError
from rules_engine.loader import load_rules
from tests.deployed_stack import RULES, emulated, mended_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rules_engine.local.ministack import Ministack
    from rules_engine.model import RuleSet

STREAM = "arn:aws:dynamodb:eu-central-1:000000000000:table/parcels/stream/2026-01-01T00:00:00.000"
TOPIC = "arn:aws:sns:eu-central-1:000000000000:parcels"

# Source tables

IMAGES = list(product((True, False), repeat=2))


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("other", IMAGES)
def test_a_view_carries_what_it_is_for_and_no_more(
    images: tuple[bool, bool], other: tuple[bool, bool]
) -> None:
    is_part = all(there or not wanted for there, wanted in zip(images, other, strict=True))
    assert carries(view_for(images), other) == is_part


def test_no_stream_carries_nothing() -> None:
    assert [carries(None, images) for images in IMAGES] == [False] * 4


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (None, "there is no table 'parcels' in this account and region; is the region right?"),
        (
            {},
            "the table 'parcels' has no stream; switch it on:\n"
            "  aws dynamodb update-table --table-name parcels "
            "--stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE",
        ),
        ({"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}, None),
        ({"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}, None),
        (
            {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}},
            "the stream of the table 'parcels' is KEYS_ONLY, and the rules need NEW_IMAGE; when nobody else "
            "reads it, and the function has read all of it, make a new one:\n"
            "  aws dynamodb update-table --table-name parcels --stream-specification StreamEnabled=false\n"
            "  aws dynamodb update-table --table-name parcels "
            "--stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE",
        ),
    ],
)
def test_a_table_that_will_not_do_comes_with_the_command_that_mends_it(
    table: dict[str, Any] | None, problem: str | None
) -> None:
    assert stream_problem("parcels", table, (True, False)) == problem


@pytest.mark.parametrize(
    ("arn", "table"),
    [
        (STREAM, "parcels"),
        ("arn:aws:dynamodb:eu-central-1:000000000000:table/parcels", None),
        ("arn:aws:kinesis:eu-central-1:000000000000:stream/parcels", None),
    ],
)
def test_a_stream_says_whose_it_is(arn: str, table: str | None) -> None:
    assert table_of_stream(arn) == table


# What differs

VALUES = st.recursive(
    st.text("ab", max_size=2) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
)


@given(VALUES, VALUES)
def test_there_is_a_difference_exactly_where_two_values_are_not_the_same(before: Any, after: Any) -> None:
    found = list(differences(before, after))
    # Python takes True for 1, and there are no numbers here; the order of a list may be all that differs.
    reordered = _sorted(before) == _sorted(after)
    assert bool(found) == (before != after) or reordered


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(_sorted(each), sort_keys=True) for each in value})
    return value


def test_a_difference_says_where_and_what() -> None:
    before = {"Code": {"Key": "a"}, "Actions": ["read", "write"], "Old": 1, "Same": [1]}
    after = {"Code": {"Key": "b"}, "Actions": ["read", "put", "get"], "New": "x" * 120, "Same": [1]}
    assert [str(each) for each in differences(before, after)] == [
        "Actions: - write",
        "Actions: + put",
        "Actions: + get",
        "Code.Key: a -> b",
        f"New: + {'x' * 97}...",
        "Old: - 1",
    ]


def test_parameters_stand_where_they_are_referred_to() -> None:
    node = {"A": {"Ref": "Key"}, "B": [{"Ref": "Other"}, {"Fn::Sub": "${Key}"}]}
    assert with_parameters(node, {"Key": "k"}) == {"A": "k", "B": [{"Ref": "Other"}, {"Fn::Sub": "${Key}"}]}


# Releases


@pytest.fixture
def rule_set_of(tmp_path: Path) -> Callable[..., RuleSet]:
    def load(status: str = "ON-ITS-WAY", text: str = "first", topic: str = "${TOPIC_ARN}") -> RuleSet:
        content = RULES.format(table="parcels", status=status, text=text).replace("${TOPIC_ARN}", topic)
        (tmp_path / "rules.yaml").write_text(content)
        rule_set, problems = load_rules([str(tmp_path)])
        assert [each for each in problems if each.severity == "error"] == []
        return rule_set

    return load


def release(rule_set: RuleSet, before: Before | None = None, **variables: str) -> Any:
    return release_of(rule_set, {"parcels": STREAM}, "code", variables, {}, before)


def deployed(release: Any) -> Before:
    """What there is once a release is deployed."""
    declared = release.template["Parameters"]
    defaults = {name: each["Default"] for name, each in declared.items() if "Default" in each}
    return Before(release.template, {**defaults, **release.parameters})


def test_the_same_rules_give_the_same_release(rule_set_of: Callable[..., RuleSet]) -> None:
    first = release(rule_set_of(), TOPIC_ARN=TOPIC)
    assert release(rule_set_of(), deployed(first)) == first
    assert rules_of_package(first.package).sha256 == first.rules_sha256
    assert first.variables == {"TOPIC_ARN": TOPIC}


def test_a_new_text_is_only_rules_and_a_new_condition_is_more(rule_set_of: Callable[..., RuleSet]) -> None:
    before = deployed(release(rule_set_of(), TOPIC_ARN=TOPIC))
    assert list(beyond_the_rules(before, release(rule_set_of(text="second"), before))) == []
    more = list(beyond_the_rules(before, release(rule_set_of(status="AT-THE-DOOR"), before)))
    assert [(name, each.path) for name, each in more] == [
        ("ParcelsMapping", "FilterCriteria.Filters[0].Pattern")
    ]
    other_topic = release(rule_set_of(), before, TOPIC_ARN=f"{TOPIC}-2")
    assert {name for name, _ in beyond_the_rules(before, other_topic)} == {"Function", "Role"}


def test_a_given_value_stays_and_a_default_follows_the_rules(rule_set_of: Callable[..., RuleSet]) -> None:
    with_default = rule_set_of(topic=f"${{TOPIC_ARN:-{TOPIC}}}")
    first = release(with_default)
    other = rule_set_of(topic=f"${{TOPIC_ARN:-{TOPIC}-new}}")
    assert release(other, deployed(first)).variables == {"TOPIC_ARN": f"{TOPIC}-new"}
    # The same value, but somebody gave it.
    given_ = release(with_default, TOPIC_ARN=TOPIC)
    assert release(other, deployed(given_)).variables == {"TOPIC_ARN": TOPIC}


def test_another_variable_or_other_hosts_make_another_version(rule_set_of: Callable[..., RuleSet]) -> None:
    rule_set = rule_set_of()
    releases = [
        release(rule_set, TOPIC_ARN=TOPIC),
        release(rule_set, TOPIC_ARN=f"{TOPIC}-2"),
        release_of(
            rule_set, {"parcels": STREAM}, "code", {"TOPIC_ARN": TOPIC}, {"AllowedHosts": "a.example"}, None
        ),
    ]
    versions = {
        name for each in releases for name in each.template["Resources"] if name.startswith("Version")
    }
    assert len(versions) == len(releases)


def test_a_variable_that_no_rule_names_is_refused(rule_set_of: Callable[..., RuleSet]) -> None:
    with pytest.raises(RuleSetError, match="no rule names the variable 'TOPIC': TOPIC_ARN"):
        release(rule_set_of(), TOPIC="x")


# Filters

PATTERNS = st.lists(st.sampled_from([f'{{"a":[{number}]}}' for number in range(8)]), max_size=5, unique=True)


@given(PATTERNS, PATTERNS)
def test_a_widened_filter_lets_through_what_either_does(there: list[str], needed: list[str]) -> None:
    patterns = widened(there, needed)
    now = there if patterns is None else patterns
    assert len(now) <= MOST_PATTERNS
    # None lets everything through; else all patterns of both must be there.
    assert now == [] or (needed and set(now) >= set(there) | set(needed))


def test_a_filter_is_widened_to_all_patterns_that_a_mapping_takes() -> None:
    patterns = [f'{{"eventName":["{number}"]}}' for number in range(MOST_PATTERNS + 1)]
    assert widened(patterns[:2], patterns[1:MOST_PATTERNS]) == patterns[:MOST_PATTERNS]
    assert widened(patterns[:2], patterns[1:]) == []


# Permissions

S3 = ("s3:PutObject", "arn:aws:s3:::bucket/dead-letters/*")


@pytest.mark.parametrize(
    ("statements", "lacks"),
    [
        ([], True),
        ([{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*"}], False),
        ([{"Effect": "Allow", "Action": ["s3:put*"], "Resource": ["*"]}], False),
        ([{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::other/*"}], True),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], False),
        ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], True),
        (
            [
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
            ],
            True,
        ),
        (
            [
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a": "b"}}},
            ],
            False,
        ),
        (
            [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket.dead-letters/*"}],
            True,
        ),
    ],
)
def test_a_policy_allows_what_it_says(statements: list[dict[str, Any]], lacks: bool) -> None:
    assert lacking(statements, [S3]) == ([S3] if lacks else [])


# Names


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,127}", fullmatch=True))
def test_a_bucket_has_a_name_that_s3_takes(stack: str) -> None:
    name = bucket_name(stack, "123456789012", "ap-southeast-2")
    assert 3 <= len(name) <= 63
    assert name == name.lower()
    assert name[0].isalnum()
    assert name[-1].isalnum()
    assert name != bucket_name(f"{stack}x", "123456789012", "ap-southeast-2")


# What AWS says


def refused_with(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            NoCredentialsError(),
            "cannot look: there are no AWS credentials; set AWS_PROFILE, or log in with 'aws sso login'",
        ),
        (
            refused_with("ExpiredToken", "old"),
            "cannot look: AWS does not accept the credentials (ExpiredToken); log in again",
        ),
        (
            refused_with("AccessDenied", "not authorized to perform: x"),
            "cannot look: access denied: not authorized to perform: x; let the role that you deploy with do "
            "that",
        ),
        (
            refused_with("Throttling", "Rate exceeded"),
            "cannot look: AWS is throttling (Throttling); try again in a minute",
        ),
        (
            SSOTokenLoadError(error_msg="Token for x does not exist"),
            "cannot look: there are no AWS credentials; set AWS_PROFILE, or log in with 'aws sso login'",
        ),
        (
            ResponseParserError("no element found, invalid XML received"),
            "cannot look: the answer is not one of AWS; is there a proxy in between, or another server at "
            "AWS_ENDPOINT_URL?",
        ),
        (
            refused_with("RequestExpired", "Request has expired"),
            "cannot look: AWS finds the request too old (RequestExpired); is the clock of this machine "
            "right?",
        ),
        (refused_with("ValidationError", "bad"), "cannot look: ValidationError: bad"),
        (
            EndpointConnectionError(endpoint_url="https://nowhere.example"),
            'cannot look: Could not connect to the endpoint URL: "https://nowhere.example"; is the region '
            "right, and the network up?",
        ),
    ],
)
def test_what_aws_refuses_is_said_with_what_to_do(error: Exception, said: str) -> None:
    with pytest.raises(DeploymentError) as caught, asking("look"):
        raise error
    assert str(caught.value) == said


def test_our_own_errors_pass_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), asking("look"):
        raise ZeroDivisionError


# Stacks


def event(resource: str, status: str, reason: str = "") -> Event:
    kind = "AWS::CloudFormation::Stack" if resource == "stack" else "AWS::SQS::Queue"
    return Event(resource, kind, status, reason)


def test_the_first_failure_is_the_cause_of_the_last_operation() -> None:
    earlier = [event("stack", "CREATE_IN_PROGRESS"), event("old", "CREATE_FAILED", "long ago")]
    cause = event("queue", "UPDATE_FAILED", "already exists")
    events = [
        *earlier,
        event("stack", "UPDATE_IN_PROGRESS"),
        event("other", "UPDATE_FAILED", "Resource update cancelled"),
        cause,
        event("stack", "UPDATE_ROLLBACK_IN_PROGRESS"),
    ]
    assert first_failure(events) == cause
    assert first_failure(events[:1]) is None


class Listed:
    """CloudFormation with one stack and one change set, as AWS answers."""

    def __init__(self, status: str, changes: list[dict[str, Any]], before: dict[str, Any]) -> None:
        self._status, self._changes, self._before = status, changes, before
        self.calls: list[str] = []

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        return {"Stacks": [{"StackId": "id", "StackStatus": self._status, "StackName": "s"}]}

    def describe_change_set(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append(f"describe {arguments.get('NextToken', 'first')}")
        if len(self.calls) == 2:
            return {"Status": "CREATE_IN_PROGRESS"}
        first, *more = self._changes
        if "NextToken" in arguments:
            return {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": each} for each in more]}
        return {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": first}], "NextToken": "second"}

    def create_change_set(self, **arguments: Any) -> None:
        self.calls.append(f"create {arguments['ChangeSetType']} {arguments['Parameters']}")

    def get_template(self, **_: Any) -> dict[str, Any]:
        return {"TemplateBody": self._before}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        stamp = datetime(2026, 1, 1, tzinfo=UTC)
        names = ("LogicalResourceId", "ResourceType", "ResourceStatus", "ResourceStatusReason")
        events = [event("queue", "CREATE_FAILED", "it already exists"), event("stack", "CREATE_IN_PROGRESS")]
        found = [dict(zip(names, each, strict=True)) for each in events]
        return [{"StackEvents": [each | {"Timestamp": stamp, "EventId": str(each)} for each in found]}]


def test_all_pages_of_a_change_are_read_and_a_replacement_is_called_one() -> None:
    changes = [
        {"Action": "Modify", "LogicalResourceId": "A", "ResourceType": "T", "Replacement": "False"},
        {"Action": "Modify", "LogicalResourceId": "B", "ResourceType": "T", "Replacement": "True"},
        {"Action": "Remove", "LogicalResourceId": "C", "ResourceType": "T"},
        {"Action": "Remove", "LogicalResourceId": "D", "ResourceType": "T"},
        {"Action": "Modify", "LogicalResourceId": "E", "ResourceType": "T", "Replacement": "True"},
    ]
    before = {"Resources": {"A": {"Properties": {"Size": 1}}, "B": {"Properties": {"Name": "b"}},
              "D": {"DeletionPolicy": "RetainExceptOnCreate"}, "E": {}}}  # fmt: skip
    after = {"Resources": {"A": {"Properties": {"Size": 2}}, "B": {"Properties": {"Name": "c"}},
                           "E": {"UpdateReplacePolicy": "Retain"}},
             "Parameters": {"P": {}, "Q": {"Default": "q"}}}  # fmt: skip
    client = Listed("UPDATE_COMPLETE", changes, before)
    stack = Stack(client, "s", lambda: "set", sleep=lambda _: None)
    prepared = stack.prepare(stack.state(), after, {"P": "p"}, {"TemplateBody": "{}"})
    assert prepared is not None
    assert [
        (each.action, each.name, each.is_kept, [str(found) for found in each.differences])
        for each in prepared.changes
    ] == [
        ("Modify", "A", False, ["Size: 1 -> 2"]),
        ("Replace", "B", False, ["Name: b -> c"]),
        ("Remove", "C", False, []),
        ("Remove", "D", True, []),
        ("Replace", "E", True, ["UpdateReplacePolicy: + Retain"]),
    ]
    assert client.calls[0] == "create UPDATE [{'ParameterKey': 'P', 'ParameterValue': 'p'}]"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("UPDATE_IN_PROGRESS", "the stack 's' is UPDATE_IN_PROGRESS: wait until that is over"),
        (
            "ROLLBACK_COMPLETE",
            "the stack 's' is ROLLBACK_COMPLETE: it was never whole and can only go; what failed was 'queue' "
            "(AWS::SQS::Queue): it already exists\n  aws cloudformation delete-stack --stack-name s\n"
            "then deploy again",
        ),
        (
            "UPDATE_ROLLBACK_FAILED",
            "the stack 's' is UPDATE_ROLLBACK_FAILED: mend what its events name, then\n"
            "  aws cloudformation continue-update-rollback --stack-name s\nand deploy again",
        ),
    ],
)
def test_a_stack_that_takes_no_change_says_what_to_do(status: str, said: str) -> None:
    stack = Stack(Listed(status, [], {}), "s", lambda: "set")
    with pytest.raises(DeploymentError) as caught:
        stack.require_changeable(stack.state())
    assert str(caught.value) == said


class Denied:
    """CloudFormation with a stack, that makes change sets and lets nobody do the rest."""

    def __init__(self, refused: str) -> None:
        self._refused = refused
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> dict[str, Any]:
            self.calls.append(name)
            if name == self._refused or name == "delete_change_set":
                raise refused_with("AccessDenied", f"no {name}")
            return {"Stacks": [{"StackId": "id", "StackStatus": "CREATE_COMPLETE"}]}

        return call

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"StackEvents": []}]


STILL_THERE = [
    "the change set is still there: cannot delete the change set 'set': access denied: no delete_change_set; "
    "let the role that you deploy with do that\n"
    "to take it back:\n"
    "  aws cloudformation delete-change-set --stack-name s --change-set-name set"
]


@pytest.mark.parametrize(
    ("refused", "doing", "do"),
    [
        (
            "describe_change_set",
            "read the change set 'set' of the stack 's'",
            lambda stack: stack.prepare(stack.state(), {}, {}, {"TemplateBody": "{}"}),
        ),
        (
            "execute_change_set",
            "execute the change set 'set'",
            lambda stack: list(stack.execute(ChangeSet("set", False, ()))),
        ),
    ],
)
def test_what_keeps_a_change_set_from_being_taken_back_comes_after_what_went_wrong(
    refused: str, doing: str, do: Callable[[Stack], object]
) -> None:
    client = Denied(refused)
    stack = Stack(client, "s", lambda: "set", sleep=lambda _: None)
    with pytest.raises(DeploymentError) as caught:
        do(stack)
    advice = "let the role that you deploy with do that"
    assert str(caught.value) == f"cannot {doing}: access denied: no {refused}; {advice}"
    assert caught.value.__notes__ == STILL_THERE
    assert client.calls[-2:] == [refused, "delete_change_set"]


def test_a_change_set_is_taken_back_on_an_interrupt_and_the_interrupt_goes_on() -> None:
    stack = Stack(Denied(""), "s", lambda: "set")
    with pytest.raises(KeyboardInterrupt) as caught, stack.taken_back_on_error(ChangeSet("set", False, ())):
        raise KeyboardInterrupt
    assert caught.value.__notes__ == STILL_THERE


@pytest.fixture
def cloudformation(ministack: Ministack) -> Iterator[Any]:
    with emulated(ministack):
        yield ministack.client("cloudformation")


QUEUE = {"Type": "AWS::SQS::Queue"}
BROKEN = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"Id": "m"}]}}
"""The emulator takes no metric math."""


@pytest.mark.local
def test_a_new_stack_that_fails_says_which_resource_and_must_be_deleted(
    cloudformation: Any, unique_name: Callable[[str], str]
) -> None:
    name = unique_name("broken")
    stack = Stack(cloudformation, name, lambda: "set", sleep=lambda _: None)
    template = {"Resources": {"Queue": QUEUE, "Alarm": {**BROKEN, "DependsOn": "Queue"}}}
    change_set = stack.prepare(None, template, {}, {"TemplateBody": json.dumps(template)})
    assert change_set is not None
    assert change_set.changes == (
        Change("Add", "Alarm", "AWS::CloudWatch::Alarm"),
        Change("Add", "Queue", "AWS::SQS::Queue"),
    )
    with pytest.raises(DeploymentError) as caught:
        list(stack.execute(change_set))
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"the stack '{name}' is ROLLBACK_COMPLETE: 'Alarm' (AWS::CloudWatch::Alarm): ")
    assert lines[-1] == f"  aws cloudformation delete-stack --stack-name {name}"
    with pytest.raises(DeploymentError, match="it was never whole"):
        stack.require_changeable(stack.state())


@pytest.mark.local
def test_what_was_prepared_for_a_new_stack_is_taken_back_without_what_others_made_meanwhile(
    cloudformation: Any, unique_name: Callable[[str], str]
) -> None:
    name, template = unique_name("together"), {"Resources": {"Queue": QUEUE}}
    stacks = [Stack(mended_session().client("cloudformation"), name, lambda n=n: f"set{n}") for n in range(3)]

    def prepared(stack: Stack) -> ChangeSet:
        change_set = stack.prepare(None, template, {}, {"TemplateBody": json.dumps(template)})
        assert change_set is not None
        return change_set

    def prepared_names() -> list[str]:
        return [
            each["ChangeSetName"] for each in cloudformation.list_change_sets(StackName=name)["Summaries"]
        ]

    first, second, third = stacks
    of_first, of_second, of_third = (prepared(each) for each in stacks)
    third.discard(of_third)
    assert sorted(prepared_names()) == ["set0", "set1"]
    list(second.execute(of_second))
    first.discard(of_first)
    state = first.state()
    assert state is not None
    assert (state.status, prepared_names().count("set0")) == ("CREATE_COMPLETE", 0)


@pytest.mark.local
def test_a_new_stack_that_is_nothing_but_what_was_prepared_goes_with_it(
    cloudformation: Any, unique_name: Callable[[str], str]
) -> None:
    stack = Stack(cloudformation, unique_name("alone"), lambda: "set", sleep=lambda _: None)
    template = {"Resources": {"Queue": QUEUE}}
    change_set = stack.prepare(None, template, {}, {"TemplateBody": json.dumps(template)})
    assert change_set is not None
    stack.discard(change_set)
    assert stack.state() is None


@pytest.mark.local
def test_a_change_that_fails_leaves_the_stack_as_it_was(
    cloudformation: Any, unique_name: Callable[[str], str]
) -> None:
    numbers = iter(range(9))
    stack = Stack(cloudformation, unique_name("steady"), lambda: f"set{next(numbers)}", sleep=lambda _: None)
    first = {"Resources": {"Queue": QUEUE}}
    made = stack.prepare(None, first, {}, {"TemplateBody": json.dumps(first)})
    assert made is not None
    assert [each.status for each in stack.execute(made) if each.is_of_stack] == [
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]
    second = {"Resources": {"Queue": QUEUE, "Alarm": BROKEN}}
    change_set = stack.prepare(stack.state(), second, {}, {"TemplateBody": json.dumps(second)})
    assert change_set is not None
    with pytest.raises(DeploymentError) as caught:
        list(stack.execute(change_set))
    assert (
        str(caught.value).splitlines()[-1]
        == "the function works as it did before; mend that and deploy again"
    )
    state = stack.state()
    assert state is not None
    assert state.status == "UPDATE_ROLLBACK_COMPLETE"
    stack.require_changeable(state)
