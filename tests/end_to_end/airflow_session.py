"""The one Airflow of a test session, with a simulated S3 beside it, and what tests ask of both."""

from __future__ import annotations

import json
import logging
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import boto3
import httpx
from moto.server import ThreadedMotoServer

from end_to_end.labeling_jobs import LabelingJob
from labelhouse.demo.embedded_airflow import EmbeddedAirflow
from labelhouse.marts.read import query_lake
from labelhouse.marts.releases import Release, current_release
from labelhouse.settings import PROJECT_DIR, Settings, load_settings

EXTRACT, BUILD, RELEASE_HOLD = "extract_labeling_output", "build_marts", "release_hold"
BUCKET, OUTPUT_PATH = "labelhouse-tests", "output"
USERS = {"viewer": "viewer", "op": "op", "admin": "admin", "norole": ""}
#: Where operations is told of alarms and failed runs; the tests read it in the queue of that name.
TOPIC = "labelhouse-tests"
PSEUDONYM_KEY = "the key of the pseudonyms of the tests"
AWS_SECRET = "canary/of+the/connection+to/the+simulated/AWS"
#: A job that is published before the first test runs: whoever needs some release has one.
FIRST_JOB = LabelingJob("herons", datetime(2026, 3, 2, 8, 30, tzinfo=UTC), object_count=12)


class AirflowSession(EmbeddedAirflow):
    """An Airflow whose lake and bucket tests can look into.

    Args:
        folder: where everything lies.
        s3: client of the simulated S3.
    """

    def __init__(self, folder: Path, s3: Any) -> None:
        self.lake = folder / "lake"
        self.watch = folder / "watch"
        self.watch.mkdir(parents=True)
        self.s3 = s3
        connection = {
            "conn_type": "aws",
            "login": "tests",
            "password": AWS_SECRET,
            "extra": {"region_name": "eu-west-1", "endpoint_url": s3.meta.endpoint_url},
        }
        environ = {
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
            "LABELHOUSE_PSEUDONYM_KEY": PSEUDONYM_KEY,
            "LABELHOUSE_NOTIFICATIONS": json.dumps({"operations": [{"sns": {"target_arn": self._subscribe()}}]}),
            "PYTHONPATH": os.pathsep.join(map(str, (Path(__file__).with_name("watched"), PROJECT_DIR / "plugins"))),
            "WATCH": str(self.watch),
        }
        super().__init__(
            folder / "airflow",
            lake=self.lake,
            port=_free_port(),
            sources={"labeling_output": f"s3://{BUCKET}/{OUTPUT_PATH}"},
            environ=environ,
            users=USERS,
        )

    def _aws(self, service: str) -> Any:
        """A client of the simulated AWS."""
        keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests", "region_name": "eu-west-1"}
        return boto3.client(service, endpoint_url=self.s3.meta.endpoint_url, **keys)

    def _subscribe(self) -> str:
        """A topic whose messages go to a queue; its ARN."""
        topic = self._aws("sns").create_topic(Name=TOPIC)["TopicArn"]
        queue = self._aws("sqs").create_queue(QueueName=TOPIC)["QueueUrl"]
        attributes = self._aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        self._aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])
        return str(topic)

    def messages(self) -> list[dict[str, str]]:
        """What operations has been told since it was asked last, as SNS passes it on."""
        sqs = self._aws("sqs")
        queue, found = sqs.get_queue_url(QueueName=TOPIC)["QueueUrl"], list[dict[str, str]]()
        while received := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    @property
    def settings(self) -> Settings:
        """The settings of its lake."""
        return load_settings({}, lake=self.lake, pseudonym_key=PSEUDONYM_KEY)

    @property
    def release(self) -> Release | None:
        """What readers see now."""
        return current_release(self.lake)

    def deliver(self, job: LabelingJob) -> None:
        """Puts a job's output into the bucket; what is there under the same keys is replaced."""
        for key, body in job.objects().items():
            self.s3.put_object(Bucket=BUCKET, Key=f"{OUTPUT_PATH}/{key}", Body=body)

    def order_kill(self, moment: str) -> Path:
        """Lets the next task that reaches `moment` (`watched/sitecustomize.py`) die; the file is gone when it did."""
        order = self.watch / f"kill {moment}"
        order.touch()
        return order

    @contextmanager
    def pausing(self, moment: str) -> Iterator[Callable[[], None]]:
        """Lets tasks that reach `moment` wait until the block ends; what it gives returns when one is there."""
        order, pausing = self.watch / f"pause {moment}", self.watch / f"pausing {moment}"
        order.touch()
        try:
            yield lambda: wait_for(pausing.exists, "a task to reach the moment")
        finally:
            order.unlink()
            pausing.unlink(missing_ok=True)

    def extract(self, start: datetime | None = None, end: datetime | None = None, **more: Any) -> str:
        """Runs an extraction from the trigger form to its end; returns its run id."""
        form = {side: moment.isoformat() for side, moment in (("start", start), ("end", end)) if moment}
        run_id = self.trigger(EXTRACT, {**form, **more})
        state = self.wait_for_run(EXTRACT, run_id, timeout_seconds=300)
        assert state == "success", self.failures(EXTRACT, run_id)
        return run_id

    def trigger_as(self, user: str, dag_id: str, form: dict[str, Any]) -> httpx.Response:
        """What Airflow answers when that user sends the trigger form."""
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        body = {"logical_date": None, "conf": form}
        return httpx.post(f"{self.url}/api/v2/dags/{dag_id}/dagRuns", json=body, headers=headers, timeout=60)

    def wait_for_builds(self, timeout_seconds: float = 300) -> list[dict[str, Any]]:
        """All runs of `build_marts`, when no event waits, none is under way, and the last has had its say."""
        quiet_since = time.monotonic()
        deadline = quiet_since + timeout_seconds
        while time.monotonic() - quiet_since < 3:
            assert time.monotonic() < deadline, "builds go on"
            time.sleep(0.5)
            if self._has_waiting_events() or any(run["state"] in ("queued", "running") for run in self.runs(BUILD)):
                quiet_since = time.monotonic()
        return self.runs(BUILD)

    def wait_for_backfill(self, timeout_seconds: float) -> list[dict[str, Any]]:
        """The runs of the backfill, when all have ended."""

        def runs() -> list[dict[str, Any]]:
            return [run for run in self.runs(EXTRACT) if run["run_type"] == "backfill"]

        wait_for(
            lambda: all(run["state"] in ("success", "failed") for run in runs()), "the backfill to end", timeout_seconds
        )
        return runs()

    def states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Task → state of a run."""
        return {task["task_id"]: task["state"] for task in self.tasks(dag_id, run_id)}

    def asset_events(self) -> list[dict[str, Any]]:
        """All events of assets (at most 100, newest first)."""
        answer = self._get("/assets/events", limit=100, order_by="-timestamp")
        return cast(list[dict[str, Any]], answer["asset_events"])

    def failures(self, dag_id: str, run_id: str) -> str:
        """The logs of the tasks of a run that failed."""
        failed = [task["task_id"] for task in self.tasks(dag_id, run_id) if task["state"] == "failed"]
        return "\n".join(self.task_log(dag_id, run_id, task_id) for task_id in failed)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of the published marts (by bare name) and of the lake (`raw.<table>`)."""
        found: list[dict[str, Any]] = query_lake(self.settings, sql).to_pylist()
        return found

    def _has_waiting_events(self) -> bool:
        with closing(sqlite3.connect(self.home / "airflow.db", timeout=60)) as database:
            return bool(database.execute("select count(*) from asset_dag_run_queue").fetchone()[0])


@contextmanager
def airflow_session(folder: Path) -> Iterator[AirflowSession]:
    """An Airflow that has loaded and published `FIRST_JOB`; ends without leaving a process behind."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line a request
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    s3 = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="eu-west-1",
        aws_access_key_id="tests",
        aws_secret_access_key="tests",
    )
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    airflow = AirflowSession(folder, s3)
    airflow.deliver(FIRST_JOB)
    try:
        airflow.migrate()
        airflow.start()
        airflow.wait_until_healthy()
        airflow.unpause(BUILD)
        airflow.unpause(EXTRACT)
        airflow.extract()
        airflow.wait_for_builds()
        assert airflow.release, airflow.failures(BUILD, airflow.runs(BUILD)[-1]["dag_run_id"])
        yield airflow
    finally:
        airflow.stop()
        server.stop()


def wait_for(is_true: Callable[[], bool], what: str, timeout_seconds: float = 300) -> None:
    """Returns as soon as it is true."""
    deadline = time.monotonic() + timeout_seconds
    while not is_true():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.25)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
