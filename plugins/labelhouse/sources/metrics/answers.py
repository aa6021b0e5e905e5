"""Answers of GetMetricData as rows: a record is one series and statistic, a row one of its values.

A document holds queries and results, as AWS names them, which belong together by their `Id`. Several results of one
`Id` are parts of one series; of a period that two of them hold the later counts, the other is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from labelhouse.sources import Unit
from labelhouse.sources.documents import (
    CLOCK_SKEW,
    Text,
    Unreadable,
    decode,
    encode_flawed,
    flaw,
    kind,
    lines,
    shaped,
    time,
    unpack,
)
from labelhouse.sources.metrics.catalog import unit_of
from labelhouse.sources.metrics.periods import SCHEME
from labelhouse.sources.parsed import Parsed

if TYPE_CHECKING:
    from labelhouse.identities import Identities

TABLE = "cloudwatch_metrics"
_COLUMNS = (
    "position",
    "event_at",
    "account_id",
    "aws_region",
    "namespace",
    "metric_name",
    "dimensions",
    "series_key",
    "statistic",
    "period_seconds",
    "period_at",
    "metric_value",
    "unit",
)
#: A chunk ends after so many rows.
_CHUNK_ROWS = 200_000
#: Dimensions whose values are people, in lower case.
_PEOPLE = frozenset({"workerid", "cognitosubid", "sub", "username"})
_LONGEST_PERIOD_SECONDS = 86_400 * 366


class _Pascal(msgspec.Struct, rename="pascal"):
    """Field names as AWS writes them."""


class _Dimension(_Pascal):
    name: str
    value: str


class _Metric(_Pascal):
    namespace: str
    metric_name: str
    dimensions: list[_Dimension] | None = None


class _Stat(_Pascal):
    metric: _Metric
    period: int
    stat: str
    unit: str | None = None


class _Query(_Pascal):
    id: str
    metric_stat: _Stat | None = None
    account_id: str | None = None


class _Result(_Pascal):
    id: str
    timestamps: list[str | float] = []
    status_code: str | None = None


class _Reading:
    """What becomes of a unit, chunk by chunk."""

    def __init__(self, unit: Unit, identities: Identities) -> None:
        self._unit_at, self._identities = unit.unit_at, identities
        latest_at = datetime.now(UTC) + CLOCK_SKEW
        self._time = lru_cache(4096)(lambda text: _moment(text, latest_at))
        self.number = 0
        self._begin()

    def _begin(self) -> None:
        self.parsed = Parsed(self._unit_at, self._identities)
        self._columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}

    @property
    def row_count(self) -> int:
        """Rows of this chunk so far."""
        return len(self._columns["position"])

    def chunk(self) -> Parsed:
        """What was read so far; what follows goes into another."""
        done = self.parsed
        if self.row_count:
            done.columns(TABLE, self._columns)
        self._begin()
        return done

    def refuse(self, reason: str, raw: Any, *, cleaned: bool = True) -> None:
        """A record of which nothing can be loaded."""
        data = encode_flawed(raw) if cleaned else raw
        self.parsed.quarantine(str(self.number), reason, data, cleaned=cleaned)
        self.number += 1

    def document(self, text: Text | memoryview) -> Iterator[Parsed]:
        """A document's results, each a record."""
        text_bytes = bytes(text)
        try:
            document, is_suspect = decode(text_bytes)
        except Unreadable as reason:
            self.refuse(str(reason), text_bytes, cleaned=False)
            return
        if not isinstance(document, dict) or not isinstance(document.get("MetricDataResults"), list):
            self.refuse("the document holds no list of MetricDataResults", text_bytes, cleaned=False)
            return
        if b"@" in text_bytes or b"%40" in text_bytes or b"\\" in text_bytes:
            document = self._identities.clean(document)
        if "MetricDataQueries" in document:
            document["MetricDataQueries"] = _without_people(document["MetricDataQueries"], self._identities)
        place = {name: document.get(name) for name in ("Region", "AccountId")}
        queries = _queries(document.get("MetricDataQueries"))
        held: dict[str, set[datetime]] = {}
        results = document["MetricDataResults"]
        # from behind: of a period that comes twice the later one counts
        kept = [self._points(result, held, is_suspect=is_suspect) for result in reversed(results)][::-1]
        for result, points in zip(results, kept, strict=True):
            self._record(result, points, queries, place, is_suspect=is_suspect)
            if self.row_count >= _CHUNK_ROWS:
                yield self.chunk()

    def _points(self, result: Any, held: dict[str, set[datetime]], *, is_suspect: bool) -> Any:
        """The numbers of the points of a result that no later one holds, with their times; or why there are none."""
        try:
            if is_suspect and (found := flaw(_without_values(result))):
                raise Unreadable(found)
            shape = shaped(_without_values(result), _Result, "the result")
            values = result.get("Values") or []
            if not isinstance(values, list) or len(values) != len(shape.timestamps):
                raise Unreadable("Timestamps and Values are not lists of one length")
        except Unreadable as reason:
            return reason
        known = held.setdefault(shape.id, set())
        points: list[tuple[int, datetime | Unreadable]] = []
        for number in range(len(values) - 1, -1, -1):
            try:
                moment = self._time(shape.timestamps[number])
            except Unreadable as reason:
                points.append((number, reason))
                continue
            if moment not in known:
                known.add(moment)
                points.append((number, moment))
        return shape, points[::-1]

    def _record(
        self, result: Any, points: Any, queries: dict[str, Any], place: dict[str, Any], *, is_suspect: bool
    ) -> None:
        try:
            if isinstance(points, Unreadable):
                raise points
            shape, pairs = points
            if shape.status_code == "Forbidden" or (shape.status_code == "InternalError" and not pairs):
                raise Unreadable(f"CloudWatch did not answer for this series ({shape.status_code})")
            series = _series(queries, shape.id, place, is_suspect=is_suspect)
        except Unreadable as reason:
            self.refuse(str(reason), _with_query(result, queries))
            return
        values = result.get("Values") or []
        before, flaws = self.row_count, []
        for number, moment in pairs:
            wrong = str(moment) if isinstance(moment, Unreadable) else _flaw_of(values[number])
            if wrong:
                flaws.append((number, wrong))
            else:
                self._columns["position"].append(f"{self.number}/{number}")
                self._columns["period_at"].append(moment)
                self._columns["metric_value"].append(float(values[number]))
        count = self.row_count - before
        if flaws and not count:
            self.refuse(flaws[0][1], _with_query(result, queries))
            return
        for number, wrong in flaws:
            raw = encode_flawed({**_query_of(series), "Timestamp": _at(result, number), "Value": values[number]})
            self.parsed.quarantine_part(f"{self.number}/{number}", wrong, raw, cleaned=True)
        self._columns["event_at"] += self._columns["period_at"][before:]
        for name, value in series.items():
            self._columns[name] += [value] * count
        self.parsed.parts_filtered += len(values) - len(pairs)
        if count:
            self.parsed.loaded()
        else:
            self.parsed.filtered()  # a series without values in this time
        self.number += 1


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """Rows, quarantine and counts of a unit, in chunks. Data never raises.

    A unit of CloudWatch, and a file named `….jsonl`, is a document a line; any other file is one document.
    """
    reading = _Reading(unit, identities)
    if data or not unit.uri.startswith(SCHEME):
        try:
            text = unpack(data)
        except Unreadable as reason:
            reading.refuse(str(reason), data, cleaned=False)
        else:
            for document in _documents(unit, text):
                yield from reading.document(document)
    yield reading.chunk()


def _documents(unit: Unit, text: Text) -> Iterator[Text | memoryview]:
    if unit.uri.startswith(SCHEME) or unit.uri.lower().removesuffix(".gz").endswith(".jsonl"):
        yield from (line for _, line in lines(text))
    else:
        yield text


def _without_people(value: Any, identities: Identities) -> Any:
    """A document with pseudonyms for the values of dimensions that are people, wherever they stand."""
    if isinstance(value, list):
        return [_without_people(item, identities) for item in value]
    if not isinstance(value, dict):
        return value
    name, person = value.get("Name"), value.get("Value")
    if isinstance(name, str) and name.lower().replace("_", "") in _PEOPLE and person not in (None, ""):
        return {**value, "Value": identities.pseudonym(str(person))}
    return {key: _without_people(item, identities) for key, item in value.items()}


def _without_values(result: Any) -> Any:
    """A result as far as it must be without flaws; a value that is no number is no reason to lose the others."""
    return {key: item for key, item in result.items() if key != "Values"} if isinstance(result, dict) else result


def _queries(value: Any) -> dict[str, Any]:
    """Queries by their ids; what is none is left to the results that miss it."""
    found = value if isinstance(value, list) else []
    return {each["Id"]: each for each in found if isinstance(each, dict) and isinstance(each.get("Id"), str)}


def _series(queries: dict[str, Any], query_id: str, place: dict[str, Any], *, is_suspect: bool) -> dict[str, Any]:
    """The columns that all rows of a record share.

    Raises:
        Unreadable: nobody knows what was asked.
    """
    if query_id not in queries:
        raise Unreadable("no query of that Id is in MetricDataQueries")
    if is_suspect and (found := flaw([queries[query_id], place])):
        raise Unreadable(found)
    query = shaped(queries[query_id], _Query, "the query")
    if query.metric_stat is None:
        raise Unreadable("the query is an expression and names no metric")
    stat, metric = query.metric_stat, query.metric_stat.metric
    if not (metric.namespace and metric.metric_name and stat.stat):
        raise Unreadable("Namespace, MetricName or Stat is empty")
    if not 1 <= stat.period <= _LONGEST_PERIOD_SECONDS:
        raise Unreadable("Period is not between a second and a year")
    dimensions = {each.name: each.value for each in sorted(metric.dimensions or [], key=lambda each: each.name)}
    account, region = query.account_id or place["AccountId"], place["Region"]
    return {
        "account_id": account if isinstance(account, str) else None,
        "aws_region": region if isinstance(region, str) else None,
        "namespace": metric.namespace,
        "metric_name": metric.metric_name,
        "dimensions": dimensions,
        "series_key": ",".join(f"{name}={value}" for name, value in dimensions.items()),
        "statistic": stat.stat,
        "period_seconds": stat.period,
        "unit": stat.unit or unit_of(metric.namespace, metric.metric_name),
    }


def _with_query(result: Any, queries: dict[str, Any]) -> dict[str, Any]:
    """A result and what was asked, as quarantine keeps them."""
    query_id = result.get("Id") if isinstance(result, dict) else None
    query = queries.get(query_id) if isinstance(query_id, str) else None
    return {"MetricDataQueries": [query] if query else [], "MetricDataResults": [result]}


def _query_of(series: dict[str, Any]) -> dict[str, Any]:
    return {name: series[name] for name in ("namespace", "metric_name", "dimensions", "statistic", "period_seconds")}


def _at(result: dict[str, Any], number: int) -> Any:
    return result["Timestamps"][number]


def _flaw_of(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"the value is {kind(value)}, not a number"
    return None if math.isfinite(value) else "the value is not finite, or too large (NaN, Infinity, 1e999)"


def _moment(value: str | float, latest_at: datetime) -> datetime:
    """A time as the AWS CLI writes it: ISO 8601, or (version 1 of it) seconds since 1970."""
    if not isinstance(value, str):
        try:
            value = datetime.fromtimestamp(value, UTC).isoformat()
        except (ValueError, OverflowError, OSError):
            raise Unreadable("Timestamp is not a time") from None
    found = time(value, "Timestamp", latest_at)
    if found is None:
        raise Unreadable("Timestamp is empty")
    return found
