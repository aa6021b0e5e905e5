"""Trainings and their bills for tests of checks: sound ones, and what is done to them so that a check fails.

All of it goes into the build file of `checked_build`.
"""

from __future__ import annotations

import duckdb

JOB, COST, MONTH, HEALTH = "dim_training_job", "fct_cost", "fct_cost_month", "fct_model_health"
POINT, RUN = "fct_metric_point", "dim_run"


def fill_costs(connection: duckdb.DuckDBPyConnection) -> None:
    """Five training jobs of a family, an hour each on two instances, their bills, and the time of all workers."""
    connection.execute(
        """
        insert into raw.training_jobs by name
        select
            'sagemaker://eu-west-1/training-job/birds-' || number as unit_uri,
            'v1' as unit_version,
            '0' as position,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at,
            timestamptz '2026-02-25 06:00:00+00' + to_days(number::int) as event_at,
            'Birds-' || number as training_job_name,
            '111122223333' as account_id,
            'eu-west-1' as aws_region,
            'Completed' as status,
            event_at as created_at,
            event_at + interval '1 minute' as training_started_at,
            event_at + interval '61 minutes' as training_ended_at,
            event_at + interval '61 minutes' as last_modified_at,
            3600 as training_seconds,
            3600 as billable_seconds,
            'ml.m5.xlarge' as instance_type,
            2 as instance_count,
            false as is_spot
        from range(5) as jobs (number);

        insert into main.dim_training_job by name
        select
            '111122223333/eu-west-1/' || lower(training_job_name) as training_job_id,
            training_job_name,
            '111122223333/eu-west-1/' || lower(training_job_name) || '-aws-training-job' as run_id,
            'birds' as job_family,
            account_id,
            aws_region,
            status,
            instance_type,
            instance_count,
            created_at,
            training_started_at,
            training_ended_at,
            created_at::date as created_date,
            60 as waiting_seconds,
            3600 as run_seconds,
            billable_seconds,
            0.23 * instance_count as price_per_hour_usd,
            cast(billable_seconds * instance_count * 0.23 / 3600 as decimal(18, 6)) as cost_usd,
            row_number() over (order by created_at) as family_number,
            false as is_automated_labeling
        from raw.training_jobs;

        insert into main.fct_cost by name
        select
            md5(training_job_id) as cost_id,
            'training' as cost_kind,
            account_id,
            aws_region,
            training_ended_at::date as cost_date,
            date_trunc('month', training_ended_at)::date as cost_month,
            training_job_name as resource_name,
            job_family,
            run_id,
            instance_type,
            billable_seconds * instance_count as quantity,
            'billable seconds' as quantity_unit,
            0.23 as unit_price_usd,
            cost_usd,
            true as is_priced
        from main.dim_training_job;

        insert into main.fct_cost by name
        select
            md5(labeling_job_name || worker_id) as cost_id,
            'labeling_time' as cost_kind,
            date '2026-03-01' as cost_date,
            date '2026-03-01' as cost_month,
            labeling_job_name as resource_name,
            labeling_job_name,
            worker_id,
            sum_seconds as quantity,
            'worker seconds' as quantity_unit,
            15 as unit_price_usd,
            sum_seconds * 15 / 3600 as cost_usd,
            true as is_priced
        from main.fct_worker_job
        where sum_seconds is not null;

        insert into main.fct_cost_month by name
        select
            cost_kind || '/' || coalesce(job_family, resource_name) as series_id,
            cost_kind,
            coalesce(job_family, resource_name) as subject_name,
            cost_month,
            count(*) as cost_count,
            0 as unpriced_count,
            sum(quantity) as quantity,
            min(quantity_unit) as quantity_unit,
            sum(cost_usd) as cost_usd,
            false as is_doubled
        from main.fct_cost
        group by all;

        insert into main.fct_model_health by name
        select
            '111122223333/eu-west-1/birds' as family_id,
            'birds' as job_family,
            count(*) as job_count,
            min(training_started_at) as first_trained_at,
            max(training_started_at) as last_trained_at,
            max(training_ended_at) as last_completed_at,
            86400 as usual_gap_seconds,
            3600 as silent_seconds,
            false as is_silent,
            0 as failed_count,
            false as is_failing,
            0 as below_criterion_count,
            false as is_below_criterion
        from main.dim_training_job;
        """
    )


#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_COST_MARTS = [
    ("delete from main.dim_run", RUN, "hold", "No point that was sent"),
    ("update main.fct_metric_point set metric_source = 'training_log'", POINT, "hold", "No value of a training log"),
    (
        "insert into main.fct_metric_point select * replace ('training_log' as metric_source) "
        "from main.fct_metric_point limit 1",
        POINT,
        "hold",
        "A metric of a run is either",
    ),
    ("delete from main.dim_training_job where family_number = 1", JOB, "hold", "The training jobs are exactly"),
    ("update main.dim_training_job set cost_usd = 0.92", JOB, "hold", "Every bill is the billable time"),
    ("update main.dim_training_job set run_seconds = -1", JOB, "hold", "No training takes less"),
    ("update main.dim_training_job set waiting_seconds = -1", JOB, "warn", "No training begins before"),
    ("update main.dim_training_job set status = 'Paused'", JOB, "warn", "A training job is in progress"),
    (
        "update main.fct_cost set cost_kind = 'gift' where quantity_unit like 'w%'",
        COST,
        "hold",
        "Every cost is of a kn",
    ),
    ("update main.fct_cost set quantity = -1 where quantity_unit like 'w%'", COST, "hold", "Nothing costs less"),
    ("update main.fct_cost set cost_usd = null where quantity_unit like 'w%'", COST, "hold", "What has a price has"),
    ("delete from main.fct_cost where cost_kind = 'training'", COST, "hold", "Every billed second of every"),
    ("update main.fct_cost set quantity = 10 * quantity where worker_id is not null", COST, "hold", "No second of a"),
    (
        "update main.fct_cost set is_priced = false, cost_usd = null where cost_kind = 'training'",
        COST,
        "warn",
        "Everything that costs something",
    ),
    ("update main.fct_cost_month set cost_count = 99", MONTH, "hold", "Every cost is in its month"),
    ("update main.fct_cost_month set cost_usd = 99", MONTH, "hold", "The months of a kind"),
    ("update main.fct_cost_month set is_doubled = true", MONTH, "warn", "No training and no endpoint"),
    ("update main.fct_model_health set job_count = 1", HEALTH, "hold", "Every training is watched"),
    ("update main.fct_model_health set last_trained_at = '2020-01-01'", HEALTH, "hold", "No family was trained last"),
    ("update main.fct_model_health set is_silent = true", HEALTH, "warn", "Every model that is trained"),
    ("update main.fct_model_health set is_failing = true", HEALTH, "warn", "No model fails at every"),
]
