"""Lines of a manifest that differ in nothing but their values, found and cut apart without decoding any of them.

Ground Truth writes the lines of a job all alike. Of one of them, known to be regular, is told what stands around its
values. Where nothing is spelt with escapes every quote begins or ends a text, so that the quotes of a line say where
its values are; it is like that one line if around them stands the same. Values that repeat are looked at once a
distinct value. What differs in any way is left to `regular_lines`, which gives the same rows for what is alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
import pyarrow as pa

from labelhouse.sources.documents import Text

_QUOTE, _LINE_FEED, _SPACE, _BACKSLASH = b'"\n \\'
#: Arrow's views hold texts up to this length themselves, in words behind it.
_INLINE_BYTES, _WORD_BYTES = 12, 8
#: Number of bytes → what keeps so many of a word.
_MASKS = np.array([(1 << 8 * count) - 1 for count in range(_WORD_BYTES + 1)], np.uint64)

Path = tuple[str, ...]
Int64s = np.ndarray[Any, np.dtype[np.int64]]
Booleans = np.ndarray[Any, np.dtype[np.bool_]]
Words = np.ndarray[Any, np.dtype[np.uint64]]


class Form(NamedTuple):
    """How lines are written.

    Attributes:
        names: of the values, in order: keys, of an inner object behind the key of that.
        are_texts: whether a value stands between quotes, else it is a number.
        around: what stands before the first value, between any two, and behind the last.
    """

    names: tuple[Path, ...]
    are_texts: tuple[bool, ...]
    around: tuple[bytes, ...]

    @classmethod
    def of(cls, line: Text) -> Self | None:
        """The form of a line that is a JSON object; None where it is not written as compactly as Ground Truth does."""
        names, are_texts, around = list[Path](), list[bool](), [b""]

        def walk(value: Any, path: Path) -> None:
            if isinstance(value, dict):
                around[-1] += b"{"
                for number, (key, each) in enumerate(value.items()):
                    around[-1] += (b"," if number else b"") + msgspec.json.encode(key) + b":"
                    walk(each, (*path, key))
                around[-1] += b"}"
            else:
                names.append(path)
                are_texts.append(isinstance(value, str))
                quote = b'"' if are_texts[-1] else b""
                around[-1] += quote
                around.append(quote)

        decoded = msgspec.json.decode(line)
        walk(decoded, ())
        if not isinstance(decoded, dict) or not names or b"\\" in line or msgspec.json.encode(decoded) != line:
            return None
        return cls(tuple(names), tuple(are_texts), tuple(around))

    def whole(self, path: Path, spans: Sequence[Span]) -> Span:
        """Where a value stands with its quotes, or an object with its values."""
        inside = [number for number, name in enumerate(self.names) if name[: len(path)] == path]
        first, last = inside[0], inside[-1]
        keys = b"".join(b"{" + msgspec.json.encode(key) + b":" for key in self.names[first][len(path) :])
        closed = len(self.names[last]) - len(path)
        return Span(
            spans[first].begins - len(keys) - self.are_texts[first], spans[last].ends + self.are_texts[last] + closed
        )


class Span(NamedTuple):
    """Where one value of each line begins and ends."""

    begins: Int64s
    ends: Int64s


class Block:
    """Whole lines of a text."""

    def __init__(self, text: Text) -> None:
        self.text = text
        # behind the end may be read as much as a view holds
        ended = text if text.endswith(b"\n") else text + b"\n"
        size = len(ended)
        self._bytes = np.frombuffer(bytes(ended) + bytes(2 * _WORD_BYTES), np.uint8)
        words = (size + _WORD_BYTES,)
        self._words = np.ndarray(words, np.uint64, self._bytes.data, strides=(1,))
        shown = self._bytes[:size]
        self._ends = np.flatnonzero(shown == _LINE_FEED)
        self._starts = np.concatenate([[0], self._ends[:-1] + 1])
        self._quotes = np.flatnonzero(shown == _QUOTE)
        self._has_controls = int(np.count_nonzero(shown < _SPACE)) > len(self._ends)

    def __len__(self) -> int:
        return len(self._ends)

    def line(self, number: int) -> Text:
        """One of the lines, stripped."""
        return self.text[self._starts[number] : self._ends[number]].strip()

    def alike(self, form: Form) -> tuple[Int64s, list[Span]]:
        """The numbers of the lines of a form, and where the values of these are."""
        quotes_before = np.cumsum([each.count(b'"') for each in form.around])
        first_quotes = np.searchsorted(self._quotes, self._starts)
        counts = np.searchsorted(self._quotes, self._ends) - first_quotes
        numbers = np.flatnonzero((counts == quotes_before[-1]) & ~self._suspects())
        quotes = self._quotes[first_quotes[numbers][:, None] + np.arange(quotes_before[-1])].T
        line_ends = self._ends[numbers]
        begins, ends = list[Int64s](), [self._starts[numbers]]  # of values; the first is what precedes all
        for before, behind, count in zip(form.around, form.around[1:], quotes_before, strict=False):
            begins.append(quotes[count - 1] + len(before) - before.rindex(b'"'))
            ends.append(quotes[count] - behind.index(b'"') if b'"' in behind else line_ends - len(behind))
        begins.append(line_ends)
        fits = np.ones(len(numbers), np.bool_)
        for end, begin, text in zip(ends, begins, form.around, strict=True):
            fits &= begin - end == len(text)
        for begin, end in zip(begins, ends[1:], strict=False):
            fits &= begin <= end
        numbers, begins, ends = numbers[fits], _those(begins, fits), _those(ends, fits)
        is_alike = np.ones(len(numbers), np.bool_)
        for end, text in zip(ends, form.around, strict=True):
            is_alike &= self._holds(end, text)
        begins, ends = _those(begins, is_alike), _those(ends, is_alike)
        return numbers[is_alike], [Span(*each) for each in zip(begins, ends[1:], strict=False)]

    def texts(self, span: Span) -> pa.StringArray:
        """What is there: given to Arrow as views, which it copies."""
        starts, lengths = span.begins, span.ends - span.begins
        views = np.empty((len(starts), 2), np.uint64)
        first, second = self._words[starts], self._words[starts + 4]
        is_inline = lengths <= _INLINE_BYTES
        views[:, 0] = lengths.astype(np.uint64) | np.where(is_inline, _cut(first, lengths), first) << 32
        views[:, 1] = np.where(is_inline, _cut(second, lengths - 4), starts.astype(np.uint64) << 32)
        buffers = [None, pa.py_buffer(views), pa.py_buffer(self._bytes)]
        return pa.Array.from_buffers(pa.string_view(), len(starts), buffers).cast(pa.string())

    def _holds(self, starts: Int64s, text: bytes) -> Booleans:
        """Whether at each of the positions stands a text."""
        found = np.ones(len(starts), np.bool_)
        for offset in range(0, len(text), _WORD_BYTES):
            piece = text[offset : offset + _WORD_BYTES]
            found &= _cut(self._words[starts + offset], len(piece)) == int.from_bytes(piece, "little")
        return found

    def _suspects(self) -> Booleans:
        """Lines in which something is spelt with escapes, or that are no text of JSON."""
        suspects = np.full(len(self._ends), not _is_utf8(self.text))
        if self._has_controls or _BACKSLASH in self.text:
            shown = self._bytes[: self._ends[-1]]
            found = (shown < _SPACE) | (shown == _BACKSLASH)
            found[self._ends[:-1]] = False
            suspects[np.searchsorted(self._ends, np.flatnonzero(found))] = True
        return suspects


def _those(columns: list[Int64s], keep: Booleans) -> list[Int64s]:
    return columns if keep.all() else [each[keep] for each in columns]


def _cut(words: Words, lengths: int | Int64s) -> Words:
    """Of each word as many bytes, none or all of them, and zeros."""
    cut: Words = words & _MASKS[np.clip(lengths, 0, _WORD_BYTES)]
    return cut


def _is_utf8(text: Text) -> bool:
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False
