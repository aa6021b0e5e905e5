"""The demo's two weeks through the whole pipeline: the drift checks find what was planted, by name, and little else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from labelhouse import pipeline
from labelhouse.demo.account import MINIMUM_CRITERIA
from labelhouse.demo.drifts import COMMONER, DRIFTS, FADING, RUSHED, SLOWER, UNSURE, Drift
from labelhouse.demo.trail import log_files
from labelhouse.demo.training_runs import DIP
from labelhouse.demo.world import HISTORY, Write, writes
from labelhouse.marts.status import read_status
from labelhouse.settings import Settings, load_settings

START = datetime(2026, 3, 4, 9, tzinfo=UTC)
SEEDS = (7, 8, 2026)
#: Drift → the column in which it must be found.
SHOWN_IN = {
    SLOWER: ("dim_run", "duration_seconds"),
    FADING: ("fct_run_metric", "final_value"),
    COMMONER: ("fct_dataset_object", "consolidated_label"),
    UNSURE: ("fct_dataset_object", "confidence_ratio"),
    RUSHED: ("worker_responses", "time_spent_seconds"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A comparison that came out as drift."""

    table_name: str
    column_name: str
    statistic: str
    subject: str

    @property
    def parts(self) -> set[str]:
        """Metric, experiment or job that the subject names."""
        return set(self.subject.split(" · "))


def _stored(folder: Path, files: Iterable[Write]) -> str:
    """Where the files of the two weeks lie now."""
    for file in takewhile(lambda file: file.at < START + HISTORY, files):
        path = folder / file.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.body)
    return str(folder)


def _checks(folder: Path, seed: int) -> list[dict[str, Any]]:
    """What the drift checks say of a world after its two weeks, every subject on its own."""
    settings = load_settings(
        {},
        lake=folder / "lake",
        sources={
            "labeling_output": _stored(folder / "output", writes(seed, START)),
            "cloudtrail": _stored(folder / "trail", log_files(seed, START)),
        },
        minimum_criteria=MINIMUM_CRITERIA,
        own_pseudonym_key=True,
    )
    assert pipeline.run(settings, settings.sources, lambda service: None).release_id, "drift warns, it holds nothing"
    status = read_status(settings.lake)
    assert status
    return [check for check in status["checks"] if check["suite"] == "drift"]


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[dict[str, Any]]]:
    """Seed → every comparison in its world."""
    return {seed: _checks(tmp_path_factory.mktemp("drifts"), seed) for seed in SEEDS}


def found(checks: list[dict[str, Any]]) -> list[Finding]:
    """The comparisons that came out as drift."""
    assert [check for check in checks if check["verdict"] == "not_evaluated"] == []
    return [
        Finding(check["table_name"], *check["check_name"].split(": "), check["subject"])
        for check in checks
        if check["verdict"] == "not_met"
    ]


def is_planted(finding: Finding, drift: Drift) -> bool:
    """Whether the finding speaks of what drifts."""
    return drift.subject.lower() in finding.parts


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.kind)
def test_each_drift_is_found_by_name(checks: dict[int, list[dict[str, Any]]], drift: Drift, seed: int) -> None:
    shown = [finding for finding in found(checks[seed]) if is_planted(finding, drift)]
    assert {(finding.table_name, finding.column_name) for finding in shown} >= {SHOWN_IN[drift]}
    if drift in (SLOWER, COMMONER, UNSURE, RUSHED):
        assert {(finding.table_name, finding.column_name) for finding in shown} == {SHOWN_IN[drift]}, "and nowhere else"


@pytest.mark.parametrize("seed", SEEDS)
def test_what_fades_is_a_trend_in_accuracy(checks: dict[int, list[dict[str, Any]]], seed: int) -> None:
    shown = [finding for finding in found(checks[seed]) if is_planted(finding, FADING)]
    accuracy = {finding.statistic for finding in shown if "validation:accuracy" in finding.parts}
    assert {"kendall_tau", "pettitt", "mean_shift"} <= accuracy


@pytest.mark.parametrize("seed", SEEDS)
def test_a_drift_says_how_much_and_shows_it(checks: dict[int, list[dict[str, Any]]], seed: int) -> None:
    [slower] = [
        check
        for check in checks[seed]
        if (check["subject"], check["check_name"]) == (SLOWER.subject, "duration_seconds: mean_shift")
    ]
    assert slower["severity"] == "warn"
    assert slower["picture_json"]
    assert "in the last 8 runs against" in slower["finding"]
    assert SLOWER.subject in slower["finding"]


@pytest.mark.parametrize("seed", SEEDS)
def test_six_runs_are_not_enough_to_say_anything(checks: dict[int, list[dict[str, Any]]], seed: int) -> None:
    species = [check for check in checks[seed] if "camera-trap-species" in (check["subject"] or "")]
    assert species
    assert {check["verdict"] for check in species} == {"not_enough_data"}


def test_little_else_is_found(checks: dict[int, list[dict[str, Any]]]) -> None:
    """The share of findings that are chance is what the setting declares; a dip of one run may show among the last."""
    every = [finding for seed in SEEDS for finding in found(checks[seed])]
    others = [finding for finding in every if not any(is_planted(finding, drift) for drift in DRIFTS)]
    dip = ("fct_run_metric", DIP.project.experiment)
    chance = [finding for finding in others if not (finding.table_name == dip[0] and dip[1] in finding.parts)]
    ratio = Settings.model_fields["drift_false_alarm_ratio"].default
    assert len(chance) <= ratio * len(every), chance
