"""Any file gives rules or problems: never a traceback, and never a problem without a place.

Rule files of the repository are changed at random, as editors, merges and tired people change them, and read
again. What must hold of every problem is the same for all of them.
"""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules_engine import bundle
from rules_engine.cli.code_pages import codes
from rules_engine.cli.report import render_text
from rules_engine.deploy.package import rehearse_start
from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
TODAY = date(2026, 1, 1)

SEEDS = [path.read_text() for path in sorted((ROOT / "rules_engine/cli/starter/rules").glob("*.yaml"))]
SEEDS += [
    path.read_text()
    for path in sorted((ROOT / "tests/cases/validate").glob("*/*.yaml"))
    if path.stat().st_size < 5_000 and b"\xf6" not in path.read_bytes() and b"\xff" not in path.read_bytes()
]

KNOWN = set(codes())

LIMITS = settings(
    max_examples=250, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)

TOKENS = re.compile(r"\w+|\s+|[^\w\s]")
PIECES = [
    "{{", "}}", "${", "}", "[", "]", "- ", ": ", "'", '"', "`", "\n", "  ", "\t", "!", "&", "*", "|", ">",
    "#", "null", "true", "1e400", "new.", "old.", "is.a", "vars.b", "&&", "||", "==", "when", "actions",
    "tests", "<<: ", "---\n", "? ", "\u202e", "\ud83d\ude00", "é", "${secret:x}", "AKIAQ3EGRIUTXLEKWZMB",
]  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutated") / "rules.yaml"


def check(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    rule_set, problems = load_rules(file, today=TODAY)
    lines = re.split(r"\r\n|\r|\n", data.decode("utf-8-sig", "replace"))
    for problem in problems:
        place = problem.location
        assert problem.code in KNOWN
        assert place.path == str(file)
        assert 1 <= place.line <= len(lines)
        assert 1 <= place.column <= len(lines[place.line - 1]) + 1
        assert place.length >= 1
        assert problem.message
        assert problem.message[0].islower() or not problem.message[0].isalpha()
        assert problem.hint
    assert problems == sorted(problems, key=lambda problem: problem.location)
    assert len(set(problems)) == len(problems)
    assert render_text(problems).count("\n") >= len(problems)
    assert rule_set.rules or problems
    # What the loader lets through starts.
    rehearse_start(bundle.dump(rule_set))


def mutate(change: Callable[[st.DrawFn, str], str]) -> st.SearchStrategy[bytes]:
    @st.composite
    def mutated(draw: st.DrawFn) -> bytes:
        text = draw(st.sampled_from(SEEDS))
        for _ in range(draw(st.integers(1, 4))):
            text = change(draw, text)
        return text.encode("utf-8", "surrogatepass")

    return mutated()


def position(draw: st.DrawFn, text: str) -> int:
    return draw(st.integers(0, len(text)))


def with_a_piece_put_in(draw: st.DrawFn, text: str) -> str:
    at = position(draw, text)
    return text[:at] + draw(st.sampled_from(PIECES)) + text[at:]


def with_a_piece_taken_out(draw: st.DrawFn, text: str) -> str:
    at = position(draw, text)
    return text[:at] + text[at + draw(st.integers(1, 12)) :]


def with_two_tokens_swapped(draw: st.DrawFn, text: str) -> str:
    tokens = TOKENS.findall(text) or [""]
    one, other = (draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
    tokens[one], tokens[other] = tokens[other], tokens[one]
    return "".join(tokens)


def with_a_line_changed(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    at = draw(st.integers(0, len(lines) - 1))
    kind = draw(st.sampled_from(["delete", "double", "indent", "dedent", "cut"]))
    line = lines[at]
    changed = {
        "delete": [],
        "double": [line, line],
        "indent": [f"  {line}"],
        "dedent": [line[2:]],
        "cut": [line[: draw(st.integers(0, len(line)))]],
    }
    return "\n".join([*lines[:at], *changed[kind], *lines[at + 1 :]])


def with_a_value_replaced(draw: st.DrawFn, text: str) -> str:
    values = list(re.finditer(r"(?<=: )\S[^\n]*", text))
    if not values:
        return text
    match = draw(st.sampled_from(values))
    value = draw(st.sampled_from(["", "1", "true", "[]", "{}", "[a]", "{a: 1}", "~", "x", "'x'", "- x", "|"]))
    return text[: match.start()] + value + text[match.end() :]


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_the_seeds_themselves(number: int, file: Path) -> None:
    check(file, SEEDS[number].encode("utf-8", "surrogatepass"))


@given(data=mutate(with_a_piece_put_in))
@LIMITS
def test_pieces_put_in(file: Path, data: bytes) -> None:
    check(file, data)


@given(data=mutate(with_a_piece_taken_out))
@LIMITS
def test_pieces_taken_out(file: Path, data: bytes) -> None:
    check(file, data)


@given(data=mutate(with_two_tokens_swapped))
@LIMITS
def test_tokens_swapped(file: Path, data: bytes) -> None:
    check(file, data)


@given(data=mutate(with_a_line_changed))
@LIMITS
def test_lines_changed(file: Path, data: bytes) -> None:
    check(file, data)


@given(data=mutate(with_a_value_replaced))
@LIMITS
def test_values_replaced(file: Path, data: bytes) -> None:
    check(file, data)


@given(
    seed=st.sampled_from(SEEDS),
    flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=5),
)
@LIMITS
def test_bytes_flipped(file: Path, seed: str, flips: list[tuple[int, int]]) -> None:
    data = bytearray(seed.encode("utf-8", "surrogatepass"))
    for at, bits in flips:
        if data:
            data[at % len(data)] ^= bits
    check(file, bytes(data))


KEYS = [
    "rules", "defaults", "vars", "lists", "conditions", "id", "table", "when", "unless", "actions", "type",
    "url", "topic_arn", "put", "tests", "record", "expect", "match", "name", "event", "keys", "new",
]  # fmt: skip
LEAVES = [
    "a",
    "1",
    "true",
    "null",
    "'x y'",
    '"{{ new.a }}"',
    "${X}",
    "new.a == 'b'",
    "log",
    "MODIFY",
    "webhook",
]

YAML = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5).map(
            lambda entries: f"{{{', '.join(f'{key}: {value}' for key, value in entries.items())}}}"
        )
    ),
    max_leaves=20,
)


@given(value=YAML, key=st.sampled_from(["rules", "vars", "conditions", "defaults", "lists"]))
@LIMITS
def test_random_trees(file: Path, value: str, key: str) -> None:
    check(file, f"{key}: {value}\n".encode())
    check(file, f"rules:\n  - id: a\n    table: orders\n    actions: {value}\n    tests: {value}\n".encode())
    check(file, f"rules: [{value}]\n".encode())


NAMES = st.sampled_from("abcdefg")
OPERANDS = st.one_of(
    NAMES.map(lambda name: f"is.{name}"),
    st.sampled_from(["vars.n", "lists.l", "new.x == 'y'", "old.n > `1`", "expired", "present(&x)"]),
)
EXPRESSIONS = st.recursive(
    OPERANDS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||", "==", "<", "|"]), inner).map(" ".join),
        inner.map(lambda text: f"!({text})"),
        inner.map(lambda text: f"length({text})"),
        inner.map(lambda text: f"new.items[?{text}]"),
    ),
    max_leaves=4,
)


@given(conditions=st.dictionaries(NAMES, EXPRESSIONS, max_size=7), when=EXPRESSIONS, hole=EXPRESSIONS)
@LIMITS
def test_random_conditions(file: Path, conditions: dict[str, str], when: str, hole: str) -> None:
    named = json.dumps(conditions)
    rule = {
        "id": "order-shipped",
        "table": "orders",
        "when": when,
        "actions": [{"type": "log", "message": f"{{{{ {hole} }}}}"}],
    }
    check(
        file,
        f"vars: {{n: 1}}\nlists: {{l: [a]}}\nconditions: {named}\nrules: [{json.dumps(rule)}]\n".encode(),
    )
