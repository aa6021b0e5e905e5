"""Answers of SageMaker about trainings: decoded, without persons, and with numbers that may be none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from labelhouse.sources.control_plane import Pascal
from labelhouse.sources.documents import Unreadable, decode, encode, encode_flawed, flaw, kind, unpack

if TYPE_CHECKING:
    from datetime import datetime

    from labelhouse.identities import Identities
    from labelhouse.sources.parsed import Parsed

Found = TypeVar("Found")

SCHEME = "sagemaker"
#: A longer text under one key is not kept.
_MOST_LETTERS = 16 * 1024


class Tag(Pascal):
    """A key and its value."""

    key: str
    value: str | None = None


class Value(NamedTuple):
    """A number, or why there is none: `nan` or `infinite`."""

    number: float | None
    flag: str | None


def value_of(given: float | str, name: str) -> Value:
    """The value of a metric, which AWS may write as a number or in words.

    Raises:
        Unreadable: it is no number and none of the words.
    """
    try:
        number = float(given)
    except (ValueError, OverflowError):
        raise Unreadable(f"{name} is not a number") from None
    if isinstance(given, str) and not (given.isascii() and "_" not in given):  # Python reads more than there is
        raise Unreadable(f"{name} is not a number")
    if math.isfinite(number):
        return Value(number, None)
    return Value(None, "nan" if math.isnan(number) else "infinite")


def finite(given: float | str | None, name: str) -> float | None:
    """A number of AWS's sums; none where it is no finite number.

    Raises:
        Unreadable: it is a text that is no number.
    """
    return None if given is None else value_of(given, name).number


def read_answer(
    parsed: Parsed,
    data: bytes,
    identities: Identities,
    read: Callable[[dict[str, Any]], Found],
    *,
    personal: Iterable[str] = (),
    numbers: Iterable[str] = (),
) -> Found | None:
    """What `read` makes of the answer that a unit holds; None where it is in quarantine, as the one record that it is.

    Args:
        read: of an answer without what is personal; raises Unreadable.
        personal: fields that are left out.
        numbers: fields below which numbers that are none stand as the words `nan` and `inf`.
    """
    try:
        answer = decode(unpack(data)).value
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), data, cleaned=False)
        return None
    document = _cleaned(answer, identities, personal, numbers)
    try:
        return read(_checked(document))
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), encode_flawed(document), cleaned=True)
        return None


def load_metrics(
    parsed: Parsed,
    table: str,
    metrics: Iterable[Any] | None,
    event_at: datetime | None,
    row: Callable[[Any], dict[str, Any]],
) -> None:
    """A row for each metric of an answer; unusable ones are quarantined parts.

    Args:
        event_at: the answer's own time, for metrics without one.
        row: metric → its columns; raises Unreadable.
    """
    for number, metric in enumerate(metrics or ()):
        position = f"0/{number}"
        try:
            values = row(metric)
        except Unreadable as reason:
            parsed.quarantine_part(position, str(reason), encode_flawed(metric), cleaned=True)
        else:
            parsed.row(table, position, values["metric_at"] or event_at, **values)


def _cleaned(answer: Any, identities: Identities, personal: Iterable[str], numbers: Iterable[str]) -> Any:
    if not isinstance(answer, dict):
        return identities.clean(answer)
    left_out, spelled = frozenset(personal), frozenset(numbers)
    return identities.clean(
        {name: _in_words(value) if name in spelled else value for name, value in answer.items() if name not in left_out}
    )


def _checked(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise Unreadable(f"the answer is {kind(document)}, not an object")
    if found := flaw(document):
        raise Unreadable(found)
    return document


def _in_words(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf"
    if isinstance(value, dict):
        return {key: _in_words(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_words(item) for item in value]
    return value


def text_map(values: Mapping[str, Any] | None) -> dict[str, str] | None:
    """A map of text to text, by name; numbers without a needless fraction, nothing that is too long."""
    if not values:
        return None
    found = {name: _as_text(value) for name, value in sorted(values.items()) if value is not None}
    return {name: text for name, text in found.items() if len(text) <= _MOST_LETTERS}


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return _unquoted(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return encode(value)


def _unquoted(text: str) -> str:
    """The SDK writes hyper-parameters of texts as JSON: `"adam"` with its quotes."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            inner = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
        return inner if isinstance(inner, str) else text
    return text


def json_of(value: Any) -> str | None:
    """What there is as JSON; NULL of what is empty."""
    return encode(value) if value else None
