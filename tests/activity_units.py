"""The worker activity log in every form of delivery, parsed as the pipeline parses it, for tests of the source."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from labelhouse.identities import Identities
from labelhouse.schema.tables import QUARANTINE
from labelhouse.sources import Unit
from labelhouse.sources.activity.times import java_date
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.worker_activity import SOURCE
from parsed_rows import ADDED, rows_of

IDENTITIES = Identities("a key for tests, long enough to use")
UNIT_AT = datetime(2024, 5, 6, 7, 10, tzinfo=UTC)
STREAM = "aws-sagemaker-groundtruth-worker-activity-111122223333-us-east-2-1565798400"
FILE = f"s3://logs/exportedlogs/11111111-2222-3333-4444-555555555555/{STREAM}/000000.gz"
HOUR = "logs://us-east-2/aws/sagemaker/groundtruth/WorkerActivity/2019-08-14T16Z"
SUB = "d6947aeb-0650-447a-ab5d-894db61017fd"
PSEUDONYM = IDENTITIES.pseudonym(SUB)
SUBMITTED_AT = datetime(2019, 8, 14, 16, 1, 4, tzinfo=UTC)
LOGGED_AT = datetime(2019, 8, 14, 16, 1, 5, 678_000, tzinfo=UTC)

Json = dict[str, Any]


@dataclass
class Result:
    """Everything that parsing a unit gave; rows in the order of the records."""

    rows: list[Json] = field(default_factory=list)
    quarantined: list[Json] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(row["position"], row["reason"]) for row in self.quarantined]


def parse(data: bytes, uri: str = FILE) -> Result:
    """Parses one unit, and checks what must be true of every one of its chunks."""
    (result,) = parse_many([(uri, data)]).values()
    return result


def parse_many(files: Iterable[tuple[str, bytes]]) -> dict[str, Result]:
    """URI → what its unit gave, all units parsed as one batch."""
    units = [(Unit(uri, "v1", UNIT_AT, len(data)), data) for uri, data in files]
    results: dict[str, Result] = {}
    for unit, chunk in SOURCE.parse(units, IDENTITIES):
        assert unit.uri not in list(results)[:-1], "the chunks of a unit follow each other"
        _add(results.setdefault(unit.uri, Result()), chunk)
    assert set(results) == {unit.uri for unit, _ in units}
    for result in results.values():
        for rows in (result.rows, result.quarantined):
            rows.sort(key=lambda row: int(row["position"]))
    return results


def _add(result: Result, chunk: Parsed) -> None:
    counts = {name: getattr(chunk, f"records_{name}") for name in ("read", "loaded", "quarantined", "filtered")}
    assert counts["read"] == counts["loaded"] + counts["quarantined"] + counts["filtered"]
    result.counts.update(counts)
    assert set(chunk.tables) == set(chunk.record_keys) <= set(SOURCE.tables)
    for name, columns in chunk.tables.items():
        rows = rows_of(name, columns)
        records, keys, _ = chunk.record_keys[name]
        of_rows = {int(row["position"]): row["activity_id"] for row in rows}
        assert dict(zip(map(int, records), pa.array(keys, pa.string()).to_pylist(), strict=True)) == of_rows
        assert len(of_rows) == len(rows) == counts["loaded"]
        result.rows += rows
    if chunk.quarantined:
        assert set(chunk.quarantined) == set(QUARANTINE.column_names) - ADDED
        result.quarantined += rows_of(QUARANTINE.name, chunk.quarantined)


# --- what is delivered


def record(**changes: Any) -> Json:
    """A record as AWS's documentation shows it; a change to `...` leaves the field out."""
    given = {
        "worker_id": "cd449a289e129409",
        "cognito_user_pool_id": "us-east-2_IpicJXXXX",
        "cognito_sub_id": SUB,
        "task_accepted_time": "Wed Aug 14 16:00:59 UTC 2019",
        "task_submitted_time": "Wed Aug 14 16:01:04 UTC 2019",
        "task_returned_time": "",
        "task_declined_time": "",
        "workteam_arn": "arn:aws:sagemaker:us-east-2:111122223333:workteam/private-crowd/Sample-labeling-team",
        "labeling_job_arn": "arn:aws:sagemaker:us-east-2:111122223333:labeling-job/metrics-demo",
        "work_requester_account_id": "011122223333",
        "job_reference_code": "111122223333",
        "job_type": "Private",
        "event_type": "TasksSubmitted",
        "event_timestamp": "1565798464",
    }
    return {key: value for key, value in (given | changes).items() if value is not ...}


def at(moment: datetime, **changes: Any) -> Json:
    """The record of a task that was submitted then, 5 seconds after it was accepted."""
    return record(
        **{
            "task_accepted_time": java_date(moment - timedelta(seconds=5)),
            "task_submitted_time": java_date(moment),
            "event_timestamp": str(int(moment.timestamp())),
        }
        | changes
    )


def many(count: int, **changes: Any) -> list[Json]:
    """Records of several workers and jobs, second by second: enough to be read as columns."""
    return [
        at(
            SUBMITTED_AT + timedelta(seconds=number),
            worker_id=f"cd449a289e12940{number % 3}",
            labeling_job_arn=f"arn:aws:sagemaker:us-east-2:111122223333:labeling-job/job-{number % 5}",
            **changes,
        )
        for number in range(count)
    ]


def text_of(given: Any) -> bytes:
    """A record as the log writes it; bytes as they are."""
    return given if isinstance(given, bytes) else json.dumps(given).encode()


def export(*records: Any, logged_at: datetime = LOGGED_AT) -> bytes:
    """A file of an export, not packed."""
    lead = f"{logged_at:%Y-%m-%dT%H:%M:%S}.{logged_at.microsecond // 1000:03}Z ".encode()
    return b"".join(lead + text_of(each) + b"\n" for each in records)


def bare(*records: Any) -> bytes:
    """Records alone, a line each."""
    return b"".join(text_of(each) + b"\n" for each in records)


def api_events(*records: Any, logged_at: datetime = LOGGED_AT) -> list[Json]:
    """Events as FilterLogEvents gives them."""
    return [
        {
            "eventId": f"{number:056}",
            "logStreamName": STREAM,
            "message": text_of(each).decode("utf-8", "surrogatepass"),
            "timestamp": round(logged_at.timestamp() * 1000),
        }
        for number, each in enumerate(records)
    ]


def hour(*records: Any) -> bytes:
    """An hour of the log group as it is kept."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in api_events(*records))


def envelope(*records: Any, **changes: Any) -> Json:
    """What a subscription delivers."""
    events = [
        {"id": each["eventId"], "timestamp": each["timestamp"], "message": each["message"]}
        for each in api_events(*records)
    ]
    return {
        "messageType": "DATA_MESSAGE",
        "owner": "111122223333",
        "logGroup": "/aws/sagemaker/groundtruth/WorkerActivity",
        "logStream": STREAM,
        "subscriptionFilters": ["to-firehose"],
        "logEvents": events,
    } | changes


def gzipped(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)
