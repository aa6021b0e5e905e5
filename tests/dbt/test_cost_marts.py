"""Trainings, their logs, endpoints and labelling work of a small account, priced: what a build makes of them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from build_files import Dbt, read_rows
from training_delivery import PLACE, TrainingDelivery, channels, utc

HOSTILE = "ml.x'); drop table fct_cost; --"
PRICES = {
    "instance_hour_usd": {"ml.m5.xlarge": "0.230000", "ml.p3.2xlarge": "3.825000", HOSTILE: "1.000000"},
    "endpoint_instance_hour_usd": {"ml.c5.large": "0.102000"},
    "worker_hour_usd": {"*": "15.000000", "Vision": "18.000000"},
    "task_usd": {"By-Task": "0.080000"},
}
FIRST = utc(3, 2, 8)


def _birds(delivery: TrainingDelivery) -> None:
    """A family trained daily on the labels of a job, the log of which tells what the calls do not; then on twice the
    instances.
    """
    delivery.job("Birds-Labels", utc(3, 1), output_uri="s3://data/labels/")
    delivery.entry("Birds-Labels", "0", "Owl")
    for number in range(20):
        name, at = f"birds-2026-03-{number + 2:02}-08-00-00-000", FIRST + timedelta(days=number)
        delivery.training_job(
            name,
            at,
            instance_count=1 if number < 10 else 2,
            experiment_name=None,
            hyper_parameters=[("epochs", "5")],
            training_image="1.dkr.ecr.eu-west-1.amazonaws.com/team/detector:2.1@sha256:ab",
            input_channels_json=channels(
                validation="s3://data/other/x", train="s3://data/labels/Birds-Labels/manifests/output/output.manifest"
            ),
        )
        delivery.final_metric(name, "validation:map", 0.75, at)
        delivery.final_metric(name, "train:loss", None, at)
        for step in range(3):
            delivery.line(name, "validation:map", step, 0.5 + step / 10, at + timedelta(minutes=step + 2))
            delivery.line(name, "train:loss", step, 1 - step / 10, at + timedelta(minutes=step + 2))
        delivery.point(f"{name}-aws-training-job", "train:loss", 0, 1.0, at + timedelta(minutes=2))


def _others(delivery: TrainingDelivery) -> None:
    """A run by its name, a group of instances, a price that nobody knows, a forgotten and a broken family."""
    delivery.call("CreateTrialComponent", utc(3, 3), {"trialComponentName": "Fish-Run-1"})
    delivery.training_job(
        "tuned-1", utc(3, 3, 1), experiment_name="Fish", run_name="Run-1", is_spot=True, billable_seconds=900
    )
    delivery.training_job(
        "grouped",
        utc(3, 3, 2),
        instance_type=None,
        instance_count=3,
        warm_pool_billable_seconds=60,
        instance_groups_json=json.dumps(
            [
                {"name": "a", "instance_type": "ml.m5.xlarge", "instance_count": 2},
                {"name": "b", "instance_type": "ml.p3.2xlarge", "instance_count": 1},
            ]
        ),
    )
    delivery.training_job("unpriced", utc(3, 3, 3), instance_type="ml.odd")
    delivery.training_job("hostile", utc(3, 3, 3), instance_type=HOSTILE)
    for week in range(6):
        failed: dict[str, Any] = {"status": "Failed", "failure_reason": "AlgorithmError"} if week > 3 else {}
        delivery.training_job(f"lanes-{week}", utc(1, 1, week * 168), **failed)
    component = "grouped-aws-training-job"
    delivery.component(component, utc(3, 3, 2), training_job_name="grouped", trial_name="Weekly", status="Completed")
    delivery.component("alone", utc(3, 3, 4), parameters=[("rate", "0.1")], experiment_name="Fish")
    delivery.line("only-logged", "loss", None, 0.5, utc(3, 4), account_id="111122223333", aws_region="eu-west-1")
    delivery.line("saved-log", "loss", 1, 0.5, utc(3, 4))
    delivery.line("saved-log", "loss", 1, 0.4, utc(3, 4, 1), step_name="epoch")


def _serving_and_labeling(delivery: TrainingDelivery) -> None:
    """An endpoint from noon of the first day on, not described on the third; and the work of three jobs."""
    for day in (1, 2, 4):
        delivery.variant("live", utc(3, day, 13), utc(3, 1, 12))
    delivery.variant("live", utc(3, 2, 13), utc(3, 1, 12), variant_name="Cheap", is_serverless=True, instance_type=None)
    delivery.job("Crowd", utc(3, 1), workforce_type="public", price_per_task_usd=Decimal("0.036"))
    for number, (job, team) in enumerate(
        (("Crowd", None), ("Crowd", None), ("Own", "Vision"), ("Own", "Other"), ("By-Task", None))
    ):
        ended_at = utc(3, 5, 10) + timedelta(minutes=number)
        worker, started_at = f"W{number}", ended_at - timedelta(seconds=200)
        delivery.answer(
            job, str(number), "Owl", ended_at, worker_id=worker, accepted_at=started_at, submitted_at=ended_at
        )
        delivery.log(job, worker, "submitted", ended_at, accepted_at=started_at, workteam_name=team)


def everything() -> TrainingDelivery:
    delivery = TrainingDelivery()
    _birds(delivery)
    _others(delivery)
    _serving_and_labeling(delivery)
    return delivery


@pytest.fixture(scope="module")
def built(dbt_runner: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = everything().write(tmp_path_factory.mktemp("costs") / "build.duckdb")
    return dbt_runner.build(database, variables={"prices": json.dumps(PRICES)})


def job(database: Path, name: str, columns: str) -> tuple[Any, ...]:
    (row,) = read_rows(database, f"select {columns} from dim_training_job where training_job_name = '{name}'")
    return row


def costs(database: Path, columns: str, where: str) -> list[tuple[Any, ...]]:
    return read_rows(database, f"select {columns} from fct_cost where {where} order by all")


def test_a_training_job_says_what_it_was_and_what_it_cost(built: Path) -> None:
    name = "birds-2026-03-03-08-00-00-000"
    columns = "run_id, job_family, algorithm, waiting_seconds, run_seconds, billable_seconds, gap_seconds, cost_usd"
    assert job(built, name, columns) == (
        *(f"{PLACE}/{name}-aws-training-job", "birds", "detector", 60.0, 3600.0, 3600, 82800.0, Decimal("0.230000")),
    )
    assert job(built, name, "labeling_job_name, hyper_parameters, final_metrics") == (
        *("birds-labels", {"epochs": "5"}, {"train:loss": "nan", "validation:map": "0.75"}),
    )


def test_twice_the_instances_are_twice_the_bill(built: Path) -> None:
    query = "select family_number, cost_ratio from dim_training_job where job_family = 'birds' order by 1"
    ratios = dict(read_rows(built, query))
    assert ratios[3] is None
    assert ratios[10] == 1
    assert ratios[11] == 2
    query = "select doubled_date, is_doubled, finding from fct_cost_month where subject_name = 'birds'"
    assert read_rows(built, query) == [
        (
            *(date(2026, 3, 16), True),
            "The 7 days to 2026-03-16 cost 2.76 US dollars, 1.7 times as much as the 7 days before.",
        )
    ]


def test_instances_of_several_types_are_billed_one_by_one(built: Path) -> None:
    assert job(built, "grouped", "instance_type, instance_count, price_per_hour_usd, cost_usd") == (
        *(None, 3, Decimal("4.285000"), Decimal("4.285000")),
    )
    columns = "cost_kind, instance_type, quantity, cost_usd"
    assert costs(built, columns, "resource_name = 'grouped'") == [
        ("training", "ml.m5.xlarge", Decimal(7200), Decimal("0.460000")),
        ("training", "ml.p3.2xlarge", Decimal(3600), Decimal("3.825000")),
        ("warm_pool", "ml.m5.xlarge", Decimal(120), Decimal("0.007667")),
        ("warm_pool", "ml.p3.2xlarge", Decimal(60), Decimal("0.063750")),
    ]


def test_spare_capacity_saves(built: Path) -> None:
    assert job(built, "tuned-1", "spot_saving_ratio, cost_usd") == (0.75, Decimal("0.057500"))


def test_what_has_no_price_is_shown_without_a_cost(built: Path) -> None:
    assert costs(built, "quantity, cost_usd, is_priced", "resource_name = 'unpriced'") == [(Decimal(3600), None, False)]
    assert costs(built, "cost_usd, is_priced", "resource_name = 'hostile'") == [(Decimal("1.000000"), True)]
    query = "select unpriced_count, cost_usd, finding from fct_cost_month where subject_name = 'unpriced'"
    assert read_rows(built, query) == [(1, None, "1 of 1 costs have no price in LABELHOUSE_PRICES.")]


def test_a_job_belongs_to_the_run_that_it_was_started_for(built: Path) -> None:
    assert job(built, "tuned-1", "run_id, job_family") == (f"{PLACE}/fish-run-1", "fish")
    columns = "training_job_name, status, run_seconds, cost_usd, instance_type, job_family"
    assert read_rows(built, f"select {columns} from dim_run where run_name = 'fish-run-1'") == [
        ("tuned-1", "Completed", 3600.0, Decimal("0.057500"), "ml.m5.xlarge", "fish")
    ]


def test_runs_are_known_by_what_describes_them(built: Path) -> None:
    columns = "run_name, run_group, experiment_name, status, instance_count, hyper_parameters"
    names = "('alone', 'grouped-aws-training-job', 'unpriced-aws-training-job')"
    assert read_rows(built, f"select {columns} from dim_run where run_name in {names} order by 1") == [
        ("alone", None, "fish", None, None, {"rate": "0.1"}),
        ("grouped-aws-training-job", "weekly", None, "Completed", 3, None),
        ("unpriced-aws-training-job", None, None, "Completed", 1, None),
    ]


def test_a_log_counts_where_the_run_sent_nothing_itself(built: Path) -> None:
    query = """
        select metric_name, metric_source, count(*), any_value(run_name) = any_value(regexp_replace(run_id, '.*/', ''))
        from fct_metric_point where run_name like 'birds%' group by all order by all
    """
    assert read_rows(built, query) == [
        ("train:loss", "cloudtrail", 20, True),
        ("validation:map", "training_log", 60, True),
    ]
    columns = "metric_name, metric_source, point_count, final_value, best_step"
    where = "run_name = 'birds-2026-03-03-08-00-00-000-aws-training-job'"
    assert read_rows(built, f"select {columns} from fct_run_metric where {where}") == [
        ("train:loss", "cloudtrail", 1, 1.0, 0),
        ("validation:map", "training_log", 3, pytest.approx(0.7), 2),
    ]
    assert read_rows(built, f"select point_count, metric_count from dim_run where {where}") == [(4, 2)]
    assert read_rows(built, "select count(*) from fct_metric_write_audit where metric_name = 'validation:map'") == [
        (0,)
    ]


def test_a_log_of_an_unknown_job_is_a_run_all_the_same(built: Path) -> None:
    query = """
        select run_id, step, metric_value from fct_metric_point
        where run_name like '%logg%' or run_name like 'saved%' order by all
    """
    assert read_rows(built, query) == [
        (f"{PLACE}/only-logged-aws-training-job", None, 0.5),
        ("unknown/unknown/saved-log-aws-training-job", None, 0.4),  # steps and epochs are counted apart
        ("unknown/unknown/saved-log-aws-training-job", None, 0.5),
    ]


def test_an_endpoint_costs_from_its_creation_on_and_between_two_descriptions(built: Path) -> None:
    columns = "cost_date, quantity, unit_price_usd, cost_usd, instance_type"
    price = Decimal("0.102000")
    assert costs(built, columns, "cost_kind = 'endpoint'") == [
        (date(2026, 3, 1), Decimal(2 * 12 * 3600), price, Decimal("2.448000"), "ml.c5.large"),
        (date(2026, 3, 2), Decimal(2 * 24 * 3600), price, Decimal("4.896000"), "ml.c5.large"),
        (date(2026, 3, 3), Decimal(2 * 24 * 3600), price, Decimal("4.896000"), "ml.c5.large"),
        (date(2026, 3, 4), Decimal(2 * 24 * 3600), price, Decimal("4.896000"), "ml.c5.large"),
    ]


def test_labels_cost_what_a_task_or_an_hour_does(built: Path) -> None:
    columns = "cost_kind, resource_name, worker_id, workteam_name, quantity, unit_price_usd, cost_usd"
    task, time = "labeling_task", "labeling_time"
    assert sorted(costs(built, columns, "cost_kind like 'labeling%'"), key=lambda row: row[2]) == [
        (task, "crowd", "W0", None, Decimal(1), Decimal("0.036000"), Decimal("0.036000")),
        (task, "crowd", "W1", None, Decimal(1), Decimal("0.036000"), Decimal("0.036000")),
        (time, "own", "W2", "Vision", Decimal(200), Decimal(18), Decimal("1.000000")),
        (time, "own", "W3", "Other", Decimal(200), Decimal(15), Decimal("0.833333")),
        (task, "by-task", "W4", None, Decimal(1), Decimal("0.080000"), Decimal("0.080000")),
        (time, "by-task", "W4", None, Decimal(200), Decimal(15), Decimal("0.833333")),
    ]


def test_a_forgotten_family_that_fails_is_found(built: Path) -> None:
    columns = "job_family, job_count, is_silent, is_failing, failed_count, finding"
    query = f"select {columns} from fct_model_health where is_silent or is_failing"
    assert read_rows(built, query) == [
        (
            *("lanes", 6, True, True, 2),
            "Every try since 2026-01-29 failed, 2 in a row; the last model is of 2026-01-22. "
            "Not trained since 2026-02-05, for 44 days; before, it was every 7 days.",
        )
    ]


def test_every_cost_is_in_its_month_once(built: Path) -> None:
    query = "select count(*), sum(quantity), sum(cost_usd) from fct_cost"
    months = "select sum(cost_count)::bigint, sum(quantity), sum(cost_usd) from fct_cost_month"
    assert read_rows(built, query) == read_rows(built, months)
