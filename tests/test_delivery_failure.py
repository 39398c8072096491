from __future__ import annotations

import socket
import ssl
from typing import Any

import botocore.session
import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.retries import standard
from urllib3.exceptions import NameResolutionError

from rules_engine.delivery.failure import Failure, classify
from rules_engine.error_class import (
    PERMANENT_CODES,
    SYSTEMIC_CODES,
    TRANSIENT_CODES,
    class_of_code,
    class_of_status,
)
from rules_engine.errors import ActionError, EvaluationError, SettingsError, TemplateError


def answer(code: str, status: int = 400, reasons: list[str] | None = None) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "canary"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    if reasons is not None:
        response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(response, "PutItem")


def codes_that_botocore_retries() -> set[str]:
    """From both of its lists: the one of its standard mode and the data of its legacy mode."""
    found = {*standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES}
    found |= {*standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES}
    data = botocore.session.get_session().get_component("data_loader").load_data("_retry")
    stack: list[Any] = [
        data["definitions"],
        *(data["retry"][name] for name in ("__default__", "dynamodb", "sqs")),
    ]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found |= {node["service_error_code"]} if "service_error_code" in node else set()
            stack += node.values()
    return found


def test_every_code_that_botocore_tries_again_is_transient() -> None:
    codes = codes_that_botocore_retries()
    assert {"ThrottlingException", "ReplicatedWriteConflictException", "RequestThrottled"} <= codes
    assert {code for code in codes if class_of_code(code) != "transient"} == set()


def test_every_status_that_botocore_tries_again_is_transient() -> None:
    statuses = {*standard.TransientRetryableChecker._TRANSIENT_STATUS_CODES, 429, 509}
    assert {class_of_status(status) for status in statuses} == {"transient"}


@pytest.mark.parametrize(
    ("statuses", "error_class"),
    [
        ((400, 405, 406, 411, 413, 414, 415, 422, 451), "permanent"),
        ((408, 425, 429, 500, 502, 503, 504, 599), "transient"),
        ((401, 403, 404), "systemic"),
        ((410,), "gone"),
        ((100, 301, 302, 308, 402, 409, 418, 600), "unknown"),
    ],
)
def test_a_status_has_a_class(statuses: tuple[int, ...], error_class: str) -> None:
    assert {class_of_status(status) for status in statuses} == {error_class}


@pytest.mark.parametrize(
    ("error", "error_class", "code"),
    [
        (answer("ValidationException"), "permanent", "ValidationException"),
        (answer("InvalidParameter"), "permanent", "InvalidParameter"),
        (answer("ThrottlingException"), "transient", "ThrottlingException"),
        (answer("SomethingNew", 503), "transient", "SomethingNew"),
        (answer("SomethingNew", 403), "systemic", "SomethingNew"),
        (answer("SomethingNew", 400), "unknown", "SomethingNew"),
        (answer("AccessDeniedException"), "systemic", "AccessDeniedException"),
        (answer("ResourceNotFoundException"), "systemic", "ResourceNotFoundException"),
        (answer("NotFound", 404), "systemic", "NotFound"),
        (answer("ExpiredTokenException"), "systemic", "ExpiredTokenException"),
        (boto.ReadTimeoutError(endpoint_url="http://canary"), "transient", "ReadTimeoutError"),
        (boto.ConnectTimeoutError(endpoint_url="http://canary"), "transient", "ConnectTimeoutError"),
        (boto.ConnectionClosedError(endpoint_url="http://canary"), "transient", "ConnectionClosedError"),
        (boto.EndpointConnectionError(endpoint_url="http://canary"), "transient", "EndpointConnectionError"),
        (
            boto.EndpointConnectionError(
                endpoint_url="http://canary", error=NameResolutionError("canary", None, socket.gaierror())
            ),
            "systemic",
            "EndpointConnectionError",
        ),
        (
            boto.EndpointConnectionError(endpoint_url="http://canary", error=socket.gaierror()),
            "systemic",
            "EndpointConnectionError",
        ),
        (ClientError({}, "PutItem"), "unknown", "ClientError"),
        (ClientError({"ResponseMetadata": {}}, "PutItem"), "unknown", "ClientError"),
        (boto.SSLError(endpoint_url="http://canary", error="canary"), "systemic", "SSLError"),
        (boto.NoCredentialsError(), "systemic", "NoCredentialsError"),
        (boto.ParamValidationError(report="canary"), "permanent", "ParamValidationError"),
        (boto.DataNotFoundError(data_path="canary"), "unknown", "DataNotFoundError"),
        (ConnectionResetError("canary"), "transient", "ConnectionResetError"),
        (TimeoutError("canary"), "transient", "TimeoutError"),
        (ssl.SSLError("canary"), "systemic", "SSLError"),
        (socket.gaierror("canary"), "systemic", "gaierror"),
        (OSError("canary"), "unknown", "OSError"),
        (ZeroDivisionError("canary"), "unknown", "ZeroDivisionError"),
    ],
)  # fmt: skip
def test_an_exception_of_others_has_a_class_and_no_words_of_ours(
    error: Exception, error_class: Any, code: str
) -> None:
    assert classify(error) == Failure(error_class, code, None, None, str(error))


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        # SQS
        ("AWS.SimpleQueueService.NonExistentQueue", 400, "systemic"),
        ("InvalidAddress", 400, "systemic"),
        ("InvalidMessageContents", 400, "permanent"),
        ("KMS.AccessDeniedException", 400, "systemic"),
        ("KMS.ThrottlingException", 400, "transient"),
        ("RequestThrottled", 403, "transient"),
        # EventBridge, of a call and of an entry
        ("InternalException", 500, "transient"),
        ("InternalFailure", 0, "transient"),
        ("MalformedDetail", 0, "permanent"),
        ("InvalidArgument", 0, "permanent"),
        ("NotAuthorizedForSourceException", 0, "systemic"),
        # Firehose
        ("InvalidArgumentException", 400, "permanent"),
        ("InvalidKMSResourceException", 400, "systemic"),
        ("InvalidSourceException", 400, "systemic"),
        ("ResourceNotFoundException", 400, "systemic"),
        ("ServiceUnavailableException", 500, "transient"),
        # Lambda
        ("EFSIOException", 410, "transient"),
        ("InvalidRequestContentException", 400, "permanent"),
        ("KMSDisabledException", 502, "systemic"),
        ("RecursiveInvocationException", 400, "permanent"),
        ("RequestTooLargeException", 413, "permanent"),
        ("ResourceConflictException", 409, "transient"),
        ("ResourceNotReadyException", 502, "transient"),
        ("ServiceException", 500, "transient"),
        ("SnapStartTimeoutException", 408, "transient"),
        ("TooManyRequestsException", 429, "transient"),
        # Step Functions
        ("ExecutionLimitExceeded", 400, "transient"),
        ("InvalidArn", 400, "systemic"),
        ("InvalidExecutionInput", 400, "permanent"),
        ("KmsThrottlingException", 400, "transient"),
        ("StateMachineDeleting", 400, "systemic"),
        ("StateMachineDoesNotExist", 400, "systemic"),
    ],
)
def test_each_service_has_codes_of_its_own(code: str, status: int, expected: str) -> None:
    failure = classify(answer(code, status))
    assert (failure.code, failure.error_class) == (code, expected)


def test_no_code_has_two_classes() -> None:
    classes = (TRANSIENT_CODES, SYSTEMIC_CODES, PERMANENT_CODES)
    assert sum(map(len, classes)) == len(frozenset().union(*classes))


@pytest.mark.parametrize(
    ("reasons", "error_class", "code"),
    [
        (["None", "TransactionConflict"], "transient", "TransactionConflict"),
        (["ThrottlingError", "None"], "transient", "ThrottlingError"),
        (["ProvisionedThroughputExceeded"], "transient", "ProvisionedThroughputExceeded"),
        (["TransactionConflict", "ValidationError"], "permanent", "ValidationError"),
        (["ItemCollectionSizeLimitExceeded", "None"], "permanent", "ItemCollectionSizeLimitExceeded"),
        (["AccessDenied", "TransactionConflict"], "systemic", "AccessDenied"),
        (["ConditionalCheckFailed", "TransactionConflict"], "unknown", "ConditionalCheckFailed"),
        (["None", "None"], "unknown", "TransactionCanceledException"),
        ([], "unknown", "TransactionCanceledException"),
    ],
)
def test_a_cancelled_transaction_has_the_class_and_the_code_of_its_worst_reason(
    reasons: list[str], error_class: str, code: str
) -> None:
    failure = classify(answer("TransactionCanceledException", 400, reasons))
    assert (failure.error_class, failure.code) == (error_class, code)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (TemplateError("too long"), Failure("permanent", "TemplateError", "too long")),
        (EvaluationError("no number"), Failure("permanent", "EvaluationError", "no number")),
        (SettingsError("missing"), Failure("unknown", "SettingsError", "missing")),
        (ActionError("HTTP_302", "answered 302"), Failure("unknown", "HTTP_302", "answered 302")),
        (ActionError("HTTP_429", "busy", "transient", 5.0), Failure("transient", "HTTP_429", "busy", 5.0)),
    ],
)
def test_our_own_errors_keep_their_words(error: Exception, failure: Failure) -> None:
    assert classify(error) == failure
