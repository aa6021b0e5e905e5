"""The tables of AWS's own reporting pipeline for Ground Truth, as views under its names in the schema `smgt`.

Queries written for `"smgt-gluedatabase"` run on them with only the name of the database changed. They hold what that
pipeline means, not what it does: a row is one answer, so no answer beyond a file's first is lost, and unnesting
`answercontent`, which always has one element, repeats nobody's seconds. Names and e-mail addresses are not in the
lake: `username` and `sub` are the worker's pseudonym, `email` is NULL. A box that an audit job took over from a label
job is there once, with the audit job; a frame without boxes is there with an empty list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb

from labelhouse.marts.attribute_views import Attribute, attributes_named, literal
from labelhouse.settings import AttributeType

SCHEMA = "smgt"

#: Marts and the columns of them that the views read, beyond those that every release has.
_WORKER_MARTS = {"fct_worker_response": {"answer_json", "identity_provider"}, "dim_labeling_job": {"modality"}}
_LABEL_MARTS = {
    "fct_annotation": {"class_id", "attributes"},
    "fct_frame": {"frame_id", "attributes"},
    "fct_dataset_object": {"class_map", "label_ref"},
    "dim_labeling_job": {"batch_name", "level"},
}
#: Attributes that the published queries name: they exist whether or not a label has them.
_LABEL_ATTRIBUTES = ("moving", "vehicle_type", "audit")
_FRAME_ATTRIBUTES = ("number_of_vehicles", "quality_of_the_frame")

_ENTRIES = "$.answerContent.trackingAnnotations.frameData.entries"

# `entries` is a list of frames, or an object with one member a frame; `cardinality` counts the entries of a map.
_WORKER_METRICS = f"""
    create view {SCHEMA}.worker_metrics_processed_worker_metrics as
    with answers as (
        select
            responses.*,
            jobs.modality,
            case json_type(responses.answer_json, '{_ENTRIES}')
                when 'ARRAY' then json_extract(responses.answer_json, '{_ENTRIES}[*]')
                when 'OBJECT' then json_extract(responses.answer_json, '{_ENTRIES}.*')
            end as frames
        from main.fct_worker_response as responses
        left join main.dim_labeling_job as jobs using (labeling_job_name)
    )
    select
        worker_pseudonym as username,
        cast(null as varchar) as email,
        accepted_at as acceptancetime,
        submitted_at as submissiontime,
        time_spent_seconds as timespentinseconds,
        worker_id as workerid,
        identity_provider as identityprovidertype,
        json_extract_string(answer_json, '$.workerMetadata.identityData.issuer') as issuer,
        worker_pseudonym as sub,
        labeling_job_name as jobname,
        modality,
        [{{
            'trackingannotations': {{'framedata': {{
                'entries': case when frames is not null then map(range(len(frames)), frames) end
            }}}},
            'content': json_extract(answer_json, '$.answerContent')
        }}] as answercontent,
        year(event_at) as year,
        month(event_at) as month,
        day(event_at) as date,
        hour(event_at) as hour
    from answers
"""


# The boxes of a frame hang on the first frame of that number, should a sequence have two.
_ANNOTATIONS = f"""
    create view {SCHEMA}.annotations_batch_manifests as
    with boxes as (
        select
            labeling_job_name,
            dataset_object_id,
            frame_number,
            list(
                {{
                    'height': height_px,
                    'width': width_px,
                    'left': left_px,
                    'top': top_px,
                    'class-id': class_id,
                    'object-name': object_name,
                    'object-id': object_id,
                    'label-category-attributes': %(label_attributes)s
                }}
                order by object_name, annotation_id
            ) as annotations
        from main.fct_annotation
        where geometry_type = 'box' and is_current
        group by labeling_job_name, dataset_object_id, frame_number
    ),
    numbered as (
        select
            *,
            row_number() over (
                partition by labeling_job_name, dataset_object_id, frame_number order by frame_id
            ) as frame_rank
        from main.fct_frame
        where sensor_name is null and is_current
    ),
    frames as (
        select
            numbered.labeling_job_name,
            numbered.dataset_object_id,
            list(
                {{
                    'frame-no': numbered.frame_number::varchar,
                    'frame': numbered.frame_name,
                    'frame-attributes': %(frame_attributes)s,
                    'annotations': coalesce(boxes.annotations, [])
                }}
                order by numbered.frame_number, numbered.frame_id
            ) as "tracking-annotations"
        from numbered
        left join boxes
            on numbered.labeling_job_name = boxes.labeling_job_name
            and numbered.dataset_object_id = boxes.dataset_object_id
            and numbered.frame_number = boxes.frame_number
            and numbered.frame_rank = 1
        group by numbered.labeling_job_name, numbered.dataset_object_id
    )
    select
        frames."tracking-annotations",
        jobs.batch_name as partition_0,
        frames.labeling_job_name as partition_1,
        frames.dataset_object_id as partition_2
    from frames
    left join main.dim_labeling_job as jobs using (labeling_job_name)
"""

#: A job audits where its name says so, or where its lines say whether they were adjusted.
_IS_AUDIT = "coalesce(jobs.level in ('second', 'audit'), false) or objects.is_adjusted is not null"
_MANIFEST_LINES = f"""
    create view {SCHEMA}.%(name)s as
    select
        objects.source_ref as "source-ref",
        objects.label_ref as "label-ref",
        {{
            'class-map': objects.class_map,
            'job-name': 'labeling-job/' || objects.labeling_job_name,
            'human-annotated':
                case when objects.is_human_annotated then 'yes' when not objects.is_human_annotated then 'no' end,
            'creation-date': strftime(objects.labeled_at, '%%Y-%%m-%%dT%%H:%%M:%%S.%%f'),
            'type': objects.task_type,
            'adjustment-status':
                case when objects.is_adjusted then 'adjusted' when not objects.is_adjusted then 'unadjusted' end,
            'failure-reason': objects.failure_reason
        }} as "label-ref-metadata",
        objects.label_attribute_name as "label-attribute-name",
        jobs.batch_name as partition_0,
        objects.labeling_job_name as partition_1,
        objects.dataset_object_id as partition_2
    from main.fct_dataset_object as objects
    left join main.dim_labeling_job as jobs using (labeling_job_name)
    where objects.task_type = 'groundtruth/video-object-tracking'
        and objects.label_attribute_name is not null
        and %(which)s
"""


def create_smgt_views(connection: duckdb.DuckDBPyConnection, attributes: Mapping[str, Sequence[Attribute]]) -> None:
    """Creates the schema and its views in an open serving file; a release without what a view reads does not have it.

    Args:
        connection: the file, with its marts.
        attributes: mart → the attributes of its labels or frames, as `create_attribute_views` found them.
    """
    held: dict[str, set[str]] = {}
    columns = "select table_name, column_name from duckdb_columns() where schema_name = 'main' and not internal"
    for table, column in connection.execute(columns).fetchall():
        held.setdefault(table, set()).add(column)
    views = []
    if _has(held, _WORKER_MARTS):
        views.append(_WORKER_METRICS)
    if _has(held, _LABEL_MARTS):
        label_attributes = _struct(attributes.get("fct_annotation", ()), _LABEL_ATTRIBUTES)
        frame_attributes = _struct(attributes.get("fct_frame", ()), _FRAME_ATTRIBUTES)
        views.append(_ANNOTATIONS % {"label_attributes": label_attributes, "frame_attributes": frame_attributes})
        for name, which in (("", f"not ({_IS_AUDIT})"), ("audit", f"({_IS_AUDIT})")):
            views.append(_MANIFEST_LINES % {"name": f"output_manifest_videoobjecttracking{name}", "which": which})
    if views:
        connection.execute(f"create schema {SCHEMA}")
    for view in views:
        connection.execute(view)


def _has(held: Mapping[str, set[str]], needed: Mapping[str, set[str]]) -> bool:
    return all(columns <= held.get(mart, set()) for mart, columns in needed.items())


def _struct(attributes: Iterable[Attribute], always: Sequence[str]) -> str:
    """A struct with a typed field for each attribute, those in `always` even where no label or frame has them."""
    types: dict[str, AttributeType] = dict.fromkeys(always, "text")
    types |= {attribute.name: attribute.type for attribute in attributes}
    fields = (f"{literal(each.column)}: {each.value}" for each in attributes_named(types))
    return f"{{{', '.join(fields)}}}"


def show_smgt_views(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Makes the views of an attached serving file reachable as `smgt.<view>` from the database in use."""
    query = "select view_name from duckdb_views() where database_name = $database and schema_name = $schema"
    names = connection.execute(query, {"database": database, "schema": SCHEMA}).fetchall()
    if names:
        connection.execute(f"create schema {SCHEMA}")
    for (name,) in names:
        connection.execute(f'create view {SCHEMA}."{name}" as from {database}.{SCHEMA}."{name}"')
