"""What AWS refuses while something is deployed or examined -> a DeploymentError in words for whoever asked.

`asking("read the table 'orders'")` stands around calls of boto3. Out come no credentials, credentials that
are not accepted, a denied call, throttling and a service that cannot be reached, each with what to do; for
any other error AWS's own code and message.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rules_engine.error_class import THROTTLING_CODES
from rules_engine.errors import RulesEngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "Forbidden"})
_NOT_ACCEPTED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)

_TOO_LATE = frozenset({"RequestExpired", "RequestTimeTooSkewed"})


class DeploymentError(RulesEngineError):
    """What stands in the way of a deployment, or of a look at one. `code` is AWS's, where it was AWS."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


@contextmanager
def asking(what: str) -> Iterator[None]:
    """`what` completes "cannot ...". Raises DeploymentError for what boto3 raises."""
    # Not at the top: commands that ask AWS nothing import this for the exception.
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    try:
        yield
    except boto.ClientError as error:
        answer = error.response.get("Error", {})
        raise _refused(what, str(answer.get("Code")), str(answer.get("Message", ""))) from error
    except (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.TokenRetrievalError,
        boto.SSOError,
    ) as error:
        raise DeploymentError(
            f"cannot {what}: there are no AWS credentials; set AWS_PROFILE, or log in with 'aws sso login'"
        ) from error
    except ResponseParserError as error:
        raise DeploymentError(
            f"cannot {what}: the answer is not one of AWS; is there a proxy in between, or another server at "
            "AWS_ENDPOINT_URL?"
        ) from error
    except boto.WaiterError as error:
        raise DeploymentError(f"cannot {what}: {error.kwargs.get('reason', error)}") from error
    except (boto.ConnectionError, boto.HTTPClientError) as error:
        raise DeploymentError(f"cannot {what}: {error}; is the region right, and the network up?") from error
    except boto.BotoCoreError as error:
        raise DeploymentError(f"cannot {what}: {error}") from error


def _refused(what: str, code: str, message: str) -> DeploymentError:
    if code in _DENIED:
        advice = "let the role that you deploy with do that"
        return DeploymentError(f"cannot {what}: access denied: {message or code}; {advice}", code)
    if code in _NOT_ACCEPTED:
        return DeploymentError(
            f"cannot {what}: AWS does not accept the credentials ({code}); log in again", code
        )
    if code in _TOO_LATE:
        return DeploymentError(
            f"cannot {what}: AWS finds the request too old ({code}); is the clock of this machine right?",
            code,
        )
    if code in THROTTLING_CODES:
        return DeploymentError(f"cannot {what}: AWS is throttling ({code}); try again in a minute", code)
    return DeploymentError(f"cannot {what}: {code}: {message}", code)
