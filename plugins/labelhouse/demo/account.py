"""The simulated AWS account: a moto server on the loopback whose S3 the world fills, and goes on filling."""

from __future__ import annotations

import heapq
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import S3Backend, s3_backends
from moto.server import ThreadedMotoServer

from labelhouse.demo.people import REGION
from labelhouse.demo.trail import log_files
from labelhouse.demo.world import Write, writes

BUCKET = "labelhouse-demo"
OUTPUT_PATH, TRAIL_PATH = "labeling-output", "AWSLogs"
#: `LABELHOUSE_SOURCES` of the demo.
SOURCES = {"labeling_output": f"s3://{BUCKET}/{OUTPUT_PATH}", "cloudtrail": f"s3://{BUCKET}/{TRAIL_PATH}"}
#: `LABELHOUSE_MINIMUM_CRITERIA` of the demo.
MINIMUM_CRITERIA = {"validation:accuracy": {"at_least": 0.85}}

#: How often the living account looks at the clock.
_TICK_SECONDS = 1.0


def everything(seed: int, start: datetime) -> Iterator[Write]:
    """Every write into the bucket of a world that begins at `start` (UTC), in the order of time, without end."""
    labels = (replace(write, key=f"{OUTPUT_PATH}/{write.key}") for write in writes(seed, start))
    trail = (replace(write, key=f"{TRAIL_PATH}/{write.key}") for write in log_files(seed, start))
    return heapq.merge(labels, trail, key=attrgetter("at"))


class Account:
    """The account at the present time of its clock: started, it holds every write until now, and adds what follows.

    Args:
        writes: what is written into the bucket, in the order of time (`everything`).
        clock: the present (UTC); another one than the system's lets time pass faster.
    """

    def __init__(self, writes: Iterator[Write], clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._writes, self._clock = writes, clock
        self._next: Write = next(writes)
        self._server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        self._stopped = threading.Event()
        self._life = threading.Thread(target=self._live, name="account", daemon=True)
        self.object_count = 0

    @property
    def endpoint_url(self) -> str:
        """Where the account answers."""
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

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
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # one line per request otherwise
        s3 = _s3()
        if BUCKET not in s3.buckets:
            s3.create_bucket(BUCKET, REGION)
        self._catch_up()
        self.object_count = len(s3.buckets[BUCKET].keys)
        self._server.start()
        self._life.start()

    def stop(self) -> None:
        """Stops serving; nothing is kept, because the world can be told again."""
        self._stopped.set()
        self._life.join()
        self._server.stop()
        _s3().reset()

    def _live(self) -> None:
        while not self._stopped.wait(_TICK_SECONDS):
            self._catch_up()

    def _catch_up(self) -> None:
        """Stores every write until now; of an object written several times only the last matters."""
        now = self._clock()
        latest: dict[str, Write] = {}
        while self._next.at <= now:
            latest[self._next.key] = self._next
            self._next = next(self._writes)
        for write in latest.values():
            stored = _s3().put_object(BUCKET, write.key, write.body)
            stored.last_modified = write.at.replace(tzinfo=None)


def _s3() -> S3Backend:
    """moto's memory behind the server: filling it directly takes a tenth of the time that requests take."""
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
