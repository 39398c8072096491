"""`dev` and `dev --once`: any rules on a stack made for them, and a true word about what came of it."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

from rules_engine.local.dev import run_dev
from rules_engine.local.once import run_once
from rules_engine.local.play import wait_until
from rules_engine.local.typed_lines import TypedLines

pytestmark = pytest.mark.local

RULES_PATH = Path(__file__).parent.parent / "rules" / "orders"

SESSIONS = """
version: 1
defaults: {table: sessions}
rules:
  - id: session-ended
    event: [REMOVE, EXPIRE]
    actions:
      - {type: sns, topic_arn: "${ENDED_TOPIC}", message: {user: "{{ keys.user_id }}"}}
      - type: webhook
        url: ${HOOKS}/ended/{{ keys.user_id }}?started={{ keys.started_at }}
        signing_secret: ${secret:hooks#key} ${ssm:/hooks/key}
        headers: {authorization: "Bearer ${secret:hooks#token}", x-stage: "${STAGE}"}
      - type: table
        table: ${USERS}
        update: {key: {user_id: "{{ keys.user_id }}"}, add: {sessions: 1}}
    tests:
      - name: an expired session
        record: {event: EXPIRE, keys: {user_id: u 1, started_at: 17}, old: {device: d-1}}
        expect: {match: true}
      - name: a session that was ended
        record: {event: REMOVE, keys: {user_id: u 1, started_at: 17}, old: {device: d-1, weight: 1.50}}
        expect: {match: true}
  - id: device-changed
    event: MODIFY
    when: changed(&device)
    actions:
      - {type: table, table: sessions, update: {key: "{{ keys }}", set: {before: "{{ old.device }}"}}}
    tests:
      - name: another device
        record: {event: MODIFY, keys: {user_id: u 1, started_at: 18}, old: {device: d-1}, new: {device: d-2}}
        expect: {match: true}
"""
"""A composite key of two types, secrets of all kinds, and a rule that writes to the table it watches."""

GREETING = """
version: 1
rules:
  - id: greeting
    table: guests
    event: INSERT
    actions: [{type: log, message: "hello {{ keys.id }}"}]
    tests: [{name: fires, record: {event: INSERT, keys: {id: g-1}, new: {}}, expect: {match: true}}]
"""


def once(directory: Path, rules: str) -> tuple[int, str]:
    (directory / "rules.yaml").write_text(rules)
    output = io.StringIO()
    code = run_once([directory], Console(file=output, width=400))
    return code, re.sub(r"(?m)^\d\d:\d\d:\d\d  ", "", output.getvalue())


def test_what_init_writes_runs_as_it_stands(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "rules_engine"]
    subprocess.run([*program, "init", "project"], cwd=tmp_path, check=True, capture_output=True)
    done = subprocess.run(
        [*program, "dev", "--once"], cwd=tmp_path / "project", capture_output=True, text=True
    )
    assert re.search(r"^12 changes, 31 of 31 deliveries read back .*, 0 unexpected", done.stdout, re.M)
    assert "partner.example.com is not called: its requests go to https://127.0.0.1:" in done.stdout
    assert "big-order-partner -> webhook: read back at the receiver, /partner.example.com" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_a_composite_key_secrets_and_a_write_to_the_watched_table_are_served(tmp_path: Path) -> None:
    code, output = once(tmp_path, SESSIONS)
    assert "stack     watches table sessions, key user_id (S), started_at (N), from the tests' keys" in output
    assert "stack     writes to table users, key user_id (S), from the keys its rules name" in output
    assert "handed to the function directly: time to live of the local server writes no records" in output
    assert re.search(r"^4 changes, 7 of 7 deliveries read back .*, 0 unexpected", output, re.M)
    assert code == 0


MODES = """
version: 1
defaults: {table: orders}
rules:
  - id: order-counted
    actions:
      - type: table
        table: ${CUSTOMERS}
        mode: once
        update: {key: {customer_id: "{{ keys.order_id }}"}, add: {changes: 1}}
      - {id: copy, type: table, table: "${COPIES}", sync: {}}
      - {type: sns, topic_arn: "${ORDERS}.fifo", mode: once, on_error: dead_letter}
    tests:
      - name: a new order
        record: {event: INSERT, keys: {order_id: o-1}, new: {order_id: o-1, total: 1}}
        expect: {match: true}
      - name: a removed order
        record: {event: REMOVE, keys: {order_id: o-2}, old: {order_id: o-2, total: 1}}
        expect: {match: true}
"""


def test_actions_that_take_effect_once_and_copies_are_read_back(tmp_path: Path) -> None:
    code, output = once(tmp_path, MODES)
    assert re.search(r"^2 changes, 6 of 6 deliveries read back .*, 0 unexpected", output, re.M)
    assert code == 0


def test_a_test_that_wants_a_match_where_there_is_none_fails(tmp_path: Path) -> None:
    code, output = once(tmp_path, GREETING.replace("event: INSERT\n", "event: INSERT\n    when: new.vip\n"))
    assert "MISSING greeting -> log: not found in the log: {" in output
    assert "(its test says that the rule matches this change, and it does not)" in output
    assert re.search(r"^1 change, 0 of 1 deliveries read back .*, 0 unexpected", output, re.M)
    assert code == 1


def test_a_test_that_wants_no_match_where_there_is_one_fails(tmp_path: Path) -> None:
    code, output = once(tmp_path, GREETING.replace("match: true", "match: false"))
    assert "WRONG     arrived in the log, though nothing asked for it: {" in output
    assert re.search(r"^1 change, 0 of 0 deliveries read back .*, 1 unexpected", output, re.M)
    assert code == 1


def test_a_delivery_that_fails_spoils_no_other_change(tmp_path: Path) -> None:
    failing = """
  - id: copy
    table: guests
    event: INSERT
    when: new.vip
    actions: [{type: table, table: vips, put: {pk: "{{ new.name }}"}}]
    tests:
      - name: nameless
        record: {event: INSERT, keys: {id: g-0}, new: {vip: true}}
        expect: {match: true}
"""
    code, output = once(tmp_path, GREETING + failing)
    assert re.search(r"MISSING copy -> table: .*Type mismatch", output)
    assert output.count("ok      greeting -> log: read back in the log") == 2
    assert '"message":"action failed","rule_id":"copy"' in output
    assert code == 1


def test_rules_without_tests_prove_nothing(tmp_path: Path) -> None:
    code, output = once(tmp_path, re.sub("(?m)^    tests.*", "", GREETING))
    assert (
        "note      rule 'greeting' has no test, so no change is made for it; add under it:  tests: ["
        in output
    )
    assert "note      table 'guests' has the key id (S), because no test of a rule says 'keys'" in output
    assert "No rule has a test, so there was nothing to play." in output
    assert code == 1


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


def test_dev_shows_what_is_read_back_and_takes_saved_rules(tmp_path: Path) -> None:
    output, stop = io.StringIO(), threading.Event()
    console = Console(file=output, width=400)
    codes: list[int] = []
    file = tmp_path / "rules.yaml"
    file.write_text(GREETING)
    thread = threading.Thread(target=lambda: codes.append(run_dev([tmp_path], console, stop)))
    thread.start()

    def wait_for(text: str) -> bool:
        return wait_until(lambda: text in output.getvalue() or not thread.is_alive(), 60)

    try:
        assert wait_for("greeting -> log: read back in the log")
        file.write_text(GREETING.replace("INSERT", "INSRT"))
        assert wait_for("the old rules stay")
        file.write_text(GREETING.replace("greeting", "welcome"))
        assert wait_for("reloaded, 1 rule")
        assert wait_for("welcome -> log: read back in the log")
        file.write_text(GREETING.replace("guests", "visitors"))
        assert wait_for("other tables, targets or secrets: a new stack")
        assert wait_for('INSERT visitors {"id":"g-1"}')
    finally:
        stop.set()
        thread.join(60)
    assert codes == [0]
    assert "MISSING" not in output.getvalue()
    assert "WRONG" not in output.getvalue()


def test_typed_changes_are_made_and_lines_that_cannot_be_taken_are_answered(tmp_path: Path) -> None:
    output = io.StringIO()
    codes: list[int] = []
    (tmp_path / "rules.yaml").write_text(GREETING)
    reading, writing = os.pipe()
    console, typed = Console(file=output, width=400), TypedLines(reading)
    thread = threading.Thread(target=lambda: codes.append(run_dev([tmp_path], console, typed=typed)))
    thread.start()

    def answer_to(line: str, expected: str) -> bool:
        before = len(output.getvalue())
        os.write(writing, f"{line}\n".encode())
        return wait_until(lambda: expected in output.getvalue()[before:] or not thread.is_alive(), 60)

    try:
        assert wait_until(lambda: "greeting -> log: read back in the log" in output.getvalue(), 60)
        assert answer_to(
            'put guests {"id": "g-9", "age": 4.50}', 'INSERT guests {"id":"g-9"} {"id":"g-9","age":4.5'
        )
        assert wait_until(lambda: output.getvalue().count("greeting -> log: read back") == 2, 60)
        assert answer_to('put guests {"id": "g-9", "age": 4.50}', "no change: the item is so already")
        assert answer_to('put guests {"id": "g-9", "age": 5}', "MODIFY guests")
        assert answer_to('delete guests {"id": "g-9"}', "REMOVE guests")
        assert answer_to('delete guests {"id": "g-9"}', "no change: there is no such item")
        assert answer_to("put guest {}", "'guest' is no table that a rule watches: did you mean 'guests'?")
        assert answer_to("put guests {id: 1}", "not JSON at 'id: 1}'")
        assert answer_to("help", 'delete guests {"id":"mine"} deletes the item with that key')
        assert answer_to("quit", "never printed") is True
    finally:
        os.close(writing)
        thread.join(60)
    assert codes == [0]
    assert "MISSING" not in output.getvalue()
    assert "WRONG" not in output.getvalue()


def test_changes_come_from_a_file_too_and_are_shown_before_it_ends(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(GREETING)
    command = [sys.executable, "-m", "rules_engine", "dev", "--rules", str(tmp_path)]
    lines = 'put guests {"id": "g-9"}\nput guests {"id": 9}\nquit\n'
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=120)
    assert "'id' must be a text: the key of table 'guests' is id (S)" in done.stdout
    shown = done.stdout.partition('INSERT guests {"id":"g-9"}')[2]
    assert "ok      greeting -> log: read back in the log" in shown
    assert (done.returncode, done.stderr) == (0, "")
