"""A small training account for tests of checks: runs that pass every check, and what is done to them so that one fails.

Both go into the build file of `checked_build`.
"""

from __future__ import annotations

import duckdb

from checked_build import CANARY

POINTS, EVENTS, DIGESTS = "training_metrics", "management_events", "trail_digests"
POINT, RUN, RUN_METRIC, AUDIT = "fct_metric_point", "dim_run", "fct_run_metric", "fct_metric_write_audit"


def fill_training(connection: duckdb.DuckDBPyConnection) -> None:
    """Two runs of two metrics with ten points each, the calls that made them, and the verified files of a trail."""
    connection.execute(
        """
        insert into raw.training_metrics by name
        select
            's3://bucket/AWSLogs/1/CloudTrail/eu-west-1/a.json.gz' as unit_uri,
            'v1' as unit_version,
            run_number || '-' || step || '/' || point_index as position,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at,
            timestamptz '2026-03-01 06:00:00+00' + to_hours(run_number) + to_minutes(step) as event_at,
            'e' || run_number || '-' || step as event_id,
            point_index::int as point_index,
            'Run-' || run_number as trial_component_name,
            '111122223333' as account_id,
            'eu-west-1' as aws_region,
            'AWS::SageMaker::ExperimentTrialComponent' as resource_type,
            if(point_index = 0, 'train:accuracy', 'validation:accuracy') as metric_name,
            step,
            step / 10 as metric_value,
            event_at - interval '2 seconds' as metric_at,
            'arn:aws:sts::111122223333:assumed-role/Trainer/SageMaker' as principal_arn,
            'AssumedRole' as principal_type,
            '10.0.0.0/24' as source_network,
            'Boto3/1.34' as user_agent
        from range(2) as runs (run_number), range(10) as steps (step), range(2) as points (point_index);

        insert into raw.management_events by name
        select
            's3://bucket/AWSLogs/1/CloudTrail/eu-west-1/b.json.gz' as unit_uri,
            'v1' as unit_version,
            number::varchar as position,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at,
            timestamptz '2026-03-01 05:00:00+00' + to_hours(number) as event_at,
            'm' || number as event_id,
            'sagemaker.amazonaws.com' as event_source,
            'CreateTrialComponent' as event_name,
            '111122223333' as account_id,
            'eu-west-1' as aws_region,
            'arn:aws:iam::111122223333:user/p_' || md5('one') as principal_arn,
            '{"trialComponentName": "Run-' || number || '"}' as request_json
        from range(2) as events (number);

        insert into raw.trail_digests by name
        select
            's3://bucket/AWSLogs/1/CloudTrail-Digest/eu-west-1/d.json.gz' as unit_uri,
            'v1' as unit_version,
            number::varchar as position,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at,
            timestamptz '2026-03-01 08:00:00+00' as event_at,
            '111122223333' as account_id,
            'eu-west-1' as aws_region,
            event_at - interval '1 hour' as digest_started_at,
            event_at as digest_ended_at,
            's3://bucket/AWSLogs/1/CloudTrail/eu-west-1/' || number || '.json.gz' as file_uri,
            'log' as file_kind,
            'verified' as status
        from range(3) as files (number);
        """
    )
    _fill_marts(connection)


def _fill_marts(connection: duckdb.DuckDBPyConnection) -> None:
    """The marts of what is in `raw`, and one finding of a day on which nothing changed."""
    connection.execute(
        """
        insert into main.fct_metric_point by name
        select
            event_id,
            point_index,
            '111122223333/eu-west-1/' || lower(trial_component_name) as run_id,
            lower(trial_component_name) as run_name,
            metric_name,
            step,
            metric_value,
            metric_at,
            event_at,
            event_at::date as event_date,
            'cloudtrail' as metric_source
        from raw.training_metrics;

        insert into main.dim_run by name
        select
            run_id,
            max(run_name) as run_name,
            'Completed' as status,
            min(event_at) - interval '5 minutes' as started_at,
            max(event_at) + interval '5 minutes' as completed_at,
            min(metric_at) as first_point_at,
            max(metric_at) as last_point_at,
            count(*) as point_count,
            count(distinct metric_name) as metric_count
        from main.fct_metric_point
        group by run_id;

        insert into main.fct_run_metric by name
        select
            run_id,
            max(run_name) as run_name,
            metric_name,
            true as is_higher_better,
            count(*) as point_count,
            0 as nan_count,
            max_by(metric_value, step) as final_value,
            max(metric_value) as best_value,
            min(metric_at) as started_at,
            max(metric_at) as ended_at,
            true as meets_criterion,
            false as is_diverging,
            false as is_dip
        from main.fct_metric_point
        group by run_id, metric_name;

        insert into main.fct_metric_write_audit by name
        select
            'duplicated_points' as finding,
            max(run_id) as run_id,
            1 as finding_number,
            timestamptz '2026-02-20 00:00:00+00' as first_event_at,
            timestamptz '2026-02-20 01:00:00+00' as last_event_at,
            20 as point_count,
            2 as extra_count
        from main.dim_run;
        """
    )


def _of_today(finding: str) -> str:
    """The one finding, become another of a day that changed."""
    return f"update main.fct_metric_write_audit set finding = '{finding}', last_event_at = '2026-03-01 09:00:00+00'"


def _unverified(status: str) -> str:
    return f"update raw.trail_digests set status = '{status}' where position = '1'"


#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_TRAINING_INPUTS = [
    ("insert into raw.training_metrics from raw.training_metrics limit 1", POINTS, "hold", "No point of a call"),
    ("update raw.training_metrics set metric_name = '' where step = 1", POINTS, "hold", "Every point names its run"),
    (
        "update raw.training_metrics set account_id = null where step = 1",
        POINTS,
        "warn",
        "Every point says its account",
    ),
    ("update raw.training_metrics set metric_value = null where step = 1", POINTS, "hold", "Every point has a finite"),
    ("update raw.training_metrics set metric_value = 'nan' where step = 1", POINTS, "hold", "Every point has a finite"),
    ("update raw.training_metrics set step = -1 where step = 1", POINTS, "warn", "Steps are counted"),
    ("update raw.training_metrics set event_at = '1970-01-20' where step = 1", POINTS, "hold", "No point was sent bef"),
    ("update raw.training_metrics set event_at = '2099-01-01' where step = 1", POINTS, "hold", "No point was sent in"),
    ("update raw.training_metrics set loaded_at = '2026-03-01'", POINTS, "warn", "No point was sent after"),
    ("update raw.training_metrics set metric_at = '1970-01-20' where step = 1", POINTS, "warn", "Points have times of"),
    ("update raw.training_metrics set metric_at = '2099-01-01' where step = 1", POINTS, "warn", "Points have no times"),
    ("update raw.training_metrics set resource_type = 'AWS::S3::Object'", POINTS, "warn", "Points belong to trial"),
    (
        "update raw.training_metrics set principal_arn = null, principal_type = null where step = 1",
        POINTS,
        "warn",
        "Every point says who sent it",
    ),
    (f"update raw.training_metrics set user_agent = '{CANARY}'", POINTS, "hold", "Who sent a point is in the lake"),
    (
        "insert into raw.management_events from raw.management_events limit 1",
        EVENTS,
        "hold",
        "No management event is i",
    ),
    ("update raw.management_events set event_name = ''", EVENTS, "hold", "Every management event names"),
    ("update raw.management_events set event_source = 's3.amazonaws.com'", EVENTS, "warn", "Management events are"),
    ("update raw.management_events set event_at = '1970-01-20'", EVENTS, "hold", "No management event is older"),
    ("update raw.management_events set event_at = '2099-01-01'", EVENTS, "hold", "No management event is of the fut"),
    ("update raw.management_events set loaded_at = '2026-03-01'", EVENTS, "warn", "No management event happened"),
    ("update raw.management_events set request_json = '{'", EVENTS, "hold", "Parameters and responses"),
    (f"update raw.management_events set principal_arn = '{CANARY}'", EVENTS, "hold", "Who made a change is"),
    (
        "update raw.management_events set event_source = 'cloudtrail.amazonaws.com', event_name = 'StopLogging'",
        EVENTS,
        "warn",
        "Nobody stopped, deleted",
    ),
    (
        "update raw.management_events set event_source = 'cloudtrail.amazonaws.com', event_name = 'DeleteTrail', "
        "error_code = 'AccessDenied'",
        EVENTS,
        "warn",
        "Nobody tried in vain",
    ),
    ("insert into raw.trail_digests from raw.trail_digests limit 1", DIGESTS, "hold", "No file of a digest is in"),
    (_unverified("dubious"), DIGESTS, "hold", "Every file was verified"),
    (_unverified("modified"), DIGESTS, "hold", "No log file or digest differs"),
    (_unverified("missing"), DIGESTS, "hold", "Every log file and digest"),
    (_unverified("extra"), DIGESTS, "hold", "No log file is there that"),
    (_unverified("forged"), DIGESTS, "hold", "Every digest is signed"),
    (_unverified("unverifiable"), DIGESTS, "hold", "Every digest has a signature"),
    ("update raw.trail_digests set digest_ended_at = '2026-01-01'", DIGESTS, "hold", "No digest ends before"),
    ("update raw.trail_digests set digest_ended_at = '2099-01-01'", DIGESTS, "warn", "No digest is of the future"),
]
BAD_TRAINING_MARTS = [
    ("delete from main.fct_metric_point where step = 1", POINT, "hold", "Every point of the changed days"),
    ("insert into main.fct_metric_point from main.fct_metric_point limit 1", POINT, "hold", "No point is there twice"),
    ("update main.fct_metric_point set event_date = event_date + 2", POINT, "hold", "A point's date is that"),
    ("update main.dim_run set point_count = point_count + 1000", RUN, "hold", "Every point is some run's"),
    ("update main.dim_run set metric_count = 99", RUN, "hold", "A run has at least one point"),
    ("update main.dim_run set last_point_at = '2020-01-01'", RUN, "hold", "A run's last point is not"),
    ("update main.dim_run set completed_at = '2020-01-01'", RUN, "warn", "No run was completed before"),
    ("update main.dim_run set status = 'Paused'", RUN, "warn", "A run is in progress"),
    ("delete from main.fct_run_metric where metric_name like 'train%'", RUN_METRIC, "hold", "Every metric of a run is"),
    ("update main.fct_run_metric set point_count = 99", RUN_METRIC, "hold", "No more points count than"),
    ("update main.fct_run_metric set point_count = 0", RUN_METRIC, "hold", "Every metric of a run has points"),
    ("update main.fct_run_metric set nan_count = 99", RUN_METRIC, "hold", "No more points are no number"),
    ("update main.fct_run_metric set ended_at = '2020-01-01'", RUN_METRIC, "hold", "No metric of a run ends"),
    ("update main.fct_run_metric set final_value = 2", RUN_METRIC, "hold", "No final value is better"),
    (
        "update main.fct_run_metric set is_higher_better = false, best_value = 2",
        RUN_METRIC,
        "hold",
        "No final value is",
    ),
    ("update main.fct_run_metric set meets_criterion = false", RUN_METRIC, "warn", "The newest run of every series"),
    ("update main.fct_run_metric set is_diverging = true", RUN_METRIC, "warn", "The newest run of no series"),
    ("update main.fct_metric_write_audit set finding = 'odd'", AUDIT, "hold", "Every finding is of a known"),
    ("update main.fct_metric_write_audit set last_event_at = '2020-01-01'", AUDIT, "hold", "No finding ends before"),
    (
        "update main.fct_metric_write_audit set point_count = 0, extra_count = null",
        AUDIT,
        "hold",
        "Every finding is ab",
    ),
    ("update main.fct_metric_write_audit set extra_count = 20", AUDIT, "hold", "Not all points of a metric"),
    (_of_today("write_after_completion"), AUDIT, "warn", "In the changed days nobody wrote"),
    (_of_today("new_network"), AUDIT, "warn", "In the changed days metrics came"),
    (_of_today("duplicated_points"), AUDIT, "warn", "In the changed days no point was sent"),
    (_of_today("step_ahead"), AUDIT, "warn", "In the changed days no step"),
    (_of_today("outside_run"), AUDIT, "warn", "In the changed days no point was given"),
]
