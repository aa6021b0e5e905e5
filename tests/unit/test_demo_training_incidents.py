"""The demo's trail through the whole pipeline: the marts find what was planted in the trainings, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

import pytest

from labelhouse import pipeline
from labelhouse.demo.account import MINIMUM_CRITERIA, TRAIL_PATH
from labelhouse.demo.people import team
from labelhouse.demo.trail import log_files
from labelhouse.demo.training_calls import (
    COPY_COUNT,
    INTRUDER,
    INTRUDER_POINT_COUNT,
    POINTS_PER_CALL,
    STEP_FAR_AHEAD,
    TRAINER,
)
from labelhouse.demo.training_runs import (
    DIP,
    DIVERGING,
    FOREIGN_WRITER,
    TRAINING_PROGRAMME,
    WRITTEN_AFTER_COMPLETION,
    Incident,
    Run,
    TrainingProject,
    run_of,
    runs,
)
from labelhouse.demo.world import HISTORY
from labelhouse.marts.read import query_lake
from labelhouse.settings import Settings, load_settings

SEED, START = 7, datetime(2026, 3, 4, 9, tzinfo=UTC)
#: Metrics of every run.
METRIC_COUNT = 4


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake that has loaded the log files of the two weeks and published its marts."""
    folder = tmp_path_factory.mktemp("incidents")
    for file in takewhile(lambda file: file.at < START + HISTORY, log_files(SEED, START)):
        path = folder / TRAIL_PATH / file.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.body)
    settings = load_settings(
        {},
        lake=folder / "lake",
        sources={"cloudtrail": str(folder / TRAIL_PATH)},
        minimum_criteria=MINIMUM_CRITERIA,
        own_pseudonym_key=True,
    )
    assert pipeline.run(settings, settings.sources, lambda service: None).release_id
    return settings


@pytest.fixture(scope="module")
def findings(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Finding → its rows."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows(settings, "select * from fct_metric_write_audit"):
        found[row["finding"]].append(row)
    return found


def rows(settings: Settings, sql: str) -> list[dict[str, Any]]:
    """Rows of the marts and of the lake."""
    found: list[dict[str, Any]] = query_lake(settings, sql).to_pylist()
    return found


def planted(incident: Incident) -> Run:
    """The run in which it happens."""
    return run_of(incident, SEED, START)


def whole_seconds(moment: datetime) -> datetime:
    """CloudTrail knows no fractions."""
    return moment.replace(microsecond=0)


def test_every_record_is_accounted_for_and_copies_count_once(settings: Settings) -> None:
    [ledger] = rows(
        settings,
        """
        select
            sum(records_read) as records_read,
            sum(records_loaded + records_duplicate + records_quarantined + records_filtered) as accounted,
            sum(records_duplicate) as duplicates,
            sum(records_quarantined) as quarantined
        from raw.ingest_ledger
        """,
    )
    assert ledger["records_read"] == ledger["accounted"] > 1500
    assert ledger["duplicates"] > 0
    assert ledger["quarantined"] == 0
    [points] = rows(
        settings, "select count(*) as all_points, count(distinct (event_id, point_index)) as once from fct_metric_point"
    )
    assert points["all_points"] == points["once"]


def test_every_run_is_there_with_its_group_its_job_and_its_completion(settings: Settings) -> None:
    found = {row["run_name"]: row for row in rows(settings, "select * from dim_run")}
    for project in TRAINING_PROGRAMME:
        number = 0
        for run in takewhile(lambda run: run.completed_at < START + HISTORY - timedelta(hours=3), _runs_of(project)):
            row, number = found[run.name], number + 1
            assert (row["experiment_name"], row["run_group"].lower()) == (project.experiment, project.run_group.lower())
            assert row["training_job_name"] == run.training_job_name
            assert row["display_name"] == run.display_name
            assert row["run_number"] == run.number == number
            assert row["status"].lower() == "completed"
            assert row["completed_at"] == whole_seconds(run.completed_at)
            assert row["metric_count"] == METRIC_COUNT
            if run.incident not in (FOREIGN_WRITER, WRITTEN_AFTER_COMPLETION):
                assert row["point_count"] == len(run.points)
        assert number >= 6


def _runs_of(project: TrainingProject) -> Iterator[Run]:
    return runs(SEED, START, project)


def test_only_the_planted_run_diverges(settings: Settings) -> None:
    diverging = rows(settings, "select run_name, metric_name, nan_count from fct_run_metric where is_diverging")
    assert diverging == [{"run_name": planted(DIVERGING).name, "metric_name": "validation:loss", "nan_count": 1}]
    [values] = rows(settings, "select count(*) as count from fct_metric_point where value_flag = 'nan'")
    assert values["count"] == 1


def test_only_the_planted_run_dips(settings: Settings) -> None:
    dips = rows(settings, "select run_name, metric_name from fct_run_metric where is_dip")
    dip, diverging = planted(DIP).name, planted(DIVERGING).name
    assert [row["run_name"] for row in dips if row["metric_name"] == "validation:accuracy"] == [dip]
    others = {(row["run_name"], row["metric_name"]) for row in dips if row["metric_name"] != "validation:accuracy"}
    assert others == {(dip, "validation:loss"), (diverging, "validation:loss")}, "their loss is worse, too"
    unmet = rows(settings, "select run_name, metric_name, minimum_value from fct_run_metric where not meets_criterion")
    assert unmet == [{"run_name": dip, "metric_name": "validation:accuracy", "minimum_value": 0.85}]


def test_only_the_foreign_writer_is_new(settings: Settings, findings: dict[str, list[dict[str, Any]]]) -> None:
    [finding] = findings["new_principal"]
    assert finding["run_name"] == planted(FOREIGN_WRITER).name
    assert finding["point_count"] == INTRUDER_POINT_COUNT
    assert finding["source_network"] == "203.0.113.0/24"
    assert finding["user_agent"] == INTRUDER.user_agent
    assert findings["new_network"] == []
    [best] = rows(
        settings,
        "select run_id from fct_run_metric where metric_name = 'validation:accuracy' order by best_value desc limit 1",
    )
    assert best["run_id"] == finding["run_id"], "it looks better than it is"
    refused = rows(
        settings, "select event_name, error_code, principal_arn from raw.management_events where error_code is not null"
    )
    assert [(row["event_name"], row["error_code"]) for row in refused] == [("UpdateTrialComponent", "AccessDenied")]
    assert refused[0]["principal_arn"] == finding["principal_arn"]


def test_only_the_planted_run_is_written_to_after_its_completion(findings: dict[str, list[dict[str, Any]]]) -> None:
    run = planted(WRITTEN_AFTER_COMPLETION)
    for name in ("write_after_completion", "duplicated_points", "step_ahead", "outside_run"):
        assert {row["run_name"] for row in findings[name]} == {run.name}, name
        assert {row["principal_arn"] for row in findings[name]} == {TRAINER.arn}, name
    [late] = findings["write_after_completion"]
    assert late["reference_at"] == whole_seconds(run.completed_at)
    assert late["first_event_at"] - late["reference_at"] > timedelta(minutes=40)
    assert late["point_count"] == COPY_COUNT * POINTS_PER_CALL + METRIC_COUNT
    assert sum(row["extra_count"] for row in findings["duplicated_points"]) == COPY_COUNT * POINTS_PER_CALL
    for row in findings["duplicated_points"]:
        assert row["average_value"] != row["average_value_once"]
    ahead = findings["step_ahead"]
    assert len(ahead) == METRIC_COUNT
    assert {(row["step"], row["usual_step"]) for row in ahead} == {(STEP_FAR_AHEAD, run.last_step)}
    [outside] = findings["outside_run"]
    assert outside["point_count"] == METRIC_COUNT


def test_nothing_else_is_found(findings: dict[str, list[dict[str, Any]]]) -> None:
    assert {name for name, found in findings.items() if found} == {
        "write_after_completion",
        "duplicated_points",
        "step_ahead",
        "outside_run",
        "new_principal",
    }


def test_people_are_pseudonyms(settings: Settings) -> None:
    names = [
        INTRUDER.name,
        "@example.com",
        *(worker.name for worker in team(SEED)),
        *(w.sub for w in team(SEED) if w.sub),
    ]
    everything = "\n".join(
        str(row)
        for table in ("raw.training_metrics", "raw.management_events", "dim_run", "fct_metric_write_audit")
        for row in rows(settings, f"select * from {table}")
    )
    assert "SageMakerTraining/SageMaker" in everything
    assert [name for name in names if name in everything] == []
