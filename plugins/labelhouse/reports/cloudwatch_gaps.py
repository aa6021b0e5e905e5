"""Where CloudWatch counts otherwise than we do."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_metrics import of_resource

REPORT = Report(
    name="cloudwatch_gaps",
    page="operations",
    order=150,
    title="CloudWatch's counts and ours",
    question="How many submitted tasks does CloudWatch count, and how many do the log and the answers hold? It "
    "delivers metrics as well as it can, not surely: fewer there is no fault here.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        select
            event_date,
            labeling_job_name as resource_name,
            cloudwatch_task_count,
            log_task_count,
            answer_task_count,
            cloudwatch_difference_count,
            case when cloudwatch_difference_count < 0 then 'CloudWatch has more' end as flags,
            explanation
        from fct_source_gap
        where
            cloudwatch_task_count is not null
            and {of_resource("fct_source_gap", "labeling_job_name")}
        order by event_date desc, labeling_job_name
    """,
    fields=(
        Field("event_date", "Day", "date"),
        Field("resource_name", "Labelling job", "resource"),
        Field("cloudwatch_task_count", "CloudWatch", "count"),
        Field("log_task_count", "Worker log", "count"),
        Field("answer_task_count", "Answers", "count"),
        Field("cloudwatch_difference_count", "Ours less CloudWatch's", "count"),
        Field("flags", "Look at", "flags"),
        Field("explanation", "Why", "sentence"),
    ),
    note=lambda rows: (
        f"{sum(bool(row['cloudwatch_difference_count']) for row in rows):,} of {len(rows):,} days of a job differ."
        if rows
        else None
    ),
    empty="CloudWatch counts no submitted task in this selection: it does for work teams whose metrics the source "
    "cloudwatch_metrics reads.",
)
