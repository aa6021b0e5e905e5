"""Every metric that CloudWatch has, series by series."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_metrics import PERIODS
from labelhouse.reports.operations_encoding import nothing_of

REPORT = Report(
    name="metric_series",
    page="operations",
    order=20,
    title="Metrics and their dimensions",
    question="What is measured, of what, in which unit, and since when? A click on any of it draws that above.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        with {PERIODS.strip()}
        select
            metric_group,
            metric_name,
            statistic,
            any_value(unit) as unit,
            resource_name,
            series_key,
            count(*) as period_count,
            min(metric_value) as lowest_value,
            avg(metric_value) as mean_value,
            max(metric_value) as highest_value,
            max_by(metric_value, period_at) as newest_value,
            min(period_at) as first_period_at,
            max(period_at) as last_period_at,
            min(period_seconds) as finest_period_seconds,
            bool_and(is_catalogued) as is_catalogued,
            namespace,
            account_id,
            aws_region
        from periods
        group by metric_group, metric_name, statistic, resource_name, series_key, namespace, account_id, aws_region
        order by metric_group, resource_name, metric_name, statistic, series_key, account_id, aws_region
    """,
    fields=(
        Field("metric_group", "Of"),
        Field("metric_name", "Metric", "metric"),
        Field("statistic", "Statistic", "statistic"),
        Field("unit", "Unit"),
        Field("resource_name", "Resource", "resource"),
        Field("series_key", "Dimensions", "series"),
        Field("period_count", "Values", "count"),
        Field("lowest_value", "Lowest", "number"),
        Field("mean_value", "Mean", "number"),
        Field("highest_value", "Highest", "number"),
        Field("newest_value", "Newest", "number"),
        Field("first_period_at", "First", "time"),
        Field("last_period_at", "Last", "time"),
        Field("finest_period_seconds", "Finest period", "seconds"),
        Field("is_catalogued", "Documented by AWS", "boolean"),
        Field("namespace", "Namespace"),
        Field("account_id", "Account", "account"),
    ),
    empty=nothing_of("value of a metric", "cloudwatch_metrics"),
)
