"""`python -m tests.soak.expression --cases 200000`: the differential test of expressions, for minutes.

In: how many cases, and where the seeds begin. Out: a line for each tenth. At the first difference it ends
with the expression, its data, and the seed that makes just this case.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.expression_strategies import Maker
from tests.test_expression_differential import check_against_jmespath


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    for number in range(1, options.cases + 1):
        seed = options.seed + number
        text, data = Maker(random.Random(seed).choice).case()
        try:
            check_against_jmespath(text, data)
        except Exception:
            sys.stderr.write(f"seed {seed}: {text!r} on {data!r}\n")
            raise
        if number % max(options.cases // 10, 1) == 0:
            sys.stdout.write(f"{number} cases agree after {time.monotonic() - started:.0f} s\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
