"""What a check found: counts and keys, never the values themselves."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Severity = Literal["hold", "warn"]
#: `not_enough_data` is no pass and holds nothing; `not_evaluated` (a crash, a file not understood) always holds.
Verdict = Literal["met", "not_met", "not_enough_data", "not_evaluated"]

#: At most this many keys of failing rows are named.
SHOWN_KEYS = 5


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One expectation of one validation: a row of `schema.quality.CHECK_RESULTS`, for one subject.

    Args:
        suite: `inputs`, `marts` or `drift`.
        table_name: the table it belongs to.
        check_name: what ties it to itself in earlier builds; unique in its table.
        check_number: its place in that table's file, from 0.
        expectation_type: Great Expectations' name of it; `suite` where the table could not be checked at all.
        sentence: what is expected, for people, with the settings it depends on filled in.
        severity: of its failure; `hold` wherever it could not be evaluated.
        verdict: what became of it.
        element_count: rows looked at; None where it does not count rows.
        unexpected_count: how many of them did not meet it.
        observed_value: numbers, column names, or keys of failing rows, as strict JSON; None where there are none.
        error: why it could not be evaluated; None where it could.
        what_to_do: what someone who reads of its failure does next.
        subject: what of the table it is about, e.g. `validation:accuracy`; None where it is all of it.
        statistic_name, statistic_value, threshold_value, p_value: of a drift; None where rows were counted.
        reference_count, current_count: values that the statistic was made of.
        picture_json: both windows as a small picture's data (`checks.pictures`).
        found: a sentence that says more than the counts do; None where these say it.
        waived_until: until when an operator lets its failure pass.
    """

    suite: str
    table_name: str
    check_name: str
    check_number: int
    expectation_type: str
    sentence: str
    severity: Severity
    verdict: Verdict
    what_to_do: str
    element_count: int | None = None
    unexpected_count: int | None = None
    observed_value: str | None = None
    error: str | None = None
    subject: str | None = None
    statistic_name: str | None = None
    statistic_value: float | None = None
    threshold_value: float | None = None
    p_value: float | None = None
    reference_count: int | None = None
    current_count: int | None = None
    picture_json: str | None = None
    found: str | None = None
    waived_until: datetime | None = None

    @classmethod
    def unevaluated(
        cls,
        suite: str,
        table: str,
        error: str,
        what_to_do: str,
        *,
        check_name: str = "suite",
        check_number: int = 0,
        file: str | None = None,
    ) -> CheckResult:
        """A table or a file of which nothing could be checked; with the suite's name as table, a whole suite."""
        return cls(
            suite=suite,
            table_name=table,
            check_name=check_name,
            check_number=check_number,
            expectation_type="suite",
            sentence=f"The checks of {file or table} can be evaluated.",
            severity="hold",
            verdict="not_evaluated",
            error=error,
            what_to_do=what_to_do,
        )

    @property
    def is_success(self) -> bool:
        """Whether it was met."""
        return self.verdict == "met"

    @property
    def is_hold(self) -> bool:
        """Whether it keeps the build from being published."""
        fails = self.verdict in ("not_met", "not_evaluated")
        return fails and self.severity == "hold" and self.waived_until is None

    @property
    def finding(self) -> str:
        """What was found, as a sentence to stand after `sentence`."""
        if self.error:
            return f"It could not be evaluated: {self.error}"
        if self.found:
            return self.found
        seen = "" if self.observed_value is None else f": {self.observed_value}"
        if self.is_success:
            return f"Met{seen}." if self.element_count is None else f"Met; {self.element_count:,} rows looked at."
        if self.unexpected_count is None:
            return f"Not met{seen}."
        rows = "rows" if self.element_count is None else f"of {self.element_count:,} rows"
        return f"Not met by {self.unexpected_count:,} {rows}{seen}."


def holds(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Those that hold a publication back, in order."""
    return [result for result in results if result.is_hold]


def as_json(observed: Any, *, names_allowed: bool = False) -> str | None:
    """What was observed as strict JSON: NaN and infinities as strings, text and times left out.

    Args:
        observed: from Great Expectations, so possibly of numpy.
        names_allowed: text is column names here, not values.
    """
    shown = _shown(observed, names_allowed)
    return None if shown is None else json.dumps(shown, allow_nan=False)


def _shown(observed: Any, names_allowed: bool) -> Any:
    if hasattr(observed, "item") and getattr(observed, "ndim", None) == 0:
        observed = observed.item()
    shown: Any = None
    if isinstance(observed, bool | int):
        shown = observed
    elif isinstance(observed, float):
        shown = observed if math.isfinite(observed) else str(observed).replace("inf", "Infinity").replace("nan", "NaN")
    elif isinstance(observed, str):
        shown = observed if names_allowed else None
    elif isinstance(observed, Mapping):
        pairs = ((str(key), _shown(value, names_allowed)) for key, value in observed.items())
        shown = {key: value for key, value in pairs if value is not None} or None
    elif isinstance(observed, Sequence):
        values = [_shown(value, names_allowed) for value in observed]
        shown = None if None in values else values
    return shown
