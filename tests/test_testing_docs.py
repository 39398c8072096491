"""The page for users of `rules_engine.testing`, and what importing it costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import rules_engine.testing

PAGE = (Path(__file__).parent.parent / "docs" / "testing-delivery.md").read_text()
(SCRIPT,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(OUTPUT,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_does_what_the_page_says() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (OUTPUT, "")


def test_every_public_name_is_there() -> None:
    missing = [name for name in rules_engine.testing.__all__ if not hasattr(rules_engine.testing, name)]
    assert missing == []


def test_the_simulator_needs_the_standard_library_and_this_package_alone() -> None:
    code = (
        "import sys; from rules_engine.testing import StreamSim, FakeAws; aws = FakeAws(); "
        "sim = StreamSim(lambda e, c: aws.sqs.send_message(QueueUrl='q', MessageBody='m') and None); "
        "sim.put({'id': 1}); sim.run(); assert len(aws.effects) == 1; "
        "names = {name.split('.')[0] for name in sys.modules}; "
        "print(sorted(names - set(sys.stdlib_module_names) - {'rules_engine', '__main__'}))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    assert done.stderr == ""
    assert done.stdout == "[]\n"
