"""Questions about the trails that deliver to a place: do they log what we read, do they log at all, are they signed?

Whoever may not ask about trails, or reads what a trail of another account delivers, learns that it could not be
checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from labelhouse.doctor.findings import Finding, State
from labelhouse.doctor.questions import Examined

#: The resource type of the data events that hold metrics.
TRIAL_COMPONENT = "AWS::SageMaker::ExperimentTrialComponent"
_METRIC_CALL = "BatchPutMetrics"
_REGION = re.compile(r"/CloudTrail(?:-Digest)?/(?P<region>[a-z]{2,}(?:-[a-z]+)+-[0-9]+)(?:/|\Z)")

Selectors = dict[str, Any]


def data_events(place: Examined) -> Iterator[Finding]:
    """Whether a trail logs the calls that write metrics, and those that change experiments."""
    trails = _trails(place)
    if not trails:
        yield _nobody_knows(place)
        return
    selectors = [_ask(place, trail, "get_event_selectors", TrailName=trail["TrailARN"]) for trail in trails]
    names = _names(trails)
    if not any(map(_logs_metrics, selectors)):
        what = f"{names}: no data events of {TRIAL_COMPONENT} are logged"
        to_do = "add an advanced event selector for them"
        yield place.finding(State.MISSING, what, to_do, "training-metrics")
    if not any(map(_logs_changes, selectors)):
        what = f"{names}: no management events that write are logged, so experiments and who changed what stay unknown"
        yield place.finding(State.NOTE, what, "let the trail log them", "training-metrics")


def delivery(place: Examined) -> Iterator[Finding]:
    """Whether the trails log, and can deliver."""
    for trail in _trails(place):
        yield from _delivery(place, trail, "LatestDeliveryError")
    yield from _unsigned(place, State.NOTE)


def validation(place: Examined) -> Iterator[Finding]:
    """Whether the trails sign what they deliver."""
    trails = _trails(place)
    if not trails:
        yield _nobody_knows(place)
    for trail in trails:
        yield from _delivery(place, trail, "LatestDigestDeliveryError")
    yield from _unsigned(place, State.MISSING)


def _delivery(place: Examined, trail: dict[str, Any], error_field: str) -> Iterator[Finding]:
    status = _ask(place, trail, "get_trail_status", Name=trail["TrailARN"])
    if not status.get("IsLogging"):
        to_do = f"aws cloudtrail start-logging --name {trail['TrailARN']}"
        yield place.finding(State.MISSING, f"the trail {trail['Name']} does not log", to_do, "training-metrics")
    if error := status.get(error_field):
        what = f"the trail {trail['Name']} cannot deliver ({error})"
        yield place.finding(State.MISSING, what, "correct the policy of the bucket", "training-metrics")


def _unsigned(place: Examined, state: State) -> Iterator[Finding]:
    for trail in _trails(place):
        if not trail.get("LogFileValidationEnabled"):
            what = f"the trail {trail['Name']} is without log file validation"
            to_do = f"aws cloudtrail update-trail --name {trail['TrailARN']} --enable-log-file-validation"
            yield place.finding(state, what, to_do, "log-file-validation")


def _trails(place: Examined) -> list[dict[str, Any]]:
    """The trails, of any region, that deliver to the place."""
    found = _REGION.search(place.place.uri)
    cloudtrail = place.clients(f"cloudtrail@{found['region']}") if found else place.client("cloudtrail")
    listed = place.api("cloudtrail", cloudtrail.meta.region_name).ask("describe_trails")
    return [trail for trail in listed.get("trailList", ()) if _delivers_to(place, trail)]


def _delivers_to(place: Examined, trail: dict[str, Any]) -> bool:
    prefix = trail.get("S3KeyPrefix")
    root, folder = f"{prefix}/AWSLogs/" if prefix else "AWSLogs/", place.target.folder
    return trail.get("S3BucketName") == place.target.bucket and (root.startswith(folder) or folder.startswith(root))


def _ask(place: Examined, trail: dict[str, Any], operation: str, **parameters: str) -> dict[str, Any]:
    """About a trail, in the region where it can be asked."""
    return place.api("cloudtrail", trail["HomeRegion"]).ask(operation, **parameters)


def _nobody_knows(place: Examined) -> Finding:
    what = "no trail of this account is known to deliver there, so what it logs could not be checked"
    return place.finding(State.UNKNOWN, what, "look in the account that has the trail", "training-metrics")


def _names(trails: list[dict[str, Any]]) -> str:
    plural = "" if len(trails) == 1 else "s"
    return f"the trail{plural} {', '.join(str(trail['Name']) for trail in trails)}"


def _logs_metrics(selectors: Selectors) -> bool:
    """Whether metric calls are among the data events; plain selectors know no such resource type."""
    return any(
        "Data" in fields.get("eventCategory", {}).get("Equals", ())
        and TRIAL_COMPONENT in fields.get("resources.type", {}).get("Equals", ())
        and _is_for_writes(fields)
        and _takes(fields.get("eventName", {}), _METRIC_CALL)
        for fields in _fields(selectors)
    )


def _logs_changes(selectors: Selectors) -> bool:
    """Whether management events that write are logged."""
    return any(
        each.get("IncludeManagementEvents") and each.get("ReadWriteType") != "ReadOnly"
        for each in selectors.get("EventSelectors", ())
    ) or any(
        "Management" in fields.get("eventCategory", {}).get("Equals", ()) and _is_for_writes(fields)
        for fields in _fields(selectors)
    )


def _fields(selectors: Selectors) -> Iterator[dict[str, dict[str, list[str]]]]:
    """The fields of each advanced selector, by name."""
    for selector in selectors.get("AdvancedEventSelectors", ()):
        yield {each["Field"]: each for each in selector.get("FieldSelectors", ())}


def _is_for_writes(fields: dict[str, dict[str, list[str]]]) -> bool:
    return _takes(fields.get("readOnly", {}), "false")


def _takes(field: dict[str, list[str]], value: str) -> bool:
    """Whether the conditions on a field let a value through."""
    tests = {
        "Equals": value in field.get("Equals", [value]),
        "StartsWith": not field.get("StartsWith") or value.startswith(tuple(field["StartsWith"])),
        "EndsWith": not field.get("EndsWith") or value.endswith(tuple(field["EndsWith"])),
        "NotEquals": value not in field.get("NotEquals", ()),
        "NotStartsWith": not value.startswith(tuple(field.get("NotStartsWith", ()))),
        "NotEndsWith": not value.endswith(tuple(field.get("NotEndsWith", ()))),
    }
    return all(tests.values())
