"""The page Operations: CloudWatch's metrics, endpoints, pipelines, predictions, and how fresh the sources are."""

from __future__ import annotations

from labelhouse.reports import older_releases
from labelhouse.reports.page import Filter, Page

OPERATIONS = Page(
    name="operations",
    title="Operations",
    filters=(
        Filter("from_date", "From", "date"),
        Filter("until_date", "Until", "date"),
        Filter(
            "account",
            "Account",
            everything="All accounts",
            choices="select distinct account_id as name from fct_metric_period where name is not null order by name",
        ),
        Filter(
            "namespace",
            "Namespace",
            everything="All namespaces",
            choices="select distinct namespace as name from fct_metric_period order by name",
        ),
        Filter(
            "metric",
            "Metric",
            everything="All metrics",
            choices="select distinct metric_name as name from fct_metric_period order by name",
        ),
        Filter(
            "statistic",
            "Statistic",
            everything="All statistics",
            choices="select distinct statistic as name from fct_metric_period order by name",
        ),
        Filter(
            "resource",
            "Resource",
            everything="All resources",
            choices="""
                select distinct name
                from (
                    select resource_name as name from fct_metric_period
                    union all
                    select endpoint_name from fct_prediction_distribution
                    union all
                    select labeling_job_name from fct_source_gap where cloudwatch_task_count is not null
                )
                where name is not null
                order by name
            """,
        ),
        Filter(
            "series",
            "Dimensions",
            "chip",
            everything="All dimensions",
            choices="select distinct series_key as name from fct_metric_period order by name",
        ),
        Filter(
            "feature",
            "Feature",
            "chip",
            everything="All features",
            choices="""
                select distinct feature_kind || ': ' || feature_name as name
                from fct_prediction_distribution
                order by name
            """,
        ),
    ),
    marts=frozenset(
        {
            "fct_metric_period",
            "fct_endpoint_latency",
            "fct_instance_utilization",
            "fct_labeling_progress",
            "fct_pipeline_period",
            "fct_prediction_distribution",
            "fct_source_freshness",
            "fct_source_gap",
        }
    ),
    stand_ins=older_releases.OPERATIONS,
)
