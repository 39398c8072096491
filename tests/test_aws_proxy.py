"""The proxy of other tests: what passes through it, and that boto3 reads its errors as those of AWS."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import get_session

from tests.aws_proxy import AwsProxy, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

pytestmark = pytest.mark.local


def client(service: str, url: str) -> Any:
    return get_session().create_client(
        service,
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_objects_of_any_size_pass_in_pieces_too(
    ministack: Ministack, unique_name: Callable[[str], str]
) -> None:
    bucket, data = unique_name("objects"), bytes(range(256)) * 4096
    with AwsProxy(ministack.endpoint_url) as proxy:
        s3 = client("s3", proxy.url)
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_object(Bucket=bucket, Key="whole", Body=data)
        connection = http.client.HTTPConnection(proxy.address, timeout=30)
        pieces = (data[place : place + 100_000] for place in range(0, len(data), 100_000))
        connection.request("PUT", f"/{bucket}/pieces", pieces, encode_chunked=True)
        assert connection.getresponse().status == 200
        connection.close()
        for key in ("whole", "pieces"):
            assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(data)
            assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == data
            s3.delete_object(Bucket=bucket, Key=key)
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    each = ["HeadObject", "GetObject", "DeleteObject"]
    assert proxy.calls[1:-1] == ["PutObject", "PutObject", *each, *each]


@pytest.mark.parametrize(
    ("service", "name", "request_"),
    [
        ("dynamodb", "ListTables", {}),
        ("sqs", "ListQueues", {}),
        ("sns", "Publish", {"TopicArn": "arn:aws:sns:eu-central-1:000000000000:t", "Message": "m"}),
        ("events", "PutEvents", {"Entries": [{}]}),
        ("stepfunctions", "ListStateMachines", {}),
        ("lambda", "Invoke", {"FunctionName": "f"}),
        ("s3", "PutObject", {"Bucket": "bucket", "Key": "k", "Body": b"b"}),
    ],
)
def test_every_service_says_errors_in_its_own_way(
    service: str, name: str, request_: dict[str, Any], ministack: Ministack
) -> None:
    fault = Fault("SlowDown", 503)
    with AwsProxy(ministack.endpoint_url, lambda _: fault) as proxy:
        each = client(service, proxy.url)
        method = {operation: method for method, operation in each.meta.method_to_api_mapping.items()}[name]
        with pytest.raises(ClientError) as caught:
            getattr(each, method)(**request_)
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == ("SlowDown", 503)
    assert proxy.calls == [name]
