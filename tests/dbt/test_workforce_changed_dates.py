"""Tasks of the changed dates, laid over what was published before, are what a build of everything gives."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from build_files import Dbt, Delivery, read_rows

#: Mart → the model that says which dates of it are replaced.
BY_DAYS = {
    "fct_task": "int_changed_task_dates",
    "fct_worker_day": "int_changed_task_dates",
    "fct_worker_response": "int_changed_event_dates",
}
WHOLE = ("dim_worker", "dim_workteam", "dim_labeling_job", "fct_worker_job", "fct_source_gap")
TEAM = {"workteam_name": "Owls"}


def hour(day: int, of_day: float) -> datetime:
    return datetime(2024, 3, day, tzinfo=UTC) + timedelta(hours=of_day)


def submit(delivery: Delivery, job: str, worker: dict[str, str], day: int, of_day: float) -> None:
    """A task of ten minutes, in the log and as an answer."""
    times = {"accepted_at": hour(day, of_day) - timedelta(minutes=10), "submitted_at": hour(day, of_day)}
    delivery.log(job, kind="submitted", event_at=hour(day, of_day), **{"worker_id": None} | worker, **TEAM, **times)
    spent = {"time_spent_seconds": Decimal(300)}
    delivery.answer(job, f"{day}-{of_day}", "Owl", hour(day, of_day), **worker, **times, **spent)


def before() -> Delivery:
    """Jobs in early March, a day for each of them, so that no date is replaced for another's sake."""
    delivery = Delivery()
    first = {"worker_id": "W1", "worker_pseudonym": "p_1"}
    submit(delivery, "described", first, 1, 10)
    submit(delivery, "unknown", {"worker_pseudonym": "p_5"}, 3, 10)  # of whom only the pseudonym is known
    delivery.log("unknown", None, "submitted", hour(7, 10), worker_pseudonym="p_5")
    delivery.log("late", kind="accepted", event_at=hour(4, 14), **first, **TEAM)
    delivery.job("patient", hour(2, 8), task_time_limit_seconds=2 * 24 * 3600)
    delivery.log("patient", kind="accepted", event_at=hour(11, 20), **first, **TEAM)  # abandoned as time goes by
    delivery.log("lost", kind="accepted", event_at=hour(9, 14.5), **first, **TEAM)
    delivery.log("lost", kind="returned", event_at=hour(10, 14), accepted_at=hour(9, 14.5), **first, **TEAM)
    submit(delivery, "quiet", first, 12, 10)
    return delivery


def after() -> tuple[Delivery, set[date]]:
    """The same later, and the UTC days, old and new, of every unit that was loaded anew.

    A job was described, a worker of whom only the pseudonym was known wrote an id into the log of another job, a
    submission came days late, a return was withdrawn with its hour, and another job went on, by which time goes on.
    """
    delivery = before()
    first = {"worker_id": "W1", "worker_pseudonym": "p_1"}
    events = delivery.rows["worker_events"]
    delivery.rows["worker_events"] = [row for row in events if "returned_at" not in row]
    delivery.log("late", kind="submitted", event_at=hour(5, 16), accepted_at=hour(4, 14), **first, **TEAM)
    delivery.job("described", hour(16, 9), task_type="VideoObjectTracking", workteam_name="Owls")
    submit(delivery, "other", {"worker_id": "A5", "worker_pseudonym": "p_5"}, 17, 12)
    return delivery, {hour(day, 0).date() for day in (5, 10, 16, 17)}


def published(database: Path, mart: str) -> dict[date, list[tuple[Any, ...]]]:
    """The mart's rows by date, in the order they stand in."""
    rows: dict[date, list[tuple[Any, ...]]] = {}
    for event_date, *row in read_rows(database, f"select event_date, * exclude (event_date) from {mart}"):
        rows.setdefault(event_date, []).append(tuple(row))
    return rows


def test_changed_dates_over_the_old_release_equal_a_full_build(dbt_runner: Dbt, tmp_path: Path) -> None:
    variables = {"reporting_time_zone": "Asia/Tokyo"}
    old = dbt_runner.build(before().write(tmp_path / "old.duckdb"), variables=variables)
    delivery, changed_days = after()
    new = dbt_runner.build(delivery.write(tmp_path / "new.duckdb", changed_days), variables=variables)
    full = dbt_runner.build(delivery.write(tmp_path / "full.duckdb"), variables=variables)
    for mart, changed_dates in BY_DAYS.items():
        replaced = {event_date for (event_date,) in read_rows(new, f"from {changed_dates}")}
        kept = {day: rows for day, rows in published(old, mart).items() if day not in replaced}
        assert kept.keys().isdisjoint(published(new, mart)), mart
        assert kept | published(new, mart) == published(full, mart), mart
    for mart in WHOLE:
        assert read_rows(new, f"from {mart}") == read_rows(full, f"from {mart}"), mart
        assert read_rows(full, f"select count(*) from {mart}") != [(0,)]

    outcomes = "select labeling_job_name, outcome from fct_task where outcome != 'submitted' order by all"
    assert read_rows(old, outcomes) == [("late", "abandoned"), ("lost", "returned"), ("patient", "open")]
    assert read_rows(full, outcomes) == [("lost", "abandoned"), ("patient", "abandoned")]
    of_worker = "select distinct worker_id from fct_worker_response where labeling_job_name = 'unknown'"
    assert (read_rows(old, of_worker), read_rows(full, of_worker)) == ([("p_5",)], [("A5",)])


def test_dates_of_jobs_to_which_nothing_happened_are_kept(dbt_runner: Dbt, tmp_path: Path) -> None:
    delivery = Delivery()
    for day in range(1, 20):
        submit(delivery, "now" if day > 10 else "then", {"worker_id": "W1", "worker_pseudonym": "p_1"}, day, 12)
    database = dbt_runner.build(delivery.write(tmp_path / "build.duckdb", {date(2024, 3, 19)}))
    replaced = [event_date for (event_date,) in read_rows(database, "from int_changed_task_dates")]
    assert replaced == [date(2024, 3, day) for day in range(11, 20)]
