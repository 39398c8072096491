"""`python -m tests.fuzz source --seconds 60`: libFuzzer's mutations of a target's seeds, guided by coverage.

The process ends with an error at the first input that makes `check` raise, prints it, and writes it to
`.cache/fuzz/`, where the corpus grows from run to run, too.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import sys
from pathlib import Path

import atheris

TARGETS = ("source", "expression", "record", "url")
CORPUS = Path(".cache/fuzz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    with atheris.instrument_imports(
        include=["rules_engine", "jmespath", "yaml"], enable_loader_override=False
    ):
        target = importlib.import_module(f"tests.fuzz.{options.target}")
    corpus = CORPUS / options.target
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    limits = [f"-max_total_time={options.seconds}", "-timeout=10", "-rss_limit_mb=1024", "-max_len=4096"]
    arguments = [sys.argv[0], str(corpus), *limits, f"-artifact_prefix={corpus.parent}/{options.target}-"]
    atheris.Setup([*arguments, "-print_final_stats=1"], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
