"""Runs of DAGs that failed, a small file each beside the builds: Airflow forgets them, and metrics count them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from labelhouse.folders import Folder
from labelhouse.marts.releases import replace_file

#: So many stay.
KEPT_RUNS = 500


@dataclass(frozen=True, slots=True)
class FailedRun:
    """One run that failed; `failed_at` as ISO 8601, UTC."""

    dag_id: str
    run_id: str
    failed_at: str


def note_failed_run(lake: Folder, dag_id: str, run_id: str) -> None:
    """Writes down that a run failed."""
    failed_at = datetime.now(UTC)
    run = FailedRun(dag_id, run_id, failed_at.isoformat())
    replace_file(_folder(lake) / f"{failed_at:%Y%m%dT%H%M%S.%fZ}.json", json.dumps(asdict(run)))
    for path in _files(lake)[:-KEPT_RUNS]:
        path.unlink(missing_ok=True)


def failed_runs(lake: Folder) -> list[FailedRun]:
    """Those that stay, oldest first; a run that failed again after it was cleared is there twice."""
    return [FailedRun(**json.loads(path.read_text())) for path in _files(lake)]


def _folder(lake: Folder) -> Folder:
    return lake / "failed_runs"


def _files(lake: Folder) -> list[Folder]:
    return sorted(_folder(lake).glob("*.json"), key=lambda path: path.name)
