"""The compose file's services, natively, with a simulated S3 beside them, and what tests ask of them."""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from deployment.native import NativeCompose
from end_to_end.labeling_jobs import LabelingJob
from labelhouse.settings import PROJECT_DIR, Settings, load_settings

BUCKET, REGION = "labelhouse-deployed", "eu-west-1"
SOURCES = {"labeling_output": f"s3://{BUCKET}/output"}
JOBS = (
    LabelingJob("herons", datetime(2026, 3, 2, 8, 30, tzinfo=UTC), object_count=12),
    LabelingJob("storks", datetime(2026, 3, 9, 8, 30, tzinfo=UTC), object_count=7),
)
EXTRACT, BUILD = "extract_labeling_output", "build_marts"
WORKERS = ("worker-1", "worker-2")
#: How often something is looked at: Airflow, too, needs the processor.
_LOOK_SECONDS = 1.5
PASSWORDS = ("POSTGRES", "AIRFLOW_DATABASE", "LAKE_DATABASE", "PEOPLE_DATABASE", "REDIS", "ADMIN")


class Deployed(NativeCompose):
    """All services of the compose file that are no trial's, and what is asked of Airflow's API.

    Args:
        folder: below which everything lies.
        endpoint: of the simulated AWS.
    """

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.aws = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": endpoint}
        self.aws |= {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30)}
        extra = {"region_name": REGION, "endpoint_url": endpoint}
        connection = {
            "conn_type": "aws",
            "login": "tests",
            "password": self.aws["AWS_SECRET_ACCESS_KEY"],
            "extra": extra,
        }
        self.watch = folder / "watch"
        self.watch.mkdir(parents=True)
        watched = PROJECT_DIR / "tests" / "end_to_end" / "watched"
        orders = {"WATCH": str(self.watch), "PYTHONPATH": f"{watched}{os.pathsep}{PROJECT_DIR / 'plugins'}"}
        super().__init__(
            folder,
            environ={f"{name}_PASSWORD": secrets.token_hex(24) for name in PASSWORDS}
            | {name: secrets.token_urlsafe(48) for name in ("AIRFLOW_SECRET_KEY", "AIRFLOW_JWT_SECRET")}
            | {
                "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
                "LABELHOUSE_PSEUDONYM_KEY": secrets.token_urlsafe(48),
                "ADMIN_EMAIL": "admin@example.org",
                "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
                # only on request, so that one run does it all
                "LABELHOUSE_SOURCES": json.dumps(
                    {name: {"places": [uri], "schedule": None} for name, uri in SOURCES.items()}
                ),
                "LABELHOUSE_LAKE": f"s3://{BUCKET}/lake",
                "TASK_HEARTBEAT_TIMEOUT_SECONDS": "45",
            }
            | self.aws,
            more=dict.fromkeys(WORKERS, orders),
            writable=(self.watch,),
        )
        self.seconds: dict[str, float] = {}
        self._token = ""

    @property
    def url(self) -> str:
        """Of the UI and the API."""
        return f"http://127.0.0.1:{self.port('api-server', 8080)}"

    @property
    def settings(self) -> Settings:
        """The settings of its lake, as a worker has them."""
        environ = {key: value for key, value in self.environment("worker-1").items() if key.startswith("LABELHOUSE_")}
        with pytest.MonkeyPatch.context() as patch:
            for key, value in environ.items():
                patch.setenv(key, value)
            return load_settings()

    def _new_token(self) -> str:
        body = {"username": "admin", "password": self.environ["ADMIN_PASSWORD"]}
        answer = httpx.post(f"{self.url}/auth/token", json=body, timeout=60)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def ask(self, method: str, path: str, **arguments: Any) -> Any:
        """What Airflow's API answers; None while it has no answer (PostgreSQL restarts)."""
        with suppress(httpx.TransportError, httpx.HTTPStatusError):
            self._token = self._token or self._new_token()  # once: a password is slow to verify
            headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
            answer = httpx.request(method, f"{self.url}/api/v2{path}", headers=headers, timeout=60, **arguments)
            answer.raise_for_status()
            return answer.json()
        return None

    def wait_for(self, look: Callable[[], Any], what: str, timeout_seconds: float = 600) -> Any:
        """What `look` finds, as soon as it finds something; meanwhile services that ended are restarted."""
        deadline = time.monotonic() + timeout_seconds
        while not (found := look()):
            self.look_after()
            assert time.monotonic() < deadline, f"waited in vain for {what}: {self.failures()}{self.last_words()}"
            time.sleep(_LOOK_SECONDS)
        return found

    def unpause(self, dag_id: str) -> None:
        """As soon as the DAG is known."""
        body = {"is_paused": False}
        self.wait_for(lambda: self.ask("PATCH", f"/dags/{dag_id}", json=body), f"{dag_id} to be known")

    def trigger(self, dag_id: str) -> str:
        """Starts a run; its id."""
        body: dict[str, Any] = {"logical_date": None, "conf": {}}
        return str(self.wait_for(lambda: self.ask("POST", f"/dags/{dag_id}/dagRuns", json=body), dag_id)["dag_run_id"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """All runs of that DAG, oldest first."""
        answer = self.ask("GET", f"/dags/{dag_id}/dagRuns", params={"order_by": "run_after"})
        return list(answer["dag_runs"]) if answer else []

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run."""
        answer = self.ask("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")
        return list(answer["task_instances"]) if answer else []

    def log_of(self, dag_id: str, run_id: str, task_id: str, map_index: int, attempt: int) -> str:
        """A task's log as the UI shows it."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        return json.dumps(self.ask("GET", path, params={"map_index": map_index, "full_content": "true"}))

    def failures(self) -> str:
        """Ends of the logs of tasks that failed, for a person to read."""
        found = sorted((self.folder / "volumes" / "logs").rglob("attempt=*.log"))
        return "\n".join(f"{path}\n{path.read_text()[-1500:]}" for path in found if "rror" in path.read_text())[-8000:]

    def last_words(self) -> str:
        """Ends of the logs of what hands out tasks, for a person to read."""
        return "\n".join(f"{name}\n{self.log(name).read_text()[-4000:]}" for name in ("scheduler", *WORKERS))

    @contextmanager
    def pausing(self, moment: str) -> Iterator[Callable[[], int]]:
        """Lets tasks that reach `moment` wait until the block ends; what it gives waits for one: its process id."""
        order, pausing = self.watch / f"pause {moment}", self.watch / f"pausing {moment}"
        order.touch()

        def process_id() -> int:
            self.wait_for(lambda: pausing.exists() and pausing.read_text(), f"a task to get to {moment!r}")
            return int(pausing.read_text())

        try:
            yield process_id
        finally:
            order.unlink()
            pausing.unlink(missing_ok=True)


@contextmanager
def deployed(folder: Path) -> Iterator[Deployed]:
    """A deployment whose bucket holds two jobs; nothing is loaded yet. Ends without leaving a process behind."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line a request
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    deployment = Deployed(folder, f"http://{host}:{port}")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (deployment.aws | {"AWS_DEFAULT_REGION": REGION}).items():
            patch.setenv(name, value)
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for job in JOBS:
            for key, body in job.objects().items():
                s3.put_object(Bucket=BUCKET, Key=f"output/{key}", Body=body)
        began = time.monotonic()
        try:
            deployment.start_all([name for name in deployment.services if name != "aws"])
            deployment.seconds["from start to healthy"] = time.monotonic() - began
            yield deployment
        finally:
            deployment.stop_all()
            server.stop()
