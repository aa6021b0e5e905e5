"""The metrics that SageMaker and Ground Truth are known to publish: units, statistics that mean something, dimensions.

One file holds them, `dbt/seeds/cloudwatch_metric_catalog.csv`, which the marts read too.
"""

from __future__ import annotations

import csv
from functools import cache
from typing import NamedTuple

_FILE = "dbt/seeds/cloudwatch_metric_catalog.csv"
#: Of a metric whose statistics nobody states.
UNSTATED_STATISTICS = ("Average", "Minimum", "Maximum", "SampleCount")


class CatalogedMetric(NamedTuple):
    """One metric of the catalog.

    Args:
        unit: as CloudWatch names it; None where AWS does not say.
        statistics: those that mean something, percentiles as `p50`.
        dimension_sets: names of the dimensions that it comes with, sorted; an empty set is that of the whole account,
            or of a metric whose dimensions AWS does not state.
    """

    unit: str | None
    statistics: tuple[str, ...]
    dimension_sets: tuple[tuple[str, ...], ...]


@cache
def catalog() -> dict[tuple[str, str], CatalogedMetric]:
    """Namespace and name of a metric → what is known of it."""
    from labelhouse.settings import PROJECT_DIR

    with (PROJECT_DIR / _FILE).open(newline="", encoding="utf-8") as file:
        return {
            (row["namespace"], row["metric_name"]): CatalogedMetric(
                row["unit"] or None,
                tuple(row["statistics"].split("|")),
                tuple(tuple(filter(None, names.split(","))) for names in row["dimension_sets"].split("|")),
            )
            for row in csv.DictReader(file)
        }


@cache
def namespaces() -> tuple[str, ...]:
    """Every namespace of the catalog, in its order."""
    return tuple(dict.fromkeys(namespace for namespace, _ in catalog()))


def statistics_of(namespace: str, metric_name: str) -> tuple[str, ...]:
    """The statistics that a metric is asked for; unknown metrics too."""
    known = catalog().get((namespace, metric_name))
    return known.statistics if known else UNSTATED_STATISTICS


def unit_of(namespace: str, metric_name: str) -> str | None:
    """The unit of a metric, which answers do not name; None where nobody states it."""
    known = catalog().get((namespace, metric_name))
    return known.unit if known else None


@cache
def metrics_of_the_account(namespace: str) -> tuple[str, ...]:
    """Metrics of a namespace that are known to come without any dimension."""
    return tuple(
        name for (space, name), known in catalog().items() if space == namespace and () in known.dimension_sets
    )
