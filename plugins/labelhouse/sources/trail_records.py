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
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from labelhouse.sources.callers import Callers
from labelhouse.sources.documents import (
    CLOCK_SKEW,
    EARLIEST,
    Unreadable,
    decode,
    encode,
    encode_flawed,
    flaw,
    kind,
    time,
)
from labelhouse.sources.parsed import Parsed

METRICS_SOURCE = "metrics-sagemaker.amazonaws.com"
METRICS_OPERATION = "BatchPutMetrics"
#: Services whose changes are kept.
MANAGEMENT_SOURCES = ("sagemaker.amazonaws.com", "cognito-idp.amazonaws.com", "cloudtrail.amazonaws.com")
#: What an operation that changes something is called; people signing in change nothing.
CHANGING_OPERATION = (
    "^(Admin)?(Add|Associate|Create|Delete|Deregister|Disable|Disassociate|Enable|Import|Put|Register|Remove|Reset|"
    "Restore|Resume|Send|Set|Start|Stop|Update)[A-Z]"
)
#: An epoch below this is in seconds.
SHORTEST_MILLISECONDS = 10**11

_OPERATION = re.compile(CHANGING_OPERATION.replace("[A-Z]", "(?P<noun>[A-Z].*)"))
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
#: Operations that name a part of what they change.
_THINGS = {"Logging": "Trail", "EventSelectors": "Trail", "InsightSelectors": "Trail"}
_LEAP_SECOND = re.compile(r"(?<=T[0-9]{2}:[0-9]{2}:)60(?:\.[0-9]*)?(?=Z|[+-]|\Z)")
_RESOURCE_TYPE = "AWS::SageMaker::ExperimentTrialComponent"


class _Head(msgspec.Struct, rename="camel"):
    """What decides whether a record is ours."""

    event_source: Any = None
    event_name: Any = None
    read_only: Any = None
    error_code: Any = None


_HEAD = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the records of a log file share."""

    now: datetime
    callers: Callers


def load_record(parsed: Parsed, delivery: Delivery, number: int, raw: msgspec.Raw) -> None:
    """One record ends in `parsed`: loaded, filtered or quarantined. Data never raises."""
    view = memoryview(raw)
    try:
        head = _HEAD.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        head = None  # no object, or broken: below it is said how
    if head and _is_foreign(head):
        parsed.filtered()
        return
    try:
        record, is_suspect = decode(view)
        if not isinstance(record, dict):
            raise Unreadable(f"the record is {kind(record)}, not an object")
    except Unreadable as reason:
        parsed.quarantine(str(number), str(reason), view, cleaned=False)
        return
    is_metric_call = record.get("eventSource") == METRICS_SOURCE
    try:
        if is_suspect and (found := flaw(_without_points(record) if is_metric_call else record)):
            raise Unreadable(found)
        load = _load_metric_call if is_metric_call else _load_management_event
        load(parsed, delivery, number, record)
    except Unreadable as reason:
        parsed.quarantine(str(number), str(reason), encode_flawed(delivery.callers.record(record)), cleaned=True)


def _is_foreign(head: _Head) -> bool:
    source, name = head.event_source, head.event_name
    if not isinstance(source, str) or not isinstance(name, str):
        return False  # a record that does not say what it is: quarantined
    if source == METRICS_SOURCE:
        return name != METRICS_OPERATION or bool(head.error_code)
    is_read_only = head.read_only is True or head.read_only == "true"
    return source not in MANAGEMENT_SOURCES or is_read_only or not _OPERATION.match(name)


def _without_points(record: Mapping[str, Any]) -> dict[str, Any]:
    """A metric call without its points, whose flaws are theirs alone."""
    parameters = record.get("requestParameters")
    if not isinstance(parameters, dict):
        return dict(record)
    return {**record, "requestParameters": {key: item for key, item in parameters.items() if key != "metricData"}}


def _load_management_event(parsed: Parsed, delivery: Delivery, number: int, record: dict[str, Any]) -> None:
    common = _common(delivery, record)
    source, name = (_required(record, key) for key in ("eventSource", "eventName"))
    cleaned = delivery.callers.record(record)
    thing, thing_name = _changed(name, cleaned.get("requestParameters"))
    parsed.row(
        "management_events",
        str(number),
        event_source=source,
        event_name=name,
        account_id=_text(cleaned.get("recipientAccountId")),
        resource_kind=thing,
        resource_name=thing_name,
        error_code=_text(record.get("errorCode")),
        error_message=_text(cleaned.get("errorMessage")),
        request_json=_json(cleaned.get("requestParameters")),
        response_json=_json(cleaned.get("responseElements")),
        shared_event_id=_text(record.get("sharedEventID")),
        **common,
    )
    parsed.key("management_events", number, common["event_id"])
    parsed.loaded()


def _changed(operation: str, parameters: Any) -> tuple[str | None, str | None]:
    """Kind and name of what an operation changes, as far as its own name and its parameters tell."""
    found = _OPERATION.match(operation)
    noun = _THINGS.get(found["noun"], found["noun"]) if found else ""
    if noun.startswith("User") and not noun.startswith("UserPool"):
        noun = "User"
    values = parameters if isinstance(parameters, dict) else {}
    own = noun[:1].lower() + noun[1:]
    keys = (f"{own}Name", "username" if noun == "User" else "name", f"{own}Arn", f"{own}Id", "trailName", "name")
    names = (
        values[key] for key in (*keys, "poolName", "userPoolId", "resourceArn") if isinstance(values.get(key), str)
    )
    return _WORD.sub("_", noun).lower() or None, next(names, None) or None


def _load_metric_call(parsed: Parsed, delivery: Delivery, number: int, record: dict[str, Any]) -> None:
    common = _common(delivery, record)
    parameters = record.get("requestParameters")
    if not isinstance(parameters, dict):
        raise Unreadable(f"requestParameters is {kind(parameters)}, not an object")
    run = _required(parameters, "trialComponentName")
    points = parameters.get("metricData")
    if not isinstance(points, list):
        raise Unreadable(
            f"metricData is {kind(points)}, not a list" if "metricData" in parameters else "metricData is missing"
        )
    resource = _resource(record)
    text = delivery.callers.text
    call = {
        **common,
        "trial_component_name": text(run),
        "trial_component_arn": _text(resource.get("ARN"), text),
        "account_id": _text(resource.get("accountId")) or _text(record.get("recipientAccountId")),
        "resource_type": _text(resource.get("type"), text),
    }
    refused = _refused(record.get("responseElements"))
    rows: dict[int, dict[str, Any]] = {}
    unusable: dict[int, str] = {}
    for index, point in enumerate(points):
        if index not in refused:
            try:
                rows[index] = _point(point, delivery)
            except Unreadable as reason:
                unusable[index] = str(reason)
    if unusable and not rows:
        raise Unreadable(next(iter(unusable.values())))
    for index, row in rows.items():
        flag = row.pop("time_flag") or common["time_flag"]
        parsed.row("training_metrics", f"{number}/{index}", **{**call, "time_flag": flag}, point_index=index, **row)
    for index, why in unusable.items():
        kept = encode_flawed(delivery.callers.record({"point": points[index]}))
        parsed.quarantine_part(f"{number}/{index}", why, kept, cleaned=True)
    parsed.parts_filtered += len(refused & set(range(len(points)))) if rows else 0
    if rows:
        parsed.key("training_metrics", number, common["event_id"])
        parsed.loaded()
    else:
        parsed.filtered()


def _common(delivery: Delivery, record: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that every record has.

    Raises:
        Unreadable: it has no id or no time.
    """
    event_at, time_flag = _event_time(record.get("eventTime"), delivery.now)
    identity = record.get("userIdentity")
    identity = identity if isinstance(identity, dict) else {}
    callers = delivery.callers
    return {
        "event_at": event_at,
        "event_id": _required(record, "eventID"),
        "aws_region": _text(record.get("awsRegion"), callers.text),
        "principal_arn": _text(identity.get("arn") or identity.get("invokedBy"), callers.principal),
        "principal_type": _text(identity.get("type"), callers.text),
        "source_network": _text(record.get("sourceIPAddress"), callers.network),
        "user_agent": _text(record.get("userAgent"), callers.text),
        "time_flag": time_flag,
    }


def _event_time(value: Any, now: datetime) -> tuple[datetime, str | None]:
    if not isinstance(value, str) or not value:
        raise Unreadable("eventTime is missing" if not value else f"eventTime is {kind(value)}, not text")
    regular = _LEAP_SECOND.sub("59.999", value)
    found = time(regular, "eventTime", now + CLOCK_SKEW)
    assert found  # there is a text
    return found, "leap_second" if regular != value else "future" if found > now else None


def _point(point: Any, delivery: Delivery) -> dict[str, Any]:
    if not isinstance(point, dict):
        raise Unreadable(f"the point is {kind(point)}, not an object")
    if found := flaw({key: item for key, item in point.items() if key != "value"}):
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


def _refused(response: Any) -> set[int]:
    """Indexes of the points that AWS refused although the call succeeded."""
    errors = response.get("errors") if isinstance(response, dict) else None
    found = (
        (each.get("metricIndex", each.get("MetricIndex")) for each in errors or () if isinstance(each, dict))
        if isinstance(errors, list)
        else ()
    )
    return {index for index in found if isinstance(index, int)}


def _resource(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The run among the resources of a call, else the first of them."""
    resources = record.get("resources")
    found = [each for each in resources if isinstance(each, dict)] if isinstance(resources, list) else []
    return next((each for each in found if each.get("type") == _RESOURCE_TYPE), found[0] if found else {})


def _required(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{key} is missing" if value in (None, "") else f"{key} is {kind(value)}, not text")
    return value


def _text(value: Any, cleaned: Any = None) -> str | None:
    """A text, or what a scalar looks like as one; anything else is none."""
    if isinstance(value, bool | int | float):
        value = encode(value)
    if not isinstance(value, str) or not value:
        return None
    return (cleaned(value) if cleaned else value) or None


def _json(value: Any) -> str | None:
    return None if value is None else encode(value)
