with annotations as (

    select * from {{ ref('stg_labeling_output__annotations') }}
    where not is_consolidated

),

responses as (

    select * from {{ ref('int_worker_responses_compared') }}

),

objects as (

    select * from {{ ref('int_labeled_objects') }}
    where is_own_manifest

),

changed_dates as (

    select * from {{ ref('int_changed_event_dates') }}

),

answers as (

    select responses.*
    from responses
    inner join changed_dates on responses.event_date = changed_dates.event_date

),

-- the answer that names a folder for its frames; one saved again names it anew
folders as (

    select
        labeling_job_name,
        dataset_object_id,
        iteration_number,
        answer_folder,
        response_id,
        row_number() over (
            partition by labeling_job_name, dataset_object_id, iteration_number, answer_folder
            order by event_at desc, response_id asc
        ) as newest_rank
    from responses
    where answer_folder is not null

)

select
    annotations.annotation_id,
    answers.response_id,
    answers.labeling_job_name,
    answers.dataset_object_id,
    answers.source_ref,
    answers.worker_id,
    answers.worker_pseudonym,
    answers.iteration_number,
    annotations.frame_number,
    annotations.sensor_name,
    annotations.geometry_type,
    coalesce(
        annotations.category, {{ composed(map_value('objects.class_map', 'annotations.class_id')) }}
    ) as category,
    annotations.object_id,
    annotations.object_name,
    annotations.left_px,
    annotations.top_px,
    annotations.width_px,
    annotations.height_px,
    annotations.points,
    annotations.start_offset,
    annotations.end_offset,
    annotations.attributes,
    answers.submitted_at,
    answers.event_at,
    answers.event_date
from annotations
left join folders
    on
        annotations.labeling_job_name = folders.labeling_job_name
        and annotations.dataset_object_id = folders.dataset_object_id
        and annotations.iteration_number = folders.iteration_number
        and annotations.answer_folder = folders.answer_folder
        and folders.newest_rank = 1
inner join answers on coalesce(annotations.response_id, folders.response_id) = answers.response_id
left join objects
    on
        answers.labeling_job_name = objects.labeling_job_name
        and answers.dataset_object_id = objects.dataset_object_id
order by answers.event_at, annotations.annotation_id
