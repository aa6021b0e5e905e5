"""CloudWatch's metrics of the account, as AWS documents them: pages, parts, limits, and what is hidden."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from labelhouse.demo.measurements import LISTED_FOR, TICK, Meter, Series, Tick, last_measured, meters
from labelhouse.demo.region import Region
from labelhouse.demo.wire import ApiError, Parameters, operation, page, position, token

REFUSAL = "ValidationError"
_SERIES_A_PAGE, _POINTS_A_PAGE, _MOST_QUERIES = 500, 100_800, 500
#: Period → how long its values are kept.
_KEPT = {60: timedelta(days=15), 300: timedelta(days=63), 3600: timedelta(days=455)}
_AN_HOUR = timedelta(hours=1)
_PERCENTILES = {"p50": 0.3, "p90": 0.7, "p99": 0.97}


def _list_metrics(region: Region, request: Parameters) -> dict[str, Any]:
    """Series idle for two weeks are not listed."""
    wanted = (request.get("Namespace"), request.get("MetricName"))
    found = sorted(
        series
        for series in meters(region)
        if wanted[0] in (None, series.namespace)
        and wanted[1] in (None, series.metric_name)
        and last_measured(region, series) > region.now - LISTED_FOR
    )
    shown, rest = page(region, found, request, "NextToken", _SERIES_A_PAGE, REFUSAL)
    return {"Metrics": [_metric(series) for series in shown], **rest}


def _metric(series: Series) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in series.dimensions]
    return {"Namespace": series.namespace, "MetricName": series.metric_name, "Dimensions": dimensions}


def _get_metric_data(region: Region, request: Parameters) -> dict[str, Any]:
    """Every series in parts, where a page is full; a start is included and an end is not."""
    queries = request["MetricDataQueries"]
    if len(queries) > _MOST_QUERIES:
        raise ApiError(REFUSAL, f"The collection MetricDataQueries must not have a size greater than {_MOST_QUERIES}.")
    if len({query["Id"] for query in queries}) < len(queries):
        raise ApiError(REFUSAL, "The values for parameter Id in MetricDataQueries are not unique.")
    start, end = (datetime.fromtimestamp(request[name], UTC) for name in ("StartTime", "EndTime"))
    if start >= end:
        raise ApiError(REFUSAL, "The parameter StartTime must be less than the parameter EndTime.")
    known = meters(region)
    first = int(position(region, request, "NextToken", REFUSAL) or 0)
    room, passed = min(request.get("MaxDatapoints", _POINTS_A_PAGE), _POINTS_A_PAGE), 0
    results = []
    for query in queries:
        points = _points(region, known, query, start, end)
        shown = points[max(first - passed, 0) : max(first + room - passed, 0)]
        is_whole = passed + len(points) <= first + room
        passed += len(points)
        if shown or (not points and first == 0):
            results.append(
                {
                    "Id": query["Id"],
                    "Label": query["MetricStat"]["Metric"]["MetricName"],
                    "Timestamps": [at for at, _ in shown],
                    "Values": [value for _, value in shown],
                    "StatusCode": "Complete" if is_whole else "PartialData",
                }
            )
    rest = {"NextToken": token(region, request, "NextToken", first + room)} if first + room < passed else {}
    return {"MetricDataResults": results, "Messages": [], **rest}


def _points(
    region: Region, known: dict[Series, Meter], query: dict[str, Any], start: datetime, end: datetime
) -> list[tuple[datetime, float]]:
    if "MetricStat" not in query:
        raise ApiError(REFUSAL, "The simulated account does not reckon with expressions.")
    stat = query["MetricStat"]
    metric, period = stat["Metric"], timedelta(seconds=stat["Period"])
    dimensions = tuple(sorted((each["Name"], each["Value"]) for each in metric.get("Dimensions", ())))
    meter = known.get(Series(metric["Namespace"], metric["MetricName"], dimensions))
    forgotten = region.now - next((kept for most, kept in _KEPT.items() if stat["Period"] <= most), _KEPT[3600])
    if meter is None:
        return []
    ticks: dict[datetime, list[Tick]] = {}
    hour = start.replace(minute=0, second=0, microsecond=0)
    while hour < min(end, region.now):
        for at, tick in meter(hour).items():
            begin = at - (at - datetime.min.replace(tzinfo=UTC)) % period
            if start <= begin < end and forgotten < begin and at + TICK <= region.now:
                ticks.setdefault(begin, []).append(tick)
        hour += _AN_HOUR
    return [(at, _statistic(stat["Stat"], reduce(Tick.with_another, found))) for at, found in sorted(ticks.items())]


def _statistic(name: str, tick: Tick) -> float:
    if name in _PERCENTILES:
        return tick.least + (tick.most - tick.least) * _PERCENTILES[name]
    average = tick.total / tick.sample_count if tick.sample_count else 0.0
    values = {
        "Sum": tick.total,
        "Average": average,
        "Minimum": tick.least,
        "Maximum": tick.most,
        "SampleCount": tick.sample_count,
    }
    if name not in values:
        raise ApiError(REFUSAL, f"The value {name} for parameter Stat is not supported.")
    return values[name]


OPERATIONS = {
    "ListMetrics": operation(_list_metrics, "Namespace", "MetricName", "NextToken"),
    "GetMetricData": operation(
        _get_metric_data, "MetricDataQueries", "StartTime", "EndTime", "NextToken", "ScanBy", "MaxDatapoints"
    ),
}
