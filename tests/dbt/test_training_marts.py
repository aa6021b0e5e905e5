"""The training marts of a small account: experiments and runs, what goes wrong in them, and what must not matter."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any

import pytest

from build_files import Dbt, Delivery, read_rows

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
PLACE = "111122223333/eu-west-1"
TRAINER = "arn:aws:sts::111122223333:assumed-role/Trainer"
JOB = "birds-7-aws-training-job"
HOSTILE = "x'); drop table fct_run_metric; --"
CRITERIA = {
    "validation:accuracy": {"at_least": 0.8},
    "validation:loss": {"at_most": 0.2},
    HOSTILE: {"at_least": 2},
    "m'": {"at_most": 1e-07},
}
VARIABLES = {"minimum_criteria": json.dumps(CRITERIA)}


def at(hours: float, minutes: float = 0) -> datetime:
    return START + timedelta(hours=hours, minutes=minutes)


def rising(step: int, end: float = 0.86) -> float:
    """A sound accuracy over 20 steps: from 0.4 to `end`, where it stays from the fifteenth on."""
    return 0.4 + (end - 0.4) * min(step, 15) / 15


def run(delivery: Delivery, name: str, hours: float, metrics: dict[str, Any], steps: int = 20, **columns: Any) -> None:
    """One point a minute of each metric: name → what makes a value of a step."""
    for step in range(steps):
        for metric, value in metrics.items():
            delivery.point(name, metric, step, value(step), at(hours, step), **columns)


def everything() -> Delivery:
    """Seven runs of an experiment, half a day apart, of which the fourth dips; then single runs without one."""
    delivery = Delivery()
    delivery.call("CreateExperiment", at(-2), {"experimentName": "Birds"})
    delivery.call("CreateTrial", at(-2), {"trialName": "Birds-Weekly", "experimentName": "Birds"})
    for number in range(1, 8):
        hours, name = 12 * (number - 1), f"birds-{number}-aws-training-job"
        request = {
            "trainingJobName": f"Birds-{number}",
            "experimentConfig": {"trialName": "birds-weekly", "trialComponentDisplayName": f"Try {number}"},
        }
        delivery.call("CreateTrainingJob", at(hours, -3), request)
        end = 0.6 if number == 4 else 0.86 + number / 1000
        accuracy = {"train:accuracy": lambda step, end=end: rising(step, end + 0.04)}
        run(delivery, name, hours, accuracy | {"validation:accuracy": lambda step, end=end: rising(step, end)})
    delivery.call(
        "UpdateTrialComponent", at(72, 25), {"trialComponentName": JOB, "status": {"primaryStatus": "Completed"}}
    )
    _incidents(delivery)
    return delivery


def _incidents(delivery: Delivery) -> None:
    """After the end of the seventh run copies, a step far ahead, another writer; then runs with their own trouble."""
    for step in (18, 19):
        for _ in range(2):
            sent = {"event_at": at(73), "metric_at": at(72, step)}
            delivery.point(JOB, "validation:accuracy", step, rising(step, 0.867), **sent)
    intruder = {"principal_arn": "arn:aws:iam::111122223333:user/p_9", "principal_type": "IAMUser"}
    delivery.point(JOB, "validation:accuracy", 5000, 0.99, at(73, 1), source_network="203.0.113.0/24", **intruder)

    falling = {"loss": lambda step: 2.5 - step / 10, "val_loss": lambda step: 2.6 - step / 10}
    run(delivery, "Keras", 100, falling, principal_arn=f"{TRAINER}/p_1")
    run(delivery, "exploding", 110, {"train:loss": lambda step: 2.5 - step / 10 if step < 12 else 2.0**step})
    run(delivery, "no-number", 120, {"train:loss": lambda step: None if step == 19 else 1.0})
    run(delivery, "elsewhere", 130, {"train:loss": lambda step: 1.0}, source_network="10.9.9.0/24")
    delivery.point(
        "elsewhere", "train:loss", 20, 1.0, at(130 - 8 * 24), event_at=at(130, 20), source_network="10.9.9.0/24"
    )
    run(delivery, "large", 140, {"odd": lambda step: (-1) ** step * 1.7e308, HOSTILE: lambda step: 3.0})
    for minute, step in ((0, None), (2, 7), (1, None), (3, -(2**63)), (4, 2**63 - 1)):
        delivery.point("unsteady", "train:loss", step, 1.0 - minute / 10, at(150, minute))
    delivery.call("CreateTrialComponent", at(160), {"trialComponentName": "Empty", "displayName": "Nothing yet"})
    delivery.call("CreateTrialComponent", at(161), {"trialComponentName": "refused"}, error_code="AccessDenied")
    delivery.call("CreateTrainingJob", at(162), {"trainingJobName": "no-points"})
    delivery.call("UpdateTrialComponent", at(163), "not JSON {")


@pytest.fixture(scope="module")
def built(dbt_runner: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = everything().write(tmp_path_factory.mktemp("training") / "build.duckdb")
    return dbt_runner.build(database, variables=VARIABLES)


def figures(database: Path, run_name: str, columns: str) -> list[tuple[Any, ...]]:
    return read_rows(database, f"select {columns} from fct_run_metric where run_name = '{run_name}'")


def findings(database: Path, columns: str, where: str) -> list[tuple[Any, ...]]:
    return read_rows(database, f"select {columns} from fct_metric_write_audit where {where}")


def test_a_point_says_what_it_is(built: Path) -> None:
    columns = "* exclude (user_agent, metric_source)"
    query = f"select {columns} from fct_metric_point where run_name = 'keras' and step = 3 order by all"
    point = ("111122223333", "eu-west-1", "AWS::SageMaker::ExperimentTrialComponent")
    times = (at(100, 3), at(100, 3) + timedelta(seconds=2), date(2026, 3, 6), None)
    writer = (f"{TRAINER}/p_1", "AssumedRole", "10.0.0.0/24")
    run_id = f"{PLACE}/keras"
    assert [row[2:] for row in read_rows(built, query)] == [
        (run_id, "keras", *point, "loss", None, "loss", 3, 2.2, None, *times, *writer),
        (run_id, "keras", *point, "val_loss", "validation", "loss", 3, 2.3000000000000003, None, *times, *writer),
    ]


def test_every_point_is_there_once(built: Path) -> None:
    count = len(everything().rows["training_metrics"])
    assert read_rows(built, "select count(*), count(distinct event_id) from fct_metric_point") == [(count, count)]
    assert read_rows(built, "select sum(point_count) from dim_run") == [(count,)]


def test_a_run_knows_its_training_job_its_group_and_its_experiment(built: Path) -> None:
    columns = (
        "training_job_name, display_name, run_group, experiment_name, status, created_by, started_at, completed_at"
    )
    one, last = read_rows(
        built, f"select {columns} from dim_run where run_number in (1, 7) and experiment_name = 'birds'"
    )
    group = ("birds-weekly", "birds")
    creator = "arn:aws:iam::111122223333:user/p_0"
    assert one == ("Birds-1", "Try 1", *group, None, creator, at(0, -3), None)
    assert last == ("Birds-7", "Try 7", *group, "Completed", creator, at(72, -3), at(72, 25))


def test_a_run_counts_its_points_and_its_time(built: Path) -> None:
    columns = "first_point_at, last_point_at, duration_seconds, point_count, metric_count, run_number"
    query = f"select {columns} from dim_run where run_name in ('birds-2-aws-training-job', 'keras', 'empty') order by 1"
    assert read_rows(built, query) == [
        (at(12), at(12, 19), 19 * 60.0, 40, 2, 2),
        (at(100), at(100, 19), 19 * 60.0, 40, 2, 2),  # the first of those without an experiment is dated back
        (None, None, None, 0, 0, None),
    ]


def test_what_is_refused_or_has_no_points_of_its_own_is_no_run(built: Path) -> None:
    names = {name for (name,) in read_rows(built, "select run_name from dim_run")}
    assert names == {f"birds-{number}-aws-training-job" for number in range(1, 8)} | {
        *("keras", "exploding", "no-number", "elsewhere", "large", "unsteady", "empty")
    }


def test_a_metric_has_a_start_an_end_a_best_and_a_slope(built: Path) -> None:
    columns = "point_count, first_value, final_value, best_value, best_step, first_step, final_step, nan_count"
    (row,) = figures(built, "keras", f"{columns}, slope_per_step, slope_per_hour")[:1]
    assert row[:8] == (20, 2.5, pytest.approx(0.6), pytest.approx(0.6), 19, 0, 19, 0)
    assert row[8:] == (pytest.approx(-0.1), pytest.approx(-6.0))
    columns = "started_at, ended_at, duration_seconds, start_date, is_higher_better, dataset_split, metric_base_name"
    assert figures(built, "keras", columns)[1] == (
        *(at(100), at(100, 19), 1140.0, date(2026, 3, 6), False, "validation", "loss"),
    )


def test_points_are_in_the_order_of_time_where_one_has_no_step(built: Path) -> None:
    columns = "point_count, first_step, final_step, final_value, best_value, best_step, slope_per_step"
    assert figures(built, "unsteady", columns) == [(5, None, 2**63 - 1, 0.6, 0.6, 2**63 - 1, None)]


def test_the_gap_is_from_the_end_of_the_run_before_in_the_series(built: Path) -> None:
    columns = "gap_seconds, previous_final_value, final_change"
    query = f"select {columns} from fct_run_metric where metric_name = 'validation:accuracy' order by started_at"
    gap = 12 * 3600.0 - 19 * 60
    rows = read_rows(built, query)
    assert rows[0] == (None, None, None)
    assert rows[1] == (gap, pytest.approx(0.861), pytest.approx(0.001))
    assert rows[3] == (gap, pytest.approx(0.863), pytest.approx(0.6 - 0.863))
    assert figures(built, "keras", "gap_seconds") == [(None,)] * 2, "another series has another first run"
    overlap = -(20 * 3600.0 + 19 * 60)
    assert figures(built, "exploding", "gap_seconds") == [(overlap,)], "the one dated back is not over yet"


def test_the_gap_between_validation_and_training_stands_on_both_rows(built: Path) -> None:
    assert figures(built, "birds-2-aws-training-job", "validation_gap") == [(pytest.approx(-0.04),)] * 2
    assert figures(built, "keras", "validation_gap") == [(pytest.approx(0.1),)] * 2
    assert figures(built, "exploding", "validation_gap") == [(None,)]


def test_criteria_are_met_or_not_or_absent(built: Path) -> None:
    columns = "metric_name, minimum_value, maximum_value, meets_criterion"
    assert figures(built, "birds-2-aws-training-job", columns) == [
        ("train:accuracy", None, None, None),
        ("validation:accuracy", 0.8, None, True),
    ]
    assert figures(built, "birds-4-aws-training-job", columns)[1] == ("validation:accuracy", 0.8, None, False)
    assert figures(built, "large", columns) == [("odd", None, None, None), (HOSTILE, 2.0, None, True)]


def test_one_run_dips(built: Path) -> None:
    query = "select run_name, metric_name from fct_run_metric where is_dip order by all"
    dip = "birds-4-aws-training-job"
    assert read_rows(built, query) == [(dip, "train:accuracy"), (dip, "validation:accuracy")]


def test_two_runs_diverge(built: Path) -> None:
    query = "select run_name, nan_count, final_value, best_value from fct_run_metric where is_diverging order by all"
    assert read_rows(built, query) == [("exploding", 0, 2.0**19, pytest.approx(1.4)), ("no-number", 1, None, 1.0)]


def test_values_at_the_edge_of_numbers_leave_no_figure_that_is_none(built: Path) -> None:
    columns = "first_value, best_value, is_diverging, is_dip, slope_per_step, slope_per_hour, final_change"
    (odd, hostile) = figures(built, "large", columns)
    assert odd[:4] == (1.7e308, None, False, False)
    assert all(figure is None or isfinite(figure) for figure in odd[4:])
    assert hostile == (3.0, 3.0, False, False, 0.0, 0.0, None)


def test_copies_count_once_and_the_audit_says_what_they_do(built: Path) -> None:
    values = [rising(step, 0.867) for step in range(20)]
    once = [*values, 0.99]
    assert figures(built, JOB, "point_count, final_value, best_step")[1] == (21, 0.99, 5000)
    columns = "metric_name, point_count, extra_count, average_value, average_value_once, first_event_at, explanation"
    twice = [*once, values[18], values[18], values[19], values[19]]
    average, average_once = sum(twice) / 25, sum(once) / 21
    moved = 100 * (average / average_once - 1)
    assert findings(built, columns, "finding = 'duplicated_points'") == [
        (
            *("validation:accuracy", 25, 4, pytest.approx(average), pytest.approx(average_once), at(73)),
            f"4 of 25 points had been sent before, which moves the average by {moved:.2f}%.",
        )
    ]


def test_writes_after_completion_are_found_by_writer(built: Path) -> None:
    columns = "run_name, principal_arn, source_network, point_count, first_event_at, reference_at, explanation"
    late = "written after the run was completed, the last one"
    end = at(72, 25)
    assert findings(built, columns, "finding = 'write_after_completion' order by point_count") == [
        (
            *(JOB, "arn:aws:iam::111122223333:user/p_9", "203.0.113.0/24", 1, at(73, 1) + timedelta(seconds=2), end),
            f"1 point was {late} 2162 seconds after it.",
        ),
        (JOB, f"{TRAINER}/SageMaker", "10.0.0.0/24", 4, at(73), end, f"4 points were {late} 2100 seconds after it."),
    ]


def test_a_step_that_runs_ahead_is_found(built: Path) -> None:
    columns = "run_name, metric_name, principal_arn, step, usual_step, point_count, explanation"
    assert findings(built, columns, "finding = 'step_ahead'") == [
        (
            *(JOB, "validation:accuracy", "arn:aws:iam::111122223333:user/p_9", 5000, 19, 1),
            "Step 5000 comes after step 19, while steps are usually 1 apart.",
        )
    ]


def test_times_outside_the_run_are_found(built: Path) -> None:
    columns = "run_name, point_count, reference_at, explanation"
    first_call = at(130) + timedelta(seconds=2)
    assert findings(built, columns, "finding = 'outside_run' order by run_name") == [
        (JOB, 1, at(72, 25), "1 point has a time outside the run, the first one 2160 seconds after it."),
        (
            "elsewhere",
            1,
            first_call,
            "1 point has a time outside the run, the first one 691202 seconds before it.",
        ),
    ]


def test_a_writer_and_a_network_are_new_once(built: Path) -> None:
    columns = "finding, run_name, principal_arn, source_network, point_count, explanation"
    assert findings(built, columns, "finding in ('new_principal', 'new_network') order by all") == [
        (
            *("new_network", "elsewhere", f"{TRAINER}/SageMaker", "10.9.9.0/24", 21),
            "Wrote from here for the first time, after 10 runs from one network.",
        ),
        (
            *("new_principal", JOB, "arn:aws:iam::111122223333:user/p_9", "203.0.113.0/24", 1),
            "Wrote for the first time, after others had written 7 runs of the account.",
        ),
    ]


def test_points_without_calls_are_runs_all_the_same(dbt_runner: Dbt, tmp_path: Path) -> None:
    delivery = everything()
    delivery.rows["management_events"] = []
    database = dbt_runner.build(delivery.write(tmp_path / "build.duckdb"), variables=VARIABLES)
    columns = "training_job_name, experiment_name, status, started_at, completed_at, point_count"
    query = f"select {columns} from dim_run where run_name = '{JOB}'"
    assert read_rows(database, query) == [("birds-7", None, None, None, None, 45)]
    assert read_rows(database, "select count(*) from fct_run_metric") == [(22,)]
    found = {finding for (finding,) in findings(database, "finding", "true")}
    assert found == {"duplicated_points", "step_ahead", "new_principal", "new_network", "outside_run"}


def test_calls_without_points_are_runs_only_where_they_name_one(dbt_runner: Dbt, tmp_path: Path) -> None:
    delivery = everything()
    delivery.rows["training_metrics"] = []
    database = dbt_runner.build(delivery.write(tmp_path / "build.duckdb"), variables=VARIABLES)
    columns = "run_name, display_name, training_job_name, completed_at, run_number"
    assert read_rows(database, f"select {columns} from dim_run") == [
        (JOB, "Try 7", "Birds-7", at(72, 25), None),
        ("empty", "Nothing yet", None, None, None),
    ]
    for mart in ("fct_metric_point", "fct_run_metric", "fct_metric_write_audit"):
        assert read_rows(database, f"from {mart}") == []


def test_criteria_are_data_whatever_they_are_called(built: Path) -> None:
    assert figures(built, "large", "minimum_value, is_higher_better") == [(None, None), (2.0, True)]
    query = "select count(*) from fct_run_metric where maximum_value = 1e-07"
    assert read_rows(built, query) == [(0,)], "no run has that metric"
