"""The steps of every extraction: plan -> load (one task a batch) -> summarise."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from labelhouse.errors import SettingError
from labelhouse.orchestration.assets import CHANGED_TABLES, RAW_ASSETS
from labelhouse.orchestration.clients import clients_of
from labelhouse.orchestration.steps import in_one_sentence
from labelhouse.schema.tables import INGEST_LEDGER, QUARANTINE
from labelhouse.settings import Settings, SourceSettings, load_settings
from labelhouse.sources import Window, source_named

if TYPE_CHECKING:
    from airflow.sdk.types import DagRunProtocol

    from labelhouse.extraction import LoadSummary

#: The trigger form of an extraction.
FORM: Mapping[str, Param] = {
    side: Param(None, type=["null", "string"], format="date-time", title=title, description=description)
    for side, title, description in (
        ("start", "From", "First moment to load, UTC where it names no zone. Empty: from the very beginning."),
        ("end", "Until", "First moment not to load any more, UTC where it names no zone. Empty: up to now."),
    )
} | {
    "replay_quarantined": Param(
        False,
        type="boolean",
        title="Replay quarantine",
        description="Load again what has records in quarantine, for a parser that has learned.",
    )
}

log = logging.getLogger(__name__)


class Batch(TypedDict):
    """One batch of a plan: all that tasks hand on. The units themselves stay in the lake."""

    plan_id: str
    batch_number: int


class PlaceToRead(TypedDict):
    """Where to read, and through which connection; None is that of the settings."""

    uri: str
    connection: str | None


@task
@in_one_sentence
def plan(source_name: str) -> list[Batch]:
    """Lists the source and plans the units of this run's window that are new or changed."""
    context, settings = get_current_context(), load_settings()
    own, daily_look_back = settings.sources.get(source_name), source_named(source_name).daily_look_back
    window = window_of(context["dag_run"], context["params"], daily_look_back, own)
    return _plan(settings, source_name, window, replay_quarantined=bool(context["params"]["replay_quarantined"]))


@task
@in_one_sentence
def plan_place(source_name: str, place: PlaceToRead) -> list[Batch]:
    """Plans all the units of one place that are new or changed, wherever the settings say the source is."""
    return _plan(load_settings(), source_name, Window(), uri=place["uri"], connection=place["connection"])


def _plan(settings: Settings, source_name: str, window: Window, **options: Any) -> list[Batch]:
    from labelhouse import extraction

    planned = extraction.plan(settings, source_name, window, clients_of(settings), **options)
    log.info(
        "%s: %d units to load in %d batches, %d known already (window: %s to %s)",
        source_name, planned.unit_count, planned.batch_count, planned.known_count,
        window.start or "the beginning", window.end or "now",
    )  # fmt: skip
    return [Batch(plan_id=planned.plan_id, batch_number=number) for number in range(planned.batch_count)]


@task
@in_one_sentence
def load(plan_id: str, batch_number: int) -> dict[str, int]:
    """Loads one batch; doing it twice changes nothing that anybody sees."""
    from labelhouse import extraction

    settings = load_settings()
    loaded = extraction.load_batch(settings, plan_id, batch_number, clients_of(settings))
    log.info("batch %d: %s", batch_number, loaded)
    return asdict(loaded)


@task(outlets=[CHANGED_TABLES])
@in_one_sentence
def summarise(source_name: str, loads: Iterable[dict[str, int]]) -> dict[str, int]:
    """Adds up the batches and announces the tables that changed."""
    from labelhouse.extraction import LoadSummary
    from labelhouse.pipeline import publish_status

    total = sum((LoadSummary(**each) for each in loads), LoadSummary())
    log.info("%s: %s", source_name, total)
    if total.unreadable_count:
        log.warning("%d units could not be read; the next run tries again", total.unreadable_count)
    publish_status(load_settings())
    if not total.unit_count:
        raise AirflowSkipException("nothing was loaded")
    announced = get_current_context()["outlet_events"][CHANGED_TABLES]
    for name in changed_tables(source_name, total):
        announced.add(RAW_ASSETS[name])
    return asdict(total)


def changed_tables(source_name: str, total: LoadSummary) -> list[str]:
    """Raw tables that a load with this outcome changed: the source's, and the house's own."""
    house = [INGEST_LEDGER.name] + ([QUARANTINE.name] if total.records_quarantined else [])
    return [*source_named(source_name).tables, *house]


def window_of(
    dag_run: DagRunProtocol,
    params: Mapping[str, Any],
    daily_look_back: timedelta | None = None,
    own: SourceSettings | None = None,
) -> Window:
    """Which units a run loads, by their `unit_at`; the ledger skips what the lake has.

    * A scheduled run: since some hours before its data interval, because files arrive minutes after the time in
      their name; the day's last one since `daily_look_back` before it (None: since ever), which also mends what was
      missed while nothing ran. What the settings say of the source goes before. There is no end, because a manifest
      that is rewritten every minute would always be too young for an interval that has just ended.
    * A backfill: exactly its data interval.
    * Any other run: exactly what the form says; an empty side is open.

    Raises:
        SettingError: the form's window is empty.
    """
    own = own or SourceSettings.model_construct(places=())
    start, end = dag_run.data_interval_start, dag_run.data_interval_end
    if dag_run.run_type == "scheduled" and start and end:
        if start.astimezone(UTC).date() == end.astimezone(UTC).date():
            return Window(start - own.look_back)
        look_back = own.daily_look_back(daily_look_back)
        return Window(None if look_back is None else start - look_back)
    if dag_run.run_type == "backfill":
        return Window(start, end)
    window = Window(moment(params["start"]), moment(params["end"]))
    if window.start and window.end and window.start >= window.end:
        raise SettingError(
            "does not lie before the end", where="start", value=params["start"], allowed="an earlier time"
        )
    return window


def moment(text: str | None) -> datetime | None:
    """A time of the form, UTC where it names no zone; None where it is empty."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
