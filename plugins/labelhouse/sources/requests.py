"""How clients are asked for, and how often they may ask: names of clients, and a pace for every service.

A source asks its factory for `"logs@us-east-1"`. Through which account that goes is none of its business: extraction
adds the connection of the place (`"logs@us-east-1#aws_eu"`), and whoever makes clients takes the name apart again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple, Self

from labelhouse.sources import Clients

#: The most requests a second by service, all that a task sends: documented or long known limits of an account and
#: region, with room for others. Services without one answer to retries.
REQUESTS_PER_SECOND = {"logs": 4.0, "cloudwatch": 10.0, "cognito-idp": 10.0, "sagemaker": 4.0}

_NAME = re.compile(r"(?P<service>[^@#]+)(?:@(?P<region>[^@#]+))?(?:#(?P<connection>[^@#]+))?\Z")
#: botocore knows our handler by it: a client has one, however often it is paced.
_HANDLER = "labelhouse-pace"


class ClientName(NamedTuple):
    """What a factory is asked for: `service`, `service@region`, `service#connection` or `service@region#connection`."""

    service: str
    region: str | None = None
    connection: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The parts of a name.

        Raises:
            ValueError: it is none.
        """
        if not (found := _NAME.match(text)):
            raise ValueError(f"no name of a client: {text!r}")
        return cls(**found.groupdict())


def through(clients: Clients, connection: str | None) -> Clients:
    """The same factory, every client of it through that connection; None is the one it takes by itself."""
    if connection is None:
        return clients
    return lambda service: clients(f"{service}#{connection}")


class Pace:
    """Lets so many requests a second through, whichever thread sends them; each waits for its turn."""

    def __init__(
        self,
        per_second: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds, self._now, self._sleep = 1 / per_second, now, sleep
        self._turn, self._lock = float("-inf"), Lock()

    def wait(self, **_event: Any) -> None:
        """Returns when it is this request's turn."""
        with self._lock:
            now = self._now()
            turn = max(self._turn, now)
            self._turn = turn + self._seconds
        if turn > now:
            self._sleep(turn - now)


def careful(clients: Clients, requests_per_second: float | None = None) -> Clients:
    """The same factory, for several threads: boto3 must not make two clients at the same time, and all of a service
    in one region and account share their pace.

    Args:
        requests_per_second: the pace of every service; None is `REQUESTS_PER_SECOND`.
    """
    lock, paces = Lock(), dict[str, Pace]()

    def client(name: str) -> Any:
        rate = requests_per_second or REQUESTS_PER_SECOND.get(ClientName.parse(name).service)
        with lock:
            made = clients(name)
            if rate and name not in paces:
                paces[name] = Pace(rate)
                _set_pace(made, paces[name])
        return made

    return client


def _set_pace(client: Any, pace: Pace) -> None:
    """Every attempt of every request waits; a pace that another extraction set on the client is replaced."""
    events = client.meta.events
    events.unregister("before-send", unique_id=_HANDLER)
    events.register("before-send", pace.wait, unique_id=_HANDLER)
