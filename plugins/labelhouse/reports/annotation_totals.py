"""The figures at the top of Annotations."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_labels import FRAMES, LABELS, LABELS_PER_FRAME, OBJECTS

REPORT = Report(
    name="annotation_totals",
    page="annotations",
    order=0,
    title="At a glance",
    question="How much is labelled, how much of it was looked at again, and how much did no human label?",
    shape="figures",
    is_wide=True,
    sql=f"""
        with {LABELS.strip()},
        {FRAMES.strip()},
        {OBJECTS.strip()},
        {LABELS_PER_FRAME.strip()},
        label_totals as (
            select
                count(*) as label_count,
                count(distinct category) as category_count
            from labels
        ),
        frame_totals as (
            select
                nullif(count(*), 0) as frame_count,
                count(*) filter (where label_count = 0) as empty_frame_count,
                avg(label_count) as mean_label_count
            from labels_per_frame
            where unit = 'frame'
        ),
        object_totals as (
            select
                count(*) filter (where not is_failed) as dataset_object_count,
                count(*) filter (where is_failed) as failed_object_count,
                count(distinct labeling_job_name) as labeling_job_count,
                count(*) filter (
                    where adjusted_by_job_name is not null or verified_by_job_name is not null
                ) as reviewed_object_count,
                count(*) filter (where verified_by_job_name is not null) as verified_object_count,
                count(verification_result) as verdict_count,
                count(*) filter (where lower(verification_result) = 'good') as good_object_count,
                count(*) filter (where is_adjusted) as adjusted_object_count,
                count(is_adjusted) as adjustable_object_count,
                count(is_human_annotated) filter (where not is_failed) as known_object_count,
                count(*) filter (where not is_human_annotated and not is_failed) as machine_object_count
            from objects
        )
        select
            *,
            empty_frame_count / nullif(frame_count, 0) as empty_frame_ratio,
            if(frame_count is null, null, empty_frame_count) as shown_empty_frame_count,
            good_object_count / nullif(verdict_count, 0) as good_object_ratio,
            machine_object_count / nullif(known_object_count, 0) as machine_object_ratio
        from label_totals, frame_totals, object_totals
    """,
    fields=(
        Field("dataset_object_count", "labelled objects", "count", "jobs: {labeling_job_count:,}"),
        Field("label_count", "labels", "count", "categories: {category_count:,}"),
        Field("frame_count", "frames", "count", "mean of {mean_label_count:.1f} labels", unknown="none"),
        Field(
            "shown_empty_frame_count",
            "frames without a label",
            "count",
            "{empty_frame_ratio:.0%} of them",
            unknown="none",
        ),
        Field(
            "reviewed_object_count",
            "objects audited",
            "count",
            "adjusted: {adjusted_object_count:,} · verified: {verified_object_count:,}",
        ),
        Field(
            "good_object_ratio",
            "verified as good",
            "ratio",
            "{good_object_count:,} of {verdict_count:,} verdicts",
            unknown="none verified",
        ),
        Field(
            "machine_object_ratio",
            "labelled by a model",
            "ratio",
            "{machine_object_count:,} of {known_object_count:,} objects",
        ),
    ),
)
