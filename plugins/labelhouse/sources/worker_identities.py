"""Where Ground Truth's documents say who a worker is, and how that is replaced before anything is kept."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from labelhouse.identities import same_if_unchanged
from labelhouse.sources.documents import as_json, encode

if TYPE_CHECKING:
    from labelhouse.identities import Identities

#: What is under these keys says who the worker is …
_WORKER_METADATA = "workerMetadata"
_IDENTITY_KEYS = frozenset({_WORKER_METADATA, "identityData"})
#: … except for this, which is the same for all workers.
_SHARED_KEYS = frozenset({"identityProviderType", "issuer"})


class Traces(NamedTuple):
    """What in a text asks for a walk through what was decoded from it. Most texts ask for none."""

    may_name_workers: bool
    may_hold_addresses: bool


def traces_in(text: bytes | bytearray) -> Traces:
    """The traces in a text: scanned once, for however many records are decoded from it."""
    has_escapes = b"\\" in text  # anything may be spelt with these
    return Traces(
        may_name_workers=has_escapes or any(key.encode() in text for key in _IDENTITY_KEYS),
        may_hold_addresses=has_escapes or b"@" in text or (b"%" in text and b"%40" in text),
    )


def without_identities(value: Any, traces: Traces, identities: Identities) -> Any:
    """A decoded value with pseudonyms instead of identities.

    Everything under `workerMetadata` and `identityData` that could name a person becomes a pseudonym, at any
    depth; the worker's `sub`, and e-mail addresses, wherever else they stand.

    Args:
        value: a decoded record.
        traces: those in the text that the record was decoded from.
    """
    subs: set[str] = set()
    if traces.may_name_workers:
        value = _masked(value, identities, subs)
    if traces.may_hold_addresses or subs:
        value = identities.clean(value, known=sorted(subs, key=len, reverse=True))
    return value


def regular_without_identities(answer: dict[str, Any], identities: Identities) -> tuple[dict[str, Any], str] | None:
    """As `without_identities`, with its JSON: for an answer in which nothing but its `workerMetadata` names anybody.

    Nearly all are such, and few workers give them: their metadata is walked once, and in place of the walk through
    the rest its JSON is searched, in which every text of it stands as it is but for quotes and control characters.

    Args:
        answer: without flaws.
    """
    metadata = answer.get(_WORKER_METADATA)
    if metadata is None:
        worker, cleaned = _NOBODY, answer
    else:
        worker = _worker(encode(metadata), identities)
        cleaned = {**answer, _WORKER_METADATA: worker.masked}
    text = encode(cleaned)
    return (cleaned, text) if _is_clean(text, worker, answer) else None


def texts_without_identities(answers: list[dict[str, Any]], identities: Identities) -> list[str | None]:
    """As `regular_without_identities` for many answers, which are changed: the JSON of each, None for some."""
    workers = [
        _NOBODY if metadata == "null" else _worker(metadata, identities)
        for metadata in as_json([answer.get(_WORKER_METADATA) for answer in answers])
    ]
    for answer, worker in zip(answers, workers, strict=True):
        if worker is not _NOBODY:
            answer[_WORKER_METADATA] = worker.masked
    return [
        text if _is_clean(text, worker, answer) else None
        for text, worker, answer in zip(as_json(answers), workers, answers, strict=True)
    ]


def _is_clean(text: str, worker: _Worker, answer: dict[str, Any]) -> bool:
    """Whether the JSON of an answer names nobody but in its `workerMetadata`."""
    mentions = worker.mentions + (_WORKER_METADATA in answer)
    return _mentions(text) == mentions and not any(trace in text for trace in worker.traces)


class _Worker(NamedTuple):
    """A `workerMetadata` with pseudonyms, what it mentions, and what nothing else of an answer may hold."""

    masked: Any
    mentions: int
    traces: tuple[str, ...]


#: Addresses, spelt in one way or another.
_ADDRESSES = ("@", "%40", "u0040")
_NOBODY = _Worker(None, 0, _ADDRESSES)


@lru_cache(2**14)
def _worker(metadata: str, identities: Identities) -> _Worker:
    subs: set[str] = set()
    masked = _pseudonyms(msgspec.json.decode(metadata), identities, subs)
    # as they would stand in the JSON
    return _Worker(masked, _mentions(encode(masked)), (*_ADDRESSES, *(encode(sub)[1:-1] for sub in subs)))


def _mentions(text: str) -> int:
    return sum(text.count(key) for key in _IDENTITY_KEYS)


def _masked(value: Any, identities: Identities, subs: set[str]) -> Any:
    """`value` with the identities under their keys replaced; collects every `sub` it meets there."""
    if isinstance(value, dict):
        masked = {
            key: _pseudonyms(item, identities, subs) if key in _IDENTITY_KEYS else _masked(item, identities, subs)
            for key, item in value.items()
        }
        return same_if_unchanged(value, masked)
    if isinstance(value, list):
        return same_if_unchanged(value, [_masked(item, identities, subs) for item in value])
    return value


def _pseudonyms(value: Any, identities: Identities, subs: set[str], key: str = "") -> Any:
    """Every text and number of `value` as its pseudonym."""
    if isinstance(value, dict):
        return {name: _pseudonyms(item, identities, subs, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_pseudonyms(item, identities, subs, key) for item in value]
    if value is None or value == "" or isinstance(value, bool) or (key in _SHARED_KEYS and isinstance(value, str)):
        return value
    if key == "sub" and isinstance(value, str):
        subs.add(value)
    return identities.pseudonym(str(value))
