"""`python -m tests.soak.limits --cases 1000000`: any expression on any data, for minutes.

In: how many pairs, and where the seeds begin. Out: a line for each tenth, and what the pairs came to. It ends
at the first that leaves the evaluator with another error than ours, or whose result is larger than the budget
lets it be, or that makes more calls than its steps pay for. Size and calls are counted here, by other code
than the budget's own.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rules_engine.errors import BudgetError, EvaluationError, ExpressionError
from rules_engine.expression import Program, compile_expression
from rules_engine.expression.budget import MAX_SIZE, MAX_STEPS
from tests.expression_strategies import Maker
from tests.random_rules import condition

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLS_A_STEP = 4
DATA_EACH = 5
"""Documents for one expression: compiling takes longer than evaluating."""

MOST_CALLS = CALLS_A_STEP * MAX_STEPS
COUNTED = 50
"""Of so many pairs the calls of one are counted, which takes ten times as long."""

GROWING = (
    *("[@, @]", "[@, @][]", "{a: @, b: @}", "map(&[@, @], [@, @])", "to_string([@, @])", "[@][].[@, @]"),
    *("[[@, @], @]", "[*].[@, @]", "{a: @, b: [@, @]}.*", "sort_by([@, @], &length(to_string(@)))"),
    *("join('', [to_string(@), to_string(@)])", "upper(to_string([@, @]))", "[@, @] == [@, @]"),
)
"""Each makes at least twice as much of what it is given."""

MUTATIONS = "abc.[]*?(){}!&|<>=@`'\"\\,:0123456789- \né\ud800😀"


def pairs(seed: int) -> Iterator[tuple[str, Any]]:
    """The pairs of a seed: one expression, several documents."""
    rng = random.Random(seed)
    maker = Maker(rng.choice)
    text = _expression(rng, maker)
    for _ in range(DATA_EACH):
        make = rng.choice((maker.typed_document, maker.wild_document, maker.hostile_document))
        yield text, {"new": make(), "old": make()} if "new." in text else make()


def _expression(rng: random.Random, maker: Maker) -> str:
    kind = rng.randrange(8)
    if kind == 0:
        return condition(rng)
    text = maker.wild_expression() if kind < 3 else maker.typed_expression()
    if kind == 3:
        times = rng.randrange(5, 26) if rng.randrange(100) == 0 else rng.randrange(5)
        text = " | ".join((text, *(rng.choice(GROWING) for _ in range(times))))
    elif kind == 4:
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice(MUTATIONS) + text[at + rng.randrange(2) :]
    return text


def check(text: str, data: Any) -> str:
    """What the pair came to. Raises what no pair may come to."""
    program = _program(text)
    if program is None:
        return "refused"
    try:
        result = program(data)
    except BudgetError:
        return "over its budget"
    except EvaluationError:
        return "cannot be evaluated"
    size = size_of(result, 2 * MAX_SIZE)
    assert size <= MAX_SIZE + size_of(data, 2 * MAX_SIZE), f"a result of {size:,} elements and characters"
    return "a value"


@lru_cache(maxsize=1)
def _program(text: str) -> Program | None:
    try:
        return compile_expression(text)
    except ExpressionError:
        return None


def check_calls(text: str, data: Any) -> None:
    """Counts every call, of Python and of C, that an evaluation makes."""
    program = _program(text)
    if program is None:
        return
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        program(data)
    except EvaluationError:
        pass
    finally:
        sys.setprofile(None)
    assert calls <= MOST_CALLS, f"{calls:,} calls"


def size_of(value: Any, most: int) -> int:
    """Elements and characters of a value, as often as each occurs; no more is counted than `most`."""
    size, values = 0, [value]
    while values and size <= most:
        value = values.pop()
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, Decimal):
            size += len(value.as_tuple().digits)
        elif isinstance(value, Mapping):
            size += len(value)
            values.extend(value.values())
        elif isinstance(value, list):
            size += len(value)
            values.extend(value)
    return size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    outcomes: Counter[str] = Counter()
    done, tenth = 0, max(options.cases // 10, 1)
    for seed in range(options.seed, options.seed - (-options.cases // DATA_EACH)):
        for text, data in pairs(seed):
            try:
                outcomes[check(text, data)] += 1
                if done % COUNTED == 0:
                    check_calls(text, data)
            except BaseException:
                sys.stderr.write(f"seed {seed}: {text!r} on {data!r}\n")
                raise
            done += 1
            if done % tenth == 0:
                seconds = time.monotonic() - started
                sys.stdout.write(f"{done:,} pairs after {seconds:.0f} s: {dict(outcomes)}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
