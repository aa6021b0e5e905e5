"""A small workforce for tests of checks: tasks, people, teams and jobs that pass every check, and what makes one fail.

Both go into the build file of `checked_build`: the log has a line for each of its answers.
"""

from __future__ import annotations

import duckdb

TASK, DAY, WORKER, TEAM = "fct_task", "fct_worker_day", "dim_worker", "dim_workteam"
GAP, JOB, WORKER_JOB = "fct_source_gap", "dim_labeling_job", "fct_worker_job"


def fill_workforce(connection: duckdb.DuckDBPyConnection) -> None:
    """A line of the log for every answer, a description of the job and of its team, and a listing of its workers."""
    connection.execute(
        """
        insert into raw.worker_events by name
        select
            'logs://us-east-1/aws/sagemaker/groundtruth/WorkerActivity/2026-03-01T00Z' as unit_uri,
            'v1' as unit_version,
            dataset_object_id || '/' || position as position,
            loaded_at,
            event_at,
            md5(unit_uri || position) as activity_id,
            'TasksSubmitted' as event_type,
            worker_id,
            worker_pseudonym,
            'us-east-1_AbCdEf123' as user_pool_id,
            accepted_at,
            submitted_at,
            'arn:aws:sagemaker:us-east-1:111122223333:workteam/private-crowd/Vets' as workteam_arn,
            'Vets' as workteam_name,
            'arn:aws:sagemaker:us-east-1:111122223333:labeling-job/pets' as labeling_job_arn,
            labeling_job_name,
            '111122223333' as account_id,
            'us-east-1' as aws_region,
            'Private' as job_type,
            event_at + interval '1 second' as logged_at
        from raw.worker_responses;

        insert into raw.labeling_jobs by name
        select
            'sagemaker://us-east-1/labeling-job/Pets' as unit_uri,
            'v1' as unit_version,
            '0' as position,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at,
            timestamptz '2026-02-28 00:00:00+00' as event_at,
            'Pets' as labeling_job_name,
            'arn:aws:sagemaker:us-east-1:111122223333:labeling-job/pets' as labeling_job_arn,
            '111122223333' as account_id,
            'us-east-1' as aws_region,
            'Completed' as status,
            event_at as created_at,
            timestamptz '2026-03-02 00:00:00+00' as last_modified_at,
            'arn:aws:sagemaker:us-east-1:111122223333:workteam/private-crowd/Vets' as workteam_arn,
            'Vets' as workteam_name,
            'private' as workforce_type,
            'pet' as label_attribute_name,
            'ImageMultiClass' as task_type,
            3 as workers_per_object_count,
            (select count(*) from raw.manifest_entries where not is_failed) as total_labeled_count,
            (select count(*) from raw.manifest_entries where not is_failed) as human_labeled_count,
            0 as machine_labeled_count,
            0 as failed_count,
            0 as unlabeled_count;

        insert into raw.workteams by name
        select
            'sagemaker://us-east-1/workteam/Vets/2026-03-01' as unit_uri,
            'v1' as unit_version,
            '0' as position,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at,
            timestamptz '2026-03-01 00:00:00+00' as event_at,
            'Vets' as workteam_name,
            'arn:aws:sagemaker:us-east-1:111122223333:workteam/private-crowd/Vets' as workteam_arn,
            'private' as workforce_type,
            '111122223333' as account_id,
            'us-east-1' as aws_region,
            timestamptz '2026-01-01 00:00:00+00' as created_at,
            created_at as last_updated_at;

        insert into raw.workteam_jobs by name
        select
            unit_uri,
            'v1' as unit_version,
            '0' as position,
            loaded_at,
            event_at,
            workteam_name,
            workteam_arn,
            'Pets' as labeling_job_name,
            '111122223333' as job_reference_code,
            account_id,
            aws_region,
            timestamptz '2026-02-28 00:00:00+00' as created_at,
            (select human_labeled_count from raw.labeling_jobs) as human_labeled_count,
            0 as pending_human_count,
            (select count(*) from raw.manifest_entries) as total_count,
            3 as workers_per_object_count
        from raw.workteams;

        insert into raw.workers by name
        select
            'cognito-idp://us-east-1/us-east-1_AbCdEf123/2026-03-01' as unit_uri,
            'v1' as unit_version,
            worker_id as position,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at,
            timestamptz '2026-03-01 00:00:00+00' as event_at,
            worker_pseudonym,
            'us-east-1_AbCdEf123' as user_pool_id,
            'us-east-1' as aws_region,
            'Cognito' as identity_provider,
            'CONFIRMED' as user_status,
            true as is_enabled,
            timestamptz '2026-01-01 00:00:00+00' as created_at
        from (select distinct worker_id, worker_pseudonym from raw.worker_responses);
        """
    )
    _fill_marts(connection)


def _fill_marts(connection: duckdb.DuckDBPyConnection) -> None:
    """The marts of what is in `raw`; those that `checked_build` filled get what the workforce adds."""
    connection.execute(
        """
        insert into main.fct_task by name
        select
            md5(response_id) as task_id,
            labeling_job_name,
            worker_id,
            worker_pseudonym,
            'Vets' as workteam_name,
            '111122223333' as account_id,
            'us-east-1' as aws_region,
            'image' as modality,
            'Private' as job_type,
            'submitted' as outcome,
            accepted_at,
            submitted_at as ended_at,
            date_diff('second', accepted_at, submitted_at) as elapsed_seconds,
            time_spent_seconds as active_seconds,
            elapsed_seconds - active_seconds as idle_seconds,
            dataset_object_id,
            response_id,
            1 as label_count,
            true as has_log,
            true as has_answer,
            true as is_measured,
            event_at,
            event_date
        from main.fct_worker_response;

        insert into main.fct_worker_day by name
        select
            worker_id,
            max(worker_pseudonym) as worker_pseudonym,
            labeling_job_name,
            max(workteam_name) as workteam_name,
            max(modality) as modality,
            event_date,
            count(*) as submitted_task_count,
            0 as returned_task_count,
            0 as declined_task_count,
            0 as abandoned_task_count,
            0 as excluded_task_count,
            sum(elapsed_seconds) as elapsed_seconds,
            sum(active_seconds) as active_seconds,
            sum(idle_seconds) as idle_seconds,
            count(response_id) as answer_count,
            sum(label_count) as label_count,
            min(event_at) as first_event_at,
            max(event_at) as last_event_at
        from main.fct_task
        group by worker_id, labeling_job_name, event_date;

        update main.fct_worker_job set
            workteam_name = 'Vets',
            modality = 'image',
            submitted_task_count = answer_count,
            label_count = answer_count,
            elapsed_seconds = 40 * answer_count,
            active_seconds = time_spent_seconds,
            sum_seconds = time_spent_seconds,
            min_seconds = 20.5,
            mean_seconds = 20.5,
            max_seconds = 20.5,
            median_seconds = 20.5,
            p95_seconds = 20.5;

        update main.dim_worker set
            user_status = 'CONFIRMED',
            is_enabled = true,
            joined_date = date '2026-01-01',
            task_count = answer_count,
            first_event_at = first_answer_at,
            last_event_at = last_answer_at;

        update main.dim_labeling_job set
            submitted_task_count = answer_count,
            workteam_name = 'Vets',
            status = 'Completed',
            modality = 'image',
            workers_per_object_count = 3,
            human_labeled_count = labeled_object_count;

        insert into main.dim_workteam by name
        select
            'Vets' as workteam_name,
            'private' as workforce_type,
            '111122223333' as account_id,
            'us-east-1' as aws_region,
            (select count(*) from main.dim_worker) as worker_count,
            1 as labeling_job_count,
            count(*) as submitted_task_count,
            sum(active_seconds) as active_seconds,
            sum(elapsed_seconds) as elapsed_seconds,
            min(event_at) as first_seen_at,
            max(event_at) as last_seen_at
        from main.fct_task;

        insert into main.fct_source_gap by name
        select
            labeling_job_name,
            event_date,
            count(*) as log_task_count,
            count(*) as answer_task_count,
            (select 3 * human_labeled_count from main.dim_labeling_job) as counter_task_count,
            0 as missing_in_log_count,
            0 as missing_in_answers_count,
            0 as counter_difference_count
        from main.fct_task
        group by labeling_job_name, event_date;
        """
    )


#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_WORKFORCE_MARTS = [
    ("update main.fct_task set response_id = null where dataset_object_id = '7'", TASK, "hold", "Every answer of the"),
    ("update main.fct_task set has_log = false where dataset_object_id = '7'", TASK, "hold", "Every submission in the"),
    (
        "insert into main.fct_task select * replace ('x' as response_id) from main.fct_task limit 1",
        TASK,
        "hold",
        "No task has an answer that",
    ),
    ("insert into main.fct_task from main.fct_task limit 1", TASK, "hold", "An answer belongs to one"),
    ("update main.fct_task set has_log = false, has_answer = false", TASK, "hold", "Every task comes from the log"),
    (
        "update main.fct_task set outcome = 'expired' where dataset_object_id = '7'",
        TASK,
        "hold",
        "A task was submitted",
    ),
    ("update main.fct_task set event_date = event_date + 2", TASK, "hold", "A task's date is"),
    ("update main.fct_task set elapsed_seconds = -1", TASK, "hold", "No time that counts is negative"),
    ("update main.fct_task set active_seconds = 86400.001", TASK, "hold", "No time that counts is longer"),
    ("update main.fct_task set idle_seconds = -0.001 where dataset_object_id = '7'", TASK, "hold", "No idle time"),
    (
        "update main.fct_task set is_measured = false where dataset_object_id like '1%'",
        TASK,
        "warn",
        "In a job with 20 tasks or more, at most 5%",
    ),
    ("update main.fct_task set outcome = 'abandoned'", TASK, "warn", "In a job with 20 tasks or more, at most half"),
    ("delete from main.fct_worker_day where worker_id = 'w1'", DAY, "hold", "The submitted tasks of a job and day"),
    ("update main.fct_worker_day set answer_count = 0", DAY, "hold", "The answers of a job and day"),
    ("update main.fct_worker_day set answer_count = 999", DAY, "hold", "Every answer of a day is"),
    ("update main.fct_worker_day set idle_seconds = -1", DAY, "hold", "No worker has worked a negative"),
    ("update main.fct_worker_day set elapsed_seconds = 1e8", DAY, "hold", "No worker's tasks of a day"),
    ("update main.fct_worker_day set last_event_at = '2020-01-01'", DAY, "hold", "A worker's last task of a day"),
    ("update main.dim_worker set labeling_job_count = 999", WORKER, "hold", "A worker has taken at least"),
    ("update main.dim_worker set answer_count = task_count + 1", WORKER, "hold", "Every answer of a worker is"),
    ("update main.dim_worker set left_date = '2020-01-01'", WORKER, "hold", "Nobody left before"),
    ("insert into main.dim_workteam from main.dim_workteam", TEAM, "hold", "A submitted task is of one team"),
    ("update main.dim_workteam set workforce_type = 'robots'", TEAM, "hold", "A team is of a public"),
    ("update main.dim_workteam set active_seconds = -1", TEAM, "hold", "No team has worked"),
    ("update main.dim_workteam set last_seen_at = '2020-01-01'", TEAM, "hold", "No team was seen"),
    ("update main.fct_source_gap set answer_task_count = 1", GAP, "hold", "The answers of a job are as many by day"),
    ("update main.fct_source_gap set missing_in_log_count = 999", GAP, "hold", "The log does not miss more"),
    ("update main.fct_source_gap set missing_in_answers_count = 999", GAP, "hold", "No more submitted tasks are"),
    (
        "update main.fct_source_gap set missing_in_log_count = answer_task_count",
        GAP,
        "warn",
        "On a day with 20 answers of a job or more, at most 10% of them",
    ),
    (
        "update main.fct_source_gap set missing_in_answers_count = log_task_count",
        GAP,
        "warn",
        "On a day with 20 answers of a job or more, at most 10% of the log's",
    ),
    ("update main.fct_source_gap set counter_difference_count = -3", GAP, "warn", "A completed job counts"),
    ("update main.fct_worker_job set submitted_task_count = 0", WORKER_JOB, "hold", "Every answer is a submitted"),
    ("update main.fct_worker_job set mean_seconds = 21", WORKER_JOB, "hold", "The mean of the seconds"),
    ("update main.fct_worker_job set median_seconds = 21", WORKER_JOB, "hold", "The median of the seconds"),
    ("update main.dim_labeling_job set modality = 'audio'", JOB, "hold", "A job labels"),
    ("update main.dim_labeling_job set level = 'third'", JOB, "hold", "A job is of the first"),
]
