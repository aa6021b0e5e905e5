"""The regular `BatchPutMetrics` calls of many log files at once, column by column.

What a call says once (who, where, which run) comes decoded from `log_files`; it is dictionary-encoded, cleaned once a
distinct value, and repeated for the call's points by index. The points are read by DuckDB (`from_json`, a parser in
C over the parameters of all calls of a file) straight into Arrow columns. A call with anything odd about it (a missing
field, NaN, a time in seconds or ahead of the clock) is left out and named, for `records` to look at: here are
no reasons, only rows beyond doubt.

DuckDB takes numbers in quotes for numbers, and the first of repeated keys for the key; elsewhere the last one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelhouse.sources.documents import EARLIEST, SHORTEST_MILLISECONDS, Unreadable
from labelhouse.sources.trails.log_files import Event
from labelhouse.sources.trails.records import caller_columns, refused_points, run_columns

if TYPE_CHECKING:
    from labelhouse.sources.parsed import Parsed
    from labelhouse.sources.trails.callers import Callers

_SHAPE = """[{"trialComponentName": "VARCHAR", "metricData": [
    {"metricName": "VARCHAR", "timestamp": "DOUBLE", "step": "VARCHAR", "value": "DOUBLE"}]}]"""
#: Parameters that are no JSON give NULL.
_QUERY = f"select try(from_json(parameters, '{_SHAPE}')) as calls from log_files"
_EVENT_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
_UTC = pa.timestamp("us", tz="UTC")
_NULL = msgspec.Raw(b"null")

#: What all calls of one caller about one run say alike.
_SAID = ("user_identity", "resources", "user_agent", "aws_region", "recipient_account_id")
_NO_TEXTS = pa.array([], pa.string())


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

    @staticmethod
    def group() -> CallGroup:
        """A group of calls to come."""
        return CallGroup()

    def begin(self, group: CallGroup) -> Callable[[], ParsedCalls]:
        """Begins to read the points of a group of calls, on another core; what it returns waits for them."""
        parameters = self._reader.submit(self._read, group.texts)
        return lambda: ParsedCalls(group, parameters.result(), self._callers)

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


class CallGroup:
    """The calls of some log files as they were decoded, but for their parameters, which are text as yet."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.places: list[int] = []
        self.ends = [0]
        #: Event ids, event times and source addresses, an array for each file.
        self.columns: tuple[list[pa.Array], ...] = ([], [], [])
        self.responses: dict[int, bytes] = {}
        #: Which of the different sayings, about who called and about which run, is that of each call.
        self.said: list[int] = []
        self.sayings: dict[tuple[Any, ...], int] = {}

    def add(self, calls: Mapping[int, Event]) -> None:
        """Takes the calls of a file, by their places in it.

        Nothing of them is kept as it is: what was decoded of a file dies at once, and the next one is decoded into
        memory at hand.
        """
        found = list(calls.values())
        self.texts.append(b"[" + b",".join([call.request_parameters for call in found]) + b"]")
        texts = (
            [call.event_id for call in found],
            [call.event_time for call in found],
            [call.source_ip_address for call in found],
        )
        for arrays, column in zip(self.columns, texts, strict=True):
            arrays.append(pa.array(column, pa.string()))
        self.responses |= {
            at: bytes(call.response_elements)
            for at, call in enumerate(found, self.ends[-1])
            if call.response_elements != _NULL
        }
        sayings = (
            (
                bytes(call.user_identity),
                bytes(call.resources),
                call.user_agent,
                call.aws_region,
                call.recipient_account_id,
            )
            for call in found
        )
        self.said += [self.sayings.setdefault(saying, len(self.sayings)) for saying in sayings]
        self.places += calls
        self.ends.append(len(self.places))


class ParsedCalls:
    """The calls of a group of log files, flattened: calls (one an event), and points (many)."""

    def __init__(self, group: CallGroup, parameters: pa.ListArray, callers: Callers) -> None:
        self._group, self._counts = group, np.diff(group.ends)
        self._places = np.array(group.places, np.int64)
        self._said = pa.array(group.said, pa.int32())
        self._sayings = [_saying(key, callers) for key in group.sayings]
        self._event_ids, times, self._addresses = (pa.concat_arrays([_NO_TEXTS, *each]) for each in group.columns)
        self._times = _times(times)
        is_whole = pc.equal(pc.list_value_length(parameters), pa.array(self._counts, pa.int32()))
        if pc.all(is_whole, skip_nulls=False).as_py():
            read = parameters.flatten()
        else:  # parameters that are no list of as many, whatever they are: all calls of that file are to be looked at
            nothing = [pa.nulls(count, parameters.type.value_type) for count in self._counts]
            whole = zip(parameters, is_whole.to_pylist(), nothing, strict=True)
            read = pa.concat_arrays([calls.values if is_one else none for calls, is_one, none in whole])
        self._keep(read, callers)

    def odd(self, file: int) -> list[int]:
        """The places of those calls of a file that are to be looked at."""
        calls = self._calls_of(file)
        found: list[int] = self._places[calls][self._is_odd[calls]].tolist()
        return found

    def clean(self, file: int) -> tuple[int, int]:
        """How many calls of a file are beyond doubt, and how many of their points AWS refused."""
        is_clean = ~self._is_odd[self._calls_of(file)]
        return int(is_clean.sum()), int(self._refused_counts[self._calls_of(file)][is_clean].sum())

    def load(self, parsed: Parsed, unit_uris: Sequence[str], first_records: Sequence[int]) -> None:
        """Adds the points of all clean calls to `parsed`.

        Args:
            unit_uris: of the files.
            first_records: the numbers, in their units, of the files' first records.
        """
        if not len(self._call_of):
            return
        files = np.repeat(np.arange(len(unit_uris)), self._counts)
        number = self._places + np.repeat(np.array(first_records), self._counts)
        texts = pa.array(number).cast(pa.string()).take(pa.array(self._call_of))
        columns = self._columns | {
            "unit_uri": pa.DictionaryArray.from_arrays(pa.array(files[self._call_of], pa.int32()), list(unit_uris)),
            "position": pc.binary_join_element_wise(texts, self._columns["point_index"].cast(pa.string()), "/"),
        }
        clean = np.flatnonzero(~self._is_odd)
        of_units = pa.array(unit_uris, pa.string()).take(pa.array(files[clean]))
        parsed.columns("training_metrics", columns, number[clean], self._event_ids.take(pa.array(clean)), of_units)

    def _calls_of(self, file: int) -> slice:
        return slice(self._group.ends[file], self._group.ends[file + 1])

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
        return columns | {
            "source_network": _encoded(self._addresses, callers.network).take(index),  # addresses may well be many
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
        for number, response in self._group.responses.items():
            try:
                refused = refused_points(msgspec.json.decode(response))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                refused = set(range(lengths[number]))  # so that the call is looked at
            for index in refused:
                if 0 <= index < lengths[number]:
                    is_refused[starts[number] + index] = True
        return is_refused


def _saying(said: Sequence[Any], callers: Callers) -> dict[str, str | None]:
    """What a call says about who called and about which run, as columns; none where that is not what it should be."""
    call = Event(**dict(zip(_SAID, said, strict=True)))
    try:
        return caller_columns(call, callers) | run_columns(call, callers)
    except Unreadable:
        return {}


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
