"""An index server's user: how the password reaches the wire, as it is by then, and is shown to nobody."""

from __future__ import annotations

import base64
import json
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.actions import ConfigFinding, Permission, opensearch
from rules_engine.actions.transport import Answer
from rules_engine.errors import ActionError, SettingsError
from rules_engine.model import EMPTY_SCOPE
from rules_engine.secret_text import SecretText
from rules_engine.testing import FakeAws
from tests.test_actions_opensearch import change
from tests.test_actions_webhook_secrets import Rotated
from tests.units import action_spec, delivery_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HOST = "https://search.example.com:9200"
SPEC = action_spec("opensearch", endpoint=HOST, index="orders", basic_auth="${secret:search}")
DONE = Answer(200, None, json.dumps({"items": [{"index": {"status": 201}}]}).encode())


def basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


@dataclass
class Wire:
    """A transport. `answer` says what comes back, or raises."""

    answer: Callable[[str], Answer] = lambda authorization: DONE
    sent: list[str] = field(default_factory=list, repr=False)
    seconds: list[float] = field(default_factory=list)

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_seconds: float,
        most: int,
    ) -> Answer:
        assert (method, url.partition("?")[0]) == ("POST", f"{HOST}/orders/_bulk")
        assert set(headers) == {"content-type", "user-agent", "authorization"}
        self.sent.append(headers["authorization"])
        self.seconds.append(timeout_seconds)
        return self.answer(headers["authorization"])


def index(wire: Wire, secret: Rotated, **given: Any) -> None:
    environment = {"secret:search": SecretText(secret)}
    assert opensearch.connect(SPEC, environment, FakeAws()) is None
    action = opensearch.build(SPEC, EMPTY_SCOPE, environment, FakeAws(), wire, **given)
    request = action.render(delivery_of(SPEC, change()))
    shown = repr((action, request))
    action.perform(request)
    for text in secret.texts:
        assert text not in shown


def only(login: str, status: int = 401) -> Callable[[str], Answer]:
    """A server that takes this user alone."""
    return lambda authorization: DONE if authorization == basic(login) else Answer(status)


def test_name_and_password_are_sent_with_every_request() -> None:
    wire = Wire()
    index(wire, Rotated(["writer:a:b ü"]))
    assert (wire.sent, wire.seconds) == ([basic("writer:a:b ü")], [10.0])


@pytest.mark.parametrize("status", [401, 403])
def test_a_password_that_is_no_longer_taken_is_read_anew_and_the_request_sent_once_more(status: int) -> None:
    wire, secret = Wire(only("w:new", status)), Rotated(["w:old", "w:new"])
    index(wire, secret, monotonic=iter([0.0, 0.0, 4.0, 4.0]).__next__)
    assert (wire.sent, wire.seconds, secret.renewals) == ([basic("w:old"), basic("w:new")], [10.0, 6.0], 1)


@pytest.mark.parametrize(
    ("secret", "requests", "said"),
    [
        (Rotated(["w:old"]), 1, ("HTTP_401", "the index server answered 401", "systemic")),
        (Rotated(["w:old", "w:older"]), 2, ("HTTP_401", "the index server answered 401", "systemic")),
        (
            Rotated(["w:old", "new"]),
            1,
            ("SECRET_UNUSABLE", "'basic_auth' cannot be used: it is no 'name:password'", "systemic"),
        ),
    ],
)
def test_a_user_who_is_not_taken_is_the_targets_failure(
    secret: Rotated, requests: int, said: tuple[str, str, str]
) -> None:
    wire = Wire(only("w:other"))
    with pytest.raises(ActionError) as failure:
        index(wire, secret)
    error = failure.value
    assert (error.code, str(error), error.error_class) == said
    assert (len(wire.sent), secret.renewals) == (requests, 1)


def test_no_second_request_is_sent_when_the_time_is_up() -> None:
    wire, secret = Wire(only("w:new")), Rotated(["w:old", "w:new"])
    with pytest.raises(ActionError, match="answered 401"):
        index(wire, secret, monotonic=iter([0.0, 0.0, 10.0]).__next__)
    assert wire.seconds == [10.0]


@pytest.mark.parametrize("error", [ActionError("RESET", "reset", "transient"), ValueError("w:hush in it")])
def test_no_error_and_no_frame_of_its_traceback_has_the_password(error: Exception) -> None:
    def fail(authorization: str) -> Answer:
        raise error

    with pytest.raises(ActionError) as failure:
        index(Wire(fail), Rotated(["w:hush"]))
    told = traceback.TracebackException.from_exception(failure.value, capture_locals=True)
    ours = [frame for frame in told.stack if "actions" in frame.filename and frame.filename != __file__]
    assert [frame.name for frame in ours] == ["perform", "perform_batch", "_send"]
    shown = str([frame.locals for frame in ours])
    assert "hush" not in shown
    assert basic("w:hush") not in shown
    assert "hush" not in str(failure.value)
    assert failure.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hush", "it is no 'name:password'"),
        (":hush", "it is no 'name:password'"),
        ("w:", "it is no 'name:password'"),
        ("w:hush\n", "it has a line end or another control character"),
    ],
)
def test_a_secret_that_is_no_login_stops_the_start(text: str, fault: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        opensearch.connect(SPEC, {"secret:search": SecretText(Rotated([text]))}, FakeAws())
    assert str(refusal.value) == f"action 'opensearch': 'basic_auth' cannot be used: {fault}"


@pytest.mark.parametrize(
    "text", ["writer:${secret:search#password}", "${USER}:${ssm:/search}", "${secret:s}"]
)
def test_the_name_may_stand_before_the_secret(text: str) -> None:
    assert opensearch.check({**SPEC.config, "basic_auth": text}) == []


@pytest.mark.parametrize(
    "text",
    [
        "writer:hush",
        "writer:${PASSWORD}",
        "${LOGIN}",
        "writer:x${secret:s}",
        "${secret:s}x",
        "a:b:${secret:s}",
    ],
)
def test_a_password_in_the_rules_is_refused(text: str) -> None:
    message = "the password of 'basic_auth' must come from a secret"
    hint = "keep it in Secrets Manager and write ${secret:name}, or user:${secret:name#password}"
    expected = [ConfigFinding("RE306", ("basic_auth",), message, hint)]
    assert opensearch.check({**SPEC.config, "basic_auth": text}) == expected


def test_a_user_does_not_go_together_with_a_signature() -> None:
    config = {**SPEC.config, "domain_arn": "${DOMAIN}"}
    message = "'domain_arn' does not go together with 'basic_auth'"
    hint = "keep the one that 'endpoint' belongs to"
    assert opensearch.check(config) == [ConfigFinding("RE308", ("basic_auth",), message, hint)]


def test_reading_the_secret_is_all_that_is_allowed() -> None:
    resource = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:search-??????"
    assert opensearch.permissions(SPEC) == [Permission("secretsmanager:GetSecretValue", resource)]
