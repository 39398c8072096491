"""The role of the template allows what the function and Lambda do, and each part of it is needed.

Every permission is taken away by itself, one action on one resource, and a call of the real function, or of
Lambda in its place, is denied by a server that enforces IAM.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rules_engine.actions import ACTIONS
from rules_engine.deploy.template import TemplateSettings, deployment_of
from tests.iam_deployment import (
    ELSEWHERE,
    EXAMPLES,
    LAMBDAS_OWN,
    SERVER_PYTHON,
    Deployed,
    deployed,
    rules,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(
        not SERVER_PYTHON.exists(), reason="no server that enforces IAM: make .venv/iam.stamp"
    ),
]

STATEMENTS = deployment_of(rules(), TemplateSettings()).statements

GRANTS = [
    pytest.param(place, action, number, id=f"{action} on {resource.rpartition(':')[2]}")
    for place, statement in enumerate(STATEMENTS)
    for action in statement.actions
    for number, resource in enumerate(statement.resources)
    if action not in LAMBDAS_OWN
]


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployed]:
    with deployed() as made:
        yield made


def test_there_is_an_example_of_every_action_type() -> None:
    assert ACTIONS.keys() <= EXAMPLES.keys() | ELSEWHERE.keys()


def test_the_role_may_do_all_that_is_done(deployment: Deployed) -> None:
    denied, log = deployment.run()
    assert (denied, deployment.watch.refusals) == (set(), [])
    failed = [json.loads(line) for line in log.splitlines() if '"level":"ERROR"' in line]
    assert {(each["rule_id"], each["code"]) for each in failed} == {
        ("answered", "HTTP_422"),
        ("answered", "HTTP_503"),
    }


@pytest.mark.parametrize(("statement", "action", "resource"), GRANTS)
def test_without_one_permission_a_call_is_denied(
    deployment: Deployed, statement: int, action: str, resource: int
) -> None:
    with deployment.without(statement, action, resource):
        denied, _ = deployment.run()
    assert denied == {action}
