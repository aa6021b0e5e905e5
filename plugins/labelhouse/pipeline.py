"""The whole job as plain functions: extract, check, build, check, publish. The DAGs and the CLI call these.

`extraction` fills the lake from one source; `prepare_build`, `check_inputs`, `build_marts`, `check_marts` and
`publish` take what is there to what people read. Steps hand on ids, never paths: every file they share lies in
the lake.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from labelhouse.checks import SuiteName, holds, validate_definitions
from labelhouse.checks.gate import validate_build
from labelhouse.checks.hold_release import is_releasable, reason_for_hold
from labelhouse.checks.hold_release import release_hold as let_pass
from labelhouse.errors import HeldError, LabelhouseError, LakeError, LakeUnavailableError, words_of
from labelhouse.extraction import LoadSummary, Progress, extract
from labelhouse.marts.build import STATES, Build, State, prepare, read_build, run_dbt
from labelhouse.marts.publish import clean_up, publish_build
from labelhouse.marts.releases import current_release
from labelhouse.marts.status import write_status
from labelhouse.settings import Settings, SourceSettings
from labelhouse.sources import Clients, Window, source_named

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one `run` did: the release it published, or None when nothing had changed."""

    loaded: LoadSummary
    release_id: str | None


def prepare_build(settings: Settings) -> str | None:
    """Opens a build on the lake as it is now; None when nothing changed since the current release."""
    validate_definitions(settings)
    return _prepare(settings)


def _prepare(settings: Settings) -> str | None:
    build = prepare(settings)
    if build.state == "unchanged":
        write_status(settings)
        return None
    return build.build_id


def check_inputs(settings: Settings, build_id: str) -> None:
    """Checks what was delivered. Raises HeldError when the build may not go on."""
    _step(settings, build_id, "input checks", needs="prepared", work=lambda build: _check(settings, build, ["inputs"]))


def build_marts(settings: Settings, build_id: str) -> None:
    """Builds the marts with dbt in the build's private file. Raises HeldError when a model or test fails."""
    _step(settings, build_id, "dbt build", needs="inputs_passed", work=lambda build: run_dbt(settings, build))


def check_marts(settings: Settings, build_id: str) -> None:
    """Checks the built marts. Raises HeldError when they may not be published."""
    _step(
        settings, build_id, "mart checks", needs="built", work=lambda build: _check(settings, build, ["marts", "drift"])
    )


def publish(settings: Settings, build_id: str) -> str:
    """Publishes a build that passed every step and returns the id of the release that everybody reads then."""
    _step(settings, build_id, "publish", needs="marts_passed", work=lambda build: publish_build(settings, build))
    clean_up(settings, read_build(settings.lake.resolve(), build_id))
    _evaluate_alarms(settings)
    write_status(settings)
    release = current_release(settings.lake.resolve())
    assert release  # it has just been published
    return release.release_id


def publish_status(settings: Settings) -> None:
    """Rewrites the status: ledger, quarantine, check results, releases, what is held and why."""
    write_status(settings)


def release_hold(settings: Settings, build_id: str | None, reason: str, released_by: str, for_hours: float = 0) -> str:
    """Lets the checks that hold a build pass, as in `checks.hold_release`; its id, for `continue_build`."""
    validate_definitions(settings)
    released = let_pass(settings, build_id, reason, released_by, for_hours)
    write_status(settings)
    return released


def continue_build(settings: Settings, build_id: str, on_progress: Progress | None = None) -> str:
    """All steps from checking the inputs to publishing; those that passed before are done. Returns the release id.

    Raises:
        HeldError: a check holds the publication back.
    """
    report = on_progress or (lambda *_: None)
    steps: list[tuple[str, Callable[[Settings, str], object]]] = [
        ("check inputs", check_inputs),
        ("build marts", build_marts),
        ("check marts", check_marts),
    ]
    for name, step in steps:
        report(name, 0, 1)
        step(settings, build_id)
    report("publish", 0, 1)
    release_id = publish(settings, build_id)
    report("done", 1, 1)
    return release_id


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
    validate_definitions(settings)
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
    build_id = _prepare(settings)  # the definitions were valid before anything was loaded
    if build_id is None:
        return RunResult(loaded, None)
    return RunResult(loaded, continue_build(settings, build_id, report))


def _evaluate_alarms(settings: Settings) -> None:
    """Alarms look at what came of a build, but whatever is wrong with one is no reason against the build."""
    try:
        from labelhouse.checks.alarms import evaluate_alarms

        evaluate_alarms(settings)
    except Exception as error:
        log.warning(
            "The alarms were not evaluated: %s", error if isinstance(error, LabelhouseError) else type(error).__name__
        )


def _step(settings: Settings, build_id: str, name: str, *, needs: State, work: Callable[[Build], object]) -> None:
    """One step of a build; a step that passed before is done.

    What is wrong with the data, the models or the checks holds the publication, with a reason people can read.
    Any other fault (a full disk, a busy catalog or one that restarts) leaves the build as it is, for another try.
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
    except OSError as error:
        what = f"the step {name!r} was cut short ({words_of(error)})"
        raise LakeUnavailableError(what, where=build_id) from error
    except LakeUnavailableError:
        raise
    except (_Held, LabelhouseError) as error:
        held = error.args[0] if isinstance(error, _Held) else {"sentence": str(error), "checks": []}
        held |= {
            "build_id": build_id,
            "step": name,
            "state": needs,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "is_releasable": is_releasable(held),
        }
        build.save(lake, state="held", held=held)
        _evaluate_alarms(settings)
        write_status(settings)
        raise HeldError(f"the publication is held at {name}: {held['sentence']}") from error
    build.save(lake, state=STATES[STATES.index(needs) + 1])


class _Held(Exception):
    """Carries what `_check` found to `_step`."""


def _check(settings: Settings, build: Build, suites: Sequence[SuiteName]) -> None:
    if failed := holds(validate_build(settings, build, suites)):
        raise _Held(reason_for_hold(failed))
