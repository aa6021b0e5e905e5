"""Validating a day of a million rows, and what a year of earlier validations adds to that."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks.results import circumstances, goal, is_kept, show, spread, steadiness, table
from checked_build import MARTS, fill, open_build
from labelhouse.checks import run_suite
from labelhouse.checks.gate import validate_build
from labelhouse.lake.catalog import Lake
from labelhouse.marts.build import INPUT_TABLES, connect, prepare
from labelhouse.marts.status import write_status
from labelhouse.schema.arrow import arrow_schema
from labelhouse.schema.quality import CHECK_RESULTS, CHECK_RUNS
from labelhouse.schema.tables import TABLES
from labelhouse.settings import Settings, load_settings

pytestmark = pytest.mark.timeout(0)

DAY_OBJECTS, FEWER_OBJECTS = 125_000, 12_500
MOST_SECONDS = 3.0
#: The lake that is looked at with and without a year of validations: small, so that the year weighs.
OBJECTS = 500
BUILDS_PER_DAY, DAYS, DAYS_PER_COMMIT = 24, 365, 30
MOST_RATIO = 1.1

#: Seconds by the clock, and of the processor.
Taken = tuple[float, float]


def test_a_day_of_a_million_rows(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    settings = load_settings({}, lake=tmp_path / "lake", own_pseudonym_key=True)
    with _world(DAY_OBJECTS if is_kept(pytestconfig) else FEWER_OBJECTS) as world:
        row_count = _load(Lake(settings), world)
    build = prepare(settings)
    taken: list[Taken] = []
    with connect(build.database(settings.lake), read_only=True) as connection:
        for _ in range(pytestconfig.getoption("--rounds") + 1):
            began = _clocks()
            results = run_suite(connection, "inputs", settings)
            ended = _clocks()
            taken.append((ended[0] - began[0], ended[1] - began[1]))
            assert [result.error for result in results if result.error] == []
    (with_import, _), *rounds = taken
    walls, cpus = [wall for wall, _ in rounds], [cpu for _, cpu in rounds]
    rows = [
        goal("validate, s", f"≤ {MOST_SECONDS:g}", spread(walls), max(walls) <= MOST_SECONDS),
        ["validate, CPU s", "", spread(cpus), ""],
        ["the first time in a process, s", "", f"{with_import:.2f}", ""],
        ["import of Great Expectations alone, s", "", f"{_import_seconds():.2f}", ""],
    ]
    lines = [
        circumstances(),
        "",
        f"{row_count:,} rows of one day in {len(INPUT_TABLES)} tables, all of them changed; {len(results)} results.",
        "",
        *table(["figure", "goal", "measured", "reached"], rows),
    ]
    show("Checks: a day's increment", lines, keep=is_kept(pytestconfig))


def test_a_year_of_validations(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    names = ("without a history", "with a year")
    with _world(OBJECTS) as world:
        without, with_year = (_deployment(tmp_path / name, world) for name in names)
        for settings in (without, with_year):
            _build(settings, world)
        row_count = _fill_year(with_year, DAYS if is_kept(pytestconfig) else 20)
        taken: dict[str, list[Taken]] = {name: [] for name in names}
        for _ in range(2 * pytestconfig.getoption("--rounds")):
            for name, settings in zip(names, (without, with_year), strict=True):
                taken[name].append(_build(settings, world))
    pairs = list(zip(*taken.values(), strict=True))
    walls, cpus = ([later[clock] / first[clock] for first, later in pairs] for clock in (0, 1))
    rows = [
        goal("a year / none, CPU, median", f"≤ {MOST_RATIO:g}", spread(cpus), median(cpus) <= MOST_RATIO),
        goal("a year / none, wall, median", f"≤ {MOST_RATIO:g}", spread(walls), median(walls) <= MOST_RATIO),
        *([f"{name}, CPU s", "", spread([cpu for _, cpu in each]), ""] for name, each in taken.items()),
        *([f"{name}, wall s", "", spread([wall for wall, _ in each]), ""] for name, each in taken.items()),
    ]
    lines = [
        circumstances(),
        "",
        f"{row_count:,} results of earlier validations, {BUILDS_PER_DAY} builds a day; prepare, validate three suites, "
        f"store, status; {len(pairs)} rounds in one process, with and without in turn.",
        "",
        *table(["figure", "goal", "measured", "reached"], rows),
        "",
        steadiness("Without a history (CPU)", [cpu for _, cpu in taken[names[0]]]),
    ]
    show("Checks: a year of validations", lines, keep=is_kept(pytestconfig))


def _world(objects: int) -> duckdb.DuckDBPyConnection:
    """A day of one job of so many objects, each with three answers, and of the workers' log."""
    world = open_build()
    fill(world, objects=objects, workers=50)
    return world


def _load(lake: Lake, world: duckdb.DuckDBPyConnection) -> int:
    """Puts the raw tables of a world into the lake; returns how many rows these are."""
    count = 0
    for name in INPUT_TABLES:
        schema = arrow_schema(TABLES[name])
        rows = world.table(f"raw.{name}").to_arrow_table().select(schema.names).cast(schema)
        if rows.num_rows:
            lake.raw(name).append(rows)
            count += rows.num_rows
    return count


def _deployment(folder: Path, world: duckdb.DuckDBPyConnection) -> Settings:
    settings = load_settings({}, lake=folder / "lake", own_pseudonym_key=True)
    _load(Lake(settings), world)
    return settings


def _build(settings: Settings, world: duckdb.DuckDBPyConnection) -> Taken:
    """What a build without dbt takes: its marts are those of the world, and copying them does not count."""
    began = _clocks()
    build = prepare(settings)
    validate_build(settings, build, ["inputs"])
    paused = _clocks()
    with connect(build.database(settings.lake)) as connection:
        for name in MARTS:
            connection.register("rows", world.table(f"main.{name}").to_arrow_table())
            connection.execute(f"create table main.{name} as from rows")
            connection.unregister("rows")
    resumed = _clocks()
    validate_build(settings, build, ["marts", "drift"])
    write_status(settings)
    ended = _clocks()
    return ended[0] - resumed[0] + paused[0] - began[0], ended[1] - resumed[1] + paused[1] - began[1]


def _clocks() -> Taken:
    return time.perf_counter(), time.process_time()


def _fill_year(settings: Settings, days: int) -> int:
    """Earlier validations like the first one: finished days in a file each, those of today in a commit each."""
    lake = Lake(settings)
    kept = (CHECK_RESULTS, CHECK_RUNS)
    tables = {each.name: lake.raw(each.name).scan().to_arrow().cast(arrow_schema(each)) for each in kept}
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    finished = [today - timedelta(hours=hour) for hour in range(24 * days, 0, -24 // BUILDS_PER_DAY)]
    size = DAYS_PER_COMMIT * BUILDS_PER_DAY
    for start in range(0, len(finished), size):
        for name, rows in tables.items():
            part = [_at(rows, moment) for moment in finished[start : start + size]]
            lake.raw(name).append(pa.concat_tables(part))
    for hour in range(datetime.now(UTC).hour):
        for name, rows in tables.items():
            for is_input in (True, False):
                part = rows.filter(pc.equal(pc.equal(rows["suite"], "inputs"), is_input))
                lake.raw(name).append(_at(part, today + timedelta(hours=hour)))
    return int(lake.raw(CHECK_RESULTS.name).scan().count())


def _at(rows: pa.Table, moment: datetime) -> pa.Table:
    """The rows of one validation as those of another moment."""
    build_id = pa.array([f"{moment:%Y%m%dT%H%M%S.%fZ}"] * rows.num_rows)
    checked_at = pa.array([moment] * rows.num_rows, pa.timestamp("us", "UTC"))
    for name, column in (("build_id", build_id), ("checked_at", checked_at)):
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(place), column)
    return rows


def _import_seconds() -> float:
    """What importing Great Expectations takes in a process of its own, as the checks do it."""
    program = (
        "import time; from labelhouse.checks.evaluate import Evaluator; began = time.perf_counter(); Evaluator(); "
        "print(time.perf_counter() - began)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(done.stdout)
