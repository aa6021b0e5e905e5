"""What of CloudWatch is asked for and when, and what becomes of its answers."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudwatch import ACCOUNT, ENDPOINT, HOUR, PLACE, CloudWatch
from control_plane_units import IDENTITIES, only_row, parse
from labelhouse.errors import SourceError
from labelhouse.sources import Unit, UnitGone, Window, cloudwatch_metrics
from labelhouse.sources.metrics import catalog, cloudwatch
from labelhouse.sources.metrics.periods import UnitName, stretches
from served_aws import refused

SOURCE = cloudwatch_metrics.SOURCE
UNIT = f"cloudwatch://us-east-2:{ACCOUNT}/AWS/SageMaker/{HOUR:%Y-%m-%dT%HZ}/60"
NOW = datetime(2024, 6, 20, 12, 34, 56, tzinfo=UTC)


def unit(uri: str = UNIT, version: str = "") -> Unit:
    return Unit(uri, version, HOUR, 0)


def answered(served: CloudWatch, uri: str = UNIT, version: str = "") -> list[dict[str, Any]]:
    """Lines of a unit as it is read."""
    return [json.loads(line) for line in SOURCE.read_unit(unit(uri, version), served.clients).splitlines()]


def rows_of(served: CloudWatch, uri: str = UNIT) -> list[dict[str, Any]]:
    result = parse(SOURCE, SOURCE.read_unit(unit(uri), served.clients), uri)
    assert result.reasons == []
    return result.tables["cloudwatch_metrics"]


def saved(*results: dict[str, Any], query: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A saved answer to one query, `q`."""
    metric = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "ModelLatency",
        "Dimensions": [{"Name": name, "Value": value} for name, value in ENDPOINT.items()],
    }
    asked = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}} if query is None else query
    return {"MetricDataQueries": [asked], "MetricDataResults": list(results)} | fields


def result(*values: Any, **fields: Any) -> dict[str, Any]:
    times = [f"2024-05-06T07:{minute:02}:00+00:00" for minute in range(len(values))]
    return {"Id": "q", "StatusCode": "Complete", "Timestamps": times, "Values": list(values)} | fields


# --- the catalog


def test_the_catalog_knows_102_metrics_each_once_with_statistics_that_cloudwatch_has() -> None:
    metrics = catalog.catalog()
    assert len(metrics) == 102
    known = {"Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p99"}
    units = {None, "None", "Percent", "Count", "Seconds", "Milliseconds", "Microseconds"}
    for each in metrics.values():
        assert each.statistics
        assert set(each.statistics) <= known
        assert each.unit in units
        assert all(tuple(sorted(names)) == names for names in each.dimension_sets)
    assert len(catalog.namespaces()) == 11


@pytest.mark.parametrize(
    ("metric", "statistics", "unit_name"),
    [
        (("AWS/SageMaker", "Invocations"), {"Sum"}, "None"),
        (("AWS/SageMaker", "OverheadLatency"), {"Average", "Sum", "Minimum", "Maximum", "SampleCount"}, "Microseconds"),
        (("AWS/SageMaker/LabelingJobs", "TotalDatasetObjectsLabeled"), {"Maximum"}, "None"),
        (("AWS/SageMaker/Workteam", "TimeSpent"), {"Sum", "SampleCount"}, "Seconds"),
        (("/aws/sagemaker/Endpoints", "CPUUtilization"), {"Average", "Minimum", "Maximum", "SampleCount"}, "Percent"),
        (("AWS/SageMaker", "Unheard"), {"Average", "Minimum", "Maximum", "SampleCount"}, None),
    ],
)
def test_only_statistics_that_mean_something_are_asked_for(
    metric: tuple[str, str], statistics: set[str], unit_name: str | None
) -> None:
    assert set(catalog.statistics_of(*metric)) == statistics
    assert catalog.unit_of(*metric) == unit_name


# --- which times


def test_older_times_come_in_coarser_periods_without_a_gap_and_never_twice() -> None:
    found = list(stretches(None, Window(), NOW))
    assert [stretch.start for stretch in found[1:]] == [stretch.end for stretch in found[:-1]]
    spans = {
        period: (of[0].start, of[-1].end, of[0].length, of[0].is_closed)
        for period in (3600, 300, 60)
        if (of := [stretch for stretch in found if stretch.period_seconds == period])
    }
    day, hour = timedelta(days=1), timedelta(hours=1)
    fine, coarse = datetime(2024, 6, 7, tzinfo=UTC), datetime(2024, 4, 20, tzinfo=UTC)
    assert spans[60] == (fine, datetime(2024, 6, 20, 13, tzinfo=UTC), hour, False)
    assert spans[300] == (coarse, fine, day, True)
    assert spans[3600] == (datetime(2023, 3, 25, tzinfo=UTC), coarse, day, True)
    for stretch in found:
        kept = {60: 15, 300: 63, 3600: 455}[stretch.period_seconds]
        assert NOW - stretch.start < timedelta(days=kept)


def test_a_window_takes_what_begins_in_it() -> None:
    found = list(stretches(None, Window(datetime(2024, 6, 6, tzinfo=UTC), datetime(2024, 6, 7, 2, tzinfo=UTC)), NOW))
    assert [(stretch.period_seconds, stretch.start.day, stretch.start.hour) for stretch in found] == [
        (300, 6, 0),
        (60, 7, 0),
        (60, 7, 1),
    ]


def test_high_resolution_is_read_only_where_it_is_asked_for_and_while_it_is_kept() -> None:
    found = list(stretches(1, Window(), NOW))
    assert [(stretch.period_seconds, stretch.start.hour) for stretch in found] == [(1, 10), (1, 11), (1, 12)]
    served = CloudWatch().put("Invocations", HOUR, 1)
    units = list(SOURCE.list_units(f"{PLACE}?period_seconds=10", served.clients, Window()))
    assert {UnitName.parse(each.uri).stretch.period_seconds for each in units} == {10}
    assert len(units) in (2, 3)


@pytest.mark.parametrize(
    "uri", ["cloudwatch://", "cloudwatch://US", f"{PLACE}?period_seconds=60", f"{PLACE}/AWS/SageMaker", f"{PLACE}?x=1"]
)
def test_a_place_that_is_no_region_is_refused_with_what_is_allowed(uri: str) -> None:
    with pytest.raises(SourceError, match=r"this place is not understood.*cloudwatch://REGION"):
        list(SOURCE.list_units(uri, CloudWatch().clients, Window()))


def test_units_name_account_namespace_time_and_period() -> None:
    served = CloudWatch().put("Invocations", HOUR, 1)
    served.put("CPUUtilization", HOUR, 1, namespace="/aws/sagemaker/Endpoints")
    window = Window(HOUR, HOUR + timedelta(hours=1))
    units = list(SOURCE.list_units(PLACE, served.clients, window))
    spaces = ("/aws/sagemaker/Endpoints", "AWS/SageMaker")
    uris = [f"{PLACE}:{ACCOUNT}/{space}/{HOUR:%Y-%m-%dT%HZ}/60" for space in spaces]
    assert [each.uri for each in units] == uris
    assert {(each.version, each.unit_at) for each in units} == {("", HOUR)}
    for each in units:
        assert UnitName.parse(each.uri).uri == each.uri


def test_who_may_not_ask_for_the_account_reads_without_it() -> None:
    served = CloudWatch(unservable={"GetCallerIdentity": refused("AccessDenied")}).put("Invocations", HOUR, 1)
    first = next(SOURCE.list_units(PLACE, served.clients, Window()))
    assert first.uri.startswith(f"{PLACE}/AWS/Sage"), "metrics of the whole account need no listing"
    uri = f"{PLACE}/AWS/SageMaker/{HOUR:%Y-%m-%dT%HZ}/60"
    assert rows_of(served, uri)[0]["account_id"] is None


def test_days_that_do_not_change_any_more_have_a_version() -> None:
    served = CloudWatch().put("Invocations", HOUR, 1)
    units = list(SOURCE.list_units(PLACE, served.clients, Window()))
    versions = {UnitName.parse(each.uri).stretch.period_seconds: each.version for each in units}
    assert versions == {60: "", 300: "closed", 3600: "closed"}


def test_a_window_from_before_what_cloudwatch_keeps_is_empty_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    window = Window(datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 1, 2, tzinfo=UTC))
    with caplog.at_level(logging.WARNING):
        assert list(SOURCE.list_units(PLACE, CloudWatch().put("Invocations", HOUR, 1).clients, window)) == []
    assert "CloudWatch keeps nothing from before" in caplog.text


def test_an_hour_that_cloudwatch_begins_to_forget_is_gone() -> None:
    uri = UNIT.replace(f"{HOUR:%Y-%m-%d}", f"{HOUR - timedelta(days=15, hours=1):%Y-%m-%d}")
    with pytest.raises(UnitGone):
        SOURCE.read_unit(unit(uri), CloudWatch().put("Invocations", HOUR, 1).clients)


# --- what is asked


def test_a_call_has_at_most_500_queries_of_valid_statistics_and_half_open_times() -> None:
    served = CloudWatch(series_a_page=90)
    for number in range(230):
        served.put("ModelLatency", HOUR, number, EndpointName=f"e{number:03}", VariantName="v")
    lines = answered(served)
    calls = served.asked("GetMetricData")
    assert [len(call["MetricDataQueries"]) for call in calls] == [500, 500, 150]
    assert {(call["StartTime"], call["EndTime"]) for call in calls} == {(HOUR, HOUR + timedelta(hours=1))}
    assert len(lines) == 230 * 5
    assert len(served.asked("ListMetrics")) == 3


def test_units_of_a_load_share_the_listing_of_their_series() -> None:
    served = CloudWatch().put("Invocations", HOUR, 1)
    clients = served.clients
    for each in list(SOURCE.list_units(PLACE, clients, Window(HOUR, HOUR + timedelta(hours=3)))):
        SOURCE.read_unit(each, clients)
    assert len(served.asked("ListMetrics")) == len(catalog.namespaces())


@pytest.mark.parametrize("points_a_page", [1, 7, 59, 60, 61, 1000])
def test_parts_of_a_series_on_several_pages_are_one(points_a_page: int) -> None:
    served = CloudWatch(points_a_page=points_a_page)
    served.put("Invocations", HOUR, *range(60)).put("ModelLatency", HOUR, 5, 6)
    values = {(row["metric_name"], row["statistic"], row["period_at"]): row["metric_value"] for row in rows_of(served)}
    assert len(values) == 60 + 2 * 5
    for minute in range(60):
        assert values["Invocations", "Sum", HOUR + timedelta(minutes=minute)] == minute


def test_the_same_values_are_the_same_bytes_whatever_else_is_listed() -> None:
    served = CloudWatch().put("Invocations", HOUR, 1, 2)
    first = SOURCE.read_unit(unit(), served.clients)
    served.put("Invocations", HOUR - timedelta(days=1), 1, EndpointName="another", VariantName="v")
    assert SOURCE.read_unit(unit(), CloudWatch(served.points).clients) == first
    assert SOURCE.read_unit(unit(), CloudWatch(served.points, points_a_page=1).clients) == first


def test_an_hour_without_values_has_nothing_to_say() -> None:
    served = CloudWatch().put("Invocations", HOUR - timedelta(hours=1), 1)
    assert SOURCE.read_unit(unit(), served.clients) == b""


def test_metrics_of_the_whole_account_are_asked_of_old_days_though_nobody_lists_them() -> None:
    day = (HOUR - timedelta(days=40)).replace(hour=0)
    served = CloudWatch(idle={"ExecutionStarted"})
    space = "AWS/Sagemaker/ModelBuildingPipeline"
    served.points[space, "ExecutionStarted", ()] = {day + timedelta(hours=5, minutes=2): 1.0}
    window = Window(day, day + timedelta(days=1))
    (found,) = (each for each in SOURCE.list_units(PLACE, served.clients, window) if space in each.uri)
    lines = [json.loads(line) for line in SOURCE.read_unit(found, served.clients).splitlines()]
    assert {line["MetricDataQueries"][0]["MetricStat"]["Stat"] for line in lines} == {"Average", "Sum"}
    rows = parse(SOURCE, SOURCE.read_unit(found, served.clients), found.uri).tables["cloudwatch_metrics"]
    assert {(row["period_seconds"], row["period_at"], row["series_key"]) for row in rows} == {
        (300, day + timedelta(hours=5), "")
    }


def test_a_series_that_cloudwatch_may_not_show_is_kept_as_such_and_the_others_load() -> None:
    served = CloudWatch(states={"ModelLatency": ["Forbidden"]})
    served.put("Invocations", HOUR, 1).put("ModelLatency", HOUR, 2)
    found = parse(SOURCE, SOURCE.read_unit(unit(), served.clients), UNIT)
    assert len(found.tables["cloudwatch_metrics"]) == 1
    assert {reason for _, reason in found.reasons} == {"CloudWatch did not answer for this series (Forbidden)"}
    assert found.counts == {"read": 6, "loaded": 1, "quarantined": 5, "filtered": 0}


@pytest.mark.parametrize("state", ["InternalError", "PartialData"])
def test_what_fails_within_cloudwatch_is_asked_again_and_at_last_left(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelhouse.sources.control_plane.WAITS_SECONDS", (0.0, 0.0))
    served = CloudWatch(states={"Invocations": [state, state, "Complete"]}).put("Invocations", HOUR, 1)
    assert SOURCE.read_unit(unit(), served.clients) == b""
    assert len(served.asked("GetMetricData")) == 3
    served.states["Invocations"] = [state]
    with pytest.raises(SourceError, match="CloudWatch gives no whole answer for 1 series and statistics"):
        SOURCE.read_unit(unit(), served.clients)


def test_listings_are_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    served = CloudWatch().put("Invocations", HOUR, 1)
    clients = served.clients
    SOURCE.read_unit(unit(), clients)
    monkeypatch.setattr(cloudwatch, "LISTING_SECONDS", -1.0)
    SOURCE.read_unit(unit(), clients)
    assert len(served.asked("ListMetrics")) == 2


# --- answers


def test_an_answer_becomes_rows() -> None:
    row = only_row(SOURCE, saved(result(1234.5), Region="eu-west-1", AccountId="000011112222"))
    at = datetime(2024, 5, 6, 7, tzinfo=UTC)
    assert {name: value for name, value in row.items() if name != "dimensions"} == {
        "position": "0/0",
        "event_at": at,
        "account_id": "000011112222",
        "aws_region": "eu-west-1",
        "namespace": "AWS/SageMaker",
        "metric_name": "ModelLatency",
        "series_key": "EndpointName=live,VariantName=AllTraffic",
        "statistic": "Average",
        "period_seconds": 60,
        "period_at": at,
        "metric_value": 1234.5,
        "unit": "Microseconds",
    }
    assert dict(row["dimensions"]) == ENDPOINT


def test_workers_among_the_dimensions_are_pseudonyms_everywhere() -> None:
    metric = {
        "Namespace": "AWS/SageMaker/Workteam",
        "MetricName": "TasksSubmitted",
        "Dimensions": [
            {"Name": "WorkerId", "Value": "0f3c2a9e-canary"},
            {"Name": "CognitoUserPool", "Value": "us-east-1_AbCdEf"},
            {"Name": "LabelingJob", "Value": "sort-fruit"},
        ],
    }
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    found = parse(SOURCE, saved(result(3, "x"), query=query))
    (row,) = found.tables["cloudwatch_metrics"]
    pseudonym = IDENTITIES.pseudonym("0f3c2a9e-canary")
    assert row["series_key"] == f"CognitoUserPool=us-east-1_AbCdEf,LabelingJob=sort-fruit,WorkerId={pseudonym}"
    assert "canary" not in str(found)


def test_results_of_one_id_are_parts_of_one_series_and_the_later_one_counts() -> None:
    found = parse(SOURCE, saved(result(1, 2), result(9, StatusCode="Complete")))
    values = {row["period_at"].minute: row["metric_value"] for row in found.tables["cloudwatch_metrics"]}
    assert values == {0: 9, 1: 2}
    assert found.counts["loaded"] == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([], "the document holds no list of MetricDataResults"),
        (saved(result(1, Id="other")), "no query of that Id is in MetricDataQueries"),
        (saved(result(1), query={"Id": "q", "Expression": "SUM(METRICS())"}), "the query is an expression and names no"),
        (saved(result(1, Values=[])), "Timestamps and Values are not lists of one length"),
        (saved(result(StatusCode="InternalError")), "CloudWatch did not answer for this series (InternalError)"),
        (saved(result("many")), "the value is text, not a number"),
        (saved(result(1, Timestamps=["yesterday"])), "Timestamp is not a time such as"),
        (saved(result(1, Timestamps=["2999-01-01T00:00:00Z"])), "Timestamp lies before 2010 or in the future"),
        (saved(7), "the result is a number, not an object"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_loaded_is_quarantined_with_the_reason(answer: Any, reason: str) -> None:
    found = parse(SOURCE, answer)
    assert found.tables == {}
    assert [each.startswith(reason) for _, each in found.reasons] == [True], found.reasons
    assert found.counts["quarantined"] == 1


def test_a_value_that_is_no_finite_number_costs_only_itself() -> None:
    text = json.dumps(saved(result(1, 2, 3, 4))).replace("[1, 2, 3, 4]", "[1, NaN, 1e999, 4]").encode()
    found = parse(SOURCE, text)
    assert [row["metric_value"] for row in found.tables["cloudwatch_metrics"]] == [1, 4]
    reason = "the value is not finite, or too large (NaN, Infinity, 1e999)"
    assert found.reasons == [("0/1", reason), ("0/2", reason)]
    assert found.counts == {"read": 1, "loaded": 1, "quarantined": 0, "filtered": 0}


def test_a_series_without_values_is_left_out() -> None:
    assert parse(SOURCE, saved(result())).counts == {"read": 1, "loaded": 0, "quarantined": 0, "filtered": 1}


def test_times_of_the_first_version_of_the_cli_are_numbers() -> None:
    assert only_row(SOURCE, saved(result(1, Timestamps=[1714978800.0])))["period_at"] == datetime(
        2024, 5, 6, 7, tzinfo=UTC
    )


def test_saved_answers_may_be_lines() -> None:
    text = b"\n".join(json.dumps(saved(result(value))).encode() for value in (1, 2)) + b"\n{broken"
    found = parse(SOURCE, text, "s3://saved/answers.jsonl")
    assert [row["position"] for row in found.tables["cloudwatch_metrics"]] == ["0/0", "1/0"]
    assert [position for position, _ in found.reasons] == ["2"]


def test_large_units_come_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelhouse.sources.metrics.answers._CHUNK_ROWS", 10)
    found = parse(SOURCE, saved(*(result(*range(7), Timestamps=_times(hour)) for hour in range(5))))
    assert len(found.tables["cloudwatch_metrics"]) == 35


def _times(hour: int) -> list[str]:
    return [f"2024-05-06T{hour:02}:{minute:02}:00Z" for minute in range(7)]
