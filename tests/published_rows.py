"""What a lake holds and has published, in a form that compares: rows sorted, without the times of loading."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from labelhouse.marts.read import opened_lake
from labelhouse.marts.releases import current_release
from labelhouse.schema.tables import TABLES
from labelhouse.settings import Settings

#: When a row was loaded and what follows from it, not what the row says.
OF_LOADING = ("loaded_at", "last_loaded_at", "newest_unit_at", "median_lateness_seconds", "p95_lateness_seconds")


def rows_of_everything(settings: Settings) -> dict[str, tuple[int, str]]:
    """Raw table or mart → how many rows it has, and the SHA-256 of them, sorted.

    The house's own history (builds, results of checks) is left out: it tells of the runs, not of the data.
    """
    release = current_release(settings.lake.resolve())
    assert release, "nothing is published"
    raw = [f"raw.{name}" for name, table in TABLES.items() if not table.is_history]
    with opened_lake(settings, [name for name, table in TABLES.items() if not table.is_history]) as connection:
        return {
            name: _digest(connection.sql(f"select * from {name}").to_arrow_table()) for name in [*raw, *release.marts]
        }


def _digest(table: Any) -> tuple[int, str]:
    kept = [name for name in table.column_names if name not in OF_LOADING]
    rows = sorted(json.dumps(row, default=str, sort_keys=True) for row in table.select(kept).to_pylist())
    return len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()
