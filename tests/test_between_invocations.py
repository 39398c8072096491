"""What stays in the process between two invocations: the rules, and nothing that a record brought.

A process of its own is given batches, and then all that Python's collector knows is searched. Caches that
remember what they were asked for are listed here, each with what bounds it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from rules_engine import bundle
from rules_engine.model import ActionSpec, Rule, RuleSet

if TYPE_CHECKING:
    from pathlib import Path

CONDITIONS = (
    "glob(new.text, new.pattern)", "cidr_contains('10.0.0.0/8', new.address)", "to_number(new.digits) > `1`",
    "contains(new.text, new.pattern)", "starts_with(new.text, new.pattern)", "new.text > new.pattern",
    "sort_by(new.lines, &name)[0].name != ''", "new.text == 'x'", "new.n > `5`", "changed(&text)",
    "length(join(new.text, [new.pattern])) > `3`", "new.nested.deep.text != null", "abs(new.text) > `1`",
)  # fmt: skip
ACTIONS = (
    ActionSpec("log", "log", {"message": "{{ new.text }} {{ new.nested }}", "fields": {"all": "{{ new }}"}}),
    ActionSpec("fails", "log", {"message": "{{ abs(new.text) }}"}),
)
RULES = RuleSet(
    (
        *(
            Rule(f"rule-{number}", ("orders",), ACTIONS, when=(each,))
            for number, each in enumerate(CONDITIONS)
        ),
        Rule("all", ("orders",), ACTIONS),
    )
)

WORLD = """
import gc, json, sys, tracemalloc
from pathlib import Path
from rules_engine.function import Function
from rules_engine.settings import Settings

function = Function.from_settings(
    Settings(bundle=Path("bundle.json"), partial_batch=True), {}, lambda line: None, lambda line: None
)
sys.stdout = open("/dev/null", "w")


def image(text):
    return {
        "text": {"S": text}, "pattern": {"S": text[3:] + "*"}, "address": {"S": text}, "n": {"N": "7"},
        "digits": {"S": "12"}, "lines": {"L": [{"M": {"name": {"S": text}}}]},
        "nested": {"M": {"deep": {"M": {"text": {"S": text}}}}}, "broken": {"N": text},
    }


def batch(text, number, count):
    return {"Records": [
        {
            "eventID": f"e-{text}-{at}", "eventName": ["MODIFY", "INSERT", "REMOVE", text][at % 4],
            "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
            "eventSourceARN": f"arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/{number}-{at}",
            "dynamodb": {
                "Keys": {"id": {"S": f"{text}-{at}"}}, "NewImage": image(f"{text}{at}"),
                "OldImage": image(f"{text}-old"), "SequenceNumber": str(1000 * number + at),
                "ApproximateCreationDateTime": 1_704_067_200,
            },
        }
        for at in range(count)
    ]}
"""

LEFT_BEHIND = (
    WORLD
    + """
for number in range(3):
    answer = function(batch("yranac"[::-1], number, 8), None)
del answer
gc.collect()


def holds(value):
    if isinstance(value, str):
        return "yranac" in value[::-1]
    return isinstance(value, (bytes, bytearray)) and b"yranac" in value[::-1]


found = sorted({
    type(holder).__name__ for holder in gc.get_objects() for each in gc.get_referents(holder) if holds(each)
})
control = ["yranac"[::-1]]
seen = [holder for holder in gc.get_objects() if any(holds(each) for each in gc.get_referents(holder))]
Path("found.json").write_text(json.dumps([found, any(each is control for each in seen)]))
"""
)

GROWTH = (
    WORLD
    + """
sizes = []
tracemalloc.start()
for number in range(64):
    # 8 records of 8 streams each: names of tables are kept for 256 streams at most.
    function(batch(f"text-{number}", number, 8), None)
    if number in (31, 63):
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
Path("found.json").write_text(json.dumps(sizes))
"""
)

CACHES = (
    WORLD
    + """
import rules_engine.handler
from rules_engine.actions import ACTIONS, action_type
for name in ACTIONS:
    action_type(name)
function(batch("text", 1, 8), None)
caches = [each for each in gc.get_objects() if hasattr(each, "cache_parameters")]
found = {f"{each.__module__}.{each.__qualname__}": each.cache_parameters()["maxsize"] for each in caches}
ours = {name: most for name, most in found.items() if name.startswith("rules_engine.")}
Path("found.json").write_text(json.dumps(ours))
"""
)


def outcome_of(program: str, directory: Path, rules: RuleSet = RULES) -> Any:
    (directory / "bundle.json").write_bytes(bundle.dump(rules))
    # A file: with -c the text of the program would be among what is searched.
    (directory / "probe.py").write_text(program)
    finished = subprocess.run(
        [sys.executable, "probe.py"], cwd=directory, capture_output=True, text=True, timeout=300
    )
    assert finished.returncode == 0, finished
    return json.loads((directory / "found.json").read_text())


def test_no_text_of_a_record_stays(tmp_path: Path) -> None:
    left, control = outcome_of(LEFT_BEHIND, tmp_path)
    assert control, "the search finds nothing that is there"
    # In the program's own text, which the interpreter keeps, the canary stands backwards.
    assert left == []


def test_memory_does_not_grow_with_the_records(tmp_path: Path) -> None:
    after_256_records, after_512_records = outcome_of(GROWTH, tmp_path, RuleSet(RULES.rules[::3]))
    assert after_512_records - after_256_records < 16_384


WITHOUT_BOUND = {
    "rules_engine.handler._function": "takes nothing",
}


def test_every_cache_of_the_function_is_bounded(tmp_path: Path) -> None:
    caches = outcome_of(CACHES, tmp_path)
    assert {name for name, most in caches.items() if most is None} == set(WITHOUT_BOUND)
