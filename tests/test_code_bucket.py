"""The bucket of function packages: every request that is made of S3, and which are not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from rules_engine.deploy.code_bucket import CodeBucket, package_key
from rules_engine.deploy.refusals import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT = "123456789012"
PACKAGE = b"package"
KEY = package_key(PACKAGE)
OWNED = {"Bucket": "code", "ExpectedBucketOwner": ACCOUNT}


@dataclass
class S3:
    """Keeps every request, and answers some of them with a status that is an error."""

    errors: dict[str, int] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**request: Any) -> dict[str, Any]:
            self.requests.append((operation, request))
            status = self.errors.get(operation)
            if status is not None:
                answer = {"Error": {"Code": str(status)}, "ResponseMetadata": {"HTTPStatusCode": status}}
                raise ClientError(answer, operation)
            return {}

        return call


def upload(s3: S3, region: str = "eu-central-1", is_ours: bool = True) -> None:
    CodeBucket(s3, "code", ACCOUNT, region, is_ours).upload(KEY, PACKAGE)


HEADS = [("head_bucket", OWNED), ("head_object", {**OWNED, "Key": KEY})]
PUT = ("put_object", {**OWNED, "Key": KEY, "Body": PACKAGE, "ServerSideEncryption": "AES256"})


@pytest.mark.parametrize(
    ("region", "place", "partition"),
    [
        ("eu-central-1", {"CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}, "aws"),
        ("us-east-1", {}, "aws"),
        ("cn-north-1", {"CreateBucketConfiguration": {"LocationConstraint": "cn-north-1"}}, "aws-cn"),
        (
            "us-gov-west-1",
            {"CreateBucketConfiguration": {"LocationConstraint": "us-gov-west-1"}},
            "aws-us-gov",
        ),
    ],
)
def test_a_bucket_that_is_made_is_private_encrypted_and_tls_only(
    region: str, place: dict[str, Any], partition: str
) -> None:
    s3 = S3({"head_bucket": 404, "head_object": 404})
    upload(s3, region)
    arn = f"arn:{partition}:s3:::code"
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    private = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    encrypted = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    policy = json.loads(s3.requests[4][1].pop("Policy"))
    assert policy == {"Version": "2012-10-17", "Statement": [deny]}
    assert s3.requests == [
        HEADS[0],
        ("create_bucket", {"Bucket": "code", **place}),
        ("put_public_access_block", {**OWNED, "PublicAccessBlockConfiguration": private}),
        ("put_bucket_encryption", {**OWNED, "ServerSideEncryptionConfiguration": encrypted}),
        ("put_bucket_policy", OWNED),
        HEADS[1],
        PUT,
    ]


def test_a_bucket_that_is_there_is_used_as_it_is() -> None:
    s3 = S3({"head_object": 404})
    upload(s3)
    assert s3.requests == [*HEADS, PUT]


def test_a_package_that_lies_there_is_not_sent_again() -> None:
    s3 = S3()
    upload(s3)
    assert s3.requests == HEADS


def test_a_bucket_that_somebody_else_has_gets_nothing() -> None:
    s3 = S3({"head_bucket": 403})
    with pytest.raises(DeploymentError) as refusal:
        upload(s3)
    assert str(refusal.value) == (
        "cannot look for the bucket 'code': access denied: 403; let the role that you deploy with do that"
    )
    assert s3.requests == HEADS[:1]


def test_a_bucket_that_was_named_is_never_made() -> None:
    s3 = S3({"head_bucket": 404})
    with pytest.raises(DeploymentError) as refusal:
        upload(s3, is_ours=False)
    assert (str(refusal.value), refusal.value.code) == (
        "there is no bucket 'code'; make it, or leave --bucket out",
        "NoSuchBucket",
    )
    assert s3.requests == HEADS[:1]
