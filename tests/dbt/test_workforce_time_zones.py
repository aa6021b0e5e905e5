"""On the days on which clocks change, a date has 23 or 25 hours, and every task still has exactly one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from build_files import Dbt, Delivery, read_rows

BERLIN = ZoneInfo("Europe/Berlin")
#: Midnight UTC before clocks go forward and before they go back, in 2024.
SPRING, AUTUMN = datetime(2024, 3, 30, tzinfo=UTC), datetime(2024, 10, 26, tzinfo=UTC)


def every_half_hour() -> Delivery:
    """For three days around each change a task every half-hour, of 25 minutes, in the log and as an answer."""
    delivery = Delivery()
    worker = {"worker_id": "W1", "worker_pseudonym": "p_1"}
    for start in (SPRING, AUTUMN):
        for number in range(3 * 48):
            submitted_at = start + timedelta(minutes=30 * number)
            times = {"accepted_at": submitted_at - timedelta(minutes=25), "submitted_at": submitted_at}
            delivery.log("birds", kind="submitted", event_at=submitted_at, **worker, **times)
            spent = {"time_spent_seconds": Decimal(1200)}
            delivery.answer("birds", f"{submitted_at}", "Owl", submitted_at, **worker, **times, **spent)
    delivery.users("pool", AUTUMN, "p_1", created_at=datetime(2024, 3, 31, 22, 30, tzinfo=UTC))
    return delivery


@pytest.fixture(scope="module")
def built(dbt_runner: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = every_half_hour().write(tmp_path_factory.mktemp("zones") / "build.duckdb")
    return dbt_runner.build(database, variables={"reporting_time_zone": "Europe/Berlin"}, TZ="Pacific/Auckland")


def test_every_date_has_the_hours_that_it_has(built: Path) -> None:
    counts: dict[date, int] = {}
    for start in (SPRING, AUTUMN):
        for number in range(3 * 48):
            local = (start + timedelta(minutes=30 * number)).astimezone(BERLIN).date()
            counts[local] = counts.get(local, 0) + 1
    assert (counts[date(2024, 3, 31)], counts[date(2024, 10, 27)]) == (2 * 23, 2 * 25)
    query = "select event_date, submitted_task_count, answer_count from fct_worker_day order by all"
    assert read_rows(built, query) == [(day, count, count) for day, count in sorted(counts.items())]
    query = "select event_date, log_task_count from fct_source_gap order by all"
    assert read_rows(built, query) == sorted(counts.items())


def test_durations_do_not_jump_with_the_clock(built: Path) -> None:
    query = "select distinct elapsed_seconds, active_seconds, idle_seconds, exclusion_reason from fct_task"
    assert read_rows(built, query) == [(1500, 1200, 300, None)]
    query = "select sum(submitted_task_count), sum(elapsed_seconds) from fct_worker_day"
    assert read_rows(built, query) == [(288, 288 * 1500)]


def test_people_join_on_the_date_of_the_office(built: Path) -> None:
    """Half past ten in the evening UTC, of a day in summer time, is tomorrow in Berlin."""
    assert read_rows(built, "select joined_date, left_date from dim_worker") == [(date(2024, 4, 1), None)]
