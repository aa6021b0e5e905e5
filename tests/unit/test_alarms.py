"""Evaluating alarms on a real lake: changes of states, who is to be told, and what pages read."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from labelhouse.checks.alarms import Change, evaluate_alarms, note_outcome, recent_changes
from labelhouse.checks.alarms.definitions import Band
from labelhouse.checks.alarms.metrics import band_of
from labelhouse.lake.alarm_history import AlarmHistory
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger, LedgerRow
from labelhouse.marts.failed_runs import note_failed_run
from labelhouse.settings import Settings, load_settings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
READ = {
    "description": "Too much was read.",
    "metric": "select unit_at as at, records_read as value from raw.ingest_ledger",
    "statistic": "Sum",
    "period_seconds": 3600,
    "comparison": "GreaterThanThreshold",
    "threshold": 100,
    "evaluation_periods": 1,
    "actions": {"ALARM": ["operations", "nobody"], "OK": ["operations"]},
}
SNS = {"sns": {"target_arn": "arn:aws:sns:us-east-1:123456789012:alarms"}}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    notifications = {"operations": [SNS, {"slack_webhook": {}}]}
    sources = {"cloudtrail": "s3://trail"}
    return load_settings(
        {}, lake=tmp_path / "lake", pseudonym_key="k" * 32, notifications=notifications, sources=sources
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "alarms").mkdir()
    return tmp_path


def alarm(files: Path, name: str = "read", **changes: Any) -> None:
    said = {key: value for key, value in (READ | changes).items() if value is not None}
    (files / "alarms" / f"{name}.yaml").write_text(yaml.safe_dump(said))


def read(settings: Settings, at: datetime, count: int) -> None:
    """Lets the ledger tell of a unit with so many records."""
    read_all(settings, {at: count})


def read_all(settings: Settings, counts: dict[datetime, int]) -> None:
    """Lets the ledger tell of units with so many records."""
    rows = [
        LedgerRow("cloudtrail", f"s3://trail/{at.isoformat()}", "1", at, "0" * 64, 1, count, count, 0, 0, 0, at)
        for at, count in counts.items()
    ]
    Ledger(Lake(settings)).append(rows)


def states(settings: Settings) -> dict[str, str]:
    return {each["alarm_name"]: each["state"] for each in published(settings)["alarms"]}


def published(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((settings.lake / "alarms.json").read_text())
    return found


def stored(settings: Settings) -> list[Change]:
    return [Change.of(row) for row in AlarmHistory(Lake(settings)).changes()]


def test_only_a_change_of_the_state_is_a_change(settings: Settings, files: Path) -> None:
    alarm(files)
    assert [change.to_state for change in evaluate_alarms(settings, NOW, expectations_dir=files)] == [
        "INSUFFICIENT_DATA"
    ]
    read(settings, NOW, 50)
    seen = []
    for minute in range(1, 5):
        seen += evaluate_alarms(settings, NOW + minute * MINUTE, expectations_dir=files)
        if minute == 2:
            read(settings, NOW + 2 * MINUTE, 60)
    assert [(change.from_state, change.to_state) for change in seen] == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM")]
    assert seen[1].changed_at == NOW + 3 * MINUTE
    assert seen[1].reason == "1 of 1 datapoint was above 100 (110 at 2026-03-02 11:04 UTC)."
    assert stored(settings)[1:] == seen
    assert states(settings) == {"read": "ALARM"}


def test_a_change_waits_for_every_notifier_of_its_channels(settings: Settings, files: Path) -> None:
    alarm(files, start_dag="build_marts")
    read(settings, NOW, 500)
    [change] = evaluate_alarms(settings, NOW, expectations_dir=files)
    assert [(each.channel, each.notifier, each.number, each.dag_id, each.outcome) for each in change.actions] == [
        ("operations", "sns", 0, None, "waiting"),
        ("operations", "slack_webhook", 1, None, "waiting"),
        ("nobody", None, None, None, "not configured"),
        (None, None, None, "build_marts", "waiting"),
    ]
    [shown] = published(settings)["alarms"]
    assert shown["channels"] == [
        {"name": "nobody", "is_configured": False},
        {"name": "operations", "is_configured": True},
    ]


def test_a_new_alarm_that_is_in_order_tells_nobody(settings: Settings, files: Path) -> None:
    alarm(files)
    read(settings, NOW, 5)
    [change] = evaluate_alarms(settings, NOW, expectations_dir=files)
    assert (change.from_state, change.to_state, change.actions) == (None, "OK", ())


def test_ok_is_told_of_an_alarm_that_went_off_even_if_its_data_ended_in_between(
    settings: Settings, files: Path
) -> None:
    alarm(files, actions=READ["actions"] | {"INSUFFICIENT_DATA": ["operations"]})
    told = {}
    for hours, count in ((0, None), (1, 5), (12, 500), (24, None), (36, 5), (48, None), (60, 5)):
        moment = NOW + hours * HOUR
        if count:
            read(settings, moment, count)
        [change] = evaluate_alarms(settings, moment, expectations_dir=files)
        told[hours, change.to_state] = any(each.channel == "operations" for each in change.actions)
    assert told == {
        (0, "INSUFFICIENT_DATA"): False,
        (1, "OK"): False,
        (12, "ALARM"): True,
        (24, "INSUFFICIENT_DATA"): True,
        (36, "OK"): True,
        (48, "INSUFFICIENT_DATA"): True,
        (60, "OK"): False,
    }


def test_what_waits_is_found_by_whoever_comes_next_until_it_is_noted(settings: Settings, files: Path) -> None:
    """A crash between the commit and the message loses nothing: the message is sent by the next run."""
    alarm(files)
    read(settings, NOW, 500)
    evaluate_alarms(settings, NOW, expectations_dir=files)
    [change] = recent_changes(settings, NOW + HOUR)
    assert [number for number, _ in change.waiting] == [0, 1]
    note_outcome(settings, "read", change.changed_at, 0, "told")
    note_outcome(settings, "read", change.changed_at, 1, "failed")
    [change] = recent_changes(settings, NOW + HOUR)
    assert [each.outcome for each in change.actions] == ["told", "failed", "not configured"]
    assert change.waiting == []
    assert recent_changes(settings, NOW + 2 * DAY) == [], "that would be no news any more"
    assert evaluate_alarms(settings, NOW + MINUTE, expectations_dir=files) == []


def test_two_evaluators_at_once_find_one_change(settings: Settings, files: Path) -> None:
    alarm(files)
    read(settings, NOW, 500)
    start, found = threading.Barrier(4), list[Change]()

    def evaluate(number: int) -> None:
        start.wait()
        found.extend(evaluate_alarms(settings, NOW + number * timedelta(seconds=1), expectations_dir=files))

    threads = [threading.Thread(target=evaluate, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(stored(settings)) == 1
    assert states(settings) == {"read": "ALARM"}


def test_an_evaluator_that_loses_the_race_looks_again(
    settings: Settings, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm(files)
    read(settings, NOW, 500)
    store, others = AlarmHistory.store, iter([True])

    def late(self: AlarmHistory, rows: Any) -> None:
        if next(others, False):
            evaluate_alarms(settings, NOW, expectations_dir=files)
        store(self, rows)

    monkeypatch.setattr(AlarmHistory, "store", late)
    assert evaluate_alarms(settings, NOW + MINUTE, expectations_dir=files) == []
    assert len(stored(settings)) == 1


def test_what_somebody_commits_after_a_change_is_not_taken_for_known(
    settings: Settings, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm(files)
    alarm(files, "other")
    evaluate_alarms(settings, NOW, expectations_dir=files)
    read(settings, NOW, 500)
    store = AlarmHistory.store
    other = Change("other", NOW + 2 * MINUTE, "ALARM", "OK", "Why.", (), ())

    def and_another(self: AlarmHistory, rows: Any) -> None:
        store(self, rows)
        monkeypatch.setattr(AlarmHistory, "store", store)
        AlarmHistory(Lake(settings)).store([other.as_row()])

    monkeypatch.setattr(AlarmHistory, "store", and_another)
    evaluate_alarms(settings, NOW + MINUTE, expectations_dir=files)
    [change] = evaluate_alarms(settings, NOW + 3 * MINUTE, expectations_dir=files)
    assert (change.alarm_name, change.from_state, change.to_state) == ("other", "OK", "ALARM")


def test_an_evaluation_older_than_the_last_change_changes_nothing(settings: Settings, files: Path) -> None:
    alarm(files)
    read(settings, NOW, 500)
    evaluate_alarms(settings, NOW, expectations_dir=files)
    written = published(settings)
    assert evaluate_alarms(settings, NOW - 3 * HOUR, expectations_dir=files) == []
    assert published(settings) == written


def test_a_crash_before_the_pages_are_written_loses_nothing(
    settings: Settings, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm(files)
    read(settings, NOW, 500)

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("labelhouse.checks.alarms.run.replace_file", full)
        with pytest.raises(OSError, match="No space"):
            evaluate_alarms(settings, NOW, expectations_dir=files)
    assert evaluate_alarms(settings, NOW + MINUTE, expectations_dir=files) == []
    [shown] = published(settings)["alarms"]
    assert (shown["state"], shown["since"], len(shown["changes"])) == ("ALARM", NOW.isoformat(), 1)


def test_a_file_that_is_not_understood_silences_no_other_alarm(settings: Settings, files: Path) -> None:
    alarm(files)
    alarm(files, "wrong", statistic="Mean")
    alarm(files, "broken", metric="select unit_at as at, unit_uri::int as value from raw.ingest_ledger")
    read(settings, NOW, 500)
    evaluate_alarms(settings, NOW, expectations_dir=files)
    shown = {each["alarm_name"]: each for each in published(settings)["alarms"]}
    assert {name: each["state"] for name, each in shown.items()} == {
        "broken": "INSUFFICIENT_DATA",
        "read": "ALARM",
        "wrong": "INSUFFICIENT_DATA",
    }
    assert "unknown: 'Mean'" in shown["wrong"]["reason"]
    assert shown["broken"]["reason"] == "The metric cannot be read (ConversionException).", "no value is quoted"
    assert "s3://trail" not in (settings.lake / "alarms.json").read_text()
    assert evaluate_alarms(settings, NOW + MINUTE, expectations_dir=files) == []


def test_a_mart_that_is_not_published_yet_is_said_to_be(settings: Settings, files: Path) -> None:
    alarm(files, metric="select ended_at as at, 1 as value from fct_task")
    [change] = evaluate_alarms(settings, NOW, expectations_dir=files)
    assert (change.to_state, change.reason) == ("INSUFFICIENT_DATA", "fct_task is not published.")


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("SampleCount", 4),
        ("Sum", 106),
        ("Average", 26.5),
        ("Minimum", 1),
        ("Maximum", 100),
        ("p50", 2.5),
        ("p100", 100),
    ],
)
def test_statistics_of_one_period(settings: Settings, files: Path, statistic: str, expected: float) -> None:
    values = "(values (1), (2), (3), (100), (cast('nan' as double)), (cast('inf' as double)), (null)) as v(value)"
    alarm(files, statistic=statistic, metric=f"select $now - interval '59 minutes' as at, value from {values}")
    evaluate_alarms(settings, NOW, expectations_dir=files)
    assert published(settings)["alarms"][0]["datapoints"][-1][1] == expected


def test_periods_slide_and_the_last_one_ends_with_this_minute(settings: Settings, files: Path) -> None:
    alarm(files)
    ages = {0: 1, 59: 2, 60: 4, 119: 8, 24 * 60 + 30: 16, -1: 32}  # the last one is of the future
    read_all(settings, {NOW - age * MINUTE: count for age, count in ages.items()})
    evaluate_alarms(settings, NOW, expectations_dir=files)
    datapoints = published(settings)["alarms"][0]["datapoints"]
    assert datapoints[-2:] == [
        [(NOW - 119 * MINUTE).isoformat(), 12.0, None, None],
        [(NOW - 59 * MINUTE).isoformat(), 3.0, None, None],
    ]
    assert [point[1] for point in datapoints[:-2]] == [None] * 22


BAND = {"standard_deviations": 2, "trailing_periods": 8, "season_periods": 7}


def test_a_band_compares_a_day_with_that_weekday(settings: Settings, files: Path) -> None:
    """Weekends are quiet: that is normal, and a quiet Monday is not."""
    alarm(
        files,
        threshold=None,
        comparison="LessThanLowerThreshold",
        period_seconds=86400,
        band=BAND,
        actions=None,
    )
    days = {NOW - age * DAY: 1000 + 10 * (age % 3) for age in range(70)}
    read_all(settings, {day: 0 if day.weekday() >= 5 else count for day, count in days.items()})
    evaluate_alarms(settings, NOW, expectations_dir=files)
    [shown] = published(settings)["alarms"]
    assert shown["state"] == "OK"
    assert shown["threshold"] is None
    _, value, low, high = shown["datapoints"][-1]
    assert low < value < high
    monday = NOW + 7 * DAY
    read(settings, monday, 100)
    [change] = evaluate_alarms(settings, monday, expectations_dir=files)
    assert (change.to_state, [point.value for point in change.datapoints]) == ("ALARM", [100])


def test_a_band_of_too_few_periods_is_none() -> None:
    band = Band(standard_deviations=2, trailing_periods=8)
    values = {1: 1.0, 2: 2.0, 3: 3.0, 9: 9.0}
    assert band_of(values, 0, band) is None
    assert band_of(values | {4: 4.0}, 0, band) == pytest.approx((2.5 - 2 * (5 / 3) ** 0.5, 2.5 + 2 * (5 / 3) ** 0.5))


def test_failed_runs_are_a_metric(settings: Settings, files: Path) -> None:
    alarm(files, metric="select failed_at as at, 1 as value from status.failed_runs", threshold=2)
    for number in range(3):
        note_failed_run(settings.lake, "build_marts", f"manual__{number}")
    now = datetime.now(UTC)
    assert [change.to_state for change in evaluate_alarms(settings, now, expectations_dir=files)] == ["ALARM"]


def test_a_late_source_is_one_that_brought_nothing_for_long(settings: Settings, files: Path) -> None:
    alarm(
        files,
        "late",
        metric="""select $now as at, epoch($now - newest_loaded_at) / 3600 as value
            from status.sources where source_name = $source_name""",
        dimensions={"source_name": "$sources"},
        statistic="Maximum",
        threshold=72,
    )
    read(settings, NOW, 5)
    [change] = evaluate_alarms(settings, NOW, expectations_dir=files)
    assert (change.alarm_name, change.to_state) == ("late.cloudtrail", "OK")
    [change] = evaluate_alarms(settings, NOW + 4 * DAY, expectations_dir=files)
    assert change.to_state == "ALARM"


def test_of_a_long_history_only_the_last_days_are_opened(
    settings: Settings, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm(files)
    read(settings, NOW, 500)
    evaluate_alarms(settings, NOW, expectations_dir=files)
    later = NOW + 30 * DAY
    evaluate_alarms(settings, later, expectations_dir=files)
    note_outcome(settings, "read", NOW, 0, "told")
    opened: list[datetime | None] = []
    changes = AlarmHistory.changes

    def watched(self: AlarmHistory, first_at: datetime | None = None) -> Any:
        opened.append(first_at)
        return changes(self, first_at)

    monkeypatch.setattr(AlarmHistory, "changes", watched)
    read(settings, later + DAY, 500)
    found = [evaluate_alarms(settings, later + DAY + number * MINUTE, expectations_dir=files) for number in range(3)]
    assert [len(changes) for changes in found] == [1, 0, 0]
    assert opened == [later - DAY], "nothing at all where nobody committed since"
    [shown] = published(settings)["alarms"]
    assert [row["to_state"] for row in shown["changes"]] == ["ALARM", "INSUFFICIENT_DATA", "ALARM"]
