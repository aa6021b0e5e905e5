"""The whole job without Airflow: what is published is what was delivered, however it was delivered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labelhouse import extraction, pipeline
from labelhouse.errors import LakeError
from labelhouse.identities import Identities
from labelhouse.marts.build import read_build
from labelhouse.marts.read import query, query_lake
from labelhouse.marts.releases import Release, current_release, read_release
from labelhouse.marts.status import read_status
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Unit, Window, source_named
from labelhouse.sources.parsed import Parsed
from sample_job import EMAIL, START, SUB, write_job


def no_clients(service: str) -> Any:
    raise AssertionError(f"a local folder needs no client of {service}")


def at(folder: Path, **changes: Any) -> Settings:
    defaults = {"lake": folder / "lake", "sources": {"labeling_output": str(folder / "export")}}
    return load_settings({}, **(defaults | {"own_pseudonym_key": True} | changes))


def run(settings: Settings) -> pipeline.RunResult:
    return pipeline.run(settings, settings.sources, no_clients)


def marts(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    release = current_release(settings.lake)
    assert release
    return {name: query(release, f"select * from {name} order by all").to_pylist() for name in release.marts}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A small published lake that tests only read: its dates are Kolkata's, and one answer is cut off."""
    folder = tmp_path_factory.mktemp("published")
    job = write_job(folder / "export")
    (job / "annotations/worker-response/iteration-1/0/2026-03-01_10:00:00.json").write_text(
        '{"answers": [{"workerMetadata": {"identityData": {"sub": "' + SUB.format(7) + '", "email": "' + EMAIL.format(7)
    )
    settings = at(folder, reporting_time_zone="Asia/Kolkata")
    assert run(settings).release_id == "000001"
    return settings


def test_real_jobs_are_published_whole(tmp_path: Path, real_data: Path) -> None:
    settings = at(tmp_path, sources={"labeling_output": str(real_data / "labeling-output")})
    result = run(settings)
    assert (result.loaded.records_read, result.loaded.records_loaded) == (1812 + 300, 1812 + 300)
    (facts,) = query_lake(
        settings,
        """
        select
            count(*) as answers,
            count(distinct worker_id) as workers,
            count(distinct dataset_object_id) as objects,
            count(distinct iteration_number) as iterations,
            count(accepted_at) + count(time_spent_seconds) + count(worker_pseudonym) as not_captured
        from fct_worker_response
        """,
    ).to_pylist()
    assert facts == {"answers": 1510, "workers": 97, "objects": 302, "iterations": 2, "not_captured": 0}
    assert query_lake(settings, "select count(*) as n from fct_dataset_object where consolidated_label is not null")[
        "n"
    ].to_pylist() == [302]
    assert query_lake(settings, "select count(time_spent_seconds) as n from fct_worker_job")["n"].to_pylist() == [0]
    (video,) = query_lake(
        settings,
        """
        select count(*) as boxes, count(distinct object_id) as things, (select count(*) from fct_frame) as frames
        from fct_annotation where geometry_type = 'box' and is_current
        """,
    ).to_pylist()
    assert video == {"boxes": 890, "things": 3, "frames": 300}


def test_nothing_new_publishes_nothing(published: Settings) -> None:
    before = marts(published)
    again = run(published)
    assert (again.release_id, again.loaded) == (None, extraction.LoadSummary())
    assert marts(published) == before


def test_growing_by_days_ends_like_loading_at_once(tmp_path: Path) -> None:
    """Changed days and changed labels of unchanged days reach every mart; names no build touches stay."""
    grown, whole = at(tmp_path / "grown"), at(tmp_path / "whole")
    write_job(tmp_path / "grown/export", objects=30, labeled=2)
    run(grown)
    write_job(tmp_path / "grown/export", objects=30, labeled=20)
    write_job(tmp_path / "grown/export", name="Another", objects=5)
    run(grown)
    write_job(tmp_path / "whole/export", objects=30, labeled=20)
    write_job(tmp_path / "whole/export", name="Another", objects=5)
    run(whole)
    of_loads = {"fct_source_freshness": []}  # it tells when what was loaded
    assert _without_ids(marts(grown) | of_loads) == _without_ids(marts(whole) | of_loads)
    newest = read_build(grown.lake, current_release(grown.lake).build_id)  # type: ignore[union-attr]
    assert newest.days is not None, "the second build looked at changed days only"


def _without_ids(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[Any]]:
    """Pseudonyms and ids made of URIs and keys differ between two lakes."""
    hidden = {"response_id", "task_id", "annotation_id", "frame_id"}

    def text(row: dict[str, Any]) -> str:
        shown = {column: value for column, value in row.items() if column not in hidden}
        return re.sub(r"\bp_[0-9a-f]{32}\b", "p_", str(shown))

    return {name: sorted(map(text, table)) for name, table in rows.items()}


def test_a_window_loads_its_units_only(tmp_path: Path) -> None:
    write_job(tmp_path / "export", objects=10)
    settings = at(tmp_path)
    window = Window(START, START.replace(hour=23, minute=30))
    summary = extraction.extract(settings, "labeling_output", window, no_clients)
    assert summary.unit_count == 2, "the answers of 22:00 and 23:00; the manifest was written today"
    rest = extraction.extract(settings, "labeling_output", Window(), no_clients)
    assert rest.unit_count == 9


def test_quarantine_is_replayed_after_a_parser_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = write_job(tmp_path / "export", objects=3)
    odd = job / "annotations/worker-response/iteration-1/0/2026-03-01_10:00:00.json"
    odd.write_text("{broken")
    settings = at(tmp_path)
    first = extraction.extract(settings, "labeling_output", Window(), no_clients)
    assert (first.records_quarantined, first.records_loaded) == (1, 12)

    real = source_named("labeling_output")

    answer = b'{"answers": [{"workerId": "w", "answerContent": {"crowd-image-classifier": {"label": "cat"}}}]}'

    def fixed(units: Iterable[tuple[Unit, bytes]], identities: Identities) -> Iterator[tuple[Unit, Parsed]]:
        return real.parse(((unit, answer if data == b"{broken" else data) for unit, data in units), identities)

    monkeypatch.setattr(extraction, "source_named", lambda name: replace(real, parse=fixed))
    again = extraction.extract(settings, "labeling_output", Window(), no_clients)
    assert again.unit_count == 0, "what is known is not read again by itself"
    replayed = extraction.extract(settings, "labeling_output", Window(), no_clients, replay_quarantined=True)
    assert (replayed.unit_count, replayed.records_loaded, replayed.records_quarantined) == (1, 1, 0)
    sql = "select (select count(*) from raw.worker_responses) as n, (select count(*) from raw.quarantine) as bad"
    assert query_lake(settings, sql).to_pylist() == [{"n": 10, "bad": 0}]


def test_a_window_is_half_open() -> None:
    window = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    assert datetime(2026, 1, 1, tzinfo=UTC) in window
    assert datetime(2026, 1, 2, tzinfo=UTC) not in window
    assert datetime(1990, 1, 1, tzinfo=UTC) in Window()


def test_plans_have_at_most_two_hundred_batches(tmp_path: Path) -> None:
    write_job(tmp_path / "export", objects=450)
    planned = extraction.plan(at(tmp_path, units_per_batch=1), "labeling_output", Window(), no_clients)
    assert (planned.unit_count, planned.batch_count) == (451, 151)


def test_the_reporting_time_zone_decides_the_dates(published: Settings) -> None:
    dates = query_lake(published, "select distinct event_date from fct_worker_response")["event_date"].to_pylist()
    assert [str(day) for day in dates] == ["2026-03-02"], "22:00 UTC is the next day in Kolkata"


def test_old_releases_stay_readable_and_the_oldest_go(tmp_path: Path) -> None:
    settings = at(tmp_path, retained_releases=2)
    for objects in (3, 6, 9):
        write_job(tmp_path / "export", objects=objects)
        run(settings)
    status = read_status(settings.lake)
    assert status
    assert [each["release_id"] for each in status["releases"]] == ["000003", "000002"]
    older = read_release(settings.lake, "000002")
    assert query(older, "select count(*) as n from fct_worker_response")["n"].to_pylist() == [18]
    assert sorted(path.name for path in (settings.lake / "releases").glob("0*")) == ["000002", "000003"]


def test_no_identity_is_anywhere_in_the_lake(published: Settings) -> None:
    files = [path for path in published.lake.rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in files:
        content = path.read_bytes()
        assert b"canary" not in content, path
    rows = query_lake(published, "select answer_json || ' ' || worker_pseudonym as t from raw.worker_responses")
    text = " ".join(rows["t"].to_pylist())
    assert "p_" in text
    assert "canary" not in text


@pytest.mark.parametrize(
    "sql",
    [
        "drop table fct_worker_job",
        "copy (select 1) to '/tmp/x.csv'",
        "explain analyze copy (select 1) to '/tmp/x.csv'",
        "select 1; select 2",
        "attach '/tmp/x.db'",
        "set memory_limit = '1TB'",
        "select * from read_text('/etc/hostname')",
        "select * from read_csv('/etc/passwd')",
        "",
    ],
)
def test_readers_can_only_read_the_release(published: Settings, sql: str) -> None:
    release = current_release(published.lake)
    assert release
    for ask in (lambda: query(release, sql), lambda: query_lake(published, sql)):
        with pytest.raises(LakeError) as caught:
            ask()
        assert "\n" not in str(caught.value)


def test_a_query_that_takes_too_long_is_interrupted(published: Settings) -> None:
    release = current_release(published.lake)
    assert release
    with pytest.raises(LakeError, match="too long"):
        query(release, "select count(*) from range(1000000) a, range(1000000) b", timeout_seconds=0.3)


def test_parameters_are_data(published: Settings) -> None:
    release = current_release(published.lake)
    assert release
    found = query(release, "select * from fct_worker_job where labeling_job_name = $job", {"job": "' or 1=1 --"})
    assert found.num_rows == 0


def test_a_damaged_serving_file_is_one_sentence(tmp_path: Path) -> None:
    release = Release("000009", "b", "2026-01-01", {}, "", {}, None, tmp_path / "releases" / "000009")
    release.folder.mkdir(parents=True)
    release.serving_path.write_bytes(b"no database")
    with pytest.raises(LakeError, match="release 000009: the serving file cannot be opened"):
        query(release, "select 1")
