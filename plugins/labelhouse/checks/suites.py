"""The YAML files below `expectations/`: found by walking, refused unless every word in them is understood."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from labelhouse.checks.results import Severity
from labelhouse.errors import LabelhouseError

SuiteName = Literal["inputs", "marts"]

#: Suite → what `rows:` may say → the schema of the build file that holds those rows.
SUITES: dict[str, dict[str, str]] = {
    "inputs": {"changed": "changed", "all": "raw"},
    "marts": {"all": "main"},
}

#: The columns that may name a failing row: where it is, never who made it or what it says.
KEY_COLUMNS = frozenset(
    (
        *("source_name", "unit_uri", "unit_version", "position", "event_date"),
        *("labeling_job_name", "dataset_object_id"),
        *("account_id", "aws_region", "run_id", "metric_name", "event_name", "file_uri"),
    )
)

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
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    expect: str
    severity: Severity
    sentence: str = Field(min_length=1)
    what_to_do: str = Field(min_length=1)
    frame: str | None = None
    keys: tuple[str, ...] = ()

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
        named: set[str] = set()
        for argument in _COLUMN_ARGUMENTS:
            value = self.arguments.get(argument, ())
            named.update((value,) if isinstance(value, str) else value)
        return tuple(sorted(named | set(self.keys))) if named else ()


class TableSuite(BaseModel):
    """One file.

    Args:
        description: what one row of the table is.
        rows: `changed` looks at the days that changed since the last release, `all` at everything.
        frames: derived frame → a DuckDB query for it over the schemas of the build file. Keep them small:
            aggregate there what would not fit into memory.
        expectations: the checks, in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = Field(min_length=1)
    rows: Literal["changed", "all"]
    frames: dict[str, str] = Field(default_factory=dict)
    expectations: tuple[Check, ...] = Field(min_length=1)


def suite_files(folder: Path) -> dict[str, Path]:
    """Table → its file, for every file of one suite's folder."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def shown(path: Path) -> str:
    """The file as people know it: `expectations/<suite>/<table>.yaml`."""
    return "/".join(path.parts[-3:])


def read_suite(path: Path, parameters: Mapping[str, Any]) -> TableSuite:
    """The file's checks.

    Args:
        path: `<suite>/<table>.yaml`.
        parameters: what `$PARAMETER` and the braces of a sentence may name.

    Raises:
        SuiteError: the file is missing, cannot be read, or says something that is not understood.
    """
    where = shown(path)
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader of our own
        suite = TableSuite.model_validate(document)
    except FileNotFoundError:
        raise SuiteError("the table has no expectations", where=where, allowed="a file of that name") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SuiteError(f"is no YAML that can be read ({error.problem}{line})", where=where) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SuiteError(f"cannot be read ({' '.join(str(error).split())})", where=where) from None
    except ValidationError as error:
        raise _refusal(error, where) from None
    rows = SUITES.get(path.parent.name, {})
    if suite.rows not in rows:
        raise SuiteError("rows not allowed in this suite", where=where, value=suite.rows, allowed=", ".join(rows))
    for number, check in enumerate(suite.expectations):
        _resolve_names(check, suite, parameters, place(where, number))
    return suite


def place(where: str, number: int) -> str:
    """One entry of a file, as people count."""
    return f"{where}, expectation {number + 1}"


def _resolve_names(check: Check, suite: TableSuite, parameters: Mapping[str, Any], where: str) -> None:
    if check.frame is not None and check.frame not in suite.frames:
        raise SuiteError("unknown frame", where=where, value=check.frame, allowed=", ".join(suite.frames) or "none")
    allowed = ", ".join(sorted(parameters))
    for name in _parameters_in(check.arguments):
        if name not in parameters:
            raise SuiteError("unknown parameter", where=where, value=name, allowed=allowed)
    try:
        check.sentence.format_map(parameters)
    except (LookupError, ValueError, AttributeError, TypeError) as error:
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


def _refusal(error: ValidationError, where: str) -> SuiteError:
    """The first thing that pydantic did not understand, as a sentence."""
    first = error.errors(include_url=False)[0]
    loc = first["loc"]
    key = loc[-1] if loc else ""
    if len(loc) > 1 and isinstance(loc[1], int):
        where = place(where, loc[1])
    match first["type"]:
        case "missing":
            return SuiteError(f"the key {key!r} is missing", where=where)
        case "extra_forbidden":
            return SuiteError("unknown key", where=where, value=key, allowed=", ".join(TableSuite.model_fields))
        case "model_type":
            return SuiteError("should be keys and their values", where=where)
        case "too_short" | "string_too_short":
            return SuiteError(f"{key} is empty", where=where)
        case "literal_error":
            return SuiteError(f"{key} not allowed", where=where, value=first["input"], allowed=first["ctx"]["expected"])
        case _:
            name = f"{key}: " if key else ""
            return SuiteError(name + first["msg"].removeprefix("Value error, "), where=where)


class _Loader(yaml.SafeLoader):
    """YAML's safe subset, in which the same key twice is an error and not a loss."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                problem = f"the key {key!r} stands there twice"
                raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)
