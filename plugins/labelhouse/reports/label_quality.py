"""The labels of each job: how many, how sure, and how many were corrected later."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_labels import LABELS_OF_JOBS, OBJECTS_OF_JOBS

REPORT = Report(
    name="label_quality",
    page="annotations",
    order=100,
    title="Label quality per job",
    question="How good is what each job made? Corrected: a later job adjusted it. Jobs of one chain each count what "
    "they hold, so do not add them up. Confidence compares within a job only.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        with {LABELS_OF_JOBS.strip()},
        {OBJECTS_OF_JOBS.strip()},
        label_totals as (
            select
                labeling_job_name,
                count(*) as label_count,
                count(distinct category) as category_count,
                avg(confidence_ratio) as mean_confidence_ratio
            from labels
            group by labeling_job_name
        ),
        -- what the reviewing job found about the object of the first one
        corrections as (
            select
                adjusting.labeled_by_job_name as labeling_job_name,
                adjusting.source_ref,
                bool_or(adjusting.is_adjusted) as is_corrected
            from fct_dataset_object as adjusting
            where
                adjusting.labeled_by_job_name <> adjusting.labeling_job_name
                and adjusting.is_adjusted is not null
                and adjusting.source_ref is not null
            group by all
        ),
        object_totals as (
            select
                objects.labeling_job_name,
                any_value(objects.task_type) as task_type,
                count(*) as dataset_object_count,
                count(*) filter (where objects.is_failed) as failed_object_count,
                count(*) filter (where not objects.is_human_annotated and not objects.is_failed)
                    / nullif(count(objects.is_human_annotated) filter (where not objects.is_failed), 0)
                    as machine_object_ratio,
                count(*) filter (where objects.is_adjusted)
                    / nullif(count(objects.is_adjusted), 0) as adjusted_object_ratio,
                count(*) filter (where corrections.is_corrected)
                    / nullif(count(corrections.is_corrected), 0) as corrected_object_ratio,
                count(*) filter (where lower(objects.verification_result) = 'good')
                    / nullif(count(objects.verification_result), 0) as good_object_ratio,
                max(objects.labeled_date) as last_labeled_date
            from objects
            left join corrections
                on
                    objects.labeling_job_name = corrections.labeling_job_name
                    and objects.source_ref = corrections.source_ref
            group by objects.labeling_job_name
        )
        select
            object_totals.*,
            coalesce(label_totals.label_count, 0) as label_count,
            coalesce(label_totals.category_count, 0) as category_count,
            label_totals.mean_confidence_ratio,
            dim_labeling_job.level
        from object_totals
        left join label_totals using (labeling_job_name)
        left join dim_labeling_job using (labeling_job_name)
        order by label_count desc, labeling_job_name
    """,
    fields=(
        Field("labeling_job_name", "Labelling job", "job"),
        Field("level", "Level"),
        Field("task_type", "Task type", "task_type"),
        Field("dataset_object_count", "Objects", "count"),
        Field("label_count", "Labels", "count"),
        Field("category_count", "Categories", "count"),
        Field("mean_confidence_ratio", "Confidence", "number"),
        Field("machine_object_ratio", "By a model", "ratio"),
        Field("corrected_object_ratio", "Corrected", "ratio"),
        Field("adjusted_object_ratio", "Adjusted by it", "ratio"),
        Field("good_object_ratio", "Verified good", "ratio"),
        Field("failed_object_count", "Failed", "count"),
        Field("last_labeled_date", "Last label", "date"),
    ),
    empty="No job in this selection.",
)
