"""One load of a trail into a fresh lake, in a process of its own, that says how long it took after its imports.

python load_trail.py LOGS LAKE PROCESSES
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from labelhouse.memory import leave, prepare_memory

prepare_memory()  # before anything large is imported, as the command line does

from labelhouse.extraction import extract  # noqa: E402
from labelhouse.settings import load_settings  # noqa: E402
from labelhouse.sources import Window, source_named  # noqa: E402


def no_client(service: str) -> NoReturn:
    raise AssertionError(f"local files need no client of {service}")


def _cpu_seconds() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def main() -> None:
    logs, lake, processes = sys.argv[1:]
    source_named("cloudtrail")
    cpu, begin = _cpu_seconds(), time.perf_counter()
    settings = load_settings(lake=Path(lake), own_pseudonym_key=True)
    summary = extract(settings, "cloudtrail", Window(), no_client, uri=logs, processes=int(processes))
    spent = {"work_seconds": time.perf_counter() - begin, "work_cpu_seconds": _cpu_seconds() - cpu}
    print(json.dumps(spent | asdict(summary)))


if __name__ == "__main__":
    main()
    leave(0)  # as the command line does
