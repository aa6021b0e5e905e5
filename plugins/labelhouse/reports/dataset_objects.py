"""The dataset objects behind everything on Annotations."""

from __future__ import annotations

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_labels import LABELS, OBJECTS
from labelhouse.reports.encoding import SHOWN_ROWS

_FIELDS = (
    Field("dataset_object_id", "Object", "object"),
    Field("labeling_job_name", "Labelling job", "job"),
    Field("source_ref", "Source", "sentence"),
    Field("task_type", "Task type", "task_type"),
    Field("label_count", "Labels", "count"),
    Field("frame_count", "Frames", "count"),
    Field("consolidated_label", "Label"),
    Field("confidence_ratio", "Confidence", "number"),
    Field("is_human_annotated", "By people", "boolean"),
    Field("adjusted_by_job_name", "Audited by"),
    Field("is_adjusted", "Adjusted", "boolean"),
    Field("verification_result", "Verdict"),
    Field("is_failed", "Failed", "boolean"),
    Field("labeled_at", "Labelled", "time"),
)

#: Sorted before it is cut: the most of all objects, not of the newest.
_ORDER = ",\n".join(
    f"            if($sort = '{name}', {name}, null) nulls last, if($sort = '-{name}', {name}, null) desc nulls last"
    for name in (field.name for field in _FIELDS)
)


def _note(rows: list[Row]) -> str | None:
    if not rows or rows[0]["object_count"] <= len(rows):
        return None
    return f"{len(rows):,} of {rows[0]['object_count']:,} objects: the first in the chosen order, else the newest."


REPORT = Report(
    name="dataset_objects",
    page="annotations",
    order=110,
    title="Dataset objects",
    question="Which objects are behind all this? A click on one shows its whole life.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        with {LABELS.strip()},
        {OBJECTS.strip()},
        counted as (
            select labeling_job_name, dataset_object_id, count(*) as label_count from labels group by all
        )
        select
            objects.labeling_job_name,
            objects.dataset_object_id,
            objects.source_ref,
            objects.task_type,
            objects.consolidated_label,
            objects.confidence_ratio,
            objects.is_human_annotated,
            objects.is_adjusted,
            objects.adjusted_by_job_name,
            objects.verification_result,
            objects.labeled_at,
            coalesce(counted.label_count, 0) as label_count,
            nullif(objects.frame_count, 0) as frame_count,
            nullif(objects.is_failed, false) as is_failed,
            count(*) over () as object_count
        from objects
        left join counted using (labeling_job_name, dataset_object_id)
        order by
{_ORDER},
            labeled_at desc,
            labeling_job_name,
            try_cast(dataset_object_id as bigint) nulls last,
            dataset_object_id
        limit {SHOWN_ROWS}
    """,
    fields=_FIELDS,
    note=_note,
    empty="No object in this selection.",
)
