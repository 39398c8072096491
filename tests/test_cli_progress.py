"""The progress bar: on a terminal only, only when it takes long, and gone at the end."""

from __future__ import annotations

import io
import subprocess
import sys
from threading import Condition
from threading import enumerate as running_threads

from rules_engine.cli.progress import progress


class Terminal(io.StringIO):
    """A terminal that one can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = Condition()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self.changed:
            self.changed.notify_all()
            return super().write(text)

    def shows(self, text: str) -> bool:
        """Waits until `text` has been written."""
        with self.changed:
            return self.changed.wait_for(lambda: text in self.getvalue(), timeout=30)


def test_a_bar_shows_what_is_done_and_how_much_of_it() -> None:
    terminal = Terminal()
    seen = []
    with progress(terminal, "checking rule files", delay_seconds=0) as track:
        assert terminal.shows("checking rule files")
        for name in track(["a", "b", "c"]):
            seen.append(name)
            assert terminal.shows(f"{len(seen) - 1}/3")
        assert terminal.shows("3/3")
    assert seen == ["a", "b", "c"]
    # What a terminal is told at the end: up one line, and clear it.
    assert terminal.getvalue().endswith("\x1b[1A\x1b[2K")


def test_things_that_cannot_be_counted_yet_have_their_number_from_elsewhere() -> None:
    terminal = Terminal()
    with progress(terminal, "deploying", delay_seconds=0) as track:
        for _ in track(iter(["a", "b"]), 5):
            assert terminal.shows("/5")
        assert terminal.shows("2/5")


def test_what_is_quick_shows_nothing_and_leaves_nothing_running() -> None:
    terminal, before = Terminal(), set(running_threads())
    with progress(terminal, "checking", delay_seconds=3600) as track:
        assert list(track([1, 2])) == [1, 2]
    assert terminal.getvalue() == ""
    assert set(running_threads()) - before == set()


def test_an_error_takes_the_bar_away_too() -> None:
    terminal = Terminal()
    try:
        with progress(terminal, "checking", delay_seconds=0):
            assert terminal.shows("checking")
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert terminal.getvalue().endswith("\x1b[1A\x1b[2K")


def test_a_file_gets_no_bar() -> None:
    stream = io.StringIO()
    things = [1, 2]
    with progress(stream, "checking", delay_seconds=0) as track:
        assert track(things) is things
    assert stream.getvalue() == ""


def test_rich_is_loaded_only_for_a_bar() -> None:
    script = (
        "import io, sys\n"
        "from rules_engine.cli.progress import progress\n"
        "class Terminal(io.StringIO):\n"
        "    isatty = lambda self: True\n"
        "with progress(Terminal(), 'checking', delay_seconds=3600) as track:\n"
        "    list(track([1]))\n"
        "sys.exit('rich' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
