"""CloudTrail's log files: one JSON document `{"Records": [...]}` each, taken apart into records.

`events` decodes what every record of ours needs, and nothing of what it carries (parameters and response stay text
until somebody asks); a file of regular records goes through at the speed of skipping. `records` takes any other
file apart, so that one bad record costs nobody else.
"""

from __future__ import annotations

import msgspec

from labelhouse.sources.documents import Text, Unreadable, decode, encode_flawed, kind

#: The resource type of a trial component.
RUN_TYPE = "AWS::SageMaker::ExperimentTrialComponent"

_NULL = msgspec.Raw(b"null")


class Identity(msgspec.Struct, rename="camel", gc=False, frozen=True):
    """Who called; an AWS service calls without an ARN."""

    type: str | None = None
    arn: str | None = None
    invoked_by: str | None = None


class Resource(msgspec.Struct, rename="camel", gc=False, frozen=True):
    """What a call was about."""

    arn: str | None = msgspec.field(default=None, name="ARN")
    type: str | None = None
    account_id: str | None = None


_NO_RESOURCE = Resource()


class Event(msgspec.Struct, rename="camel", kw_only=True, gc=False):
    """One record, as far as it is decoded. Unknown fields are skipped; one of another type fails the file."""

    event_source: str | None = None
    event_name: str | None = None
    event_id: str | None = msgspec.field(default=None, name="eventID")
    event_time: str | None = None
    aws_region: str | None = None
    source_ip_address: str | None = msgspec.field(default=None, name="sourceIPAddress")
    user_agent: str | None = None
    recipient_account_id: str | None = None
    shared_event_id: str | None = msgspec.field(default=None, name="sharedEventID")
    error_code: str | None = None
    error_message: str | None = None
    read_only: bool | str | None = None
    user_identity: Identity | None = None
    request_parameters: msgspec.Raw = _NULL
    response_elements: msgspec.Raw = _NULL
    resources: tuple[Resource, ...] | None = None

    @property
    def caller(self) -> str | None:
        """The ARN of the caller, or the name of the service that called."""
        found = self.user_identity
        return found.arn or found.invoked_by if found else None

    @property
    def caller_type(self) -> str | None:
        """`AssumedRole`, `IAMUser`, …"""
        return self.user_identity.type if self.user_identity else None

    @property
    def resource(self) -> Resource:
        """The run among the resources of a call, else the first of them."""
        found = self.resources or (_NO_RESOURCE,)
        return found[0] if len(found) == 1 else next((each for each in found if each.type == RUN_TYPE), found[0])


class _Events(msgspec.Struct, rename="pascal", gc=False):
    records: list[Event]


class _Records(msgspec.Struct, rename="pascal", gc=False):
    records: list[msgspec.Raw]


_EVENTS = msgspec.json.Decoder(_Events)
_RECORDS = msgspec.json.Decoder(_Records)


def events(text: Text) -> list[Event] | None:
    """The records of a regular file, in order; None where any is not."""
    try:
        return _EVENTS.decode(text).records
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def records(text: Text) -> list[msgspec.Raw]:
    """The records of any file, each as it stands there.

    Raises:
        Unreadable: it is no JSON, or holds no list of records.
    """
    try:
        return _RECORDS.decode(text).records
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = decode(text).value  # says what is wrong, or reads what only Python's grammar allows
    if not isinstance(document, dict):
        raise Unreadable(f"the document is {kind(document)}, not an object")
    if not isinstance(found := document.get("Records"), list):
        raise Unreadable("the document holds no list of Records")
    return [msgspec.Raw(encode_flawed(record)) for record in found]
