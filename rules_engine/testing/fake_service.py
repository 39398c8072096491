"""What all fakes of AWS services share: their place behind `FakeAws`, and errors as boto3 raises them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.testing.fake_aws import FakeAws
    from rules_engine.testing.faults import Fault

NOTHING: frozenset[int] = frozenset()
T = TypeVar("T")


class FakeService:
    """`exceptions.X` is the class of errors with code X, as on a boto3 client."""

    service = ""

    def __init__(self, aws: FakeAws) -> None:
        self._aws = aws

    @property
    def exceptions(self) -> ErrorClasses:
        return ErrorClasses()

    def _perform(self, operation: str, request: Mapping[str, Any], effect: Callable[[Fault | None], T]) -> T:
        return self._aws.perform(self.service, operation, request, effect)

    def _took_effect(self, operation: str, request: Mapping[str, Any]) -> None:
        self._aws.took_effect(self.service, operation, request)


class ErrorClasses:
    """`exceptions` of a client."""

    def __getattr__(self, code: str) -> type[Exception]:
        return error_class(code)


@cache
def error_class(code: str) -> type[Exception]:
    """botocore's ClientError, and a class of its own for each code."""
    from botocore.exceptions import ClientError

    return ClientError if code == "ClientError" else type(code, (ClientError,), {})


_STATUS = {"InternalServerError": 500, "InternalFailure": 500, "ServiceUnavailable": 503, "SlowDown": 503}


def raise_error(operation: str, code: str, message: str = "", **members: Any) -> NoReturn:
    """As boto3 raises an error of a service."""
    response = {
        "Error": {"Code": code, "Message": message or f"made to fail with {code}"},
        "ResponseMetadata": {"HTTPStatusCode": _STATUS.get(code, 400), "RetryAttempts": 0},
        **members,
    }
    raise error_class(code)(response, operation)


def raise_timeout() -> NoReturn:
    """As boto3 raises when no answer comes."""
    from botocore.exceptions import ReadTimeoutError

    raise ReadTimeoutError(endpoint_url="https://fake.invalid")
