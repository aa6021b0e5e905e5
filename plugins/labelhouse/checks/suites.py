"""The YAML files below `expectations/`: found by walking, refused unless every word in them is understood."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from labelhouse.checks.results import Severity
from labelhouse.errors import LabelhouseError
from labelhouse.settings import PROJECT_DIR

EXPECTATIONS_DIR = PROJECT_DIR / "expectations"

SuiteName = Literal["inputs", "marts", "drift"]

#: Suite of one file a table → what `rows:` may say → the schema of the build file that holds those rows.
SUITES: dict[str, dict[str, str]] = {
    "inputs": {"changed": "changed", "all": "raw"},
    "marts": {"all": "main"},
}

#: The columns that may name a failing row: where it is, never who made it or what it says.
KEY_COLUMNS = frozenset(
    (
        *("source_name", "unit_uri", "unit_version", "position", "event_date"),
        *("labeling_job_name", "dataset_object_id"),
        *("training_job_id", "job_family", "family_id", "cost_id", "cost_kind", "subject_name", "priced_by"),
        *("account_id", "aws_region", "run_id", "metric_name", "event_name", "file_uri"),
        *("column_name", "field_name", "row_count", "usual_count"),
        *("endpoint_name", "variant_name"),
    )
)

_THRESHOLD_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
#: How many names a sentence lists before it shortens to the nearest ones.
_MOST_NAMES = 12

#: What every expectation's name begins with, and a reader need not see.
_PREFIX = re.compile(r"^expect_((column|column_pair|multicolumn|compound_columns|select_column|table)_)?(values?_)?")

#: Arguments of Great Expectations that hold one column, or a list of them.
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")


class SuiteError(LabelhouseError):
    """An expectations file is missing, or says something that is not understood."""


class Check(BaseModel):
    """One entry below `expectations:`; keys that are not named here are arguments of the expectation.

    Args:
        expect: Great Expectations' name, e.g. `expect_column_values_to_not_be_null`.
        severity: `hold` keeps a failing build from being published, `warn` does not.
        sentence: what is expected. `{hold_quarantined_ratio:.1%}` fills in a number from the settings.
        what_to_do: what someone who reads of its failure does next.
        frame: the derived frame it looks at; without one, the table.
        keys: columns that name a failing row (some of `KEY_COLUMNS`).
        name: what ties it to its results in earlier builds; without one it is made of frame, columns and expectation.
        at_least_rows: with fewer rows in the table or frame there is not enough data to tell, which is no pass.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    expect: str
    severity: Severity
    sentence: str = Field(min_length=1)
    what_to_do: str = Field(min_length=1)
    frame: str | None = None
    keys: tuple[str, ...] = ()
    name: str | None = Field(None, min_length=1, max_length=80)
    at_least_rows: int = Field(0, ge=0)

    @field_validator("keys")
    @classmethod
    def _no_private_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(keys) - KEY_COLUMNS):
            raise ValueError(f"{unknown[0]!r} may not name a row (allowed: {', '.join(sorted(KEY_COLUMNS))})")
        return keys

    @property
    def arguments(self) -> dict[str, Any]:
        """What Great Expectations is given."""
        return dict(self.model_extra or {})

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it looks at, sorted; none where it is about the table's shape."""
        subjects = self._subjects()
        return tuple(sorted({*subjects, *self.keys})) if subjects else ()

    @property
    def own_name(self) -> str:
        """Its name, or what stands for it: `jobs.odd_ratio to_be_between`."""
        what = ", ".join(self._subjects())
        frame = f"{self.frame}." if self.frame else ""
        return self.name or f"{frame}{what} {_PREFIX.sub('', self.expect)}".strip()

    def _subjects(self) -> list[str]:
        values = (self.arguments.get(argument, ()) for argument in _COLUMN_ARGUMENTS)
        return [each for value in values for each in ((value,) if isinstance(value, str) else value)]


class TableSuite(BaseModel):
    """One file.

    Args:
        description: what one row of the table is.
        rows: `changed` looks at the days that changed since the last release, `all` at everything.
        thresholds: number that checks name → what it is where `LABELHOUSE_CHECK_THRESHOLDS` does not say otherwise.
        frames: derived frame → a DuckDB query for it over the schemas of the build file. Keep them small:
            aggregate there what would not fit into memory. `rows` are the rows that `rows` above says, read once;
            `getvariable('stale_hours')` is a threshold or another of the numbers that checks may name; the macros of
            `expectations/macros.sql` are there too.
        expectations: the checks, in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = Field(min_length=1)
    rows: Literal["changed", "all"]
    thresholds: dict[str, FiniteFloat] = Field(default_factory=dict)
    frames: dict[str, str] = Field(default_factory=dict)
    expectations: tuple[Check, ...] = Field(min_length=1)

    @property
    def words(self) -> frozenset[str]:
        """Every word in its frames and arguments: the columns it needs are among them, and macros need the time."""
        said = ["event_at", *self.frames.values(), *(name for check in self.expectations for name in check.columns)]
        return frozenset(re.findall(r"\w+", " ".join(said)))

    @property
    def check_names(self) -> tuple[str, ...]:
        """The name of each check; where several would have the same, all but the first get a number."""
        names: list[str] = []
        for check in self.expectations:
            same = sum(each == check.own_name or each.startswith(f"{check.own_name} (") for each in names)
            names.append(check.own_name if not same else f"{check.own_name} ({same + 1})")
        return tuple(names)

    def query(self, frame: str) -> str:
        """The query of one of the frames, to select from."""
        return f"({self.frames[frame].strip().rstrip(';')}\n)"


def suite_files(folder: Path) -> dict[str, Path]:
    """Table → its file, for every file of one suite's folder."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def read_macros(expectations_dir: Path) -> str:
    """SQL of the questions that several frames ask; empty where there are none.

    Raises:
        SuiteError: the file cannot be read.
    """
    path = expectations_dir / "macros.sql"
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"cannot be read ({' '.join(str(error).split())})", where=shown(path)) from None


def shown(path: Path) -> str:
    """The file as people know it: `expectations/<suite>/<table>.yaml`."""
    return "/".join(path.parts[-3:])


def nearest(value: object, allowed: Collection[str], *, most: int = _MOST_NAMES) -> str:
    """The names that are allowed, for a sentence: all where they are few, else the three most like `value`."""
    if not allowed:
        return "none"
    if len(allowed) <= most:
        return ", ".join(allowed)
    near = get_close_matches(str(value), allowed, n=3, cutoff=0)
    return f"{', '.join(near)} and {len(allowed) - len(near)} others"


def with_thresholds(
    parameters: Mapping[str, Any], path: Path, suite: TableSuite, overrides: Mapping[str, float]
) -> dict[str, Any]:
    """`parameters` and the thresholds of one file, as the deployment sets them.

    Args:
        overrides: `<table>.<threshold>` → what it is instead, of all files together.
    """
    own = {name: overrides.get(f"{path.stem}.{name}", value) for name, value in suite.thresholds.items()}
    whole = {name: int(value) if float(value).is_integer() else value for name, value in own.items()}
    return {**parameters, **whole}


def read_yaml(path: Path) -> Any:
    """What a file below `expectations/` says, whatever that is.

    Raises:
        SuiteError: the file is missing, or is no YAML of the safe kind; the same key twice is none.
    """
    where = shown(path)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader of our own
    except FileNotFoundError:
        raise SuiteError("the table has no expectations", where=where, allowed="a file of that name") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SuiteError(f"is no YAML that can be read ({error.problem}{line})", where=where) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SuiteError(f"cannot be read ({' '.join(str(error).split())})", where=where) from None


def read_suite(path: Path, parameters: Mapping[str, Any]) -> TableSuite:
    """The file's checks.

    Args:
        path: `<suite>/<table>.yaml`.
        parameters: what `$PARAMETER` and the braces of a sentence may name, besides the file's own thresholds.

    Raises:
        SuiteError: the file is missing, cannot be read, or says something that is not understood.
    """
    where = shown(path)
    document = read_yaml(path)
    try:
        suite = TableSuite.model_validate(document)
    except ValidationError as error:
        raise refusal(error, where, TableSuite) from None
    rows = SUITES.get(path.parent.name, {})
    if suite.rows not in rows:
        raise SuiteError("rows not allowed in this suite", where=where, value=suite.rows, allowed=", ".join(rows))
    for name in suite.thresholds:
        if name in parameters or not _THRESHOLD_NAME.match(name):
            allowed = "a name of its own, of small letters, digits and underscores"
            raise SuiteError("threshold not allowed", where=where, value=name, allowed=allowed)
    named: set[str] = set()
    known = {**parameters, **suite.thresholds}
    for number, check in enumerate(suite.expectations):
        _resolve_names(check, suite, known, place(where, number))
        if check.name in named:
            raise SuiteError("another check has that name", where=place(where, number), value=check.name)
        named |= {check.name} if check.name else set()
    return suite


def place(where: str, number: int) -> str:
    """One entry of a file, as people count."""
    return f"{where}, expectation {number + 1}"


def _resolve_names(check: Check, suite: TableSuite, parameters: Mapping[str, Any], where: str) -> None:
    if check.frame is not None and check.frame not in suite.frames:
        raise SuiteError("unknown frame", where=where, value=check.frame, allowed=nearest(check.frame, suite.frames))
    names = sorted(parameters)
    for name in _parameters_in(check.arguments):
        if name not in parameters:
            raise SuiteError("unknown parameter", where=where, value=name, allowed=nearest(name, names))
    try:
        check.sentence.format_map(parameters)
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        allowed = nearest(error, names)
        raise SuiteError(f"its sentence cannot be filled in ({error})", where=where, allowed=allowed) from None


def _parameters_in(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if "$PARAMETER" in value:
            yield value["$PARAMETER"]
        for inner in value.values():
            yield from _parameters_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parameters_in(inner)


def refusal(error: ValidationError, where: str, model: type[BaseModel]) -> SuiteError:
    """The first thing that pydantic did not understand, as a sentence.

    Args:
        where: the file, as people know it.
        model: whose keys are allowed.
    """
    first = error.errors(include_url=False)[0]
    loc = first["loc"]
    key = loc[-1] if loc else ""
    if len(loc) > 1 and isinstance(loc[1], int):
        where = place(where, loc[1])
    match first["type"]:
        case "missing":
            return SuiteError(f"the key {key!r} is missing", where=where)
        case "extra_forbidden":
            return SuiteError("unknown key", where=where, value=key, allowed=nearest(key, model.model_fields))
        case "model_type":
            return SuiteError("should be keys and their values", where=where)
        case "too_short" | "string_too_short":
            return SuiteError(f"{key} is empty", where=where)
        case "literal_error":
            return SuiteError(f"{key} not allowed", where=where, value=first["input"], allowed=first["ctx"]["expected"])
        case _:
            name = f"{key}: " if key else ""
            return SuiteError(name + first["msg"].removeprefix("Value error, "), where=where)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # ten times as fast where it is
    """YAML's safe subset, in which the same key twice is an error and not a loss."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                problem = f"the key {key!r} stands there twice"
                raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping
