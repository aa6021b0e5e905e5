"""Tasks, people, teams and gaps of a small world: what AWS's example says, a lost line, a lost answer, a worker
with two ids, a task that was returned, one declined, one abandoned, one open, a public job, and people who come and go.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from build_files import Dbt, Delivery, read_rows

NOBODY = "(not captured)"
#: 2.28 minutes over 14 tasks: what CloudWatch's example shows as 9.78 seconds a task.
EXAMPLE_SECONDS = [Decimal(seconds) for seconds in ("9.3", "8.2", "11.4", "10.1", "7.9", "12.6", "8.9")] * 2
RULES = [
    {"pattern": r"^batch-([0-9]+)-audit$", "batch": r"\1", "level": "audit"},
    {"pattern": r"^batch-([0-9]+)", "batch": r"\1", "level": "first"},
]


def at(day: int, hour: int, minute: int = 0, second: float = 0) -> datetime:
    return datetime(2024, 3, day, hour, minute, tzinfo=UTC) + timedelta(seconds=second)


def example() -> Delivery:
    """AWS's example: one worker of a team submits 14 tasks, each with a line of the log and an answer."""
    delivery = Delivery()
    delivery.job("metrics-demo", at(1, 8), workteam_name="Sample", task_type="ImageMultiClass", human_labeled_count=14)
    for number, seconds in enumerate(EXAMPLE_SECONDS):
        accepted_at = at(1, 9, number)
        submitted_at = accepted_at + timedelta(seconds=float(seconds) + 0.5)
        worker = {"worker_id": "cd449a289e129409", "worker_pseudonym": "p_1"}
        times = {"accepted_at": accepted_at, "time_spent_seconds": seconds}
        delivery.answer(
            "Metrics-Demo",
            str(number),
            "Owl",
            submitted_at,
            **worker,
            **times,
            submitted_at=submitted_at,
            workforce_type="private",
            answer_json='{"answerContent": {"crowd-image-classifier": {"label": "Owl"}}}',
        )
        logged = {**worker, "accepted_at": accepted_at, "workteam_name": "Sample"}
        delivery.log("metrics-demo", kind="submitted", event_at=submitted_at.replace(microsecond=0), **logged)
    return delivery


def everything() -> Delivery:
    """The example and, in two batches, everything that can become of a task."""
    delivery = example()
    team = {"workteam_name": "Owls", "account_id": "012345678901", "aws_region": "us-east-1"}
    first = {"worker_id": "W2", "worker_pseudonym": "p_2"}
    in_log = {**team, **first, "job_type": "Private"}
    for name, minutes in (("batch-07", 8 * 60), ("batch-07-audit", 0)):
        delivery.job(
            name,
            at(4, 8),
            workteam_name="Owls",
            task_type="VideoObjectTracking",
            task_time_limit_seconds=minutes * 60 or None,
            price_per_task_usd=Decimal("0.036"),
        )
    delivery.state("Batch-07", "Completed", at(6, 12))
    # submitted in both sources, named by another id in the answers; once in the log only, once in the answers only
    delivery.log("batch-07", kind="submitted", event_at=at(4, 10, 1), accepted_at=at(4, 10), **in_log)
    delivery.answer(
        "batch-07",
        "0",
        None,
        at(4, 10, 1, 0.75),
        worker_id="W9",
        worker_pseudonym="p_2",
        workforce_type="private",
        accepted_at=at(4, 10, 0, 0.25),
        submitted_at=at(4, 10, 1, 0.75),
        time_spent_seconds=Decimal("50.5"),
        answer_json='{"answerContent": {"box": {"boundingBoxes": [{}, {}, {}]}}}',
    )
    delivery.log("batch-07", kind="submitted", event_at=at(4, 11, 1), accepted_at=at(4, 11), **in_log)
    lost = {"accepted_at": at(4, 12), "submitted_at": at(4, 12, 2), "workforce_type": "private"}
    delivery.answer("batch-07", "1", None, at(4, 12, 2), worker_id="W2", **lost)
    # what was not submitted
    delivery.log("batch-07", kind="accepted", event_at=at(5, 10), **in_log)
    delivery.log("batch-07", kind="returned", event_at=at(5, 10, 3), accepted_at=at(5, 10), **in_log)
    delivery.log("batch-07", kind="declined", event_at=at(5, 11), **in_log)
    delivery.log("batch-07", kind="accepted", event_at=at(5, 23, 30), **in_log)
    delivery.log("batch-07-audit", kind="accepted", event_at=at(5, 23, 30), **in_log)
    delivery.log("batch-07-audit", kind="accepted", event_at=at(7, 9), **in_log)
    delivery.log("batch-07", kind="submitted", event_at=at(7, 10), accepted_at=at(5, 9), **in_log)
    # the crowd, which nobody logs; listings of the team and of its people
    for number in range(2):
        delivery.answer("crowd", str(number), "Owl", at(6, 12, number), worker_id="P1", workforce_type="public")
    delivery.team("Owls", at(6, 0), ["batch-07", None], workforce_type="private", workteam_arn="arn:owls")
    delivery.users("pool", at(4, 0), "p_1", "p_2", "p_3", created_at=at(1, 7))
    delivery.users("pool", at(6, 0), "p_2", "p_4")
    return delivery


@pytest.fixture(scope="module")
def built(dbt_runner: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = everything().write(tmp_path_factory.mktemp("workforce") / "build.duckdb")
    return dbt_runner.build(database, variables={"job_name_rules": json.dumps(RULES)})


def only(rows: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    (row,) = rows
    return row


def test_the_example_of_aws_for_the_worker_log(built: Path) -> None:
    columns = "submitted_task_count, answer_count, label_count, active_seconds, sum_seconds, mean_seconds"
    query = f"select {columns} from fct_worker_job where labeling_job_name = 'metrics-demo'"
    submitted, answers, labels, active, total, mean = only(read_rows(built, query))
    assert (submitted, answers, labels) == (14, 14, 14)
    assert active == total == sum(EXAMPLE_SECONDS) == Decimal("136.8")
    assert round(mean, 2) == 9.77
    of_team = "select active_seconds / submitted_task_count from dim_workteam where workteam_name = 'Sample'"
    assert round(only(read_rows(built, of_team))[0], 2) == 9.77
    of_day = "select sum(submitted_task_count), sum(active_seconds) from fct_worker_day where event_date = '2024-03-01'"
    assert read_rows(built, of_day) == [(14, Decimal("136.8"))]


def test_fct_task_says_what_became_of_each_task(built: Path) -> None:
    columns = (
        "labeling_job_name, worker_id, outcome, accepted_at, ended_at, elapsed_seconds, active_seconds, idle_seconds, "
        "dataset_object_id, has_log, has_answer, exclusion_reason"
    )
    query = (
        f"select {columns} from fct_task where event_date > '2024-03-01' and labeling_job_name != 'crowd' "
        "order by event_at, labeling_job_name"
    )
    seconds = [Decimal(value) for value in ("60.5", "50.5", "10")]
    both, log, answer = (True, True, None), (True, False, None), (False, True, None)
    nothing = (None, None, None, None)
    assert read_rows(built, query) == [
        ("batch-07", "W2", "submitted", at(4, 10, 0, 0.25), at(4, 10, 1, 0.75), *seconds, "0", *both),
        ("batch-07", "W2", "submitted", at(4, 11), at(4, 11, 1), 60, None, None, None, *log),
        ("batch-07", "W2", "submitted", at(4, 12), at(4, 12, 2), 120, None, None, "1", *answer),
        ("batch-07", "W2", "returned", at(5, 10), at(5, 10, 3), 180, None, None, None, *log),
        ("batch-07", "W2", "declined", None, at(5, 11), *nothing, *log),
        ("batch-07", "W2", "abandoned", at(5, 23, 30), None, *nothing, *log),
        ("batch-07-audit", "W2", "abandoned", at(5, 23, 30), None, *nothing, *log),
        ("batch-07-audit", "W2", "open", at(7, 9), None, *nothing, *log),
        ("batch-07", "W2", "submitted", at(5, 9), at(7, 10), 49 * 3600, None, None, None, True, False, "over_24_hours"),
    ]


def test_a_task_knows_its_job(built: Path) -> None:
    columns = "workteam_name, account_id, aws_region, modality, batch_name, level"
    query = f"select distinct labeling_job_name, {columns} from fct_task order by all"
    owls = ("Owls", "012345678901", "us-east-1", "video", "07")
    assert read_rows(built, query) == [
        ("batch-07", *owls, "first"),
        ("batch-07-audit", *owls, "audit"),
        ("crowd", None, None, None, "other", None, None),
        ("metrics-demo", "Sample", None, None, "image", None, None),
    ]


def test_what_is_excluded_is_counted_and_in_no_sum(built: Path) -> None:
    columns = (
        "submitted_task_count, returned_task_count, declined_task_count, abandoned_task_count, excluded_task_count, "
        "elapsed_seconds, active_seconds, idle_seconds, answer_count, label_count"
    )
    query = f"select event_date, {columns} from fct_worker_day where labeling_job_name = 'batch-07'"
    spent = [Decimal(value) for value in ("240.5", "50.5", "10")]
    assert read_rows(built, query) == [
        (date(2024, 3, 4), 3, 0, 0, 0, 0, *spent, 2, 3),
        (date(2024, 3, 5), 0, 1, 1, 1, 0, None, None, None, 0, None),
        (date(2024, 3, 7), 1, 0, 0, 0, 1, None, None, None, 0, None),
    ]
    columns = "submitted_task_count, sum_seconds, min_seconds, mean_seconds, max_seconds, median_seconds, p95_seconds"
    query = f"select {columns} from fct_worker_job where labeling_job_name = 'batch-07'"
    sums = [Decimal("230.5"), Decimal("50.5"), pytest.approx(230.5 / 3), 120, 60, pytest.approx(114)]
    assert read_rows(built, query) == [(4, *sums)]


def test_people_join_and_leave_and_are_one_over_all_sources(built: Path) -> None:
    columns = "worker_id, worker_pseudonym, workforce_type, joined_date, left_date, labeling_job_count, answer_count"
    assert read_rows(built, f"select {columns}, task_count from dim_worker") == [
        ("P1", None, "public", None, None, 1, 2, 2),
        ("W2", "p_2", "private", date(2024, 3, 1), None, 2, 2, 9),
        ("cd449a289e129409", "p_1", "private", date(2024, 3, 1), date(2024, 3, 6), 1, 14, 14),
        ("p_3", "p_3", "private", date(2024, 3, 1), date(2024, 3, 6), 0, 0, 0),
        ("p_4", "p_4", "private", date(2024, 3, 6), None, 0, 0, 0),
    ]


def test_jobs_and_teams(built: Path) -> None:
    columns = "status, workteam_name, task_type, modality, batch_name, level, price_per_task_usd, submitted_task_count"
    assert read_rows(built, f"select labeling_job_name, {columns} from dim_labeling_job") == [
        ("batch-07", "Completed", "Owls", "videoobjecttracking", "video", "07", "first", Decimal("0.036"), 4),
        ("batch-07-audit", "InProgress", "Owls", "videoobjecttracking", "video", "07", "audit", Decimal("0.036"), 0),
        ("crowd", None, None, None, "other", None, None, None, 2),
        ("metrics-demo", "InProgress", "Sample", "imagemulticlass", "image", None, None, None, 14),
    ]
    columns = "workteam_name, workteam_arn, worker_count, labeling_job_count, submitted_task_count, elapsed_seconds"
    assert read_rows(built, f"select {columns} from dim_workteam") == [
        ("Owls", "arn:owls", 1, 2, 4, Decimal("240.5")),
        ("Sample", None, 1, 1, 14, Decimal("143.8")),
    ]


def test_each_source_says_what_the_others_miss(built: Path) -> None:
    columns = (
        "labeling_job_name, event_date, source, log_task_count, answer_task_count, counter_task_count, "
        "missing_in_log_count, missing_in_answers_count, counter_difference_count"
    )
    assert read_rows(built, f"select {columns} from fct_source_gap") == [
        ("metrics-demo", date(2024, 3, 1), None, 14, 14, 14, 0, 0, 0),
        ("batch-07", date(2024, 3, 4), "log, answer", 2, 2, None, 1, 1, None),
        ("crowd", date(2024, 3, 6), None, 0, 2, None, 0, 0, None),
        ("batch-07", date(2024, 3, 7), "answer", 1, 0, None, 0, 1, None),
    ]


def test_answers_alone_are_tasks(dbt_runner: Dbt, tmp_path: Path) -> None:
    delivery = everything()
    for table in ("worker_events", "labeling_jobs", "labeling_job_states", "workteams", "workteam_jobs", "workers"):
        delivery.rows[table] = []
    database = dbt_runner.build(delivery.write(tmp_path / "build.duckdb"))
    assert read_rows(database, "select has_log, has_answer, outcome, count(*) from fct_task group by all") == [
        (False, True, "submitted", 18)
    ]
    of_example = "select submitted_task_count, round(mean_seconds, 2), workteam_name from fct_worker_job where "
    assert read_rows(database, f"{of_example} labeling_job_name = 'metrics-demo'") == [(14, 9.77, None)]
    gaps = "select distinct source, log_task_count, missing_in_log_count, missing_in_answers_count from fct_source_gap"
    assert read_rows(database, gaps) == [(None, None, None, 0)]
    assert read_rows(database, "from dim_workteam") == []


def test_a_log_alone_is_tasks(dbt_runner: Dbt, tmp_path: Path) -> None:
    delivery = everything()
    delivery.rows["worker_responses"] = []
    database = dbt_runner.build(delivery.write(tmp_path / "build.duckdb"))
    by_outcome = (
        "select outcome, count(*), bool_and(has_log), bool_or(has_answer) from fct_task group by all order by all"
    )
    assert read_rows(database, by_outcome) == [
        ("abandoned", 2, True, False),
        ("declined", 1, True, False),
        ("open", 1, True, False),
        ("returned", 1, True, False),
        ("submitted", 17, True, False),
    ]
    columns = "worker_id, answer_count, submitted_task_count, agreement_ratio, active_seconds, sum_seconds"
    assert read_rows(database, f"select {columns} from fct_worker_job where labeling_job_name = 'batch-07'") == [
        ("W2", 0, 3, None, None, 120)
    ]
    columns = "source, answer_task_count, counter_task_count, missing_in_answers_count, counter_difference_count"
    assert read_rows(database, f"select {columns} from fct_source_gap where labeling_job_name = 'metrics-demo'") == [
        (None, None, 14, None, 0)
    ]
    assert read_rows(database, "select count(*) from dim_worker where answer_count > 0") == [(0,)]
