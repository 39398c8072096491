"""What went wrong with an effect, as a class that decides what happens next.

`classify` takes any exception that rendering or performing raised and gives a `Failure`: its class, a short
stable code, our own words if they are ours (what a service or a library says may quote the request), and how
long the target asked to wait.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from rules_engine.error_class import class_of_code
from rules_engine.errors import ActionError, EvaluationError, RulesEngineError, TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.errors import ErrorClass

_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.NoAuthTokenError,
)


class Failure(NamedTuple):
    """Why a try failed. `message` is in our own words; `said` is what anybody else said, for the log of a
    function that may show values."""

    error_class: ErrorClass
    code: str
    message: str | None = None
    retry_after_seconds: float | None = None
    said: str | None = None


def classify(error: BaseException) -> Failure:
    """The failure that an exception stands for."""
    ours = isinstance(error, RulesEngineError)
    wait = error.retry_after_seconds if isinstance(error, ActionError) else None
    message, said = (str(error), None) if ours else (None, str(error))
    return Failure(_class_of(error), code_of(error), message, wait, said)


def code_of(error: BaseException) -> str:
    """A short, stable name of what went wrong, without any value."""
    if isinstance(error, ActionError):
        return error.code
    if isinstance(error, ClientError):
        return _reason_of(error) or str(_error_of(error).get("Code", "ClientError"))
    return type(error).__name__


def _reason_of(error: ClientError) -> str | None:
    """Why a transaction was cancelled: its worst reason, where what can never succeed is the worst."""
    reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
    codes = [code for code in reasons if code not in (None, "None")]
    order: tuple[ErrorClass, ...] = ("permanent", "unknown", "systemic", "transient")
    return min(codes, key=lambda code: order.index(class_of_code(code)), default=None)


def _error_of(error: ClientError) -> Mapping[str, Any]:
    found: Mapping[str, Any] = error.response.get("Error", {})
    return found


def _class_of(error: BaseException) -> ErrorClass:
    if isinstance(error, ActionError):
        return error.error_class
    if isinstance(error, (TemplateError, EvaluationError)):
        return "permanent"
    if isinstance(error, ClientError):
        return _class_of_answer(error)
    if isinstance(error, BotoCoreError):
        return _class_of_boto(error)
    # Before OSError's other kinds: both are OSErrors.
    if isinstance(error, (ssl.SSLError, socket.gaierror)):
        return "systemic"
    if isinstance(error, (TimeoutError, ConnectionError)):
        return "transient"
    return "unknown"


def _class_of_answer(error: ClientError) -> ErrorClass:
    if (reason := _reason_of(error)) is not None:
        return class_of_code(reason)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return class_of_code(code_of(error), status)


def _class_of_boto(error: BotoCoreError) -> ErrorClass:
    if isinstance(error, boto.ParamValidationError):
        return "permanent"
    if isinstance(error, (boto.SSLError, *_NO_CREDENTIALS)):
        return "systemic"
    if isinstance(error, boto.EndpointConnectionError):
        # A name that does not resolve and a port that refuses are one error to botocore.
        cause = type(error.kwargs.get("error")).__name__
        return "systemic" if cause in ("NameResolutionError", "gaierror") else "transient"
    if isinstance(error, (boto.ConnectionError, boto.HTTPClientError)):
        return "transient"
    return "unknown"
