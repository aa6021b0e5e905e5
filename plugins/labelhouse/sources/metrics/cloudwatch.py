"""CloudWatch asked: which series there are, and their values in a stretch of time.

**Series.** ListMetrics hides a series two weeks after its last value. What is asked for is what it lists; for older
days also the catalog's metrics of the whole account, whose series need no listing. Series of resources that have been
idle for longer cannot be found by anybody: they are in the lake if they were read in time.

**Values.** GetMetricData takes 500 queries; an answer comes in pages, a series in parts (`PartialData`), until a page
has no token. A start is included and an end is not. What fails within CloudWatch (`InternalError`) is asked again.
"""

from __future__ import annotations

import random
import time as clock
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources import Clients, UnitGone, control_plane
from labelhouse.sources.control_plane import Api, saved
from labelhouse.sources.metrics import catalog
from labelhouse.sources.metrics.periods import COARSE, HIGH_RESOLUTION_KEPT, Stretch, UnitName

#: Queries that one call may hold.
MOST_QUERIES = 500
#: So long a listing of series is good for the units of a load.
LISTING_SECONDS = 600.0
#: How long CloudWatch keeps values of 60 s.
_FINE_KEPT = timedelta(days=15)
#: States of a series in an answer that asking again may change.
_PASSING = frozenset({"InternalError", "PartialData"})


class Series(NamedTuple):
    """One series of a namespace; its dimensions are sorted by name."""

    metric_name: str
    dimensions: tuple[tuple[str, str], ...]


class _Answer(NamedTuple):
    """What CloudWatch says of one query, all pages together."""

    status: str
    messages: list[dict[str, str]]
    values: dict[datetime, float]


class CloudWatch:
    """The metrics of one account and region.

    Args:
        uri: what is being read, for the sentences of errors.
    """

    def __init__(self, clients: Clients, region: str, uri: str) -> None:
        self._clients, self._region, self._uri = clients, region, uri
        self._api = Api(clients, "cloudwatch", region, uri)

    def account_id(self) -> str | None:
        """The account whose metrics these are, which everybody may ask; None where it is refused all the same.

        Raises:
            SourceUnavailableError: the service does not answer now.
        """
        try:
            account: str = Api(self._clients, "sts", self._region, self._uri).ask("get_caller_identity")["Account"]
        except SourceUnavailableError:
            raise
        except SourceError:
            return None
        return account

    def series(self, namespace: str) -> list[Series]:
        """Every series of a namespace that is listed, in order. Known for ten minutes: units of a load share them.

        Raises:
            SourceError: they cannot be listed to the end.
        """
        with _listing:
            known = _listed.setdefault(self._clients(f"cloudwatch@{self._region}"), {})
            at, found = known.get(namespace, (0.0, None))
            if found is None or clock.monotonic() - at > LISTING_SECONDS:
                found = self._list(namespace)
                known[namespace] = clock.monotonic(), found
        return found

    def _list(self, namespace: str) -> list[Series]:
        metrics = self._api.listing("list_metrics", "Metrics", _series_of, Namespace=namespace)
        return sorted({_series_of(metric) for metric in metrics})

    def values(self, name: UnitName) -> bytes:
        """The values of a unit: a line of JSON for each series and statistic that has some, in order.

        The same bytes for the same values, whichever other series are listed. Each line holds the query and what was
        answered, in AWS's words, as a saved answer does.

        Raises:
            UnitGone: CloudWatch has begun to forget this stretch of time.
            SourceUnavailableError: the service does not answer now.
            SourceError: it cannot be read.
        """
        stretch = name.stretch
        if stretch.start < datetime.now(UTC) - _kept(stretch.period_seconds):
            raise UnitGone(self._uri)
        series = set(self.series(name.namespace))
        if stretch.is_closed:
            series |= {Series(metric, ()) for metric in catalog.metrics_of_the_account(name.namespace)}
        queries = [
            _query(name.namespace, each, statistic, stretch.period_seconds)
            for each in sorted(series)
            for statistic in catalog.statistics_of(name.namespace, each.metric_name)
        ]
        lines = []
        for first in range(0, len(queries), MOST_QUERIES):
            asked = queries[first : first + MOST_QUERIES]
            for query, answer in zip(asked, self._answers(asked, stretch), strict=True):
                if answer.values or answer.status != "Complete":
                    lines.append(_line(name, query, answer))
        return b"\n".join(lines)

    def _answers(self, queries: Sequence[dict[str, Any]], stretch: Stretch) -> list[_Answer]:
        """One answer a query; those that CloudWatch could not finish are asked for again."""
        answers = [_Answer("Complete", [], {}) for _ in queries]
        left = list(range(len(queries)))
        for wait in (*control_plane.WAITS_SECONDS, None):
            results = self._api.listing(
                "get_metric_data",
                "MetricDataResults",
                # parts of a series are told apart by what they hold
                lambda result: (result["Id"], result.get("StatusCode"), tuple(result.get("Timestamps", ()))),
                MetricDataQueries=[{"Id": f"m{number}", **queries[number]} for number in left],
                StartTime=stretch.start,
                EndTime=stretch.end,
                ScanBy="TimestampAscending",
            )
            for result in results:
                number = int(result["Id"][1:])
                values = answers[number].values | _values(result, stretch)
                answers[number] = _Answer(result.get("StatusCode", "Complete"), result.get("Messages", []), values)
            left = [number for number in left if answers[number].status in _PASSING]
            if not left:
                return answers
            if wait is not None:
                clock.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 - so that not all ask again at once
        raise SourceError(f"CloudWatch gives no whole answer for {len(left)} series and statistics", value=self._uri)


#: Client → namespace → when it was listed, and its series.
_listed: WeakKeyDictionary[Any, dict[str, tuple[float, list[Series] | None]]] = WeakKeyDictionary()
_listing = Lock()


def forget_listings() -> None:
    """Lets every namespace be listed afresh."""
    with _listing:
        _listed.clear()


def _kept(period_seconds: int) -> timedelta:
    if period_seconds < 60:
        return HIGH_RESOLUTION_KEPT
    return COARSE.get(period_seconds, _FINE_KEPT)


def _series_of(metric: dict[str, Any]) -> Series:
    dimensions = sorted((each["Name"], each["Value"]) for each in metric.get("Dimensions", ()))
    return Series(metric["MetricName"], tuple(dimensions))


def _query(namespace: str, series: Series, statistic: str, period_seconds: int) -> dict[str, Any]:
    metric = {
        "Namespace": namespace,
        "MetricName": series.metric_name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in series.dimensions],
    }
    return {"MetricStat": {"Metric": metric, "Period": period_seconds, "Stat": statistic}, "ReturnData": True}


def _values(result: dict[str, Any], stretch: Stretch) -> dict[datetime, float]:
    points = zip(result.get("Timestamps", ()), result.get("Values", ()), strict=False)
    found = {moment.astimezone(UTC): value for moment, value in points}
    return {moment: value for moment, value in found.items() if stretch.start <= moment < stretch.end}


def _line(name: UnitName, query: dict[str, Any], answer: _Answer) -> bytes:
    times = sorted(answer.values)
    result = {
        "Id": "m",
        "StatusCode": answer.status,
        "Timestamps": times,
        "Values": [answer.values[moment] for moment in times],
        "Messages": answer.messages,
    }
    return saved(
        {
            "Region": name.region,
            "AccountId": name.account_id,
            "MetricDataQueries": [{"Id": "m", **query}],
            "MetricDataResults": [result],
        }
    )
