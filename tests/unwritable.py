"""Lakes that cannot be written: a disk that is full, a folder that lost its rights; refused by the kernel itself.

Used as `COMMAND python -m unwritable FUNCTION FOLDER`, in a process of its own: COMMAND gives it a small disk, or takes
from root what lets it write everywhere.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labelhouse.errors import LakeUnavailableError
from labelhouse.lake.catalog import Lake
from labelhouse.settings import load_settings
from lake_units import Sample, expected, stored, visible, write

PROJECT = Path(__file__).resolve().parents[1]
OLD = Sample("s3://a/1", "v1", 20, bad=1)
NEW = Sample("s3://a/1", "v2", 25, bad=1)
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def run_apart(work: str, folder: Path, command: list[str]) -> str:
    """Does one of the functions below in a process that `command` starts; what it printed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(PROJECT / name) for name in ("plugins", "tests"))}
    done = subprocess.run(
        [*command, sys.executable, "-m", "unwritable", work, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def with_small_disk(folder: Path) -> list[str]:
    """A command that mounts a disk of 8 MB at `folder`, for its own process alone; none where nobody may mount."""
    mount = 'mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@"'
    for apart in (["--mount"], ["--user", "--map-root-user", "--mount"]) if shutil.which("unshare") else ():
        command = ["unshare", *apart, "sh", "-c", mount, str(folder)]
        if not subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
            return command
    return []


def without_privileges() -> list[str]:
    """A command that takes from root, if that is who we are, what lets it write where nobody may."""
    return ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []


def fill_the_disk(folder: Path) -> None:
    """Loads with less and less missing: every file that a load writes is once the one that does not fit."""
    write(_lake(folder), OLD)
    assert visible(_lake(folder)) == expected(OLD)
    reasons = []
    for pages in range(0, 44, 4):
        with _space_left(folder, pages):
            try:
                write(_lake(folder), NEW)
            except LakeUnavailableError as error:
                reasons.append(str(error))
            if os.path.ismount(folder):
                rows = visible(_lake(folder))  # a full disk can be read
        if not os.path.ismount(folder):
            rows = visible(_lake(folder))
        assert rows in (expected(OLD), expected(NEW)), "one version whole, or the other"
    write(_lake(folder), NEW)
    assert visible(_lake(folder)) == expected(NEW)
    assert stored(_lake(folder)) == NEW.answers, "nothing is left of the attempts"
    assert stored(_lake(folder), "quarantine") == NEW.bad
    print("\n".join(reasons))


@contextmanager
def _space_left(folder: Path, pages: int) -> Iterator[None]:
    """So much space, and no more, for all files together; without a disk of one's own for each of them."""
    if not os.path.ismount(folder):
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (pages * PAGE_BYTES // 4, most))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        return
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        while os.statvfs(folder).f_bavail > pages:
            file.write(b"x" * PAGE_BYTES)
    try:
        yield
    finally:
        filler.unlink()


def take_rights_away(folder: Path) -> None:
    """A folder of the lake after the other becomes one that may only be read, in the midst of its use."""
    write(_lake(folder), OLD)
    assert visible(_lake(folder)) == expected(OLD)
    lake = _lake(folder)
    raw = lake.dir / "warehouse" / "raw"
    for place in (raw / "worker_responses" / "data", raw / "worker_responses" / "metadata", raw / "ingest_ledger"):
        with _read_only(place):
            _refused(lake, f"{place}/")
    with _read_only(lake.dir, deep=False):  # where SQLite keeps its journal
        _refused(lake, "readonly", "unable to open")
    write(lake, NEW)
    assert visible(lake) == expected(NEW)
    assert stored(lake) == NEW.answers


def _refused(lake: Lake, *places: str) -> None:
    with pytest.raises(LakeUnavailableError) as caught:
        write(lake, NEW)
    print(caught.value)
    assert any(place in str(caught.value) for place in places), (str(caught.value), places)
    assert "\n" not in str(caught.value)
    assert visible(lake) == expected(OLD)


@contextmanager
def _read_only(folder: Path, deep: bool = True) -> Iterator[None]:
    folders = [folder, *(path for path in folder.rglob("*") if deep and path.is_dir())]
    for each in folders:
        each.chmod(0o555)
    try:
        yield
    finally:
        for each in folders:
            each.chmod(0o755)


def _lake(folder: Path) -> Lake:
    return Lake(load_settings({}, lake=folder / "lake"))


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]))
