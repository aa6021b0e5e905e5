"""One record of the worker activity log, as the lake keeps it: what it is called by, who it is about, what happened.

**What it is called by.** `activity_id` is a hash over the fields of the record, so that it is the same in every copy,
whichever way it came: by the API, an export or a subscription, and however its JSON was spelled. It is made of three
parts: who (`WHO`), what (all other fields but the times), and the times as numbers where their text is exactly what
the log writes for that second; any other text counts among the what. The worker's `sub` is its pseudonym before it is
hashed: nobody without the key can find out from an `activity_id` whose it is.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from labelhouse.identities import same_if_unchanged
from labelhouse.sources.activity.times import Moment, epoch, task_time
from labelhouse.sources.documents import Text, Unreadable, decode, encode, encode_flawed, flaw, kind

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.sources.parsed import Parsed

TABLE = "worker_events"
SUB = "cognito_sub_id"
STAMP = "event_timestamp"
#: Fields that say who.
WHO = ("worker_id", "cognito_user_pool_id", SUB)
#: Fields that say when → their columns.
TIMES = {
    "task_accepted_time": "accepted_at",
    "task_submitted_time": "submitted_at",
    "task_returned_time": "returned_at",
    "task_declined_time": "declined_at",
}
#: Further fields that have columns.
WHAT = ("workteam_arn", "labeling_job_arn", "work_requester_account_id", "job_reference_code", "job_type", "event_type")
KNOWN = frozenset({*WHO, *TIMES, STAMP, *WHAT})
#: So many bytes of the digests of who and what go into the hash of a record.
DIGEST_BYTES = 16
#: Half of a SHA-256 in hexadecimal.
ID_LETTERS = 32
#: Accepted, submitted, returned, declined and logged, in seconds since 1970, 0 for none: with the digests one block.
SECONDS = struct.Struct(">5I")

#: Fields, at any depth, whose texts name a person.
_NAME_KEYS = frozenset({SUB, "sub", "email", "username", "user_name"})
_WORKER_ID = re.compile(r"(?:public|private|vendor)\.[a-z0-9-]+\.(?P<id>.+)", re.DOTALL)
_ARN = re.compile(
    r"arn:[^:]*:sagemaker:(?P<region>[^:]*):[^:]*:(?P<kind>labeling-job|workteam)/(?P<name>.+)", re.DOTALL
)

Json = dict[str, Any]


class Workers:
    """Replaces who is named in records; each distinct text once."""

    def __init__(self, identities: Identities) -> None:
        self.pseudonym = lru_cache(2**16)(identities.pseudonym)
        self.text = lru_cache(2**16)(identities.clean_text)
        self._identities = identities

    def cleaned(self, record: Json) -> Json:
        """A record without the persons in it, however it is nested."""
        names: set[str] = set()
        masked = self._masked(record, names)
        cleaned: Json = self._identities.clean(masked, known=sorted(names, key=len, reverse=True))
        return cleaned

    def _masked(self, value: Any, names: set[str], *, is_name: bool = False) -> Any:
        if isinstance(value, dict):
            masked = {
                key: self._masked(item, names, is_name=is_name or key in _NAME_KEYS) for key, item in value.items()
            }
            return same_if_unchanged(value, masked)
        if isinstance(value, list):
            return same_if_unchanged(value, [self._masked(item, names, is_name=is_name) for item in value])
        if not is_name or value is None or value == "" or isinstance(value, bool):
            return value
        if isinstance(value, str):
            names.add(value)
        return self.pseudonym(str(value))


def names_somebody(fields: Json) -> bool:
    """Whether any field, at any depth, is one whose text names a person."""
    pending: list[Any] = [fields]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if not _NAME_KEYS.isdisjoint(item):
                return True
            pending += item.values()
        elif isinstance(item, list):
            pending += item
    return False


def digest(fields: Mapping[str, Any]) -> bytes:
    """What the hash of a record holds of some of its fields, in whatever order these came."""
    return sha256(msgspec.json.encode(fields, order="sorted")).digest()[:DIGEST_BYTES]


def activity_id(who: bytes, what: bytes, seconds: Sequence[int]) -> str:
    """The id of a record.

    Args:
        who: digest of the fields that say who.
        what: digest of all others but the regular times.
        seconds: the regular times, 0 for each that is none.
    """
    return sha256(who + what + SECONDS.pack(*seconds)).hexdigest()[:ID_LETTERS]


def who_columns(who: Json) -> dict[str, str | None]:
    """Columns of cleaned fields.

    Raises:
        Unreadable: one of them is a list or an object.
    """
    worker_id = _text(who, "worker_id")
    prefixed = _WORKER_ID.fullmatch(worker_id) if worker_id else None
    return {
        "worker_id": prefixed["id"] if prefixed else worker_id,
        "worker_pseudonym": _text(who, SUB),
        "user_pool_id": _text(who, "cognito_user_pool_id"),
    }


def what_columns(what: Json) -> dict[str, str | None]:
    """Columns of cleaned fields; those without one go into `other_json`.

    Raises:
        Unreadable: event_type is missing, or one of them is a list or an object.
    """
    event_type = _text(what, "event_type")
    if event_type is None:
        raise Unreadable("event_type is missing")
    job_arn, team_arn = _text(what, "labeling_job_arn"), _text(what, "workteam_arn")
    job = _ARN.fullmatch(job_arn) if job_arn else None
    team = _ARN.fullmatch(team_arn) if team_arn else None
    other = {key: value for key, value in what.items() if key not in KNOWN}
    return {
        "event_type": event_type,
        "workteam_arn": team_arn,
        "workteam_name": team["name"].rpartition("/")[2] if team and team["kind"] == "workteam" else None,
        "labeling_job_arn": job_arn,
        "labeling_job_name": job["name"] if job and job["kind"] == "labeling-job" else None,
        "account_id": _text(what, "work_requester_account_id"),
        "aws_region": (job["region"] or None) if job else None,
        "job_reference_code": _text(what, "job_reference_code"),
        "job_type": _text(what, "job_type"),
        "other_json": encode(other) if other else None,
    }


def _text(fields: Json, name: str) -> str | None:
    """A text, or what a number looks like as one; an empty one is none."""
    value = fields.get(name)
    if isinstance(value, list | dict):
        raise Unreadable(f"{name} is {kind(value)}, not text")
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else encode(value)


class Origin(msgspec.Struct, frozen=True, gc=False):
    """What CloudWatch says about a record.

    Args:
        logged_at: CloudWatch's own time; None where the delivery has none.
        event_id: CloudWatch's id of the line.
        stream: its log stream.
    """

    logged_at: datetime | None = None
    event_id: str | None = None
    stream: str | None = None


def load_record(
    parsed: Parsed, number: int, text: Text, origin: Callable[[], Origin], workers: Workers, now: datetime
) -> None:
    """One record of any kind ends in `parsed`: loaded or quarantined. Data never raises.

    Args:
        number: of the record in its unit.
        text: the record as JSON.
        origin: what CloudWatch says about it; raises Unreadable where that cannot be read.
    """
    try:
        record, is_suspect = decode(text)
        if not isinstance(record, dict):
            raise Unreadable(f"the record is {kind(record)}, not an object")
    except Unreadable as reason:
        parsed.quarantine(str(number), str(reason), text, cleaned=False)
        return
    cleaned = workers.cleaned(record)
    try:
        if is_suspect and (found := flaw(record)):
            raise Unreadable(found)
        row = _row(cleaned, now)
        said = origin()
    except Unreadable as reason:
        parsed.quarantine(str(number), str(reason), encode_flawed(cleaned), cleaned=True)
        return
    event_at = row.pop("event_at")
    parsed.row(
        TABLE,
        str(number),
        event_at,
        **row,
        logged_at=said.logged_at,
        cloudwatch_event_id=said.event_id,
        log_stream_name=workers.text(said.stream) if said.stream else None,
    )
    parsed.key(TABLE, number, row["activity_id"])
    parsed.loaded()


def _row(record: Json, now: datetime) -> dict[str, Any]:
    """The columns of a cleaned record.

    Raises:
        Unreadable: why there are none.
    """
    who = {key: record[key] for key in WHO if key in record}
    stamp = epoch(record.get(STAMP), STAMP, now)
    times = {name: task_time(record.get(name), name, now) for name in TIMES}
    regular = {name: moment.second for name, moment in (*times.items(), (STAMP, stamp)) if moment and moment.second}
    no_time = {name for name, moment in times.items() if moment is None}
    what = {key: value for key, value in record.items() if key not in WHO and key not in regular and key not in no_time}
    return {
        "event_at": stamp.at,
        "activity_id": activity_id(digest(who), digest(what), [regular.get(name, 0) for name in (*TIMES, STAMP)]),
        **who_columns(who),
        **what_columns({key: value for key, value in what.items() if key not in TIMES and key != STAMP}),
        **{column: moment and moment.at for column, moment in zip(TIMES.values(), times.values(), strict=True)},
        "time_flag": _flag(list(times.values()), stamp, now),
    }


def _flag(times: Sequence[Moment | None], stamp: Moment, now: datetime) -> str | None:
    """What is odd about the times of a record; of several things the one that matters most."""
    accepted, *ends = times
    known = [stamp, *(moment for moment in times if moment)]
    if accepted and any(end and end.at < accepted.at for end in ends):
        return "negative"
    if any(moment.at > now for moment in known):
        return "future"
    flags = {moment.flag for moment in known}
    return next((flag for flag in ("leap_second", "weekday") if flag in flags), None)
