"""The status: what was read, what is in quarantine, what the checks said, what is held. Published always."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from labelhouse.marts.releases import current_release, published, replace_file
from labelhouse.settings import Settings

STATUS = "status.json"

_LEDGER = """
    select
        source_name,
        count(*) as unit_count,
        sum(records_read)::bigint as records_read,
        sum(records_loaded)::bigint as records_loaded,
        sum(records_duplicate)::bigint as records_duplicate,
        sum(records_quarantined)::bigint as records_quarantined,
        sum(records_filtered)::bigint as records_filtered,
        max(unit_at) as last_unit_at,
        max(loaded_at) as last_loaded_at
    from raw.ingest_ledger
    semi join raw.newest_loads using (unit_uri, unit_version, loaded_at)
    group by all
    order by source_name
"""
_QUARANTINE = """
    select
        source_name,
        reason,
        count(*) as record_count,
        max(loaded_at) as last_loaded_at,
        list({'unit_uri': unit_uri, 'position': position} order by loaded_at desc, unit_uri, position)[:5] as examples
    from raw.quarantine
    group by all
    order by record_count desc, source_name, reason
    limit 100
"""
_CHECKS = """
    select * exclude (build_id)
    from raw.check_results
    where build_id = (select max(build_id) from raw.check_results)
    order by suite, table_name, check_number
"""


def read_status(lake: Path) -> dict[str, Any] | None:
    """The status as last published; None where nothing ever ran."""
    try:
        status: dict[str, Any] = json.loads((lake / STATUS).read_text())
    except FileNotFoundError:
        return None
    return status


def write_status(settings: Settings) -> None:
    """Publishes the status of the lake as it is now."""
    from labelhouse.lake.catalog import Lake  # the web server reads the status only: it never needs Iceberg
    from labelhouse.lake.snapshots import pin
    from labelhouse.marts.build import newest_build
    from labelhouse.marts.raw_views import create_views

    lake = Lake(settings)
    newest, release = newest_build(lake.dir), current_release(lake.dir)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_views(connection, lake, pin(lake), days=[])
        status = {
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "release": release
            and {
                "release_id": release.release_id,
                "published_at": release.published_at,
                "build_id": release.build_id,
            },
            "releases": [
                {"release_id": each.release_id, "published_at": each.published_at} for each in published(lake.dir)
            ],
            "held": newest.held if newest else None,
            "ledger": _rows(connection, _LEDGER),
            "quarantine": _rows(connection, _QUARANTINE),
            "checks": _rows(connection, _CHECKS),
        }
    replace_file(lake.dir / STATUS, json.dumps(status, default=_iso, indent=1))


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = connection.sql(query).to_arrow_table().to_pylist()
    return rows


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
