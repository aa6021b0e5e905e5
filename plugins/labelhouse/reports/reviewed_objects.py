"""Objects that reviewers adjusted, audited or verified, per reviewing job."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_labels import LABELS_OF_JOBS, OBJECTS_OF_JOBS
from labelhouse.reports.label_encoding import SHOWN_LINES, count_axis, line_axis, result_bars


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    return result_bars(
        rows,
        count_axis("dataset_object_count", "objects"),
        line_axis("labeling_job_name", "job", "job_rank"),
        alt.Tooltip("labeling_job_name:N", title="job"),
        alt.Tooltip("level:N", title="level"),
        alt.Tooltip("result:N", title="result"),
        alt.Tooltip("dataset_object_count:Q", title="objects", format=",d"),
        alt.Tooltip("share_ratio:Q", title="of the job", format=".1%"),
    )


def _note(rows: list[Row]) -> str | None:
    if not rows or rows[0]["job_count"] <= SHOWN_LINES:
        return None
    return f"The {SHOWN_LINES} reviewing jobs with the most objects, of {rows[0]['job_count']:,}."


REPORT = Report(
    name="reviewed_objects",
    page="annotations",
    order=80,
    title="Audited and adjusted objects",
    question="How many objects did reviewers go through, in which job of which level, and with what result?",
    sql=f"""
        with {LABELS_OF_JOBS.strip()},
        {OBJECTS_OF_JOBS.strip()},
        reviews as (
            select
                labeling_job_name,
                case
                    when labeling_job_name = verified_by_job_name then coalesce(verification_result, 'looked at')
                    when is_adjusted then 'adjusted'
                    when not is_adjusted then 'unadjusted'
                    else 'looked at'
                end as result,
                count(*) as dataset_object_count
            from objects
            where
                not is_failed
                and (
                    labeling_job_name in (verified_by_job_name, adjusted_by_job_name)
                    or is_adjusted is not null
                )
            group by all
        ),
        ranked as (
            select
                *,
                sum(dataset_object_count) over (partition by labeling_job_name) as job_object_count
            from reviews
        )
        select
            ranked.labeling_job_name,
            dim_labeling_job.level,
            ranked.result,
            ranked.dataset_object_count,
            ranked.dataset_object_count / ranked.job_object_count as share_ratio,
            dense_rank() over (order by ranked.job_object_count desc, ranked.labeling_job_name) as job_rank,
            (select count(distinct labeling_job_name) from reviews) as job_count
        from ranked
        left join dim_labeling_job using (labeling_job_name)
        qualify job_rank <= {SHOWN_LINES}
        order by job_rank, result
    """,
    fields=(
        Field("labeling_job_name", "Reviewing job", "job"),
        Field("level", "Level"),
        Field("result", "Result"),
        Field("dataset_object_count", "Objects", "count"),
        Field("share_ratio", "Share", "ratio"),
    ),
    draw=_draw,
    note=_note,
    empty="No object in this selection was adjusted or verified.",
)
