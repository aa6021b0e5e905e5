"""Speed and memory of the whole pipeline on the demo's two weeks, without Airflow. `make bench` prints them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from labelhouse.demo.account import Account, everything
from labelhouse.demo.places import sources
from labelhouse.demo.world import HISTORY
from labelhouse.settings import PREFIX

SEED, START = 7, datetime(2026, 3, 4, 9, tzinfo=UTC)


def test_two_weeks_through_the_whole_pipeline(tmp_path: Path) -> None:
    account = Account(everything(SEED, START), lambda: START + HISTORY)
    account.start()
    environ = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "AWS_"))} | {
        "AWS_ENDPOINT_URL": account.endpoint_url,
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_REGION": "us-east-1",
    }
    command = [
        *(str(Path(sys.executable).with_name("labelhouse")), "run", "--lake", str(tmp_path / "lake")),
        *(option for name, uri in sources(SEED).items() for option in ("--source", f"{name}={uri}")),
    ]
    try:
        for run in ("first", "again"):
            begin = datetime.now(UTC)
            done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
            seconds = (datetime.now(UTC) - begin).total_seconds()
            assert done.returncode == 0, done.stderr
            print(f"\n{run}: {account.object_count:,} objects in {seconds:.1f} s")
    finally:
        account.stop()
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MiB")
