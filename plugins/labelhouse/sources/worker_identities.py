"""Where Ground Truth's documents say who a worker is, and how that is replaced before anything is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from labelhouse.identities import same_if_unchanged

if TYPE_CHECKING:
    from labelhouse.identities import Identities

#: What is under these keys says who the worker is …
_IDENTITY_KEYS = frozenset({"workerMetadata", "identityData"})
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
        may_hold_addresses=has_escapes or b"@" in text or b"%40" in text,
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
