"""Evaluates every drift file on a build. Whatever goes wrong in here is a result that holds the publication."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from labelhouse.checks.contracts import partial_marts, table_columns
from labelhouse.checks.drift.comparisons import compare, highest_p_value
from labelhouse.checks.drift.suites import DriftCheck, DriftFile, read_drift_suite
from labelhouse.checks.drift.windows import windows_frame
from labelhouse.checks.evaluate import Evaluator
from labelhouse.checks.reasons import reason_of
from labelhouse.checks.results import CheckResult
from labelhouse.checks.suites import SuiteError, shown, suite_files
from labelhouse.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from labelhouse.checks.data_docs import DataDocs

SUITE = "drift"


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file, the number of its first check among those of its table, its windows, and the p-values of its checks."""

    file: DriftFile
    first_number: int
    frame: pd.DataFrame
    p_values: list[float]


def run_drift(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    evaluator: Evaluator,
    docs: DataDocs | None,
    expectations_dir: Path,
) -> list[CheckResult]:
    """Evaluates every check of every file below `<expectations_dir>/drift`, for every subject, in order of the files.

    Which p-values count is known only when all of a family are: so the statistics are made first, Benjamini and
    Hochberg's bound of each family follows, and Great Expectations judges by it. Never raises for what it finds: a
    file that is not understood and a table that cannot be read are results with `error` set and severity `hold`.

    Args:
        connection: to the build file (schemas `raw` and `main`); read-only will do.
        settings: whose false-alarm ratio and baselines count.
        evaluator: Great Expectations.
        docs: takes Great Expectations' own results; None where nobody wants them.
        expectations_dir: holds `drift/<table>.<column>.yaml`.
    """
    results: dict[str, list[CheckResult]] = {}
    opened: dict[str, _Opened] = {}
    numbers: dict[str, int] = defaultdict(int)
    columns, partial = table_columns(), partial_marts()
    for stem, path in suite_files(expectations_dir / SUITE).items():
        table = stem.rpartition(".")[0].rpartition(".")[2] or stem
        try:
            file = read_drift_suite(path, columns, settings, partial)
            opened[stem] = _opened(connection, file, numbers[table])
            numbers[table] += len(file.checks)
        except Exception as error:
            results[stem] = [_unread(stem, table, numbers[table], error, shown(path))]
            numbers[table] += 1
    families: dict[str, list[float]] = defaultdict(list)
    for each in opened.values():
        families[each.file.family] += each.p_values
    bounds = {family: highest_p_value(found, settings.drift_false_alarm_ratio) for family, found in families.items()}
    for stem, each in opened.items():
        results[stem] = _evaluated(each, bounds[each.file.family], evaluator, docs)
    return [result for stem in sorted(results) for result in results[stem]]


def _opened(connection: duckdb.DuckDBPyConnection, file: DriftFile, first_number: int) -> _Opened:
    """The file's windows, and the p-values of all that is compared in them."""
    frame = windows_frame(connection, file)
    least = file.suite.least.reference, file.suite.least.current
    compared = (
        comparison
        for check in file.checks
        for comparison in compare(frame, check.statistic_name, file.column_name, check.other, least)
    )
    p_values = [comparison.statistic.p_value for comparison in compared if comparison.statistic is not None]
    return _Opened(file, first_number, frame, p_values)


def _evaluated(opened: _Opened, bound: float, evaluator: Evaluator, docs: DataDocs | None) -> list[CheckResult]:
    """What Great Expectations finds in one file's windows."""
    from labelhouse.checks.drift.expectations import EXPECTATIONS

    file = opened.file
    expectations = [
        EXPECTATIONS[check.expect](
            column=file.column_name,
            **check.arguments,
            highest_p_value=bound,
            least_reference_count=file.suite.least.reference,
            least_current_count=file.suite.least.current,
            noun=file.suite.noun,
            reference_name=_reference_name(file),
            meta={"check_number": number, "sentence": check.sentence, "check_name": file.check_name(check)},
        )
        for number, check in enumerate(file.checks)
    ]
    try:
        validations: list[Any] = evaluator.validate(opened.frame, expectations)
        found = {each.expectation_config.meta["check_number"]: each for each in validations}
        if docs is not None:
            docs.add(SUITE, file.table_name, [found[number] for number in sorted(found)])
    except Exception as error:
        found = {}
        reason = f"Great Expectations crashed ({type(error).__name__}; its message may quote data and is left out)"
    else:
        reason = "Great Expectations crashed (its message may quote data and is left out)"
    return [
        result
        for number, check in enumerate(file.checks)
        for result in _results(file, check, opened.first_number + number, found.get(number), reason)
    ]


def _results(file: DriftFile, check: DriftCheck, number: int, validation: Any, reason: str) -> Iterator[CheckResult]:
    """One result for every subject of a check."""
    known: dict[str, Any] = {
        "suite": SUITE,
        "table_name": file.table_name,
        "check_name": file.check_name(check),
        "check_number": number,
        "expectation_type": check.expect,
        "sentence": check.sentence,
        "what_to_do": check.what_to_do,
    }
    details = validation.result.get("details") if validation is not None and validation.result else None
    if details is None:
        yield CheckResult(**known, severity="hold", verdict="not_evaluated", error=reason)
    elif not details["subjects"]:
        found = f"There are no {file.suite.noun}: not enough data."
        yield CheckResult(**known, severity=check.severity, verdict="not_enough_data", found=found)
    else:
        for subject in sorted(details["subjects"], key=lambda subject: subject["subject"] or ""):
            picture = subject["picture"]
            yield CheckResult(
                **known,
                severity=check.severity,
                verdict=subject["verdict"],
                subject=subject["subject"],
                statistic_name=subject["statistic_name"],
                statistic_value=subject["statistic_value"],
                threshold_value=subject["threshold_value"],
                p_value=subject["p_value"],
                reference_count=subject["reference_count"],
                current_count=subject["current_count"],
                picture_json=None if picture is None else json.dumps(picture, allow_nan=False),
                found=subject["finding"],
            )


def _reference_name(file: DriftFile) -> str:
    """What the reference is called after its count."""
    reference = file.suite.reference
    if reference.baseline is not None:
        return f"of the baseline {reference.baseline}"
    return "before" if reference.is_rolling else "of the reference"


def _unread(stem: str, table: str, number: int, error: Exception, where: str) -> CheckResult:
    """A file that cannot be evaluated at all."""
    said = str(error) if isinstance(error, SuiteError) else f"{where} cannot be evaluated ({reason_of(error)})"
    what_to_do = f"Correct {where}, or what it reads, and build again."
    return CheckResult.unevaluated(SUITE, table, said, what_to_do, check_name=stem, check_number=number, file=where)
