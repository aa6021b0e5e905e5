"""A PostgreSQL of the tests' own: Debian's programs, a cluster in a temporary folder, never run as root."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

USER = "labelhouse"
#: Tests lose nothing in a power cut.
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "100"}


@dataclass(frozen=True, slots=True)
class Postgres:
    """One cluster; stopped and started again, it keeps its port and what it holds.

    Args:
        folder: which holds it.
        port: of 127.0.0.1.
        password: of `labelhouse`, who may do everything.
        runs_as: the user of its processes; None for the one of the tests.
    """

    folder: Path
    port: int
    password: str
    runs_as: str | None

    def uri(self, database: str, driver: str = "psycopg2") -> str:
        """SQLAlchemy's URI of one of its databases."""
        return f"postgresql+{driver}://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Makes an empty database; its URI."""
        self.execute(f'create database "{name}"')
        return self.uri(name)

    def execute(self, statement: str, database: str = "postgres") -> list[str]:
        """The lines that a statement answers."""
        command = [self.program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement]
        connection = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": USER, "PGPASSWORD": self.password}
        done = subprocess.run(command, env=os.environ | connection, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", "-t", "60", "start")

    def stop(self, mode: str = "fast") -> None:
        """Ends it: `fast` refuses what is under way, `immediate` is a crash."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "-t", "60", "stop")

    def restart(self, mode: str = "fast") -> None:
        """As a machine does that goes down and comes back."""
        self.stop(mode)
        self.start()

    def run(self, program: str, *arguments: str) -> None:
        """Runs one of PostgreSQL's programs as its user."""
        _run([self.program(program), *arguments], self.runs_as)

    @staticmethod
    def program(name: str) -> str:
        """Path of one of PostgreSQL's programs; Debian keeps them off the search path, a folder for each version."""
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
        path = str(found[-1]) if found else shutil.which(name)
        assert path, "the tests need Debian's package postgresql: make postgresql installs it"
        return path


@contextmanager
def running_postgres(databases: Sequence[str] = (), port: int | None = None) -> Iterator[Postgres]:
    """A new cluster with these databases; ended and deleted afterwards."""
    runs_as = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="labelhouse-postgres-", dir="/tmp"))
    postgres = Postgres(folder, port or _free_port(), secrets.token_hex(12), runs_as)
    try:
        _make(postgres)
        postgres.start()
        try:
            for name in databases:
                postgres.create_database(name)
            yield postgres
        finally:
            postgres.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make(postgres: Postgres) -> None:
    if postgres.runs_as:
        account = pwd.getpwnam(postgres.runs_as)
        os.chown(postgres.folder, account.pw_uid, account.pw_gid)
    password = postgres.folder / "password"
    password.write_text(postgres.password)
    password.chmod(0o644)  # in a folder of its user alone
    data = postgres.folder / "data"
    options = ["--username", USER, "--pwfile", str(password), "--auth", "scram-sha-256", "--encoding", "UTF8"]
    postgres.run("initdb", "--pgdata", str(data), "--no-sync", "--no-instructions", *options)
    lines = {"port": str(postgres.port), "listen_addresses": "'127.0.0.1'", "unix_socket_directories": "''"} | QUICK
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in lines.items())


def _run(command: list[str], user: str | None) -> None:
    with tempfile.TemporaryFile("w+") as output:  # a pipe would stay open as long as the server
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            user=user,
            group=user,
            extra_groups=[] if user else None,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            check=False,
        )
        output.seek(0)
        assert done.returncode == 0, f"{' '.join(command[:1])}: {output.read()}"


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
