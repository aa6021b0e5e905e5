"""Objects that people labelled beside those that a model labelled."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_labels import LABELS, OBJECTS
from labelhouse.reports.encoding import JOB_COLOURS, OTHER_COLOUR, category_colour, in_order, rows_chart, specification
from labelhouse.reports.label_encoding import SHOWN_LINES, count_axis, line_axis, lines_height

_COLOURS = {"people": JOB_COLOURS[0], "a model": JOB_COLOURS[1], "not captured": OTHER_COLOUR}


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    drawn = (
        rows_chart()
        .mark_bar(cornerRadius=1)
        .encode(
            x=count_axis("dataset_object_count", "objects"),
            y=line_axis("labeling_job_name", "job", "job_rank"),
            color=category_colour(rows, "labeled_by", _COLOURS),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("labeling_job_name:N", title="job"),
                alt.Tooltip("labeled_by:N", title="labelled by"),
                alt.Tooltip("dataset_object_count:Q", title="objects", format=",d"),
                alt.Tooltip("share_ratio:Q", title="of the job", format=".1%"),
                alt.Tooltip("mean_confidence_ratio:Q", title="mean confidence", format=".2f"),
            ],
        )
    )
    shown = in_order(rows, "labeled_by", _COLOURS)
    return specification(drawn, lines_height(rows, "labeling_job_name"), rows=shown)


def _note(rows: list[Row]) -> str | None:
    if not rows or rows[0]["job_count"] <= SHOWN_LINES:
        return None
    return f"The {SHOWN_LINES} jobs with the most objects, of {rows[0]['job_count']:,}."


REPORT = Report(
    name="human_and_model",
    page="annotations",
    order=60,
    title="Labelled by people and by a model",
    question="How much did automated data labelling take over? Its confidence is no measure beside that of people.",
    sql=f"""
        with {LABELS.strip()},
        {OBJECTS.strip()},
        counted as (
            select
                labeling_job_name,
                case is_human_annotated when true then 'people' when false then 'a model' else 'not captured' end
                    as labeled_by,
                count(*) as dataset_object_count,
                avg(confidence_ratio) as mean_confidence_ratio
            from objects
            where not is_failed
            group by all
        ),
        ranked as (
            select *, sum(dataset_object_count) over (partition by labeling_job_name) as job_object_count from counted
        )
        select
            labeling_job_name,
            labeled_by,
            dataset_object_count,
            dataset_object_count / job_object_count as share_ratio,
            mean_confidence_ratio,
            dense_rank() over (order by job_object_count desc, labeling_job_name) as job_rank,
            (select count(distinct labeling_job_name) from counted) as job_count
        from ranked
        qualify job_rank <= {SHOWN_LINES}
        order by job_rank, labeled_by
    """,
    fields=(
        Field("labeling_job_name", "Labelling job", "job"),
        Field("labeled_by", "Labelled by"),
        Field("dataset_object_count", "Objects", "count"),
        Field("share_ratio", "Share", "ratio"),
        Field("mean_confidence_ratio", "Mean confidence", "number"),
    ),
    draw=_draw,
    note=_note,
    empty="No object in this selection.",
)
