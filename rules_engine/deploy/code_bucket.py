"""Where function packages lie for CloudFormation and Lambda: in S3, under the SHA-256 of their content.

A bucket that the operator names is used as it is. Without one, the stack has a bucket of its own, named after
stack, account and region, which is made when it is first needed: private, encrypted, TLS only. Every request
says whose bucket it must be: names of buckets are shared by the whole world, and anybody could have taken it.
Packages are kept, so that an older one can be deployed again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from rules_engine.deploy.refusals import DeploymentError, asking

_LONGEST_NAME = 63


def bucket_name(stack: str, account: str, region: str) -> str:
    """The name of the stack's own bucket: always the same for the same stack, at most 63 characters."""
    name = f"{stack}-code-{account}-{region}".lower()
    if len(name) <= _LONGEST_NAME:
        return name
    end = f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return name[: _LONGEST_NAME - len(end)].rstrip("-.") + end


def package_key(package: bytes) -> str:
    """The key of a package: another content has another."""
    return f"{hashlib.sha256(package).hexdigest()}.zip"


@dataclass(frozen=True, slots=True)
class CodeBucket:
    """`s3` is a boto3 client. `is_ours` says that it may be made."""

    s3: Any
    name: str
    account: str
    region: str
    is_ours: bool

    def upload(self, key: str, content: bytes) -> None:
        """Puts `content` under `key`, unless it lies there. Raises DeploymentError."""
        self._make()
        if not self._holds(key):
            with asking(f"upload to the bucket '{self.name}'"):
                self.s3.put_object(
                    Bucket=self.name,
                    Key=key,
                    Body=content,
                    ServerSideEncryption="AES256",
                    ExpectedBucketOwner=self.account,
                )

    def _make(self) -> None:
        with asking(f"look for the bucket '{self.name}'"):
            if self._exists():
                return
        if not self.is_ours:
            raise DeploymentError(
                f"there is no bucket '{self.name}'; make it, or leave --bucket out", "NoSuchBucket"
            )
        place = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
        with asking(f"make the bucket '{self.name}'"):
            self.s3.create_bucket(Bucket=self.name, **({"CreateBucketConfiguration": place} if place else {}))
            owner = {"Bucket": self.name, "ExpectedBucketOwner": self.account}
            self.s3.put_public_access_block(PublicAccessBlockConfiguration=_PRIVATE, **owner)
            self.s3.put_bucket_encryption(ServerSideEncryptionConfiguration=_ENCRYPTED, **owner)
            self.s3.put_bucket_policy(Policy=json.dumps(_tls_only(self.name, self.region)), **owner)

    def _exists(self) -> bool:
        return self._found(self.s3.head_bucket, Bucket=self.name)

    def _holds(self, key: str) -> bool:
        with asking(f"look into the bucket '{self.name}'"):
            return self._found(self.s3.head_object, Bucket=self.name, Key=key)

    def _found(self, head: Any, **of: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            head(ExpectedBucketOwner=self.account, **of)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True


_PRIVATE = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
_ENCRYPTED = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


def _tls_only(bucket: str, region: str) -> dict[str, Any]:
    partition = (
        "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    )
    arn = f"arn:{partition}:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
