"""From a unit's bytes to values that the lake can hold: unpacked, decoded, checked, given a shape.

Whatever cannot be used is said as `Unreadable`, in words a person understands. Reasons name fields, never
values (these may be identities) and no byte positions (quarantine is counted by reason).
"""

from __future__ import annotations

import io
import json
import math
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import deflate
import msgspec

#: Largest unit that is read, as stored and unpacked.
MAX_UNIT_BYTES = 512 * 1024 * 1024
#: Largest JSON document or line: decoded, the worst of them takes thirty times its size.
MAX_RECORD_BYTES = 16 * 1024 * 1024
#: What unpacks to more than this many times its size (and to more than a megabyte) is a bomb, not a delivery.
MAX_UNPACK_RATIO = 200

#: Clocks may be ahead by this much.
CLOCK_SKEW = timedelta(hours=2)
#: Deeper nesting is no delivery of AWS's, and a danger to everything that walks the value later.
MAX_DEPTH = 64

_FREE_BYTES = _STEP_BYTES = 1024 * 1024
_PIECE_BYTES = 16 * 1024
_GZIP = b"\x1f\x8b"
#: CRC-32 of the text and its size modulo 2^32.
_GZIP_END = struct.Struct("<II")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
#: From which times are counted that come as numbers.
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Such a number below this is of seconds, else of milliseconds.
SHORTEST_MILLISECONDS = 10**11

_NOT_UTF8 = "the text is not UTF-8"
_TOO_DEEP = "the JSON is nested too deeply"
#: A whole number of so many digits may be beyond 64 bits.
_LONG_NUMBER = b"0" * 19
_DIGITS_TO_ZEROS = bytes.maketrans(b"123456789", b"000000000")

#: msgspec's and Python's words for what is wrong with a JSON text → ours.
_JSON_REASONS = (
    ("truncated", "the JSON ends too early"),
    ("trailing characters", "something follows after the end of the JSON"),
    ("trailing comma", "the JSON has a comma too many"),
)
#: What JSON values are called, by Python's names and by msgspec's.
_KINDS = {
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "str": "text",
    "list": "a list",
    "array": "a list",
    "dict": "an object",
    "object": "an object",
    "NoneType": "null",
    "null": "null",
}
_MISMATCH = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`(?: - at `\$\.?(?P<path>[^`]*)`)?")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`")
_ENDLESS_SECONDS = 10**15
_MILLISECOND = Decimal("0.001")

#: What is read, unpacked or as it came.
Text = bytes | bytearray

_ENCODER = msgspec.json.Encoder()

Shape = TypeVar("Shape", bound=msgspec.Struct)


class Unreadable(Exception):
    """Something cannot be read as what it should be; the text is the reason that quarantine shows."""


class Decoded(NamedTuple):
    """A JSON value, and whether it must be looked at with `flaw` before it may be loaded."""

    value: Any
    is_suspect: bool


def unpack(data: bytes) -> Text:
    """The text of a unit: gunzipped where it begins as gzip does, whatever its name; without a byte order mark.

    Several gzip members one after the other are one text, as for gzip itself. Anything else behind them,
    a wrong checksum or a missing end makes the whole unit unreadable: nothing of it is trusted.

    Raises:
        Unreadable: damaged, empty, too large, or unpacking to an implausible size.
    """
    if len(data) > MAX_UNIT_BYTES:
        raise Unreadable(f"the file is larger than {MAX_UNIT_BYTES >> 20} MB")
    text = (_gunzip_at_once(data) or _gunzip(data)) if data.startswith(_GZIP) else data
    if not text or text.isspace():
        raise Unreadable("the file is empty")
    if text.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in text[:4]:
        raise Unreadable("the text is UTF-16 or UTF-32, not UTF-8")
    return text.removeprefix(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else text


def _gunzip_at_once(data: bytes) -> bytearray | None:
    """The text of a sound gzip file of one member, into memory of the size that its end gives, three times as fast.

    None where it is anything else; `_gunzip` reads that, or says what is wrong. The library stops at the end of
    the first member, which ends with the checksum and size of its text: where the file's own, at its end, stand
    nowhere before, nothing follows that member.
    """
    checksum, size = _GZIP_END.unpack_from(data, len(data) - _GZIP_END.size) if len(data) > 18 else (0, 0)
    if not 0 < size <= _unpacked_limit(data) or data.find(data[-_GZIP_END.size :]) < len(data) - _GZIP_END.size:
        return None
    try:
        text: bytearray = deflate.gzip_decompress(data, size)
    except deflate.DeflateError:
        return None
    return text if len(text) == size and deflate.crc32(text) == checksum else None


def _unpacked_limit(data: bytes) -> int:
    return min(MAX_UNIT_BYTES, max(_FREE_BYTES, MAX_UNPACK_RATIO * len(data)))


def _gunzip(data: bytes) -> bytes:
    """The text in `data`, unpacked in pieces so that a bomb is stopped before it fills the memory."""
    limit = _unpacked_limit(data)
    text = io.BytesIO()  # hands out its bytes without a second copy
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for start in range(0, len(data), _PIECE_BYTES):
            piece = data[start : start + _PIECE_BYTES]
            while True:
                text.write(member.decompress(piece, _STEP_BYTES))
                if text.tell() > limit:
                    raise Unreadable(
                        f"the gzip file unpacks to more than {MAX_UNPACK_RATIO} times its size, "
                        f"or to more than {MAX_UNIT_BYTES >> 20} MB"
                    )
                if member.eof and member.unused_data:
                    piece, member = member.unused_data, zlib.decompressobj(zlib.MAX_WBITS | 16)
                elif member.unconsumed_tail:
                    piece = member.unconsumed_tail
                else:
                    break
    except zlib.error as error:
        if "header" in str(error):
            raise Unreadable("something that is not gzip follows the gzip data") from None
        raise Unreadable("the gzip file is damaged") from None
    if not member.eof:
        raise Unreadable("the gzip file is cut off")
    return text.getvalue()


def lines(text: Text) -> Iterator[tuple[int, Text | memoryview]]:
    """The lines of a text with their numbers from 0; blank ones are counted but left out.

    Only line feeds end a line. One too large to be a record comes as a view, so that it is never copied.
    """
    start = number = 0
    while start < len(text):
        end = text.find(b"\n", start)
        if end < 0:
            end = len(text)
        if end - start > MAX_RECORD_BYTES:
            yield number, memoryview(text)[start:end]
        elif line := text[start:end].strip():
            yield number, line
        start, number = end + 1, number + 1


def decode(text: Text | memoryview) -> Decoded:
    """The value of one JSON text.

    What JSON's grammar allows, or Python's, but the lake cannot hold (half a surrogate pair, NaN, 1e999,
    numbers beyond 64 bits) does not fail here: `flaw` names it, so that the record beside it still loads.
    Of repeated keys the last one counts.

    Raises:
        Unreadable: not JSON, not UTF-8, too large or nested too deeply.
    """
    if len(text) > MAX_RECORD_BYTES:
        raise Unreadable(f"the record is larger than {MAX_RECORD_BYTES >> 20} MB")
    text = bytes(text)
    try:
        value = msgspec.json.decode(text)
        is_suspect = _LONG_NUMBER in text.translate(_DIGITS_TO_ZEROS)
    except RecursionError:
        raise Unreadable(_TOO_DEEP) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        value, is_suspect = _decode_leniently(text, str(error)), True
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and _is_deep(value):
        raise Unreadable(_TOO_DEEP)
    return Decoded(value, is_suspect)


def _is_deep(value: Any) -> bool:
    """Whether a value is nested deeper than allowed, found without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        containers = (item for item in level if isinstance(item, (dict, list)))
        level = [inner for item in containers for inner in (item.values() if isinstance(item, dict) else item)]
        if not level:
            return False
    return True


def _decode_leniently(text: bytes, complaint: str) -> Any:
    """What Python makes of a text that msgspec complained about; numbers out of all bounds become infinite."""
    try:
        return json.loads(text.decode(), parse_int=lambda digits: int(digits) if len(digits) <= 20 else math.inf)
    except UnicodeDecodeError:
        raise Unreadable(_NOT_UTF8) from None
    except RecursionError:
        raise Unreadable(_TOO_DEEP) from None
    except ValueError:
        reasons = (reason for words, reason in _JSON_REASONS if words in complaint)
        raise Unreadable(next(reasons, "the text is not JSON")) from None


def flaw(value: Any) -> str | None:
    """What in a decoded value Arrow or DuckDB could not hold; None where nothing is."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending += item.keys()
            pending += item.values()
        elif isinstance(item, list):
            pending += item
        elif isinstance(item, str):
            try:
                item.encode()
            except UnicodeEncodeError:
                return "a text holds half of a surrogate pair, which is no character"
        elif isinstance(item, int):
            if not -(2**63) <= item < 2**63:
                return "a whole number is beyond 64 bits"
        elif isinstance(item, float) and not math.isfinite(item):
            return "a number is not finite, or too large (NaN, Infinity, 1e999)"
    return None


def encode(value: Any) -> str:
    """A value without flaws as compact JSON, in its own order of keys."""
    return msgspec.json.encode(value).decode()


def as_json(values: list[Any]) -> list[str]:
    """As `encode`, each of many values."""
    return _ENCODER.encode_lines(values).decode().split("\n")[:-1]  # there are no other line feeds


def encode_flawed(value: Any) -> bytes:
    """Any decoded value as JSON for quarantine, flaws included."""
    return json.dumps(value, separators=(",", ":")).encode()


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    return _KINDS[type(value).__name__]


def shaped(value: Any, shape: type[Shape], name: str = "") -> Shape:
    """The known fields of a decoded value, with the types that `shape` (a msgspec Struct) declares.

    Args:
        name: what the value is, for the reason.

    Raises:
        Unreadable: a field is missing or of another type; names the field and never its value.
    """
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise Unreadable(_in_words(str(error), name)) from None


def _in_words(complaint: str, name: str) -> str:
    """msgspec's complaint as a sentence about JSON, not about Python."""
    if found := _MISSING.match(complaint):
        return f"{found['field']} is missing"
    if found := _MISMATCH.match(complaint):
        wanted = " or ".join(_KINDS.get(each, each) for each in found["wanted"].split(" | ") if each != "null")
        return f"{found['path'] or name} is {_KINDS.get(found['got'], found['got'])}, not {wanted}"
    return f"{name or 'a field'} is not what it should be"


def word(text: str | bool | None, name: str, words: Mapping[str, bool]) -> bool | None:
    """What a word stands for; true and false stand for themselves, empty text for nothing."""
    if isinstance(text, bool):
        return text
    if not text:
        return None
    if text.lower() not in words:
        raise Unreadable(f"{name} is none of {', '.join(words)}")
    return words[text.lower()]


def time(text: str | None, name: str, latest_at: datetime) -> datetime | None:
    """An ISO 8601 time in UTC, which is assumed where it names no zone; no text is no time, and never a zero one."""
    if not text:
        return None
    try:
        if text[10:11] not in {"T", " "}:
            raise ValueError  # Python also reads dates alone
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(f"{name} is not a time such as 2019-04-18T16:40:59Z") from None
    if not EARLIEST <= found <= latest_at:
        raise Unreadable(f"{name} lies before 2010 or in the future")
    return found


def seconds(number: float | None, name: str) -> Decimal | None:
    """A duration, to the millisecond."""
    if number is None:
        return None
    if not 0 <= number < _ENDLESS_SECONDS:
        raise Unreadable(f"{name} is negative or too large")
    return Decimal(str(number)).quantize(_MILLISECOND)


def ratio(number: float | None, name: str) -> float | None:
    """A share, from 0 to 1."""
    if number is not None and not 0 <= number <= 1:
        raise Unreadable(f"{name} is not between 0 and 1")
    return number
