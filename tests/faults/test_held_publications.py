"""Whatever goes wrong on the way to a release holds it: readers keep the last one, and the status says why."""

from __future__ import annotations

import resource
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from labelhouse import checks, extraction, pipeline
from labelhouse.checks import gate
from labelhouse.errors import HeldError, LabelhouseError, LakeUnavailableError
from labelhouse.marts import build, invoke, read
from labelhouse.marts.releases import current_release
from labelhouse.marts.status import read_status
from labelhouse.settings import PROJECT_DIR, Settings, load_settings
from labelhouse.sources import Window
from sample_job import read_manifest, write_job, write_manifest


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export and a lake with one release; each test works on a state restored from a copy."""
    folder = tmp_path_factory.mktemp("held")
    write_job(folder / "export", objects=9)
    run(at(folder))
    shutil.copytree(folder, folder.with_name("held-copy"))
    return folder


@pytest.fixture
def settings(published: Path) -> Settings:
    read._opened.cache_clear()
    shutil.rmtree(published)
    shutil.copytree(published.with_name("held-copy"), published)
    return at(published)


def at(folder: Path) -> Settings:
    return load_settings(
        {}, lake=folder / "lake", sources={"labeling_output": str(folder / "export")}, own_pseudonym_key=True
    )


def run(settings: Settings) -> pipeline.RunResult:
    return pipeline.run(settings, settings.sources, lambda service: None)


def export(settings: Settings) -> Path:
    return Path(settings.sources["labeling_output"].places[0].uri)


def job_counts(settings: Settings) -> list[dict[str, Any]]:
    release = current_release(settings.lake)
    assert release
    assert release.release_id == "000001"
    return read.query(release, "select labeling_job_name, answer_count from dim_labeling_job").to_pylist()


def held(settings: Settings, step: str, *words: str) -> None:
    """A run on new data is held at `step`; the sentence and the status hold all of `words`."""
    with pytest.raises(HeldError) as caught:
        run(settings)
    assert "\n" not in str(caught.value)
    status = read_status(settings.lake)
    assert status
    assert status["held"]["step"] == step
    for word in words:
        assert word in str(caught.value), str(caught.value)
        assert word in status["held"]["sentence"]
    assert job_counts(settings) == [{"labeling_job_name": "pets-2026", "answer_count": 27}]
    assert status["ledger"][0]["unit_count"] > 10, "the status shows what was loaded, published or not"


def test_a_failing_model_holds(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(PROJECT_DIR / "dbt", tmp_path / "dbt")
    last = tmp_path / "dbt/models/marts/workers/fct_worker_job.sql"
    last.write_text(last.read_text().replace("select", "select no_such_column,", 1))
    monkeypatch.setattr(build, "PROJECT_DIR", tmp_path)
    write_job(export(settings), objects=12)
    held(settings, "dbt build", "fct_worker_job")
    with pytest.raises(LabelhouseError, match="what holds it cannot be let pass"):
        pipeline.release_hold(settings, None, "known", "operator")
    monkeypatch.undo()
    assert run(settings).release_id == "000002", "mended, it is published"
    assert (read_status(settings.lake) or {})["held"] is None


def test_a_failing_check_holds(settings: Settings) -> None:
    job = write_job(export(settings), objects=12)
    lines = read_manifest(job)
    for line in lines[:9]:
        line["pet-metadata"]["job-name"] = 7
    write_manifest(job, lines)
    held(settings, "input checks", "ingest_ledger")


def test_a_rewritten_manifest_with_fewer_labels_holds(settings: Settings) -> None:
    write_job(export(settings), objects=12, labeled=4)
    held(settings, "input checks", "labels were lost")


def test_a_check_that_looked_at_nothing_holds(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(PROJECT_DIR / "expectations", tmp_path / "expectations")
    (tmp_path / "expectations/marts/dim_worker.yaml").unlink()
    elsewhere = partial(checks.run_suite, expectations_dir=tmp_path / "expectations")
    monkeypatch.setattr(gate, "run_suite", elsewhere)
    write_job(export(settings), objects=12)
    held(settings, "mart checks", "dim_worker")


def test_a_crashing_check_holds(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*arguments: Any, **options: Any) -> list[checks.CheckResult]:
        raise MemoryError("no memory left")

    monkeypatch.setattr(gate, "run_suite", crash)
    write_job(export(settings), objects=12)
    held(settings, "input checks", "MemoryError", "no memory left")


@pytest.mark.parametrize("is_crash", [True, False], ids=["crashing", "empty"])
def test_drift_that_says_nothing_holds(settings: Settings, monkeypatch: pytest.MonkeyPatch, is_crash: bool) -> None:
    real = gate.run_suite

    def drift_says_nothing(connection: Any, suite: Any, *arguments: Any, **options: Any) -> list[checks.CheckResult]:
        if suite != "drift":
            return real(connection, suite, *arguments, **options)
        if is_crash:
            raise ValueError("canary.worker@example.com is no number")
        return []

    monkeypatch.setattr(gate, "run_suite", drift_says_nothing)
    write_job(export(settings), objects=12)
    held(settings, "mart checks", "drift", "ValueError" if is_crash else "it has no checks")
    status = (settings.lake / "status.json").read_text()
    assert "canary" not in status
    assert (read_status(settings.lake) or {})["held"]["is_releasable"] is False


def spoil(settings: Settings) -> None:
    """Delivers a job of which so much goes to quarantine that the check of the ledger holds."""
    job = write_job(export(settings), objects=12)
    lines = read_manifest(job)
    for line in lines[:9]:
        line["pet-metadata"]["job-name"] = 7
    write_manifest(job, lines)


def test_an_operator_releases_a_hold_and_it_is_published_with_the_reason(settings: Settings) -> None:
    spoil(settings)
    held(settings, "input checks", "ingest_ledger")
    build_id = pipeline.release_hold(settings, None, "known, canary.boss@example.com agrees", "canary.operator")
    assert (read_status(settings.lake) or {})["held"] is None
    assert pipeline.continue_build(settings, build_id) == "000002"
    status = read_status(settings.lake) or {}
    let_pass = [each for each in status["checks"] if each["waived_until"]]
    assert {(each["table_name"], each["verdict"], each["severity"]) for each in let_pass} >= {
        ("ingest_ledger", "not_met", "hold")
    }
    runs = {each["suite"]: each for each in status["validations"]}
    assert (runs["inputs"]["verdict"], runs["inputs"]["waived_count"]) == ("warned", len(let_pass))
    assert (runs["inputs"]["hold_count"], runs["marts"]["waived_count"]) == (0, 0)
    (released,) = status["hold_releases"]
    assert released["build_id"] == build_id
    assert released["reason"].startswith("known, p_")
    assert {each["table_name"] for each in released["checks"]} == {each["table_name"] for each in let_pass}
    for path in (path for path in settings.lake.rglob("*") if path.is_file()):
        assert b"canary.boss" not in path.read_bytes(), path
        assert b"canary.operator" not in path.read_bytes(), path


def test_a_release_for_some_hours_lets_later_builds_pass_too(settings: Settings) -> None:
    spoil(settings)
    held(settings, "input checks", "ingest_ledger")
    pipeline.continue_build(settings, pipeline.release_hold(settings, None, "known", "operator", for_hours=1))
    write_job(export(settings), name="Another", objects=1)
    assert run(settings).release_id == "000003", "what is still in quarantine only warns"
    assert (read_status(settings.lake) or {})["validations"][0]["waived_count"] > 0


def test_a_few_bad_records_are_a_warning(settings: Settings) -> None:
    job = write_job(export(settings), objects=30)
    (job / "annotations/worker-response/iteration-1/3/2026-03-02_09:00:00.json").write_text("{broken")
    result = run(settings)
    assert result.loaded.records_quarantined == 1
    status = read_status(settings.lake)
    assert status
    assert status["held"] is None
    assert [each["record_count"] for each in status["quarantine"]] == [1]
    warned = [each for each in status["checks"] if each["verdict"] == "not_met"]
    assert [each["severity"] for each in warned] == ["warn"] * len(warned)
    assert warned


def test_a_step_out_of_order_is_refused(settings: Settings) -> None:
    write_job(export(settings), objects=12)
    extraction.extract(settings, "labeling_output", Window(), lambda service: None)
    build_id = pipeline.prepare_build(settings)
    assert build_id
    with pytest.raises(Exception, match="not ready for the step 'publish'"):
        pipeline.publish(settings, build_id)
    assert job_counts(settings)


def test_a_full_disk_holds_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt may write no more, which is no fault of the models: the step is there to be tried again."""
    monkeypatch.setattr(build, "invoke_dbt", invoke.invoke_dbt)  # a child of this process, whose limit it has
    write_job(export(settings), objects=12)
    extraction.extract(settings, "labeling_output", Window(), lambda service: None)
    build_id = pipeline.prepare_build(settings)
    assert build_id
    build.read_build(settings.lake, build_id).save(settings.lake, state="inputs_passed")
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, most))  # less than DuckDB and dbt write
    try:
        with pytest.raises(LakeUnavailableError, match="File too large"):
            pipeline.build_marts(settings, build_id)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert build.read_build(settings.lake, build_id).state == "inputs_passed"
    assert (read_status(settings.lake) or {})["held"] is None
    assert job_counts(settings), "readers have the release before"


def test_a_catalog_that_does_not_answer_holds_nothing(settings: Settings) -> None:
    write_job(export(settings), objects=12)
    extraction.extract(settings, "labeling_output", Window(), lambda service: None)
    build_id = pipeline.prepare_build(settings)
    assert build_id
    away = settings.model_copy(update={"catalog_uri": "postgresql+psycopg2://lake:secret@127.0.0.1:1/lake"})
    with pytest.raises(LakeUnavailableError, match="the catalog cannot be opened") as caught:
        pipeline.check_inputs(away, build_id)
    assert "secret" not in str(caught.value)
    assert build.read_build(settings.lake, build_id).state == "prepared"
    pipeline.check_inputs(settings, build_id)
    assert build.read_build(settings.lake, build_id).state == "inputs_passed"
