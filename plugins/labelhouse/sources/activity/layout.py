"""How the lines of a log are laid out: learned from one of them, then found in all others without parsing any.

The lines of a log differ in their times, and hardly in anything else: what is before the times (who) and behind them
(what) is the same text again and again. So a line is cut, at places computed for all lines at once, into

    lead  head                           time  separator                      time …  tail                    stamp end
    ····  {"worker_id": … accepted_time": "…", "task_submitted_time": "…      …       ", "workteam_arn": … ": "…     "}

The separators and the end are compared with the learned ones, byte by byte; heads and tails are numbered, each
distinct one once, to be decoded by whoever asks for it. A line that is cut so says the same as its parts do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from labelhouse.sources.activity.records import STAMP, TIMES

_FIRST_TIME = re.compile(rb'"(task_[a-z]{1,20}_time)" ?: ?"')
_NEXT_TIME = re.compile(rb'" ?, ?"(task_[a-z]{1,20}_time)" ?: ?"')
_END = re.compile(rb'"%s" ?: ?"[1-9][0-9]{9}(?P<end>" ?\}[ \r]?\n)\Z' % STAMP.encode())
#: Of a time such as `Wed Aug 14 16:00:59 UTC 2019`, and of an epoch in seconds.
TIME_BYTES, STAMP_BYTES = 28, 10
#: For a time that is not there.
NO_PLACE = -1
_QUOTE = ord('"')
#: An element of an Arrow array of views: its bytes stay where they are.
_VIEW = np.dtype([("length", "<i4"), ("prefix", "V4"), ("buffer", "<i4"), ("start", "<i4")])
#: A view of fewer bytes would hold them itself; no head or tail has fewer.
_LEAST_VIEWED = 13


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a line are.

    Args:
        lead: bytes before the record: none, or a time and a space.
        head: length of the head.
        names: fields of the times, in their order.
        separators: what stands between each time and the next.
        end: what stands behind the stamp, up to and including the line feed.
    """

    lead: int
    head: int
    names: tuple[str, ...]
    separators: tuple[bytes, ...]
    end: bytes

    @property
    def least(self) -> int:
        """A line that is shorter has not all of these parts."""
        return self.lead + self.head + sum(map(len, self.separators)) + STAMP_BYTES + len(self.end)

    def cut(self, text: np.ndarray, starts: np.ndarray, ends: np.ndarray, places: np.ndarray) -> Cut:
        """The lines of that layout among those at `places`.

        Args:
            starts: where lines begin.
            ends: where they end, behind their line feeds.
        """
        starts, ends = starts[places], ends[places]
        is_long = ends - starts >= self.least
        if not is_long.all():
            places, starts, ends = places[is_long], starts[is_long], ends[is_long]
        at, times = starts + (self.lead + self.head), []
        is_exact = text[at - 1 - self.head] == ord(" ") if self.lead else np.ones(len(places), bool)
        last = ends - 1
        for number, separator in enumerate((b"", *self.separators)):
            if number:
                is_exact &= _is(text, at, separator)
            at = np.minimum(at + len(separator), last)
            has_time = text[at] != _QUOTE
            times.append(np.where(has_time, at, NO_PLACE))
            at = np.minimum(at + has_time * TIME_BYTES, last)
        stamps = ends - (STAMP_BYTES + len(self.end))
        is_exact &= (at + _LEAST_VIEWED <= stamps) & _is(text, stamps + STAMP_BYTES, self.end)
        parts = (places, starts, *times, at, stamps)
        if not is_exact.all():
            parts = tuple(part[is_exact] for part in parts)
        return Cut(self, text, parts[0], parts[1], parts[2:-2], parts[-2], parts[-1])


def learn(line: bytes, lead: int) -> Layout | None:
    """The layout of one line with its line feed; None where it has no such one."""
    found, end = _FIRST_TIME.search(line, lead), _END.search(line, lead)
    if not found or not end:
        return None
    head, names, separators = found.end() - lead, [found[1].decode()], []
    while True:
        at = line.find(b'"', found.end())
        found = _NEXT_TIME.match(line, at)
        if not found:
            break
        separators.append(found[0])
        names.append(found[1].decode())
    if len({*names}) < len(names) or not TIMES.keys() >= {*names}:
        return None
    return Layout(lead, head, tuple(names), tuple(separators), end["end"])


@dataclass(frozen=True, slots=True)
class Cut:
    """Lines of a layout, cut into parts.

    Args:
        text: what the lines are of.
        places: which lines these are.
        starts: where they begin.
        times: where each of their times begins, or `NO_PLACE`.
        tails: where their tails begin.
        stamps: where their stamps begin.
    """

    layout: Layout
    text: np.ndarray
    places: np.ndarray
    starts: np.ndarray
    times: tuple[np.ndarray, ...]
    tails: np.ndarray
    stamps: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def lead_bytes(self) -> np.ndarray:
        """The times before the records, as rows of bytes."""
        return _rows(self.text, self.starts, self.layout.lead - 1)

    def stamp_bytes(self) -> np.ndarray:
        """The digits of the stamps, as rows of bytes."""
        return _rows(self.text, self.stamps, STAMP_BYTES)

    def time_bytes(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Which lines have that time, and the time as rows of bytes."""
        which = np.flatnonzero(self.times[number] != NO_PLACE)
        return which, _rows(self.text, self.times[number][which], TIME_BYTES)

    def head_texts(self) -> pa.DictionaryArray:
        """What stands before the first time, each distinct text once."""
        starts = self.starts + self.layout.lead
        return self._distinct(starts, np.full(len(starts), self.layout.head))

    def tail_texts(self) -> pa.DictionaryArray:
        """What stands between the last time and the stamp, each distinct text once."""
        return self._distinct(self.tails, self.stamps - self.tails)

    def _distinct(self, starts: np.ndarray, lengths: np.ndarray) -> pa.DictionaryArray:
        """Parts of lines, none of them copied."""
        views = np.zeros(len(starts), _VIEW)
        views["length"], views["start"] = lengths, starts
        views["prefix"] = _window(self.text, 4)[starts]
        array = pa.Array.from_buffers(
            pa.binary_view(), len(views), [None, pa.py_buffer(views), pa.py_buffer(self.text)]
        )
        return array.dictionary_encode()


def line_ends(text: np.ndarray) -> np.ndarray:
    """Where lines end, behind their line feeds."""
    found: np.ndarray = np.flatnonzero(text == ord("\n"))
    return found + 1


def _window(text: np.ndarray, length: int) -> np.ndarray:
    """So many bytes from every place on, none of them copied."""
    return np.ndarray((max(len(text) - length + 1, 0),), f"V{length}", text.data, 0, (1,))


def _rows(text: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    found: np.ndarray = _window(text, length)[starts].view(np.uint8)
    return found.reshape(-1, length)


def _is(text: np.ndarray, starts: np.ndarray, literal: bytes) -> np.ndarray:
    """Where a literal stands in the text; nowhere where it would reach beyond its end."""
    is_within = starts <= len(text) - len(literal)
    found = _rows(text, starts if is_within.all() else np.where(is_within, starts, 0), len(literal))
    if found.tobytes() == literal * len(starts):
        return is_within
    is_same: np.ndarray = (found == np.frombuffer(literal, np.uint8)).all(axis=1)
    return is_same & is_within
