"""Great Expectations, kept quiet: no telemetry, no network, no files, no progress bars, no values in its results.

Its import takes seconds, so nothing here imports it before the first `Evaluator` is made.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from labelhouse.checks.results import SHOWN_KEYS, as_json
from labelhouse.checks.suites import Check, SuiteError

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations.expectation import Expectation

#: Counts only. Of failing rows, `COMPLETE` adds the positions; values stay out of either.
_COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
_POSITIONS = {
    "result_format": "COMPLETE",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}
#: Fields of an expectation that a file may not set: bookkeeping, and conditions that pandas would evaluate as code.
_NOT_ARGUMENTS = {
    *("id", "meta", "notes", "result_format", "description", "catch_exceptions", "rendered_content", "severity"),
    *("windows", "row_condition", "condition_parser", "batch_id", "table"),
}
_RAISED = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Exception))\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Expected:
    """A check, its number in its file, and the same as Great Expectations knows it."""

    check: Check
    number: int
    expectation: Expectation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one check; as in `CheckResult`."""

    is_success: bool
    element_count: int | None = None
    unexpected_count: int | None = None
    observed_value: str | None = None
    error: str | None = None


class Evaluator:
    """An ephemeral context of Great Expectations and a place to put frames.

    Raises:
        Exception: whatever keeps Great Expectations from being imported or started.
    """

    def __init__(self) -> None:
        with _quietly_imported():
            import great_expectations
            from great_expectations.data_context.types.base import (
                DataContextConfig,
                InMemoryStoreBackendDefaults,
                ProgressBarsConfig,
            )
        config = DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        )
        context = great_expectations.get_context(mode="ephemeral", project_config=config)
        asset = context.data_sources.add_pandas("build").add_dataframe_asset("rows")
        self._rows = asset.add_batch_definition_whole_dataframe("all")

    def expected(self, check: Check, number: int, where: str) -> Expected:
        """The check as Great Expectations knows it.

        Raises:
            SuiteError: an unknown expectation, an unknown argument, or a value that is not allowed.
        """
        from great_expectations.compatibility.pydantic import ValidationError
        from great_expectations.expectations import registry

        types = registry.list_registered_expectation_implementations()
        if check.expect not in types:
            near = get_close_matches(check.expect, types, n=3, cutoff=0)
            raise SuiteError(
                "unknown expectation",
                where=where,
                value=check.expect,
                allowed=f"{', '.join(near)} and others of Great Expectations",
            )
        kind = registry.get_expectation_impl(check.expect)
        arguments = sorted(set(kind.__fields__) - _NOT_ARGUMENTS)
        for argument in check.arguments:
            if argument not in arguments:
                allowed = ", ".join([*Check.model_fields, *arguments])
                raise SuiteError("unknown key", where=where, value=argument, allowed=allowed)
        try:
            return Expected(check, number, kind(**check.arguments, meta={"check_number": number}))
        except ValidationError as error:
            first = error.errors()[0]
            name = "" if first["loc"][0] == "__root__" else f"{first['loc'][0]}: "
            raise SuiteError(name + first["msg"], where=where, value=check.expect) from None

    def evaluate(
        self, frame: pd.DataFrame, group: Sequence[Expected], parameters: Mapping[str, Any]
    ) -> dict[int, Outcome]:
        """Check number → outcome, for every check of `group` on `frame`. Never raises: a crash is an outcome."""
        from great_expectations import ExpectationSuite

        wants_keys = any(expected.check.keys for expected in group)
        try:
            suite = ExpectationSuite(name="checks", expectations=[expected.expectation for expected in group])
            validation = self._rows.get_batch({"dataframe": frame}).validate(
                suite,
                result_format=_POSITIONS if wants_keys else _COUNTS,
                expectation_parameters=dict(parameters),
            )
            # results come in another order, and one that crashed may come twice
            results: list[Any] = validation.results
            found = {each.expectation_config.meta["check_number"]: each for each in results}
            return {expected.number: _outcome(expected, found.get(expected.number), frame) for expected in group}
        except Exception as error:
            return {expected.number: Outcome(False, error=_crash(type(error).__name__)) for expected in group}


def _outcome(expected: Expected, validation: Any, frame: pd.DataFrame) -> Outcome:
    """One of Great Expectations' results, without values."""
    if validation is None:
        return Outcome(False, error="Great Expectations evaluated nothing")
    if crash := _raised(validation.exception_info):
        return Outcome(False, error=crash)
    result = validation.result or {}
    if expected.check.keys and not validation.success:
        positions = list(result.get("unexpected_index_list") or ())[:SHOWN_KEYS]
        keys = frame.loc[positions, list(expected.check.keys)].to_dict("records")
        observed = json.dumps(keys, default=str) if keys else None
    else:
        observed = as_json(result.get("observed_value"), names_allowed=not expected.check.columns)
    return Outcome(
        is_success=bool(validation.success),
        element_count=_count(result.get("element_count")),
        unexpected_count=_count(result.get("unexpected_count")),
        observed_value=observed,
    )


def _count(value: Any) -> int | None:
    return None if value is None else int(value)  # numpy's own integers are nobody else's


def _raised(info: Mapping[str, Any] | None) -> str | None:
    """The exception in `exception_info`, which is one of them or one for each metric that failed."""
    if not info:
        return None
    if "raised_exception" in info:
        return _crash(_name_of(info["exception_traceback"])) if info["raised_exception"] else None
    return _crash(_name_of(next(iter(info.values()))["exception_traceback"]))


def _name_of(traceback: str | None) -> str:
    """The kind of exception that a traceback in text began with."""
    found = _RAISED.search(traceback or "")
    return found.group(1) if found else "unknown exception"


def _crash(kind: str) -> str:
    return f"Great Expectations crashed ({kind}; its message may quote data and is left out)"


@contextmanager
def _quietly_imported() -> Iterator[None]:
    """The import of Great Expectations as it should be: without telemetry, faster, and leaving no trace behind."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # below that it logs tracebacks that quote data
    collects = gc.isenabled()
    gc.disable()  # thousands of classes that stay: a fifth of the time went into looking for garbage among them
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            show_warning = warnings.showwarning
            yield
            if warnings.showwarning is not show_warning:
                logging.captureWarnings(False)  # the import turns that on for the whole process
    finally:
        if collects:
            gc.enable()
