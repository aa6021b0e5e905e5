"""What the reports of Workers compute, against the same sums in Python; and the units that they are drawn in."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from statistics import mean, median
from typing import Any

import pytest

from labelhouse.marts.read import query
from labelhouse.marts.releases import Release
from labelhouse.reports import all_reports
from labelhouse.reports.durations import in_words, unit_for
from labelhouse.reports.encoding import JOB_COLOURS, MODALITY_COLOURS, SHOWN_WORKERS
from web.fake_lake import PUBLISHED_AT, answers, publish
from web.fake_workers import gaps_of, other_tasks, tasks_of

Rows = list[dict[str, Any]]


def rows_of(release: Release, name: str, **filters: Any) -> Rows:
    report = all_reports()[name]
    return query(release, report.sql, {each: filters.get(each) for each in report.parameters}).to_pylist()


def note_of(release: Release, name: str, **filters: Any) -> str | None:
    return all_reports()[name].note(rows_of(release, name, **filters))


def drawn(release: Release, name: str, **filters: Any) -> dict[str, Any]:
    draw = all_reports()[name].draw
    assert draw
    return draw(rows_of(release, name, **filters))


@pytest.fixture(scope="module")
def tasks() -> Rows:
    found = tasks_of(answers({"birds": "private", "street-scenes": "private", "reviews": "vendor", "lidar": "vendor"}))
    return found + other_tasks(found, 0.3)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, tasks: Rows) -> Release:
    rows = answers({"birds": "private", "street-scenes": "private", "reviews": "vendor", "lidar": "vendor"})
    return publish(tmp_path_factory.mktemp("work") / "lake", rows, tasks=tasks, gaps=gaps_of(tasks))


def task(number: int, seconds: float, **changes: Any) -> dict[str, Any]:
    """One submitted task of the same worker, job and day."""
    row = answers({"birds": "private"}, workers=5, objects=1)[0] | {"response_id": str(number)}
    plain = tasks_of([row])[0] | {"active_seconds": seconds, "elapsed_seconds": seconds + 1, "idle_seconds": 1.0}
    return plain | {"modality": "video"} | changes


def publish_tasks(folder: Path, tasks: Rows) -> Release:
    return publish(folder / "lake", [], tasks=tasks)


def time_of(each: dict[str, Any]) -> float | None:
    """What a task took, as the page says it: the rule once more, in Python."""
    if each["outcome"] != "submitted" or not each["is_measured"]:
        return None
    return each["active_seconds"] if each["active_seconds"] is not None else each["elapsed_seconds"]


def chosen(tasks: Rows, **filters: Any) -> Rows:
    columns = {"job": "labeling_job_name", "team": "workteam_name", "worker": "worker_id", "modality": "modality"}
    found = tasks
    for name, value in filters.items():
        if name == "from_date":
            found = [each for each in found if each["event_date"] >= value]
        elif name == "until_date":
            found = [each for each in found if each["event_date"] <= value]
        else:
            found = [each for each in found if each[columns[name]] == value]
    return found


def selections(tasks: Rows) -> list[dict[str, Any]]:
    """None of the filters, each of them, and many of them together."""
    chance = random.Random(2)
    found: list[dict[str, Any]] = [{}]
    for number in range(30):
        some = chance.choice(tasks)
        everything = {
            "from_date": some["event_date"] - timedelta(days=chance.randrange(4)),
            "until_date": some["event_date"] + timedelta(days=chance.randrange(4)),
            "job": some["labeling_job_name"],
            "team": some["workteam_name"],
            "worker": some["worker_id"],
            "modality": some["modality"],
        }
        names = [list(everything)[number]] if number < 6 else chance.sample(list(everything), chance.randint(2, 5))
        found.append({name: everything[name] for name in names})
    return found


def test_the_seeds_example_is_9_77_seconds_a_task(tmp_path: Path) -> None:
    # 14 submitted tasks in 2.28 minutes; AWS's own example prints 9.78
    seconds = [9.771] * 13 + [136.8 - 13 * 9.771]
    release = publish_tasks(tmp_path, [task(number, each) for number, each in enumerate(seconds)])
    figures = rows_of(release, "worker_totals")[0]
    assert (figures["submitted_task_count"], round(figures["total_seconds"], 3)) == (14, 136.8)
    assert figures["mean_seconds"] == pytest.approx(136.8 / 14)
    assert f"{figures['mean_seconds']:.2f}" == "9.77"
    row = rows_of(release, "worker_table")[0]
    assert f"{row['mean_seconds']:.2f}" == "9.77"
    assert row["tasks_per_hour"] == pytest.approx(14 / (136.8 / 3600))


def test_every_selection_gives_the_same_sums_as_python(release: Release, tasks: Rows) -> None:
    empty = 0
    for filters in selections(tasks):
        some = chosen(tasks, **filters)
        times = [float(each) for each in map(time_of, some) if each is not None]
        empty += not times
        figures = rows_of(release, "worker_totals", **filters)[0]
        assert figures["submitted_task_count"] == sum(each["outcome"] == "submitted" for each in some)
        assert figures["other_task_count"] == sum(each["outcome"] != "submitted" for each in some)
        assert figures["timed_task_count"] == len(times)
        assert figures["total_seconds"] == (pytest.approx(sum(times)) if times else None), filters
        for name in ("time_by_modality", "worker_table", "team_table", "job_table", "tasks_per_day"):
            together = sum(row["total_seconds"] or 0 for row in rows_of(release, name, **filters))
            assert together == pytest.approx(sum(times)), (name, filters)
        outcomes = {row["outcome"] for row in rows_of(release, "tasks_per_day", **filters)}
        assert outcomes == {each["outcome"] for each in some}
    assert empty < 10, "most selections have something to add up"


def test_the_worker_table_is_the_seeds_and_more(release: Release, tasks: Rows) -> None:
    rows = {row["worker_id"]: row for row in rows_of(release, "worker_table")}
    for worker, row in rows.items():
        some = chosen(tasks, worker=worker)
        times = sorted(float(each) for each in map(time_of, some) if each is not None)
        assert row["total_seconds"] == pytest.approx(sum(times))
        assert (row["min_seconds"], row["max_seconds"]) == (pytest.approx(times[0]), pytest.approx(times[-1]))
        assert row["mean_seconds"] == pytest.approx(mean(times))
        assert row["median_seconds"] == pytest.approx(median(times))
        assert sum(each <= row["p95_seconds"] for each in times) >= 0.95 * (len(times) - 1)
        for outcome in ("submitted", "returned", "declined", "abandoned"):
            assert row[f"{outcome}_task_count"] == sum(each["outcome"] == outcome for each in some)
        assert row["excluded_task_count"] == sum(not each["is_measured"] for each in some)
        assert row["labeling_job_count"] == len({each["labeling_job_name"] for each in some})
        assert row["label_count"] == 3 * sum(each["has_answer"] for each in some)
        idle = [float(each["idle_seconds"]) for each in some if time_of(each) and each["idle_seconds"] is not None]
        assert row["idle_seconds"] == pytest.approx(sum(idle))
    totals = [row["total_seconds"] for row in rows.values()]
    assert totals == sorted(totals, reverse=True)


def test_only_what_was_submitted_and_measured_is_timed(tmp_path: Path) -> None:
    release = publish_tasks(
        tmp_path,
        [
            task(1, 30.0),
            task(2, 30.0, active_seconds=None, elapsed_seconds=70.0, idle_seconds=None),
            task(3, 30.0, outcome="returned"),
            task(4, 30.0, elapsed_seconds=-5.0, is_measured=False, exclusion_reason="negative"),
            task(5, 1e6, is_measured=False, exclusion_reason="over_24_hours"),
            task(6, 30.0, outcome="open", ended_at=None, active_seconds=None, elapsed_seconds=None),
        ],
    )
    figures = rows_of(release, "worker_totals")[0]
    assert (figures["task_count"], figures["submitted_task_count"], figures["timed_task_count"]) == (6, 4, 2)
    assert figures["total_seconds"] == 100.0, "active where it is captured, else elapsed"
    note = note_of(release, "time_per_worker")
    assert note == "Not in any time, but counted: 2 tasks end before they begin or take more than 24 hours."
    idle = rows_of(release, "idle_per_worker")[0]
    assert (idle["active_seconds"], idle["idle_seconds"], idle["compared_task_count"]) == (30.0, 1.0, 1)
    assert idle["active_ratio"] == pytest.approx(30 / 31)
    worker = task(1, 1.0)["worker_id"]
    reasons = [row["exclusion_reason"] for row in rows_of(release, "worker_tasks", worker=worker)]
    assert sorted(filter(None, reasons)) == ["negative", "over 24 hours"]


def test_stacks_add_up_and_keep_the_order_of_the_legend(release: Release) -> None:
    rows = rows_of(release, "time_per_worker")
    for _, group in groupby(rows, key=lambda row: row["worker_rank"]):
        parts = list(group)
        assert sum(row["total_seconds"] for row in parts) == pytest.approx(parts[0]["worker_seconds"])
    spec = drawn(release, "time_per_worker")
    scale = spec["encoding"]["color"]["scale"]
    assert scale["domain"] == ["image", "video", "text", "point_cloud"]
    assert scale["range"] == [MODALITY_COLOURS[name] for name in scale["domain"]]
    places = {row["modality"]: row["place"] for row in spec["datasets"]["rows"]}
    assert sorted(places, key=lambda name: places[name]) == scale["domain"]
    assert len({row["worker_rank"] for row in rows}) == SHOWN_WORKERS
    assert (note_of(release, "time_per_worker") or "").startswith("The 25 workers with the most time, of 39.")


def test_a_modality_that_nobody_captured_can_be_chosen(tmp_path: Path) -> None:
    release = publish_tasks(tmp_path, [task(1, 5.0), task(2, 7.0, modality=None, labeling_job_name="unknown")])
    assert [row["modality"] for row in rows_of(release, "time_by_modality")] == ["not captured", "video"]
    rows = rows_of(release, "worker_table", modality="not captured")
    assert [row["total_seconds"] for row in rows] == [7.0]


def test_a_worker_that_nobody_captured_can_be_chosen(tmp_path: Path) -> None:
    release = publish_tasks(tmp_path, [task(1, 5.0), task(2, 7.0, worker_id=None, worker_pseudonym=None)])
    assert {row["worker_id"] for row in rows_of(release, "time_per_worker")} == {
        task(1, 5.0)["worker_id"],
        "(not captured)",
    }
    assert rows_of(release, "worker_totals")[0]["worker_count"] == 1, "nobody knows how many people that is"
    assert [row["active_seconds"] for row in rows_of(release, "worker_tasks", worker="(not captured)")] == [7]


def test_throughput_per_hour_is_a_mean_over_the_weeks(tmp_path: Path) -> None:
    monday = datetime(2026, 9, 7, 9, 15, tzinfo=UTC)
    ends = [monday, monday + timedelta(minutes=20), monday + timedelta(days=7), monday + timedelta(days=16, hours=12)]
    made = [task(number, 5.0, ended_at=at, event_at=at, event_date=at.date()) for number, at in enumerate(ends)]
    rows = rows_of(publish_tasks(tmp_path, made), "tasks_per_hour")
    found = [(row["weekday"], row["hours"], row["task_count"], row["mean_task_count"]) for row in rows]
    # three Mondays and three Wednesdays lie between 7 and 23 September
    assert found == [("Mon", "09:00–10:00", 3, 1.0), ("Wed", "21:00–22:00", 1, pytest.approx(1 / 3))]


def test_throughput_per_hour_adds_up_whatever_the_calendar(tmp_path: Path) -> None:
    chance = random.Random(4)
    for number in range(12):
        first = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(300))
        span = chance.choice((1, 3, 6, 7, 8, 20, 365))
        ends = [first + timedelta(seconds=chance.randrange(span * 86_400)) for _ in range(60)]
        made = [task(place, 5.0, ended_at=at, event_at=at) for place, at in enumerate(ends)]
        rows = rows_of(publish_tasks(tmp_path / str(number), made), "tasks_per_hour")
        days = [min(ends).date() + timedelta(days=day) for day in range((max(ends).date() - min(ends).date()).days + 1)]
        for row in rows:
            times = sum(f"{day:%a}" == row["weekday"] for day in days)
            hits = sum(f"{at:%a}" == row["weekday"] and at.hour == row["hour"] for at in ends)
            assert row["task_count"] == hits
            assert row["mean_task_count"] == pytest.approx(hits / times)
        assert sum(row["task_count"] for row in rows) == 60


def test_a_task_of_a_wrong_year_is_no_burden(tmp_path: Path) -> None:
    far = datetime(9999, 12, 31, 23, 0, tzinfo=UTC)
    made = [task(1, 5.0), task(2, 5.0, ended_at=far, event_at=far, event_date=far.date())]
    release = publish_tasks(tmp_path, made)
    assert sum(row["task_count"] for row in rows_of(release, "tasks_per_hour")) == 2
    assert [row["event_date"] for row in rows_of(release, "tasks_per_day")] == [date(9999, 12, 31)]
    first = task(1, 5.0)["event_date"]
    assert note_of(release, "tasks_per_day") == f"The last 366 days; the first task is of {first}."


@pytest.mark.parametrize(
    ("seconds", "unit", "drawn_as"), [(90.0, "seconds", 90.0), (600.0, "minutes", 10.0), (9000.0, "hours", 2.5)]
)
def test_charts_are_drawn_in_a_unit_that_people_read(
    tmp_path: Path, seconds: float, unit: str, drawn_as: float
) -> None:
    release = publish_tasks(tmp_path, [task(1, seconds, idle_seconds=0.0)])
    for name, column in (
        ("time_per_worker", "total_seconds"),
        ("time_by_modality", "total_seconds"),
        ("idle_per_worker", "seconds"),
    ):
        spec = drawn(release, name)
        encodings = [layer["encoding"] for layer in spec.get("layer", [spec])]
        assert {each["x"]["title"] for each in encodings} == {unit}
        assert spec["datasets"]["rows"][0][f"{column}_in_unit"] == drawn_as
        assert spec["datasets"]["rows"][0][f"{column}_in_words"] == in_words(seconds)


@pytest.mark.parametrize(
    ("seconds", "unit"), [(0, "seconds"), (119.9, "seconds"), (120, "minutes"), (7199, "minutes"), (7200, "hours")]
)
def test_a_unit_is_used_from_two_of_it(seconds: float, unit: str) -> None:
    assert unit_for(seconds).name == unit


@pytest.mark.parametrize(("seconds", "words"), [(359_999, "99 h 59 min"), (360_000, "100 h"), (4_334_400, "1,204 h")])
def test_long_durations_leave_the_minutes_out(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_only_gaps_are_shown_and_the_filters_hold(release: Release, tasks: Rows) -> None:
    gaps = gaps_of(tasks)
    rows = rows_of(release, "source_gaps")
    assert [(row["labeling_job_name"], row["event_date"]) for row in rows] == sorted(
        ((gap["labeling_job_name"], gap["event_date"]) for gap in gaps), key=lambda gap: (-gap[1].toordinal(), gap[0])
    )
    assert note_of(release, "source_gaps") == (
        f"Together {len(gaps)} tasks missing in the log, and 0 without an answer. "
        "A worker is no criterion here: counters know none."
    )
    assert {row["labeling_job_name"] for row in rows_of(release, "source_gaps", team="reviewers")} == {"reviews"}
    assert {row["labeling_job_name"] for row in rows_of(release, "source_gaps", modality="image")} == {"birds"}
    day = gaps[3]["event_date"]
    assert {row["event_date"] for row in rows_of(release, "source_gaps", from_date=day, until_date=day)} == {day}


def test_a_day_on_which_all_agree_is_no_gap(tmp_path: Path, tasks: Rows) -> None:
    agreed = {"missing_in_log_count": 0, "missing_in_answers_count": None, "counter_difference_count": 0}
    gaps = [gap | agreed for gap in gaps_of(tasks)]
    counted = gaps[0] | {"counter_difference_count": -2}
    release = publish(tmp_path / "lake", [], tasks=tasks, gaps=[*gaps[1:], counted])
    assert [row["counter_difference_count"] for row in rows_of(release, "source_gaps")] == [-2]


@pytest.mark.parametrize(("name", "count"), [("worker_tasks", "tasks"), ("worker_answers", "answers")])
def test_the_rows_behind_a_worker_are_cut_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, count: str
) -> None:
    row = answers({"birds": "private"}, workers=5, objects=1)[0]
    rows = [row | {"response_id": str(number), "event_at": PUBLISHED_AT} for number in range(1003)]
    release = publish(tmp_path / "lake", rows)
    assert note_of(release, name, worker=row["worker_id"]) == f"The newest 1,000 of 1,003 {count}."


def test_many_workers_and_jobs_stay_legible(tmp_path: Path) -> None:
    jobs = {f"job-{number:02d}": "private" for number in range(30)}
    release = publish(tmp_path / "lake", answers(jobs, workers=60, objects=40))
    reports: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
        ("time_per_worker", lambda row: row["worker_id"]),
        ("idle_per_worker", lambda row: row["worker_id"]),
        ("outcomes_per_worker", lambda row: row["worker_id"]),
        ("answers_per_worker", lambda row: row["worker_id"]),
    ]
    for name, line in reports:
        spec = drawn(release, name)
        assert len({line(row) for row in spec["datasets"]["rows"]}) == SHOWN_WORKERS
        assert spec["height"] >= 20 * SHOWN_WORKERS, "a line of text needs that much"
        assert f"of {len(rows_of(release, 'worker_table'))}" in (note_of(release, name) or "")
    assert len(rows_of(release, "job_table")) == 30
    some = drawn(release, "answers_per_worker", modality="point_cloud", team="night-shift")
    assert some["encoding"]["color"]["scale"]["domain"] == ["job-07", "job-19"]
    assert some["encoding"]["color"]["scale"]["range"] == list(JOB_COLOURS[:2]), "of what is left, none is grey"
    assert len(drawn(release, "answers_per_worker")["encoding"]["color"]["scale"]["domain"]) == 8
