"""The whole job as plain functions: extract, check, build, check, publish. The DAGs and the CLI call these.

`plan` and `load_batch` fill the lake from one source; `prepare_build`, `check_inputs`, `build_marts`,
`check_marts` and `publish` take what is there to what people read. Steps hand on ids, never paths: every
file they share lies in the lake.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from itertools import count
from typing import Any, Self

from labelhouse.checks import CheckResult, SuiteName, holds, run_suite
from labelhouse.errors import HeldError, LabelhouseError, LakeError, SourceError, SourceUnavailableError
from labelhouse.identities import load_identities
from labelhouse.lake.catalog import Lake
from labelhouse.lake.history import keep_check_results
from labelhouse.lake.ledger import Ledger, LedgerRow, units_with_quarantine
from labelhouse.lake.write import BatchLoad, LoadedUnit
from labelhouse.marts.build import STATES, Build, State, connect, prepare, read_build, run_dbt
from labelhouse.marts.publish import clean_up, publish_build
from labelhouse.marts.releases import current_release, replace_file
from labelhouse.marts.status import write_status
from labelhouse.settings import Settings
from labelhouse.sources import Clients, Source, Unit, UnitGone, UnitReplaced, source_named

#: Airflow maps at most this many batches over one plan; longer windows get larger batches.
MOST_BATCHES = 200

#: Plans are kept for who looks back; a run uses its own within hours.
KEPT_PLANS = 500

log = logging.getLogger(__name__)

#: `progress(step, done, total)`
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Window:
    """Units with `start <= unit_at < end` (UTC); None leaves that side open."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, moment: datetime) -> bool:
        return (self.start is None or moment >= self.start) and (self.end is None or moment < self.end)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one extraction will load: units that the lake does not hold yet at their version."""

    plan_id: str
    source_name: str
    unit_count: int
    known_count: int
    batch_count: int


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What became of the units and records of a load. Adds up.

    Args:
        unit_count: units that were committed.
        missing_count: gone or replaced since they were listed: the next plan sees what is there now.
        unreadable_count: refused by the source, e.g. archived or encrypted for somebody else: planned again next time.
    """

    unit_count: int = 0
    missing_count: int = 0
    unreadable_count: int = 0
    records_read: int = 0
    records_loaded: int = 0
    records_duplicate: int = 0
    records_quarantined: int = 0
    records_filtered: int = 0

    def __add__(self, other: LoadSummary) -> LoadSummary:
        return LoadSummary(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @classmethod
    def of(cls, rows: list[LedgerRow], **counts_of_units: int) -> Self:
        """The summary of ledger rows, and of the units that got none."""
        counts = {
            each.name: sum(getattr(row, each.name) for row in rows)
            for each in fields(cls)
            if each.name.startswith("records_")
        }
        return cls(unit_count=len(rows), **counts_of_units, **counts)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one `run` did: the release it published, or None when nothing had changed."""

    loaded: LoadSummary
    release_id: str | None


def plan(
    settings: Settings,
    source_name: str,
    window: Window,
    clients: Clients,
    *,
    uri: str | None = None,
    replay_quarantined: bool = False,
) -> Plan:
    """Lists the source and writes down, in the lake, the units in `window` that are new or changed.

    Args:
        uri: where to look instead of where the settings say.
        replay_quarantined: plan what has records in quarantine again, for a parser that has learned.

    Raises:
        SourceError: the source is unknown, not configured, or cannot be listed.
    """
    source = source_named(source_name)
    lake = Lake(settings)
    known = Ledger(lake).known_versions()
    replayed = units_with_quarantine(lake) if replay_quarantined else set()
    units, known_count = [], 0
    for unit in source.list_units(uri or _uri_of(settings, source_name), clients):
        if unit.unit_at not in window:
            continue
        if known.get(unit.uri) == unit.version and unit.uri not in replayed:
            known_count += 1
        else:
            units.append(unit)
    size = max(settings.units_per_batch, -(-len(units) // MOST_BATCHES))
    batches = [units[start : start + size] for start in range(0, len(units), size)]
    document = json.dumps({"source_name": source_name, "batches": batches}, default=_plain)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    plan_id = f"{now}-{hashlib.sha256(document.encode()).hexdigest()[:12]}"
    if batches:
        replace_file(lake.dir / "plans" / f"{plan_id}.json", document)
        for old in sorted((lake.dir / "plans").glob("*.json"))[:-KEPT_PLANS]:
            old.unlink(missing_ok=True)
    return Plan(plan_id, source_name, len(units), known_count, len(batches))


def load_batch(
    settings: Settings, plan_id: str, batch_number: int, clients: Clients, tick: Callable[[], None] | None = None
) -> LoadSummary:
    """Loads one batch of a plan. Doing it twice, or at the same time as somebody else, changes nothing.

    Args:
        tick: called once a unit.

    Raises:
        SettingError: no key for the pseudonyms.
        SourceError: a unit cannot be read.
    """
    lake = Lake(settings)
    document = json.loads((lake.dir / "plans" / f"{plan_id}.json").read_text())
    units = [
        Unit(each["uri"], each["version"], datetime.fromisoformat(each["unit_at"]), each["size_bytes"])
        for each in document["batches"][batch_number]
    ]
    return load_units(settings, source_named(document["source_name"]), units, clients, tick)


def load_units(
    settings: Settings, source: Source, units: list[Unit], clients: Clients, tick: Callable[[], None] | None = None
) -> LoadSummary:
    """Loads `units` in one commit. One that cannot be had is counted and left for the next plan.

    Raises:
        SourceError: none of them can be read.
        SourceUnavailableError: the source does not answer now.
    """
    identities = load_identities(settings)
    load = BatchLoad(Lake(settings), source.name, source.tables, [unit.uri for unit in units], source.same_content)
    missing_count, refusals = 0, list[SourceError]()
    for unit in units:
        try:
            data = source.read_unit(unit, clients)
        except (UnitGone, UnitReplaced):
            missing_count += 1
            continue
        except SourceUnavailableError:
            raise
        except SourceError as refusal:
            log.warning("A unit is left for the next load: %s", refusal)
            refusals.append(refusal)
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        loaded = LoadedUnit(unit.uri, unit.version, unit.unit_at, sha256, size_bytes=unit.size_bytes)
        load.begin(loaded)
        for chunk in source.parse(unit, data, identities):
            load.add(loaded, chunk)
        if tick:
            tick()
    if refusals and len(refusals) == len(units):
        raise refusals[0]
    return LoadSummary.of(load.commit(), missing_count=missing_count, unreadable_count=len(refusals))


def extract(
    settings: Settings,
    source_name: str,
    window: Window,
    clients: Clients,
    on_progress: Progress | None = None,
    *,
    uri: str | None = None,
    replay_quarantined: bool = False,
) -> LoadSummary:
    """Plans and loads a window in this process."""
    planned = plan(settings, source_name, window, clients, uri=uri, replay_quarantined=replay_quarantined)
    units_done = count(1)

    def tick() -> None:
        if on_progress:
            on_progress(f"load {source_name}", next(units_done), planned.unit_count)

    loads = (load_batch(settings, planned.plan_id, number, clients, tick) for number in range(planned.batch_count))
    return sum(loads, LoadSummary())


def prepare_build(settings: Settings) -> str | None:
    """Opens a build on the lake as it is now; None when nothing changed since the current release."""
    build = prepare(settings)
    if build.state == "unchanged":
        write_status(settings)
        return None
    return build.build_id


def check_inputs(settings: Settings, build_id: str) -> None:
    """Checks what was delivered. Raises HeldError when the build may not go on."""
    _step(settings, build_id, "input checks", needs="prepared", work=lambda build: _check(settings, build, "inputs"))


def build_marts(settings: Settings, build_id: str) -> None:
    """Builds the marts with dbt in the build's private file. Raises HeldError when a model or test fails."""
    _step(settings, build_id, "dbt build", needs="inputs_passed", work=lambda build: run_dbt(settings, build))


def check_marts(settings: Settings, build_id: str) -> None:
    """Checks the built marts. Raises HeldError when they may not be published."""
    _step(settings, build_id, "mart checks", needs="built", work=lambda build: _check(settings, build, "marts"))


def publish(settings: Settings, build_id: str) -> str:
    """Publishes a build that passed every step and returns the id of the release that everybody reads then."""
    _step(settings, build_id, "publish", needs="marts_passed", work=lambda build: publish_build(settings, build))
    clean_up(settings, read_build(settings.lake.resolve(), build_id))
    write_status(settings)
    release = current_release(settings.lake.resolve())
    assert release  # it has just been published
    return release.release_id


def publish_status(settings: Settings) -> None:
    """Rewrites the status: ledger, quarantine, check results, releases, what is held and why."""
    write_status(settings)


def run(
    settings: Settings,
    sources: dict[str, str],
    clients: Clients,
    on_progress: Progress | None = None,
    *,
    replay_quarantined: bool = False,
) -> RunResult:
    """Everything, in this process: loads every source, then builds, checks and publishes.

    Raises:
        HeldError: a check holds the publication back.
    """
    report = on_progress or (lambda *_: None)
    for name in sources:
        source_named(name)  # refuse all of it before doing any of it
    loaded = LoadSummary()
    try:
        for name, uri in sources.items():
            window = Window()
            loaded += extract(settings, name, window, clients, report, uri=uri, replay_quarantined=replay_quarantined)
    finally:
        publish_status(settings)
    report("prepare", 0, 1)
    build_id = prepare_build(settings)
    if build_id is None:
        return RunResult(loaded, None)
    steps: list[tuple[str, Callable[[Settings, str], str | None]]] = [
        ("check inputs", check_inputs),
        ("build marts", build_marts),
        ("check marts", check_marts),
        ("publish", publish),
    ]
    outcome = None
    for name, step in steps:
        report(name, 0, 1)
        outcome = step(settings, build_id)
    report("done", 1, 1)
    return RunResult(loaded, outcome)


def _step(settings: Settings, build_id: str, name: str, *, needs: State, work: Callable[[Build], object]) -> None:
    """One step of a build; a step that passed before is done.

    What is wrong with the data, the models or the checks holds the publication, with a reason people can read.
    Any other fault (a full disk, a busy catalog) leaves the build as it is, for another try.
    """
    lake = settings.lake.resolve()
    build = read_build(lake, build_id)
    if build.state in STATES[STATES.index(needs) + 1 :]:
        return
    if build.state != needs:
        raise LakeError(
            f"the build is not ready for the step {name!r}", where=build_id, value=build.state, allowed=needs
        )
    try:
        work(build)
    except (_Held, LabelhouseError) as error:
        held = error.args[0] if isinstance(error, _Held) else {"sentence": str(error), "checks": []}
        held |= {"step": name, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        build.save(lake, state="held", held=held)
        write_status(settings)
        raise HeldError(f"the publication is held at {name}: {held['sentence']}") from error
    build.save(lake, state=STATES[STATES.index(needs) + 1])


class _Held(Exception):
    """Carries what `_check` found to `_step`."""


def _check(settings: Settings, build: Build, suite: SuiteName) -> None:
    lake = Lake(settings)
    try:
        with connect(build.database(lake.dir), read_only=True) as connection:
            results = run_suite(connection, suite, settings)
    except Exception as error:  # a check that crashes is a check that did not pass
        raise _Held({"sentence": _sentence(error), "checks": []}) from error
    checked_at = datetime.now(UTC)
    rows = [_stored(result, build.build_id, checked_at) for result in results]
    keep_check_results(lake, build.build_id, suite, rows)
    if failed := holds(results):
        checks = [
            {"table_name": each.table_name, "sentence": each.sentence, "what_to_do": each.what_to_do} for each in failed
        ]
        first = f"{failed[0].table_name}: {failed[0].sentence} {failed[0].finding}"
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise _Held({"sentence": first + more, "checks": checks})


def _stored(result: CheckResult, build_id: str, checked_at: datetime) -> dict[str, Any]:
    row = asdict(result) | {"build_id": build_id, "checked_at": checked_at}
    del row["what_to_do"]
    return row


def _sentence(error: Exception) -> str:
    if isinstance(error, LabelhouseError):
        return str(error)
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


def _uri_of(settings: Settings, source_name: str) -> str:
    if source_name not in settings.sources:
        raise SourceError(
            "the source has no URI",
            where="LABELHOUSE_SOURCES",
            value=source_name,
            allowed="a JSON object of source name to URI",
        )
    return settings.sources[source_name]


def _plain(value: Any) -> Any:
    if isinstance(value, Unit):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
