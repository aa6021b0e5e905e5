"""Log files of a CloudTrail trail, parsed as the pipeline parses them, for tests of the source."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from labelhouse.identities import Identities
from labelhouse.schema.tables import QUARANTINE
from labelhouse.sources import Unit
from labelhouse.sources.cloudtrail import SOURCE
from labelhouse.sources.parsed import Parsed
from parsed_rows import ADDED, rows_by_unit, rows_of

IDENTITIES = Identities("a key for tests, long enough to use")
UNIT_AT = datetime(2024, 5, 6, 7, 10, tzinfo=UTC)
ACCOUNT = "111122223333"
FOLDER = f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2024/05/06"
LOG = f"s3://trails/{FOLDER}/{ACCOUNT}_CloudTrail_eu-west-1_20240506T0710Z_Ab1Cd2Ef3Gh4Ij5K.json.gz"
SESSION = "ada.canary@example.com"
USER = "grace-canary-hopper"
ADDRESS = "203.0.113.77"
ACCESS_KEY = "ASIACANARYKEY1234567"

Json = dict[str, Any]


@dataclass
class Result:
    """Everything that parsing log files gave; rows in the order of the records."""

    tables: dict[str, list[Json]] = field(default_factory=lambda: {name: [] for name in SOURCE.tables})
    quarantined: list[Json] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    parts_filtered: int = 0

    @property
    def points(self) -> list[Json]:
        return self.tables["training_metrics"]

    @property
    def events(self) -> list[Json]:
        return self.tables["management_events"]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(row["position"], row["reason"]) for row in self.quarantined]


def parse(data: bytes, uri: str = LOG) -> Result:
    """Parses one log file, and checks what must be true of every one of its chunks."""
    (result,) = parse_many([(uri, data)]).values()
    return result


def parse_many(files: Iterable[tuple[str, bytes]]) -> dict[str, Result]:
    """URI → what its log file gave, all files parsed as one batch."""
    results: dict[str, Result] = {}
    units = [(Unit(uri, "v1", UNIT_AT, len(data)), data) for uri, data in files]
    keys: dict[tuple[str, str], dict[int, str]] = {}
    for unit, chunk in SOURCE.parse(units, IDENTITIES):
        _add(results.setdefault(unit.uri, Result()), chunk)
        for name, columns in chunk.tables.items():
            for uri, rows in rows_by_unit(unit.uri, name, columns).items():
                results[uri].tables[name] += rows
            records, of_records, uris = chunk.record_keys[name]
            of_units = [unit.uri] * len(records) if uris is None else uris.to_pylist()
            for uri, number, key in zip(of_units, records, pa.array(of_records, pa.string()).to_pylist(), strict=True):
                assert keys.setdefault((uri, name), {}).setdefault(int(number), key) == key
    assert set(results) == {unit.uri for unit, _ in units}
    for uri, result in results.items():
        found = {name: _keys_of(rows) for name, rows in result.tables.items()}
        assert found == {name: keys.get((uri, name), {}) for name in result.tables}
        assert sum(map(len, found.values())) == result.counts["loaded"]
        for rows in [*result.tables.values(), result.quarantined]:
            rows.sort(key=lambda row: [int(number) for number in row["position"].split("/")])
    return results


def _keys_of(rows: list[Json]) -> dict[int, str]:
    """Number of a record → its key, as its rows say it."""
    return {int(row["position"].partition("/")[0]): row["event_id"] for row in rows}


def _add(result: Result, chunk: Parsed) -> None:
    counts = {name: getattr(chunk, f"records_{name}") for name in ("read", "loaded", "quarantined", "filtered")}
    assert counts["read"] == counts["loaded"] + counts["quarantined"] + counts["filtered"]
    result.counts.update(counts)
    result.parts_filtered += chunk.parts_filtered
    assert set(chunk.tables) <= set(SOURCE.tables)
    assert set(chunk.record_keys) == {name for name, columns in chunk.tables.items() if columns}
    if chunk.quarantined:
        assert set(chunk.quarantined) == set(QUARANTINE.column_names) - ADDED
        result.quarantined += rows_of(QUARANTINE.name, chunk.quarantined)


# --- what is delivered


def log(*records: Any) -> bytes:
    """A log file, not packed; bytes are a record as they are."""
    texts = (record if isinstance(record, bytes) else json.dumps(record).encode() for record in records)
    return b'{"Records":[' + b",".join(texts) + b"]}"


def gzipped(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)


def without(given: Json) -> Json:
    """Fields but for those of `...`."""
    return {key: value for key, value in given.items() if value is not ...}


def point(**changes: Any) -> Json:
    """A point of a metric call; a change to `...` leaves the field out."""
    given = {"metricName": "train:loss", "timestamp": 1714978800123, "step": 7, "value": 0.25}
    return without(given | changes)


def record(**changes: Any) -> Json:
    """What CloudTrail writes of every call, by a person in a session of a role."""
    caller = {
        "type": "AssumedRole",
        "principalId": f"AROACANARY:{SESSION}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Trainer/{SESSION}",
        "accountId": ACCOUNT,
        "accessKeyId": ACCESS_KEY,
        "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "Trainer"}},
    }
    given = {
        "eventVersion": "1.08",
        "userIdentity": caller,
        "eventTime": "2024-05-06T07:00:01Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": ADDRESS,
        "userAgent": "Boto3/1.34",
        "requestParameters": None,
        "responseElements": None,
        "requestID": "1b2c3d4e-0000-4000-8000-000000000001",
        "eventID": "0a1b2c3d-0000-4000-8000-000000000001",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
    }
    return without(given | changes)


def call(*points: Any, **changes: Any) -> Json:
    """A BatchPutMetrics call of these points, or of one."""
    given = {
        "eventSource": "metrics-sagemaker.amazonaws.com",
        "eventName": "BatchPutMetrics",
        "requestParameters": {"trialComponentName": "birds-7", "metricData": list(points or [point()])},
        "resources": [
            {
                "accountId": ACCOUNT,
                "type": "AWS::SageMaker::ExperimentTrialComponent",
                "ARN": f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:experiment-trial-component/birds-7",
            }
        ],
        "eventCategory": "Data",
    }
    return record(**(given | changes))


def event(operation: str, request: Any = None, service: str = "sagemaker", **changes: Any) -> Json:
    """A call that changes something of SageMaker, Cognito (`cognito-idp`) or CloudTrail."""
    given = {
        "eventSource": f"{service}.amazonaws.com",
        "eventName": operation,
        "requestParameters": request,
        "eventCategory": "Management",
    }
    return record(**(given | changes))


def by_record(given: Json) -> Json:
    """The same metric call with a time that only the way record by record reads, so that it goes that way."""
    time = given.get("eventTime")
    return given | ({"eventTime": time.replace("Z", "+00:00")} if isinstance(time, str) else {})
