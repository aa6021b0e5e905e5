"""One build: what it starts from, its private DuckDB file, and dbt run on it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb

from labelhouse.errors import LakeError, LakeUnavailableError
from labelhouse.folders import Folder, remove_tree, replaced, working_folder
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger, changed_days
from labelhouse.lake.regression import refuse_older_catalog
from labelhouse.lake.snapshots import Snapshots, pin
from labelhouse.marts.invoke import invoke_dbt
from labelhouse.marts.raw_views import create_views
from labelhouse.marts.reach_files import reach_files
from labelhouse.marts.releases import Release, current_release, replace_file
from labelhouse.schema.tables import INGEST_LEDGER, TABLES
from labelhouse.settings import PROJECT_DIR, Settings

Step = Literal["prepared", "inputs_passed", "built", "marts_passed", "published"]
State = Step | Literal["held", "unchanged"]
#: The states of a build that nothing holds, in order.
STATES: tuple[State, ...] = get_args(Step)
#: What a build reads: all raw tables but the house's own history.
INPUT_TABLES = [name for name, table in TABLES.items() if not table.is_history]
_BUILD_ID = "%Y%m%dT%H%M%S.%fZ"
#: What dbt made of the project, kept for the next build: as long as models, variables and profile stay the same, it
#: need not parse them again.
_PARSED = "partial_parse.msgpack"
DATABASE = "build.duckdb"
#: What DuckDB and dbt say of a full disk, which is no fault of the models.
_FULL = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)))
#: What later steps need of dbt's work.
_KEPT_OF_DBT = (DATABASE, "target/manifest.json", "target/run_results.json", "target/static_index.html")


@dataclass(frozen=True, slots=True)
class Build:
    """One build and how far it got; kept as `builds/<build_id>/build.json`.

    Args:
        build_id: its UTC start, so that ids sort by time.
        state: the last step that it passed.
        snapshots: raw table → snapshot it reads.
        days: UTC days that changed since the release it starts from; None for all.
        fingerprint: of models and settings.
        base_release_id: the release it starts from; only on top of that one may it be published.
        held: why it may not be published, or None: `sentence`, `step`, `since`, the `state` before that step, the
            failing `checks`, and whether an operator may let them pass (`is_releasable`).
    """

    build_id: str
    state: State
    snapshots: Snapshots
    days: list[date] | None
    fingerprint: str
    base_release_id: str | None
    held: dict[str, Any] | None = field(default=None)

    @property
    def started_at(self) -> datetime:
        """When it was opened, which is its id."""
        return datetime.strptime(self.build_id, _BUILD_ID).replace(tzinfo=UTC)

    def folder(self, lake: Folder) -> Folder:
        """Where the build keeps its files."""
        return lake / "builds" / self.build_id

    def database(self, lake: Folder) -> Folder:
        """Its private DuckDB file; in S3 it is worked on in copies."""
        return self.folder(lake) / DATABASE

    @contextmanager
    def opened(self, lake: Folder) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that reads its file."""
        with (
            working_folder(self.folder(lake), brought=[DATABASE]) as folder,
            connect(folder / DATABASE, read_only=True) as connection,
        ):
            reach_files(connection, lake)
            yield connection

    def save(self, lake: Folder, **changes: Any) -> Build:
        """The build with `changes`, written."""
        changed = replace(self, **changes)
        replace_file(self.folder(lake) / "build.json", json.dumps(asdict(changed), default=str, indent=1))
        return changed


def read_build(lake: Folder, build_id: str) -> Build:
    """The build of that id.

    Raises:
        LakeError: there is none.
    """
    path = lake / "builds" / build_id / "build.json"
    if not path.exists():
        raise LakeError("no such build", where=str(path.parent), value=build_id)
    facts = json.loads(path.read_text())
    if facts["days"] is not None:
        facts["days"] = [date.fromisoformat(day) for day in facts["days"]]
    return Build(**facts)


def newest_build(lake: Folder) -> Build | None:
    """The build that was started last, if any."""
    builds = kept_builds(lake)
    return read_build(lake, builds[-1]) if builds else None


def kept_builds(lake: Folder) -> list[str]:
    """The ids of all builds that are kept, oldest first."""
    return sorted(path.parent.name for path in (lake / "builds").glob("*/build.json"))


def prepare(settings: Settings) -> Build:
    """Pins the lake and opens a new build on it; its state is `unchanged` when there is nothing to build."""
    lake = Lake(settings)
    release = current_release(lake.dir)
    refuse_older_catalog(lake, release.snapshots[INGEST_LEDGER.name] if release else None)
    snapshots, fingerprint = pin(lake, INPUT_TABLES), fingerprint_of(settings)
    days = _days_to_build(lake, release, snapshots[INGEST_LEDGER.name], fingerprint)
    build = Build(
        build_id=datetime.now(UTC).strftime(_BUILD_ID),
        state="unchanged" if days == [] else "prepared",
        snapshots=snapshots,
        days=days,
        fingerprint=fingerprint,
        base_release_id=release.release_id if release else None,
    )
    build = build.save(lake.dir)
    _forget_old(lake.dir, settings.retained_validations)
    if build.state == "prepared":
        with (
            working_folder(build.folder(lake.dir), kept=[DATABASE]) as folder,
            connect(folder / DATABASE) as connection,
        ):
            reach_files(connection, lake.dir)
            create_views(connection, lake, snapshots, days)
    return build


def is_up_to_date(settings: Settings) -> bool:
    """Whether the current release holds everything that the lake holds."""
    lake = Lake(settings)
    return _days_to_build(lake, current_release(lake.dir), Ledger(lake).snapshot_id, fingerprint_of(settings)) == []


def _days_to_build(lake: Lake, release: Release | None, ledger: int | None, fingerprint: str) -> list[date] | None:
    """UTC days that differ from what `release` was built from; None for all of them."""
    if release is None or release.fingerprint != fingerprint:
        return None
    before = release.snapshots[INGEST_LEDGER.name]
    if before == ledger:
        return []
    return changed_days(lake, before, ledger) if before and ledger else None


def connect(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection to a build file, in UTC, that never fetches an extension."""
    connection = duckdb.connect(
        str(path),
        read_only=read_only,
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False},
    )
    connection.execute("set TimeZone = 'UTC'")
    return connection


def fingerprint_of(settings: Settings) -> str:
    """SHA-256 over every file of the dbt project and the settings that decide the marts' and views' content."""
    decided = [dbt_variables(settings), settings.label_attributes]
    digest = hashlib.sha256(json.dumps(decided, sort_keys=True).encode())
    for path in _dbt_files():
        digest.update(path.relative_to(PROJECT_DIR).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def dbt_variables(settings: Settings) -> dict[str, str]:
    """The settings that models read; text all of it, which they take for data."""
    criteria = {name: each.model_dump(exclude_none=True) for name, each in settings.minimum_criteria.items()}
    return {
        "reporting_time_zone": settings.reporting_time_zone,
        "minimum_criteria": json.dumps(criteria, sort_keys=True),
        "job_name_rules": json.dumps([rule.model_dump() for rule in settings.job_name_rules]),
        "prices": json.dumps(settings.prices.lists(), sort_keys=True),
    }


def run_dbt(settings: Settings, build: Build) -> None:
    """Runs `dbt build` on the build's file, and makes the docs when the models changed.

    Raises:
        LakeError: a model or test failed; the sentence names the first and how many more.
        LakeUnavailableError: the disk is full.
    """
    commands = [["build", "--exclude-resource-type", "unit_test"]]  # unit tests prove the models, not the data
    if build.days is None:
        commands.append(["docs", "generate", "--static", "--no-compile"])
    _dbt(settings, build, commands)


def read_manifest(settings: Settings, build: Build) -> dict[str, Any]:
    """dbt's manifest of a build that ran."""
    target = build.folder(settings.lake.resolve()) / "target"
    manifest: dict[str, Any] = json.loads((target / "manifest.json").read_text())
    return manifest


def _dbt(settings: Settings, build: Build, commands: list[list[str]]) -> None:
    lake = settings.lake.resolve()
    with working_folder(build.folder(lake), brought=[DATABASE], kept=_KEPT_OF_DBT) as folder:
        _invoke(lake, folder, dbt_variables(settings), commands)


def _invoke(lake: Folder, folder: Path, variables: dict[str, str], commands: list[list[str]]) -> None:
    target, project = folder / "target", PROJECT_DIR / "dbt"
    parsed = _parsed_before(lake / _PARSED, folder)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LABELHOUSE_")},
        "LABELHOUSE_BUILD_DB": DATABASE,  # in its own folder: the same for every build
        "LABELHOUSE_BUILD_LAKE": str(lake),
        "DBT_PROFILES_DIR": str(project),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    if parsed:  # dbt refuses one that does not exist
        environment["DBT_PARTIAL_PARSE_FILE_PATH"] = str(parsed)
    arguments = [
        "--project-dir",
        str(project),
        "--vars",
        json.dumps(variables),
    ]
    done = invoke_dbt([command + arguments for command in commands], environment, folder)
    if done.returncode:
        why = _why_dbt_failed(target, done.stdout + done.stderr)
        raise LakeUnavailableError(why) if any(words in why for words in _FULL) else LakeError(why)
    made = target / _PARSED
    if made.exists():  # it had to parse
        with replaced(lake / _PARSED) as draft:
            shutil.copyfile(made, draft)
    docs = target / "static_index.html"
    if docs.exists():
        docs.write_text(docs.read_text().replace(str(folder), "lake"))  # no paths of this machine


def _parsed_before(kept: Folder, folder: Path) -> Path | None:
    """What dbt parsed for an earlier build, if any, as a file of this machine."""
    if isinstance(kept, Path):
        return kept if kept.exists() else None
    with suppress(FileNotFoundError):
        kept.download(folder / "parsed" / _PARSED)
        return folder / "parsed" / _PARSED
    return None


def _why_dbt_failed(target: Path, output: str) -> str:
    results = target / "run_results.json"
    if results.exists():
        failed = [each for each in json.loads(results.read_text())["results"] if each["status"] in ("error", "fail")]
        if failed:
            name = failed[0]["unique_id"].split(".")[2]
            message = str(failed[0]["message"]).strip().splitlines()
            more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
            return f"dbt: {name} did not pass ({' '.join(message[:2])}){more}"
    lines = [line for line in output.strip().splitlines() if line.strip()]
    return f"dbt could not run ({lines[-1] if lines else 'no output'})"


def _dbt_files() -> Iterator[Path]:
    folders = ("models", "macros", "seeds", "tests")
    yield PROJECT_DIR / "dbt" / "dbt_project.yml"
    for folder in folders:
        yield from sorted(path for path in (PROJECT_DIR / "dbt" / folder).rglob("*") if path.is_file())


def _forget_old(lake: Folder, keep: int) -> None:
    for build_id in kept_builds(lake)[:-keep]:
        remove_tree(lake / "builds" / build_id)
