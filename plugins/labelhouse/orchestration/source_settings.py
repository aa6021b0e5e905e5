"""What the settings say about a source's DAG: its schedule, its look-back, the pool of its tasks."""

from __future__ import annotations

from typing import Any

from airflow.sdk import CronDataIntervalTimetable

from labelhouse.errors import SettingError
from labelhouse.orchestration.steps import RETRIES
from labelhouse.settings import SourceSettings, load_settings

#: Of a source that the settings do not name (its DAG stays paused), or cannot be read: its tasks say why.
_DEFAULT = SourceSettings.model_construct(places=())


def schedule_of(source_name: str) -> CronDataIntervalTimetable | None:
    """When the source is read, on intervals that have a length; None only on request."""
    schedule = _found(source_name).schedule
    return CronDataIntervalTimetable(schedule, timezone="UTC") if schedule else None


def defaults_of(source_name: str) -> dict[str, Any]:
    """Arguments of every task of the source's DAG."""
    pool = _found(source_name).pool
    return RETRIES | ({"pool": pool} if pool else {})


def _found(source_name: str) -> SourceSettings:
    """Read whenever a DAG file is parsed, from the environment alone: no database, no network."""
    try:
        return load_settings().sources.get(source_name, _DEFAULT)
    except SettingError:
        return _DEFAULT
