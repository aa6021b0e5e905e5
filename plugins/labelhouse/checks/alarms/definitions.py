"""The YAML files below `expectations/alarms/`: found by walking, refused unless every word in them is understood."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from labelhouse.checks.alarms.evaluation import BAND_COMPARISONS, Comparison, MissingData, State
from labelhouse.checks.suites import SuiteError, nearest, read_yaml, refusal, shown
from labelhouse.settings import Settings

FOLDER = "alarms"
STATISTICS = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,2})?|100)\Z")
#: As a dimension's value: one alarm for every source that the settings name.
EACH_SOURCE = "$sources"
#: What every metric may name besides its dimensions: the moment of the evaluation, and how far back it looks.
MOMENTS = ("now", "start")


class Band(BaseModel):
    """What is normal: the mean of earlier periods, give or take some standard deviations of them.

    Args:
        standard_deviations: half the width of the band.
        trailing_periods: how many earlier periods it is made of; half of them must have data.
        season_periods: every how many periods things repeat: 7 compares a day with that weekday, 168 an hour with
            that hour of the week.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    standard_deviations: float = Field(gt=0)
    trailing_periods: int = Field(ge=4, le=100)
    season_periods: int = Field(1, ge=1, le=168)


class AlarmForm(BaseModel):
    """One file; the words are CloudWatch's.

    Args:
        description: what it means when it is in ALARM, and what to do.
        metric: a SELECT of `at` and `value` over marts, `raw.<table>` and `status.<table>`; it may name `$now`,
            `$start` (nothing before it matters) and its dimensions.
        dimensions: name → value. Several values, or `$sources`, make as many alarms.
        statistic: of the values of one period; `p99.9` is a percentile.
        period_seconds: length of a period, whole minutes. The last one ends now.
        comparison: when a datapoint is breaching.
        threshold, band: what it is compared with; one of them.
        evaluation_periods: how many of the last periods count.
        datapoints_to_alarm: how many of these must be breaching; all of them where it is not said.
        treat_missing_data: what a period without data is.
        actions: state → channels (of the setting `notifications`) that are told when the alarm enters it.
        start_dag: a DAG that is started when the alarm enters ALARM.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    description: str = Field(min_length=1)
    metric: str = Field(min_length=1)
    dimensions: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    statistic: str
    period_seconds: int = Field(ge=60, multiple_of=60)
    comparison: Comparison
    threshold: float | None = None
    band: Band | None = None
    evaluation_periods: int = Field(ge=1, le=100)
    datapoints_to_alarm: int | None = Field(None, ge=1)
    treat_missing_data: MissingData = "missing"
    actions: dict[State, tuple[str, ...]] = Field(default_factory=dict)
    start_dag: str | None = Field(None, pattern=r"^[\w.-]+$")

    @field_validator("statistic")
    @classmethod
    def _known_statistic(cls, value: str) -> str:
        if value not in STATISTICS and not _PERCENTILE.match(value):
            near = nearest(value, [*STATISTICS, "p50", "p90", "p99", "p99.9"], most=3)
            raise ValueError(f"unknown: {value!r} (allowed: {near})")
        return value

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if (self.threshold is None) == (self.band is None):
            raise ValueError("needs either a threshold or a band")
        if (self.band is not None) != (self.comparison in BAND_COMPARISONS):
            allowed = BAND_COMPARISONS if self.band else ("GreaterThanThreshold and the like",)
            kind = "a band" if self.band else "a threshold"
            raise ValueError(f"{self.comparison} does not go with {kind} (allowed: {', '.join(allowed)})")
        if self.breaches_to_alarm > self.evaluation_periods:
            raise ValueError(f"datapoints_to_alarm is more than evaluation_periods ({self.evaluation_periods})")
        return self

    @property
    def breaches_to_alarm(self) -> int:
        """How many datapoints must be breaching."""
        return self.datapoints_to_alarm or self.evaluation_periods

    @property
    def quantile(self) -> float | None:
        """0 to 1 where the statistic is a percentile."""
        found = _PERCENTILE.match(self.statistic)
        return float(found.group(1)) / 100 if found else None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: a file, for one value of its dimensions.

    Args:
        alarm_name: the name of the file, and after a point the dimension's value where there are several.
        form: what the file says.
        dimensions: name → value, parameters of the metric.
        tables: what the metric reads: marts by bare name, `raw.<table>`, `status.<table>`.
    """

    alarm_name: str
    form: AlarmForm
    dimensions: Mapping[str, str] = field(default_factory=dict)
    tables: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RefusedAlarm:
    """A file that is not understood, and why as a sentence."""

    alarm_name: str
    sentence: str


def alarm_files(expectations_dir: Path) -> list[Path]:
    """The files of all alarms."""
    return sorted((expectations_dir / FOLDER).glob("*.yaml"))


def read_form(path: Path, connection: duckdb.DuckDBPyConnection) -> Alarm:
    """One file, with its dimensions left empty.

    Args:
        path: `alarms/<alarm_name>.yaml`.
        connection: to any database: only its parser is asked.

    Raises:
        SuiteError: it cannot be read, or says something that is not understood.
    """
    where = shown(path)
    try:
        form = AlarmForm.model_validate(read_yaml(path))
    except ValidationError as error:
        is_of_band = error.errors()[0]["loc"][:1] == ("band",)
        raise refusal(error, where, Band if is_of_band else AlarmForm) from None
    several = [name for name, value in form.dimensions.items() if _is_several(value)]
    if len(several) > 1:
        raise SuiteError("only one dimension may have several values", where=where, value=several[1])
    return Alarm(path.stem, form, dict.fromkeys(form.dimensions, ""), _tables_of(connection, form.metric, where))


def read_alarms(path: Path, settings: Settings, connection: duckdb.DuckDBPyConnection) -> list[Alarm]:
    """The alarms of one file: several where a dimension has several values. Otherwise as `read_form`."""
    alarm = read_form(path, connection)
    given = alarm.form.dimensions
    fixed = {name: value for name, value in given.items() if isinstance(value, str) and value != EACH_SOURCE}
    for name, value in given.items():
        if _is_several(value):
            values = sorted(settings.sources) if value == EACH_SOURCE else value
            return [
                replace(alarm, alarm_name=f"{path.stem}.{each}", dimensions=fixed | {name: each}) for each in values
            ]
    return [replace(alarm, dimensions=fixed)]


def read_every_alarm(settings: Settings, expectations_dir: Path) -> tuple[list[Alarm], list[RefusedAlarm]]:
    """All alarms, and the files that are not understood: one of these must not silence the others."""
    alarms: list[Alarm] = []
    refused: list[RefusedAlarm] = []
    with duckdb.connect() as connection:
        for path in alarm_files(expectations_dir):
            try:
                alarms += read_alarms(path, settings, connection)
            except SuiteError as error:
                refused.append(RefusedAlarm(path.stem, str(error)))
    return alarms, refused


def parameters_of(alarm: Alarm) -> set[str]:
    """The `$names` in its metric.

    Raises:
        SuiteError: one is neither a dimension nor `$now` or `$start`, or a dimension is not in the metric.
    """
    [statement] = duckdb.extract_statements(alarm.form.metric)
    named: set[str] = set(statement.named_parameters)
    where = f"expectations/{FOLDER}/{alarm.alarm_name.partition('.')[0]}.yaml"
    known = {*MOMENTS, *alarm.dimensions}
    for name in sorted(named - known):
        raise SuiteError("unknown parameter", where=where, value=f"${name}", allowed=nearest(name, sorted(known)))
    for name in sorted(set(alarm.dimensions) - named):
        raise SuiteError("a dimension that the metric does not name", where=where, value=name, allowed=f"${name} in it")
    return named


def _is_several(value: str | tuple[str, ...]) -> bool:
    return value == EACH_SOURCE or not isinstance(value, str)


def _tables_of(connection: duckdb.DuckDBPyConnection, metric: str, where: str) -> frozenset[str]:
    """What the metric reads."""
    [(text,)] = connection.execute("select json_serialize_sql($metric)", {"metric": metric}).fetchall()
    parsed = json.loads(text)
    if parsed["error"]:
        raise SuiteError(f"the metric cannot be parsed, or is no SELECT ({parsed['error_message']})", where=where)
    if len(parsed["statements"]) != 1:
        raise SuiteError("the metric is not a single SELECT", where=where)
    nodes = list(_nodes(parsed["statements"][0]))
    own = {entry["key"] for node in nodes if "cte_map" in node for entry in node["cte_map"]["map"]}
    read = (node for node in nodes if node.get("type") == "BASE_TABLE")
    names = (".".join(filter(None, (node["schema_name"], node["table_name"]))) for node in read)
    return frozenset(names) - own


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a syntax tree."""
    if isinstance(tree, dict):
        yield tree
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(inner)
