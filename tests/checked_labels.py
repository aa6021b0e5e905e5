"""The labels of the sound build of `checked_build`, and what is done to them so that one check of theirs fails."""

from __future__ import annotations

import duckdb

#: Every object that did not fail has a class, three workers' boxes, and the five first ones a sequence of two frames.
_INPUTS = """
    insert into raw.annotations by name
    select
        unit_uri, unit_version, position || '/0' as position, loaded_at, event_at, labeling_job_name,
        dataset_object_id, label_attribute_name, true as is_consolidated, 'class' as geometry_type, '0' as class_id,
        'cat' as category, confidence_ratio
    from raw.manifest_entries
    where not is_failed;

    insert into raw.annotations by name
    select
        unit_uri, unit_version, position || '/0' as position, loaded_at, event_at, labeling_job_name,
        dataset_object_id, false as is_consolidated, iteration_number, worker_id, worker_pseudonym,
        'box' as geometry_type, 'cat' as category, 1 as left_px, 2 as top_px, 3 as width_px, 4 as height_px
    from raw.worker_responses;

    insert into raw.frames by name
    select
        's3://bucket/Pets/annotations/consolidated-annotation/output/' || i || '/SeqLabel.json' as unit_uri,
        'v1' as unit_version, f::varchar as position, timestamptz '2026-03-03 00:00:00+00' as loaded_at,
        timestamptz '2026-03-01 00:00:00+00' as event_at, 'Pets' as labeling_job_name,
        i::varchar as dataset_object_id, true as is_consolidated, f as frame_number, f || '.jpg' as frame_name,
        map {'quality': 'good'} as attributes, 1 - f as annotation_count
    from range(5) as objects (i), range(2) as frames (f);

    insert into raw.annotations by name
    select
        unit_uri, unit_version, position || '/0' as position, loaded_at, event_at, labeling_job_name,
        dataset_object_id, true as is_consolidated, frame_number, 'box' as geometry_type, '0' as class_id,
        1 as left_px, 2 as top_px, 3 as width_px, 4 as height_px
    from raw.frames
    where annotation_count > 0;

    insert into raw.mask_areas by name
    select
        's3://bucket/Pets/annotations/consolidated-annotation/output/' || i || '_a.png' as unit_uri,
        'v1' as unit_version, '0/' || m as position, timestamptz '2026-03-03 00:00:00+00' as loaded_at,
        timestamptz '2026-03-01 00:00:00+00' as event_at, 'Pets' as labeling_job_name,
        i::varchar as dataset_object_id, '#00000' || m as mask_color, 50 as area_count, 100 as total_count
    from range(5) as objects (i), range(2) as colors (m);
"""
_MARTS = """
    insert into main.fct_frame by name
    select
        md5(unit_uri || '#' || position) as frame_id, 'pets' as labeling_job_name, dataset_object_id, frame_number,
        frame_name, attributes, annotation_count, true as is_current, event_at as labeled_at,
        event_at::date as labeled_date
    from raw.frames;

    insert into main.fct_annotation by name
    select
        md5(unit_uri || '#' || position) as annotation_id, 'pets' as labeling_job_name, label_attribute_name,
        dataset_object_id, frame_number, geometry_type, class_id, coalesce(category, 'cat') as category, left_px,
        top_px, width_px, height_px, confidence_ratio, true as is_current, event_at as labeled_at,
        event_at::date as labeled_date
    from raw.annotations
    where is_consolidated;

    insert into main.fct_worker_annotation by name
    select
        md5(unit_uri || '#' || position) as annotation_id,
        md5(unit_uri || '#' || split_part(position, '/', 1)) as response_id, 'pets' as labeling_job_name,
        dataset_object_id, worker_id, worker_pseudonym, iteration_number, geometry_type, category, left_px, top_px,
        width_px, height_px, event_at, event_at::date as event_date
    from raw.annotations
    where not is_consolidated;

    update main.fct_dataset_object
    set
        is_current = true,
        annotation_count = (
            select count(*) from main.fct_annotation as labels
            where labels.dataset_object_id = fct_dataset_object.dataset_object_id
        ),
        frame_count = 0;
"""


def fill_labels(connection: duckdb.DuckDBPyConnection) -> None:
    """The labels of what `checked_build` holds, in the raw tables and in the marts."""
    connection.execute(_INPUTS)
    connection.execute(_MARTS)


LABELS, FRAMES, AREAS = "annotations", "frames", "mask_areas"
#: The boxes of the sound build as those of a manifest whose lines say how large their images are.
BOXES = """
    update raw.manifest_entries set task_type = 'groundtruth/object-detection', is_failed = false, label_json =
        '{{"annotations": [], "image_size": [{{"width": 10, "height": 10, "depth": 3}}]}}';
    update raw.annotations
    set geometry_type = 'box', left_px = 0, top_px = 0, width_px = 10, height_px = 10
    where label_attribute_name is not null;
    update raw.annotations set height_px = 11 where label_attribute_name is not null and {which}
"""

#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_LABEL_INPUTS = [
    ("insert into raw.annotations from raw.annotations limit 1", LABELS, "hold", "No label is in the lake twice"),
    ("update raw.annotations set dataset_object_id = ''", LABELS, "hold", "Every label belongs to a dataset object"),
    ("update raw.annotations set geometry_type = 'ellipse'", LABELS, "warn", "Labels are of the kinds"),
    (
        "update raw.annotations set worker_pseudonym = 'canary.worker@example.com'",
        LABELS,
        "hold",
        "A worker's identity is in no label",
    ),
    (
        "update raw.annotations set worker_id = 'canary.worker@example.com'",
        LABELS,
        "hold",
        "No worker id of a label",
    ),
    (BOXES.format(which="dataset_object_id = '7'"), LABELS, "warn", "box_inside_image: "),
    (
        "update raw.annotations set width_px = 0 where frame_number = 0 and dataset_object_id = '0'",
        LABELS,
        "warn",
        "box_inside_image: ",
    ),
    (
        BOXES.format(which="true"),
        LABELS,
        "hold",
        "box_inside_image holds for",
    ),
    ("update raw.annotations set start_offset = 2, end_offset = 1", LABELS, "warn", "Every cuboid has a volume"),
    (
        "update raw.annotations set cuboid_length = 1, cuboid_width = -1, cuboid_height = 1",
        LABELS,
        "warn",
        "Every cuboid has a volume",
    ),
    ("update raw.annotations set confidence_ratio = 1.5", LABELS, "hold", "The confidence of every label"),
    ("update raw.annotations set confidence_ratio = 'nan'", LABELS, "hold", "The confidence of every label"),
    (
        "update raw.annotations set dataset_object_id = '99' where label_attribute_name is not null",
        LABELS,
        "hold",
        "Every label of a manifest belongs",
    ),
    ("insert into raw.frames from raw.frames limit 1", FRAMES, "hold", "No frame is in the lake twice"),
    ("update raw.frames set labeling_job_name = null", FRAMES, "hold", "Every frame belongs to a dataset object"),
    ("update raw.frames set annotation_count = -1", FRAMES, "hold", "No frame has fewer than no labels"),
    ("update raw.frames set frame_number = 0", FRAMES, "warn", "No sequence has a frame number twice"),
    ("insert into raw.mask_areas from raw.mask_areas limit 1", AREAS, "hold", "No area of a mask is in the lake twice"),
    ("update raw.mask_areas set labeling_job_name = ''", AREAS, "hold", "Every area of a mask belongs"),
    ("update raw.mask_areas set area_count = 51", AREAS, "hold", "The areas of a mask are no larger"),
    ("update raw.mask_areas set area_count = -1", AREAS, "hold", "No area of a mask is negative"),
    ("update raw.mask_areas set mask_color = 'red'", AREAS, "hold", "Colours of masks are written"),
]
BAD_LABEL_MARTS = [
    (
        "insert into main.fct_annotation from main.fct_annotation limit 1",
        "fct_annotation",
        "hold",
        "No label is there twice",
    ),
    ("update main.fct_dataset_object set is_failed = true", "fct_annotation", "hold", "An object that could not"),
    ("update main.fct_dataset_object set is_current = false", "fct_annotation", "hold", "No label counts that a later"),
    ("update main.fct_annotation set area_ratio = 1.5", "fct_annotation", "hold", "Confidence and the share"),
    (
        "update main.fct_annotation set category = null; insert into main.fct_annotation from main.fct_annotation",
        "fct_annotation",
        "warn",
        "In a job with 50 labels",
    ),
    ("delete from main.fct_frame where annotation_count = 0", "fct_frame", "hold", "Every frame of an object"),
    ("update main.fct_frame set annotation_count = 0", "fct_frame", "hold", "The frames of a job have no fewer"),
    (
        "insert into main.fct_worker_annotation from main.fct_worker_annotation limit 1",
        "fct_worker_annotation",
        "hold",
        "No label of a worker is there twice",
    ),
    (
        "update main.fct_worker_annotation set worker_id = 'w9'",
        "fct_worker_annotation",
        "hold",
        "Every label of a worker comes",
    ),
    (
        "update main.fct_dataset_object set annotation_count = annotation_count + 1",
        "fct_dataset_object",
        "hold",
        "A job's labels are as many",
    ),
]
