"""Exports of logs to S3: each takes a while, one runs at a time, and lines come in no order."""

from __future__ import annotations

import gzip
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from labelhouse.demo.api_logs import REFUSAL, find_group, milliseconds
from labelhouse.demo.chance import generator
from labelhouse.demo.region import Export, Region, has_bucket, store
from labelhouse.demo.wire import ApiError, Parameters, operation, page
from labelhouse.demo.world import Write

#: An export waits, then runs, so long altogether.
EXPORT_WAITS, EXPORT_TAKES = timedelta(seconds=3), timedelta(seconds=12)
_EVENTS_PER_FILE = 5_000


def _create_export_task(region: Region, request: Parameters) -> dict[str, Any]:
    """The export has all that the log holds when it ends."""
    group = find_group(region, request["logGroupName"])
    if request["from"] > request["to"]:
        raise ApiError(REFUSAL, "'from' must not be after 'to'.")
    if not has_bucket(request["destination"]):
        raise ApiError(REFUSAL, "The given bucket does not exist. Please provide a valid bucket.")
    if any(_status(region, export) in ("PENDING", "RUNNING") for export in region.exports.values()):
        raise ApiError("LimitExceededException", "Resource limit exceeded.")
    export = Export(
        task_id=str(uuid.uuid4()),
        task_name=request.get("taskName"),
        stream_prefix=request.get("logStreamNamePrefix", ""),
        begin=request["from"],
        end=request["to"],
        bucket=request["destination"],
        prefix=request.get("destinationPrefix", "exportedlogs"),
        created_at=region.now,
        group=group,
    )
    store(export.bucket, Write(region.now, f"{export.prefix}/aws-logs-write-test", b"Permission Check Successful"))
    region.exports[export.task_id] = export
    return {"taskId": export.task_id}


def _describe_export_tasks(region: Region, request: Parameters) -> dict[str, Any]:
    wanted_id, wanted_status = request.get("taskId"), request.get("statusCode")
    tasks = [
        _export_task(region, export)
        for export in region.exports.values()
        if wanted_id in (None, export.task_id) and wanted_status in (None, _status(region, export))
    ]
    if wanted_id and not tasks and wanted_id not in region.exports:
        raise ApiError("ResourceNotFoundException", "The specified export task does not exist.")
    shown, rest = page(region, tasks, request, "nextToken", request.get("limit", 50), REFUSAL)
    return {"exportTasks": shown, **rest}


def _export_task(region: Region, export: Export) -> dict[str, Any]:
    status = _status(region, export)
    execution = {"creationTime": milliseconds(export.created_at)}
    if status == "COMPLETED":
        execution["completionTime"] = milliseconds(export.created_at + EXPORT_TAKES)
    task = {
        "taskId": export.task_id,
        "logGroupName": export.group,
        "from": export.begin,
        "to": export.end,
        "destination": export.bucket,
        "destinationPrefix": export.prefix,
        "status": {"code": status} | ({"message": "Completed successfully"} if status == "COMPLETED" else {}),
        "executionInfo": execution,
    }
    return task | ({"taskName": export.task_name} if export.task_name else {})


def _status(region: Region, export: Export) -> str:
    age = region.now - export.created_at
    if age >= EXPORT_TAKES:
        return "COMPLETED"
    return "RUNNING" if age >= EXPORT_WAITS else "PENDING"


def write_exports(region: Region) -> None:
    """Writes the files of the exports that are complete by now."""
    for export in region.exports.values():
        if not export.is_written and _status(region, export) == "COMPLETED":
            export.is_written = True
            by_stream: dict[str, list[str]] = defaultdict(list)
            for event in region.log_events((export.begin - 1, "~"), export.end, export.group):
                if event.stream.startswith(export.stream_prefix):
                    at = datetime.fromtimestamp(event.timestamp / 1000, UTC)
                    line = f"{at:%Y-%m-%dT%H:%M:%S}.{event.timestamp % 1000:03d}Z {event.message}\n"
                    by_stream[event.stream.replace("/", "-")].append(line)
            for stream, lines in by_stream.items():
                _write_stream(region, export, stream, lines)


def _write_stream(region: Region, export: Export, stream: str, lines: list[str]) -> None:
    order = generator(0, "export", stream).permutation(len(lines))
    for number, first in enumerate(range(0, len(lines), _EVENTS_PER_FILE)):
        text = "".join(lines[place] for place in order[first : first + _EVENTS_PER_FILE])
        key = f"{export.prefix}/{export.task_id}/{stream}/{number:06d}.gz"
        store(export.bucket, Write(region.now, key, gzip.compress(text.encode(), mtime=0)))


OPERATIONS = {
    "CreateExportTask": operation(
        _create_export_task,
        "taskName",
        "logGroupName",
        "logStreamNamePrefix",
        "from",
        "to",
        "destination",
        "destinationPrefix",
    ),
    "DescribeExportTasks": operation(_describe_export_tasks, "taskId", "statusCode", "nextToken", "limit"),
}
