"""The simulated AWS account: S3 and other services on the loopback, which the world fills, and goes on filling."""

from __future__ import annotations

import heapq
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from labelhouse.demo.changes import Change
from labelhouse.demo.endpoints import story as endpoint_story
from labelhouse.demo.exports import write_exports
from labelhouse.demo.notices import close_topic, open_topic
from labelhouse.demo.people import REGION
from labelhouse.demo.places import BUCKET, TRAIL_PATH
from labelhouse.demo.region import Region, has_bucket, s3, store
from labelhouse.demo.server import Server
from labelhouse.demo.trail import log_files
from labelhouse.demo.trail_settings import close_trail, open_trail
from labelhouse.demo.training_jobs import training_changes
from labelhouse.demo.workforce import story
from labelhouse.demo.world import Write

#: `LABELHOUSE_MINIMUM_CRITERIA` of the demo.
MINIMUM_CRITERIA = {"validation:accuracy": {"at_least": 0.85}}
#: `LABELHOUSE_PRICES` of the demo: invented, of the order of AWS's.
PRICES = {
    "instance_hour_usd": {"ml.g5.xlarge": 1.41, "ml.m5.xlarge": 0.23, "ml.p3.2xlarge": 3.83},
    "worker_hour_usd": {"*": 16},
}
#: `LABELHOUSE_JOB_NAME_RULES` of the demo: jobs end with the number of their fortnight.
JOB_NAME_RULES = [
    {"pattern": "-trial-[0-9]+$", "batch": "trials"},
    {"pattern": "-adjustment-([0-9]+)$", "batch": r"fortnight \1", "level": "second"},
    {"pattern": "-(?:audit|verification)-([0-9]+)$", "batch": r"fortnight \1", "level": "audit"},
    {"pattern": "-([0-9]+)$", "batch": r"fortnight \1", "level": "first"},
]

#: How often the living account looks at the clock.
_TICK_SECONDS = 1.0


def everything(seed: int, start: datetime) -> Iterator[Write | Change]:
    """All that is written into the bucket, and all that changes besides, in a world that begins at `start` (UTC).

    In the order of time, without end.
    """
    trail = (replace(write, key=f"{TRAIL_PATH}/{write.key}") for write in log_files(seed, start))
    every = (story(seed, start), training_changes(seed, start), trail, endpoint_story(seed, start))
    return heapq.merge(*every, key=attrgetter("at"))


class Account:
    """The account at the present time of its clock: started, it holds everything until now, and adds what follows.

    Args:
        told: what is written and what changes, in the order of time (`everything`).
        clock: the present (UTC); another one than the system's lets time pass faster.
        host, port: where it answers; by default a free port of the loopback.
    """

    def __init__(
        self,
        told: Iterator[Write | Change],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._told, self._clock = told, clock
        self._next: Write | Change = next(told)
        self._region = Region(REGION)
        self._changing = threading.Lock()
        self._server = Server(self._present, host, port)
        self._stopped = threading.Event()
        self._life = threading.Thread(target=self._live, name="account", daemon=True)
        self.object_count = 0

    @property
    def endpoint_url(self) -> str:
        """Where the account answers."""
        return self._server.url

    @property
    def log_event_count(self) -> int:
        """Events in the workers' log by now."""
        return self._region.log_event_count

    @property
    def connection(self) -> str:
        """The Airflow connection to it, as `AIRFLOW_CONN_AWS_DEFAULT` holds one; its keys open nothing else."""
        connection: dict[str, Any] = {
            "conn_type": "aws",
            "login": "demo",
            "password": "demo",
            "extra": {"region_name": REGION, "endpoint_url": self.endpoint_url},
        }
        return json.dumps(connection)

    def start(self) -> None:
        """Serves all history until now, then goes on living in a thread of its own."""
        if not has_bucket(BUCKET):
            s3().create_bucket(BUCKET, REGION)
        open_topic()
        open_trail()
        self._catch_up()
        self.object_count = len(s3().buckets[BUCKET].keys)
        self._server.start()
        self._life.start()

    def stop(self) -> None:
        """Stops serving; nothing is kept, because the world can be told again."""
        self._stopped.set()
        self._life.join()
        self._server.stop()
        s3().reset()
        close_topic()
        close_trail()

    @contextmanager
    def _present(self, region_name: str) -> Iterator[Region]:
        """What a region knows now; in all but one there is nothing."""
        with self._changing:
            self._follow()
            yield self._region if region_name == REGION else Region(region_name, now=self._region.now)

    def _live(self) -> None:
        while not self._stopped.wait(_TICK_SECONDS):
            self._catch_up()

    def _catch_up(self) -> None:
        with self._changing:
            self._follow()

    def _follow(self) -> None:
        """Takes in everything until now; of an object written several times only the last matters."""
        now = self._clock()
        latest: dict[str, Write] = {}
        while self._next.at <= now:
            if isinstance(self._next, Write):
                latest[self._next.key] = self._next
            else:
                self._region.apply(self._next)
            self._next = next(self._told)
        for write in latest.values():
            store(BUCKET, write)
        self._region.now = now
        write_exports(self._region)
