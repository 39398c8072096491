"""HTTP statuses and AWS error codes -> what a failure means for the next try.

- permanent: the same request can never succeed;
- transient: it may succeed soon;
- systemic: the target itself is out of reach for all requests, until somebody mends something;
- gone: what the request goes to is not there any more and will not be again;
- blocked: our own policy forbids the target;
- unknown: anything else.

The codes that are worth another try are botocore's own lists (`botocore.retries.standard` and `_retry.json`),
written out because the names there are private; a test compares them with the installed version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules_engine.errors import ErrorClass

THROTTLING_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)

TRANSIENT_CODES = THROTTLING_CODES | {
    # Of S3: another write of the same key was under way.
    "ConditionalRequestConflict",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "OperationAborted",
    "ReplicatedWriteConflictException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttled",
    "TransactionConflict",
    "TransactionConflictException",
    # Of a transaction's reasons, which leave the word Exception out.
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
    # Of a key of KMS, as SQS and Step Functions say it.
    "KMS.ThrottlingException",
    "KmsThrottled",
    "KmsThrottlingException",
    # Of EventBridge.
    "InternalException",
    # Of Lambda, whose statuses say something else: 410 for a file system, 409 for a function being updated.
    "CodeArtifactUserPendingException",
    "EFSIOException",
    "ResourceConflictException",
    "SnapStartNotReadyException",
    # Of Step Functions.
    "ExecutionLimitExceeded",
}

SYSTEMIC_CODES = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "AccessDenied",
        "AccessDeniedException",
        "AccountProblem",
        "AllAccessDisabled",
        "AuthorizationError",
        "AuthorizationErrorException",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "ExpiredTokenException",
        "IllegalLocationConstraintException",
        "InvalidAccountIdException",
        "InvalidAddress",
        "InvalidArn",
        "InvalidBucketName",
        "InvalidClientTokenId",
        "InvalidKMSResourceException",
        "InvalidSecurity",
        "InvalidSignatureException",
        "InvalidSourceException",
        "KMS.AccessDeniedException",
        "KMS.DisabledException",
        "KMS.InvalidKeyUsageException",
        "KMS.InvalidStateException",
        "KMS.KMSInvalidStateException",
        "KMS.NotFoundException",
        "KMS.OptInRequired",
        "KMSAccessDenied",
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
        "KmsAccessDenied",
        "KmsAccessDeniedException",
        "KmsDisabled",
        "KmsInvalidKeyUsage",
        "KmsInvalidState",
        "KmsInvalidStateException",
        "KmsNotFound",
        "KmsOptInRequired",
        "MissingAuthenticationToken",
        "ModeNotSupportedException",
        "NoPublishedVersionException",
        "NoSuchBucket",
        "NotAuthorizedForDetailTypeException",
        "NotAuthorizedForSourceException",
        "NotFound",
        "NotFoundException",
        "OptInRequired",
        "PermanentRedirect",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
        "SignatureDoesNotMatch",
        "StateMachineDeleting",
        "StateMachineDoesNotExist",
        "UnrecognizedClientException",
    }
)

PERMANENT_CODES = frozenset(
    {
        "EntityTooLarge",
        "InvalidArgument",
        "InvalidArgumentException",
        "InvalidExecutionInput",
        "InvalidMessageContents",
        "InvalidName",
        "InvalidParameter",
        "InvalidParameterException",
        "InvalidParameterValue",
        "InvalidParameterValueException",
        "InvalidRequestContentException",
        "ItemCollectionSizeLimitExceeded",
        "ItemCollectionSizeLimitExceededException",
        "KeyTooLongError",
        "MalformedDetail",
        "ParameterValueInvalid",
        # Lambda's own detection of loops.
        "RecursiveInvocationException",
        "SerializationException",
        "ValidationError",
        "ValidationException",
    }
)

_CODES: dict[str, ErrorClass] = {
    **dict.fromkeys(TRANSIENT_CODES, "transient"),
    **dict.fromkeys(SYSTEMIC_CODES, "systemic"),
    **dict.fromkeys(PERMANENT_CODES, "permanent"),
}

_STATUSES: dict[int, ErrorClass] = {
    **dict.fromkeys((400, 405, 406, 411, 413, 414, 415, 422, 451), "permanent"),
    **dict.fromkeys((408, 425, 429), "transient"),
    **dict.fromkeys((401, 403, 404), "systemic"),
    410: "gone",
}


def class_of_status(status: int) -> ErrorClass:
    """What an HTTP answer other than 2xx means."""
    return "transient" if 500 <= status <= 599 else _STATUSES.get(status, "unknown")


def class_of_code(code: str, status: int = 0) -> ErrorClass:
    """What an AWS error code means; for one that is not known, what its HTTP status does.

    400 says nothing there: it is the status of a throttled request, too.
    """
    return _CODES.get(code) or ("unknown" if status == 400 else class_of_status(status))
