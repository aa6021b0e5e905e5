"""A build of the changed days, laid over what was published before, is what a build of everything gives."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from build_files import Dbt, Delivery, read_rows


def noon(day: int) -> datetime:
    return datetime(2024, 3, day, 12, tzinfo=UTC)


def before() -> Delivery:
    """Three jobs that answer for three days and are labelled on the day after; trees stand apart."""
    delivery = Delivery()
    for job, first_day in (("birds", 1), ("fish", 1), ("trees", 11)):
        for number in range(3):
            delivery.answer(job, str(number), "Owl", noon(first_day + number), worker_id="W1")
            delivery.entry(job, str(number), "Owl", labeled_at=noon(first_day + 3))
    delivery.answer("fish", "0", "Owl", noon(20), worker_id="W2")
    return delivery


def after() -> tuple[Delivery, set[date]]:
    """The same later, and the UTC days, old and new, of every unit that was loaded anew.

    The manifest of birds was written again: one label is another, one is of another day, one is gone. One answer to
    fish came late and one was withdrawn. A later job's manifest carries a label of trees along.
    """
    delivery = before()
    entries, answers = delivery.rows["manifest_entries"], delivery.rows["worker_responses"]
    delivery.rows["manifest_entries"] = [row for row in entries if row["labeling_job_name"] != "birds"]
    delivery.rows["worker_responses"] = [row for row in answers if row["worker_id"] != "W2"]
    delivery.entry("Birds", "0", "Duck", manifest_job="birds", labeled_at=noon(4))
    delivery.entry("Birds", "1", "Owl", manifest_job="birds", labeled_at=noon(6))
    delivery.answer("fish", "1", "Cod", noon(8), worker_id="W3")
    delivery.entry("trees", "7", "Swan", manifest_job="trees-check", labeled_at=noon(6))
    return delivery, {noon(day).date() for day in (4, 6, 8, 20)}


def published(database: Path) -> dict[date, list[tuple[Any, ...]]]:
    """The answers by date, in the order they stand in."""
    rows: dict[date, list[tuple[Any, ...]]] = {}
    for *row, event_date in read_rows(database, "from fct_worker_response"):
        rows.setdefault(event_date, []).append(tuple(row))
    return rows


def test_changed_days_over_the_old_release_equal_a_full_build(dbt_runner: Dbt, tmp_path: Path) -> None:
    old = published(dbt_runner.build(before().write(tmp_path / "old.duckdb")))
    delivery, changed_days = after()
    new = dbt_runner.build(delivery.write(tmp_path / "new.duckdb", changed_days))
    full = dbt_runner.build(delivery.write(tmp_path / "full.duckdb"))

    replaced = {event_date for (event_date,) in read_rows(new, "from int_changed_event_dates")}
    assert replaced == {noon(day).date() for day in (1, 2, 3, 4, 6, 8, 20)}  # not those of trees
    kept = {event_date: rows for event_date, rows in old.items() if event_date not in replaced}
    assert kept | published(new) == published(full)
    assert kept.keys().isdisjoint(published(new))
    assert noon(20).date() in old.keys() - published(full).keys()
    for mart in ("fct_dataset_object", "fct_worker_job", "dim_worker", "dim_labeling_job"):
        assert read_rows(new, f"from {mart}") == read_rows(full, f"from {mart}")
