"""What AWS refuses, as findings: which action on which resource, and what else stands in the way."""

from __future__ import annotations

import re
from collections.abc import Iterator

from labelhouse.doctor.calls import CLASSES, Call, calls_of, doctor_calls_of
from labelhouse.doctor.findings import Finding, Heading, State
from labelhouse.doctor.places import Target, target_of
from labelhouse.doctor.wire import EXPIRED, Request
from labelhouse.sources.objects import AWS_REASONS, Refusal

DENIED = frozenset(
    {"403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError", "UnauthorizedOperation"}
)
#: Credentials that are missing, over, or of nobody: nothing else can be found out with them.
_CREDENTIALS = EXPIRED | {
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "NoCredentialsError",
    "PartialCredentialsError",
    "ProfileNotFound",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_REGION = frozenset({"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "301"})
_UNREACHABLE = frozenset(
    {"ConnectTimeoutError", "EndpointConnectionError", "InvalidEndpointDiscoveryConfigurationError"}
)
_SKEWED = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture"})
#: AWS's own sentence about a denial.
_IN_WORDS = re.compile(
    r"not authorized to perform: (?P<action>[a-z0-9-]+:[A-Za-z]+)"
    r"(?: on resource: \"?(?P<resource>arn:[^\s\"]+|\*)\"?)?(?P<because>.*)",
    re.DOTALL,
)
#: Codes that say the same, by the one that `AWS_REASONS` has a sentence for.
_LIKE = {"InvalidClientTokenId": "InvalidToken", "UnrecognizedClientException": "InvalidToken"} | dict.fromkeys(
    EXPIRED, "ExpiredToken"
)


def is_about_credentials(refusal: Refusal) -> bool:
    """Whether no call can succeed with these credentials."""
    return refusal.code in _CREDENTIALS


def finding_of(source_name: str, place: str, target: Target, request: Request, refusal: Refusal) -> Finding | None:
    """What a refusal means; None where it only says that something is not there, which its reader knows better."""
    if refusal.code in DENIED:
        return _denied(source_name, place, target, request, refusal)
    what, to_do, guide = _in_words(request, refusal)
    if what:
        return Finding(State.MISSING, source_name, place, what, to_do, guide)
    if refusal.is_passing:
        return Finding(State.UNKNOWN, source_name, place, f"{request.name} is not answered now ({refusal.code})")
    return None


def _in_words(request: Request, refusal: Refusal) -> tuple[str, str, Heading]:
    """What stands in the way, what to do, and where the guide says how; empty where it is nothing of the kind."""
    if is_about_credentials(refusal):
        what, allowed = AWS_REASONS.get(_LIKE.get(refusal.code, refusal.code), AWS_REASONS["InvalidToken"])
        return what, f"give {allowed}", "credentials"
    if refusal.code in _SKEWED:
        return "AWS refuses requests of this machine's clock", "set it by NTP", "clock"
    if refusal.code in _REGION:
        to_do = "set the region of the connection, or AWS_REGION, to that of the bucket"
        return "the bucket is in another region than the client", to_do, "regions"
    if refusal.code in _UNREACHABLE:
        region = request.region or "its region"
        to_do = f"let this machine reach {request.service} in {region}, or correct the region"
        return f"the endpoint of {request.service} in {region} cannot be reached", to_do, "regions"
    return "", "", ""


def _denied(source_name: str, place: str, target: Target, request: Request, refusal: Refusal) -> Finding:
    call, is_ours_alone = _call_of(source_name, target, request)
    told = _IN_WORDS.search(refusal.message)
    action = told["action"] if told else (call.action if call else request.name)
    resource = (told and told["resource"]) or _resource_of(call, target, request)
    what = f"{action} on {resource} is denied"
    if told and "explicit deny" in told["because"]:
        to_do = "an explicit deny in a policy of the resource, the session or the organisation has to go"
    else:
        to_do = "allow it, as `labelhouse doctor --policy` prints"
    if told and action.startswith("kms:"):
        to_do = "allow it in the policy of the key, too"
    if is_ours_alone:
        return Finding(State.UNKNOWN, source_name, place, what, f"only the doctor asks it: {to_do}", "iam-policy")
    if call and call.lost:
        return Finding(State.MISSING, source_name, place, f"{what}, so {call.lost} stay unknown", to_do, "iam-policy")
    return Finding(State.MISSING, source_name, place, what, to_do, "iam-policy")


def _call_of(source_name: str, target: Target, request: Request) -> tuple[Call | None, bool]:
    """The call that a request is, and whether only the doctor makes it."""
    for call in calls_of(source_name, target):
        if call.operation == request.name:
            return call, False
    for call in doctor_calls_of(source_name, target):
        if call.operation == request.name:
            return call, True
    return (CLASSES if request.name == CLASSES.operation else None), False


def _resource_of(call: Call | None, target: Target, request: Request) -> str:
    bucket, key = request.parameters.get("Bucket"), request.parameters.get("Key")
    if bucket:
        partition = target_of(f"s3://{bucket}", region=request.region).parts["partition"]
        return f"arn:{partition}:s3:::{bucket}" + (f"/{key}" if key else "")
    return target.arn(call.resource) if call else "*"


def findings_of(
    source_name: str, place: str, target: Target, refusals: list[tuple[Request, Refusal]]
) -> Iterator[Finding]:
    """What all refusals of a place mean, each once."""
    seen = set()
    for request, refusal in refusals:
        found = finding_of(source_name, place, target, request, refusal)
        if found and found not in seen:
            seen.add(found)
            yield found
