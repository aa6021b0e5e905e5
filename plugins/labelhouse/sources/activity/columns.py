"""The regular records of many lines at once, column by column.

`layout` cuts the lines, `clocks` reads their times, and DuckDB hashes what is to be hashed: no Python runs per row.
Who and what (heads and tails of lines) come from `sayings`, once a distinct text, and are repeated by index. A line
with anything odd about it (another layout, an odd time, something that cannot be decoded) is left out and named, for
`records` to look at: here are no reasons, only rows beyond doubt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self

import duckdb
import numpy as np
import pyarrow as pa

from labelhouse.sources.activity.clocks import NO_TIME, epoch_seconds, iso_milliseconds, java_seconds
from labelhouse.sources.activity.layout import Cut, Layout, learn, line_ends
from labelhouse.sources.activity.records import DIGEST_BYTES, ID_LETTERS, STAMP, TIMES, Workers
from labelhouse.sources.activity.sayings import Decoder, Sayings, encoded, texts
from labelhouse.sources.activity.times import EARLIEST
from labelhouse.sources.documents import MAX_RECORD_BYTES, Text

#: Lines have one layout, or few; each further one costs a pass over the lines that are left.
MOST_LAYOUTS = 8
#: Lines that have none, or a known one and something odd about them, are looked at until so many were.
MOST_TRIES = 100
#: Fewer lines are read one by one in less time.
FEWEST_LINES = 32
#: So much text is looked at together.
BLOCK_BYTES = 16 * 1024 * 1024
#: Who and what of so many kinds are remembered; a log that says something else in every line has ever new ones.
MOST_SAYINGS = 2**16

_UTC = pa.timestamp("us", tz="UTC")
_SLOTS = {name: at for at, name in enumerate((*TIMES, STAMP))}
#: What `records.activity_id` hashes.
_HASHED = np.dtype([("who", f"V{DIGEST_BYTES}"), ("what", f"V{DIGEST_BYTES}"), ("seconds", ">u4", len(_SLOTS))])
_HASH = "select sha256(fields) as digest from hashed"


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines of a text, each a record behind a lead of so many bytes.

    Args:
        lead: 0, or the length of the time that an export writes before each record.
        stream: the log stream of all of them, if known.
        logged: CloudWatch's times of the lines, where the delivery says them beside the lines.
        event_ids: likewise CloudWatch's ids of the lines.
        streams: likewise their log streams.
    """

    text: Text
    lead: int
    stream: str | None = None
    logged: Sequence[datetime | None] | None = None
    event_ids: Sequence[str | None] | None = None
    streams: Sequence[str | None] | None = None


@dataclass(frozen=True, slots=True)
class Regular:
    """Rows of regular lines, and which lines these are."""

    columns: dict[str, Any]
    places: np.ndarray

    def numbered(self, numbers: Sequence[int] | None) -> np.ndarray:
        """The numbers of the records, from those of the lines; without any, lines are counted. Sets `position`."""
        found = self.places if numbers is None else np.array(numbers, np.int64)[self.places]
        self.columns["position"] = _array(found, pa.int64()).cast(pa.string())
        return found


class _Rows(NamedTuple):
    """What is in lines: their places, times, and numbers of what they say."""

    places: np.ndarray
    seconds: np.ndarray
    logged: np.ndarray
    who: np.ndarray
    what: np.ndarray


class Columns:
    """Parses lines; a context manager, since it holds an in-memory DuckDB."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._decoder = Decoder(workers)
        self._sayings: dict[Layout, tuple[Sayings, Sayings]] = {}
        self._layouts: list[Layout] = []
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection:
            self._connection.close()

    @property
    def _duckdb(self) -> duckdb.DuckDBPyConnection:
        """Opened when it is needed: deliveries may well hold nothing regular."""
        if self._connection is None:
            self._connection = duckdb.connect(
                config={
                    "autoinstall_known_extensions": False,
                    "autoload_known_extensions": False,
                    "enable_external_access": False,
                    "threads": 1,
                }
            )
        return self._connection

    def parse(self, lines: Lines, now: datetime) -> tuple[list[Regular], list[tuple[int, int, int]]]:
        """The regular lines as columns, and (place, start, end) of all others, in their order.

        Args:
            now: a line with a later time is not regular.
        """
        self._forget()
        text = np.frombuffer(lines.text, np.uint8)
        found, others = defaultdict[Layout, list[_Rows]](list), list[tuple[int, int, int]]()
        count = 0
        for begin, end in _blocks(lines.text):
            block = text[begin:end]
            ends = line_ends(block)
            if not len(ends) or ends[-1] < len(block):
                ends = np.append(ends, len(block))
            starts = np.concatenate([[0], ends[:-1]])
            left = np.arange(len(ends))
            if len(ends) >= FEWEST_LINES:
                for layout, rows in self._rows_by_layout(lines.lead, block, starts, ends, int(now.timestamp())):
                    left = _without(left, rows.places)
                    found[layout].append(rows._replace(places=rows.places + count))
            if len(left):
                parts = ((left + count).tolist(), (starts[left] + begin).tolist(), (ends[left] + begin).tolist())
                others += zip(*parts, strict=True)
            count += len(ends)
        return [self._regular(lines, layout, rows) for layout, rows in found.items()], others

    def _forget(self) -> None:
        if any(len(each) > MOST_SAYINGS for both in self._sayings.values() for each in both):
            self._sayings, self._decoder = {}, Decoder(self._workers)

    def _rows_by_layout(
        self, lead: int, text: np.ndarray, starts: np.ndarray, ends: np.ndarray, now: int
    ) -> Iterator[tuple[Layout, _Rows]]:
        """The regular lines by layout: one that is known, or learned from the first line that has none of these."""
        left = np.flatnonzero((ends - starts <= MAX_RECORD_BYTES) & (text[ends - 1] == ord("\n")))
        known, tried = [layout for layout in self._layouts if layout.lead == lead], set[Layout]()
        for _ in range(MOST_TRIES):
            if not len(left) or len(tried) == 2 * MOST_LAYOUTS:
                return
            layout = known.pop() if known else learn(bytes(text[starts[left[0]] : ends[left[0]]]), lead)
            if layout is None or layout in tried:
                left = left[1:]  # whatever it is, it has been looked at
                continue
            tried.add(layout)
            rows = self._rows(layout.cut(text, starts, ends, left), now)
            if len(rows.places):
                self._layouts = [*(each for each in self._layouts if each != layout), layout][-MOST_LAYOUTS:]
                left = _without(left, rows.places)
                yield layout, rows

    def _rows(self, cut: Cut, now: int) -> _Rows:
        """What is in those lines of a layout that are beyond doubt."""
        seconds, logged = _seconds(cut), _logged(cut)
        is_clear = _is_regular(seconds, now) & (logged <= now * 1000)
        if cut.layout.lead:
            is_clear &= logged >= EARLIEST.timestamp() * 1000
        if cut.layout not in self._sayings:
            self._sayings[cut.layout] = self._decoder.heads(cut.layout), self._decoder.tails(cut.layout)
        heads, tails = self._sayings[cut.layout]
        who, what = heads.numbers(cut.head_texts()), tails.numbers(cut.tail_texts())
        is_clear &= heads.are_clear(who) & tails.are_clear(what)
        rows = _Rows(cut.places, seconds, logged, who, what)
        return rows if is_clear.all() else _Rows(*(each[is_clear] for each in rows))

    def _regular(self, lines: Lines, layout: Layout, found: list[_Rows]) -> Regular:
        rows = _Rows(*map(np.concatenate, zip(*found, strict=True)))
        heads, tails = self._sayings[layout]
        columns = {
            "activity_id": self._activity_ids(heads.digests(rows.who), tails.digests(rows.what), rows.seconds),
            **heads.columns(rows.who),
            **tails.columns(rows.what),
            **_time_columns(rows.seconds),
            **self._origin_columns(lines, rows.logged, rows.places),
        }
        if "other_json" in columns:  # does not repeat in general
            columns["other_json"] = columns["other_json"].dictionary_decode()
        return Regular(columns, rows.places)

    def _activity_ids(self, who: np.ndarray, what: np.ndarray, seconds: np.ndarray) -> pa.StringArray:
        """`records.activity_id` of all rows: DuckDB hashes twice as fast as Python.

        Args:
            who: digests.
            what: digests.
        """
        hashed = np.empty(len(seconds), _HASHED)
        hashed["who"], hashed["what"], hashed["seconds"] = who, what, seconds
        offsets = np.arange(0, hashed.nbytes + 1, _HASHED.itemsize, dtype=np.int32)
        fields = pa.BinaryArray.from_buffers(
            pa.binary(), len(hashed), [None, pa.py_buffer(offsets), pa.py_buffer(hashed)]
        )
        self._duckdb.register("hashed", pa.table({"fields": fields}))
        digests = self._duckdb.sql(_HASH).to_arrow_table()["digest"].combine_chunks()
        self._duckdb.unregister("hashed")
        letters = np.frombuffer(digests.buffers()[2], f"V{ID_LETTERS}", 2 * len(hashed))[::2].copy()
        offsets = np.arange(0, letters.nbytes + 1, ID_LETTERS, dtype=np.int32)
        return pa.StringArray.from_buffers(len(hashed), pa.py_buffer(offsets), pa.py_buffer(letters))

    def _origin_columns(self, lines: Lines, logged: np.ndarray, places: np.ndarray) -> dict[str, pa.Array]:
        """What CloudWatch says about the lines, as far as the delivery does."""
        columns = dict[str, pa.Array]()
        if lines.lead:
            columns["logged_at"] = _times(logged * 1000)
        elif lines.logged is not None:
            columns["logged_at"] = pa.array(lines.logged, _UTC).take(pa.array(places))
        if lines.event_ids is not None:
            columns["cloudwatch_event_id"] = pa.array(lines.event_ids, pa.string()).take(pa.array(places))
        if lines.stream is not None:
            name = texts([self._workers.text(lines.stream)])
            columns["log_stream_name"] = encoded(np.zeros(len(places), np.int32), name)
        elif lines.streams is not None:
            streams = pa.array(lines.streams, pa.string()).take(pa.array(places)).dictionary_encode()
            names = [text and self._workers.text(text) for text in streams.dictionary.to_pylist()]
            columns["log_stream_name"] = pa.DictionaryArray.from_arrays(streams.indices, texts(names))
        return columns


def _blocks(text: Text) -> Iterator[tuple[int, int]]:
    """Where blocks of whole lines begin and end: small enough for the processor's cache to keep one."""
    begin = 0
    while begin < len(text):
        end = text.rfind(b"\n", begin, begin + BLOCK_BYTES) + 1 or text.find(b"\n", begin) + 1 or len(text)
        yield begin, end
        begin = end


def _without(places: np.ndarray, found: np.ndarray) -> np.ndarray:
    return places[:0] if len(found) == len(places) else np.setdiff1d(places, found, assume_unique=True)


def _seconds(cut: Cut) -> np.ndarray:
    """A row of `_SLOTS` for every line: 0 where there is no time, less where there is something else."""
    seconds = np.zeros((len(cut), len(_SLOTS)), np.int64)
    for number, name in enumerate(cut.layout.names):
        which, texts = cut.time_bytes(number)
        seconds[which, _SLOTS[name]] = java_seconds(texts)
    seconds[:, _SLOTS[STAMP]] = epoch_seconds(cut.stamp_bytes())
    return seconds


def _logged(cut: Cut) -> np.ndarray:
    """CloudWatch's times of lines with a lead, in milliseconds; `NO_TIME` where a lead is none, and without leads."""
    return iso_milliseconds(cut.lead_bytes()) if cut.layout.lead else np.full(len(cut), NO_TIME)


def _is_regular(seconds: np.ndarray, now: int) -> np.ndarray:
    """Which rows have nothing odd about their times."""
    is_in_range = (seconds >= EARLIEST.timestamp()) & (seconds <= now)
    is_in_range[:, :-1] |= seconds[:, :-1] == 0
    accepted, ends = seconds[:, :1], seconds[:, 1:-1]
    is_after: np.ndarray = is_in_range.all(axis=1) & ((ends >= accepted) | (ends == 0)).all(axis=1)
    return is_after


def _time_columns(seconds: np.ndarray) -> dict[str, pa.Array]:
    columns = {column: _times(seconds[:, at] * 1_000_000) for at, column in enumerate(TIMES.values())}
    return columns | {"event_at": _times(seconds[:, -1] * 1_000_000)}


def _times(microseconds: np.ndarray) -> pa.Array:
    """Times; 0 is none."""
    is_known = microseconds != 0
    bits = None if is_known.all() else pa.py_buffer(np.packbits(is_known, bitorder="little"))
    return pa.Array.from_buffers(_UTC, len(microseconds), [bits, pa.py_buffer(microseconds)])


def _array(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    """`pa.array`, which would import pandas."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])
