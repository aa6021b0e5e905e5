"""docker-compose.yaml without Docker: every service's own command as processes of this machine.

Read is that very file, with the Dockerfile's ENV, and a `.env` as Compose reads one. What a container would have of
its own is mapped: host names to the loopback address, ports to free ones, volumes and tmpfs to folders below one
folder. Where this process is root, each service runs in a mount namespace in which everything but its volumes and
tmpfs is read-only, without capabilities and without a way to gain any: `read_only`, `cap_drop`, `no-new-privileges`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from labelhouse.settings import PROJECT_DIR

#: `${NAME}`, `${NAME:-default}` or `${NAME:?sentence}`; the default may hold a pair of braces.
REFERENCE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?:(?P<operator>:[-?])(?P<rest>(?:\{\}|[^}])*))?\}")
#: Where Debian keeps the server's programs.
POSTGRES_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: float(each.parent.name))[-1:]
IS_ROOT = os.geteuid() == 0


def resolve(value: Any, environ: Mapping[str, str]) -> str:
    """A value of the file as Compose gives it to a container."""

    def replacement(found: re.Match[str]) -> str:
        given = environ.get(found["name"], "")
        if not given and found["operator"] == ":?":
            raise KeyError(f"{found['name']}: {found['rest']}")
        return given or (found["rest"] or "" if found["operator"] == ":-" else "")

    return REFERENCE.sub(replacement, str(value)).replace("$$", "$")


def image_environment() -> dict[str, str]:
    """ENV of the Dockerfile."""
    text = (PROJECT_DIR / "Dockerfile").read_text().replace("\\\n", " ")
    lines = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return dict(word.split("=", 1) for line in lines for word in shlex.split(line))


@dataclass
class Service:
    """One service while it runs, and the most memory that it and its children took (bytes, proportional set size)."""

    name: str
    process: subprocess.Popen[bytes] | None = None
    peak_bytes: int = 0
    restart_count: int = 0

    def look_at_memory(self) -> None:
        if self.process is not None:
            self.peak_bytes = max(self.peak_bytes, sum(map(_proportional_bytes, _session(self.process.pid))))


@dataclass
class NativeCompose:
    """The compose file as processes.

    Args:
        folder: below which everything lies that a service writes.
        environ: what `.env` holds.
        more: service → further variables of its processes, for tests.
        writable: a folder that every service may write besides its own, for tests.
    """

    folder: Path
    environ: Mapping[str, str]
    more: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    writable: tuple[Path, ...] = ()
    services: dict[str, Any] = field(init=False)
    running: dict[str, Service] = field(default_factory=dict)
    ports: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.services = yaml.safe_load((PROJECT_DIR / "docker-compose.yaml").read_text())["services"]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        for path in (self.folder, *self.folder.parents):  # PostgreSQL's own user has to get here
            if IS_ROOT and path.is_relative_to("/tmp") and path != Path("/tmp"):
                path.chmod(path.stat().st_mode | 0o011)

    # -- what a container has of its own -----------------------------------------------------------

    def port(self, service: str, container_port: int) -> int:
        """The port of this machine that stands for a port of a service."""
        if (service, container_port) not in self.ports:
            self.ports[service, container_port] = _free_port()
        return self.ports[service, container_port]

    def folders(self, name: str) -> dict[str, Path]:
        """Path in the container → folder of this machine, of everything that the service may write."""
        found: dict[str, Path] = {}
        for each in self.services[name].get("tmpfs", []):
            path = each.split(":")[0]
            found[path] = self.folder / "tmpfs" / name / path.strip("/").replace("/", "_")
        for each in self.services[name].get("volumes", []):
            source, target = each.split(":")[:2]
            if not source.startswith("."):
                found[target] = self.folder / "volumes" / source
        for path in found.values():
            path.mkdir(parents=True, exist_ok=True)
        return found

    def mapped(self, name: str, text: str) -> str:
        """`text` with the names, ports and paths of this machine."""
        others = "|".join(map(re.escape, self.services))
        text = re.sub(
            rf"(?<=[/@])({others}):(\d+)\b", lambda each: f"127.0.0.1:{self.port(each[1], int(each[2]))}", text
        )
        text = re.sub(r"(?<=127\.0\.0\.1:)(\d{4})\b", lambda each: str(self._own_port(name, int(each[1]))), text)
        places = self.folders(name) | {"/opt/labelhouse": PROJECT_DIR}
        paths = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
        return re.sub(rf"(?<![\w/.-])({paths})(?![\w-])", lambda each: str(places[each[1]]), text)

    def _own_port(self, name: str, number: int) -> int:
        return number if number in self.ports.values() else self.port(name, number)

    def environment(self, name: str) -> dict[str, str]:
        """The environment of the service's processes, and nothing of this one's but where programs are."""
        declared = self.services[name].get("environment", {})
        given = {key: self.environ.get(key) if value is None else value for key, value in declared.items()}
        values = {key: resolve(value, self.environ) for key, value in given.items() if value is not None}
        inside = (image_environment() if "build" in self.services[name] else {}) | values
        mapped = {key: self.mapped(name, value) for key, value in inside.items()}
        for key in ("PGPORT", "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT"):
            if key in mapped:
                mapped[key] = str(self.port(name, int(mapped[key])))
        programs = [str(Path(sys.executable).parent), *map(str, POSTGRES_PROGRAMS), "/usr/local/bin:/usr/bin:/bin"]
        temporary = str(self.folders(name)["/tmp"])
        mapped = {"TMPDIR": temporary, "HOME": temporary} | mapped
        mapped |= {"PATH": ":".join(programs), "LANG": "C.UTF-8"}
        return mapped | self.more.get(name, {})

    def words(self, name: str, command: list[str]) -> list[str]:
        """A command of the file as one of this machine."""
        words = [self.mapped(name, resolve(word, self.environ)) for word in command]
        for number, word in enumerate(words):
            if number and words[number - 1] == "--port":
                words[number] = str(self.port(name, int(word)))
            else:
                words[number] = re.sub(r"(--port |-p )(\d{4})\b", lambda e: f"{e[1]}{self.port(name, int(e[2]))}", word)
        return words

    # -- their life --------------------------------------------------------------------------------

    def start_all(self, names: Collection[str]) -> None:
        """Starts services in the order of their `depends_on`: what one needs is healthy, or has succeeded, before."""
        needs = {name: set(self.services[name].get("depends_on", {})) for name in names}
        healthy: set[str] = set()
        while left := [name for name in names if name not in healthy]:
            for name in left:
                if name not in self.running and needs[name] <= healthy:
                    self._start_or_run(name)
            first = max(left, key=lambda each: (each in self.running, sum(each in need for need in needs.values())))
            if first in self.running:
                self.wait_until_healthy(first)
            healthy.add(first)

    def _start_or_run(self, name: str) -> None:
        if self.services[name]["restart"] != "no":
            self.start(name)
            return
        done = self.run(name)
        assert done.returncode == 0, done.stdout + done.stderr
        self.running[name] = Service(name)

    def start(self, name: str) -> None:
        """Starts a service with its own command, in a folder that is empty at first."""
        working = self.folder / "working" / name
        working.mkdir(parents=True, exist_ok=True)
        log = self.log(name).open("ab")
        command = self.words(name, self.services[name]["command"])
        if name == "postgres":
            command = [*command, "-D", str(self._database_folder()), "-k", str(self.folders(name)["/tmp"])]
        service = self.running.setdefault(name, Service(name))
        service.process = subprocess.Popen(
            self._confined(name, command),
            env=self.environment(name),
            cwd=working,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()

    def run(self, name: str, command: list[str] | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs a command (by default the service's own) to its end, as a one-shot service would."""
        working = self.folder / "working" / name
        working.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            self._confined(name, self.words(name, command or self.services[name]["command"])),
            env=self.environment(name) | more,
            cwd=working,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def is_healthy(self, name: str) -> bool:
        """Whether the service's own health check passes; one that has none has run to its end."""
        if "healthcheck" not in self.services[name]:
            return True
        kind, *words = self.services[name]["healthcheck"]["test"]
        return self.run(name, ["sh", "-c", *words] if kind == "CMD-SHELL" else words).returncode == 0

    def wait_until_healthy(self, name: str, timeout_seconds: float = 600) -> None:
        """Returns as soon as the health check passes."""
        deadline = time.monotonic() + timeout_seconds
        while not self.is_healthy(name):
            process = self.running[name].process
            assert process is None or process.poll() is None, f"{name} ended: {self.tail(name)}"
            assert time.monotonic() < deadline, f"{name} is not healthy: {self.tail(name)}"
            time.sleep(1)

    def look_after(self) -> None:
        """What Docker does all the time: restarts what ended by itself; besides, it looks at the memory."""
        for name, service in self.running.items():
            if service.process is not None and service.process.poll() is not None:
                service.restart_count += 1
                self.start(name)
            service.look_at_memory()

    def service_of(self, pid: int) -> str:
        """The service that a process belongs to."""
        running = [service for service in self.running.values() if service.process is not None]
        return next(each.name for each in running if each.process and pid in _session(each.process.pid))

    def kill(self, name: str) -> None:
        """SIGKILL to every process of a service at once, as when its container is killed."""
        self._end(name, signal.SIGKILL)

    def stop(self, name: str, grace_seconds: float = 20) -> None:
        """What `docker compose stop` does: the image's signal to stop, and SIGKILL to what is left."""
        process = self.running[name].process
        if process is not None:
            process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(grace_seconds)
            self._end(name, signal.SIGKILL)

    def _end(self, name: str, number: int) -> None:
        process = self.running[name].process
        if process is None:
            return
        for pid in _session(process.pid):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        process.wait()
        self.running[name].process = None

    def stop_all(self) -> None:
        """Ends everything that was started, databases last."""
        for name in sorted(self.running, key=lambda each: each in ("postgres", "redis")):
            self.stop(name, grace_seconds=5)

    def log(self, name: str) -> Path:
        """What the service printed."""
        (self.folder / "printed").mkdir(exist_ok=True)
        return self.folder / "printed" / f"{name}.log"

    def tail(self, name: str) -> str:
        """The end of it."""
        return self.log(name).read_text(errors="replace")[-3000:]

    # -- how they are confined ---------------------------------------------------------------------

    def _confined(self, name: str, command: list[str]) -> list[str]:
        if not IS_ROOT:
            return command
        user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if name == "postgres" else []
        without = ["setpriv", *user, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", *command]
        if not self.services[name].get("read_only"):
            return without
        writable = [*self.folders(name).values(), self.folder / "working" / name, *self.writable]
        script = "".join(f"mount --bind {shlex.quote(str(each))} {shlex.quote(str(each))}; " for each in writable)
        script += "mount -o remount,bind,ro /; exec " + shlex.join(without)
        return ["unshare", "--mount", "sh", "-euc", script]

    # -- what the images of PostgreSQL do before their command -------------------------------------

    def _database_folder(self) -> Path:
        folder = self.folders("postgres")["/var/lib/postgresql/data"]
        if not (folder / "PG_VERSION").exists():
            self._make_database(folder)
        return folder

    def _make_database(self, folder: Path) -> None:
        """As the image's entry point does: a cluster, then every script of `/docker-entrypoint-initdb.d`."""
        environ, sockets = self.environment("postgres"), self.folders("postgres")["/tmp"]
        if IS_ROOT:
            for path in (folder, sockets, self.folder / "working" / "postgres"):
                shutil.chown(path, "postgres", "postgres")
        password = sockets / "password"
        password.write_text(environ["POSTGRES_PASSWORD"])
        scripts = [
            str(PROJECT_DIR / each.split(":")[0])
            for each in self.services["postgres"]["volumes"]
            if "/docker-entrypoint-initdb.d/" in each
        ]
        data = shlex.quote(str(folder))
        steps = [
            f"initdb --username=postgres --pwfile={shlex.quote(str(password))} --auth-host=scram-sha-256 "
            f"--auth-local=trust --encoding=UTF8 --no-sync -D {data}",
            f"pg_ctl -D {data} -w -o \"-c listen_addresses='' -k {sockets}\" start",
            *(f"psql --host={sockets} --username=postgres --no-psqlrc < {shlex.quote(each)}" for each in scripts),
            f"pg_ctl -D {data} -w -m fast stop",
        ]
        if IS_ROOT:
            password.chmod(0o644)
        done = subprocess.run(
            self._confined("postgres", ["sh", "-euc", "\n".join(steps)]),
            env=environ,
            cwd=self.folder / "working" / "postgres",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _session(leader: int) -> list[int]:
    """Every process of the session that `leader` leads, and their descendants that opened another one."""
    parents: dict[int, int] = {}
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry.name)] = int(fields[1])
            if int(fields[3]) == leader:
                found.add(int(entry.name))
    while grown := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= grown
    return sorted(found)


def _proportional_bytes(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ProcessLookupError):
        pass
    return 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
