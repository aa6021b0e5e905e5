"""The regular `BatchPutMetrics` calls among the records of many log files, as columns (`log_columns`).

What a call says once (who, where, which run) is dictionary-encoded, cleaned once a distinct value, and repeated for
the call's points by index. A call with anything odd about it (a missing field, NaN, a time in seconds or ahead of the
clock) is left out and named, for `records` to look at: here are no reasons, only rows beyond doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelhouse.sources.documents import EARLIEST, SHORTEST_MILLISECONDS
from labelhouse.sources.trails.kinds import METRICS_OPERATION, METRICS_SOURCE, OUR_SOURCES
from labelhouse.sources.trails.records import refused_points

if TYPE_CHECKING:
    from labelhouse.sources.parsed import Parsed
    from labelhouse.sources.trails.callers import Callers

#: What DuckDB makes a text of although it is none: numbers, true and false, objects and lists.
_DOUBTFUL = r"^(?:[\[{]|(?:true|false|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$)"
_EVENT_ID = "^[0-9a-f]{8}-[0-9a-f]{4}-"
_EVENT_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
_UTC = pa.timestamp("us", tz="UTC")


class MetricCalls:
    """The records of a group of log files: which are regular metric calls, which foreign, and the calls' points.

    Args:
        records: of all files, as `LogReader` gives them.
        counts: how many of them each file has.
    """

    def __init__(self, records: pa.StructArray, counts: Sequence[int], callers: Callers) -> None:
        self._ends = np.cumsum([0, *counts])
        self._file_of = np.repeat(np.arange(len(counts)), counts)
        sources = pc.struct_field(records, "eventSource")
        self._is_foreign = _is_foreign(sources)
        is_call = _all(
            pc.equal(sources, METRICS_SOURCE),
            pc.equal(pc.struct_field(records, "eventName"), METRICS_OPERATION),
            pc.is_null(pc.struct_field(records, "errorCode")),
        )
        self._event_ids = pc.struct_field(records, "eventID")
        self._record_of = np.flatnonzero(is_call)
        self._is_clean, self._refused_counts = np.zeros(len(is_call), bool), np.zeros(len(is_call), np.int64)
        self._keep(_Calls(records, self._record_of), callers)

    def foreign_count(self, file: int) -> int:
        """How many records of a file are none of ours."""
        return int(self._is_foreign[self._records_of(file)].sum())

    def unclear(self, file: int) -> tuple[list[int], list[tuple[str | None, str | None]]]:
        """The places of those records of a file that are to be looked at, and the ids for `records_with`."""
        records = self._records_of(file)
        found = np.flatnonzero(~(self._is_foreign[records] | self._is_clean[records]))
        before = self._event_ids.take(pa.array(np.maximum(found + records.start - 1, 0))).to_pylist()
        if len(found) and found[0] == 0:
            before[0] = ""
        ids = self._event_ids.take(pa.array(found + records.start)).to_pylist()
        return found.tolist(), list(zip(ids, before, strict=True))

    def clean_count(self, file: int) -> int:
        """How many calls of a file are beyond doubt."""
        return int(self._is_clean[self._records_of(file)].sum())

    def refused_count(self, file: int) -> int:
        """How many points of those AWS refused."""
        return int(self._refused_counts[self._records_of(file)].sum())

    def load(self, parsed: Parsed, unit_uris: Sequence[str], first_records: Sequence[int]) -> None:
        """Adds the points of all clean calls to `parsed`.

        Args:
            unit_uris: of the files.
            first_records: the numbers, in their units, of the files' first records.
        """
        if not len(self._call_of):
            return
        files = self._file_of[self._record_of]
        number = self._record_of - self._ends[files] + np.array(first_records)[files]
        texts = pa.array(number).cast(pa.string()).take(pa.array(self._call_of))
        columns = self._columns | {
            "unit_uri": pa.DictionaryArray.from_arrays(pa.array(files[self._call_of], pa.int32()), list(unit_uris)),
            "position": pc.binary_join_element_wise(texts, self._columns["point_index"].cast(pa.string()), "/"),
        }
        of_units = pa.DictionaryArray.from_arrays(pa.array(files[self._clean], pa.int32()), list(unit_uris))
        keys = self._event_ids.take(pa.array(self._record_of[self._clean]))
        parsed.columns("training_metrics", columns, number[self._clean], keys, of_units)

    def _records_of(self, file: int) -> slice:
        return slice(self._ends[file], self._ends[file + 1])

    def _keep(self, calls: _Calls, callers: Callers) -> None:
        """The columns of the clean calls' points, in order; `_call_of` says which call each is of."""
        points, lengths = calls.points()
        starts = np.cumsum(lengths) - lengths
        is_refused = _refused(calls.field("responseElements", "errors"), starts, lengths)
        call_of = np.repeat(np.arange(len(lengths)), lengths)
        is_bad_point = ~(_clean_points(points) | is_refused)
        refused_counts = np.bincount(call_of, is_refused, len(lengths)).astype(np.int64)
        event_ids, times = calls.field("eventID"), _times(calls.field("eventTime"))
        said, is_clear = _said(calls, callers)
        is_timely = _is_between(times, pa.scalar(EARLIEST, _UTC), pa.scalar(datetime.now(UTC), _UTC))
        is_clean = (
            is_clear & _all(is_timely, pc.match_substring_regex(event_ids, _EVENT_ID)) & (lengths > refused_counts)
        )
        is_clean &= np.bincount(call_of, is_bad_point, len(lengths)) == 0
        is_kept = is_clean[call_of] & ~is_refused
        index_in_call = np.arange(len(call_of)) - starts[call_of]
        if not is_kept.all():
            points, call_of, index_in_call = points.filter(pa.array(is_kept)), call_of[is_kept], index_in_call[is_kept]
        self._is_clean[self._record_of[is_clean]] = True
        self._refused_counts[self._record_of[is_clean]] = refused_counts[is_clean]
        self._call_of, self._clean = call_of, np.flatnonzero(is_clean)
        index = pa.array(call_of, pa.int32())
        self._columns: dict[str, pa.Array] = {name: values.take(index) for name, values in said.items()} | {
            "event_id": pa.DictionaryArray.from_arrays(index, event_ids),
            "event_at": times.take(index),
            "point_index": pa.array(index_in_call, pa.int32()),
            "metric_name": _cleaned(pc.struct_field(points, "metricName").dictionary_encode(), callers.text),
            "step": pc.struct_field(points, "step").cast(pa.int64()),
            "metric_value": pc.struct_field(points, "value"),
            "metric_at": pc.multiply(pc.struct_field(points, "timestamp").cast(pa.int64()), 1000).cast(_UTC),
        }


class _Calls:
    """Those of the records that are metric calls, field by field."""

    def __init__(self, records: pa.StructArray, places: np.ndarray) -> None:
        self._records, self._places = records, pa.array(places)

    def field(self, *path: str) -> pa.Array:
        """What each call has there."""
        return pc.struct_field(self._records, list(path)).take(self._places)

    def points(self) -> tuple[pa.StructArray, np.ndarray]:
        """The points of all calls, one after the other, and how many are of each."""
        data = pc.struct_field(self._records, ["requestParameters", "metricData"])
        lengths = pc.fill_null(pc.list_value_length(data), 0)
        of_calls = lengths.take(self._places)
        if pc.sum(of_calls) != pc.sum(lengths):  # other services have parameters of that name, too
            data = data.take(self._places)
        return pc.list_flatten(data), of_calls.to_numpy()

    def resources(self) -> tuple[pa.StructArray, pa.BooleanArray]:
        """The resource of each call, and whether it has that one alone."""
        lists = self.field("resources")
        is_one = pc.fill_null(pc.equal(pc.list_value_length(lists), 1), False)
        if pc.all(is_one).as_py():
            return lists.flatten(), is_one
        number = pc.subtract(pc.cumulative_sum(is_one.cast(pa.int32())), 1)
        return lists.filter(is_one).flatten().take(pc.if_else(is_one, number, None)), is_one


def _said(calls: _Calls, callers: Callers) -> tuple[dict[str, pa.DictionaryArray], np.ndarray]:
    """What calls say about who called and about which run, cleaned; and which of them say it beyond doubt."""
    resources, is_one = calls.resources()
    identity = calls.field("userIdentity")
    caller, service, caller_type = (pc.struct_field(identity, name) for name in ("arn", "invokedBy", "type"))
    run_arn, run_type, account = (pc.struct_field(resources, name) for name in ("ARN", "type", "accountId"))
    (account, is_account), (recipient, is_recipient) = map(_unquoted, (account, calls.field("recipientAccountId")))
    name = calls.field("requestParameters", "trialComponentName")
    is_clear = [is_one, is_account, is_recipient, _is_name(name), _is_text(service.dictionary_encode())]
    # a caller or a resource that is no object says nothing at all
    is_clear += [pc.is_valid(caller_type), pc.is_valid(run_arn)]
    said = {
        "account_id": _cleaned(_first(account, recipient).dictionary_encode(), callers.text),
        "trial_component_name": _cleaned(name.dictionary_encode(), callers.text),
    }
    for column, values, cleaned in (
        ("principal_arn", _first(caller, service), callers.principal),
        ("principal_type", caller_type, callers.text),
        ("aws_region", calls.field("awsRegion"), callers.text),
        ("source_network", calls.field("sourceIPAddress"), callers.network),
        ("user_agent", calls.field("userAgent"), callers.text),
        ("trial_component_arn", run_arn, callers.text),
        ("resource_type", run_type, callers.text),
    ):
        encoded = values.dictionary_encode()
        is_clear.append(_is_text(encoded))
        said[column] = _cleaned(encoded, cleaned)
    return said, _all(*is_clear)


def _refused(errors: pa.StringArray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Which points AWS refused although the call succeeded."""
    is_refused = np.zeros(int(lengths.sum()), bool)
    for call in np.flatnonzero(pc.is_valid(errors).to_numpy(zero_copy_only=False)):
        try:
            refused = refused_points({"errors": msgspec.json.decode(errors[call].as_py())})
        except (msgspec.DecodeError, RecursionError):
            refused = set(range(lengths[call]))  # so that the call is looked at
        for index in refused:
            if 0 <= index < lengths[call]:
                is_refused[starts[call] + index] = True
    return is_refused


def _is_foreign(sources: pa.StringArray) -> np.ndarray:
    """Which records are of services that are none of ours."""
    encoded = sources.dictionary_encode()
    is_ours = pc.is_in(encoded.dictionary, pa.array([each or "" for each in OUR_SOURCES]))
    return _all(pc.invert(is_ours).take(encoded.indices), _is_text(encoded))


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


def _cleaned(encoded: pa.DictionaryArray, clean: Callable[[str], str]) -> pa.DictionaryArray:
    """The same with each distinct value cleaned; empty text is no text."""
    texts = [clean(text) or None for text in encoded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(texts, pa.string()))


def _unquoted(values: pa.StringArray) -> tuple[pa.StringArray, pa.BooleanArray]:
    """The texts among values that are JSON, and which values are texts, or none."""
    encoded = values.dictionary_encode()
    found = [msgspec.json.decode(each) for each in encoded.dictionary.to_pylist()]
    texts = pa.array([each if isinstance(each, str) else None for each in found], pa.string())
    is_text = pa.array([each is None or isinstance(each, str) for each in found], pa.bool_())
    return texts.take(encoded.indices), pc.fill_null(is_text.take(encoded.indices), True)


def _first(values: pa.StringArray, others: pa.StringArray) -> pa.StringArray:
    """Values, and others where they are empty."""
    return pc.if_else(pc.fill_null(pc.greater(pc.binary_length(values), 0), False), values, others)


def _is_text(encoded: pa.DictionaryArray) -> pa.BooleanArray:
    """Which values were texts, or nothing, beyond doubt."""
    is_text = pc.invert(pc.match_substring_regex(encoded.dictionary, _DOUBTFUL))
    return pc.fill_null(is_text.take(encoded.indices), True)


def _is_name(texts: pa.StringArray) -> pa.BooleanArray:
    """Texts, or what may pass for one, that are neither empty nor, read leniently, a list or an object."""
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
