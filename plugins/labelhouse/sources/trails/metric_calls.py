"""The regular `BatchPutMetrics` calls of many log files at once, column by column.

What a call says once (who, where, which run) comes decoded from `log_files`; it is dictionary-encoded, cleaned once a
distinct value, and repeated for the call's points by index. The points are read by DuckDB (`from_json`, a parser in
C over the parameters of all calls of a file) straight into Arrow columns. A call with anything odd about it (a missing
field, NaN, a time in seconds or ahead of the clock) is left out and named, for `records` to look at: here are
no reasons, only rows beyond doubt.

DuckDB takes numbers in quotes for numbers, and the first of repeated keys for the key; elsewhere the last one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelhouse.sources.documents import EARLIEST
from labelhouse.sources.trails.records import SHORTEST_MILLISECONDS, caller_columns, refused_points, run_columns

if TYPE_CHECKING:
    from labelhouse.sources.parsed import Parsed
    from labelhouse.sources.trails.callers import Callers
    from labelhouse.sources.trails.log_files import Event

_SHAPE = """[{"trialComponentName": "VARCHAR", "metricData": [
    {"metricName": "VARCHAR", "timestamp": "DOUBLE", "step": "VARCHAR", "value": "DOUBLE"}]}]"""
#: Parameters that are no JSON give NULL.
_QUERY = f"select try(from_json(parameters, '{_SHAPE}')) as calls from log_files"
_EVENT_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
_UTC = pa.timestamp("us", tz="UTC")
_NOTHING = (b"null", b"")


#: What few callers and runs say in many calls.
_SAID_AGAIN = attrgetter("user_identity", "user_agent", "aws_region", "recipient_account_id", "resources")


class MetricCalls:
    """Parses groups of calls; a context manager, since it holds an in-memory DuckDB."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._duckdb = duckdb.connect(
            config={
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "enable_external_access": False,
                "threads": 1,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._duckdb.close()

    def parse(self, files: Sequence[Sequence[Event]]) -> ParsedCalls:
        """The calls of several log files."""
        texts = [b"[" + b",".join([call.request_parameters for call in calls]) + b"]" for calls in files]
        # no copies: each text is a row whose bytes stay where they are
        rows = [
            pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, len(text)], np.int32)), pa.py_buffer(text))
            for text in texts
        ]
        self._duckdb.register("log_files", pa.table({"parameters": pa.chunked_array(rows, pa.string())}))
        parameters = self._duckdb.sql(_QUERY).to_arrow_table()["calls"].combine_chunks()
        self._duckdb.unregister("log_files")
        counts = [len(calls) for calls in files]
        # a file whose parameters are no list of as many, whatever they are, is one to look at
        is_whole = pc.fill_null(pc.equal(pc.list_value_length(parameters), pa.array(counts, pa.int32())), False)
        return ParsedCalls(files, parameters, is_whole.to_pylist(), self._callers)


class ParsedCalls:
    """The calls of a group of log files, flattened: calls (one an event), and points (many)."""

    def __init__(
        self, files: Sequence[Sequence[Event]], parameters: pa.ListArray, is_whole: list[bool], callers: Callers
    ) -> None:
        self._is_whole = is_whole
        whole = [calls for calls, is_one in zip(files, is_whole, strict=True) if is_one]
        self._calls = [call for calls in whole for call in calls]
        sizes = [len(calls) if is_one else 0 for calls, is_one in zip(files, is_whole, strict=True)]
        self._call_ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        read = parameters.filter(pa.array(is_whole)).flatten()
        self._event_ids = pa.array([call.event_id for call in self._calls], pa.string())
        self._times = _times(pa.array([call.event_time for call in self._calls], pa.string()))
        self._keep(read, callers)

    def load(self, file: int, numbers: Sequence[int], parsed: Parsed) -> list[int]:
        """Adds the clean calls of a file to `parsed`; returns the places of its other calls.

        Args:
            file: place of the file in the group.
            numbers: of its calls' records.
        """
        if not self._is_whole[file]:
            return list(range(len(numbers)))
        first, last = int(self._call_ends[file]), int(self._call_ends[file + 1])
        is_odd = self._is_odd[first:last]
        clean = np.flatnonzero(~is_odd)
        points = slice(self._point_ends[first], self._point_ends[last])
        if len(clean):
            columns = {name: column[points] for name, column in self._columns.items()}
            call = self._call_of[points]
            number = pa.array(numbers, pa.int64()).cast(pa.string()).take(pa.array(call - first))
            columns["position"] = pc.binary_join_element_wise(number, columns["point_index"].cast(pa.string()), "/")
            keys = self._event_ids[first:last]
            columns["event_id"] = pa.DictionaryArray.from_arrays(pa.array(call - first, pa.int32()), keys)
            records = np.asarray(numbers)[clean]
            parsed.columns("training_metrics", columns, records, keys.take(pa.array(clean)))
            parsed.loaded(len(clean))
            parsed.parts_filtered += int(self._refused_counts[first:last][clean].sum())
        odd: list[int] = np.flatnonzero(is_odd).tolist()
        return odd

    def _keep(self, read: pa.StructArray, callers: Callers) -> None:
        """The columns of the clean calls' points, in order; `_point_ends` says where each call's end."""
        data = pc.struct_field(read, "metricData")
        lengths = pc.fill_null(pc.list_value_length(data), 0).to_numpy()
        points = pc.list_flatten(data)
        starts = np.cumsum(lengths) - lengths
        is_refused = self._refused(starts, lengths)
        call_of = np.repeat(np.arange(len(lengths)), lengths)
        is_bad_point = ~(_clean_points(points) | is_refused)
        self._refused_counts = np.bincount(call_of, is_refused, len(lengths)).astype(np.int64)
        self._is_odd = ~self._clean_calls(read) | (lengths == self._refused_counts)
        self._is_odd |= np.bincount(call_of, is_bad_point, len(lengths)) > 0
        is_kept = ~self._is_odd[call_of] & ~is_refused
        index_in_call = np.arange(len(call_of)) - starts[call_of]
        if not is_kept.all():
            points, call_of, index_in_call = points.filter(pa.array(is_kept)), call_of[is_kept], index_in_call[is_kept]
        self._call_of = call_of
        self._point_ends = np.concatenate([[0], np.cumsum(np.bincount(call_of, minlength=len(lengths)))])
        self._columns = self._calls_columns(read, pa.array(call_of, pa.int32()), callers) | {
            "point_index": pa.array(index_in_call, pa.int32()),
            "metric_name": _encoded(pc.struct_field(points, "metricName"), callers.text),
            "step": pc.struct_field(points, "step").cast(pa.int64()),
            "metric_value": pc.struct_field(points, "value"),
            "metric_at": pc.multiply(pc.struct_field(points, "timestamp").cast(pa.int64()), 1000).cast(_UTC),
        }

    def _calls_columns(self, read: pa.StructArray, index: pa.Array, callers: Callers) -> dict[str, Any]:
        """What calls say once, repeated for their points: few callers and runs make all calls of a group."""
        distinct: dict[Any, int] = {}
        of_call, firsts = list[int](), list[dict[str, str | None]]()
        for call in self._calls:
            at = distinct.setdefault(_SAID_AGAIN(call), len(distinct))
            of_call.append(at)
            if at == len(firsts):
                firsts.append(caller_columns(call, callers) | run_columns(call, callers))
        encoded = pa.array(of_call, pa.int32()).take(index)
        columns = {
            name: pa.DictionaryArray.from_arrays(encoded, pa.array([first[name] for first in firsts], pa.string()))
            for name in (firsts[0] if firsts else ())
        }
        addresses = pa.array([call.source_ip_address for call in self._calls], pa.string())
        return columns | {
            "source_network": _encoded(addresses, callers.network).take(index),  # addresses may well be many
            "event_at": self._times.take(index),
            "trial_component_name": _encoded(pc.struct_field(read, "trialComponentName"), callers.text).take(index),
        }

    def _clean_calls(self, read: pa.StructArray) -> np.ndarray:
        now = pa.scalar(datetime.now(UTC), _UTC)
        return _all(
            _is_name(self._event_ids),
            _is_name(pc.struct_field(read, "trialComponentName")),
            _is_between(self._times, pa.scalar(EARLIEST, _UTC), now),
        )

    def _refused(self, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Which points AWS refused although the call succeeded."""
        is_refused = np.zeros(int(lengths.sum()), bool)
        for number, call in enumerate(self._calls):
            if call.response_elements and (response := bytes(call.response_elements)) not in _NOTHING:
                try:
                    refused = refused_points(msgspec.json.decode(response))
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    refused = set(range(lengths[number]))  # so that the call is looked at
                for index in refused:
                    if 0 <= index < lengths[number]:
                        is_refused[starts[number] + index] = True
        return is_refused


def _clean_points(points: pa.StructArray) -> np.ndarray:
    """Which points are beyond doubt."""
    timestamp, step, value = (pc.struct_field(points, name) for name in ("timestamp", "step", "value"))
    earliest = max(EARLIEST.timestamp() * 1000, SHORTEST_MILLISECONDS)
    return _all(
        _is_name(pc.struct_field(points, "metricName")),
        _is_between(timestamp, earliest, datetime.now(UTC).timestamp() * 1000),
        pc.equal(timestamp, pc.floor(timestamp)),
        pc.is_finite(value),
        pc.fill_null(pc.and_(pc.ascii_is_decimal(step), pc.less_equal(pc.binary_length(step), 15)), True),
    )


def _times(texts: pa.StringArray) -> pa.TimestampArray:
    """Times such as 2022-12-14T21:53:41Z; NULL for every other text."""
    encoded = texts.dictionary_encode()
    values = encoded.dictionary
    regular = pc.if_else(pc.match_substring_regex(values, _EVENT_TIME), values, pa.scalar(None, pa.string()))
    try:
        times = regular.cast(_UTC)
    except pa.ArrowInvalid:  # the 31st of February
        times = pa.nulls(len(values), _UTC)
    return times.take(encoded.indices)


def _encoded(values: pa.StringArray, cleaned: Callable[[str], str]) -> pa.DictionaryArray:
    """Dictionary-encoded values, each distinct one cleaned once; empty text is no text."""
    encoded = values.dictionary_encode()
    texts = [cleaned(text) or None for text in encoded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(texts, pa.string()))


def _is_name(texts: pa.StringArray) -> pa.BooleanArray:
    """Texts that are neither empty nor, read leniently, a list or an object."""
    is_json = pc.or_(pc.starts_with(texts, "{"), pc.starts_with(texts, "["))
    return pc.and_(pc.greater(pc.binary_length(texts), 0), pc.invert(is_json))


def _is_between(values: pa.Array, lowest: Any, highest: Any) -> pa.BooleanArray:
    return pc.and_(pc.greater_equal(values, lowest), pc.less_equal(values, highest))


def _all(*conditions: pa.BooleanArray) -> np.ndarray:
    """Where every condition is true, and known."""
    met = conditions[0]
    for condition in conditions[1:]:
        met = pc.and_kleene(met, condition)
    flags: np.ndarray = pc.fill_null(met, False).to_numpy(zero_copy_only=False)
    return flags
