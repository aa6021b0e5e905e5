"""Great Expectations' expectations of drift: of a frame that holds a reference and a current window side by side.

Importing this registers them, and imports Great Expectations: only after an `Evaluator` was made. They are like its
own: usable in any suite on pandas, e.g. `ExpectNoTrend(column="final_value", threshold=0.5)` on a frame that also has
the columns `subject`, `is_current`, `key`, `is_higher_better` and `lost_count` of `windows.windows_frame`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from great_expectations.compatibility import pydantic
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnAggregateExpectation
from great_expectations.expectations.metrics.column_aggregate_metric_provider import ColumnAggregateMetricProvider
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.render.components import LegacyDiagnosticRendererType, LegacyRendererType
from great_expectations.render.renderer.renderer import renderer
from great_expectations.validator.metric_configuration import MetricConfiguration

from labelhouse.checks.drift import rendering
from labelhouse.checks.drift.comparisons import Comparison, compare
from labelhouse.checks.drift.findings import Judged
from labelhouse.checks.drift.suites import STATISTICS

#: The metric that every expectation here is made of.
METRIC = "column.drift"
_VALUE_KEYS = ("statistic", "other_column", "least_reference_count", "least_current_count")


class ColumnDrift(ColumnAggregateMetricProvider):
    """The comparison of both windows for every subject: a list of `Comparison`."""

    metric_name = METRIC
    value_keys = _VALUE_KEYS

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 - Great Expectations makes it a class method
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> list[Comparison]:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        statistic, other, *least = (metric_value_kwargs[key] for key in _VALUE_KEYS)
        return compare(frame, statistic, metric_domain_kwargs["column"], other, (least[0], least[1]))


class _DriftExpectation(ColumnAggregateExpectation):
    """What they share: the windows, the threshold, the judgement and how it is rendered.

    Args:
        statistic: its name; None where there is only one.
        threshold: what the size of the statistic may not exceed.
        highest_p_value: the largest p-value that counts against it.
        direction: `worse` lets shifts to the better pass.
        least_reference_count, least_current_count: the fewest values of each window.
        noun, reference_name: as in `findings.Judged`.
        other_column: the one that `column` goes with; for correlations.
    """

    threshold: float = pydantic.Field(gt=0)
    statistic: str | None = None
    highest_p_value: float = pydantic.Field(0.05, ge=0, le=1)
    direction: Literal["either", "worse"] = "either"
    least_reference_count: int = pydantic.Field(10, ge=5)
    least_current_count: int = pydantic.Field(5, ge=3)
    noun: str = "values"
    reference_name: str = "before"
    other_column: str | None = None

    metric_dependencies: ClassVar[tuple[str, ...]] = (METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = (*_VALUE_KEYS, "threshold", "highest_p_value", "direction")

    @pydantic.validator("statistic", always=True)
    def _known_statistic(cls, value: str | None) -> str:  # noqa: N805 - pydantic makes it a class method
        known = STATISTICS[cls.expectation_type]
        if value is not None and value not in known:
            raise ValueError(f"unknown statistic {value!r} (allowed: {', '.join(known)})")
        return value or known[0]

    def get_validation_dependencies(self, execution_engine: Any = None, runtime_configuration: Any = None) -> Any:
        """The one metric, with every value it needs: Great Expectations passes on those only that were set."""
        dependencies = super().get_validation_dependencies(execution_engine, runtime_configuration)
        domain = dependencies.metric_configurations[METRIC].metric_domain_kwargs
        values = {key: getattr(self, key) for key in _VALUE_KEYS}
        dependencies.set_metric_configuration(METRIC, MetricConfiguration(METRIC, domain, values))
        return dependencies

    @classmethod
    def is_abstract(cls) -> bool:
        """Great Expectations registers all others."""
        return cls.__name__.startswith("_")

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> Any:
        """A result: a success where nothing drifts and anything could be told."""
        judged = Judged(
            statistic=str(self.statistic),
            threshold=self.threshold,
            highest_p_value=self.highest_p_value,
            least=(self.least_reference_count, self.least_current_count),
            direction=self.direction,
            noun=self.noun,
            reference_name=self.reference_name,
            other=self.other_column,
        )
        subjects = sorted((judged.details(comparison) for comparison in metrics[METRIC]), key=_severity)
        verdicts = [subject["verdict"] for subject in subjects]
        worst = subjects[0] if subjects else {}
        return {
            "success": "not_met" not in verdicts and "met" in verdicts,
            "result": {
                "observed_value": worst.get("statistic_value"),
                "details": {**worst, "subjects": subjects},
            },
        }

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(cls, configuration: Any = None, result: Any = None, *_: Any, **__: Any) -> Any:
        """The sentence, with the statistic, its threshold and the fewest values."""
        configuration = configuration or result.expectation_config
        defaults = {name: field.default for name, field in cls.__fields__.items()}
        named = {**defaults, "statistic": STATISTICS[cls.expectation_type][0], **configuration.kwargs}
        return rendering.prescribed(named, (configuration.meta or {}).get("sentence"))

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.OBSERVED_VALUE)
    def _diagnostic_observed_value_renderer(
        cls,
        configuration: Any = None,  # noqa: ARG003 - Great Expectations passes it
        result: Any = None,
        *_: Any,
        **__: Any,
    ) -> Any:
        """The findings that matter most, each with its picture."""
        return rendering.observed(((result.result if result else None) or {}).get("details") or {})


class ExpectMetricDriftToBeBelow(_DriftExpectation):
    """Expect that numbers of the current window are distributed like those of the reference."""


class ExpectCategoryShiftToBeBelow(_DriftExpectation):
    """Expect that names have the shares in the current window that they have in the reference."""


class ExpectNoTrend(_DriftExpectation):
    """Expect that values neither rise nor fall over both windows (Mann-Kendall)."""


class ExpectNoChangePoint(_DriftExpectation):
    """Expect that values do not change their level anywhere in both windows (Pettitt)."""


class ExpectCorrelationToBeStable(_DriftExpectation):
    """Expect that two columns go together in the current window as they do in the reference."""


#: Great Expectations' name → the class.
EXPECTATIONS: dict[str, type[_DriftExpectation]] = {
    kind.expectation_type: kind
    for kind in (
        ExpectMetricDriftToBeBelow,
        ExpectCategoryShiftToBeBelow,
        ExpectNoTrend,
        ExpectNoChangePoint,
        ExpectCorrelationToBeStable,
    )
}


def _severity(subject: dict[str, Any]) -> tuple[int, float]:
    """Orders subjects: those that drift first, then those that could be told, the least likely by chance first."""
    order = ("not_met", "met", "not_enough_data").index(subject["verdict"])
    return order, 1.0 if subject["p_value"] is None else subject["p_value"]
