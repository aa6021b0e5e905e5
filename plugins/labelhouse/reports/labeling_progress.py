"""How labelling jobs went on, as CloudWatch counts."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_metrics import of_resource, stretches
from labelhouse.reports.operations_encoding import nothing_of, stretch_tooltips
from labelhouse.reports.time_encoding import SHOWN_SERIES, ranked_colour, time_lines, utc_axis


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    return time_lines(
        rows,
        utc_axis("stretch_at", "time (UTC)"),
        alt.Y("total_labeled_count:Q", title="objects labelled", axis=alt.Axis(tickMinStep=1, format=",d")),
        ranked_colour(rows, "resource_name"),
        alt.Tooltip("resource_name:N", title="job"),
        alt.Tooltip("total_labeled_count:Q", title="labelled", format=",d"),
        alt.Tooltip("human_labeled_count:Q", title="by people", format=",d"),
        alt.Tooltip("machine_labeled_count:Q", title="by machine", format=",d"),
        alt.Tooltip("failed_count:Q", title="failed", format=",d"),
        *stretch_tooltips(),
        detail="resource_name",
    )


def _note(rows: list[Row]) -> str | None:
    if not rows or rows[0]["job_count"] <= SHOWN_SERIES:
        return None
    return f"The newest {SHOWN_SERIES} of {rows[0]['job_count']:,} jobs."


REPORT = Report(
    name="labeling_progress",
    page="operations",
    order=45,
    title="Labelling progress",
    question="How many objects had each labelling job labelled by when? CloudWatch's highest count so far.",
    sql=f"""
        with progress as (
            select *
            from fct_labeling_progress
            where {of_resource("fct_labeling_progress", "labeling_job_name")}
        ),
        {stretches("progress").strip()},
        jobs as (
            select
                labeling_job_name,
                row_number() over (order by max(period_at) desc, labeling_job_name) as series_rank,
                count(*) over () as job_count
            from progress
            group by labeling_job_name
        )
        select
            labeling_job_name as resource_name,
            stretch_at,
            stretch_end_at,
            max(total_labeled_count) as total_labeled_count,
            max(human_labeled_count) as human_labeled_count,
            max(machine_labeled_count) as machine_labeled_count,
            max(failed_count) as failed_count,
            series_rank,
            job_count
        from stretched
        join jobs using (labeling_job_name)
        where series_rank <= {SHOWN_SERIES}
        group by all
        order by series_rank, stretch_at
    """,
    fields=(
        Field("resource_name", "Labelling job", "resource"),
        Field("stretch_at", "From", "time"),
        Field("total_labeled_count", "Labelled", "count"),
        Field("human_labeled_count", "By people", "count"),
        Field("machine_labeled_count", "By machine", "count"),
        Field("failed_count", "Failed", "count"),
    ),
    draw=_draw,
    note=_note,
    empty=nothing_of("labelling job's count", "cloudwatch_metrics"),
)
