"""`python -m tests.soak.index --pairs 100000`: the law of the index, for minutes.

In: how many pairs of a random rule set and a record, and where the seeds begin. Out: a line for each tenth.
It ends with the first rule set whose matches are not those of evaluating every rule.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.test_index import RECORDS_EACH, differences


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    rule_sets = -(-options.pairs // RECORDS_EACH)
    for number in range(1, rule_sets + 1):
        found = differences(options.seed + number, RECORDS_EACH)
        if found:
            sys.stderr.write("\n".join(found) + "\n")
            return 1
        if number % max(rule_sets // 10, 1) == 0:
            seconds = time.monotonic() - started
            sys.stdout.write(f"{number * RECORDS_EACH} pairs agree after {seconds:.0f} s\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
