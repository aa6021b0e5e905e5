"""The regular `BatchPutMetrics` calls of many log files at once, column by column.

DuckDB reads the JSON (`from_json`, a parser in C over whole documents) and hands over Arrow columns; what a call says
once (who, where, which run) is dictionary-encoded, cleaned once a distinct value, and repeated for its points by index.
A call with anything odd about it (a missing field, NaN, a refused point, a time in seconds or ahead of the clock) is
left out and named, for `trail_records` to look at: here are no reasons, only rows beyond doubt.

DuckDB takes numbers in quotes for numbers, and the first of repeated keys for the key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelhouse.sources import Unit
from labelhouse.sources.documents import EARLIEST, Text
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.trail_records import (
    CHANGING_OPERATION,
    MANAGEMENT_SOURCES,
    METRICS_OPERATION,
    METRICS_SOURCE,
    SHORTEST_MILLISECONDS,
)

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.sources.callers import Callers

#: Which records are ours, as `kinds` of the query.
_FOREIGN, _METRIC_CALL, _TO_LOOK_AT = 0, 1, 2

_SHAPE = """{"Records": [{
    "eventTime": "VARCHAR", "eventID": "VARCHAR", "eventSource": "VARCHAR", "eventName": "VARCHAR",
    "awsRegion": "VARCHAR", "sourceIPAddress": "VARCHAR", "userAgent": "VARCHAR", "errorCode": "VARCHAR",
    "recipientAccountId": "VARCHAR", "readOnly": "VARCHAR",
    "userIdentity": {"type": "VARCHAR", "arn": "VARCHAR", "invokedBy": "VARCHAR"},
    "requestParameters": {"trialComponentName": "VARCHAR", "metricData": [
        {"metricName": "VARCHAR", "timestamp": "DOUBLE", "step": "VARCHAR", "value": "DOUBLE"}]},
    "responseElements": {"errors": "VARCHAR"},
    "resources": [{"accountId": "VARCHAR", "type": "VARCHAR", "ARN": "VARCHAR"}]
}]}"""

#: A document that is no JSON, or no log file, gives NULLs.
_QUERY = f"""
    select
        list_transform(records, lambda r: case
            when r.eventSource = '{METRICS_SOURCE}'
                then if(r.eventName = '{METRICS_OPERATION}', {_METRIC_CALL}, {_FOREIGN})
            when r.eventSource is null or r.eventName is null then {_TO_LOOK_AT}
            when r.eventSource in {MANAGEMENT_SOURCES} and coalesce(r.readOnly, '') <> 'true'
                and regexp_matches(r.eventName, '{CHANGING_OPERATION}') then {_TO_LOOK_AT}
            else {_FOREIGN}
        end::tinyint) as kinds,
        list_filter(
            records, lambda r: r.eventSource = '{METRICS_SOURCE}' and r.eventName = '{METRICS_OPERATION}'
        ) as calls
    from (select try(from_json(text, '{_SHAPE}')).Records as records from documents)
"""
_EVENT_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
_UTC = pa.timestamp("us", tz="UTC")

#: What one document gives: its rows and counts so far, and the numbers of the records to look at (None: all).
Outcome = tuple[Parsed, Sequence[int] | None]


class MetricCalls:
    """Parses groups of documents; a context manager, since it holds an in-memory DuckDB."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "enable_external_access": False,
            "threads": min(2, os.cpu_count() or 1),
        }
        self._duckdb = duckdb.connect(config=config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._duckdb.close()

    def parse(self, documents: Sequence[tuple[Unit, Text, int]], identities: Identities) -> list[Outcome]:
        """One outcome a document.

        Args:
            documents: unit, text and number of the first record.
        """
        if not documents:
            return []
        found = self._read([text for _, text, _ in documents])
        kinds, calls = (found[name].combine_chunks() for name in ("kinds", "calls"))
        now = datetime.now(UTC)
        events = _Events(calls, kinds, [first for _, _, first in documents], self._callers, now)
        outcomes: list[Outcome] = []
        for number, (unit, _, _) in enumerate(documents):
            parsed = Parsed(unit.unit_at, identities)
            if not kinds[number].is_valid:
                outcomes.append((parsed, None))
                continue
            document_kinds = kinds[number].values.to_numpy()
            parsed.filtered(int(np.count_nonzero(document_kinds == _FOREIGN)))
            odd = events.load(number, parsed)
            to_look_at = np.flatnonzero(document_kinds == _TO_LOOK_AT)
            outcomes.append((parsed, np.sort(np.concatenate([to_look_at, odd])).tolist()))
        return outcomes

    def _read(self, texts: list[Text]) -> pa.Table:
        # no copies: each text is a row whose bytes stay where they are
        rows = [
            pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, len(text)], np.int32)), pa.py_buffer(text))
            for text in texts
        ]
        self._duckdb.register("documents", pa.table({"text": pa.chunked_array(rows)}))
        try:
            return self._duckdb.sql(_QUERY).to_arrow_table()
        finally:
            self._duckdb.unregister("documents")


class _Events:
    """The metric calls of a group of documents, flattened: calls (one an event), and points (many)."""

    def __init__(
        self, calls: pa.ListArray, kinds: pa.ListArray, first_records: list[int], callers: Callers, now: datetime
    ) -> None:
        self._call_ends = np.concatenate([[0], np.cumsum(pc.fill_null(pc.list_value_length(calls), 0).to_numpy())])
        numbers = [
            np.flatnonzero(kind.values.to_numpy() == _METRIC_CALL) if kind.is_valid else np.empty(0, np.int64)
            for kind in kinds
        ]
        self._numbers = np.concatenate(numbers)
        events = calls.flatten()
        self._lengths, is_odd, points = _points(events, now)
        self._is_odd = is_odd
        self._records = self._numbers + np.repeat(first_records, np.diff(self._call_ends))
        self._event_ids = pc.struct_field(events, "eventID")
        self._keep(events, points, callers)

    def load(self, document: int, parsed: Parsed) -> np.ndarray:
        """Adds a document's clean calls to `parsed`; returns the numbers of its other calls."""
        calls = slice(self._call_ends[document], self._call_ends[document + 1])
        is_odd = self._is_odd[calls]
        clean_count = int(np.count_nonzero(~is_odd))
        if clean_count:
            first, last = self._point_ends[calls.start], self._point_ends[calls.stop]
            columns = {name: column[first:last] for name, column in self._columns.items()}
            clean = np.flatnonzero(~is_odd) + calls.start
            parsed.columns("training_metrics", columns, self._records[clean], self._event_ids.take(pa.array(clean)))
            parsed.loaded(clean_count)
        odd: np.ndarray = self._numbers[calls][is_odd]
        return odd

    def _keep(self, events: pa.StructArray, points: pa.StructArray, callers: Callers) -> None:
        """The columns of the clean calls' points, in order; `_point_ends` says where each call's end."""
        lengths = np.where(self._is_odd, 0, self._lengths)
        self._point_ends = np.concatenate([[0], np.cumsum(lengths)])
        call_of = np.repeat(np.arange(len(lengths)), self._lengths)
        if self._is_odd.any():
            is_kept = ~self._is_odd[call_of]
            points, call_of = points.filter(pa.array(is_kept)), call_of[is_kept]
        index = pa.array(call_of, pa.int32())
        point_index = pa.array(np.arange(len(call_of)) - self._point_ends[call_of], pa.int32())

        def of_call(values: pa.Array, cleaned: Callable[[str], str] | None = None) -> pa.Array:
            return _encoded(values, cleaned).take(index)

        def field(name: str, within: pa.StructArray = events) -> pa.Array:
            return pc.struct_field(within, name)

        resource = _only_resources(events)
        caller = field("userIdentity")
        record = pa.array(self._records, pa.int64()).cast(pa.string()).take(index)
        self._columns: dict[str, Any] = {
            "position": pc.binary_join_element_wise(record, point_index.cast(pa.string()), "/"),
            "event_at": _times(field("eventTime")).take(index),
            "event_id": pa.DictionaryArray.from_arrays(index, self._event_ids),
            "point_index": point_index,
            "trial_component_name": of_call(field("trialComponentName", field("requestParameters")), callers.text),
            "trial_component_arn": of_call(field("ARN", resource), callers.text),
            "account_id": of_call(pc.coalesce(field("accountId", resource), field("recipientAccountId"))),
            "aws_region": of_call(field("awsRegion"), callers.text),
            "resource_type": of_call(field("type", resource), callers.text),
            "metric_name": _encoded(field("metricName", points), callers.text),
            "step": field("step", points).cast(pa.int64()),
            "metric_value": field("value", points),
            "metric_at": pc.multiply(field("timestamp", points).cast(pa.int64()), 1000).cast(_UTC),
            "principal_arn": of_call(pc.coalesce(field("arn", caller), field("invokedBy", caller)), callers.principal),
            "principal_type": of_call(field("type", caller), callers.text),
            "source_network": of_call(field("sourceIPAddress"), callers.network),
            "user_agent": of_call(field("userAgent"), callers.text),
        }


def _points(events: pa.StructArray, now: datetime) -> tuple[np.ndarray, np.ndarray, pa.StructArray]:
    """Points of each call, whether anything about a call is odd, and all points."""
    field = pc.struct_field
    data = field(events, ["requestParameters", "metricData"])
    lengths = pc.fill_null(pc.list_value_length(data), 0).to_numpy()
    points = pc.list_flatten(data)
    timestamp, step, value = (field(points, name) for name in ("timestamp", "step", "value"))
    earliest = max(EARLIEST.timestamp() * 1000, SHORTEST_MILLISECONDS)
    is_clean_point = _all(
        _is_name(field(points, "metricName")),
        _is_between(timestamp, earliest, now.timestamp() * 1000),
        pc.equal(timestamp, pc.floor(timestamp)),
        pc.is_finite(value),
        pc.fill_null(_is_step(step), True),
    )
    starts = np.cumsum(lengths) - lengths
    # a start too many, so that the last call may have no points
    has_odd_point = np.logical_or.reduceat(np.append(~is_clean_point, False), starts) if len(starts) else starts > 0
    is_clean = _all(
        _is_name(field(events, "eventID")),
        _is_name(field(events, ["requestParameters", "trialComponentName"])),
        _is_between(_times(field(events, "eventTime")), pa.scalar(EARLIEST, _UTC), pa.scalar(now, _UTC)),
        pc.is_null(field(events, "errorCode")),
        pc.is_null(field(events, ["responseElements", "errors"])),
        pc.equal(pc.list_value_length(field(events, "resources")), 1),
    )
    return lengths, ~is_clean | (lengths == 0) | has_odd_point, points


def _only_resources(events: pa.StructArray) -> pa.StructArray:
    """The resource of each call; calls with none or several are odd."""
    resources = pc.struct_field(events, "resources")
    first = np.minimum(resources.offsets.to_numpy()[:-1], max(len(resources.values) - 1, 0))
    if not len(resources.values):
        return pa.nulls(len(events), resources.type.value_type)
    return resources.values.take(pa.array(first))


def _times(texts: pa.StringArray) -> pa.TimestampArray:
    """Times such as 2022-12-14T21:53:41Z; NULL for every other text."""
    encoded = texts.dictionary_encode()
    values = encoded.dictionary
    regular = pc.if_else(pc.match_substring_regex(values, _EVENT_TIME), values, pa.scalar(None, pa.string()))
    try:
        times = regular.cast(_UTC)
    except pa.ArrowInvalid:  # the 31st of February
        times = pa.array([_time(text) for text in regular.to_pylist()], _UTC)
    return times.take(encoded.indices)


def _time(text: str | None) -> datetime | None:
    with suppress(ValueError, TypeError):
        return datetime.fromisoformat(text)  # type: ignore[arg-type]
    return None


def _encoded(values: pa.StringArray, cleaned: Callable[[str], str] | None = None) -> pa.DictionaryArray:
    """Dictionary-encoded values, each distinct one cleaned once; empty text is no text."""
    encoded = values.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    if cleaned:
        texts = [cleaned(text) or None for text in texts]
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(texts, pa.string())) if cleaned else encoded


def _is_name(texts: pa.StringArray) -> pa.BooleanArray:
    """Texts that are neither empty nor, read leniently, a list or an object."""
    is_json = pc.or_(pc.starts_with(texts, "{"), pc.starts_with(texts, "["))
    return pc.and_(pc.greater(pc.binary_length(texts), 0), pc.invert(is_json))


def _is_step(texts: pa.StringArray) -> pa.BooleanArray:
    return pc.and_(pc.ascii_is_decimal(texts), pc.less_equal(pc.binary_length(texts), 15))


def _is_between(values: pa.Array, lowest: Any, highest: Any) -> pa.BooleanArray:
    return pc.and_(pc.greater_equal(values, lowest), pc.less_equal(values, highest))


def _all(*conditions: pa.BooleanArray) -> np.ndarray:
    """Where every condition is true, and known."""
    met = conditions[0]
    for condition in conditions[1:]:
        met = pc.and_kleene(met, condition)
    flags: np.ndarray = pc.fill_null(met, False).to_numpy(zero_copy_only=False)
    return flags
