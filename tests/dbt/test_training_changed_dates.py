"""Points of the changed days, laid over what was published before, are what a build of everything gives."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from build_files import Dbt, read_rows
from training_delivery import TrainingDelivery

MARTS = (
    *("dim_run", "fct_run_metric", "fct_metric_write_audit"),
    *("dim_training_job", "fct_cost", "fct_cost_month", "fct_model_health"),
)


#: Job of which there is a log · when that begins.
JOBS = {
    f"job-{name}": datetime(2026, 2, 3 * number, 20, tzinfo=UTC)
    for number, name in enumerate(("described", "sent", "named", "counted", "kept"), start=1)
}


def hour(day: int, of_day: float) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC) + timedelta(hours=of_day)


def before() -> TrainingDelivery:
    """A run a day from the first to the sixth; each has a point every two hours.

    And jobs of two days each in the month before, of which there is only a log.
    """
    delivery = TrainingDelivery()
    for job, first_at in JOBS.items():
        for step in range(4):
            line_at = first_at + timedelta(hours=12 * step)
            delivery.line(job, "loss", step, 1 - step / 10, line_at)
            delivery.line(job, "accuracy", step, step / 10, line_at)
    for day in range(1, 7):
        for step in range(12):
            delivery.point(f"run-{day}", "train:accuracy", step, step / 10 + day / 100, hour(day, 2 * step))
    return delivery


def after() -> tuple[TrainingDelivery, set[date]]:
    """The same later, and the UTC days, old and new, of every unit that was loaded anew.

    A file of the second came days late, with points of an hour that is another date elsewhere. The file of the fifth
    was replaced: its run has fewer points, one of them of the fourth. A call completed the run of the sixth half-way.
    """
    delivery = before()
    points = delivery.rows["training_metrics"]
    points[:] = [row for row in points if row["trial_component_name"] != "run-5" or row["step"] > 8]
    delivery.point("run-5", "train:accuracy", 0, 0.1, hour(4, 23))
    delivery.point("run-2", "train:accuracy", 12, 1.3, hour(2, 23.5))
    delivery.point("run-2", "validation:accuracy", 12, 1.2, hour(2, 23.5))
    done = {"trialComponentName": "run-6", "status": {"primaryStatus": "Completed"}}
    delivery.call("UpdateTrialComponent", hour(6, 12), done)
    _late_about_jobs(delivery)
    return delivery, {date(2026, 3, day) for day in (2, 4, 5, 6)} | {JOBS["job-counted"].date()}


def _late_about_jobs(delivery: TrainingDelivery) -> None:
    """What came weeks later, or of one day only, and tells another story of all days of a job's log."""
    delivery.training_job("Job-Described", hour(4, 1))
    delivery.point("job-sent-aws-training-job", "loss", 0, 0.5, hour(2, 3), account_id=None, aws_region=None)
    delivery.component("weekly-run", hour(5, 1), training_job_name="job-named")
    delivery.line("job-counted", "loss", 1, 0.9, JOBS["job-counted"] + timedelta(hours=1), step_name="epoch")


def published(database: Path) -> dict[date, list[tuple[Any, ...]]]:
    """The points by date, in the order they stand in."""
    rows: dict[date, list[tuple[Any, ...]]] = {}
    for event_date, *row in read_rows(database, "select event_date, * exclude (event_date) from fct_metric_point"):
        rows.setdefault(event_date, []).append(tuple(row))
    return rows


def test_changed_days_over_the_old_release_equal_a_full_build(dbt_runner: Dbt, tmp_path: Path) -> None:
    variables = {"reporting_time_zone": "Asia/Tokyo"}
    old = published(dbt_runner.build(before().write(tmp_path / "old.duckdb"), variables=variables))
    delivery, changed_days = after()
    new = dbt_runner.build(delivery.write(tmp_path / "new.duckdb", changed_days), variables=variables)
    full = dbt_runner.build(delivery.write(tmp_path / "full.duckdb"), variables=variables)

    replaced = {event_date for (event_date,) in read_rows(new, "from int_changed_metric_dates")}
    # a UTC day begins on one date and ends on the next
    assert {each for each in replaced if each.month == 3} == {date(2026, 3, day) for day in range(2, 8)}
    touched = JOBS.keys() - {"job-kept"}
    logged = {JOBS[job].date() + timedelta(days=days) for job in touched for days in (1, 2)}
    assert {each for each in replaced if each.month == 2} == logged | {JOBS["job-counted"].date()}
    kept = {event_date: rows for event_date, rows in old.items() if event_date not in replaced}
    assert kept
    assert kept | published(new) == published(full)
    assert kept.keys().isdisjoint(published(new))
    for mart in MARTS:
        assert read_rows(new, f"from {mart}") == read_rows(full, f"from {mart}")
        assert read_rows(full, f"select count(*) from {mart}") != [(0,)]
