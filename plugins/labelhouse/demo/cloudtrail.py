"""How CloudTrail writes it down: one record a call, and log files of many records in the layout of its buckets."""

from __future__ import annotations

import gzip
import json
import string
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from labelhouse.demo.chance import generator
from labelhouse.demo.people import REGION

#: The account that everything happens in: the one in whose name moto serves.
ACCOUNT_ID = "123456789012"
EVENT_VERSION = "1.11"

_LETTERS_AND_DIGITS = string.ascii_letters + string.digits
_KEY_LETTERS = string.ascii_uppercase + "234567"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls AWS, from where and with what.

    Args:
        kind: as CloudTrail names it.
        name: of the role, of the user, or the host name of the service.
        address: in one of the networks that are reserved for documentation, or the host name of a service.
        user_agent: the program.
        session: of the role.
    """

    kind: Literal["AssumedRole", "IAMUser", "AWSService"]
    name: str
    address: str
    user_agent: str
    session: str = ""

    @property
    def arn(self) -> str:
        """ARN of the caller; services have none."""
        if self.kind == "AssumedRole":
            return f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{self.name}/{self.session}"
        return f"arn:aws:iam::{ACCOUNT_ID}:user/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to AWS.

    Args:
        at: when (UTC).
        entity: what tells it from every other call: its ids and the fate of its record are drawn from it.
        service: first part of the event source, e.g. `sagemaker`.
        request: parameters, in CloudTrail's camel case.
        response: what CloudTrail keeps of the answer.
        error: code and message of a refusal.
        additional: `additionalEventData`, of services that have some.
        resources: type and ARN of what a data event, or a call to KMS or STS, is about.
        is_data: a data event; all others are management events.
        is_shared: CloudTrail ties copies of it in several accounts together.
    """

    at: datetime
    caller: Caller
    entity: tuple[str | int, ...]
    service: str
    operation: str
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    error: tuple[str, str] | None = None
    additional: dict[str, Any] | None = None
    resources: tuple[tuple[str, str], ...] = ()
    is_read_only: bool = False
    is_data: bool = False
    is_shared: bool = False


def arn(kind: str, name: str, service: str = "sagemaker") -> str:
    """ARN of something of the account, e.g. `arn("training-job", "a")`."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{kind}/{name}"


def time_in_words(moment: datetime) -> str:
    """A time among request parameters, as Java prints it: `Dec 14, 2022, 9:53:41 PM`."""
    half = "AM" if moment.hour < 12 else "PM"
    clock = f"{moment.hour % 12 or 12}:{moment:%M:%S}"
    return f"{_MONTHS[moment.month - 1]} {moment.day}, {moment.year}, {clock} {half}"


def log_key(seed: int, delivered_at: datetime) -> str:
    """Key of the log file that is delivered then, below `AWSLogs`."""
    rng = generator(seed, "log file", delivered_at.isoformat())
    unique = "".join(_LETTERS_AND_DIGITS[index] for index in rng.integers(len(_LETTERS_AND_DIGITS), size=16))
    folder = f"{ACCOUNT_ID}/CloudTrail/{REGION}/{delivered_at:%Y/%m/%d}"
    return f"{folder}/{ACCOUNT_ID}_CloudTrail_{REGION}_{delivered_at:%Y%m%dT%H%MZ}_{unique}.json.gz"


def log_body(seed: int, calls: Iterable[Call]) -> bytes:
    """A log file; the same calls give the same bytes."""
    document = {"Records": [record(seed, call) for call in calls]}
    return gzip.compress(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0)


def record(seed: int, call: Call) -> dict[str, Any]:
    """The record of a call, its fields in CloudTrail's order."""
    rng = generator(seed, "record", *call.entity)
    request_id, event_id, shared_id = (str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(3))
    error = dict(zip(("errorCode", "errorMessage"), call.error, strict=True)) if call.error else {}
    resources = [{"accountId": ACCOUNT_ID, "type": kind, "ARN": name} for kind, name in call.resources]
    return {
        "eventVersion": EVENT_VERSION,
        "userIdentity": _identity(seed, call.caller, call.at),
        "eventTime": _iso(call.at),
        "eventSource": f"{call.service}.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": REGION,
        "sourceIPAddress": call.caller.address,
        "userAgent": call.caller.user_agent,
        **error,
        "requestParameters": call.request,
        "responseElements": call.response,
        **({"additionalEventData": call.additional} if call.additional else {}),
        "requestID": request_id,
        "eventID": event_id,
        "readOnly": call.is_read_only,
        **({"resources": resources} if resources else {}),
        "eventType": "AwsApiCall",
        "managementEvent": not call.is_data,
        "recipientAccountId": ACCOUNT_ID,
        **({"sharedEventID": shared_id} if call.is_shared else {}),
        "eventCategory": "Data" if call.is_data else "Management",
    }


def _identity(seed: int, caller: Caller, at: datetime) -> dict[str, Any]:
    if caller.kind == "AWSService":
        return {"type": "AWSService", "invokedBy": caller.name}
    key = _example_id(seed, "ASIA" if caller.session else "AKIA", caller, 20)
    if caller.kind == "IAMUser":
        return {
            "type": "IAMUser",
            "principalId": _example_id(seed, "AIDA", caller, 21),
            "arn": caller.arn,
            "accountId": ACCOUNT_ID,
            "accessKeyId": key,
            "userName": caller.name,
        }
    role_id = _example_id(seed, "AROA", caller, 21)
    return {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{caller.session}",
        "arn": caller.arn,
        "accountId": ACCOUNT_ID,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": f"arn:aws:iam::{ACCOUNT_ID}:role/{caller.name}",
                "accountId": ACCOUNT_ID,
                "userName": caller.name,
            },
            "attributes": {
                "creationDate": _iso(at.replace(minute=0, second=0)),
                "mfaAuthenticated": "false",
            },
        },
    }


def _example_id(seed: int, prefix: str, caller: Caller, length: int) -> str:
    """An id of IAM that says that it is an example, so that nobody takes it for a key that leaked."""
    rng = generator(seed, "id", prefix, caller.name)
    count = length - len(prefix) - len("EXAMPLE")
    return prefix + "".join(_KEY_LETTERS[index] for index in rng.integers(len(_KEY_LETTERS), size=count)) + "EXAMPLE"


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
