"""The SQL that the reports of Annotations share: which labels, frames and objects the page's filters choose.

A label that a later job adjusted or audited counts once, as that job left it (`is_current`); where a job is chosen, all
that it made counts. The verdicts of verification jobs are no labels, unless they are asked for.
"""

from __future__ import annotations

#: Stand for a class and a task type that nobody named; a filter can choose them like any other.
UNKNOWN_CATEGORY = "(not named)"
UNKNOWN_TASK_TYPE = "not captured"
#: An attribute with more values than this holds numbers or free text: nobody chooses one of them.
MOST_VALUES = 50

#: Whether an object of `fct_dataset_object` was labelled, or tried to be: others have answers only. Sequences have
#: labels even where no manifest names their attribute.
IS_LABELED = "(label_attribute_name is not null or annotation_count > 0 or frame_count > 0)"

_VERIFICATION = "groundtruth/label-verification"


def has_attribute(attributes: str) -> str:
    """Whether a map of attributes holds the chosen one, `name: value`; never NULL."""
    name = "split_part($attribute, ': ', 1)"
    pairs = f"list_transform(map_entries({attributes}), lambda entry: entry.key || ': ' || entry.value)"
    # pairs are made where a name or a value holds a colon itself only: for every row, that takes long
    return f"""(
                    coalesce({attributes}[{name}] = substr($attribute, len({name}) + 3), false)
                    or len(string_split($attribute, ': ')) > 2 and coalesce(list_contains({pairs}, $attribute), false)
                )"""


def _chosen(mart: str, day: str = "labeled_date") -> str:
    """Whether a row is of the chosen days, job and task type."""
    return f"""
                ($from_date is null or {mart}.{day} >= $from_date)
                and ($until_date is null or {mart}.{day} <= $until_date)
                and ($job is null or {mart}.labeling_job_name = $job)
                and ($task_type is null or coalesce({mart}.task_type, '{UNKNOWN_TASK_TYPE}') = $task_type)
    """.strip()


def _counts(mart: str) -> str:
    """Whether a row counts: it is current, and no verdict."""
    return f"""
                (coalesce({mart}.is_current, true) or $job is not null)
                and (
                    coalesce({mart}.task_type, '') <> '{_VERIFICATION}'
                    or $job is not null or $category is not null or $task_type is not null
                )
    """.strip()


def _labels(*conditions: str) -> str:
    return f"""
        attributed_frames as (
            select labeling_job_name, dataset_object_id, frame_number, coalesce(sensor_name, '') as sensor
            from fct_frame
            where $attribute is not null and {has_attribute("attributes")}
        ),
        labels as (
            -- columns by name: what several parts of a query read is kept, and labels are wide
            select
                labeling_job_name,
                dataset_object_id,
                frame_number,
                sensor_name,
                coalesce(category, '{UNKNOWN_CATEGORY}') as category,
                attributes,
                confidence_ratio,
                is_adjusted,
                labeled_date
            from fct_annotation as annotations
            where
                {" and ".join((_chosen("annotations"), *conditions))}
                and ($category is null or coalesce(annotations.category, '{UNKNOWN_CATEGORY}') = $category)
                and (
                    $attribute is null
                    or {has_attribute("annotations.attributes")}
                    or (labeling_job_name, dataset_object_id, frame_number, coalesce(sensor_name, '')) in (
                        select (labeling_job_name, dataset_object_id, frame_number, sensor) from attributed_frames
                    )
                )
        )
    """


def _frames(*conditions: str) -> str:
    return f"""
        frames as (
            select * replace (coalesce(task_type, '{UNKNOWN_TASK_TYPE}') as task_type)
            from fct_frame as all_frames
            where
                {" and ".join((_chosen("all_frames"), *conditions))}
                and (
                    {has_attribute("all_frames.attributes")}
                    or not exists (from attributed_frames)
                )
                and (
                    $category is null and ($attribute is null or exists (from attributed_frames))
                    or labeling_job_name in (select distinct labeling_job_name from labels)
                )
        )
    """


def _objects(*conditions: str) -> str:
    return f"""
        objects as (
            select * replace (coalesce(task_type, '{UNKNOWN_TASK_TYPE}') as task_type)
            from fct_dataset_object as all_objects
            where
                {IS_LABELED}
                and {" and ".join((_chosen("all_objects"), *conditions))}
                and (
                    $category is null and $attribute is null
                    or (labeling_job_name, dataset_object_id) in (
                        select distinct (labeling_job_name, dataset_object_id) from labels
                    )
                    or $category is null and (labeling_job_name, dataset_object_id) in (
                        select (labeling_job_name, dataset_object_id) from attributed_frames
                    )
                )
        )
    """


#: The labels that the filters choose: those that have the attribute, or whose frame has it. CTEs.
LABELS = _labels(_counts("annotations"))
#: The frames that the filters choose, empty ones too, after `LABELS`. A frame's attribute chooses the frames that have
#: it; a category or a label's attribute those of all jobs that have such labels, with such labels in them or without.
FRAMES = _frames(_counts("all_frames"))
#: The dataset objects that the filters choose, after `LABELS`: those that have such a label or such a frame. A CTE.
OBJECTS = _objects(_counts("all_objects"))

#: The same of every job, whoever corrected it later: for reports that compare jobs.
LABELS_OF_JOBS = _labels()
FRAMES_OF_JOBS = _frames()
OBJECTS_OF_JOBS = _objects()

#: The chosen frames, and chosen images that hold boxes, with the chosen labels in them. A CTE, after the three. A frame
#: knows how many it holds, those that could not be read included; of one category or attribute they are counted.
LABELS_PER_FRAME = f"""
        labels_of_frames as (
            select labeling_job_name, dataset_object_id, frame_number, sensor_name, count(*) as label_count
            from labels
            group by all
        ),
        labels_per_frame as (
            select
                frames.labeling_job_name,
                'frame' as unit,
                case
                    when $category is null and ($attribute is null or {has_attribute("frames.attributes")})
                        then frames.annotation_count
                    else coalesce(counted.label_count, 0)
                end as label_count
            from frames
            left join labels_of_frames as counted
                on
                    frames.labeling_job_name = counted.labeling_job_name
                    and frames.dataset_object_id = counted.dataset_object_id
                    and frames.frame_number is not distinct from counted.frame_number
                    and frames.sensor_name is not distinct from counted.sensor_name
            union all
            select objects.labeling_job_name, 'image' as unit, coalesce(counted.label_count, 0) as label_count
            from objects
            left join labels_of_frames as counted
                on
                    objects.labeling_job_name = counted.labeling_job_name
                    and objects.dataset_object_id = counted.dataset_object_id
            where objects.task_type = 'groundtruth/object-detection' and not objects.is_failed
        )
"""
