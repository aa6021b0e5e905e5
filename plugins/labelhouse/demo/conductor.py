"""The demo from beginning to end: account, Airflow, two weeks of history, marts, chart; then it lives until stopped."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from labelhouse.demo.account import JOB_NAME_RULES, MINIMUM_CRITERIA, PRICES, Account, everything
from labelhouse.demo.drifts import SLOWER
from labelhouse.demo.embedded_airflow import EmbeddedAirflow
from labelhouse.demo.folder import DemoError, DemoFolder
from labelhouse.demo.jobs import PROGRAMME
from labelhouse.demo.notices import NOTIFICATIONS, subjects
from labelhouse.demo.places import BUCKET, SOURCE_NAMES, source_settings
from labelhouse.demo.progress import Phases
from labelhouse.demo.training_runs import VEHICLES
from labelhouse.settings import load_settings

#: Of every source one that extracts, and the one that builds.
EXTRACTS, BUILD = tuple(f"extract_{name}" for name in SOURCE_NAMES), "build_marts"
#: What watches, and what waits for an operator's reason; Airflow runs both from the beginning.
ALARMS, RELEASE_HOLD = "evaluate_alarms", "release_hold"
CHART_PATH = "/labelhouse/workers"
#: Page → what it shows of this world.
_SHOWN = {
    CHART_PATH: PROGRAMME[0].stem.lower(),
    "/labelhouse/annotations": next(project for project in PROGRAMME if project.follows).stem.lower(),
    "/labelhouse/training": VEHICLES.experiment,
    "/labelhouse/quality": SLOWER.subject,
}
USER = "admin"
_ENDED = {"success", "failed", "skipped", "upstream_failed"}
#: How long Airflow may take to come up, how long one DAG, and how long it may be before a build starts by itself.
_START_SECONDS, _LONGEST_SECONDS, _PATIENCE_SECONDS = 180, 600, 10
_ENVIRON = {
    "LABELHOUSE_MINIMUM_CRITERIA": json.dumps(MINIMUM_CRITERIA),
    "LABELHOUSE_JOB_NAME_RULES": json.dumps(JOB_NAME_RULES),
    "LABELHOUSE_PRICES": json.dumps(PRICES),
    "LABELHOUSE_NOTIFICATIONS": json.dumps(NOTIFICATIONS),
    "LABELHOUSE_LOG_EXPORT_URI": f"s3://{BUCKET}/log-exports",
    # two weeks are two batches of about the same size, one for each of two cores
    "LABELHOUSE_UNITS_PER_BATCH": "1500",
    # what the last stop interrupted is taken up seconds after the next start, not minutes
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
}
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
        airflow = _start_airflow(folder, account, source_settings(seed), port, phases, running)
        since = datetime.now(UTC)
        _extract(airflow, phases)
        _build(airflow, folder, since, phases)
        airflow.trigger(ALARMS)  # the build has seen what changed; this tells the operators, while the chart is drawn
        _await_chart(airflow, phases)
        console.print(phases.table())
        console.print(
            f"\n[bold]{airflow.url}{CHART_PATH}[/]\nuser [bold]{USER}[/], password [bold]{airflow.password(USER)}[/]\n"
            "Workers, Annotations, Training, Operations, Cost and Data quality are in Airflow's menu; the last shows "
            "drifts and alarms.\n"
            "The account goes on living, and every hour Airflow reads what is new. Ctrl-C stops everything.\n\n"
            "The operators are told:",
            highlight=False,
            soft_wrap=True,
        )
        _live(airflow, console)


def serve_account(folder: DemoFolder, console: Console, *, host: str, port: int, seed: int) -> None:
    """Serves the account alone, and prints what a deployment's `.env` needs for it; returns only by KeyboardInterrupt.

    Raises:
        DemoError: another demo holds the folder.
    """
    with folder.locked():
        seed, start = folder.world(seed)
        account = Account(everything(seed, start), host=host, port=port)
        account.start()
        try:
            console.print(f"LABELHOUSE_SOURCES={json.dumps(source_settings(seed))}", markup=False, soft_wrap=True)
            console.print(f"LABELHOUSE_JOB_NAME_RULES={json.dumps(JOB_NAME_RULES)}", markup=False, soft_wrap=True)
            while True:
                time.sleep(_WATCH_SECONDS)
        finally:
            account.stop()


def _start_account(seed: int, start: datetime, phases: Phases, running: ExitStack) -> Account:
    with phases.phase("Simulated AWS account") as say:
        account = Account(everything(seed, start))
        account.start()
        running.callback(account.stop)
        held = f"{account.object_count:,} objects in S3, {account.log_event_count:,} events in the workers' log"
        say(f"{held}, at {account.endpoint_url}")
    return account


def _start_airflow(
    folder: DemoFolder, account: Account, places: dict[str, Any], port: int, phases: Phases, running: ExitStack
) -> EmbeddedAirflow:
    airflow = EmbeddedAirflow(
        folder.airflow,
        lake=folder.lake,
        port=free_port(port),
        sources=places,
        environ={"AIRFLOW_CONN_AWS_DEFAULT": account.connection, **_ENVIRON},
        users={USER: "admin"},
    )
    with phases.phase("Airflow's database"):
        airflow.migrate()
    with phases.phase("Airflow"):
        running.callback(airflow.stop)
        airflow.start()
        airflow.wait_until_healthy(_START_SECONDS)
        for dag_id in (ALARMS, RELEASE_HOLD):
            airflow.unpause(dag_id)  # nothing is published yet: an alarm goes off, and comes back with the release
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


def _extract(airflow: EmbeddedAirflow, phases: Phases) -> None:
    """Loads all history through the real DAG of every source, as its trigger form does.

    Raises:
        DemoError: one of them did not succeed.
    """
    with phases.phase("Extract") as say:
        for dag_id in EXTRACTS:
            airflow.unpause(dag_id)
        run_ids = {dag_id: airflow.trigger(dag_id) for dag_id in EXTRACTS}
        deadline = time.monotonic() + _LONGEST_SECONDS
        while under_way := _under_way(airflow, run_ids):
            if time.monotonic() > deadline:
                raise _unsuccessful(*under_way.popitem(), "still under way")
            say(_progress([task for run in under_way.items() for task in airflow.tasks(*run)]))
            time.sleep(_LOOK_SECONDS)
        say("")


def _under_way(airflow: EmbeddedAirflow, run_ids: dict[str, str]) -> dict[str, str]:
    """Those of the runs (DAG → run) that have not ended; one that failed ends the demo."""
    states = {dag_id: _state(airflow, dag_id, run_id) for dag_id, run_id in run_ids.items()}
    for dag_id, state in states.items():
        if state in _ENDED and state != "success":
            raise _unsuccessful(dag_id, run_ids[dag_id], state)
    return {dag_id: run_ids[dag_id] for dag_id, state in states.items() if state not in _ENDED}


def _unsuccessful(dag_id: str, run_id: str, state: str) -> DemoError:
    return DemoError("did not succeed, see its tasks in Airflow", where=f"{dag_id} {run_id}", value=state)


def _build(airflow: EmbeddedAirflow, folder: DemoFolder, since: datetime, phases: Phases) -> None:
    """Waits until a release holds everything that was loaded.

    The first time it is asked for here, when every source is loaded: the first source alone would start a build
    otherwise. From then on `build_marts` starts by itself; where nothing new came, but an earlier demo was stopped
    or held before it published, it is asked for again.
    """
    with phases.phase("Marts") as say:
        airflow.unpause(BUILD)
        if not airflow.runs(BUILD):
            airflow.trigger(BUILD)
        deadline = time.monotonic() + _LONGEST_SECONDS
        idle_until = time.monotonic() + _PATIENCE_SECONDS
        while (release_id := _covering_release(folder.lake)) is None:
            runs = airflow.runs(BUILD)
            new_runs = [run for run in runs if datetime.fromisoformat(run["run_after"]) >= since]
            if time.monotonic() > deadline or (new_runs and new_runs[-1]["state"] == "failed"):
                raise _held(folder.lake)
            if any(run["state"] not in _ENDED for run in runs):
                say(_progress(airflow.tasks(BUILD, runs[-1]["dag_run_id"])))
                idle_until = time.monotonic() + _PATIENCE_SECONDS
            elif time.monotonic() > idle_until:
                airflow.trigger(BUILD)
            time.sleep(_LOOK_SECONDS)
        say(f"release {release_id}")


def _held(lake_dir: Path) -> DemoError:
    from labelhouse.marts.status import read_status

    held = (read_status(lake_dir) or {}).get("held")
    return DemoError("no release was published", where=BUILD, value=held and held["sentence"])


def _covering_release(lake_dir: Path) -> str | None:
    """The current release, if it holds everything that was loaded."""
    from labelhouse.marts.build import is_up_to_date
    from labelhouse.marts.releases import current_release

    release = current_release(lake_dir)
    chosen = {"minimum_criteria": MINIMUM_CRITERIA, "job_name_rules": JOB_NAME_RULES, "prices": PRICES}
    settings = load_settings({}, lake=lake_dir, catalog_uri=None, **chosen)
    return release.release_id if release and is_up_to_date(settings) else None


def _state(airflow: EmbeddedAirflow, dag_id: str, run_id: str) -> str:
    return next(str(run["state"]) for run in airflow.runs(dag_id) if run["dag_run_id"] == run_id)


def _progress(tasks: list[dict[str, Any]]) -> str:
    """What a run is at: the tasks that run now, and how many are done."""
    running = sorted({task["task_id"] for task in tasks if task["state"] == "running"})
    done = sum(task["state"] in _ENDED for task in tasks)
    return f"{', '.join(running) or 'waiting'} ({done} of {len(tasks)} tasks done)"


def _await_chart(airflow: EmbeddedAirflow, phases: Phases) -> None:
    """Asks for the pages as a browser would, and for what only this world can have brought there."""
    with phases.phase("Chart"):
        headers = {"Authorization": f"Bearer {airflow.token(USER)}"}
        for path, shown in _SHOWN.items():
            answer = httpx.get(airflow.url + path, headers=headers, timeout=30, trust_env=False)
            if answer.status_code != httpx.codes.OK or shown not in answer.text:
                raise DemoError("the page does not show its chart", where=path, value=answer.status_code)


def _live(airflow: EmbeddedAirflow, console: Console) -> None:
    """Watches Airflow until somebody stops the demo, and prints what reaches the operators."""
    told: list[str] = []
    while True:
        watch_at = time.monotonic() + _WATCH_SECONDS
        while time.monotonic() < watch_at:
            for subject in subjects()[len(told) :]:
                console.print(f"  {subject}", highlight=False, markup=False, soft_wrap=True)
                told.append(subject)
            time.sleep(_LOOK_SECONDS)
        airflow.wait_until_healthy()
