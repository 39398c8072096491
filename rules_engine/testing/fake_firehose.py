"""The fake of Firehose: `put_record` and `put_record_batch`, into streams that keep what they took."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from rules_engine.testing.fake_service import NOTHING, FakeService, raise_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.testing.fake_aws import FakeAws
    from rules_engine.testing.faults import Fault

MOST_RECORDS = 500
RECORD_BYTES = 1_024_000
CALL_BYTES = 4 * 1024 * 1024


class FakeFirehose(FakeService):
    """Streams are there as soon as they are named."""

    service = "firehose"

    def __init__(self, aws: FakeAws) -> None:
        super().__init__(aws)
        self._records: defaultdict[str, list[bytes]] = defaultdict(list)

    def records(self, stream: str) -> list[bytes]:
        """What a stream took, oldest first."""
        return self._records[stream]

    def put_record(self, **request: Any) -> dict[str, Any]:
        def effect(_fault: Fault | None) -> dict[str, Any]:
            if len(request["Record"]["Data"]) > RECORD_BYTES:
                raise_error("PutRecord", "InvalidArgumentException", "the record is too large")
            return self._put("PutRecord", request["DeliveryStreamName"], request["Record"])

        return self._perform("PutRecord", request, effect)

    def put_record_batch(self, **request: Any) -> dict[str, Any]:
        records = request["Records"]

        def effect(fault: Fault | None) -> dict[str, Any]:
            sizes = [len(record["Data"]) for record in records]
            if not 1 <= len(sizes) <= MOST_RECORDS or max(sizes) > RECORD_BYTES or sum(sizes) > CALL_BYTES:
                raise_error("PutRecordBatch", "InvalidArgumentException", "too many or too large records")
            failing = NOTHING if fault is None else fault.entries
            results = [
                {"ErrorCode": fault.code, "ErrorMessage": f"made to fail with {fault.code}"}
                if fault is not None and place in failing
                else self._put("PutRecordBatch", request["DeliveryStreamName"], record)
                for place, record in enumerate(records)
            ]
            failed = sum("ErrorCode" in each for each in results)
            return {"FailedPutCount": failed, "RequestResponses": results}

        return self._perform("PutRecordBatch", request, effect)

    def _put(self, operation: str, stream: str, record: Mapping[str, Any]) -> dict[str, Any]:
        record_id = f"record-{len(self._aws.effects)}"
        self._records[stream].append(record["Data"])
        self._took_effect(operation, {"DeliveryStreamName": stream, "Record": record})
        return {"RecordId": record_id}
