"""So many labels that a slow page would show."""

from __future__ import annotations

import duckdb

from web.fake_annotations import BOXES, TRACKING


def many_labels(connection: duckdb.DuckDBPyConnection, count: int) -> None:
    """Adds `count` labels to a serving file: 9 of 10 in videos of 1,000 frames, the others in images."""
    frames, images = count // 10, count // 50
    connection.execute(
        f"""
        create temporary table made as
        select number, number % {frames} as frame, number < {count - count // 10} as is_video
        from range({count}) t(number);
        insert into fct_annotation by name
        select
            'a-' || number as annotation_id,
            if(is_video, 'video-' || frame // 2500, 'boxes') as labeling_job_name,
            labeling_job_name as label_attribute_name,
            if(is_video, '{TRACKING}', '{BOXES}') as task_type,
            if(is_video, frame // 1000 % 3, number % {images})::varchar as dataset_object_id,
            'box' as geometry_type,
            ['Car', 'Bus', 'Bicycle', 'Pedestrian', 'Sign'][1 + (hash(number) % 5)::int] as category,
            if(is_video, frame % 1000, null)::int as frame_number,
            (number // {frames})::varchar as object_id,
            'Car:' || object_id as object_name,
            hash(number) % 1800 as left_px, hash(number + 1) % 1000 as top_px, 80 as width_px, 60 as height_px,
            if(is_video, map {{
                'moving': if(hash(number) % 3 = 0, 'yes', 'no'), 'type': (hash(number) % 7)::varchar,
                'occluded': (hash(number) % 11)::varchar
            }}, null) as attributes,
            is_video or number % 4 > 0 as is_human_annotated, true as is_current,
            timestamptz '2026-03-01 00:00:00+00' + interval (number % 180) day as labeled_at,
            labeled_at::date as labeled_date
        from made;
        insert into fct_frame by name
        select
            'video-' || frame // 2500 as labeling_job_name, labeling_job_name as label_attribute_name,
            '{TRACKING}' as task_type, (frame // 1000 % 3)::varchar as dataset_object_id,
            (frame % 1000)::int as frame_number,
            map {{'quality': if(frame % 7 = 3, 'blurry', 'clear')}} as attributes,
            if(frame % 9 = 0, 0, 9) as annotation_count, true as is_current,
            timestamptz '2026-03-01 00:00:00+00' + interval (frame % 180) day as labeled_at,
            labeled_at::date as labeled_date
        from range({frames}) t(frame);
        insert into fct_dataset_object by name
        select
            labeling_job_name, dataset_object_id, label_attribute_name, task_type, false as is_failed,
            's3://bucket/' || labeling_job_name || '/' || dataset_object_id as source_ref,
            bool_and(is_human_annotated) as is_human_annotated, true as is_current, max(labeled_at) as labeled_at,
            max(labeled_date) as labeled_date,
            labeling_job_name as labeled_by_job_name, count(*) as annotation_count,
            count(distinct frame_number) as frame_count, 0 as answer_count, 0 as agreeing_answer_count
        from fct_annotation
        group by all
        """
    )
