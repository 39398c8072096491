"""The function's process is ended by SIGKILL in the middle of its work, under the real runtime client.

A proxy between the function and the local AWS ends it at a call of a given name: before the call, after its
effect, or after its answer. The batch then comes again by the poller's own rules until it is resolved.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.deploy.package import build_package
from rules_engine.local.function_process import FunctionProcess
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.poller import Entry, Failed, MappingSettings, VirtualShard, read_answer
from tests.aws_proxy import AwsProxy
from tests.delivery_fakes import change
from tests.receiver import Receiver, reaching, running_receiver
from tests.test_delivery_local import PUBLISHED, WEBHOOK, Surroundings, new_surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

pytestmark = pytest.mark.local

COUNT = {"key": {"id": "{{ keys.order_id }}"}, "set": {"last": "{{ eventID }}"}, "add": {"n": 1}}
COUNTED = Rule(
    "counted",
    ("orders",),
    (ActionSpec("table", "table", {"table": "${COPIES}", "update": COUNT}, mode="once"),),
)
BEFORE, EFFECT, ANSWER = "before", "after its effect", "after its answer"
ITEMS = "abcdaabd"
KILLS = [
    ("GetItem", BEFORE),
    ("PublishBatch", EFFECT),
    ("TransactWriteItems", EFFECT),
    ("TransactWriteItems", ANSWER),
    ("SendMessage", EFFECT),
    ("UpdateItem", BEFORE),
    ("UpdateItem", EFFECT),
]
"""The read of the checkpoints, a batch of messages, a write that is made once, a dead letter, and the write
of the checkpoint."""

MAPPING = MappingSettings(report_batch_item_failures=True, bisect_batch_on_function_error=True)


@dataclass
class Killer:
    """Ends the function's process once, at the first call of that name."""

    function: FunctionProcess
    name: str = ""
    when: str = ""
    kills: int = 0

    def at(self, when: str) -> Callable[[str], None]:
        def reached(name: str) -> None:
            if (name, when) == (self.name, self.when):
                self.name = ""
                self.kills += 1
                self.function.kill()

        return reached

    def before(self, name: str) -> str | None:
        kills = self.kills
        self.at(BEFORE)(name)
        return None if self.kills == kills else "Killed"


@dataclass
class Round:
    """Eight changes of four items, whose names and event ids no other round has."""

    number: int

    def __post_init__(self) -> None:
        first = 10 * self.number
        self.raws = [change(first + place, f"{item}-{self.number}") for place, item in enumerate(ITEMS)]
        for raw in self.raws:
            raw["dynamodb"]["ApproximateCreationDateTime"] = int(time.time())
        self.event_ids = sorted(raw["eventID"] for raw in self.raws)

    def play(self, function: FunctionProcess, receiver: Receiver) -> list[Any]:
        """What the poller made of each answer. One webhook is down at first, another refuses for ever."""
        shard = VirtualShard(
            MappingSettings(report_batch_item_failures=True, bisect_batch_on_function_error=True)
        )
        receiver.failing = {f"/b-{self.number}": 503, f"/c-{self.number}": 422}
        for raw in self.raws:
            shard.add(Entry(int(raw["dynamodb"]["SequenceNumber"]), 0.0, raw))
        verdicts: list[Any] = []
        now = 0.0
        while not shard.is_done:
            assert len(verdicts) < 20, function.log
            now += 100
            batch = shard.take(now)
            assert batch is not None
            result = function.invoke({"Records": [entry.raw for entry in batch.entries]})
            verdict = (
                Failed() if result.error is not None else read_answer(result.payload, batch.entries, True)
            )
            if result.error is None:
                receiver.failing.pop(f"/b-{self.number}", None)
            assert shard.settle(verdict, now) == []
            verdicts.append(verdict)
        return verdicts


def counted(surroundings: Surroundings) -> dict[str, tuple[int, str]]:
    """How often each item was counted, and at which change last."""
    table = surroundings.environment["COPIES"]
    items = surroundings.aws.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    return {item["id"]["S"]: (int(item["n"]["N"]), item["last"]["S"]) for item in items}


def test_wherever_the_function_is_killed_nothing_is_lost_and_once_is_once(
    ministack: Ministack, unique_name: Callable[[str], str]
) -> None:
    surroundings = new_surroundings(ministack, unique_name)
    proxy = AwsProxy(ministack.endpoint_url)
    package = build_package(RuleSet((WEBHOOK, PUBLISHED, COUNTED)))
    with proxy, running_receiver() as receiver:
        environment = surroundings.environment | reaching(receiver.url) | {"AWS_ENDPOINT_URL": proxy.url}
        with FunctionProcess(package, environment, timeout_seconds=60) as function:
            killer = Killer(function)
            proxy.refuse, proxy.done, proxy.answered = killer.before, killer.at(EFFECT), killer.at(ANSWER)
            for number, (killer.name, killer.when) in enumerate(KILLS, start=1):
                played = Round(number)
                verdicts = played.play(function, receiver)
                assert (killer.kills, verdicts[0] == Failed()) == (number, True)
                assert sorted(set(surroundings.published())) == played.event_ids
                letters = surroundings.dead_letters()
                assert {letter.record["eventID"] for letter in letters} == {played.raws[2]["eventID"]}
                assert all(letter.record == played.raws[2] for letter in letters)
                arrived = {each.path for each in receiver.received}
                assert {f"/{item}-{number}" for item in "abcd"} <= arrived
    assert counted(surroundings) == {
        f"{item}-{number}": (ITEMS.count(item), f"e-{10 * number + ITEMS.rindex(item)}")
        for number in range(1, len(KILLS) + 1)
        for item in "abcd"
    }
