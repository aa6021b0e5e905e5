"""CloudWatch and data capture on their bad days: what is loaded is complete, and what was loaded stays."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from cloudwatch import HOUR, PLACE, CloudWatch
from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.extraction import LoadSummary, extract
from labelhouse.marts.read import query_lake
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Clients, Window
from labelhouse.sources.metrics import cloudwatch, periods
from served_aws import clients_of, refused

TWO_HOURS = Window(HOUR, HOUR + timedelta(hours=2))
PASSING = [
    refused("ThrottlingException", message="Rate exceeded"),
    refused("InternalServiceFault", 500),
    refused("ServiceUnavailable", 503),
    EndpointConnectionError(endpoint_url="https://monitoring"),
    refused("ExpiredToken", message="The security token included in the request is expired"),
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelhouse.sources.control_plane.WAITS_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr("labelhouse.sources.delivery.READERS", 1)  # so that calls have an order
    monkeypatch.setattr("labelhouse.sources.requests.REQUESTS_PER_SECOND", {})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, lake=tmp_path / "lake", own_pseudonym_key=True)


def account(**changes: Any) -> CloudWatch:
    """Two hours of two series, in several pages."""
    served = CloudWatch(points_a_page=50, series_a_page=1, **changes)
    return served.put("Invocations", HOUR, *range(1, 121)).put("Invocation5XXErrors", HOUR, *[0, 1] * 60)


def load(settings: Settings, served: CloudWatch, window: Window = TWO_HOURS) -> LoadSummary:
    return extract(settings, "cloudwatch_metrics", window, served.clients, uri=PLACE)


def held(settings: Settings) -> list[tuple[int, int, float]]:
    """Period, number and sum of the values of each."""
    query = "select period_seconds, count(*), sum(metric_value) from raw.cloudwatch_metrics group by all order by all"
    return [tuple(row.values()) for row in query_lake(settings, query).to_pylist()]


#: 120 sums of calls, and for each minute the average and the sum of errors.
WHOLE = [(60, 360, 7260.0 + 60 + 60)]


# --- throttled, broken, expired


def test_what_passes_anywhere_is_asked_again_and_costs_nothing(settings: Settings) -> None:
    quiet = account()
    load(load_settings({}, lake=settings.lake.with_name("quiet"), own_pseudonym_key=True), quiet)
    assert quiet.calls
    faults = {2 * number: PASSING[number % len(PASSING)] for number in range(len(quiet.calls))}
    stormy = account(faults=faults)
    load(settings, stormy)
    assert held(settings) == WHOLE
    assert len(stormy.calls) == 2 * len(quiet.calls)


def test_credentials_that_expire_within_the_pages_of_an_hour_go_on_where_they_stood(settings: Settings) -> None:
    served = account()
    answer, asked = served.answer, 0

    def expiring(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        nonlocal asked
        if operation == "GetMetricData" and parameters.get("NextToken") == "50":
            asked += 1
            if asked == 1:
                raise PASSING[-1]
        return answer(operation, parameters)

    served.answer = expiring  # type: ignore[method-assign]
    load(settings, served)
    assert held(settings) == WHOLE
    tokens = [call.get("NextToken") for call in served.asked("GetMetricData")]
    assert tokens.count(None) == 2, "no hour was begun again"


def test_what_stays_broken_fails_and_leaves_the_lake_as_it_was(settings: Settings) -> None:
    load(settings, account())
    for fault in PASSING:
        broken = account(unservable={"GetMetricData": fault}).put("Invocations", HOUR, 99)
        with pytest.raises(SourceError):
            load(settings, broken)
    assert held(settings) == WHOLE


@pytest.mark.parametrize("operation", ["ListMetrics", "GetMetricData"])
def test_page_tokens_that_expired_begin_again_and_repeat_nothing(settings: Settings, operation: str) -> None:
    served = account()
    answer, was_late = served.answer, False

    def expiring(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        nonlocal was_late
        if name == operation and "NextToken" in parameters and not was_late:
            was_late = True
            raise refused(
                "InvalidParameterValue" if name == "ListMetrics" else "InvalidNextToken", message="Token expired"
            )
        return answer(name, parameters)

    served.answer = expiring  # type: ignore[method-assign]
    load(settings, served)
    assert was_late
    assert held(settings) == WHOLE


# --- pages


def dull(served: CloudWatch, operation: str, empty: dict[str, Any], count: int) -> CloudWatch:
    """The account, with so many empty pages of one token before the first one of an operation."""
    answer, left = served.answer, count

    def answering(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        nonlocal left
        if name == operation:
            if left:
                left -= 1
                return empty | {"NextToken": "again"}
            parameters = {key: value for key, value in parameters.items() if value != "again"}
        return answer(name, parameters)

    served.answer = answering  # type: ignore[method-assign]
    return served


PAGES = [("ListMetrics", {"Metrics": []}), ("GetMetricData", {"MetricDataResults": [], "Messages": []})]


@pytest.mark.parametrize(("operation", "empty"), PAGES)
def test_empty_pages_and_a_repeated_token_are_no_end(settings: Settings, operation: str, empty: dict[str, Any]) -> None:
    load(settings, dull(account(), operation, empty, 50))
    assert held(settings) == WHOLE


@pytest.mark.parametrize(("operation", "empty"), PAGES)
def test_pages_that_never_end_fail_and_load_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, operation: str, empty: dict[str, Any]
) -> None:
    monkeypatch.setattr("labelhouse.sources.control_plane.MOST_IDLE_PAGES", 20)
    with pytest.raises(SourceUnavailableError, match="20 pages in a row bring nothing new, and none is the last one"):
        load(settings, dull(account(), operation, empty, 10**9))
    assert held(settings) == []


# --- nothing there, and nothing to be seen


def test_an_account_without_metrics_is_not_one_whose_metrics_are_denied(settings: Settings) -> None:
    assert load(settings, CloudWatch()).seen_count == 0
    for operation in ("ListMetrics", "GetMetricData"):
        denied = account(unservable={operation: refused("AccessDenied")})
        with pytest.raises(SourceError, match=f"access is denied.*credentials with cloudwatch:{operation}"):
            load(settings, denied)


def test_a_log_that_forgot_takes_nothing_away(settings: Settings) -> None:
    load(settings, account())
    assert load(settings, CloudWatch().put("Invocations", HOUR - timedelta(days=1), 1)).unchanged_count == 2
    assert held(settings) == WHOLE


# --- no numbers


def test_values_that_are_no_finite_numbers_reach_no_average(settings: Settings) -> None:
    served = account().put("ModelLatency", HOUR, 1.0, float("nan"), float("inf"), 3.0)
    loaded = load(settings, served)
    query = (
        "select avg(metric_value), count(*) from raw.cloudwatch_metrics "
        "where metric_name = 'ModelLatency' and statistic = 'Average'"
    )
    assert [tuple(row.values()) for row in query_lake(settings, query).to_pylist()] == [(2.0, 2)]
    reasons = query_lake(settings, "select distinct reason from raw.quarantine")["reason"].to_pylist()
    assert reasons == ["the value is not finite, or too large (NaN, Infinity, 1e999)"]
    assert loaded.records_read == loaded.records_loaded + loaded.records_quarantined


# --- what grows old


def at(now: datetime) -> type[datetime]:
    """A clock that stands."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return now

    return Clock


def test_coarse_periods_come_beside_the_fine_ones_and_never_over_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One day as it is read when it is a day, forty days and four hundred days old."""
    day = datetime(2024, 5, 6, tzinfo=UTC)  # a Monday
    served = CloudWatch()
    served.put("Invocations", day, *[1] * 1440)
    window = Window(day, day + timedelta(days=1))
    counts: list[list[tuple[int, int, float]]] = []
    for age in (1, 40, 400, 500):
        now = day + timedelta(days=age, hours=12)
        for module in ("labelhouse.sources.cloudwatch_metrics", "labelhouse.sources.metrics.cloudwatch", "cloudwatch"):
            monkeypatch.setattr(f"{module}.datetime", at(now))
        load(settings, served, window)
        counts.append(held(settings))
    fine, middle, coarse = (60, 1440, 1440.0), (300, 288, 1440.0), (3600, 24, 1440.0)
    assert counts == [[fine], [fine, middle], [fine, middle, coarse], [fine, middle, coarse]]
    served.idle = {"Invocations"}  # a second look would not find the series any more
    monkeypatch.setattr("labelhouse.sources.cloudwatch_metrics.datetime", at(day + timedelta(days=40)))
    monkeypatch.setattr("labelhouse.sources.metrics.cloudwatch.datetime", at(day + timedelta(days=40)))
    assert load(settings, served, window).seen_count == 0, "what is closed is loaded once"
    assert held(settings) == counts[-1]


def test_the_names_of_periods_are_those_of_units() -> None:
    assert {*periods.HIGH_RESOLUTION_SECONDS, 60, *periods.COARSE} == {1, 5, 10, 30, 60, 300, 3600}
    assert cloudwatch.MOST_QUERIES == 500


# --- captured data


def captured(folder: Path, name: str, *event_ids: str, data: str = "0.5") -> None:
    path = folder / "live/AllTraffic/2024/05/06/07" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    side = {"observedContentType": "text/csv", "mode": "OUTPUT", "data": data, "encoding": "CSV"}
    lines = [
        {
            "captureData": {"endpointOutput": side},
            "eventMetadata": {"eventId": event_id, "inferenceTime": "2024-05-06T07:08:09Z"},
        }
        for event_id in event_ids
    ]
    path.write_bytes(b"\n".join(json.dumps(line).encode() for line in lines))


def predictions(settings: Settings) -> list[str]:
    return query_lake(settings, "select event_id from raw.model_predictions order by all")["event_id"].to_pylist()


def test_a_call_that_is_captured_twice_counts_once(settings: Settings, tmp_path: Path) -> None:
    captured(tmp_path / "capture", "00-00-000-a.jsonl", "a", "b")
    captured(tmp_path / "capture", "01-00-000-b.jsonl", "b", "c")
    captured(tmp_path / "copy", "00-00-000-a.jsonl", "a", "b")
    loaded = extract(settings, "model_predictions", Window(), {}.__getitem__, uri=str(tmp_path))
    assert predictions(settings) == ["a", "b", "c"]
    assert (loaded.records_read, loaded.records_loaded, loaded.records_duplicate) == (6, 3, 3)


def test_damaged_files_cost_only_themselves(settings: Settings, tmp_path: Path) -> None:
    captured(tmp_path, "00-00-000-a.jsonl", "a")
    captured(tmp_path, "01-00-000-b.jsonl", "b", data="NaN")
    folder = tmp_path / "live/AllTraffic/2024/05/06/07"
    (folder / "02-00-000-c.jsonl.gz").write_bytes(gzip.compress(b"{}" * 99)[:-5])
    (folder / "03-00-000-d.jsonl").write_bytes(b"")
    loaded = extract(settings, "model_predictions", Window(), {}.__getitem__, uri=str(tmp_path))
    assert predictions(settings) == ["a", "b"]
    assert (loaded.records_loaded, loaded.records_quarantined) == (2, 2)
    values = query_lake(settings, "select avg(prediction_value) as mean from raw.model_predictions")["mean"].to_pylist()
    assert values == [0.5]


def test_no_capture_yet_is_not_a_folder_that_is_missing(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "capture").mkdir()
    read: Callable[[str], LoadSummary] = lambda uri: extract(  # noqa: E731
        settings, "model_predictions", Window(), {}.__getitem__, uri=uri
    )
    assert read(str(tmp_path / "capture")).seen_count == 0
    with pytest.raises(SourceError, match="the folder does not exist"):
        read(str(tmp_path / "missing"))


@pytest.mark.parametrize(
    "fault", [refused("SlowDown", 503), refused("ThrottlingException"), refused("InternalError", 500)]
)
def test_a_bucket_that_is_busy_fails_and_loads_nothing(settings: Settings, fault: Exception) -> None:
    def busy(_operation: str, _parameters: dict[str, Any]) -> dict[str, Any]:
        raise fault

    clients: Clients = clients_of(busy)
    with pytest.raises(SourceUnavailableError):
        extract(settings, "model_predictions", Window(), clients, uri="s3://bucket/capture")
    assert predictions(settings) == []
