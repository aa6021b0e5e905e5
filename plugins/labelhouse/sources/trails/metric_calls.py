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
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelhouse.sources.documents import EARLIEST, SHORTEST_MILLISECONDS, Unreadable
from labelhouse.sources.trails.records import caller_columns, refused_points, run_columns

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
_NOTHING = frozenset({b"null", b""})

#: What is read of a call, but for its parameters.
_FIELDS = attrgetter(
    "event_id",
    "event_time",
    "source_ip_address",
    "response_elements",
    "user_identity",
    "resources",
    "user_agent",
    "aws_region",
    "recipient_account_id",
)
_NONE: tuple[tuple[Any, ...], ...] = ((),) * 9


class MetricCalls:
    """Parses groups of calls; a context manager, since it holds an in-memory DuckDB and a thread that asks it."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="points")
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
        self._reader.shutdown(cancel_futures=True)
        self._duckdb.close()

    def begin(self, files: Sequence[Sequence[Event]]) -> Callable[[], ParsedCalls]:
        """Begins to read the calls of several log files, on another core; what it returns waits for them."""
        texts = [b"[" + b",".join([call.request_parameters for call in calls]) + b"]" for calls in files]
        parameters = self._reader.submit(self._read, texts)
        return lambda: ParsedCalls(files, parameters.result(), self._callers)

    def _read(self, texts: Sequence[bytes]) -> pa.ListArray:
        # no copies: each text is a row whose bytes stay where they are
        rows = [
            pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, len(text)], np.int32)), pa.py_buffer(text))
            for text in texts
        ]
        self._duckdb.register("log_files", pa.table({"parameters": pa.chunked_array(rows, pa.string())}))
        read = self._duckdb.sql(_QUERY).to_arrow_table()["calls"]
        self._duckdb.unregister("log_files")
        return read.chunk(0) if read.num_chunks == 1 else read.combine_chunks()


class ParsedCalls:
    """The calls of a group of log files, flattened: calls (one an event), and points (many)."""

    def __init__(self, files: Sequence[Sequence[Event]], parameters: pa.ListArray, callers: Callers) -> None:
        self._counts = counts = [len(calls) for calls in files]
        # a file whose parameters are no list of as many, whatever they are, is one to look at
        is_whole = pc.fill_null(pc.equal(pc.list_value_length(parameters), pa.array(counts, pa.int32())), False)
        self._is_whole = is_whole.to_pylist()
        if not all(self._is_whole):
            parameters = parameters.filter(is_whole)
            counts = [count if is_one else 0 for count, is_one in zip(counts, self._is_whole, strict=True)]
        self._call_ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        calls = [call for calls, is_one in zip(files, self._is_whole, strict=True) if is_one for call in calls]
        ids, times, self._addresses, self._responses, *said = zip(*map(_FIELDS, calls), strict=True) if calls else _NONE
        self._said, self._sayings = _told_apart(calls, said, callers)
        self._event_ids = pa.array(ids, pa.string())
        self._times = _times(pa.array(times, pa.string()))
        self._keep(parameters.flatten(), callers)

    def odd(self, file: int) -> list[int]:
        """The places, among the calls of a file, of those to look at."""
        if not self._is_whole[file]:
            return list(range(self._counts[file]))
        found: list[int] = np.flatnonzero(self._is_odd[self._calls_of(file)]).tolist()
        return found

    def clean(self, file: int) -> tuple[int, int]:
        """How many calls of a file are beyond doubt, and how many of their points AWS refused."""
        is_clean = ~self._is_odd[self._calls_of(file)]
        return int(is_clean.sum()), int(self._refused_counts[self._calls_of(file)][is_clean].sum())

    def load(self, parsed: Parsed, unit_uris: Sequence[str], numbers: Sequence[Sequence[int]]) -> None:
        """Adds the points of all clean calls to `parsed`.

        Args:
            unit_uris: of the files.
            numbers: of each file's calls' records.
        """
        if not len(self._call_of):
            return
        files = np.repeat(np.arange(len(unit_uris)), np.diff(self._call_ends))
        number = np.concatenate([each for each, is_one in zip(numbers, self._is_whole, strict=True) if is_one])
        texts = pa.array(number).cast(pa.string()).take(pa.array(self._call_of))
        columns = self._columns | {
            "unit_uri": pa.DictionaryArray.from_arrays(pa.array(files[self._call_of], pa.int32()), list(unit_uris)),
            "position": pc.binary_join_element_wise(texts, self._columns["point_index"].cast(pa.string()), "/"),
        }
        clean = np.flatnonzero(~self._is_odd)
        of_units = pa.array(unit_uris, pa.string()).take(pa.array(files[clean]))
        parsed.columns("training_metrics", columns, number[clean], self._event_ids.take(pa.array(clean)), of_units)

    def _calls_of(self, file: int) -> slice:
        return slice(self._call_ends[file], self._call_ends[file + 1])

    def _keep(self, read: pa.StructArray, callers: Callers) -> None:
        """The columns of the clean calls' points, in order; `_call_of` says which call each is of."""
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
        index = pa.array(call_of, pa.int32())
        self._columns = self._calls_columns(read, index, callers) | {
            "event_id": pa.DictionaryArray.from_arrays(index, self._event_ids),
            "point_index": pa.array(index_in_call, pa.int32()),
            "metric_name": _encoded(pc.struct_field(points, "metricName"), callers.text),
            "step": pc.struct_field(points, "step").cast(pa.int64()),
            "metric_value": pc.struct_field(points, "value"),
            "metric_at": pc.multiply(pc.struct_field(points, "timestamp").cast(pa.int64()), 1000).cast(_UTC),
        }

    def _calls_columns(self, read: pa.StructArray, index: pa.Array, callers: Callers) -> dict[str, Any]:
        """What calls say once, repeated for their points: few callers and runs make all calls of a group."""
        said = self._said.take(index)
        names = next(filter(None, self._sayings), {})
        columns = {
            name: pa.DictionaryArray.from_arrays(
                said, pa.array([each.get(name) for each in self._sayings], pa.string())
            )
            for name in names
        }
        addresses = pa.array(self._addresses, pa.string())
        return columns | {
            "source_network": _encoded(addresses, callers.network).take(index),  # addresses may well be many
            "event_at": self._times.take(index),
            "trial_component_name": _encoded(pc.struct_field(read, "trialComponentName"), callers.text).take(index),
        }

    def _clean_calls(self, read: pa.StructArray) -> np.ndarray:
        now = pa.scalar(datetime.now(UTC), _UTC)
        is_clear = pa.array([bool(each) for each in self._sayings], pa.bool_())
        return _all(
            is_clear.take(self._said),
            _is_name(self._event_ids),
            _is_name(pc.struct_field(read, "trialComponentName")),
            _is_between(self._times, pa.scalar(EARLIEST, _UTC), now),
        )

    def _refused(self, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Which points AWS refused although the call succeeded."""
        is_refused = np.zeros(int(lengths.sum()), bool)
        for number, response in enumerate(map(bytes, self._responses)):
            if response not in _NOTHING:
                try:
                    refused = refused_points(msgspec.json.decode(response))
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    refused = set(range(lengths[number]))  # so that the call is looked at
                for index in refused:
                    if 0 <= index < lengths[number]:
                        is_refused[starts[number] + index] = True
        return is_refused


def _told_apart(
    calls: Sequence[Event], said: Sequence[Sequence[Any]], callers: Callers
) -> tuple[pa.Array, list[dict[str, str | None]]]:
    """What calls say about who called and about which run, each saying once, and its place in that list for every call.

    A saying that is not what it should be is empty.
    """
    identities, resources, *others = said
    places: dict[Any, int] = {}
    keys = zip(map(bytes, identities), map(bytes, resources), *others, strict=True)
    place_of = pa.array([places.setdefault(key, len(places)) for key in keys], pa.int32())
    sayings = list[dict[str, str | None]]()
    for first in np.unique(place_of, return_index=True)[1]:
        try:
            sayings.append(caller_columns(calls[first], callers) | run_columns(calls[first], callers))
        except Unreadable:
            sayings.append({})
    return place_of, sayings


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
