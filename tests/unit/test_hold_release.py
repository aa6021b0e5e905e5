"""Releasing a hold: what may pass, for how long, in whose name; and one sentence for what may not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labelhouse.checks.gate import outcome_of, standing_waivers, with_waivers
from labelhouse.checks.hold_release import is_releasable, reason_for_hold, release_hold
from labelhouse.checks.results import CheckResult
from labelhouse.errors import LabelhouseError
from labelhouse.identities import load_identities
from labelhouse.lake.catalog import Lake
from labelhouse.marts.build import Build, read_build
from labelhouse.marts.releases import Release, point_to
from labelhouse.settings import Settings

BUILD, NEWER = "20260301T120000.000000Z", "20260301T130000.000000Z"
OPERATOR = "canary.operator"
CANARY = "canary.worker@example.com"


def check(**more: Any) -> CheckResult:
    facts: dict[str, Any] = {
        **{"suite": "inputs", "table_name": "ingest_ledger", "check_name": "quarantine_share", "check_number": 3},
        **{"expectation_type": "e", "sentence": "Few are in quarantine.", "severity": "hold", "verdict": "not_met"},
    }
    return CheckResult(**facts | {"what_to_do": "Look."} | more)


def hold(settings: Settings, build_id: str = BUILD, base: str | None = None, *failed: CheckResult) -> Build:
    """A build that checks hold before dbt."""
    held = reason_for_hold(failed or [check()])
    held |= {"step": "input checks", "state": "prepared", "since": "2026-03-01T12:01:00+00:00", "build_id": build_id}
    held["is_releasable"] = is_releasable(held)
    return Build(build_id, "held", {}, None, "f", base, held).save(settings.lake)


def publish(settings: Settings, release_id: str, build_id: str) -> None:
    release = Release(release_id, build_id, "t", {}, "f", {}, None, settings.lake / "releases" / release_id)
    release.folder.mkdir(parents=True)
    release.write()
    point_to(settings.lake, release)


def release(settings: Settings, build_id: str | None = None, reason: str = "known", hours: float = 0) -> str:
    return release_hold(settings, build_id, reason, OPERATOR, hours)


def kept(settings: Settings) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Lake(settings).raw("hold_releases").scan().to_arrow().to_pylist()
    return found


def test_the_build_goes_back_to_before_the_step_that_held_it(settings: Settings) -> None:
    hold(settings)
    assert release(settings) == BUILD
    build = read_build(settings.lake, BUILD)
    assert (build.state, build.held) == ("prepared", None)
    (row,) = kept(settings)
    assert (row["build_id"], row["step"], row["reason"], row["until_at"]) == (BUILD, "input checks", "known", None)
    assert json.loads(row["checks_json"]) == [
        {"suite": "inputs", "table_name": "ingest_ledger", "check_name": "quarantine_share", "subject": None}
    ]


def test_released_again_with_the_same_words_it_is_done_and_with_others_refused(settings: Settings) -> None:
    hold(settings)
    assert release(settings) == release(settings) == release(settings, BUILD)
    assert len(kept(settings)) == 1, "a task that is tried again keeps one reason"
    with pytest.raises(LabelhouseError, match="the build is not held: 'prepared'"):
        release(settings, reason="another")


def test_who_and_why_are_kept_without_an_identity(settings: Settings) -> None:
    hold(settings)
    release(settings, reason=f"  {OPERATOR} asked\n{CANARY} ")
    identities = load_identities(settings)
    (row,) = kept(settings)
    assert row["released_by"] == identities.pseudonym(OPERATOR)
    assert row["reason"] == f"{identities.pseudonym(OPERATOR)} asked {identities.pseudonym(CANARY)}"
    for path in (path for path in settings.lake.rglob("*") if path.is_file()):
        assert b"canary" not in path.read_bytes(), path


def test_what_was_released_passes_and_nothing_else(settings: Settings) -> None:
    hold(settings, BUILD, None, check(), check(check_name="labels_lost", subject="birds"))
    release(settings)
    waivers = standing_waivers(Lake(settings), BUILD)
    found = with_waivers(
        [
            check(),
            check(verdict="met"),
            check(severity="warn"),
            check(verdict="not_evaluated", error="crash"),
            check(check_name="labels_lost", subject="birds"),
            check(check_name="labels_lost", subject="wrens"),
            check(suite="marts"),
        ],
        waivers,
    )
    outcomes = [outcome_of(result) for result in found]
    assert outcomes == ["waived", "met", "warning", "hold", "waived", "hold", "hold"]
    assert with_waivers([check()], standing_waivers(Lake(settings), NEWER)) == [check()], "in this build only"


def test_for_some_hours_the_same_checks_pass_in_later_builds(settings: Settings) -> None:
    hold(settings)
    release(settings, hours=2)
    (result,) = with_waivers([check()], standing_waivers(Lake(settings), NEWER))
    assert result.waived_until
    assert timedelta(hours=1.9) < result.waived_until - datetime.now(UTC) <= timedelta(hours=2)
    assert not result.is_hold


def test_a_waiver_ends(settings: Settings) -> None:
    hold(settings)
    release(settings, hours=1e-6)
    assert standing_waivers(Lake(settings), NEWER) == {}


@pytest.mark.parametrize("reason", ["", " \n\t", "x" * 2001])
def test_a_reason_is_needed(settings: Settings, reason: str) -> None:
    hold(settings)
    refused(settings, "reason: does not say why", reason=reason)


@pytest.mark.parametrize("hours", [-1, 745, float("nan"), float("inf")])
def test_hours_are_few(settings: Settings, hours: float) -> None:
    hold(settings)
    refused(settings, "hours: is no time to let checks pass", hours=hours)


@pytest.mark.parametrize("build_id", ["20260301T110000.000000Z", "../builds/" + BUILD, "", "/etc"])
def test_no_such_build(settings: Settings, build_id: str) -> None:
    hold(settings)
    refused(settings, "there is no such build", build_id=build_id)


def test_no_build_at_all(settings: Settings) -> None:
    with pytest.raises(LabelhouseError, match="no build is held: there is none"):
        release(settings)


def test_what_a_newer_release_or_a_newer_hold_has_overtaken(settings: Settings) -> None:
    hold(settings)
    publish(settings, "000001", "another")
    refused(settings, "a newer release is published: build again: 'release 000001'")
    hold(settings, BUILD, "000001")
    hold(settings, NEWER, "000001")
    refused(settings, f"a newer build is held: '{NEWER}'", build_id=BUILD)
    assert release(settings) == NEWER


@pytest.mark.parametrize(
    "failed",
    [[], [check(verdict="not_evaluated", error="it crashed")], [check(), check(verdict="not_evaluated", error="it")]],
    ids=["dbt", "a crash", "a crash among others"],
)
def test_what_crashed_or_failed_to_build_has_to_be_mended(settings: Settings, failed: list[CheckResult]) -> None:
    build = hold(settings, BUILD, None, *failed)
    if not failed:
        assert build.held
        build.save(settings.lake, held=build.held | {"checks": [], "step": "dbt build", "state": "inputs_passed"})
    refused(settings, "what holds it cannot be let pass")


def test_a_build_that_an_older_version_held_has_to_be_built_again(settings: Settings) -> None:
    held = {"sentence": "s", "step": "input checks", "since": "t", "checks": [{"table_name": "t", "sentence": "s"}]}
    Build(BUILD, "held", {}, None, "f", None, held).save(settings.lake)
    refused(settings, "what holds it cannot be let pass")


def refused(
    settings: Settings, sentence: str, build_id: str | None = None, reason: str = "known", hours: float = 0
) -> None:
    """Releasing says this in one sentence, and changes nothing."""
    before = contents(settings.lake / "builds")
    with pytest.raises(LabelhouseError) as caught:
        release(settings, build_id, reason, hours)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(settings.lake / "builds") == before
    assert kept(settings) == []


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.rglob("*.json")}
