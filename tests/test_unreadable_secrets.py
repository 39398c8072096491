"""A secret that cannot be read holds up the actions that need it, and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.cli.environment import remote_references
from rules_engine.delivery.failure import Failure
from rules_engine.delivery.identity import delivery_id
from rules_engine.delivery.invocation import GIVE_UP_SECONDS
from rules_engine.delivery.metrics import Metrics
from rules_engine.engine import Engine
from rules_engine.errors import ActionError, SecretUnreadable
from rules_engine.function import actions_of
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.redrive.delivery import Redriven, Redriver
from rules_engine.secret_store import RETRY_SECONDS, SecretStore
from rules_engine.testing import FakeAws
from tests.delivery_fakes import Bench as DeliveryBench
from tests.delivery_fakes import InlineWorkers, World, change
from tests.test_redrive import letter_of

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = "https://hooks.example.com"
INDEX = {
    "endpoint": "https://search.example.com",
    "index": "orders",
    "document": {"id": "{{ keys.order_id }}"},
}
DOMAIN = "arn:aws:es:eu-west-1:123456789012:domain/orders"
NOT_THERE = "'${secret:token}' cannot be read: ResourceNotFoundException"


def webhook(name: str, *, on_error: str = "retry", **config: Any) -> ActionSpec:
    url = f"{HOST}/{name}/{{{{ keys.order_id }}}}"
    return ActionSpec(name, "webhook", {"url": url, "body": "x", **config}, on_error=on_error)


def needing(on_error: str = "retry") -> ActionSpec:
    return webhook("needs", on_error=on_error, headers={"authorization": "Bearer ${secret:token}"})


def rules(*specs: ActionSpec) -> RuleSet:
    """One rule for each action, named after it."""
    return RuleSet(tuple(Rule(spec.id, ("orders",), (spec,)) for spec in specs))


@dataclass
class Bench:
    """Invocations of one process, on a clock that stands still."""

    rule_set: RuleSet
    aws: FakeAws = field(default_factory=FakeAws)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    started: list[dict[str, Any]] = field(default_factory=list)
    """What was logged at the start."""

    def __post_init__(self) -> None:
        self.delivery = DeliveryBench(self.rule_set)
        store = SecretStore(
            self.aws,  # type: ignore[arg-type]
            self.aws,  # type: ignore[arg-type]
            lambda line: self.started.append(json.loads(line)),
            self.delivery.world.clock.now,
        )
        self.actions = actions_of(self.rule_set, store.texts(remote_references(self.rule_set)), self.aws)
        metrics = Metrics.of(self.rule_set, lambda line: self.metrics.append(json.loads(line)), store.stale)
        self.delivery.options = {"actions": self.actions, "metrics": metrics}

    def deliver(self, *raws: Mapping[str, Any]) -> str | None:
        self.delivery.log.clear()
        return self.delivery.deliver(*raws)

    def wait(self, seconds: float) -> None:
        self.delivery.world.clock.time += seconds

    @property
    def log(self) -> list[dict[str, Any]]:
        return self.delivery.log

    @property
    def asked(self) -> int:
        return self.aws.calls["secretsmanager", "GetSecretValue"]

    def sent(self) -> list[str]:
        """Paths and tokens of the requests that arrived."""
        requests = [effect.request for effect in self.aws.effects if effect.service == "webhook"]
        return sorted(
            f"{each['url'].removeprefix(HOST)} {each['headers'].get('authorization', '')}".rstrip()
            for each in requests
        )


def letters(bench: Bench) -> list[tuple[str | None, dict[str, Any]]]:
    assert bench.delivery.dead_letters is not None
    return [(letter.action, dict(letter.error)) for letter in bench.delivery.dead_letters.letters]


CHANGES = [change(number) for number in (1, 2, 3)]
FREE = [f"/free/o-{number}" for number in (1, 2, 3)]
NEEDS = [f"/needs/o-{number} Bearer t-1" for number in (1, 2, 3)]


def test_the_others_go_on_and_what_waited_is_delivered_once_when_the_secret_is_there() -> None:
    bench = Bench(rules(needing(), webhook("free")))
    message = "secret cannot be read; the actions that need it wait"
    said = {"level": "ERROR", "message": message, "reference": "secret:token", "error": NOT_THERE}
    assert bench.started == [said]

    assert bench.deliver(*CHANGES) == "100"
    assert (bench.sent(), letters(bench)) == (FREE, [])
    about = {"rule_id": "needs", "action_id": "needs"}
    failed = {"target": HOST, "class": "systemic", "code": "SECRET_UNREADABLE"}
    assert bench.log == [
        {
            "level": "ERROR",
            "message": "action failed",
            **about,
            "delivery_id": delivery_id("e-1", "needs", "needs"),
            "record": "100",
            **failed,
            "error": NOT_THERE,
            "tries": 1,
            "then": "comes again",
        },
        {"level": "ERROR", "message": "action waits for its secret", **about, **failed, "count": 2},
    ]
    # However often it comes again: what was done is not repeated, and nobody is asked within half a minute.
    assert [bench.deliver(*CHANGES) for _ in range(5)] == ["100"] * 5
    bench.aws.secrets["secret:token"] = "t-1"
    bench.wait(RETRY_SECONDS - 1)
    assert bench.deliver(*CHANGES) == "100"
    assert (bench.sent(), bench.asked, letters(bench)) == (FREE, 1, [])

    bench.wait(1)
    assert bench.deliver(*CHANGES) is None
    assert (bench.sent(), bench.asked, letters(bench)) == (FREE + NEEDS, 2, [])
    assert (bench.log, bench.started) == ([], [said])
    assert [each["StaleSecrets"] for each in bench.metrics] == [1] * 7 + [0]
    # Two may be under way before the first has failed.
    assert [each["SystemicFailures"] in (1, 2) for each in bench.metrics] == [True] * 7 + [False]


def test_whatever_the_records_it_is_asked_for_once_in_half_a_minute() -> None:
    bench = Bench(rules(needing(), webhook("free")))
    bench.wait(RETRY_SECONDS)
    assert bench.deliver(*(change(number) for number in range(1, 501))) == "100"
    assert (len(bench.sent()), bench.asked) == (500, 2)
    assert [line["message"] for line in bench.log] == ["action failed", "action waits for its secret"]
    assert bench.log[1]["count"] == 499


UNREADABLE = {"class": "systemic", "code": "SECRET_UNREADABLE", "message": NOT_THERE}


def test_an_action_that_must_hold_up_nothing_gives_up_as_after_any_systemic_failure() -> None:
    bench = Bench(rules(needing("dead_letter"), webhook("free")))
    assert bench.deliver(*CHANGES) is None
    assert letters(bench) == [("needs", UNREADABLE)] * 3
    assert bench.sent() == FREE


def test_the_other_actions_of_the_rule_go_on_where_it_says_so() -> None:
    bench = Bench(RuleSet((Rule("both", ("orders",), (needing("continue"), webhook("free"))),)))
    assert bench.deliver(*CHANGES) == "100"
    assert (bench.sent(), letters(bench)) == (FREE, [])


def test_nothing_becomes_a_dead_letter_before_its_time() -> None:
    bench = Bench(rules(needing()))
    bench.wait(GIVE_UP_SECONDS - 1)
    assert (bench.deliver(*CHANGES), letters(bench)) == ("100", [])
    bench.wait(1)
    assert (bench.deliver(*CHANGES), letters(bench)) == (None, [("needs", UNREADABLE)] * 3)


@pytest.mark.parametrize(
    ("config", "text", "sent"),
    [
        ({"url": "${secret:token}/{{ keys.order_id }}"}, HOST, "/o-1"),
        ({"url": "${secret:token}"}, f"{HOST}/x", "/x"),
        ({"url": f"{HOST}/${{secret:token}}/{{{{ keys.order_id }}}}"}, "p", "/p/o-1"),
        ({"url": f"{HOST}/?id={{{{ keys.order_id }}}}&token=${{secret:token}}"}, "p", "/?id=o-1&token=p"),
    ],
)
def test_an_address_that_cannot_be_read_yet_is_sent_to_when_it_can_be(
    config: dict[str, Any], text: str, sent: str
) -> None:
    bench = Bench(rules(webhook("hidden", **config), webhook("free")))
    assert (bench.deliver(CHANGES[0]), bench.sent()) == ("100", ["/free/o-1"])
    assert [line["code"] for line in bench.log] == ["SECRET_UNREADABLE"]
    bench.aws.secrets["secret:token"] = text
    bench.wait(RETRY_SECONDS)
    assert bench.deliver(CHANGES[0]) is None
    assert sorted(bench.sent()) == sorted(["/free/o-1", sent])


def test_no_record_chooses_the_host_by_an_address_that_came_late() -> None:
    bench = Bench(rules(webhook("hidden", url="${secret:token}{{ keys.order_id }}")))
    assert bench.deliver(CHANGES[0]) == "100"
    bench.aws.secrets["secret:token"] = "https://h"
    bench.wait(RETRY_SECONDS)
    assert (bench.deliver(CHANGES[0]), bench.sent(), letters(bench)) == ("100", [], [])
    (line,) = bench.log
    assert (line["code"], line["class"]) == ("SECRET_UNUSABLE", "systemic")
    assert line["error"] == "a secret cannot be used: a hole must not stand in the URL's scheme or host"
    bench.aws.secrets["secret:token"] = f"{HOST}/"
    bench.wait(300)
    assert (bench.deliver(CHANGES[0]), bench.sent()) == (None, ["/o-1"])


@pytest.mark.parametrize("secrets", [{}, {"secret:token": "no login"}])
def test_documents_of_one_index_go_out_for_those_whose_login_is_there(secrets: dict[str, str]) -> None:
    specs = [
        ActionSpec("needs", "opensearch", {**INDEX, "basic_auth": "${secret:token}"}),
        ActionSpec("free", "opensearch", {**INDEX, "index": "orders", "domain_arn": DOMAIN}),
    ]
    bench = Bench(rules(*specs), FakeAws(secrets=secrets))
    assert bench.deliver(*CHANGES) == "100"
    indexed = {("orders", f"o-{number}"): {"id": f"o-{number}"} for number in (1, 2, 3)}
    assert (bench.aws.opensearch.documents, letters(bench)) == (indexed, [])
    calls = bench.aws.calls["opensearch", "Bulk"]
    code = "SECRET_UNUSABLE" if secrets else "SECRET_UNREADABLE"
    assert {(line["rule_id"], line["code"]) for line in bench.log} == {("needs", code)}

    bench.aws.secrets["secret:token"] = "writer:w"
    bench.wait(300)
    assert bench.deliver(*CHANGES) is None
    assert bench.aws.calls["opensearch", "Bulk"] == calls + 1


def test_a_service_that_answers_slowly_does_not_put_the_target_down_for_others() -> None:
    """Reading takes as long as a target that hangs; nothing was sent to the target."""
    rule_set = RuleSet(
        tuple(Rule(name, ("orders",), (ActionSpec(name, "fake"),)) for name in ("needs", "free"))
    )

    def fault(event_id: str, action_id: str, number: int) -> Exception | None:
        return SecretUnreadable("no") if action_id == "needs" else None

    world = World(fault=fault, seconds=lambda event_id, action_id: 2.0 if action_id == "needs" else 0.0)
    bench = DeliveryBench(rule_set, world)
    raws = [change(number) for number in range(1, 51)]
    assert bench.deliver(*raws) == "100"
    assert sorted(world.done) == sorted((f"e-{number}", "free") for number in range(1, 51))
    assert [unit for unit in world.tried if unit[1] == "needs"] == [("e-1", "needs")]
    assert [line["message"] for line in bench.log] == ["action failed", "action waits for its secret"]


def test_an_action_without_its_secret_takes_no_probe_of_a_target_in_trouble() -> None:
    """Five single tries find out whether only some records are to blame; here only the last one can tell."""
    rule_set = RuleSet(
        (
            Rule("needs", ("orders",), (ActionSpec("needs", "fake"),), when=("new.kind == 'middle'",)),
            Rule("tells", ("orders",), (ActionSpec("tells", "fake"),), when=("new.kind != 'middle'",)),
        )
    )

    def fault(event_id: str, action_id: str, number: int) -> Exception | None:
        if action_id == "needs":
            return SecretUnreadable("no")
        return None if event_id == "e-200" else ActionError("HTTP_404", "not this one", "systemic")

    bench = DeliveryBench(rule_set, World(fault=fault))
    raws = [
        change(number, kind="middle" if 2 < number < 200 else "first or last") for number in range(1, 201)
    ]
    assert bench.deliver(*raws) == "100"
    assert bench.world.done == [("e-200", "tells")]


def test_redrive_says_of_which_letters_the_secret_is_missing_and_delivers_the_others() -> None:
    bench = Bench(rules(needing(), webhook("free")))
    redriver = Redriver(
        Engine.from_rules(bench.rule_set),
        bench.actions,
        lambda line: None,
        clock=bench.delivery.world.clock,
        random=Random(1),
        workers=InlineWorkers,
    )
    wanted = [letter_of(change(number), name, name) for number in (1, 2) for name in ("needs", "free")]
    failed = Redriven("failed", Failure("systemic", "SECRET_UNREADABLE", NOT_THERE))
    assert redriver.deliver(wanted) == [failed, Redriven("delivered")] * 2
    assert bench.sent() == FREE[:2]
    bench.aws.secrets["secret:token"] = "t-1"
    bench.wait(RETRY_SECONDS)
    assert redriver.deliver([wanted[0], wanted[2]]) == [Redriven("delivered")] * 2
    assert bench.sent() == FREE[:2] + NEEDS[:2]
