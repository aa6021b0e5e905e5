"""What stands for marts, and columns of them, that a release from before they existed does not hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StandIn:
    """One SELECT instead of a mart.

    Args:
        mart: which one.
        column: a column of it; a release that has it needs no stand-in.
        sql: on the marts of an older release, which it names as `main.<mart>`.
    """

    mart: str
    column: str
    sql: str


#: Before worker logs and jobs were read, an answer was all that was known of a task.
WORKERS = (
    StandIn(
        "dim_labeling_job",
        "modality",
        "select *, null::varchar as workteam_name, null::varchar as modality from main.dim_labeling_job",
    ),
    StandIn("dim_worker", "left_date", "select *, null::date as left_date from main.dim_worker"),
    StandIn("dim_workteam", "workteam_name", "select null::varchar as workteam_name where false"),
    StandIn(
        "fct_worker_job",
        "modality",
        "select *, null::varchar as workteam_name, null::varchar as modality from main.fct_worker_job",
    ),
    StandIn(
        "fct_worker_day",
        "label_count",
        """
            select
                worker_id, labeling_job_name, event_date, null::bigint as label_count,
                null::varchar as workteam_name, null::varchar as modality
            from main.fct_worker_response
        """,
    ),
    StandIn(
        "fct_task",
        "task_id",
        """
            select
                response_id as task_id, response_id, labeling_job_name, worker_id, worker_pseudonym,
                null::varchar as workteam_name, null::varchar as modality, 'submitted' as outcome,
                accepted_at, submitted_at as ended_at, dataset_object_id,
                null::double as elapsed_seconds, time_spent_seconds as active_seconds, null::double as idle_seconds,
                false as has_log, true as has_answer, true as is_measured, null::varchar as exclusion_reason,
                event_at, event_date
            from main.fct_worker_response
        """,
    ),
    StandIn(
        "fct_source_gap",
        "missing_in_log_count",
        """
            select
                null::varchar as labeling_job_name, null::date as event_date, null::bigint as log_task_count,
                null::bigint as answer_task_count, null::bigint as counter_task_count,
                null::bigint as missing_in_log_count, null::bigint as missing_in_answers_count,
                null::bigint as counter_difference_count, null::varchar as explanation
            where false
        """,
    ),
)

#: Before training jobs were read, nothing was known of a run's instances, its bill and its parameters.
TRAINING = (
    StandIn(
        "dim_run",
        "run_seconds",
        """
            select
                *, null::double as run_seconds, null::bigint as billable_seconds, null::decimal(18, 6) as cost_usd,
                null::varchar as instance_type, null::integer as instance_count, null::varchar as labeling_job_name,
                null::map(varchar, varchar) as hyper_parameters
            from main.dim_run
        """,
    ),
    StandIn(
        "fct_run_metric",
        "metric_source",
        "select *, 'cloudtrail' as metric_source from main.fct_run_metric",
    ),
)

#: Before CloudWatch was read, nobody could compare its counts.
OPERATIONS = (
    StandIn(
        "fct_source_gap",
        "cloudwatch_task_count",
        """
            select *, null::bigint as cloudwatch_task_count, null::bigint as cloudwatch_difference_count
            from main.fct_source_gap
        """,
    ),
)
