"""The Lambda entry point: `rules_engine.handler.lambda_handler`.

Inside Lambda the function is built when this module is imported, so a bad bundle or setting shows as an
error of the start and not of a batch, and the first batch does not pay for it. Anywhere else importing has
no effect.

Nothing that a start makes is garbage, but to find that out Python's collector goes through all of boto3,
40 ms each time. So it rests until the function is built, and later leaves alone what is there by then.
"""

from __future__ import annotations

import gc
import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules_engine.delivery.response import BatchResponse
    from rules_engine.function import Function


@cache
def _function() -> Function:
    # Imported here, so that the collector rests meanwhile.
    from rules_engine.function import Function
    from rules_engine.log_line import write_line
    from rules_engine.settings import Settings

    return Function.from_settings(Settings.from_environment(os.environ), os.environ, metrics=write_line)


def lambda_handler(event: Any, context: object) -> BatchResponse:
    """What Lambda calls with a batch of stream records."""
    return _function()(event, context)


def _start() -> None:
    gc.disable()
    try:
        _function()
    finally:
        gc.enable()
    gc.freeze()


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    _start()
