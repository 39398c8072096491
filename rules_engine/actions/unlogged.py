"""What urllib3 would log while a webhook is sent is not logged: it has the URL, which may hold secrets.

urllib3 warns with the whole URL of an answer whose headers it cannot read, which any receiver can bring
about, and at the level of debugging it logs every request. `unlogged` holds that back for the thread that
sends; what boto3 does with urllib3 in other threads is logged as ever.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGGERS = ("connection", "connectionpool", "poolmanager", "response", "util.retry")
"""Below `urllib3`: a filter holds for one logger and not for those below it."""


class _Sending(threading.local):
    is_under_way = False


_sending = _Sending()


@contextmanager
def unlogged() -> Iterator[None]:
    """As long as it lasts, urllib3 logs nothing in this thread."""
    _install()
    _sending.is_under_way = True
    try:
        yield
    finally:
        _sending.is_under_way = False


@cache
def _install() -> None:
    for name in LOGGERS:
        logging.getLogger(f"urllib3.{name}").addFilter(lambda record: not _sending.is_under_way)
