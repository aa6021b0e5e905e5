"""Training jobs, runs, log metrics and endpoints of the sound build, and what makes a check of them fail."""

from __future__ import annotations

import duckdb

JOBS, FINALS, RUNS, SUMS, LINES, VARIANTS = (
    "training_jobs",
    "training_job_metrics",
    "trial_components",
    "trial_component_metrics",
    "training_log_metrics",
    "endpoint_variants",
)
EMAIL = "canary.worker@example.com"
_ORIGIN = """
    'v1' as unit_version, timestamptz '2026-03-03 00:00:00+00' as loaded_at,
    timestamptz '2026-03-01 06:00:00+00' + to_hours(number) as event_at,
    '111122223333' as account_id, 'eu-west-1' as aws_region
"""


def fill_training_sources(connection: duckdb.DuckDBPyConnection) -> None:
    """Three training jobs, the last of which failed; their runs, final metrics and logs; an endpoint."""
    connection.execute(
        f"""
        insert into raw.training_jobs by name
        select {_ORIGIN},
            'sagemaker://eu-west-1/111122223333/training-job/fruit-' || number as unit_uri, '0' as position,
            'fruit-' || number as training_job_name,
            if(number = 2, 'Failed', 'Completed') as status,
            if(number = 2, 'AlgorithmError', null) as failure_reason,
            event_at as created_at,
            event_at + interval '3 minutes' as training_started_at,
            event_at + interval '23 minutes' as training_ended_at,
            1200 as training_seconds, 1200 as billable_seconds,
            'ml.g5.xlarge' as instance_type, 1 as instance_count
        from range(3) as jobs (number);

        insert into raw.training_job_metrics by name
        select * exclude (account_id, aws_region) from (
            select {_ORIGIN},
                'sagemaker://eu-west-1/111122223333/training-job/fruit-' || number as unit_uri,
                '0/' || metric as position,
                'fruit-' || number as training_job_name,
                if(metric = 0, 'train:loss', 'validation:loss') as metric_name,
                if(metric = 0, 0.5, null) as metric_value,
                if(metric = 0, null, 'nan') as value_flag,
                event_at as metric_at
            from range(2) as jobs (number), range(2) as metrics (metric)
        );

        insert into raw.trial_components by name
        select {_ORIGIN},
            'sagemaker://eu-west-1/111122223333/trial-component/run-' || number as unit_uri, '0' as position,
            'run-' || number as trial_component_name,
            'fruit-' || number as training_job_name,
            'Completed' as status,
            event_at as started_at,
            event_at + interval '23 minutes' as ended_at,
            '["fruit-retraining"]' as trial_names_json, 'fruit-retraining' as trial_name, 'fruit' as experiment_name
        from range(3) as components (number);

        insert into raw.trial_component_metrics by name
        select * exclude (account_id, aws_region) from (
            select {_ORIGIN},
                'sagemaker://eu-west-1/111122223333/trial-component/run-' || number as unit_uri, '0/0' as position,
                'run-' || number as trial_component_name, 'train:loss' as metric_name,
                10 as point_count, 0.5 as last_value, 0.4 as min_value, 0.9 as max_value, 0.6 as mean_value
            from range(3) as components (number)
        );

        insert into raw.training_log_metrics by name
        select {_ORIGIN},
            'logs://eu-west-1:111122223333/aws/sagemaker/TrainingJobs/2026-03-01T06Z' as unit_uri,
            number * 10 + line || '/0' as position,
            md5(number || '-' || line) as log_event_id,
            'fruit-' || number as training_job_name,
            'train:loss' as metric_name, 0.5 as metric_value, line as step, 'step' as step_name,
            event_at as metric_at, 'job' as definition
        from range(2) as jobs (number), range(10) as lines (line);

        insert into raw.endpoint_variants by name
        select {_ORIGIN},
            'sagemaker://eu-west-1/111122223333/endpoint/fruit-live/2026-03-01' as unit_uri, '0/' || number as position,
            'fruit-live' as endpoint_name, 'variant-' || number as variant_name, 'InService' as status,
            if(number = 0, 'ml.m5.large', null) as instance_type, if(number = 0, 2, null) as instance_count,
            number = 1 as is_serverless, 1.0 as variant_weight
        from range(2) as variants (number);
        """
    )


def _set(table: str, deed: str) -> str:
    return f"update raw.{table} set {deed}"


def _twice(table: str) -> str:
    return f"insert into raw.{table} from raw.{table}"


#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_TRAINING_SOURCES = [
    (_twice(JOBS), JOBS, "hold", "No training job is in the lake twice"),
    (_set(JOBS, "training_job_name = ''"), JOBS, "hold", "Every training job has a name"),
    (_set(JOBS, "status = 'Paused'"), JOBS, "warn", "The status of a training job"),
    (_set(JOBS, "created_at = null"), JOBS, "warn", "Every training job says when"),
    (_set(JOBS, "created_at = '2011-01-01'"), JOBS, "hold", "Training jobs were created since"),
    (_set(JOBS, "training_ended_at = '2025-01-01'"), JOBS, "warn", "ended_after_started"),
    (_set(JOBS, "billable_seconds = 7200"), JOBS, "warn", "billed_as_trained"),
    (_set(JOBS, "instance_type = null"), JOBS, "warn", "Every completed training job says what instances"),
    (_set(JOBS, "billable_seconds = null"), JOBS, "warn", "Every completed training job says what is billed"),
    (_set(JOBS, "failure_reason = null"), JOBS, "warn", "Every training job that failed"),
    (_set(JOBS, f"failure_reason = 'ask {EMAIL}'"), JOBS, "hold", "What is said of a training job"),
    (_twice(FINALS), FINALS, "hold", "No final metric of a training job"),
    (_set(FINALS, "metric_name = ''"), FINALS, "hold", "Every final metric has a name"),
    (_set(FINALS, "value_flag = null"), FINALS, "hold", "Every final metric has a finite value"),
    (f"delete from raw.{JOBS}", FINALS, "hold", "The training job of every final metric"),
    (_twice(RUNS), RUNS, "hold", "No trial component is in the lake twice"),
    (_set(RUNS, "trial_component_name = ''"), RUNS, "hold", "Every trial component has a name"),
    (_set(RUNS, "status = 'Paused'"), RUNS, "warn", "The status of a trial component"),
    (_set(RUNS, "ended_at = '2025-01-01'"), RUNS, "warn", "ended_after_started"),
    (_set(RUNS, "trial_name = 'another'"), RUNS, "hold", "The trial of a trial component"),
    (_set(RUNS, "training_job_name = 'another'"), RUNS, "warn", "The training job of every trial component"),
    (_set(RUNS, f"status_message = 'ask {EMAIL}'"), RUNS, "hold", "What is said of a trial component"),
    (_twice(SUMS), SUMS, "hold", "No metric of a trial component is in"),
    (_set(SUMS, "metric_name = ''"), SUMS, "hold", "Every metric of a trial component has"),
    (_set(SUMS, "mean_value = 'nan'"), SUMS, "hold", "What AWS sums up"),
    (_set(SUMS, "min_value = 2"), SUMS, "warn", "least_below_most"),
    (_set(SUMS, "point_count = 0"), SUMS, "warn", "Every metric that AWS sums up"),
    (_twice(LINES), LINES, "hold", "No value of a line"),
    (_set(LINES, "metric_name = ''"), LINES, "hold", "Every value in a training log names"),
    (_set(LINES, "metric_value = 'inf'"), LINES, "hold", "Every value in a training log is finite"),
    (_set(LINES, "step = -1"), LINES, "warn", "Steps in training logs"),
    (_set(LINES, "step_name = null"), LINES, "hold", "Every step in a training log"),
    (_set(LINES, "metric_at = '2011-01-01'"), LINES, "warn", "Lines of training logs were written since"),
    (_set(LINES, "metric_at = '2100-01-01'"), LINES, "hold", "Lines of training logs were not written in"),
    (_set(LINES, "training_job_name = 'another'"), LINES, "warn", "The training job of every line"),
    (_twice(VARIANTS), VARIANTS, "hold", "No production variant is in the lake twice"),
    (_set(VARIANTS, "variant_name = ''"), VARIANTS, "hold", "Every production variant names"),
    (_set(VARIANTS, "status = 'Paused'"), VARIANTS, "warn", "The status of an endpoint"),
    (_set(VARIANTS, "variant_weight = -1"), VARIANTS, "warn", "No production variant has a negative"),
    (_set(VARIANTS, "instance_type = null"), VARIANTS, "warn", "Every production variant that serves says what"),
    (_set(VARIANTS, "instance_count = null"), VARIANTS, "warn", "Every production variant that serves says how"),
    (_set(VARIANTS, f"failure_reason = 'ask {EMAIL}'"), VARIANTS, "hold", "What is said of an endpoint"),
]
