"""A progress bar for what takes longer than a second, on a terminal and nowhere else.

In: the terminal's stream, what is being done, and the things it is done to, one after another. Out: those
things, while a bar on the stream says how far it is; it is gone at the end, so that nothing of it stands
among the results. The bar is begun by a timer and moves by itself: one large file may take long, too.
Until then rich is not loaded, which would cost a quick command more than the bar is worth.
"""

from __future__ import annotations

from collections.abc import Sized
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING, Protocol, TextIO, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.progress import Progress

DELAY_SECONDS = 1.0

Thing = TypeVar("Thing")


class Track(Protocol):
    """Hands on the things it is given, each when the one before is done. `total` is how many there will be of
    things that cannot be counted yet."""

    @overload
    def __call__(self, things: Sequence[Thing], /) -> Iterable[Thing]: ...
    @overload
    def __call__(self, things: Iterable[Thing], total: int, /) -> Iterable[Thing]: ...


class _Bar:
    """What the timer's thread and the one that works share."""

    def __init__(self, stream: TextIO, doing: str) -> None:
        self._stream, self._doing = stream, doing
        self._lock = Lock()
        self._done, self._total = 0, 0
        self._shown: Progress | None = None
        self._over = False

    def show(self) -> None:
        new = _new_progress(self._stream)
        with self._lock:
            if not self._over:
                new.add_task(self._doing)
                self._shown = new
                self._draw()
                new.start()

    def advance(self, done: int, total: int) -> None:
        with self._lock:
            self._done, self._total = done, total
            self._draw()

    def end(self) -> None:
        with self._lock:
            self._over = True
            if self._shown is not None:
                self._shown.stop()

    def _draw(self) -> None:
        if self._shown is not None:
            # Without a total the bar only moves; rich takes 0 for done.
            task = self._shown.task_ids[0]
            self._shown.update(task, completed=self._done, total=self._total or None)


def _new_progress(stream: TextIO) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(file=stream),
        transient=True,
    )


@contextmanager
def progress(stream: TextIO, doing: str, delay_seconds: float = DELAY_SECONDS) -> Iterator[Track]:
    """The function to hand things through while they are worked on."""
    if not stream.isatty():
        yield _as_they_are
        return
    bar = _Bar(stream, doing)
    timer = Timer(delay_seconds, bar.show)
    timer.daemon = True
    timer.start()

    def track(things: Iterable[Thing], total: int | None = None, /) -> Iterator[Thing]:
        number = len(things) if isinstance(things, Sized) else total or 0
        bar.advance(0, number)
        for done, thing in enumerate(things, start=1):
            yield thing
            bar.advance(done, number)

    try:
        yield track
    finally:
        timer.cancel()
        bar.end()
        timer.join()


def _as_they_are(things: Iterable[Thing], total: int | None = None, /) -> Iterable[Thing]:
    return things
