from __future__ import annotations

import logging
import pkgutil
import threading
from typing import TYPE_CHECKING

import urllib3

from rules_engine.actions.unlogged import LOGGERS, unlogged

if TYPE_CHECKING:
    import pytest


def test_urllib3_logs_nothing_while_a_webhook_is_sent_and_only_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("urllib3.connection")
    with unlogged():
        logger.warning("canary")
        other = threading.Thread(target=logger.warning, args=("from another thread",))
        other.start()
        other.join()
    logger.warning("afterwards")
    assert caplog.messages == ["from another thread", "afterwards"]


def test_every_logger_of_urllib3_that_logs_requests_is_known() -> None:
    modules = {each.name for each in pkgutil.walk_packages(urllib3.__path__, "urllib3.")}
    for name in modules:
        # Without those for packages that are not installed, such as the browser's.
        if not name.startswith(("urllib3.contrib", "urllib3.http2")):
            __import__(name)
    logging_modules = {name for name in modules if name in logging.Logger.manager.loggerDict}
    loggers = {
        name
        for name in logging_modules
        if isinstance(logging.Logger.manager.loggerDict[name], logging.Logger)
    }
    assert {name for name in loggers if not name.startswith("urllib3.contrib")} <= {
        f"urllib3.{name}" for name in LOGGERS
    }
