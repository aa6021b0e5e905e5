"""Watching the wire: what is asked of AWS through a client factory, and what AWS answers beside the answer.

The sources' own code asks; this notes it, by botocore's events. What is refused for good is noted and goes its way.
What another try might mend is not tried again: a doctor who waits half a minute for every throttled call is of no use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from threading import Lock
from typing import Any

from labelhouse.sources import Clients
from labelhouse.sources.objects import Refusal, refusal_of

_PARAMETERS = "labelhouse-parameters"
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})


@dataclass(frozen=True, slots=True)
class Request:
    """One call: service and operation as the SDK names them, and where it was sent."""

    service: str
    operation: str
    region: str
    parameters: dict[str, Any]

    @property
    def name(self) -> str:
        """`service:Operation`."""
        return f"{self.service}:{self.operation}"


class Unanswered(Exception):
    """AWS does not answer this call here and now."""

    def __init__(self, request: Request, refusal: Refusal) -> None:
        super().__init__(request, refusal)
        self.request, self.refusal = request, refusal


@dataclass
class Watch:
    """A client factory whose clients are watched.

    Args:
        clients: makes them.
        now: the present (UTC).
        requests: all that was asked, in the order of asking.
        refusals: what was refused, and how.
        skew: how far the clock of AWS is ahead of ours, by the answer that says so most clearly.
        bucket_regions: bucket → its region, where an answer tells.
        client_region: of the client that asked last for a bucket.
    """

    clients: Clients
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    requests: list[Request] = field(default_factory=list)
    refusals: list[tuple[Request, Refusal]] = field(default_factory=list)
    skew: timedelta | None = None
    bucket_regions: dict[str, str] = field(default_factory=dict)
    client_region: str | None = None
    _watched: dict[int, Any] = field(default_factory=dict)
    _hooks: list[tuple[Any, str, Callable[..., None]]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, name: str) -> Any:
        """The client of that name, watched."""
        with self._lock:  # sources ask from several threads
            client = self.clients(name)
            if id(client) not in self._watched:  # factories may make another one under the same name
                self._watched[id(client)] = client
                self._hook(client)
        return client

    def close(self) -> None:
        """Looks no longer; clients that others share are as they were."""
        for client, event, hook in self._hooks:
            client.meta.events.unregister(event, hook)

    def _hook(self, client: Any) -> None:
        service, region = client.meta.service_model.service_name, client.meta.region_name

        def asked(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
            request = Request(service, model.name, region or "", dict(params))
            context[_PARAMETERS] = request
            self.requests.append(request)

        def answered(http_response: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
            self._answered(context[_PARAMETERS], http_response.status_code, parsed)

        def failed(exception: Exception, context: dict[str, Any], **_: Any) -> None:
            if refusal := refusal_of(exception):
                self._refused(context[_PARAMETERS], refusal)

        hooks: dict[str, Callable[..., None]] = {
            "before-parameter-build": asked,
            "after-call": answered,
            "after-call-error": failed,
        }
        for event, hook in hooks.items():
            client.meta.events.register(event, hook)
            self._hooks.append((client, event, hook))

    def _answered(self, request: Request, status: int, parsed: dict[str, Any]) -> None:
        metadata = parsed.get("ResponseMetadata", {})
        headers = metadata.get("HTTPHeaders", {})
        self._look_at_the_clock(headers.get("date"))
        bucket = request.parameters.get("Bucket")
        if bucket:
            self.client_region = request.region
            if region := headers.get("x-amz-bucket-region"):
                self.bucket_regions[bucket] = region
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            error = parsed.get("Error", {})
            code = error.get("Code") or str(status)
            refusal = refusal_of(_as_raised(code, error.get("Message", ""), status))
            assert refusal
            self._refused(request, refusal)

    def _refused(self, request: Request, refusal: Refusal) -> None:
        self.refusals.append((request, refusal))
        if refusal.is_passing or refusal.code in EXPIRED:
            raise Unanswered(request, refusal)

    def _look_at_the_clock(self, date: str | None) -> None:
        try:
            told = parsedate_to_datetime(date or "")
        except ValueError:
            return
        skew = told.astimezone(UTC) - self.now()
        if self.skew is None or abs(skew) < abs(self.skew):  # an answer on its way makes clocks look apart
            self.skew = skew


def _as_raised(code: str, message: str, status: int) -> Exception:
    from botocore.exceptions import ClientError

    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error: Exception = ClientError(answer, "")
    return error
