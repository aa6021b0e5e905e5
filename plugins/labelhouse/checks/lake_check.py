"""Checks alone: on the lake as it is and the marts that are published. Nothing is built, published or kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import duckdb

from labelhouse.checks.definitions import validate_definitions
from labelhouse.checks.gate import standing_waivers, with_waivers
from labelhouse.checks.results import CheckResult
from labelhouse.checks.run import run_suite
from labelhouse.checks.suites import SuiteName
from labelhouse.errors import LakeError, SettingError
from labelhouse.lake.catalog import Lake
from labelhouse.lake.snapshots import pin
from labelhouse.marts.build import INPUT_TABLES
from labelhouse.marts.raw_views import create_views
from labelhouse.marts.releases import Release, current_release
from labelhouse.settings import Settings

#: Every suite, in the order in which a build runs them.
ALL_SUITES: tuple[SuiteName, ...] = get_args(SuiteName)


@dataclass(frozen=True, slots=True)
class LakeCheck:
    """What the suites found, and the release whose marts they looked at; None before the first one."""

    suites: tuple[SuiteName, ...]
    results: list[CheckResult]
    release_id: str | None


def check_lake(settings: Settings, names: Sequence[str] = ()) -> LakeCheck:
    """Runs suites on all days of the lake; those on marts only where a release is published.

    Args:
        names: of suites; without any, all of them.

    Raises:
        SettingError: there is no such suite, or an expectations file is not understood.
        LakeError: there is no lake, or no release although only its marts were asked for.
    """
    if unknown := [name for name in names if name not in ALL_SUITES]:
        raise SettingError("unknown suite", where="suite", value=unknown[0], allowed=", ".join(ALL_SUITES))
    validate_definitions(settings)
    lake = Lake(settings)
    if not lake.exists:
        raise LakeError("there is no lake", value=str(lake.dir), allowed="a folder that `labelhouse run` filled")
    release = current_release(lake.dir)
    wanted = tuple(suite for suite in ALL_SUITES if not names or suite in names)
    suites = tuple(suite for suite in wanted if release or suite == "inputs")
    if not suites:
        raise LakeError("nothing is published yet, so there are no marts to check", where=str(lake.dir))
    waivers = standing_waivers(lake)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_views(connection, lake, pin(lake, INPUT_TABLES), days=None)
        if release:
            _show_marts(connection, release)
        found = [result for suite in suites for result in run_suite(connection, suite, settings)]
    return LakeCheck(suites, with_waivers(found, waivers), release.release_id if release else None)


def _show_marts(connection: duckdb.DuckDBPyConnection, release: Release) -> None:
    """The release's marts by bare name, where a build has them."""
    path = str(release.serving_path).replace("'", "''")
    connection.execute(f"attach '{path}' as release (read_only)")
    for name in release.marts:
        connection.execute(f'create view main."{name}" as from release.main."{name}"')
