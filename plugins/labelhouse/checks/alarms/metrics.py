"""From an alarm's SELECT to its datapoints: the statistic of each period, and the band it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import fmean, stdev

import duckdb

from labelhouse.checks.alarms.definitions import Alarm, AlarmForm, Band, parameters_of
from labelhouse.checks.alarms.evaluation import SPARE_PERIODS, Datapoint
from labelhouse.marts.read import select

#: So many periods are shown at least; an alarm looks at fewer.
SHOWN_PERIODS = 24
#: A metric that takes longer has no value.
TIMEOUT_SECONDS = 60.0

_AGGREGATES = {
    "SampleCount": "count(value)",
    "Sum": "sum(value)",
    "Average": "avg(value)",
    "Minimum": "min(value)",
    "Maximum": "max(value)",
}


def datapoints_of(connection: duckdb.DuckDBPyConnection, alarm: Alarm, now: datetime) -> list[Datapoint]:
    """The datapoints of the last periods, oldest first; the last period ends with the minute of `now`.

    Periods slide, as CloudWatch's do: what has just happened lies in the last one, whatever its length.

    Raises:
        LakeError: the metric cannot be read.
    """
    form = alarm.form
    end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    shown = max(form.evaluation_periods + SPARE_PERIODS, SHOWN_PERIODS)
    period = timedelta(seconds=form.period_seconds)
    looked_at = shown + (form.band.trailing_periods * form.band.season_periods if form.band else 0)
    start = end - looked_at * period
    known = {"now": now, "start": start, **alarm.dimensions}
    parameters = {name: known[name] for name in parameters_of(alarm)}
    rows = select(
        connection,
        _by_period(form),
        parameters | {"period_end": end, "period_seconds": form.period_seconds, "period_count": looked_at},
        timeout_seconds=TIMEOUT_SECONDS,
    ).to_pylist()
    values = {row["age"]: row["statistic"] for row in rows}
    return [_datapoint(values, age, end - (age + 1) * period, form.band) for age in reversed(range(shown))]


def band_of(values: Mapping[int, float], age: int, band: Band) -> tuple[float, float] | None:
    """What is normal for a period: None where fewer than half of the earlier ones have data.

    Args:
        values: how many periods ago → the statistic.
        age: of the period; those before it, a season apart, make the band.
    """
    ages = (age + number * band.season_periods for number in range(1, band.trailing_periods + 1))
    earlier = [values[each] for each in ages if each in values]
    if len(earlier) < max(2, band.trailing_periods / 2):
        return None
    middle, reach = fmean(earlier), band.standard_deviations * stdev(earlier)
    return middle - reach, middle + reach


def _datapoint(values: Mapping[int, float], age: int, at: datetime, band: Band | None) -> Datapoint:
    value = values.get(age)
    if band is None:
        return Datapoint(at, value)
    limits = band_of(values, age, band)
    return Datapoint(at, value, *limits) if limits else Datapoint(at, None)


def _by_period(form: AlarmForm) -> str:
    """A SELECT of `age` (how many periods ago) and `statistic` over the metric's rows."""
    aggregate = _AGGREGATES.get(form.statistic) or f"quantile_cont(value, {form.quantile!r})"
    return f"""
        with metric as (
{form.metric.rstrip().rstrip(";")}
        ),
        measured as (
            select
                ceil(epoch($period_end::timestamptz - "at"::timestamptz) / $period_seconds)::bigint - 1 as age,
                value::double as value
            from metric
            where "at" is not null and value is not null and isfinite(value::double)
        )
        select age, ({aggregate})::double as statistic
        from measured
        where age between 0 and $period_count - 1
        group by age
    """
