"""Great Expectations, kept quiet: no telemetry, no network, no files, no progress bars, no values in its results.

Its import takes seconds, so nothing here imports it before the first `Evaluator` is made.
"""

from __future__ import annotations

import gc
import json
import logging
import math
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from labelhouse.checks.results import SHOWN_KEYS, Verdict, as_json
from labelhouse.checks.suites import Check, SuiteError
from labelhouse.checks.vocabulary import require_known

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.expectations.expectation import Expectation

#: Counts only. Of failing rows, `COMPLETE` adds the positions; values stay out of either.
_COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
_POSITIONS = {
    "result_format": "COMPLETE",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
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
    """What became of one check; as in `CheckResult`, and Great Expectations' own result where there is one."""

    verdict: Verdict
    element_count: int | None = None
    unexpected_count: int | None = None
    observed_value: str | None = None
    statistic_value: float | None = None
    found: str | None = None
    error: str | None = None
    validation: ExpectationValidationResult | None = field(default=None, repr=False, compare=False)

    @classmethod
    def crashed(cls, error: str) -> Outcome:
        """It could not be evaluated."""
        return cls("not_evaluated", error=error)


class Evaluator:
    """An ephemeral context of Great Expectations and a place to put frames.

    Raises:
        Exception: whatever keeps Great Expectations from being imported or started.
    """

    def __init__(self) -> None:
        with quietly_imported():
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
        self._one_at_a_time = Lock()

    def expected(self, check: Check, number: int, where: str, meta: Mapping[str, Any] | None = None) -> Expected:
        """The check as Great Expectations knows it.

        Args:
            where: the entry, as people know it.
            meta: what its results carry for the Data Docs.

        Raises:
            SuiteError: an unknown expectation, an unknown argument, or a value that is not allowed.
        """
        from great_expectations.compatibility.pydantic import ValidationError
        from great_expectations.expectations import registry

        require_known(check, where)
        kind = registry.get_expectation_impl(check.expect)
        try:
            return Expected(check, number, kind(**check.arguments, meta={**(meta or {}), "check_number": number}))
        except ValidationError as error:
            first = error.errors()[0]
            name = "" if first["loc"][0] == "__root__" else f"{first['loc'][0]}: "
            raise SuiteError(name + first["msg"], where=where, value=check.expect) from None

    def validate(
        self,
        frame: pd.DataFrame,
        expectations: Sequence[Expectation],
        parameters: Mapping[str, Any] | None = None,
        *,
        wants_positions: bool = False,
    ) -> list[ExpectationValidationResult]:
        """What Great Expectations finds in `frame`, in an order of its own, without any value of a row.

        Args:
            parameters: what `$PARAMETER` in the expectations stands for.
            wants_positions: say which rows of the frame failed.

        Raises:
            Exception: whatever Great Expectations raises when it crashes as a whole.
        """
        from great_expectations import ExpectationSuite

        with self._one_at_a_time:  # its context is one for all threads
            validation = self._rows.get_batch({"dataframe": frame}).validate(
                ExpectationSuite(name="checks", expectations=list(expectations)),
                result_format=_POSITIONS if wants_positions else _COUNTS,
                expectation_parameters=dict(parameters or {}),
            )
        return list(validation.results)

    def evaluate(
        self, frame: pd.DataFrame, group: Sequence[Expected], parameters: Mapping[str, Any]
    ) -> dict[int, Outcome]:
        """Check number → outcome, for every check of `group` on `frame`. Never raises: a crash is an outcome."""
        wants_keys = any(expected.check.keys for expected in group)
        expectations = [expected.expectation for expected in group]
        try:
            results: list[Any] = self.validate(frame, expectations, parameters, wants_positions=wants_keys)
            # results come in another order, and one that crashed may come twice
            found = {each.expectation_config.meta["check_number"]: each for each in results}
            return {expected.number: _outcome(expected, found.get(expected.number), frame) for expected in group}
        except Exception as error:
            return {expected.number: Outcome.crashed(_crash(type(error).__name__)) for expected in group}


def _outcome(expected: Expected, validation: Any, frame: pd.DataFrame) -> Outcome:
    """One of Great Expectations' results, without values."""
    if validation is None:
        return Outcome.crashed("Great Expectations evaluated nothing")
    if crash := _raised(validation.exception_info):
        return Outcome.crashed(crash)
    result = validation.result or {}
    positions = list(result.pop("unexpected_index_list", None) or ())[:SHOWN_KEYS]
    if expected.check.keys and not validation.success:
        keys = frame.loc[positions, list(expected.check.keys)].to_dict("records")
        observed = json.dumps(keys, default=str) if keys else None
    else:
        observed = as_json(result.get("observed_value"), names_allowed=not expected.check.columns)
    return Outcome(
        "met" if validation.success else "not_met",
        element_count=_count(result.get("element_count")),
        unexpected_count=_count(result.get("unexpected_count")),
        observed_value=observed,
        statistic_value=_number(result.get("observed_value")),
        validation=validation,
    )


def _count(value: Any) -> int | None:
    return None if value is None else int(value)  # numpy's own integers are nobody else's


def _number(value: Any) -> float | None:
    """A single finite number that was observed, e.g. a mean; a trend can be drawn of it."""
    if hasattr(value, "item") and not value.ndim:
        value = value.item()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


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
def quietly_imported() -> Iterator[None]:
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
