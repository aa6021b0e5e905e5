"""The frames of each job: how many, how full, and what their attributes say."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_labels import FRAMES_OF_JOBS, LABELS_OF_JOBS, MOST_VALUES

#: More values of an attribute than this make a line too long to compare; the chart above has more.
_SHOWN_VALUES = 4

REPORT = Report(
    name="frame_quality",
    page="annotations",
    order=90,
    title="Frame quality per job",
    question="What do the attributes of the frames say, job by job? Beside a job stands the one that audited it: "
    "here both count.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        with {LABELS_OF_JOBS.strip()},
        {FRAMES_OF_JOBS.strip()},
        jobs as (
            select
                labeling_job_name,
                task_type,
                count(distinct dataset_object_id) as dataset_object_count,
                count(*) as frame_count,
                count(*) filter (where annotation_count = 0) as empty_frame_count,
                empty_frame_count / frame_count as empty_frame_ratio,
                avg(annotation_count) as mean_annotation_count,
                max(annotation_count) as max_annotation_count
            from frames
            group by all
        ),
        entries as (
            select labeling_job_name, entry.key as name, entry.value as value, count(*) as frame_count
            from (select labeling_job_name, unnest(map_entries(attributes)) as entry from frames)
            where entry.value is not null
            group by all
        ),
        ranked as (
            select
                *,
                count(*) over (partition by labeling_job_name, name) as value_count,
                row_number() over (partition by labeling_job_name, name order by frame_count desc, value) as place,
                sum(frame_count) over (partition by labeling_job_name, name) as total_count
            from entries
        ),
        lines as (
            select
                labeling_job_name,
                name,
                name || ': ' || string_agg(
                    value || ' (' || frame_count || ', ' || round(100 * frame_count / total_count)::int || '\u00a0%)',
                    ', ' order by place
                ) || if(any_value(value_count) > {_SHOWN_VALUES}, ', …', '') as line
            from ranked
            where place <= {_SHOWN_VALUES} and value_count <= {MOST_VALUES}
            group by labeling_job_name, name
        ),
        qualities as (
            select labeling_job_name, string_agg(line, chr(10) order by name) as qualities
            from lines
            group by labeling_job_name
        )
        select jobs.*, qualities.qualities
        from jobs
        left join qualities using (labeling_job_name)
        order by frame_count desc, labeling_job_name
    """,
    fields=(
        Field("labeling_job_name", "Labelling job", "job"),
        Field("qualities", "Attributes of its frames", "sentence"),
        Field("dataset_object_count", "Sequences", "count"),
        Field("frame_count", "Frames", "count"),
        Field("empty_frame_count", "Without a label", "count"),
        Field("empty_frame_ratio", "Share", "ratio"),
        Field("mean_annotation_count", "Labels, mean", "number"),
        Field("max_annotation_count", "most", "count"),
        Field("task_type", "Task type", "task_type"),
    ),
    empty="No frames in this selection.",
)
