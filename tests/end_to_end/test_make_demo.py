"""`make demo` in a fresh copy of the project: to the chart, stopped and killed in every way, continued, cleaned."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from labelhouse.demo.drifts import DRIFTS
from labelhouse.demo.road_clips import EMPTY_FRAME_COUNT
from labelhouse.settings import PREFIX, PROJECT_DIR

PHASES = ("Installation", "Simulated AWS account", "Airflow's database", "Airflow", "Extract", "Marts", "Chart")
LOGIN = re.compile(r"^(?P<page>http://\S+)\nuser (?P<user>\S+), password (?P<password>\S+)$", re.MULTILINE)


class Checkout:
    """A copy of the project as a clone has it, and make in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.check_output(listed, cwd=PROJECT_DIR, text=True).split("\0"):
            if name and (PROJECT_DIR / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(PROJECT_DIR / name, folder / name)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.options = f"DEMO_OPTIONS=--port {probe.getsockname()[1]}"

    def environ(self) -> dict[str, str]:
        """The environment of a login shell: nothing of this test run, and the uv that it has installed."""
        foreign = ("AIRFLOW", PREFIX, "MAKE", "MFLAGS", "VIRTUAL_ENV", "PYTEST", "PYTHON")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return environ | {"PATH": f"{os.environ['PATH']}:{PROJECT_DIR / '.uv' / 'bin'}"}

    def make(self, target: str) -> subprocess.CompletedProcess[str]:
        """Runs a target to its end."""
        return subprocess.run(
            ["make", target, self.options],
            cwd=self.folder,
            env=self.environ(),
            capture_output=True,
            text=True,
            check=False,
        )

    def start_demo(self) -> Demo:
        """Starts `make demo` as a terminal does: in a process group of its own."""
        log = self.folder.parent / f"demo-{time.monotonic_ns()}.log"
        with log.open("wb") as output:
            command = ["make", "demo", self.options]
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environ(), stdout=output, stderr=output, start_new_session=True
            )
        return Demo(process, log)

    def processes(self) -> list[psutil.Process]:
        """Everything that runs from here."""
        found = []
        for process in psutil.process_iter():
            try:
                if Path(process.cwd()).is_relative_to(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                pass  # it ended while we looked
        return found

    @property
    def demo_pid(self) -> int:
        """The process that holds the demo's folder."""
        return int((self.folder / ".demo" / "lock").read_text())


class Demo:
    """One `make demo`."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self._log = process, log

    @property
    def output(self) -> str:
        """What it has printed."""
        return self._log.read_text()

    def wait_for(self, text: str, seconds: float = 400) -> None:
        """Until it has printed `text`."""
        wait_until(lambda: text in self.output or self.process.poll() is not None, seconds)
        assert text in self.output, self.output


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    """Waits until it is so, or as long as that."""
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.2)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A fresh copy; whatever it started ends with the test."""
    made = Checkout(tmp_path_factory.mktemp("checkout") / "labelhouse")
    yield made
    for process in made.processes():
        process.kill()
    shutil.rmtree(made.folder)


def query(checkout: Checkout, sql: str) -> list[dict[str, Any]]:
    """Rows of the demo's lake."""
    command = [".venv/bin/labelhouse", "query", sql, "--lake", ".demo/lake", "--format", "json"]
    answer = subprocess.check_output(command, cwd=checkout.folder, env=checkout.environ(), text=True)
    return list(json.loads(answer))


def the_labels_of_videos_are_there(checkout: Checkout, airflow: httpx.Client) -> None:
    """Frames with the empty ones, once for the job and once for its audit; and the page names what is said of them."""
    frames = "select labeling_job_name, count(*) as empty from fct_frame where annotation_count = 0 group by all"
    assert [row["empty"] for row in query(checkout, frames)] == [EMPTY_FRAME_COUNT] * 2
    page = airflow.get("/labelhouse/annotations", params={"job": "road-clips-tracking-audit-01"}).text
    assert [name for name in ("vehicle_type", "quality_of_the_frame", "two-wheeler") if name not in page] == []


def the_operators_were_told(checkout: Checkout, demo: Demo) -> None:
    """One alarm went off and came back with the first release, one stays; word of both has arrived."""
    for subject in ("OK: stale_release", "ALARM: drift_found"):
        demo.wait_for(subject, 120)
    assert demo.output.index("ALARM: stale_release") < demo.output.index("OK: stale_release")
    document = json.loads((checkout.folder / ".demo" / "lake" / "alarms.json").read_text())
    changes = {alarm["alarm_name"]: alarm["changes"] for alarm in document["alarms"]}
    assert [change["to_state"] for change in changes["stale_release"]] == ["OK", "ALARM"]
    assert changes["drift_found"][0]["to_state"] == "ALARM"


def exported(airflow: httpx.Client) -> str:
    """The state in which a run of `export_worker_activity` ends, which exports two days of the log and loads them."""
    dag = "/api/v2/dags/export_worker_activity"
    airflow.patch(dag, json={"is_paused": False}).raise_for_status()
    start = datetime.now(UTC) - timedelta(days=4)
    form = {"start": f"{start:%FT%TZ}", "end": f"{start + timedelta(days=2):%FT%TZ}"}
    begun = airflow.post(f"{dag}/dagRuns", json={"logical_date": None, "conf": form}).raise_for_status()
    run = f"{dag}/dagRuns/{begun.json()['dag_run_id']}"
    wait_until(lambda: airflow.get(run).json()["state"] in {"success", "failed"}, 240)
    return str(airflow.get(run).json()["state"])


@pytest.mark.timeout(1500)
def test_make_demo_from_nothing_to_the_chart_and_back(
    checkout: Checkout, record_testsuite_property: Callable[[str, object], None]
) -> None:
    # from a fresh clone to the chart
    first = checkout.start_demo()
    first.wait_for("Ctrl-C")
    seconds = dict(re.findall(r"^✓ (.*): ([\d.]+) s", first.output, re.MULTILINE))
    assert tuple(seconds) == PHASES
    for name, each in seconds.items():
        record_testsuite_property(f"make demo: {name} (seconds)", float(each))
    print(first.output)
    login = LOGIN.search(first.output)
    assert login
    assert httpx.get(login["page"], headers={"Accept": "application/json"}, trust_env=False).status_code == 401
    credentials = {"username": login["user"], "password": login["password"]}
    token = httpx.post(httpx.URL(login["page"]).join("/auth/token"), json=credentials, trust_env=False)
    bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
    assert "vehicle-types-batch-01" in httpx.get(login["page"], headers=bearer, trust_env=False).text
    [counts] = query(checkout, "select count(*) as answers from fct_worker_response")
    assert counts["answers"] > 3000

    with httpx.Client(base_url=httpx.URL(login["page"]).join("/"), headers=bearer, trust_env=False) as airflow:
        the_labels_of_videos_are_there(checkout, airflow)

        # what drifts stands on the page, and the operators know
        quality = airflow.get("/labelhouse/quality").text
        assert [drift.subject for drift in DRIFTS if drift.subject.lower() not in quality] == []
        the_operators_were_told(checkout, first)

        # what is exported is what the log said already
        assert exported(airflow) == "success"
    columns = "sum(records_read) as read, sum(records_duplicate) as copies"
    [export] = query(checkout, f"select {columns} from raw.ingest_ledger where unit_uri like '%/log-exports/%.gz'")
    assert export["copies"] == export["read"] > 500

    # a second one at the same time is refused, and so is cleaning
    for target in ("demo", "clean-demo"):
        refused = checkout.make(target)
        assert refused.returncode
        assert "a demo runs here already" in refused.stdout
        assert "Traceback" not in refused.stdout + refused.stderr

    # Ctrl-C reaches the whole process group of the terminal
    world = (checkout.folder / ".demo" / "world.json").read_text()
    os.killpg(first.process.pid, signal.SIGINT)
    assert first.process.wait(60) is not None
    assert checkout.processes() == []

    # the next one continues; terminating make stops it too
    second = checkout.start_demo()
    second.wait_for("Ctrl-C")
    assert (checkout.folder / ".demo" / "world.json").read_text() == world
    reread = query(
        checkout,
        "select unit_uri from raw.ingest_ledger where unit_uri like '%.json' group by unit_uri having count(*) > 1",
    )
    assert reread == [], "no answer was loaded twice"
    second.process.terminate()
    assert second.process.wait(60) is not None
    assert checkout.processes() == []

    # killed while Airflow starts: nothing is orphaned
    third = checkout.start_demo()
    third.wait_for("✓ Airflow's database")
    wait_until(lambda: len(checkout.processes()) > 3, 30)
    os.kill(checkout.demo_pid, signal.SIGKILL)
    third.process.wait(60)
    wait_until(lambda: not checkout.processes(), 60)
    assert checkout.processes() == []

    # and nothing is left of it
    cleaned = checkout.make("clean-demo")
    assert cleaned.returncode == 0, cleaned.stderr
    assert not (checkout.folder / ".demo").exists()
