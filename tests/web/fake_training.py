"""Training runs for the fake lake: the marts of Training with the columns of the contract, and planted incidents."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

STARTED_AT = datetime(2026, 9, 14, 8, 0, tzinfo=UTC)
ACCOUNT, OTHER_ACCOUNT = "123456789012", "210987654321"
TRAINER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Trainer/p_{'a1' * 16}"
STRANGER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Notebook/p_{'5f' * 16}"
RESOURCE_TYPE = "AWS::SageMaker::ExperimentTrialComponent"
#: Metric → its least and its largest final value.
CRITERIA: dict[str, tuple[float | None, float | None]] = {
    "validation:accuracy": (0.9, None),
    "validation:loss": (None, 0.5),
}

_POINTS = """
    create table fct_metric_point (
        event_id varchar, point_index integer, run_id varchar, run_name varchar, account_id varchar,
        aws_region varchar, resource_type varchar, metric_name varchar, dataset_split varchar,
        metric_base_name varchar, step bigint, metric_value double, value_flag varchar, metric_at timestamptz,
        event_at timestamptz, event_date date, time_flag varchar, principal_arn varchar, principal_type varchar,
        source_network varchar, user_agent varchar
    );
    create table runs_as_registered (run_id varchar, experiment_name varchar, run_group varchar, status varchar);
    create table criteria (metric_name varchar, minimum_value double, maximum_value double);
    create table fct_metric_write_audit (
        finding varchar, run_id varchar, finding_number bigint, run_name varchar, account_id varchar,
        aws_region varchar, metric_name varchar, principal_arn varchar, source_network varchar, user_agent varchar,
        first_event_at timestamptz, last_event_at timestamptz, point_count bigint, reference_at timestamptz,
        step bigint, usual_step bigint, average_value double, average_value_once double, extra_count bigint,
        explanation varchar
    );
"""
#: What dbt does, reduced to what the pages read.
_DERIVED = """
    create table dim_run as
    select
        run_id, any_value(run_name) as run_name, any_value(run_name) as display_name,
        any_value(account_id) as account_id, any_value(aws_region) as aws_region,
        any_value(resource_type) as resource_type,
        any_value(replace(run_name, '-aws-training-job', '')) as training_job_name,
        any_value(run_group) as run_group, any_value(experiment_name) as experiment_name,
        any_value(status) as status, min_by(principal_arn, event_at) as created_by,
        min(metric_at) as started_at, max(metric_at) as completed_at,
        min(metric_at) as first_point_at, max(metric_at) as last_point_at,
        (epoch_ms(max(metric_at)) - epoch_ms(min(metric_at))) / 1000.0 as duration_seconds,
        count(*) as point_count, count(distinct metric_name) as metric_count,
        row_number() over (partition by any_value(experiment_name) order by min(metric_at)) as run_number,
        -- as its training job says: the instances are started before the first point, and end after the last
        duration_seconds + 240.0 as run_seconds, round(duration_seconds + 240)::bigint as billable_seconds,
        (billable_seconds * 3.825 / 3600)::decimal(18, 6) as cost_usd, 'ml.p3.2xlarge' as instance_type,
        1::bigint as instance_count, 'birds-labels' as labeling_job_name,
        map {
            'learning_rate': (0.1 / pow(10, run_number % 3))::varchar, 'epochs': '40',
            'batch_size': (32 * (1 + run_number % 4))::varchar, 'optimizer': ['sgd', 'adam'][1 + run_number % 2]
        } as hyper_parameters
    from fct_metric_point left join runs_as_registered using (run_id)
    group by run_id;

    create table fct_run_metric as
    with figures as (
        select
            run_id, metric_name, any_value(run_name) as run_name, any_value(account_id) as account_id,
            any_value(aws_region) as aws_region, any_value(dataset_split) as dataset_split,
            any_value(metric_base_name) as metric_base_name,
            any_value(metric_base_name) in ('accuracy', 'f1') as is_higher_better,
            count(distinct (step, metric_at, metric_value)) as point_count,
            min_by(metric_value, metric_at) as first_value, last(metric_value order by metric_at) as final_value,
            case when is_higher_better then max(metric_value) else min(metric_value) end as best_value,
            case when is_higher_better then max_by(step, metric_value) else min_by(step, metric_value) end as best_step,
            min_by(step, metric_at) as first_step, max_by(step, metric_at) as final_step,
            min(metric_at) as started_at, max(metric_at) as ended_at,
            (epoch_ms(max(metric_at)) - epoch_ms(min(metric_at))) / 1000.0 as duration_seconds,
            regr_slope(metric_value, step) as slope_per_step,
            regr_slope(metric_value, epoch_ms(metric_at) / 3600000.0) as slope_per_hour,
            count(value_flag) as nan_count, min(event_date) as start_date, 'cloudtrail' as metric_source
        from fct_metric_point group by run_id, metric_name
    ),
    series as (
        select figures.*, run_group, experiment_name, minimum_value, maximum_value, training_job_name
        from figures
        join dim_run using (run_id)
        left join criteria using (metric_name)
    )
    select
        *,
        lag(final_value) over run_before as previous_final_value,
        final_value - lag(final_value) over run_before as final_change,
        (epoch_ms(started_at) - epoch_ms(lag(ended_at) over run_before)) / 1000.0 as gap_seconds,
        max(final_value) filter (where dataset_split = 'validation') over split
            - max(final_value) filter (where dataset_split = 'train') over split as validation_gap,
        case
            when minimum_value is not null then coalesce(final_value >= minimum_value, false)
            when maximum_value is not null then coalesce(final_value <= maximum_value, false)
        end as meets_criterion,
        nan_count > 0 as is_diverging,
        coalesce(is_higher_better and final_value < 0.93 * median(final_value) over run_series, false) as is_dip
    from series
    window
        run_before as (partition by account_id, experiment_name, metric_name order by started_at),
        run_series as (partition by account_id, experiment_name, metric_name),
        split as (partition by run_id, metric_base_name);
    drop table runs_as_registered;
    drop table criteria;
"""


def training_points(runs: int = 24, steps: int = 40, *, experiment: str = "birds") -> list[dict[str, Any]]:
    """Points of repeated training, the same on every call; the last runs follow each other more quickly.

    The third run from the end dips, the sixth diverges into NaN, a stranger writes to the run before the last.
    """
    chance = random.Random(11)
    rows: list[dict[str, Any]] = []
    started_at = STARTED_AT
    for number in range(1, runs + 1):
        name = f"{experiment}-classifier-{number:03d}-aws-training-job"
        seconds = chance.uniform(25, 40)
        worst = {runs - 2: 0.8, 6: 0.45}.get(number, 1.0)
        run = {
            "run_id": f"{ACCOUNT}/eu-west-1/{name}",
            "run_name": name,
            "account_id": ACCOUNT,
            "aws_region": "eu-west-1",
            "resource_type": RESOURCE_TYPE,
            "experiment_name": experiment,
            "run_group": f"{experiment}-resnet",
            "status": "Completed",
            "principal_arn": TRAINER,
        }
        for step in range(steps):
            at = started_at + timedelta(seconds=seconds * step)
            for place, (metric, value) in enumerate(_values(chance, step / steps, worst, is_lost=number == 6)):
                point = {"event_id": f"{name}-{step}", "point_index": place, "metric_name": metric, "step": step}
                rows.append(_point(run | point, value, at))
        if number == runs - 1:
            late = {"event_id": f"{name}-late", "point_index": 0, "metric_name": "validation:accuracy", "step": steps}
            rows.append(_point(run | late | {"principal_arn": STRANGER, "source_network": "198.51.100.0/24"}, 0.99, at))
        started_at = at + timedelta(hours=chance.uniform(7, 16) if number < runs / 2 else chance.uniform(2, 4))
    return rows


def _values(chance: random.Random, done: float, worst: float, *, is_lost: bool) -> Iterator[tuple[str, float]]:
    """The metrics of one step of a run; `done` is its share of the run."""
    rise = 1 - math.exp(-5 * done)
    for split, height in (("train", 0.955), ("validation", 0.935)):
        ceiling = height * (worst if split == "validation" else max(worst, 0.95))
        yield f"{split}:accuracy", min(1.0, 0.4 + (ceiling - 0.4) * rise + chance.gauss(0, 0.006))
        loss = 2.3 * math.exp(-3 * done) + 0.18 + (1 - height) + abs(chance.gauss(0, 0.02))
        yield f"{split}:loss", math.nan if is_lost and done > 0.7 else loss * (1 + (8 * done) ** 2 if is_lost else 1)
    yield "learning_rate", 0.1 * 0.5 ** int(done * 4)


def _point(row: dict[str, Any], value: float, at: datetime) -> dict[str, Any]:
    split, _, base = row["metric_name"].rpartition(":")
    return {
        "dataset_split": split or None,
        "metric_base_name": base,
        "metric_value": None if math.isnan(value) else value,
        "value_flag": "nan" if math.isnan(value) else None,
        "metric_at": at,
        "event_at": at + timedelta(seconds=2),
        "event_date": at.date(),
        "time_flag": None,
        "principal_type": "AssumedRole",
        "source_network": "203.0.113.0/24",
        "user_agent": "Boto3/1.34 md/Botocore sagemaker-metrics",
    } | row


def findings(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What an audit says about the points that the stranger wrote."""
    rows = []
    for point in points:
        if point["principal_arn"] != STRANGER:
            continue
        for finding, explanation in (
            ("write_after_completion", "1 point was written 2 minutes after the run had ended."),
            ("new_principal", "Nobody had seen this principal write to the account, in 23 runs before."),
            ("step_ahead", "Step 40 is 1 beyond the highest step before."),
        ):
            names = ("run_id", "run_name", "account_id", "aws_region", "principal_arn", "source_network", "user_agent")
            rows.append(
                {name: point[name] for name in names}
                | {"finding": finding, "explanation": explanation, "point_count": 1}
                | {"metric_name": None if finding == "new_principal" else point["metric_name"]}
                | {"first_event_at": point["event_at"], "last_event_at": point["event_at"]}
            )
    return rows


def add_training(
    connection: duckdb.DuckDBPyConnection,
    points: list[dict[str, Any]],
    audit: list[dict[str, Any]] | None = None,
    criteria: dict[str, tuple[float | None, float | None]] | None = None,
) -> None:
    """Makes the four marts of Training; `audit` and `criteria` are those of the planted incidents unless given."""
    connection.execute(_POINTS)
    registered = ("experiment_name", "run_group", "status")
    insert_rows(connection, "fct_metric_point", [_without(row, registered) for row in points])
    runs = {row["run_id"]: {name: row[name] for name in ("run_id", *registered)} for row in points}
    insert_rows(connection, "runs_as_registered", list(runs.values()))
    bounds = CRITERIA if criteria is None else criteria
    connection.executemany(
        "insert into criteria values (?, ?, ?)", [(name, *bound) for name, bound in bounds.items()] or [(None,) * 3]
    )
    insert_rows(connection, "fct_metric_write_audit", findings(points) if audit is None else audit)
    connection.execute(_DERIVED)


def _without(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def insert_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    """Adds rows to a table; columns that they lack are NULL, dicts are maps."""
    import pyarrow as pa

    if rows:
        columns: dict[str, Any] = {}
        for name in dict.fromkeys(name for row in rows for name in row):
            columns[name] = [row.get(name) for row in rows]
            if any(isinstance(value, dict) for value in columns[name]):
                pairs = [None if value is None else [*value.items()] for value in columns[name]]
                columns[name] = pa.array(pairs, pa.map_(pa.string(), pa.string()))
        connection.register("given", pa.table(columns))
        connection.execute(f"insert into {table} by name select * from given")
        connection.unregister("given")
