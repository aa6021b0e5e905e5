"""CloudWatch as its documentation describes it: pages, parts of series, limits, and periods that age."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from labelhouse.sources import Clients
from served_aws import clients_of, refused

REGION, ACCOUNT = "us-east-2", "011122223333"
PLACE = f"cloudwatch://{REGION}"
#: Whole hours before the present are easy to reckon with.
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
ENDPOINT = {"EndpointName": "live", "VariantName": "AllTraffic"}

MOST_QUERIES, MOST_POINTS = 500, 100_800
#: Periods → how long values are kept in them.
KEPT = {1: timedelta(hours=3), 60: timedelta(days=15), 300: timedelta(days=63), 3600: timedelta(days=455)}

_Key = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass
class CloudWatch:
    """The metrics of an account.

    Args:
        points_a_page: points of an answer before its token; series that do not fit come in parts.
        series_a_page: series a page of a listing.
        idle: series that are not listed, though they have values.
        faults: number of the call, from 0 → what is raised instead of its answer.
        states: metric → what it is said to be in, call by call, instead of having values.
        calls: operations with their parameters, as they were asked.
    """

    points: dict[_Key, dict[datetime, float]] = field(default_factory=lambda: defaultdict(dict))
    points_a_page: int = MOST_POINTS
    series_a_page: int = 500
    idle: set[str] = field(default_factory=set)
    faults: dict[int, Exception] = field(default_factory=dict)
    unservable: dict[str, Exception] = field(default_factory=dict)
    states: dict[str, list[str]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def put(
        self, metric_name: str, at: datetime, *values: float, namespace: str = "AWS/SageMaker", **dimensions: str
    ) -> CloudWatch:
        """One value a minute, from that time on."""
        series = self.points[namespace, metric_name, tuple(sorted((dimensions or ENDPOINT).items()))]
        series |= {at + timedelta(minutes=number): value for number, value in enumerate(values)}
        return self

    @property
    def clients(self) -> Clients:
        return clients_of(self.answer)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of every call of an operation."""
        return [parameters for name, parameters in self.calls if name == operation]

    def answer(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, parameters))
        if fault := self.faults.get(len(self.calls) - 1) or self.unservable.get(operation):
            raise fault
        given: dict[str, Any] = getattr(self, f"_{operation}")(parameters)
        return given

    def _GetCallerIdentity(self, _parameters: dict[str, Any]) -> dict[str, Any]:
        return {"Account": ACCOUNT, "UserId": "AIDA", "Arn": f"arn:aws:iam::{ACCOUNT}:user/reader"}

    def _ListMetrics(self, parameters: dict[str, Any]) -> dict[str, Any]:
        listed = [
            {"Namespace": space, "MetricName": name, "Dimensions": [_named(each) for each in dimensions]}
            for (space, name, dimensions) in self.points
            if space == parameters["Namespace"] and name not in self.idle
        ]
        start = int(parameters.get("NextToken", 0))
        end = start + self.series_a_page
        return {"Metrics": listed[start:end]} | ({"NextToken": str(end)} if end < len(listed) else {})

    def _GetMetricData(self, parameters: dict[str, Any]) -> dict[str, Any]:
        queries = parameters["MetricDataQueries"]
        if len(queries) > MOST_QUERIES:
            raise refused("ValidationError", message="The collection MetricDataQueries must not have more than 500.")
        assert len({query["Id"] for query in queries}) == len(queries)
        results = [(query["Id"], *self._values(query["MetricStat"], parameters)) for query in queries]
        skip, room = int(parameters.get("NextToken", 0)), min(self.points_a_page, MOST_POINTS)
        page, position = [], 0
        for query_id, status, values in results:
            first, last = max(skip - position, 0), min(max(skip + room - position, 0), len(values))
            position += len(values)
            shown = values[first:last] if first < last else []
            if not (shown or (not values and skip == 0)):
                continue
            state = status or ("PartialData" if last < len(values) else "Complete")
            page.append(
                {
                    "Id": query_id,
                    "Label": "whatever",
                    "Timestamps": [at for at, _ in shown],
                    "Values": [value for _, value in shown],
                    "StatusCode": state,
                    "Messages": [{"Code": state, "Value": "in AWS's words"}] if status else [],
                }
            )
        rest = {"NextToken": str(skip + room)} if skip + room < position else {}
        return {"MetricDataResults": page, "Messages": []} | rest

    def _values(self, stat: dict[str, Any], parameters: dict[str, Any]) -> tuple[str | None, list[Any]]:
        metric, period = stat["Metric"], timedelta(seconds=stat["Period"])
        if states := self.states.get(metric["MetricName"]):
            return (states.pop(0) if len(states) > 1 else states[0]), []
        dimensions = tuple(sorted((each["Name"], each["Value"]) for each in metric["Dimensions"]))
        series = self.points.get((metric["Namespace"], metric["MetricName"], dimensions), {})
        age = datetime.now(UTC) - KEPT.get(stat["Period"], KEPT[60])
        buckets: dict[datetime, list[float]] = defaultdict(list)
        for at, value in series.items():
            start = at - (at - datetime.min.replace(tzinfo=UTC)) % period
            if parameters["StartTime"] <= start < parameters["EndTime"] and start >= age:
                buckets[start].append(value)
        found = [(at, _statistic(stat["Stat"], values)) for at, values in sorted(buckets.items())]
        return None, found


def _named(dimension: tuple[str, str]) -> dict[str, str]:
    return {"Name": dimension[0], "Value": dimension[1]}


def _statistic(name: str, values: list[float]) -> float:
    ordered = sorted(values)
    return {
        "Sum": sum(values),
        "Average": sum(values) / len(values),
        "Minimum": ordered[0],
        "Maximum": ordered[-1],
        "SampleCount": float(len(values)),
        "p50": ordered[len(ordered) // 2],
        "p90": ordered[int(len(ordered) * 0.9)],
        "p99": ordered[-1],
    }[name]
