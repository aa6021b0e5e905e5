"""Which predictions and inputs are not distributed as before."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_metrics import DISTRIBUTIONS, PART
from labelhouse.reports.operations_encoding import nothing_of

#: The days at the end that are compared with those before.
NEWEST_DAYS = 7

#: The total variation between the newest days and those before, per feature of each variant: 0 is the same, 1 has
#: nothing in common. CTEs on `distributions`.
SHIFTS = f"""
        newest as (
            select endpoint_name, variant_name, max(event_date) as newest_date from distributions group by all
        ),
        counted as (
            select
                feature,
                feature_kind,
                feature_name,
                endpoint_name,
                variant_name,
                {PART} as part,
                coalesce(
                    sum(prediction_count) filter (where event_date > newest_date - {NEWEST_DAYS}), 0
                ) as newest_count,
                coalesce(
                    sum(prediction_count) filter (where event_date <= newest_date - {NEWEST_DAYS}), 0
                ) as earlier_count
            from distributions
            join newest using (endpoint_name, variant_name)
            group by all
        ),
        shared as (
            select
                *,
                newest_count / nullif(sum(newest_count) over of_feature, 0) as newest_ratio,
                earlier_count / nullif(sum(earlier_count) over of_feature, 0) as earlier_ratio
            from counted
            window of_feature as (partition by feature, endpoint_name, variant_name)
        ),
        shifts as (
            select
                feature,
                feature_kind,
                feature_name,
                endpoint_name,
                variant_name,
                sum(abs(newest_ratio - earlier_ratio)) / 2 as shift_ratio,
                max_by(part, newest_ratio - earlier_ratio) as grown_part,
                max(newest_ratio - earlier_ratio) as grown_ratio,
                sum(newest_count)::bigint as newest_count,
                sum(earlier_count)::bigint as earlier_count,
                count(*) as part_count
            from shared
            group by feature, feature_kind, feature_name, endpoint_name, variant_name
        )
"""

REPORT = Report(
    name="feature_shifts",
    page="operations",
    order=120,
    title="What has shifted",
    question=f"Which predictions and inputs were distributed otherwise in the newest {NEWEST_DAYS} days than before? "
    "0 % is the same, 100 % has nothing in common; a click draws the feature.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        with {DISTRIBUTIONS.strip()},
        {SHIFTS.strip()}
        select
            *,
            endpoint_name as resource_name,
            case when grown_ratio > 0 then grown_part end as grown
        from shifts
        order by shift_ratio desc nulls last, feature, endpoint_name, variant_name
    """,
    fields=(
        Field("feature", "Feature", "feature"),
        Field("resource_name", "Endpoint", "resource"),
        Field("variant_name", "Variant"),
        Field("shift_ratio", "Shift", "ratio"),
        Field("grown", "Most more of"),
        Field("grown_ratio", "by", "change"),
        Field("newest_count", "Newest days", "count"),
        Field("earlier_count", "Before", "count"),
        Field("part_count", "Classes or ranges", "count"),
    ),
    empty=nothing_of("captured prediction", "model_predictions"),
)
