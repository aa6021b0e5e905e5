"""What CloudTrail's records are to us, told by who was called and for what."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from labelhouse.sources.trails.log_files import Event

#: Who writes the metrics of training runs, and how.
METRICS_SOURCE = "metrics-sagemaker.amazonaws.com"
METRICS_OPERATION = "BatchPutMetrics"
#: Services whose changes are kept.
_MANAGEMENT_SOURCES = ("sagemaker.amazonaws.com", "cognito-idp.amazonaws.com", "cloudtrail.amazonaws.com")
#: Whoever else is named is none of ours.
OUR_SOURCES = frozenset({*_MANAGEMENT_SOURCES, METRICS_SOURCE, None, ""})
#: What an operation that changes something is called, and what it changes; people signing in change nothing.
OPERATION = re.compile(
    r"^(Admin)?(Add|Associate|Create|Delete|Deregister|Disable|Disassociate|Enable|Import|Put|Register|Remove|Reset|"
    r"Restore|Resume|Send|Set|Start|Stop|Update)(?P<noun>[A-Z].*?)(?:V[0-9]+)?\Z"
)

#: What a record is to us; None where it does not say what it is.
Kind = Literal["metric_call", "change", "foreign"] | None


class Head(msgspec.Struct, rename="camel"):
    """What decides whether a record is ours."""

    event_source: str | None = None
    event_name: str | None = None
    error_code: Any = None
    read_only: Any = None


_HEAD = msgspec.json.Decoder(Head)


def kind_of(event: Event | Head) -> Kind:
    """What a record is to us."""
    source, name = event.event_source, event.event_name
    if source not in OUR_SOURCES:
        return "foreign"
    if not source or not name:
        return None
    if source == METRICS_SOURCE:
        return "metric_call" if name == METRICS_OPERATION and not event.error_code else "foreign"
    if event.read_only in (True, "true") or not OPERATION.match(name):
        return "foreign"
    return "change"


def is_foreign(raw: msgspec.Raw) -> bool:
    """Whether a record says it is none of ours, whatever else may be wrong with it."""
    try:
        return kind_of(_HEAD.decode(raw)) == "foreign"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False  # no object, or broken: it is said elsewhere how
