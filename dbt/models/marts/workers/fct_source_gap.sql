with tasks as (

    select * from {{ ref('int_tasks') }}

),

jobs as (

    select * from {{ ref('int_labeling_jobs_described') }}

),

objects as (

    select * from {{ ref('fct_dataset_object') }}

),

responses as (

    select * from {{ ref('stg_labeling_output__worker_responses') }}

),

-- of jobs that are known: anybody may send CloudWatch a name
cloudwatch as (

    select counts.*
    from {{ ref('int_workteam_counts') }} as counts
    inner join jobs on counts.labeling_job_name = jobs.labeling_job_name

),

-- no log tells of the human loops of Augmented AI
human_loops as (

    select distinct labeling_job_name from responses
    where is_human_loop

),

-- what has no source at all has no gaps: nobody can miss what was never to be had
sources as (

    select
        min(event_at) filter (where has_log) as log_began_at,
        count(*) filter (where has_answer) as answer_count
    from tasks

),

days as (

    select
        tasks.labeling_job_name,
        tasks.event_date,
        count(*) as task_count,
        count(*) filter (where tasks.has_log) as log_task_count,
        count(*) filter (where tasks.has_answer) as answer_task_count,
        count(*) filter (where not tasks.has_answer) as unanswered_task_count,
        count(*) filter (where not tasks.has_log) as unlogged_task_count,
        count(*) filter (where not tasks.has_log and tasks.workforce_type = 'public') as public_task_count,
        count(*) filter (
            where
            not tasks.has_log
            and coalesce(tasks.workforce_type, '') != 'public'
            and tasks.event_at < sources.log_began_at
        ) as earlier_task_count
    from tasks
    cross join sources
    left join human_loops on tasks.labeling_job_name = human_loops.labeling_job_name
    where tasks.outcome = 'submitted' and human_loops.labeling_job_name is null
    group by tasks.labeling_job_name, tasks.event_date

),

job_totals as (

    select
        labeling_job_name,
        max(event_date) as last_event_date,
        sum(log_task_count) as log_task_count,
        sum(answer_task_count) as answer_task_count
    from days
    group by labeling_job_name

),

-- Ground Truth counts an object once all the workers that it asked have answered
complete_objects as (

    select
        objects.labeling_job_name,
        count(*) as object_count
    from objects
    inner join jobs on objects.labeling_job_name = jobs.labeling_job_name
    where
        objects.answer_count >= coalesce(jobs.workers_per_object_count, 1)
        and objects.answer_count > 0
        and not objects.is_failed
    group by objects.labeling_job_name

),

counters as (

    select
        job_totals.labeling_job_name,
        job_totals.last_event_date as event_date,
        jobs.human_labeled_count * coalesce(jobs.workers_per_object_count, 1) as counted_task_count,
        case
            when job_totals.answer_task_count > 0
                then coalesce(complete_objects.object_count, 0) * coalesce(jobs.workers_per_object_count, 1)
            else job_totals.log_task_count
        end as found_task_count
    from job_totals
    inner join jobs on job_totals.labeling_job_name = jobs.labeling_job_name
    left join complete_objects on job_totals.labeling_job_name = complete_objects.labeling_job_name
    where jobs.human_labeled_count is not null

),

-- a day that only CloudWatch knows has a row of its own
counted_days as (

    select
        coalesce(days.labeling_job_name, cloudwatch.labeling_job_name) as labeling_job_name,
        coalesce(days.event_date, cloudwatch.event_date) as event_date,
        {%- for name in [
            'task', 'log_task', 'answer_task', 'unanswered_task', 'unlogged_task', 'public_task', 'earlier_task',
        ] %}
        coalesce(days.{{ name }}_count, 0) as {{ name }}_count,
        {%- endfor %}
        cloudwatch.cloudwatch_task_count
    from days
    full outer join cloudwatch
        on days.labeling_job_name = cloudwatch.labeling_job_name and days.event_date = cloudwatch.event_date
    where days.event_date is not null or cloudwatch.cloudwatch_task_count > 0

),

-- NULL is what cannot be compared: a source that nobody loaded, a counter on another day than the last
compared as (

    select
        counted_days.labeling_job_name,
        counted_days.event_date,
        case when sources.log_began_at is not null then counted_days.log_task_count end as log_task_count,
        case when sources.answer_count > 0 then counted_days.answer_task_count end as answer_task_count,
        cast(counters.counted_task_count as bigint) as counter_task_count,
        case
            when sources.log_began_at is not null
                then counted_days.unlogged_task_count - counted_days.public_task_count - counted_days.earlier_task_count
        end as missing_in_log_count,
        case when sources.answer_count > 0 then counted_days.unanswered_task_count end as missing_in_answers_count,
        cast(counters.found_task_count - counters.counted_task_count as bigint) as counter_difference_count,
        cast(counters.found_task_count as bigint) as found_task_count,
        coalesce(job_totals.answer_task_count = 0, true) as is_without_answers,
        counted_days.cloudwatch_task_count,
        -- it counts what private teams do
        counted_days.task_count - counted_days.public_task_count as countable_task_count,
        counted_days.task_count
        - counted_days.public_task_count
        - counted_days.cloudwatch_task_count as cloudwatch_difference_count
    from counted_days
    left join job_totals on counted_days.labeling_job_name = job_totals.labeling_job_name
    cross join sources
    left join counters
        on counted_days.labeling_job_name = counters.labeling_job_name and counted_days.event_date = counters.event_date

),

explained as (

    select
        *,
        case when missing_in_log_count > 0 then 'log' end as log_side,
        case when missing_in_answers_count > 0 then 'answer' end as answer_side,
        case when counter_difference_count != 0 then 'counter' end as counter_side,
        case when cloudwatch_difference_count != 0 then 'cloudwatch' end as cloudwatch_side,
        case
            when missing_in_log_count > 0
                then
                    cast(missing_in_log_count as varchar) || ' of ' || cast(answer_task_count as varchar)
                    || ' answers are not in the worker activity log: late, or lost.'
        end as log_explanation,
        case
            when missing_in_answers_count > 0 and is_without_answers
                then 'No answer of this job has been loaded.'
            when missing_in_answers_count > 0
                then
                    cast(missing_in_answers_count as varchar) || ' of ' || cast(log_task_count as varchar)
                    || ' tasks submitted in the log have no answer in the output of the job.'
        end as answer_explanation,
        case
            when counter_difference_count != 0
                then
                    'The job counts ' || cast(counter_task_count as varchar)
                    || ' tasks of objects that people labelled; '
                    || cast(found_task_count as varchar) || ' are here.'
        end as counter_explanation,
        case
            when cloudwatch_difference_count > 0
                then
                    'CloudWatch counts ' || cast(cloudwatch_task_count as varchar) || ' of '
                    || cast(countable_task_count as varchar)
                    || ' submitted tasks: it delivers as well as it can.'
            when cloudwatch_difference_count < 0
                then
                    'CloudWatch counts ' || cast(cloudwatch_task_count as varchar)
                    || ' submitted tasks, of which ' || cast(countable_task_count as varchar) || ' are here.'
        end as cloudwatch_explanation
    from compared

)

select
    labeling_job_name,
    event_date,
    nullif(concat_ws(', ', log_side, answer_side, counter_side, cloudwatch_side), '') as source,
    log_task_count,
    answer_task_count,
    counter_task_count,
    missing_in_log_count,
    missing_in_answers_count,
    counter_difference_count,
    nullif(
        concat_ws(' ', log_explanation, answer_explanation, counter_explanation, cloudwatch_explanation), ''
    ) as explanation,
    cloudwatch_task_count,
    cloudwatch_difference_count
from explained
order by event_date, labeling_job_name
