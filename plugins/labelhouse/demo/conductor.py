"""The demo from beginning to end: account, Airflow, two weeks of history, marts, chart; then it lives until stopped."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import httpx
from rich.console import Console

from labelhouse.demo.account import SOURCES, Account
from labelhouse.demo.embedded_airflow import EmbeddedAirflow
from labelhouse.demo.folder import DemoError, DemoFolder
from labelhouse.demo.jobs import PROGRAMME
from labelhouse.demo.progress import Phases
from labelhouse.demo.world import writes

EXTRACT, BUILD = "extract_labeling_output", "build_marts"
CHART_PATH = "/labelhouse/workers"
USER = "admin"
_ENDED = {"success", "failed", "skipped", "upstream_failed"}
_LONGEST_SECONDS = 600
#: How often the demo looks how far a run is, and later whether Airflow is well.
_LOOK_SECONDS, _WATCH_SECONDS = 0.5, 30.0


def run(folder: DemoFolder, console: Console, *, port: int, seed: int, installed_in: float | None) -> None:
    """Starts everything and returns only by KeyboardInterrupt or an error; nothing it started stays behind.

    Raises:
        DemoError, AirflowError: it cannot go on.
    """
    phases = Phases(console)
    with folder.locked(), ExitStack() as running:
        if installed_in is not None:
            phases.add("Installation", installed_in)
        seed, start = folder.world(seed)
        running.callback(console.print, "Stopped.")
        account = _start_account(seed, start, phases, running)
        airflow = _start_airflow(folder, account, port, phases, running)
        _extract(airflow, start, phases)
        _build(airflow, folder, phases)
        _await_chart(airflow, phases)
        console.print(phases.table())
        console.print(
            f"\n[bold]{airflow.url}{CHART_PATH}[/]\nuser [bold]{USER}[/], password [bold]{airflow.password(USER)}[/]\n"
            "The account goes on living, and every hour Airflow reads what is new. Ctrl-C stops everything.",
            highlight=False,
        )
        _live(airflow)


def _start_account(seed: int, start: datetime, phases: Phases, running: ExitStack) -> Account:
    with phases.phase("Simulated AWS account") as say:
        account = Account(writes(seed, start))
        account.start()
        running.callback(account.stop)
        say(f"{account.object_count:,} objects in S3 at {account.endpoint_url}")
    return account


def _start_airflow(
    folder: DemoFolder, account: Account, port: int, phases: Phases, running: ExitStack
) -> EmbeddedAirflow:
    airflow = EmbeddedAirflow(
        folder.airflow,
        lake=folder.lake,
        port=free_port(port),
        sources=SOURCES,
        environ={"AIRFLOW_CONN_AWS_DEFAULT": account.connection},
        users={USER: "admin"},
    )
    with phases.phase("Airflow's database"):
        airflow.migrate()
    with phases.phase("Airflow"):
        running.callback(airflow.stop)
        airflow.start()
        airflow.wait_until_healthy()
    return airflow


def free_port(wanted: int) -> int:
    """The wanted port, or the next one that nobody listens on."""
    for port in range(wanted, wanted + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise DemoError("no free port", where="--port", value=wanted, allowed="a port below which 100 are not all taken")


def _extract(airflow: EmbeddedAirflow, start: datetime, phases: Phases) -> None:
    """Loads all history through the real DAG, as its trigger form does."""
    with phases.phase("Extract") as say:
        for dag_id in (BUILD, EXTRACT):
            airflow.unpause(dag_id)
        run_id = airflow.trigger(EXTRACT, {"start": start.isoformat(), "end": None})
        deadline = time.monotonic() + _LONGEST_SECONDS
        while (state := _state(airflow, EXTRACT, run_id)) not in _ENDED and time.monotonic() < deadline:
            say(_progress(airflow.tasks(EXTRACT, run_id)))
            time.sleep(_LOOK_SECONDS)
        say("")
        if state != "success":
            raise DemoError("did not succeed, see its tasks in Airflow", where=f"{EXTRACT} {run_id}", value=state)


def _build(airflow: EmbeddedAirflow, folder: DemoFolder, phases: Phases) -> None:
    """Waits for the builds that the extraction caused."""
    from labelhouse.marts.releases import current_release
    from labelhouse.marts.status import read_status

    with phases.phase("Marts") as say:
        deadline = time.monotonic() + _LONGEST_SECONDS
        while True:
            runs = airflow.runs(BUILD)
            release = current_release(folder.lake)
            if release and runs and all(run["state"] in _ENDED for run in runs):
                say(f"release {release.release_id}")
                return
            if time.monotonic() > deadline or (runs and runs[-1]["state"] == "failed"):
                held = (read_status(folder.lake) or {}).get("held")
                raise DemoError("no release was published", where=BUILD, value=held and held["sentence"])
            if runs:
                say(_progress(airflow.tasks(BUILD, runs[-1]["dag_run_id"])))
            time.sleep(_LOOK_SECONDS)


def _state(airflow: EmbeddedAirflow, dag_id: str, run_id: str) -> str:
    return next(str(run["state"]) for run in airflow.runs(dag_id) if run["dag_run_id"] == run_id)


def _progress(tasks: list[dict[str, Any]]) -> str:
    """What a run is at: the tasks that run now, and how many are done."""
    running = sorted({task["task_id"] for task in tasks if task["state"] == "running"})
    done = sum(task["state"] in _ENDED for task in tasks)
    return f"{', '.join(running) or 'waiting'} ({done} of {len(tasks)} tasks done)"


def _await_chart(airflow: EmbeddedAirflow, phases: Phases) -> None:
    """Asks for the Workers page as a browser would, and for the world's first job in it."""
    with phases.phase("Chart"):
        headers = {"Authorization": f"Bearer {airflow.token(USER)}"}
        answer = httpx.get(airflow.url + CHART_PATH, headers=headers, timeout=30, trust_env=False)
        if answer.status_code != httpx.codes.OK or PROGRAMME[0].stem.lower() not in answer.text:
            raise DemoError("the page does not show its chart", where=CHART_PATH, value=answer.status_code)


def _live(airflow: EmbeddedAirflow) -> None:
    """Watches Airflow until somebody stops the demo."""
    while True:
        time.sleep(_WATCH_SECONDS)
        airflow.wait_until_healthy()
