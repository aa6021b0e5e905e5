with jobs as (

    select * from {{ ref('int_training_jobs_described') }}

),

labeling_jobs as (

    select * from {{ ref('stg_labeling_jobs__labeling_jobs') }}

),

manifests as (

    select * from {{ ref('int_labeling_job_manifests') }}

),

-- where labelling jobs put what they make: a folder of their own
outputs as (

    select
        labeling_job_name,
        output_folder_uri
    from labeling_jobs
    where output_folder_uri is not null
    union distinct
    select
        labeling_job_name,
        left(manifest_uri, length(manifest_uri) - length('manifests/output/output.manifest')) as output_folder_uri
    from manifests
    where is_own_manifest and manifest_uri like '%/manifests/output/output.manifest'

),

items as (

    select
        jobs.training_job_id,
        listed.item
    from jobs
    cross join unnest({{ json_items('jobs.input_channels_json') }}) as listed (item)

),

channels as (

    select
        training_job_id,
        {{ json_text('item', 'name') }} as channel_name,
        {{ json_text('item', 'uri') }} || '/' as channel_uri
    from items

),

-- a training that reads labels of several jobs goes with those that it trains on, first by name
matches as (

    select
        channels.training_job_id,
        outputs.labeling_job_name,
        row_number() over (
            partition by channels.training_job_id
            order by
                case when lower(channels.channel_name) like '%train%' then 0 else 1 end,
                length(outputs.output_folder_uri) desc,
                outputs.labeling_job_name asc
        ) as match_rank
    from channels
    inner join outputs
        on lower(left(channels.channel_uri, length(outputs.output_folder_uri))) = lower(outputs.output_folder_uri)

)

select
    jobs.training_job_id,
    coalesce(jobs.labeling_job_name, matches.labeling_job_name) as labeling_job_name
from jobs
left join matches on jobs.training_job_id = matches.training_job_id and matches.match_rank = 1
