"""A version that is published: every request that is made of Lambda, in its order."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rules_engine.deploy.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = b"package"
SHA256 = base64.b64encode(hashlib.sha256(PACKAGE).digest()).decode()
FUNCTION = {"FunctionName": "rules"}


@dataclass
class Lambda:
    """Keeps every request. The function has another revision after each change."""

    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**request: Any) -> dict[str, Any]:
            self.requests.append((operation, request))
            variables = {"TOPIC": "t", "RULES": "old"}
            revision = f"after {len(self.requests)} requests"
            return {
                "Version": "7",
                "CodeSha256": SHA256,
                "RevisionId": revision,
                "Environment": {"Variables": variables},
            }

        return call

    def get_waiter(self, name: str) -> Lambda:
        assert name == "function_updated_v2"
        return self


def test_a_version_is_published_of_this_package_and_of_what_was_just_set() -> None:
    client = Lambda()
    published = Versions(client, "rules", "live", lambda url: b"").publish(
        {"S3Bucket": "code", "S3Key": "key"}, PACKAGE, {"RULES": "new"}, "rules 1234"
    )
    waited = ("wait", {**FUNCTION, "WaiterConfig": {"Delay": 1, "MaxAttempts": 120}})
    asked = ("get_function_configuration", FUNCTION)
    assert client.requests == [
        ("update_function_code", {**FUNCTION, "S3Bucket": "code", "S3Key": "key"}),
        waited,
        asked,
        (
            "update_function_configuration",
            {
                **FUNCTION,
                "Environment": {"Variables": {"TOPIC": "t", "RULES": "new"}},
                "Description": "rules 1234",
                "RevisionId": "after 3 requests",
            },
        ),
        waited,
        asked,
        (
            "publish_version",
            {
                **FUNCTION,
                "CodeSha256": SHA256,
                "Description": "rules 1234",
                "RevisionId": "after 6 requests",
            },
        ),
        ("update_alias", {**FUNCTION, "Name": "live", "FunctionVersion": "7"}),
    ]
    sha256 = hashlib.sha256(PACKAGE).hexdigest()
    assert (published.number, published.code_sha256) == ("7", sha256)
