"""Exports of a log group to S3 (`CreateExportTask`), for histories that are too long to be asked for hour by hour.

An account has one active export at a time; who comes second waits. An export is found again by its name, so that one
that was begun by an attempt that died is waited for and not begun twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources import Clients
from labelhouse.sources.objects import refusal_of

_PLACE = re.compile(r"logs://(?P<region>[a-z0-9-]+)(?::[0-9]{12})?(?P<group>/.+)")
_BUCKET = re.compile(r"s3://(?P<bucket>[^/]+)(?:/(?P<prefix>.*))?")
_ENDED_BADLY = frozenset({"CANCELLED", "FAILED", "PENDING_CANCEL"})
#: Another export is under way: AWS's word for it, and what is no fault of ours either.
_WAITING = frozenset({"LimitExceededException", "OperationAbortedException"})


@dataclass(frozen=True, slots=True)
class Export:
    """One export.

    Args:
        name: tells it from every other one.
        region: of the log group and of the bucket.
        log_group: its name, with the slash it begins with.
        start: first moment (UTC).
        end: first moment not exported any more.
        bucket: where to.
        prefix: folder in the bucket, without slashes at its ends; may be empty. The export's own folder is below.
    """

    name: str
    region: str
    log_group: str
    start: datetime
    end: datetime
    bucket: str
    prefix: str

    @classmethod
    def of(cls, name: str, place: str, destination: str, start: datetime, end: datetime) -> Export:
        """The export of a place such as `logs://us-east-1/aws/…` to `s3://bucket/prefix`.

        Raises:
            SourceError: one of the two is of another form, or the time is empty.
        """
        group, bucket = _PLACE.fullmatch(place), _BUCKET.fullmatch(destination)
        if not group:
            raise SourceError("is no log group", where="place", value=place, allowed="logs://REGION/LOG/GROUP")
        if not bucket:
            raise SourceError("is no bucket", where="destination", value=destination, allowed="s3://BUCKET/PREFIX")
        if start >= end:
            raise SourceError("does not lie before the end", where="start", value=f"{start:%FT%TZ}")
        prefix = (bucket["prefix"] or "").strip("/")
        return cls(name, group["region"], group["group"], start, end, bucket["bucket"], prefix)

    @property
    def folder(self) -> str:
        """Key of the folder that holds it and nothing else."""
        return f"{self.prefix}/{self.name}" if self.prefix else self.name

    @property
    def uri(self) -> str:
        """Where it is read."""
        return f"s3://{self.bucket}/{self.folder}"


class Exporter:
    """Begins one export and watches it.

    Args:
        clients: asked for `logs@<region>`.
    """

    def __init__(self, clients: Clients, export: Export) -> None:
        self._clients, self._export = clients, export

    def begin(self) -> str | None:
        """The id of the export, begun now or by an earlier attempt; None while another export is under way.

        Raises:
            SourceUnavailableError: CloudWatch Logs does not answer now.
            SourceError: it refuses.
        """
        for task in self._tasks():
            if task["taskName"] == self._export.name and task["status"]["code"] not in _ENDED_BADLY:
                return str(task["taskId"])
        export = self._export
        try:
            begun = self._ask(
                "create_export_task",
                taskName=export.name,
                logGroupName=export.log_group,
                fromTime=round(export.start.timestamp() * 1000),
                to=round(export.end.timestamp() * 1000) - 1,  # AWS's end is the last millisecond
                destination=export.bucket,
                destinationPrefix=export.folder,
            )
        except _AnotherUnderWay:
            return None
        return str(begun["taskId"])

    def is_complete(self, task_id: str) -> bool:
        """Whether everything lies in the bucket.

        Raises:
            SourceUnavailableError: CloudWatch Logs does not answer now.
            SourceError: the export failed or was cancelled.
        """
        for task in self._tasks(taskId=task_id):
            status = task["status"]
            if status["code"] in _ENDED_BADLY:
                what = f"the export was not completed ({status.get('message') or 'no reason given'})"
                raise SourceError(what, where=self._export.log_group, value=status["code"])
            return bool(status["code"] == "COMPLETED")
        raise SourceError("CloudWatch Logs does not know the export any more", where=self._export.log_group)

    def _tasks(self, **which: Any) -> Iterator[dict[str, Any]]:
        token: dict[str, Any] = {}
        while True:
            page = self._ask("describe_export_tasks", **which, **token)
            yield from page.get("exportTasks", ())
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def _ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._clients(f"logs@{self._export.region}"), operation)(**parameters)
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            if refusal.code in _WAITING:
                raise _AnotherUnderWay from None
            kind = SourceUnavailableError if refusal.is_passing else SourceError
            words = f"CloudWatch Logs refuses ({refusal.code}: {refusal.message or 'no reason given'})"
            raise kind(words, where=self._export.log_group, value=self._export.uri) from None
        return answer


class _AnotherUnderWay(Exception):
    """The account has an active export already."""
