"""CloudTrail's records one by one: calls that change something, and metric calls with anything odd about them.

**What is quarantined.** A record of ours without an id, a time or the parameters that make it what it is. Of a metric
call, a point without a name, a time or a value that is a number: a part of the record (`record/point`) while other
points load. A value NaN or Infinity is no fault of the record: the point loads without a value, and says why.

**What is filtered.** Records of other services, calls that only read, calls of metrics that AWS refused; points that
AWS refused (`errors` in the response) are counted as filtered parts.

Numbers in quotes are numbers, as for `metric_calls`, which reads the regular ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from labelhouse.sources.documents import (
    CLOCK_SKEW,
    EARLIEST,
    MAX_DEPTH,
    MAX_RECORD_BYTES,
    SHORTEST_MILLISECONDS,
    Unreadable,
    decode,
    encode,
    encode_flawed,
    flaw,
    kind,
    shaped,
    time,
)
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.trails import log_files
from labelhouse.sources.trails.callers import Callers
from labelhouse.sources.trails.kinds import OPERATION, Head, is_foreign, kind_of
from labelhouse.sources.trails.log_files import Event, Identity, Parts, Resource

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
#: Operations that name a part of what they change.
_THINGS = {
    "Logging": "Trail",
    "EventSelectors": "Trail",
    "InsightSelectors": "Trail",
    "EventDataStoreIngestion": "EventDataStore",
}
#: `AdminSetUserPassword`, `AdminAddUserToGroup`, …; a user pool or a user profile is something else.
_PERSON = re.compile(r"User(?:Attributes|FromGroup|MFAPreference|Password|Settings|ToGroup)?")
_LEAP_SECOND = re.compile(r"(?<=T[0-9]{2}:[0-9]{2}:)60(?:\.[0-9]*)?(?=Z|[+-]|\Z)")


_PAYLOADS = {"requestParameters", "responseElements"}
#: What stays text in an `Event`.
_RAW = {"requestParameters", "responseElements", "userIdentity", "resources"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the records of a log file share."""

    now: datetime
    callers: Callers


def caller_columns(event: Event, callers: Callers) -> dict[str, str | None]:
    """Who called, from where."""
    identity = event.identity
    return {
        "aws_region": _cleaned(event.aws_region, callers.text),
        "principal_arn": _cleaned(identity.caller, callers.principal),
        "principal_type": _cleaned(identity.type, callers.text),
        "source_network": _cleaned(event.source_ip_address, callers.network),
        "user_agent": _cleaned(event.user_agent, callers.text),
    }


def run_columns(event: Event, callers: Callers) -> dict[str, str | None]:
    """Which run a metric call is about."""
    resource = event.resource
    return {
        "trial_component_arn": _cleaned(resource.arn, callers.text),
        "account_id": _cleaned(resource.account_id or event.recipient_account_id, callers.text),
        "resource_type": _cleaned(resource.type, callers.text),
    }


def load_change(parsed: Parsed, delivery: Delivery, number: int, event: Event) -> None:
    """One management event ends in `parsed`.

    Raises:
        Unreadable: it has no id or no time, or has to be looked at as a whole; nothing ended.
    """
    callers = delivery.callers
    event_at, time_flag = _event_time(event.event_time, delivery.now)
    kind_of_thing, thing = _changed(event.event_name or "", event.request_parameters, callers)
    parsed.row(
        "management_events",
        str(number),
        event_at,
        event_id=_named(event.event_id, "eventID"),
        event_source=event.event_source,
        event_name=event.event_name,
        account_id=event.recipient_account_id or None,
        resource_kind=kind_of_thing,
        resource_name=thing,
        error_code=event.error_code or None,
        error_message=_cleaned(event.error_message, callers.message),
        request_json=_json(event.request_parameters, callers),
        response_json=_json(event.response_elements, callers),
        shared_event_id=event.shared_event_id or None,
        time_flag=time_flag,
        **caller_columns(event, callers),
    )
    parsed.key("management_events", number, event.event_id or "")
    parsed.loaded()


def _is_loaded(parsed: Parsed, delivery: Delivery, number: int, event: Event) -> bool:
    try:
        load_change(parsed, delivery, number, event)
    except Unreadable:
        return False
    return True


def load_record(parsed: Parsed, delivery: Delivery, number: int, raw: msgspec.Raw) -> None:
    """One record of any kind ends in `parsed`: loaded, filtered or quarantined. Data never raises."""
    view = memoryview(raw)
    event = log_files.event(raw) if len(view) <= MAX_RECORD_BYTES else None
    if is_foreign(raw) if event is None else kind_of(event) == "foreign":
        parsed.filtered()
        return
    if event and kind_of(event) == "change" and _is_loaded(parsed, delivery, number, event):
        return
    try:
        record, is_suspect = decode(view)
        if not isinstance(record, dict):
            raise Unreadable(f"the record is {kind(record)}, not an object")
    except Unreadable as reason:
        parsed.quarantine(str(number), str(reason), view, cleaned=False)
        return
    try:
        known = _known(record, Event)
        kind_of_record = kind_of(head := shaped(known, Head))
        if kind_of_record == "foreign":
            parsed.filtered()
            return
        is_metric_call = kind_of_record == "metric_call"
        if is_suspect and (found := flaw(_without_points(known) if is_metric_call else known)):
            raise Unreadable(found)
        if kind_of_record is None:
            raise Unreadable(f"{'eventName' if head.event_source else 'eventSource'} is missing")
        shaped(known, Parts)
        event = shaped({**known, **{key: msgspec.Raw(encode_flawed(known[key])) for key in _RAW & known.keys()}}, Event)
        if is_metric_call:
            _load_metric_call(parsed, delivery, number, event, record, is_suspect=is_suspect)
        else:
            load_change(parsed, delivery, number, event)
    except Unreadable as reason:
        parsed.quarantine(str(number), str(reason), encode_flawed(delivery.callers.record(record)), cleaned=True)


def _known(values: Mapping[str, Any], shape: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields that a shape has, at any depth: what is wrong with others is nobody's business."""
    known = {key: values[key] for key in shape.__struct_encode_fields__ if key in values}
    if isinstance(identity := known.get("userIdentity"), dict):
        known["userIdentity"] = _known(identity, Identity)
    if isinstance(resources := known.get("resources"), list):
        known["resources"] = [_known(each, Resource) if isinstance(each, dict) else each for each in resources]
    return known


def _without_points(known: Mapping[str, Any]) -> list[Any]:
    """What is kept of a metric call but for its points, whose flaws are theirs alone."""
    parameters = known.get("requestParameters")
    run = parameters.get("trialComponentName") if isinstance(parameters, dict) else None
    return [run, *(item for key, item in known.items() if key not in _PAYLOADS)]


def _changed(operation: str, parameters: msgspec.Raw, callers: Callers) -> tuple[str | None, str | None]:
    """Kind and name of what an operation changes, as far as its own name and its parameters tell."""
    found = OPERATION.match(operation)
    noun = _THINGS.get(found["noun"], found["noun"]) if found else ""
    if _PERSON.fullmatch(noun):
        noun = "User"
    values = _names(parameters)
    own = noun[:1].lower() + noun[1:]
    keys = (f"{own}Name", "username" if noun == "User" else "name", own, f"{own}Arn", f"{own}Id", "trailName", "name")
    others = ("poolName", "clientName", "clientId", "userPoolId", "resourceArn", "resourceId")
    named = next((key for key in (*keys, *others) if values.get(key)), "")
    return _WORD.sub("_", noun).lower() or None, callers.value(named, values[named]) if named else None


def _names(parameters: msgspec.Raw) -> dict[str, str]:
    """The parameters that are texts."""
    try:
        values = msgspec.json.decode(parameters)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return {key: value for key, value in values.items() if isinstance(value, str)} if isinstance(values, dict) else {}


def _load_metric_call(
    parsed: Parsed, delivery: Delivery, number: int, event: Event, record: dict[str, Any], *, is_suspect: bool
) -> None:
    callers = delivery.callers
    event_at, call_flag = _event_time(event.event_time, delivery.now)
    event_id = _named(event.event_id, "eventID")
    parameters = record.get("requestParameters")
    if not isinstance(parameters, dict):
        raise Unreadable(f"requestParameters is {kind(parameters)}, not an object")
    call = {
        "event_id": event_id,
        "trial_component_name": callers.text(_required(parameters, "trialComponentName")),
        **caller_columns(event, callers),
        **run_columns(event, callers),
    }
    points = parameters.get("metricData")
    if not isinstance(points, list):
        raise Unreadable(f"metricData is {kind(points)}, not a list")
    refused = refused_points(record.get("responseElements")) & set(range(len(points)))
    rows, unusable = dict[int, dict[str, Any]](), dict[int, str]()
    for index, point in enumerate(points):
        if index not in refused:
            try:
                rows[index] = _point(point, delivery, is_suspect=is_suspect)
            except Unreadable as reason:
                unusable[index] = str(reason)
    if not rows:
        if unusable:
            raise Unreadable(next(iter(unusable.values())))
        parsed.filtered()
        return
    for index, row in rows.items():
        row["time_flag"] = row["time_flag"] or call_flag
        parsed.row("training_metrics", f"{number}/{index}", event_at, point_index=index, **call, **row)
    for index, why in unusable.items():
        kept = encode_flawed(callers.record({"point": points[index]}))
        parsed.quarantine_part(f"{number}/{index}", why, kept, cleaned=True)
    parsed.parts_filtered += len(refused)
    parsed.key("training_metrics", number, event_id)
    parsed.loaded()


def _event_time(text: str | None, now: datetime) -> tuple[datetime, str | None]:
    text = _named(text, "eventTime")
    regular = _LEAP_SECOND.sub("59.999", text)
    found = time(regular, "eventTime", now + CLOCK_SKEW)
    assert found  # there is a text
    return found, "leap_second" if regular != text else "future" if found > now else None


def _point(point: Any, delivery: Delivery, *, is_suspect: bool) -> dict[str, Any]:
    if not isinstance(point, dict):
        raise Unreadable(f"the point is {kind(point)}, not an object")
    if is_suspect and (found := flaw({key: item for key, item in point.items() if key != "value"})):
        raise Unreadable(found)
    metric_at, time_flag = _metric_time(point.get("timestamp"), delivery.now)
    value, value_flag = _value(point.get("value"), has_value="value" in point)
    return {
        "metric_name": delivery.callers.text(_required(point, "metricName")),
        "step": _step(point.get("step")),
        "metric_value": value,
        "value_flag": value_flag,
        "metric_at": metric_at,
        "time_flag": time_flag,
    }


def _value(value: Any, *, has_value: bool) -> tuple[float | None, str | None]:
    if not has_value:
        raise Unreadable("value is missing")
    number = _number(value, "value")
    if math.isfinite(number):
        return number, None
    return None, "nan" if math.isnan(number) else "infinite"


def _step(value: Any) -> int | None:
    if value is None:
        return None
    number = _number(value, "step")
    if not number.is_integer() or not 0 <= number < 10**15:
        raise Unreadable("step is no whole number from 0 on")
    return int(number)


def _metric_time(value: Any, now: datetime) -> tuple[datetime, str | None]:
    if value is None:
        raise Unreadable("timestamp is missing")
    epoch = _number(value, "timestamp")
    is_seconds = 0 <= epoch < SHORTEST_MILLISECONDS
    try:
        found = datetime.fromtimestamp(epoch if is_seconds else epoch / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable("timestamp is no epoch in milliseconds") from None
    if not EARLIEST <= found <= now + CLOCK_SKEW:
        raise Unreadable("timestamp lies before 2010 or in the future")
    return found, "seconds" if is_seconds else "future" if found > now else None


def _number(value: Any, name: str) -> float:
    """A number, in quotes or not."""
    if isinstance(value, bool | int | float | str):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise Unreadable(f"{name} is {kind(value)}, not a number")


def refused_points(response: Any) -> set[int]:
    """Indexes of the points that AWS refused although the call succeeded."""
    errors = response.get("errors") if isinstance(response, dict) else None
    found = [each.get("metricIndex") for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    return {index for index in found if isinstance(index, int)}


def _cleaned(text: str | None, clean: Callable[[str], str]) -> str | None:
    """A text without identities; an empty one is none."""
    return clean(text) or None if text else None


def _named(text: str | None, name: str) -> str:
    if not text:
        raise Unreadable(f"{name} is missing")
    return text


def _required(values: Mapping[str, Any], key: str) -> str:
    """A text that must be there, or what a number looks like as one."""
    value = values.get(key)
    if value in (None, ""):
        raise Unreadable(f"{key} is missing")
    if isinstance(value, list | dict):
        raise Unreadable(f"{key} is {kind(value)}, not text")
    return value if isinstance(value, str) else encode(value)


def _json(raw: msgspec.Raw, callers: Callers) -> str | None:
    """The JSON text of a part of a record, identities replaced; null is none.

    Raises:
        Unreadable: there is something in it that the lake cannot hold.
    """
    text = bytes(raw)
    if text in {b"null", b""}:
        return None
    is_plain = b"\\" not in text and text.isascii() and text.count(b"[") + text.count(b"{") <= MAX_DEPTH
    if is_plain and (cleaned := callers.json(text.decode())) is not None:
        return cleaned
    value, is_suspect = decode(text)
    if is_suspect and (found := flaw(value)):
        raise Unreadable(found)
    return encode(callers.record({"": value})[""])
