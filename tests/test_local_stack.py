"""The demo: it says what happened, and only what happened. The stack: failures are as on AWS."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from rules_engine.local.demo import run_demo
from rules_engine.local.play import wait_until
from rules_engine.local.stack import LocalStack
from rules_engine.local.target_types.log import IN_LOG
from rules_engine.model import ActionSpec, Rule, RuleSet

pytestmark = pytest.mark.local

RULES_PATH = Path(__file__).parent.parent / "rules" / "orders"

NOSY_RULE = """
version: 1
rules:
  - id: nosy
    table: orders
    event: INSERT
    actions: [{type: log, message: "seen {{ keys.order_id }}"}]
    tests: [{name: fires, record: {event: INSERT, keys: {order_id: o}, new: {}}, expect: {match: true}}]
"""


def demo_of(rules: Path, deadline_seconds: float = 60) -> tuple[int, str]:
    output = io.StringIO()
    code = run_demo([rules], Console(file=output, width=140), deadline_seconds)
    return code, output.getvalue()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the shipped rules that a test may spoil."""
    return Path(shutil.copytree(RULES_PATH, tmp_path / "rules"))


def test_the_demo_reads_back_every_delivery_of_the_shipped_rules() -> None:
    code, output = demo_of(RULES_PATH)
    assert re.search(
        r"^27 of 27 deliveries read back from their targets, 0 unexpected, in [\d.]+ s\.$", output, re.M
    )
    assert "MISSING" not in output
    assert code == 0


def test_the_demo_fails_where_a_delivery_is_missing(rules: Path) -> None:
    file = rules / "notifications.yaml"
    file.write_text(file.read_text().replace("big_order: 1000", "big_order: 1000000"))
    code, output = demo_of(rules, deadline_seconds=1)
    assert "MISSING in the queue of topic order-events-topic" in output
    assert "missing for 'o-1 shipped, big enough', in the queue of topic order-events-topic: {" in output
    assert code == 1


def test_the_demo_fails_where_something_arrives_that_nothing_asked_for(rules: Path) -> None:
    (rules / "nosy.yaml").write_text(NOSY_RULE)
    code, output = demo_of(rules)
    assert "27 of 27 deliveries read back from their targets, 4 unexpected" in output
    assert "arrived, though nothing asked for it, in the log: {" in output
    assert code == 1


def test_the_demo_shows_mistakes_in_the_rules_before_it_starts_anything(rules: Path) -> None:
    (rules / "broken.yaml").write_text(NOSY_RULE.replace("INSERT", "INSRT"))
    code, output = demo_of(rules)
    assert "broken.yaml:6:12: error RE109" in output
    assert "local stack is up" not in output
    assert code == 1


@pytest.mark.parametrize("module", ["ministack", "awslambdaric", "trustme"])
def test_without_the_local_extra_it_says_what_to_install(module: str) -> None:
    script = (
        f"import sys; sys.modules[{module!r}] = None; from rich.console import Console; "
        "from rules_engine.local.demo import run_demo; run_demo([], Console())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.endswith(
        f"LocalStackError: the local stack needs '{module}', which is not installed: "
        "pip install 'dynamodb-rules-engine[local]'\n"
    )


SEEN_AND_COPIED = RuleSet(
    (
        Rule(
            "copy",
            ("orders",),
            (
                ActionSpec("seen", "log", {"message": "seen {{ keys.id }}"}),
                ActionSpec("copy", "table", {"table": "${COPIES}", "put": {"id": "{{ new.copy_id }}"}}),
            ),
        ),
    )
)


def test_a_record_that_fails_comes_again_and_neither_repeats_nor_holds_up_the_others() -> None:
    with LocalStack(SEEN_AND_COPIED) as stack:
        for number, copy_id in enumerate(["a", "b", None, "d"]):
            stack.put("orders", {"id": f"o-{number}", **({"copy_id": copy_id} if copy_id else {})})
        assert wait_until(lambda: len(stack.failures) >= 3, 60)
        assert not stack.is_idle()
        stack.put("orders", {"id": "o-2", "copy_id": "c"})  # mends nothing: the old record is as it is
        seen = [each.content["message"] for each in stack.arrivals() if each.where == IN_LOG]
    # What the one that failed had done before is not done again. The last may be in a batch that still waits.
    assert sorted(seen)[:3] == ["seen o-0", "seen o-1", "seen o-2"]
    assert sorted(seen)[3:] in ([], ["seen o-3"])
