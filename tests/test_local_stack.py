"""The demo and the dev loop: they say what happened, and only what happened."""

from __future__ import annotations

import io
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

from rules_engine.local.demo import run_demo
from rules_engine.local.dev import run_dev
from rules_engine.local.ministack import LocalStackError
from rules_engine.local.play import wait_until

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
    assert "MISSING in the queue" in output
    assert "missing for 'o-1 shipped, big enough', in the queue: {" in output
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


def test_a_target_that_the_function_does_not_know_is_named_at_once(rules: Path) -> None:
    (rules / "nosy.yaml").write_text(NOSY_RULE.replace("seen ", "seen ${NO_SUCH_VARIABLE} "))
    with pytest.raises(LocalStackError, match=r"the function failed: .*NO_SUCH_VARIABLE"):
        demo_of(rules)


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


def test_a_terminated_dev_loop_leaves_no_process_behind() -> None:
    script = (
        "import sys; from rich.console import Console; from rules_engine.local.dev import run_dev; "
        f"sys.exit(run_dev([{str(RULES_PATH)!r}], Console(width=200)))"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        greeting = process.stdout.readline()
        port = int(re.findall(r"http://127\.0\.0\.1:(\d+)", greeting)[0])
        assert listens(port)
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(30) == 128 + signal.SIGTERM
    assert not listens(port)


def listens(port: int) -> bool:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1] == f"0100007F:{port:04X}" and line.split()[3] == "0A" for line in lines)


def test_dev_shows_changes_and_effects_and_takes_saved_rules(rules: Path) -> None:
    output, stop = io.StringIO(), threading.Event()
    console = Console(file=output, width=400)
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(run_dev([rules], console, stop)))
    thread.start()
    try:
        assert wait_until(lambda: "order o-1.1 placed" in output.getvalue(), 60)
        (rules / "nosy.yaml").write_text(NOSY_RULE.replace("INSERT", "INSRT"))
        assert wait_until(lambda: "the old rules stay" in output.getvalue(), 60)
        (rules / "nosy.yaml").write_text(NOSY_RULE)
        assert wait_until(lambda: "reloaded, 7 rules" in output.getvalue(), 60)
        assert wait_until(lambda: '"message":"seen o-' in output.getvalue(), 60)
    finally:
        stop.set()
        thread.join(60)
    assert codes == [0]
    shown = output.getvalue()
    assert re.search(r'change +INSERT \{"order_id":"o-1.1"\}', shown)
    assert re.search(r"rules +order-history, customer-orders, order-placed", shown)
