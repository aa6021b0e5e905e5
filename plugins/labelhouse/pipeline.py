"""The whole job as plain functions: extract, check, build, check, publish. The DAGs and the CLI call these.

`extraction` fills the lake from one source; `prepare_build`, `check_inputs`, `build_marts`, `check_marts` and
`publish` take what is there to what people read. Steps hand on ids, never paths: every file they share lies in
the lake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from labelhouse.checks import CheckResult, SuiteName, holds, run_suite
from labelhouse.errors import HeldError, LabelhouseError, LakeError
from labelhouse.extraction import LoadSummary, Progress, extract
from labelhouse.lake.catalog import Lake
from labelhouse.lake.history import keep_check_results
from labelhouse.marts.build import STATES, Build, State, connect, prepare, read_build, run_dbt
from labelhouse.marts.publish import clean_up, publish_build
from labelhouse.marts.releases import current_release
from labelhouse.marts.status import write_status
from labelhouse.settings import Settings, SourceSettings
from labelhouse.sources import Clients, Window, source_named


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one `run` did: the release it published, or None when nothing had changed."""

    loaded: LoadSummary
    release_id: str | None


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
    sources: Mapping[str, str | SourceSettings],
    clients: Clients,
    on_progress: Progress | None = None,
    *,
    replay_quarantined: bool = False,
    processes: int = 1,
) -> RunResult:
    """Everything: loads every source (see `extract` for `processes`), then builds, checks and publishes.

    Args:
        sources: name → what the setting of that name may hold, a URI or more.

    Raises:
        HeldError: a check holds the publication back.
    """
    report = on_progress or (lambda *_: None)
    for name in sources:
        source_named(name)  # refuse all of it before doing any of it
    loaded = LoadSummary()
    given = {name: SourceSettings.model_validate(each) for name, each in sources.items()}
    reading = settings.model_copy(update={"sources": given})
    try:
        for name in given:
            loaded += extract(
                reading,
                name,
                Window(),
                clients,
                report,
                replay_quarantined=replay_quarantined,
                processes=processes,
            )
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
    facts = {"is_success": result.is_success, "finding": result.finding}
    row = asdict(result) | facts | {"build_id": build_id, "checked_at": checked_at}
    del row["found"]
    return row


def _sentence(error: Exception) -> str:
    if isinstance(error, LabelhouseError):
        return str(error)
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"
