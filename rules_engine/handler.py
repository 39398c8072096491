"""The Lambda entry point: `rules_engine.handler.lambda_handler`.

Inside Lambda the function is built when this module is imported, so a bad bundle or setting shows as an
error of the start and not of a batch, and the first batch does not pay for it. Anywhere else importing has
no effect.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from rules_engine.function import Function
from rules_engine.log_line import write_line
from rules_engine.settings import Settings

if TYPE_CHECKING:
    from rules_engine.delivery.response import BatchResponse


@cache
def _function() -> Function:
    return Function.from_settings(Settings.from_environment(os.environ), os.environ, metrics=write_line)


def lambda_handler(event: Any, context: object) -> BatchResponse:
    """What Lambda calls with a batch of stream records."""
    return _function()(event, context)


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    _function()
