"""A real Airflow in one folder: SQLite, LocalExecutor, loopback only. The demo and the end-to-end tests start it."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

import httpx

from labelhouse.demo import keeper, waiting_savepoints
from labelhouse.errors import LabelhouseError
from labelhouse.settings import PREFIX, PROJECT_DIR

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
#: What must not reach Airflow from outside: other deployments' settings, credentials, proxies.
_FOREIGN_PREFIXES = ("AIRFLOW", PREFIX, "AWS_", "PYTHONDONTWRITEBYTECODE")
_PROXIES = {f"{scheme}_proxy" for scheme in ("http", "https", "all", "no")}
#: A stop waits this long for Airflow's own shutdown; then its processes are killed.
_GRACE_SECONDS = 4.0
#: How often something is read in vain (each time for half a minute) until Airflow is given up.
_PATIENT_READS = 4

T = TypeVar("T")


class AirflowError(LabelhouseError):
    """The embedded Airflow did not do what was asked of it in time."""


class EmbeddedAirflow:
    """One Airflow deployment in a folder, and the few calls to its REST API that its users need.

    Args:
        home: its folder (database, logs, secrets); what is there is continued.
        lake: the lake folder that its tasks write.
        port: of the API server and the UI, on the loopback address.
        sources: the setting of that name: source name → URI, or what more the setting takes.
        environ: further variables for its processes, e.g. `AIRFLOW_CONN_AWS_DEFAULT`; they win.
        users: user name → role (`viewer`, `user`, `op`, `admin`); an empty role may log in and see nothing.
    """

    def __init__(
        self,
        home: Path,
        *,
        lake: Path,
        port: int,
        sources: Mapping[str, Any],
        environ: Mapping[str, str] = MappingProxyType({}),
        users: Mapping[str, str] = MappingProxyType({"admin": "admin"}),
    ) -> None:
        self.home = home.resolve()
        self.url = f"http://127.0.0.1:{port}"
        self.users = dict(users)
        self.logs_dir = self.home / "logs"
        self.logs_dir.mkdir(parents=True, exist_ok=True)
        self._secrets = self._own_secrets()
        self._write_local_settings()
        self.environ = _inherited() | self._options(lake.resolve(), port, sources) | dict(environ)
        self._family: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self._admin = next((user for user, role in users.items() if role.lower() == "admin"), None)

    # -- its life ------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Creates or upgrades its database."""
        self.run_command("db", "migrate")
        with sqlite3.connect(self.home / "airflow.db") as database:
            database.execute("PRAGMA journal_mode=WAL")  # kept in the file: readers no longer block writers

    def start(self) -> None:
        """Starts the API server, scheduler, DAG processor and triggerer; they end with this process at the latest."""
        specification = {
            "commands": {name: [*_AIRFLOW, *_ARGUMENTS.get(name, (name,))] for name in COMPONENTS},
            "logs_dir": str(self.logs_dir),
            "grace_seconds": _GRACE_SECONDS,
        }
        with (self.logs_dir / "keeper.log").open("ab") as log:
            self._family = subprocess.Popen(
                [sys.executable, "-P", keeper.__file__, json.dumps(specification)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.home,
                env=self.environ,
                start_new_session=True,
            )

    def wait_until_healthy(self, timeout_seconds: float = 90.0) -> None:
        """Returns when every component answers and every file of `dags/` has been parsed.

        Raises:
            AirflowError: a component ended, a DAG cannot be imported, or the time is over.
        """
        file_count = len(list((PROJECT_DIR / "dags").glob("*.py")))

        def is_healthy() -> bool | None:
            if self._family is None or self._family.poll() is not None:
                raise AirflowError("a component ended, see its log", where=str(self.logs_dir))
            health = self._client.get("/api/v2/monitor/health").json()
            parts = ("metadatabase", "scheduler", "dag_processor")
            if not all(health[part]["status"] == "healthy" for part in parts):
                return None
            if errors := self._get("/importErrors")["import_errors"]:
                raise AirflowError("cannot be imported", where=errors[0]["filename"], value=errors[0]["stack_trace"])
            return len(self._get("/dags")["dags"]) >= file_count or None

        _wait_for(is_healthy, timeout_seconds, "Airflow to be healthy")

    def stop(self) -> None:
        """Ends every process that came out of it, running tasks included."""
        if self._family is None:
            return
        self._family.terminate()
        try:
            self._family.wait(_GRACE_SECONDS + 10)
        except subprocess.TimeoutExpired:
            self._family.kill()
            self._family.wait()
            keeper.end_session(self._family.pid)
        if self._family.stdin:
            self._family.stdin.close()
        self._family = None

    def run_command(self, *words: str, timeout_seconds: float = 120.0) -> str:
        """Runs `airflow` with these words in its environment; returns what it printed.

        Raises:
            AirflowError: it failed.
        """
        done = subprocess.run(
            [*_AIRFLOW, *words],
            cwd=self.home,
            env=self.environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=timeout_seconds,
        )
        (self.logs_dir / "commands.log").open("a").write(done.stdout)
        if done.returncode:
            raise AirflowError("failed", where=f"airflow {' '.join(words)}", value=done.stdout[-2000:])
        return done.stdout

    # -- its users -----------------------------------------------------------------------------

    def password(self, user: str) -> str:
        """The password of one of its users."""
        return cast(str, json.loads(self._passwords_file.read_text())[user])

    def token(self, user: str) -> str:
        """A fresh token of one of its users, as the login gives it."""
        answer = self._client.post("/auth/token", json={"username": user, "password": self.password(user)})
        answer.raise_for_status()
        return cast(str, answer.json()["access_token"])

    # -- its REST API, as the first admin ------------------------------------------------------

    def unpause(self, dag_id: str) -> None:
        """Lets the scheduler start runs of that DAG."""
        self._request("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] = MappingProxyType({})) -> str:
        """Starts a run as the trigger form does; returns its id."""
        body = {"logical_date": None, "conf": dict(conf)}
        return cast(str, self._request("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """All runs of that DAG, oldest first (at most 100)."""
        answer = self._get(f"/dags/{dag_id}/dagRuns", limit=100, order_by="run_after")
        return cast(list[dict[str, Any]], answer["dag_runs"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run (at most 300), with `task_id`, `map_index`, `state`, `try_number`, …"""
        answer = self._get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=300)
        return cast(list[dict[str, Any]], answer["task_instances"])

    def wait_for_run(self, dag_id: str, run_id: str, timeout_seconds: float = 120.0) -> str:
        """`success` or `failed`, as soon as the run has ended.

        Raises:
            AirflowError: the time is over.
        """

        def ended() -> str | None:
            state = self._get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
            return state if state in ("success", "failed") else None

        return _wait_for(ended, timeout_seconds, f"{dag_id} {run_id} to end")

    def task_log(self, dag_id: str, run_id: str, task_id: str) -> str:
        """The log files of every attempt and batch of one task, one after the other."""
        folder = self.logs_dir / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        return "".join(path.read_text() for path in sorted(folder.rglob("*.log")))

    def _get(self, path: str, **query: str | int) -> dict[str, Any]:
        for _ in range(_PATIENT_READS):
            with suppress(httpx.ReadTimeout):  # an overloaded machine, and asking again changes nothing
                return self._request("GET", path, params=query)
        raise AirflowError("does not answer", where=f"{self.url}{path}")

    def _request(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        answer = self._client.request(method, f"/api/v2{path}", **arguments)
        if answer.status_code == httpx.codes.UNAUTHORIZED and self._admin:  # no token yet, or it has expired
            self._client.headers["Authorization"] = f"Bearer {self.token(self._admin)}"
            answer = self._client.request(method, f"/api/v2{path}", **arguments)
        if answer.is_error:
            raise AirflowError(f"answered {answer.status_code}", where=f"{method} {path}", value=answer.text)
        return cast(dict[str, Any], answer.json())

    # -- its settings --------------------------------------------------------------------------

    @property
    def _passwords_file(self) -> Path:
        return self.home / "passwords.json"

    def _own_secrets(self) -> dict[str, str]:
        """The secrets of this folder, made once; the passwords too, or Airflow would print them into a log."""
        made = _read_json(self.home / "secrets.json")
        for name in ("jwt_secret", "secret_key"):
            made.setdefault(name, secrets.token_urlsafe(64))
        made.setdefault("fernet_key", secrets.token_urlsafe(32) + "=")
        _write_private(self.home / "secrets.json", made)
        passwords = _read_json(self._passwords_file)
        _write_private(self._passwords_file, {u: passwords.get(u) or secrets.token_urlsafe(12) for u in self.users})
        return made

    def _write_local_settings(self) -> None:
        """What every Airflow process of this folder imports first."""
        module = self.home / "config" / "airflow_local_settings.py"
        module.parent.mkdir(exist_ok=True)
        module.write_text(_LOCAL_SETTINGS)

    def _options(self, lake: Path, port: int, sources: Mapping[str, str]) -> dict[str, str]:
        sections: dict[str, dict[str, object]] = {
            "core": {
                "dags_folder": PROJECT_DIR / "dags",
                "plugins_folder": PROJECT_DIR / "plugins",
                "load_examples": False,
                "parallelism": 3,
                "fernet_key": self._secrets["fernet_key"],
                "simple_auth_manager_users": ",".join(f"{user}:{role}" for user, role in self.users.items()),
                "simple_auth_manager_passwords_file": self._passwords_file,
                "execution_api_server_url": f"{self.url}/execution/",
                "hostname_callable": "socket.gethostname",  # the default asks a name server
            },
            "database": {"sql_alchemy_conn": f"sqlite:///{self.home / 'airflow.db'}?timeout=60"},
            "api": {"host": "127.0.0.1", "port": port, "secret_key": self._secrets["secret_key"]},
            "api_auth": {"jwt_secret": self._secrets["jwt_secret"]},
            "logging": {"base_log_folder": self.logs_dir, "colored_console_log": False},
            "scheduler": {
                "scheduler_idle_sleep_time": 0.5,
                "scheduler_heartbeat_sec": 2,
                "task_instance_heartbeat_timeout": 60,
            },
            "dag_processor": {
                "parsing_processes": 1,
                "min_file_process_interval": 60,
                "refresh_interval": 60,
                "dag_processor_child_process_log_directory": self.logs_dir / "dag_processor",
            },
        }
        options = {
            f"AIRFLOW__{section}__{name}".upper(): str(value)
            for section, values in sections.items()
            for name, value in values.items()
        }
        return options | {
            "AIRFLOW_HOME": str(self.home),
            f"{PREFIX}LAKE": str(lake),
            f"{PREFIX}SOURCES": json.dumps(dict(sources)),
            f"{PREFIX}OWN_PSEUDONYM_KEY": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "*",
            "DO_NOT_TRACK": "1",
        }


#: Tasks are forks of the scheduler: the libraries that it has imported need not be imported by each of them, which
#: would take longer than most tasks. Our own code is not among them: a task always runs it as it is now.
_LOCAL_SETTINGS = f"""
import sys
import {waiting_savepoints.__name__}
if "scheduler" in sys.argv:
    import boto3, duckdb, great_expectations, pandas, pyarrow.dataset, pyiceberg.catalog.sql
"""
_AIRFLOW = (str(Path(sys.executable).with_name("airflow")),)
#: Task logs are read from the folder: nobody need serve them.
_ARGUMENTS: dict[str, Sequence[str]] = {name: (name, "--skip-serve-logs") for name in ("scheduler", "triggerer")}


def _inherited() -> dict[str, str]:
    """This process's environment without what belongs to other deployments."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN_PREFIXES) and name.lower() not in _PROXIES
    }


def _wait_for(look: Callable[[], T | None], timeout_seconds: float, what: str) -> T:
    """What `look` finds, as soon as it finds something; a server that does not answer yet is not an answer."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            found = look()
        except httpx.TransportError:
            found = None
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise AirflowError(f"waited {timeout_seconds:.0f} s in vain", where=what)
        time.sleep(0.25)


def _read_json(path: Path) -> dict[str, str]:
    return cast(dict[str, str], json.loads(path.read_text())) if path.exists() else {}


def _write_private(path: Path, content: dict[str, str]) -> None:
    """Replaces a file that only its owner may read."""
    made = path.with_name(f".{path.name}.new")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
    made.replace(path)
