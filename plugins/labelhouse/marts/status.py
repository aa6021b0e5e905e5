"""The status: what was read, what is in quarantine, what the checks said, what is held. Published always."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from labelhouse.folders import Folder
from labelhouse.marts.reach_files import reach_files
from labelhouse.marts.releases import current_release, published, read_file, replace_file
from labelhouse.schema.quality import CHECK_RESULTS, CHECK_RUNS, HOLD_RELEASES
from labelhouse.schema.tables import QUARANTINE
from labelhouse.settings import Settings

if TYPE_CHECKING:
    from labelhouse.lake.catalog import Lake

STATUS = "status.json"
QUALITY_HISTORY = "quality_history.json"
ALARMS = "alarms.json"
#: How far back the history of checks goes, and how many releases of holds the status shows.
SHOWN_BUILDS = 60
SHOWN_RELEASES = 20
#: Rows that a build has in `check_runs`.
SUITE_COUNT = 3

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
#: The newest builds, each with what became of its suites.
_BUILDS = """
    select
        build_id,
        max(checked_at) as checked_at,
        list(
            struct_pack(
                suite, verdict, check_count, met_count, warning_count, hold_count, not_enough_data_count,
                waived_count, duration_seconds := duration_seconds::double, checked_at, fingerprint
            ) order by checked_at, suite
        ) as validations
    from raw.check_runs
    group by build_id
    order by checked_at desc, build_id desc
    limit $count
"""
#: Of a lake from before checks had names and verdicts, results have what can be told.
_CHECKS = """
    select
        * exclude (build_id) replace (
            coalesce(
                verdict,
                case when error is not null then 'not_evaluated' when is_success then 'met' else 'not_met' end
            ) as verdict,
            if(isfinite(statistic_value), statistic_value, null) as statistic_value,
            if(isfinite(threshold_value), threshold_value, null) as threshold_value,
            if(isfinite(p_value), p_value, null) as p_value
        )
    from raw.check_results
    where build_id = coalesce($build_id, (select max(build_id) from raw.check_results))
    order by suite, table_name, check_number, subject
"""
_TRENDS = """
    select
        suite,
        table_name,
        check_name,
        subject,
        list(struct_pack(
            checked_at := strftime(checked_at, '%Y-%m-%dT%H:%M:%S+00:00'),
            verdict,
            value := case
                when statistic_value is not null then if(isfinite(statistic_value), statistic_value, null)
                when element_count > 0 then unexpected_count / element_count
            end
        ) order by checked_at, build_id)[-$count:] as points
    from raw.check_results
    where list_contains($build_ids, build_id) and check_name is not null
    group by suite, table_name, check_name, subject
    order by suite, table_name, check_name, subject
"""
_HOLD_RELEASES = """
    select build_id, released_at, released_by, reason, step, checks_json, until_at
    from raw.hold_releases
    order by released_at desc
    limit $count
"""


def read_status(lake: Folder) -> dict[str, Any] | None:
    """The status as last published; None where nothing ever ran."""
    return read_file(lake / STATUS)


def read_quality_history(lake: Folder) -> dict[str, Any] | None:
    """What became of the checks in the newest builds, as last published; None where nothing was ever checked."""
    return read_file(lake / QUALITY_HISTORY)


def read_alarms(lake: Folder) -> dict[str, Any] | None:
    """The alarms as last evaluated; None before that."""
    return read_file(lake / ALARMS)


def write_status(settings: Settings) -> None:
    """Publishes the status of the lake as it is now, and before it the history of its checks."""
    from labelhouse.lake.catalog import Lake  # the web server reads the status only: it never needs Iceberg
    from labelhouse.lake.snapshots import pin
    from labelhouse.marts.build import newest_build
    from labelhouse.marts.raw_views import create_views

    lake = Lake(settings)
    newest, release = newest_build(lake.dir), current_release(lake.dir)
    written_at = datetime.now(UTC).isoformat(timespec="seconds")
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        reach_files(connection, lake.dir)
        create_views(connection, lake, pin(lake, [QUARANTINE.name]), days=[])
        builds = _create_history_views(connection, lake)
        validated = builds[0] if builds else {"build_id": None, "validations": []}
        status = {
            "written_at": written_at,
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
            "build_id": validated["build_id"],
            "validations": validated["validations"],
            "checks": _rows(connection, _CHECKS, build_id=validated["build_id"]),
            "hold_releases": [_with_checks(row) for row in _rows(connection, _HOLD_RELEASES, count=SHOWN_RELEASES)],
        }
        trends = _rows(connection, _TRENDS, count=SHOWN_BUILDS, build_ids=[each["build_id"] for each in builds])
    history = {"written_at": written_at, "builds": [_verdicts(build) for build in builds]}
    history["trends"] = [trend | {"points": [list(point.values()) for point in trend["points"]]} for trend in trends]
    replace_file(lake.dir / QUALITY_HISTORY, _json(history))
    replace_file(lake.dir / STATUS, _json(status, indent=1))


def _create_history_views(connection: duckdb.DuckDBPyConnection, lake: Lake) -> list[dict[str, Any]]:
    """Views on as many days of the house's own history as the newest builds took; these builds, newest first."""
    from labelhouse.lake.history import day_of_newest
    from labelhouse.marts.raw_views import create_history_view

    first_day = day_of_newest(lake, CHECK_RUNS, SHOWN_BUILDS * SUITE_COUNT)
    create_history_view(connection, lake, CHECK_RUNS, first_day)
    builds = _rows(connection, _BUILDS, count=SHOWN_BUILDS)
    create_history_view(connection, lake, CHECK_RESULTS, first_day)
    create_history_view(connection, lake, HOLD_RELEASES)
    return builds


def _verdicts(build: dict[str, Any]) -> dict[str, Any]:
    hidden = ("suite", "checked_at", "fingerprint")
    verdicts = {
        run["suite"]: {name: value for name, value in run.items() if name not in hidden} for run in build["validations"]
    }
    return {"build_id": build["build_id"], "checked_at": build["checked_at"], "verdicts": verdicts}


def _with_checks(release: dict[str, Any]) -> dict[str, Any]:
    return release | {"checks": json.loads(release.pop("checks_json"))}


def _rows(connection: duckdb.DuckDBPyConnection, query: str, **parameters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = connection.sql(query, params=parameters).to_arrow_table().to_pylist()
    return rows


def _json(document: dict[str, Any], indent: int | None = None) -> str:
    return json.dumps(document, default=_iso, indent=indent, allow_nan=False)


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
