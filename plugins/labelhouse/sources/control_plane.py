"""AWS's control plane as a source: one call at a time, and listings that are complete or none.

**Listings.** A page may be empty, repeat its token or repeat what came before; only a page without a token is the last
one. A listing that makes no progress is an error and never an end. One whose token has expired begins again, and each
thing is in it once.

**Patience.** The client's own retries come first (adaptive, see the client factories). What is still throttled, broken
or signed with credentials that have just expired is asked again here, with the same token: a long listing goes on where
it stood.
"""

from __future__ import annotations

import json
import random
import re
import time as clock
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources import Clients, Unit, UnitGone
from labelhouse.sources.documents import Unreadable, time
from labelhouse.sources.objects import AWS_REASONS, Refusal, key_of, refusal_of

#: Between tries of one call, about so many seconds.
WAITS_SECONDS = (1.0, 4.0, 16.0)
#: So many pages may bring nothing new before a listing is given up.
MOST_IDLE_PAGES = 1000
#: A listing whose token expired begins again so often.
MOST_RESTARTS = 3

#: What columns of whole numbers hold at most.
MOST_INT, MOST_LONG = 2**31 - 1, 2**63 - 1

_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_ARN = re.compile(r"arn:[^:]*:[^:]*:(?P<region>[^:]*):(?P<account>[^:]*):(?P<resource>.+)")
_WORKTEAM = re.compile(r"workteam/(?P<type>public|private|vendor)-crowd/(?P<name>[^/]+)")
#: A day in the path of a saved answer.
_DAY = re.compile(r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_WORD = re.compile(r"(?:^|_)([a-z])")

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNACCEPTED = frozenset({"InvalidClientTokenId", "InvalidSignatureException", "UnrecognizedClientException"})
_GONE = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
#: Some operations call a missing thing a parameter that is not valid.
_GONE_IN_WORDS = re.compile(r"(?i)not exist|not found|could ?n[o']t find|cannot find")
_INVALID = frozenset({"InvalidParameterException", "InvalidParameterValue", "ValidationError", "ValidationException"})


class Pascal(msgspec.Struct, rename="pascal"):
    """Field names as AWS writes them."""


class AccessDeniedError(SourceError):
    """The credentials may not make this call."""


class Arn(NamedTuple):
    """The parts of an ARN that say where a resource is, and which; None where the ARN leaves one empty."""

    region: str | None
    account_id: str | None
    resource: str


class Workteam(NamedTuple):
    """What the ARN of a work team says about it."""

    workforce_type: str | None
    name: str | None


class Api:
    """One service in one region.

    Args:
        clients: asked for `<service>@<region>` again at each try, so that a factory may renew its credentials.
        uri: what is being read, for the sentences of errors.
    """

    def __init__(self, clients: Clients, service: str, region: str, uri: str) -> None:
        self._clients, self._service, self._region, self._uri = clients, service, region, uri

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one call, without what is about the answer itself.

        Raises:
            UnitGone: what it asks for does not exist.
            SourceUnavailableError: the service does not answer now.
            AccessDeniedError: the credentials may not make this call.
            SourceError: it refuses.
        """
        for wait in (*WAITS_SECONDS, None):
            try:
                answer = getattr(self._clients(f"{self._service}@{self._region}"), operation)(**parameters)
            except Exception as error:
                refusal = refusal_of(error)
                if refusal is None:
                    raise
                if wait is None or not (refusal.is_passing or refusal.code in _EXPIRED):
                    raise self._in_one_sentence(refusal, operation, parameters) from None
                clock.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 - so that not all ask again at once
            else:
                return {key: value for key, value in answer.items() if key != "ResponseMetadata"}
        raise AssertionError("unreachable")

    def listing(
        self,
        operation: str,
        items: str,
        key: Callable[[dict[str, Any]], Hashable],
        *,
        token: str = "NextToken",  # noqa: S107 - of a page
        **parameters: Any,
    ) -> list[dict[str, Any]]:
        """Everything that all pages of a listing hold under `items`, each thing once, in the order of AWS.

        Args:
            key: what tells two things apart.
            token: what the token of a page is called, in requests and answers.

        Raises:
            UnitGone, SourceError: as `ask`; or it does not come to an end.
        """
        for _ in range(MOST_RESTARTS + 1):
            try:
                return self._all_pages(operation, items, key, token, parameters)
            except _TokenExpired:
                continue
        raise SourceUnavailableError(
            "the listing takes longer than its page tokens are valid",
            where=self._permission(operation),
            value=self._uri,
        )

    def _all_pages(
        self,
        operation: str,
        items: str,
        key: Callable[[dict[str, Any]], Hashable],
        token: str,
        parameters: dict[str, Any],
    ) -> list[dict[str, Any]]:
        found: dict[Hashable, dict[str, Any]] = {}
        page_token: dict[str, Any] = {}
        idle_pages = 0
        while idle_pages <= MOST_IDLE_PAGES:
            page = self.ask(operation, **parameters, **page_token)
            known = len(found)
            for item in page.get(items, ()):
                found[key(item)] = item
            if not page.get(token):
                return list(found.values())
            page_token = {token: page[token]}
            idle_pages = idle_pages + 1 if len(found) == known else 0
        raise SourceUnavailableError(
            f"{MOST_IDLE_PAGES} pages in a row bring nothing new, and none is the last one",
            where=self._permission(operation),
            value=self._uri,
        )

    def _in_one_sentence(self, refusal: Refusal, operation: str, parameters: dict[str, Any]) -> Exception:
        permission = self._permission(operation)
        is_invalid = refusal.code in _INVALID
        if (
            any(name.endswith("Token") for name in parameters)
            and "token" in refusal.message.lower()
            and (is_invalid or "Token" in refusal.code)
            and refusal.code not in _EXPIRED
        ):
            return _TokenExpired()
        if refusal.code in _GONE or (is_invalid and _GONE_IN_WORDS.search(refusal.message)):
            return UnitGone(self._uri)
        if refusal.code in _DENIED:
            return AccessDeniedError("access is denied", value=self._uri, allowed=f"credentials with {permission}")
        kind = SourceUnavailableError if refusal.is_passing else SourceError
        code = "ExpiredToken" if refusal.code in _EXPIRED else refusal.code
        code = "InvalidToken" if refusal.code in _UNACCEPTED else code
        if code not in AWS_REASONS:
            when = " just now" if refusal.is_passing else ""
            return kind(f"AWS does not answer {permission}{when} ({code})", value=self._uri)
        what, allowed = AWS_REASONS[code]
        return kind(what.replace("the S3 endpoint", "the endpoint"), value=self._uri, allowed=allowed)

    def _permission(self, operation: str) -> str:
        """The operation as IAM policies name it."""
        return f"{self._service}:{_WORD.sub(lambda found: found[1].upper(), operation)}"


class _TokenExpired(Exception):
    """The token of a page is not valid any more."""


def parts_of(uri: str, scheme: str, count: int) -> tuple[str, ...] | None:
    """Region and path of a URI such as `sagemaker://us-east-1`; None where it is of another scheme.

    Args:
        count: how many parts there must be, the region among them.

    Raises:
        SourceError: it names no region, or more or fewer parts.
    """
    if not uri.startswith(f"{scheme}://"):
        return None
    parts = tuple(uri.removeprefix(f"{scheme}://").rstrip("/").split("/"))
    if len(parts) != count or not all(parts) or not _REGION.fullmatch(parts[0]):
        form = "/".join(("REGION", "USER_POOL_ID")[:count])
        raise SourceError("this place is not understood", value=uri, allowed=f"{scheme}://{form}, a folder, or s3://…")
    return parts


def arn_of(text: str | None) -> Arn:
    """The parts of an ARN; none of what is no ARN."""
    found = _ARN.fullmatch(text or "")
    return Arn(found["region"] or None, found["account"] or None, found["resource"]) if found else Arn(None, None, "")


def workteam_of(arn: str | None) -> Workteam:
    """What the ARN of a work team says about it."""
    found = _WORKTEAM.fullmatch(arn_of(arn).resource)
    return Workteam(found["type"], found["name"]) if found else Workteam(None, None)


def saved(document: Any) -> bytes:
    """An answer as JSON, the same bytes for the same answer; times in UTC."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), default=_as_text).encode()


def _as_text(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def moment(value: str | float | None, name: str, latest_at: datetime) -> datetime | None:
    """A time as the AWS CLI writes it: ISO 8601, or (version 1 of it) seconds since 1970."""
    if isinstance(value, str | None):
        return time(value, name, latest_at)
    try:
        text = datetime.fromtimestamp(value, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        raise Unreadable(f"{name} is not a time") from None
    return time(text, name, latest_at)


def within(number: int | None, name: str, most: int) -> int | None:
    """A count, from 0 to `most`."""
    if number is not None and not 0 <= number <= most:
        raise Unreadable(f"{name} is negative or too large")
    return number


def only_json(units: Iterable[Unit]) -> Iterator[Unit]:
    """The units that are saved answers, by their names: beside them may lie anything."""
    return (unit for unit in units if unit.uri.lower().endswith((".json", ".json.gz")))


def dated(units: Iterable[Unit]) -> Iterator[Unit]:
    """Saved answers, those with a day in their path (`2026-11-21`, the last one counts) of that UTC day."""
    for unit in only_json(units):
        days = _DAY.findall(key_of(unit.uri))
        try:
            yield replace(unit, unit_at=datetime.strptime(days[-1], "%Y-%m-%d").replace(tzinfo=UTC))
        except (IndexError, ValueError):  # none, or digits of no day
            yield unit
