"""`python -m tests.soak.filters --pairs 1000000`: the law of the filter patterns, for minutes.

In: how many pairs of a random rule set and a record, and where the seeds begin. Out: a line for each tenth.
It ends with the first rule set whose patterns drop a record that one of its rules matches.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.test_pushdown import wrongly_dropped

RECORDS_EACH = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    rule_sets = -(-options.pairs // RECORDS_EACH)
    dropped_in_all = 0
    for number in range(1, rule_sets + 1):
        found, dropped = wrongly_dropped(options.seed + number, RECORDS_EACH)
        dropped_in_all += dropped
        if found:
            sys.stderr.write("\n".join(found) + "\n")
            return 1
        if number % max(rule_sets // 10, 1) == 0:
            seconds = time.monotonic() - started
            pairs = number * RECORDS_EACH
            sys.stdout.write(f"{pairs} pairs, {dropped_in_all} dropped, none wrongly, {seconds:.0f} s\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
