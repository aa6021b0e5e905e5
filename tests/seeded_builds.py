"""Build files of a seeded operation: weeks of work by days, of any size, with only the sources that a test names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import duckdb

from checked_build import open_build
from labelhouse.schema.tables import DAY_TABLES

#: The newest whole day, so that sources are fresh.
YESTERDAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
#: Source → the tables that it fills.
TABLES = {
    "labeling_output": ("worker_responses", "manifest_entries", "annotations"),
    "worker_activity": ("worker_events",),
    "labeling_jobs": ("labeling_jobs",),
    "workteams": ("workteams", "workteam_jobs"),
    "workers": ("workers",),
    "cloudtrail": ("training_metrics", "management_events"),
}


@dataclass(frozen=True)
class Operation:
    """What an operation is like.

    Args:
        days: how many days of work there are, up to yesterday.
        per_day: answers on a usual weekday.
        growth: factor from one week to the next.
        weekend: share of a weekday's work that is done on Saturdays and Sundays.
        spread: how much days differ: standard deviation of the logarithm.
        workers: how many people work.
        jobs: names of the jobs, each in turn.
        sources: what is read.
        changed_days: how many of the newest days changed since the last release; None: all.
        idle_days: days before yesterday on which nobody worked.
        hour: when people begin, in UTC; they work eight hours, so that late ones work into the next day.
        is_public: answers of a public workforce, without identities and times.
        has_labels: whether labels are classes; boxes otherwise.
    """

    days: int = 42
    per_day: int = 40
    growth: float = 1.0
    weekend: float = 1.0
    spread: float = 0.1
    workers: int = 7
    jobs: Sequence[str] = ("Pets", "cars-2")
    sources: Sequence[str] = tuple(TABLES)
    changed_days: int | None = 1
    idle_days: Sequence[int] = ()
    hour: int = 8
    is_public: bool = False
    has_labels: bool = True


def seeded_build(operation: Operation, seed: int) -> duckdb.DuckDBPyConnection:
    """The build file of an operation, as a release on top of the one before it would read it."""
    connection = open_build()
    chance = Random(seed)
    connection.execute(
        "create table work (day_at timestamptz, task_count int); create table jobs (number int, name text)"
    )
    connection.executemany("insert into jobs values (?, ?)", list(enumerate(operation.jobs)))
    for number in range(operation.days):
        day = YESTERDAY - timedelta(days=number)
        usual = operation.per_day * operation.growth ** (-number / 7) * (operation.weekend if day.weekday() > 4 else 1)
        count = 0 if number in operation.idle_days else round(usual * chance.lognormvariate(0, operation.spread))
        connection.execute("insert into work values (?, ?)", [day, count])
    connection.execute(_TASKS, [operation.hour, operation.workers, operation.is_public, operation.has_labels])
    for source in operation.sources:
        connection.execute(_FILL[source])
        for table in TABLES[source]:
            connection.execute(_LEDGER.format(table=table), [source])
    _changed(connection, operation.changed_days)
    return connection


def _changed(connection: duckdb.DuckDBPyConnection, days: int | None) -> None:
    """The schema `changed`: the newest days only, or everything."""
    connection.execute("drop view changed.days; create table changed.days as select day_at as day_start_at from work")
    if days is not None:
        connection.execute("delete from changed.days where day_start_at <= ?", [YESTERDAY - timedelta(days=days)])
        for table in DAY_TABLES:
            connection.execute(
                f"create or replace view changed.{table} as select * from raw.{table} "
                "where date_trunc('day', event_at) in (select day_start_at from changed.days)"
            )


#: Every task of every day: when, by whom, of which job and object.
_TASKS = """
    create table tasks as
    with settings as (select $1::int as hour, $2::int as workers, $3::boolean as is_public, $4::boolean as has_labels)
    select
        least(
            day_at + to_hours(hour) + to_seconds(28800 * task // task_count), day_at + interval '86399 seconds'
        ) as event_at,
        jobs.name as job,
        strftime(day_at, '%j') || '-' || task as object_id,
        if(is_public, null, 'w' || task % workers) as worker_id,
        if(is_public, null, 'p_' || md5((task % workers)::text)) as worker_pseudonym,
        is_public,
        has_labels,
        event_at - interval '40 seconds' as accepted_at,
        event_at + interval '1 hour' as loaded_at
    from settings, work, range(task_count) as tasks (task)
    inner join jobs on number = task % (select count(*) from jobs)
"""
_FILL = {
    "labeling_output": """
        insert into raw.worker_responses by name
        select
            's3://b/' || job || '/annotations/' || object_id || '.json' as unit_uri, 'v1' as unit_version,
            '0' as position, loaded_at, event_at, job as labeling_job_name, 1 as iteration_number,
            object_id as dataset_object_id, coalesce(worker_id, 'A1') as worker_id,
            if(is_public, 'public', 'private') as workforce_type, worker_pseudonym,
            if(is_public, null, 'Cognito') as identity_provider, if(is_public, null, accepted_at) as accepted_at,
            event_at as submitted_at, if(is_public, null, 20.5) as time_spent_seconds,
            if(has_labels, 'crowd-image-classifier', 'crowd-bounding-box') as crowd_element,
            if(has_labels, 'cat', null) as label, '{}' as answer_json
        from tasks;
        insert into raw.manifest_entries by name
        select
            's3://b/' || job || '/manifests/output/output.manifest' as unit_uri, 'v1' as unit_version,
            object_id || '/pet' as position, timestamptz '2026-01-01 00:00:00+00' as loaded_at, event_at,
            lower(job) as labeling_job_name, job as manifest_labeling_job_name, object_id as dataset_object_id,
            'pet' as label_attribute_name, if(has_labels, 'cat', null) as label,
            'groundtruth/' || if(has_labels, 'image-classification', 'object-detection') as task_type,
            if(has_labels, '"0"', '{"annotations": [{"left": 1, "top": 1, "width": 5, "height": 5}],
                "image_size": [{"width": 10, "height": 10, "depth": 3}]}') as label_json,
            '{"type": "t"}' as metadata_json, 0.9 as confidence_ratio, true as is_human_annotated,
            false as is_failed, event_at as labeled_at
        from tasks;
        insert into raw.annotations by name
        select
            unit_uri, unit_version, position || '/0' as position, loaded_at, event_at, labeling_job_name,
            dataset_object_id, label_attribute_name, true as is_consolidated, if(label is null, 'box', 'class')
                as geometry_type, '0' as class_id, label as category, if(label is null, 1, null) as left_px,
            left_px as top_px, left_px + 4 as width_px, left_px + 4 as height_px, confidence_ratio
        from raw.manifest_entries;
        insert into raw.annotations by name
        select
            unit_uri, unit_version, position || '/0' as position, loaded_at, event_at, labeling_job_name,
            dataset_object_id, false as is_consolidated, iteration_number, worker_id, worker_pseudonym,
            if(label is null, 'box', 'class') as geometry_type, coalesce(label, 'cat') as category,
            if(label is null, 1, null) as left_px, left_px as top_px, left_px + 4 as width_px, left_px + 4 as height_px
        from raw.worker_responses;
    """,
    "worker_activity": """
        insert into raw.worker_events by name
        select
            'logs://us-east-1/log/' || strftime(event_at, '%Y-%m-%dT%HZ') as unit_uri, 'v1' as unit_version,
            object_id as position, timestamptz '2026-01-01 00:00:00+00' as loaded_at, event_at,
            md5(job || object_id) as activity_id, 'TasksSubmitted' as event_type, worker_id, worker_pseudonym,
            accepted_at, event_at as submitted_at, 'Vets' as workteam_name, job as labeling_job_name,
            '111122223333' as account_id, 'us-east-1' as aws_region, event_at as logged_at
        from tasks;
        update raw.worker_events
        set worker_id = coalesce(worker_id, 'A1'), loaded_at = (select max(loaded_at) from tasks);
    """,
    "labeling_jobs": """
        insert into raw.labeling_jobs by name
        select
            'sagemaker://us-east-1/labeling-job/' || job as unit_uri, 'v1' as unit_version, '0' as position,
            max(loaded_at) as loaded_at, max(event_at) as event_at, job as labeling_job_name, 'InProgress' as status,
            'private' as workforce_type, 'arn:vets' as workteam_arn, min(event_at) as created_at,
            max(event_at) as last_modified_at, 3 as workers_per_object_count
        from tasks
        group by job;
    """,
    "workteams": """
        insert into raw.workteams by name
        select
            'sagemaker://us-east-1/workteam/Vets/' || day_at::date as unit_uri, 'v1' as unit_version, '0' as position,
            day_at as loaded_at, day_at as event_at, 'Vets' as workteam_name, 'arn:vets' as workteam_arn,
            'private' as workforce_type, '111122223333' as account_id, timestamptz '2026-01-01' as created_at
        from work;
        insert into raw.workteam_jobs by name
        select
            unit_uri, unit_version, number::text as position, loaded_at, event_at, 'Vets' as workteam_name,
            name as labeling_job_name, 'code' || number as job_reference_code, '111122223333' as account_id,
            10 as human_labeled_count, 0 as pending_human_count, 10 as total_count
        from raw.workteams, jobs;
    """,
    "workers": """
        insert into raw.workers by name
        select
            'cognito-idp://us-east-1/pool/' || day_at::date as unit_uri, 'v1' as unit_version, worker_id as position,
            day_at as loaded_at, day_at as event_at, worker_pseudonym, 'us-east-1_AbCdEf123' as user_pool_id,
            'us-east-1' as aws_region, 'CONFIRMED' as user_status, timestamptz '2026-01-01' as created_at
        from work, (select distinct worker_id, worker_pseudonym from tasks where not is_public);
    """,
    "cloudtrail": """
        insert into raw.training_metrics by name
        select
            's3://b/AWSLogs/' || strftime(event_at, '%Y-%m-%dT%HZ') as unit_uri, 'v1' as unit_version,
            object_id || '/0' as position, timestamptz '2026-01-01 00:00:00+00' as loaded_at, event_at,
            md5('event' || job || object_id) as event_id, 0 as point_index, 'Run-' || job as trial_component_name,
            '111122223333' as account_id, 'us-east-1' as aws_region,
            'AWS::SageMaker::ExperimentTrialComponent' as resource_type, 'validation:loss' as metric_name,
            row_number() over (partition by job order by event_at) as step,
            if(step % 50 = 0, null, 1 / step) as metric_value, if(step % 50 = 0, 'nan', null) as value_flag,
            event_at as metric_at, 'arn:aws:iam::1:role/T' as principal_arn
        from tasks;
        update raw.training_metrics set loaded_at = (select max(loaded_at) from tasks);
        insert into raw.management_events by name
        select
            's3://b/AWSLogs/calls' as unit_uri, 'v1' as unit_version, job as position, max(loaded_at) as loaded_at,
            max(event_at) as event_at, md5(job) as event_id, 'sagemaker.amazonaws.com' as event_source,
            'CreateTrialComponent' as event_name, '111122223333' as account_id, 'us-east-1' as aws_region,
            'Run-' || job as resource_name, '{}' as request_json
        from tasks
        group by job;
    """,
}
_LEDGER = """
    insert into raw.ingest_ledger by name
    select
        $1 as source_name, unit_uri, unit_version, max(event_at) as unit_at, repeat('0', 64) as sha256,
        100 as size_bytes, count(*) as records_read, count(*) as records_loaded, 0 as records_duplicate,
        0 as records_quarantined, 0 as records_filtered, list(distinct event_at::date) as event_dates,
        max(loaded_at) as loaded_at
    from raw.{table}
    where unit_uri not in (select unit_uri from raw.ingest_ledger)
    group by unit_uri, unit_version
"""
