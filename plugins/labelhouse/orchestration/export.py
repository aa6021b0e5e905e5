"""Exporting a log group to S3 from a DAG: a task that waits for AWS without a worker."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator, Context, Param
from airflow.sdk.exceptions import TaskDeferred

from labelhouse.errors import SettingError, SourceError
from labelhouse.orchestration.clients import clients_of
from labelhouse.orchestration.extract import PlaceToRead, moment
from labelhouse.orchestration.steps import in_one_sentence
from labelhouse.settings import Place, Settings, load_settings
from labelhouse.sources.requests import through

if TYPE_CHECKING:
    from labelhouse.sources.log_exports import Export, Exporter

#: The trigger form of an export.
FORM: Mapping[str, Param] = {
    "start": Param(
        None,
        type="string",
        format="date-time",
        title="From",
        description="First moment to export, UTC where it names no zone.",
    ),
    "end": Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="Until",
        description="First moment not to export any more, UTC where it names no zone. Empty: up to now.",
    ),
    "place": Param(
        None,
        type=["null", "string"],
        title="Log group",
        description="logs://REGION/LOG/GROUP, as in LABELHOUSE_SOURCES. Empty: the only one there.",
    ),
}


class ExportLogs(BaseOperator):
    """Exports a log group of `source_name` as the form says, and returns where to read it (`PlaceToRead`).

    While AWS exports, or another export of the account is under way, the task is deferred: the triggerer waits, no
    worker does. An attempt that comes after one that died goes on with the same export.
    """

    #: How long until it looks again, at its own export and for the end of another one.
    LOOK_AGAIN: ClassVar = timedelta(seconds=30)
    #: So long it waits altogether: AWS takes hours at most.
    LONGEST_WAIT: ClassVar = timedelta(hours=24)

    def __init__(self, *, source_name: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.source_name = source_name

    @in_one_sentence
    def execute(self, context: Context) -> PlaceToRead:
        """Begins the export, or finds the one begun before."""
        return self._go_on(context, None, datetime.now(UTC))

    @in_one_sentence
    def look_again(
        self,
        context: Context,
        event: Any = None,  # noqa: ARG002 - Airflow hands it in by this name
        *,
        export_id: str | None = None,
        since: str,
    ) -> PlaceToRead:
        """Where the triggerer hands back: begins what could not begin, or looks whether it is complete.

        Args:
            event: what the trigger says: the time.
            export_id: None while another export of the account is under way.
            since: when the waiting began, ISO 8601.
        """
        return self._go_on(context, export_id, datetime.fromisoformat(since))

    def _go_on(self, context: Context, export_id: str | None, since: datetime) -> PlaceToRead:
        exporter, export, place = self._exporter(context)
        export_id = export_id or exporter.begin()
        if export_id and exporter.is_complete(export_id):
            self.log.info("The export lies in %s", export.uri)
            return PlaceToRead(uri=export.uri, connection=place.connection)
        if datetime.now(UTC) - since > self.LONGEST_WAIT:
            what = "the export is not complete" if export_id else "another export of the account does not end"
            raise SourceError(f"{what} after {self.LONGEST_WAIT}", where=export.log_group, value=export_id)
        self.log.info("Waiting for %s", f"export {export_id}" if export_id else "another export of the account to end")
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

        raise TaskDeferred(
            trigger=TimeDeltaTrigger(self.LOOK_AGAIN),
            method_name="look_again",
            kwargs={"export_id": export_id, "since": since.isoformat()},
        )

    def _exporter(self, context: Context) -> tuple[Exporter, Export, Place]:
        from labelhouse.sources.log_exports import Export, Exporter

        settings, params, run = load_settings(), context["params"], context["dag_run"]
        place = place_of(settings, self.source_name, params["place"])
        start, end = moment(params["start"]), moment(params["end"]) or run.run_after
        if start is None:
            raise SettingError("is missing", where="start", allowed="the first moment to export")
        name = f"labelhouse-{hashlib.sha256(run.run_id.encode()).hexdigest()[:16]}"  # the same at every attempt
        if not settings.log_export_uri:  # logs name people: no form says where they go
            raise SettingError("is missing", where="LABELHOUSE_LOG_EXPORT_URI", allowed="s3://BUCKET/PREFIX")
        export = Export.of(name, place.uri, settings.log_export_uri, start, end)
        return Exporter(through(clients_of(settings), place.connection), export), export, place


def place_of(settings: Settings, source_name: str, wanted: str | None) -> Place:
    """The log group that the form asks for, with its connection: one that the settings name, and no other.

    Raises:
        SettingError: they do not name it; or several, and none was asked for.
    """
    found = settings.sources.get(source_name)
    groups = [each for each in found.places if each.uri.startswith("logs://")] if found else []
    asked = [each for each in groups if wanted in {None, "", each.uri}]
    if len(asked) == 1:
        return asked[0]
    allowed = ", ".join(each.uri for each in groups) or f"a logs:// place of {source_name} in LABELHOUSE_SOURCES"
    raise SettingError("names no single log group", where="place", value=wanted, allowed=allowed)
