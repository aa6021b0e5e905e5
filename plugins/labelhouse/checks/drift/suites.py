"""The YAML files below `expectations/drift/`: found by walking, refused unless every word in them is understood."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from labelhouse.checks.results import Severity
from labelhouse.checks.suites import SuiteError, nearest, place, read_yaml, refusal, shown, suite_files
from labelhouse.settings import DriftBaseline, Settings

#: Expectation → its statistics; the first is meant where none is named.
STATISTICS: dict[str, tuple[str, ...]] = {
    "expect_metric_drift_to_be_below": (
        *("psi", "kolmogorov_smirnov", "wasserstein"),
        *("jensen_shannon", "mean_shift", "variance_ratio"),
    ),
    "expect_category_shift_to_be_below": ("psi", "jensen_shannon", "share_change", "cramers_v"),
    "expect_no_trend": ("kendall_tau",),
    "expect_no_change_point": ("pettitt",),
    "expect_correlation_to_be_stable": ("correlation_shift",),
}
#: Those that look at one series, so its reference must be what came right before.
SERIES = ("expect_no_trend", "expect_no_change_point")
#: Columns that may name a subject or a value: results are read by everybody, so none that stands for a person.
NAMING_COLUMNS = frozenset(
    (
        *("labeling_job_name", "label_attribute_name", "task_type", "modality", "batch_name", "level", "job_type"),
        *("run_id", "run_name", "run_group", "experiment_name", "training_job_name", "metric_name", "dataset_split"),
        *("metric_base_name", "account_id", "aws_region", "dataset_object_id", "trial_component_name", "source_name"),
        "job_family",
        # of a series only where the file's condition leaves no series of a worker
        *("endpoint_name", "variant_name", "feature_kind", "feature_name", "series_key"),
    )
)
#: Columns whose values are names of classes and the like: no others are compared as categories.
CATEGORY_COLUMNS = frozenset(
    (
        *("label", "consolidated_label", "own_label", "task_type", "modality", "level", "job_type", "outcome"),
        *("category", "geometry_type", "verification_result"),
        *("exclusion_reason", "failure_reason", "status", "is_human_annotated", "is_adjusted", "is_failed"),
        *("agrees_with_consolidated", "is_diverging", "is_dip", "meets_criterion"),
    )
)
_NUMBERS = ("double", "float", "decimal", "bigint", "integer", "smallint", "hugeint")
_TIMES = ("timestamp", "date")
_FORM = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Window(BaseModel):
    """The newest values of a subject: so many of them, or those of so many days before its newest."""

    model_config = _FORM

    values: int | None = Field(None, ge=2, le=10_000)
    days: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        _require_one(self, ("values", "days"))
        return self


class Reference(BaseModel):
    """What the current window is compared with.

    Args:
        values, days: the last ones before the current window.
        pinned: the values whose `key` is one of these, e.g. names of runs.
        baseline: one of the setting `drift_baselines`.
    """

    model_config = _FORM

    values: int | None = Field(None, ge=2, le=10_000)
    days: float | None = Field(None, gt=0)
    pinned: tuple[str, ...] | None = Field(None, min_length=1)
    baseline: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        _require_one(self, ("values", "days", "pinned", "baseline"))
        return self

    @property
    def is_rolling(self) -> bool:
        """Whether it is what came right before the current window."""
        return self.values is not None or self.days is not None


class Least(BaseModel):
    """The fewest values of each window that anything is said about."""

    model_config = _FORM

    reference: int = Field(ge=5)
    current: int = Field(ge=3)


class DriftCheck(BaseModel):
    """One entry below `expectations:`.

    Args:
        expect: one of `STATISTICS`.
        statistic: which of its statistics; the first where none is named.
        threshold: what the size of the statistic may not exceed; of a ratio also its inverse.
        direction: `worse` lets shifts to the better pass, where it is known what is better; less variance always is.
        other: the column that `column` goes with, for `expect_correlation_to_be_stable`.
        severity, sentence, what_to_do: as in `Check`; `{threshold}` in a sentence is filled in.
    """

    model_config = _FORM

    expect: str
    statistic: str = ""
    threshold: float = Field(gt=0)
    direction: Literal["either", "worse"] = "either"
    other: str | None = None
    severity: Severity
    sentence: str = Field(min_length=1)
    what_to_do: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, entry: Any) -> Any:
        if not isinstance(entry, dict) or not isinstance(entry.get("sentence"), str):
            return entry
        try:
            return entry | {"sentence": entry["sentence"].format(threshold=entry.get("threshold"))}
        except (LookupError, ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"its sentence cannot be filled in ({error}; allowed: threshold)") from None

    @property
    def statistic_name(self) -> str:
        """The statistic that is meant."""
        return self.statistic or STATISTICS[self.expect][0]

    @property
    def name(self) -> str:
        """Its name among the checks of its column."""
        return f"{self.statistic_name} with {self.other}" if self.other else self.statistic_name

    @property
    def arguments(self) -> dict[str, Any]:
        """What Great Expectations is given of it."""
        given = {"statistic": self.statistic_name, "threshold": self.threshold, "direction": self.direction}
        return given | ({"other_column": self.other} if self.other else {})


class DriftSuite(BaseModel):
    """What one file says.

    Args:
        description: what one value is.
        noun: what the values are called, e.g. `runs`.
        order: the column that says which value is newer.
        subject: columns that make a history: values of two subjects are never compared. Empty: the whole column.
        apart: columns that part subjects of one name; results name them only where the table has several.
        key: the column that names one value, e.g. the run; the windows may be pinned by it.
        where: SQL condition of the rows that count, over the schemas of the build file.
        within: each value is divided by the median of those of its subject that share this column's value.
        higher_is_better: a boolean column that says so, or the answer; None where it depends.
        recent_days: values longer before the newest of the table are left out, and subjects that have no others.
        reference, current, least: the windows.
        family: checks that share a false-alarm rate; the file's own where none is named.
        expectations: the checks, in order.
    """

    model_config = _FORM

    description: str = Field(min_length=1)
    noun: str = Field("values", min_length=1)
    order: str
    subject: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    key: str | None = None
    where: str | None = None
    within: str | None = None
    higher_is_better: bool | str | None = None
    recent_days: float | None = Field(None, gt=0)
    reference: Reference
    current: Window
    least: Least
    family: str | None = None
    expectations: tuple[DriftCheck, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class DriftFile:
    """One file: the column that its name names, and what it says of it.

    Args:
        where: the file as people know it.
        schema: `main` for a mart, `raw` for a raw table.
        table_name, column_name: the column.
        suite: what the file says.
        baseline: what its reference's baseline stands for; None where it names none.
        is_category: whether the column holds names.
    """

    where: str
    schema: str
    table_name: str
    column_name: str
    suite: DriftSuite
    baseline: DriftBaseline | None
    is_category: bool

    @property
    def checks(self) -> tuple[DriftCheck, ...]:
        """Its checks, in order."""
        return self.suite.expectations

    @property
    def family(self) -> str:
        """The checks it shares its false-alarm rate with."""
        return self.suite.family or self.where

    def arguments(self, check: DriftCheck) -> dict[str, Any]:
        """All that decides the result of one of its checks, as JSON knows it."""
        shared = self.suite.model_dump(mode="json", exclude={"description", "expectations"}, exclude_none=True)
        baseline = {"drift_baseline": self.baseline.model_dump(mode="json")} if self.baseline else {}
        return check.arguments | shared | baseline

    def check_name(self, check: DriftCheck) -> str:
        """The name of one of its checks among all of its table."""
        return f"{self.column_name}: {check.name}"


def read_drift_suites(
    expectations_dir: Path,
    columns: Mapping[str, Mapping[str, str]],
    settings: Settings,
    partial: Collection[str] = frozenset(),
) -> dict[str, DriftFile]:
    """File's stem → what it says, for every file below `<expectations_dir>/drift`.

    Args:
        expectations_dir: holds `drift/<table>.<column>.yaml`, or `drift/raw.<table>.<column>.yaml`.
        columns: table → column → DuckDB type, of the marts and of `raw.<table>`.
        settings: whose baselines a file may name.
        partial: tables of which a build holds only the changed days; they have no history to compare with.

    Raises:
        SuiteError: a file says something that is not understood; with the nearest right name.
    """
    files = suite_files(expectations_dir / "drift")
    return {stem: read_drift_suite(path, columns, settings, partial) for stem, path in files.items()}


def read_drift_suite(
    path: Path,
    columns: Mapping[str, Mapping[str, str]],
    settings: Settings,
    partial: Collection[str] = frozenset(),
) -> DriftFile:
    """One file; see `read_drift_suites`."""
    where = shown(path)
    table, _, column = path.stem.rpartition(".")
    types = _known(table, columns, "unknown table", where)
    column_type = _known(column, types, "unknown column", where).lower()
    schema, _, table_name = table.rpartition(".")
    if table in partial:
        what = "holds only the changed days of a build, so no reference"
        raise SuiteError(what, where=where, value=table, allowed="marts that are replaced as a whole, raw tables")
    try:
        suite = DriftSuite.model_validate(read_yaml(path))
    except ValidationError as error:
        raise refusal(error, where, DriftSuite) from None
    baseline = None
    if suite.reference.baseline is not None:
        named = suite.reference.baseline
        baseline = _known(named, settings.drift_baselines, "unknown baseline (setting drift_baselines)", where)
    is_category = not column_type.startswith(_NUMBERS)
    _require_columns(suite, types, where)
    if (suite.reference.pinned or (baseline and baseline.pinned)) and suite.key is None:
        raise SuiteError("the key 'key' is missing, which a pinned reference is found by", where=where)
    if is_category and column not in CATEGORY_COLUMNS:
        allowed = nearest(column, sorted(CATEGORY_COLUMNS & types.keys()))
        raise SuiteError("is neither a number nor a category", where=where, value=column, allowed=allowed)
    names: set[str] = set()
    for number, check in enumerate(suite.expectations):
        _require_check(check, suite, types, is_category, place(where, number))
        if check.name in names:
            raise SuiteError("the same statistic twice", where=place(where, number), value=check.name)
        names.add(check.name)
    return DriftFile(where, schema or "main", table_name, column, suite, baseline, is_category)


def _require_columns(suite: DriftSuite, types: Mapping[str, str], where: str) -> None:
    order = _known(suite.order, types, "unknown column", where).lower()
    has_days = suite.recent_days or suite.reference.days or suite.current.days
    if not order.startswith(_TIMES if has_days else (*_TIMES, *_NUMBERS)):
        raise SuiteError("cannot order", where=where, value=suite.order, allowed="a timestamp, or for counts a number")
    for name in (*suite.subject, *suite.apart, *((suite.key,) if suite.key else ())):
        _known(name, types, "unknown column", where)
        if name not in NAMING_COLUMNS:
            allowed = nearest(name, sorted(NAMING_COLUMNS & types.keys()))
            raise SuiteError("may not name a subject or value", where=where, value=name, allowed=allowed)
    if suite.within is not None:
        _known(suite.within, types, "unknown column", where)
    if isinstance(suite.higher_is_better, str):
        _known(suite.higher_is_better, types, "unknown column", where)


def _require_check(
    check: DriftCheck, suite: DriftSuite, types: Mapping[str, str], is_category: bool, where: str
) -> None:
    statistics = _known(check.expect, STATISTICS, "unknown expectation", where)
    if check.statistic_name not in statistics:
        allowed = nearest(check.statistic_name, statistics, most=len(statistics))
        raise SuiteError("unknown statistic", where=where, value=check.statistic_name, allowed=allowed)
    is_correlation = check.expect == "expect_correlation_to_be_stable"
    if is_correlation != (check.other is not None):
        raise SuiteError(f"the key 'other' is {'missing' if is_correlation else 'for correlations only'}", where=where)
    if check.other is not None:
        other_type = _known(check.other, types, "unknown column", where).lower()
        if not other_type.startswith(_NUMBERS) and check.other not in CATEGORY_COLUMNS:
            allowed = nearest(check.other, sorted(CATEGORY_COLUMNS & types.keys()))
            raise SuiteError("is neither a number nor a category", where=where, value=check.other, allowed=allowed)
    elif is_category != (check.expect == "expect_category_shift_to_be_below"):
        kind = "a category" if is_category else "a number"
        raise SuiteError(f"not for {kind}", where=where, value=check.expect)
    if check.expect in SERIES and not suite.reference.is_rolling:
        raise SuiteError("needs a reference that came right before", where=where, allowed="values or days")


def _known(name: str, allowed: Mapping[str, Any], what: str, where: str) -> Any:
    if name not in allowed:
        raise SuiteError(what, where=where, value=name, allowed=nearest(name, allowed))
    return allowed[name]


def _require_one(model: BaseModel, names: Collection[str]) -> None:
    if sum(getattr(model, name) is not None for name in names) != 1:
        raise ValueError(f"needs one of {', '.join(names)}")
