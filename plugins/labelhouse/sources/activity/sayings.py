"""What the parts of regular lines say that are the same in many of them: decoded and cleaned once a distinct text.

A head and a tail are decoded each by itself, a word of ours in the place of the times. That they are parts of one
object, and that neither says what the other does, is checked: then a line says what they say together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from labelhouse.schema.arrow import REPEATING
from labelhouse.sources.activity.layout import Layout
from labelhouse.sources.activity.records import (
    DIGEST_BYTES,
    STAMP,
    SUB,
    TIMES,
    WHO,
    Json,
    Workers,
    digest,
    names_somebody,
    what_columns,
    who_columns,
)
from labelhouse.sources.documents import Unreadable, decode, flaw

#: Stands for a time and a stamp while a head or a tail is decoded.
_A_TIME, _A_STAMP = "a time", "1"


@dataclass(frozen=True, slots=True)
class _Said:
    """What a head or a tail says; no columns where only `records` can say it."""

    columns: Mapping[str, str | None] | None
    digest: bytes = bytes(DIGEST_BYTES)
    sub: str | None = None


class Sayings:
    """What the heads, or the tails, of the lines of a layout say, each distinct one decoded once.

    Args:
        decode: says what one of them does, or raises Unreadable.
    """

    def __init__(self, decode: Callable[[bytes], _Said], entangled: Set[str]) -> None:
        self._decode, self._entangled = decode, entangled
        self._numbers: dict[bytes, int] = {}
        self._said: list[_Said] = []
        self._values: dict[str, pa.Array] = {}
        self._digests = np.empty(0, f"V{DIGEST_BYTES}")

    def __len__(self) -> int:
        return len(self._said)

    def numbers(self, texts: pa.DictionaryArray) -> np.ndarray:
        """The number of each text: what it says is asked for by that."""
        distinct = _bytes_of(texts.dictionary)
        for text in distinct:
            if text not in self._numbers:
                self._add(text)
        numbers = np.array([self._numbers[text] for text in distinct], np.int32)
        # `to_numpy` would import pandas
        found: np.ndarray = numbers[np.frombuffer(texts.indices.buffers()[1], np.int32, len(texts))]
        return found

    def _add(self, text: bytes) -> None:
        try:
            said = self._decode(text)
        except Unreadable:
            said = _Said(None)
        self._numbers[text] = len(self._said)
        self._said.append(said)
        self._values = {}

    def are_clear(self, numbers: np.ndarray) -> np.ndarray:
        """Of which it is known what they say: a `sub` that stands among the what has to be replaced there, too."""
        flags = [said.columns is not None and said.sub not in self._entangled for said in self._said]
        found: np.ndarray = np.array(flags, bool)[numbers]
        return found

    def digests(self, numbers: np.ndarray) -> np.ndarray:
        """Their digests."""
        self._refresh()
        found: np.ndarray = self._digests[numbers]
        return found

    def columns(self, numbers: np.ndarray) -> dict[str, pa.Array]:
        """Their columns; those that nobody says anything in are left out."""
        self._refresh()
        return {name: encoded(numbers, values) for name, values in self._values.items()}

    def _refresh(self) -> None:
        if self._values:
            return
        self._digests = np.frombuffer(b"".join([said.digest for said in self._said]), f"V{DIGEST_BYTES}")
        rows = [said.columns or {} for said in self._said]
        for name in dict.fromkeys(name for row in rows for name in row):
            values = texts([row.get(name) for row in rows])
            if values.null_count < len(values):
                self._values[name] = values


class Decoder:
    """Decodes heads and tails of lines, for `Sayings`."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._subs: set[str] = set()
        self._texts: set[str] = set()
        self._entangled: set[str] = set()

    def heads(self, layout: Layout) -> Sayings:
        """What the heads of a layout say: who."""
        return Sayings(partial(self._decode_head, layout), self._entangled)

    def tails(self, layout: Layout) -> Sayings:
        """What its tails say: what."""
        return Sayings(partial(self._decode_tail, layout), self._entangled)

    def _decode_head(self, layout: Layout, text: bytes) -> _Said:
        fields = _decoded(text + f'{_A_TIME}"}}'.encode())
        if fields.pop(layout.names[0], None) != _A_TIME or not fields.keys() <= {*WHO}:
            raise Unreadable("not regular")
        sub = fields.get(SUB)
        if sub is not None and not isinstance(sub, str):
            raise Unreadable("not regular")
        if sub:
            self._subs.add(sub)
            if any(sub in other for other in self._texts):
                self._entangled.add(sub)
        cleaned = self._workers.cleaned(fields)
        return _Said(who_columns(cleaned), digest(cleaned), sub or None)

    def _decode_tail(self, layout: Layout, text: bytes) -> _Said:
        begin = f'{{"{layout.names[-1]}": "{_A_TIME}'.encode()
        fields = _decoded(begin + text + _A_STAMP.encode() + layout.end)
        if fields.pop(layout.names[-1], None) != _A_TIME or fields.pop(STAMP, None) != _A_STAMP:
            raise Unreadable("not regular")
        if not fields.keys().isdisjoint((*WHO, *TIMES)) or names_somebody(fields):
            raise Unreadable("not regular")
        for found in {*_texts(fields)} - self._texts:
            self._texts.add(found)
            self._entangled.update(sub for sub in self._subs if sub in found)
        cleaned = self._workers.cleaned(fields)
        return _Said(what_columns(cleaned), digest(cleaned))


def texts(values: Iterable[str | None]) -> pa.StringArray:
    """`pa.array`, which would import pandas: that takes as long as reading a hundred megabytes."""
    builder = pa.lib.StringBuilder()
    builder.append_values(values)
    return builder.finish()


def encoded(numbers: np.ndarray, values: pa.StringArray) -> pa.DictionaryArray:
    """Values by their numbers."""
    return pa.DictionaryArray.from_buffers(
        REPEATING, len(numbers), [None, pa.py_buffer(np.ascontiguousarray(numbers, np.int32))], values
    )


def _bytes_of(texts: pa.Array) -> list[bytes]:
    """`to_pylist`, eight times as fast."""
    _, offsets, data = texts.cast(pa.binary()).buffers()
    whole, ends = data.to_pybytes(), np.frombuffer(offsets, np.int32)[: len(texts) + 1].tolist()
    return [whole[start:end] for start, end in pairwise(ends)]


def _decoded(text: bytes) -> Json:
    value, is_suspect = decode(text)
    if not isinstance(value, dict) or (is_suspect and flaw(value)):
        raise Unreadable("not regular")
    return value


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys included."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            pending += item.keys()
            pending += item.values()
        elif isinstance(item, list):
            pending += item
