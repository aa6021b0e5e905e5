"""Where and how often a source is read: what the setting `LABELHOUSE_SOURCES` holds for each."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

#: A schedule is one of these, or cron's five fields.
_PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_CRON_FIELD = r"(?:[0-9A-Za-z*/,#?-]+)"
_CRON = re.compile(rf"{_CRON_FIELD}(?: {_CRON_FIELD}){{4}}\Z")


def schedulable(value: str | None) -> str | None:
    """The schedule itself; ValueError says what else is one."""
    if value is not None and value not in _PRESETS and not _CRON.match(value):
        raise ValueError(f"{', '.join(_PRESETS)}, cron's five fields, or null for only on request")
    return value


class Place(BaseModel):
    """One place that a source reads.

    Args:
        uri: as the source describes it.
        connection: the Airflow connection (for the CLI: the profile) with the account, role and region of the place;
            None is `aws_conn_id` (the default chain).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str = Field(min_length=1)
    connection: str | None = Field(None, pattern=r"^[\w.-]+$")

    @model_validator(mode="before")
    @classmethod
    def _only_a_uri(cls, value: Any) -> Any:
        return {"uri": value} if isinstance(value, str) else value


class SourceSettings(BaseModel):
    """Where and how often one source is read. A URI alone, or a list of places, stands for `{"places": …}`.

    Args:
        places: read one after the other; a unit that two of them hold is read from the first.
        schedule: `@hourly`, another preset or cron, in UTC; None only on request.
        look_back_hours: how far before its interval a scheduled run looks.
        daily_look_back_days: how far the day's last run looks; None since ever, unset as far as the source says.
        requests_per_second: the most that one task sends; unset as many as the service is known to take.
        pool: Airflow pool of the tasks that read, where several share the limit of an account; it must exist.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    places: tuple[Place, ...] = Field(min_length=1)
    schedule: str | None = "@hourly"
    look_back_hours: float = Field(2, ge=0)
    daily_look_back_days: float | None = Field(None, ge=0)
    requests_per_second: float | None = Field(None, gt=0)
    pool: str | None = Field(None, min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _only_places(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"places": [value]}
        return {"places": value} if isinstance(value, list | tuple) else value

    @field_validator("places", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("schedule")
    @classmethod
    def _schedulable(cls, value: str | None) -> str | None:
        return schedulable(value)

    @property
    def look_back(self) -> timedelta:
        """`look_back_hours` as a duration."""
        return timedelta(hours=self.look_back_hours)

    def daily_look_back(self, own: timedelta | None) -> timedelta | None:
        """How far back the day's last run looks; `own` is what the source says. None: since ever."""
        if "daily_look_back_days" not in self.model_fields_set:
            return own
        return None if self.daily_look_back_days is None else timedelta(days=self.daily_look_back_days)
