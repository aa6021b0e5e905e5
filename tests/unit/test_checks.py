"""The expectations that ship: what passes them, and for each of them what does not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from checked_activity import BAD_ACTIVITY_INPUTS
from checked_annotations import BAD_ANNOTATION_MARTS
from checked_build import CANARY, MARTS, fill, open_build
from checked_cloudwatch import BAD_CLOUDWATCH_INPUTS, fill_cloudwatch
from checked_control_plane import BAD_CONTROL_PLANE_INPUTS
from checked_labels import BAD_LABEL_INPUTS, BAD_LABEL_MARTS
from checked_trailing import BAD_TRAILING_INPUTS, SOURCES, fill_ledger
from checked_training import BAD_TRAINING_INPUTS, BAD_TRAINING_MARTS, fill_training
from checked_training_sources import BAD_TRAINING_SOURCES
from checked_workforce import BAD_WORKFORCE_MARTS
from labelhouse.checks import EXPECTATIONS_DIR, CheckResult, SuiteName, holds, run_suite
from labelhouse.checks.suites import suite_files
from labelhouse.schema.tables import TABLES
from labelhouse.settings import Settings, SourceSettings


@pytest.fixture
def build() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_build() as connection:
        fill(connection)
        fill_training(connection)
        fill_cloudwatch(connection)
        fill_ledger(connection)
        yield connection


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Of a deployment that reads every source, and so verifies its trails."""
    sources = {name: SourceSettings.model_validate(uri) for name, uri in SOURCES.items()}
    return settings.model_copy(update={"sources": sources})


def failed(results: list[CheckResult]) -> dict[str, CheckResult]:
    """The failing ones by their sentence; none of them may be a crash."""
    assert [result.error for result in results if result.error] == []
    return {result.sentence: result for result in results if result.verdict == "not_met"}


def test_every_table_has_its_file_and_every_file_its_table() -> None:
    assert suite_files(EXPECTATIONS_DIR / "inputs").keys() == {
        name for name, table in TABLES.items() if not table.is_history
    }
    assert suite_files(EXPECTATIONS_DIR / "marts").keys() == MARTS.keys()


@pytest.mark.parametrize("suite", ["inputs", "marts"])
def test_a_sound_build_passes(build: duckdb.DuckDBPyConnection, suite: SuiteName, settings: Settings) -> None:
    results = run_suite(build, suite, settings)
    assert failed(results) == {}
    assert {result.table_name for result in results} == suite_files(EXPECTATIONS_DIR / suite).keys()
    assert all(result.suite == suite and result.what_to_do and "{" not in result.sentence for result in results)
    assert len({(result.table_name, result.sentence) for result in results}) == len(results)


@pytest.mark.parametrize("suite", ["inputs", "marts"])
def test_nothing_is_no_fault(suite: SuiteName, settings: Settings) -> None:
    """A source may have brought nothing; every column that a check names exists all the same."""
    with open_build() as build:
        fill_ledger(build)
        assert failed(run_suite(build, suite, settings)) == {}


@pytest.mark.parametrize("suite", ["inputs", "marts"])
def test_a_build_file_opened_read_only_will_do(suite: SuiteName, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "build.duckdb"
    with open_build() as build:
        fill(build)
        fill_training(build)
        fill_ledger(build)
        build.execute(f"attach '{path}' as file; copy from database memory to file; detach file")
    with duckdb.connect(str(path), read_only=True) as build:
        assert failed(run_suite(build, suite, settings)) == {}
        assert build.sql("select count(*) from duckdb_tables() where temporary").fetchall() == [(0,)]


ANSWERS, ENTRIES, LEDGER, QUARANTINE = "worker_responses", "manifest_entries", "ingest_ledger", "quarantine"
QUARANTINED = """
    insert into raw.quarantine by name
    select unit_uri, unit_version, i::varchar as position, loaded_at, unit_at as event_at, source_name,
        'not JSON' as reason, sha256 as raw_sha256, 1 as raw_size_bytes, '{{'::blob as raw_bytes, true as is_encrypted
    from raw.ingest_ledger, range({0}) as records (i)
    where unit_uri like '%.manifest';
    update raw.ingest_ledger set records_quarantined = {0}, records_read = records_read + {0}
    where unit_uri like '%.manifest';
"""
REWRITTEN = """
    insert into raw.ingest_ledger
    select * replace ('v2' as unit_version, loaded_at + interval '1 hour' as loaded_at,
        records_loaded - 1 as records_loaded, records_filtered + 1 as records_filtered)
    from raw.ingest_ledger
    where unit_uri like '%.manifest';
"""

#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_INPUTS = [
    *BAD_ACTIVITY_INPUTS,
    *BAD_CLOUDWATCH_INPUTS,
    *BAD_CONTROL_PLANE_INPUTS,
    *BAD_LABEL_INPUTS,
    *BAD_TRAILING_INPUTS,
    ("alter table raw.ingest_ledger add column extra int", LEDGER, "hold", "The ledger has exactly"),
    (
        "alter table raw.quarantine drop column is_encrypted; "
        "create or replace view changed.quarantine as from raw.quarantine",
        QUARANTINE,
        "hold",
        "Quarantine has exactly",
    ),
    ("insert into raw.worker_responses from raw.worker_responses limit 1", ANSWERS, "hold", "No answer is in the lake"),
    ("update raw.worker_responses set labeling_job_name = null", ANSWERS, "hold", "Every answer belongs to a job"),
    ("update raw.worker_responses set dataset_object_id = ''", ANSWERS, "hold", "Every answer names its dataset"),
    ("update raw.worker_responses set iteration_number = 0", ANSWERS, "hold", "Iterations are counted from 1"),
    ("update raw.worker_responses set workforce_type = 'robots'", ANSWERS, "hold", "A worker is of a public"),
    ("update raw.worker_responses set identity_provider = 'Okta'", ANSWERS, "warn", "A worker's identity comes"),
    ("update raw.worker_responses set time_spent_seconds = -1", ANSWERS, "hold", "No worker spends a negative"),
    ("update raw.worker_responses set time_spent_seconds = 86401", ANSWERS, "warn", "No worker spends more than a day"),
    (
        "update raw.worker_responses set accepted_at = event_at + interval '1 second' where dataset_object_id = '7'",
        ANSWERS,
        "warn",
        "submitted_after_accepted: ",
    ),
    (
        "update raw.worker_responses set accepted_at = submitted_at + interval '1 hour'",
        ANSWERS,
        "hold",
        "submitted_after_accepted holds for",
    ),
    (
        "update raw.worker_responses set event_at = '2099-01-01' where dataset_object_id = '7'",
        ANSWERS,
        "warn",
        "No answer was given in the future",
    ),
    (
        "update raw.worker_responses set event_at = '1970-01-20' where dataset_object_id = '7'",
        ANSWERS,
        "warn",
        "Answers were given since",
    ),
    ("update raw.worker_responses set event_at = '1970-01-20'", ANSWERS, "hold", "At least 95% of the answers were"),
    (f"update raw.worker_responses set worker_pseudonym = '{CANARY}'", ANSWERS, "hold", "A worker's identity is in"),
    (f"update raw.worker_responses set worker_id = '{CANARY}'", ANSWERS, "hold", "No worker id is an e-mail"),
    (
        "insert into raw.worker_responses select * replace ('9' as position) from raw.worker_responses limit 1",
        ANSWERS,
        "warn",
        "A worker answers an object once",
    ),
    ("delete from raw.manifest_entries", ANSWERS, "warn", "Every job with answers has an output manifest"),
    (
        "update raw.worker_responses set worker_id = null, worker_pseudonym = null where dataset_object_id = '7'",
        ANSWERS,
        "warn",
        "Every answer names its worker",
    ),
    ("update raw.worker_responses set label = null", ANSWERS, "hold", "At least half of a job's image class"),
    ("insert into raw.manifest_entries from raw.manifest_entries limit 1", ENTRIES, "hold", "No manifest entry is in"),
    ("update raw.manifest_entries set labeling_job_name = null", ENTRIES, "hold", "Every label belongs to a job"),
    ("update raw.manifest_entries set label_attribute_name = ''", ENTRIES, "hold", "Every label has an attribute"),
    ("update raw.manifest_entries set confidence_ratio = 1.01", ENTRIES, "hold", "No confidence is above"),
    ("update raw.manifest_entries set confidence_ratio = -0.01", ENTRIES, "hold", "No confidence is below"),
    (
        "update raw.manifest_entries set confidence_ratio = 'nan' where position = '1/pet'",
        ENTRIES,
        "hold",
        "No confidence is above",
    ),
    ("update raw.manifest_entries set task_type = 'a <b>'", ENTRIES, "warn", "Task types are Ground Truth's"),
    ("update raw.manifest_entries set labeled_at = '1970-01-20'", ENTRIES, "warn", "Labels were made since"),
    ("update raw.manifest_entries set labeled_at = '2099-01-01'", ENTRIES, "warn", "No label was made in the"),
    (
        "update raw.manifest_entries set is_failed = true, label = null where dataset_object_id < '5'",
        ENTRIES,
        "warn",
        "At most 20% of a job's objects",
    ),
    ("update raw.manifest_entries set label = null", ENTRIES, "hold", "At least half of a job's classified"),
    ("insert into raw.ingest_ledger from raw.ingest_ledger limit 1", LEDGER, "hold", "No load is in the ledger twice"),
    ("update raw.ingest_ledger set records_read = records_read + 1", LEDGER, "hold", "Records add up"),
    ("update raw.ingest_ledger set records_filtered = -1, records_read = 2", LEDGER, "hold", "No count of records"),
    ("update raw.ingest_ledger set unit_at = '2099-01-01'", LEDGER, "warn", "No unit was delivered in the"),
    ("update raw.ingest_ledger set unit_at = '1999-01-01'", LEDGER, "warn", "No unit was delivered before"),
    (QUARANTINED.format(20), LEDGER, "hold", "At most 5.0% of a source's records"),
    (QUARANTINED.format(1), LEDGER, "warn", "No record is in quarantine"),
    (REWRITTEN, LEDGER, "hold", "No labels were lost"),
    (QUARANTINED.format(1) + "insert into raw.quarantine from raw.quarantine", QUARANTINE, "hold", "No record is in"),
    (QUARANTINED.format(1) + "delete from raw.quarantine", QUARANTINE, "hold", "Nothing is lost"),
    (
        QUARANTINED.format(1) + "update raw.quarantine set reason = ''",
        QUARANTINE,
        "hold",
        "Every quarantined record has",
    ),
    *BAD_TRAINING_INPUTS,
    *BAD_TRAINING_SOURCES,
]
BAD_MARTS = [*BAD_TRAINING_MARTS, *BAD_WORKFORCE_MARTS, *BAD_ANNOTATION_MARTS, *BAD_LABEL_MARTS]


def run_one(
    build: duckdb.DuckDBPyConnection, suite: SuiteName, table: str, settings: Settings, folder: Path
) -> list[CheckResult]:
    """The results of one table's own file; the others' files are left out, for speed."""
    (folder / suite).mkdir()
    shutil.copy(EXPECTATIONS_DIR / suite / f"{table}.yaml", folder / suite)
    shutil.copy(EXPECTATIONS_DIR / "macros.sql", folder)
    results = run_suite(build, suite, settings, expectations_dir=folder)
    assert CANARY not in repr(results), "identities are in no part of any result"
    return [result for result in results if result.table_name == table]


def the_failing(results: list[CheckResult], sentence: str) -> CheckResult:
    (found,) = (result for result in results if result.sentence.startswith(sentence))
    assert not found.is_success
    assert found.error is None
    assert (found in holds(results)) == (found.severity == "hold")
    return found


@pytest.mark.parametrize(("deed", "table", "severity", "sentence"), BAD_INPUTS, ids=lambda value: str(value)[:60])
def test_bad_inputs_are_found(
    build: duckdb.DuckDBPyConnection,
    deed: str,
    table: str,
    severity: str,
    sentence: str,
    settings: Settings,
    tmp_path: Path,
) -> None:
    build.execute(deed)
    found = the_failing(run_one(build, "inputs", table, settings, tmp_path), sentence)
    assert found.severity == severity
    assert found.unexpected_count or found.expectation_type == "expect_table_columns_to_match_set"


@pytest.mark.parametrize(("deed", "table", "severity", "sentence"), BAD_MARTS, ids=lambda value: str(value)[:60])
def test_bad_marts_are_found(
    build: duckdb.DuckDBPyConnection,
    deed: str,
    table: str,
    severity: str,
    sentence: str,
    settings: Settings,
    tmp_path: Path,
) -> None:
    build.execute(deed)
    found = the_failing(run_one(build, "marts", table, settings, tmp_path), sentence)
    assert found.severity == severity
    assert found.unexpected_count


def test_every_shipped_check_has_been_seen_to_fail(build: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """But for a few that are written like others."""
    seen = {(table, sentence) for _, table, _, sentence in BAD_INPUTS + BAD_MARTS}
    results = [*run_suite(build, "inputs", settings), *run_suite(build, "marts", settings)]
    unseen = [
        f"{each.table_name}: {each.sentence}"
        for each in results
        if not any(each.table_name == table and each.sentence.startswith(start) for table, start in seen)
    ]
    assert unseen == [
        "annotations: Labels have exactly the columns that the schema names.",
        "cloudwatch_metrics: CloudWatch's metrics have exactly the columns that the schema names.",
        "endpoint_variants: Production variants have exactly the columns that the schema names.",
        "frames: Frames have exactly the columns that the schema names.",
        "ingest_ledger: At most 5.0% of what a source brought for the changed days is in quarantine.",
        "labeling_job_states: Changes of labelling jobs have exactly the columns that the schema names.",
        "labeling_jobs: Labelling jobs have exactly the columns that the schema names.",
        "management_events: Management events have exactly the columns that the schema names.",
        "manifest_entries: Manifest entries have exactly the columns that the schema names.",
        "mask_areas: Areas of masks have exactly the columns that the schema names.",
        "model_predictions: Predictions have exactly the columns that the schema names.",
        "trail_digests: Verified files have exactly the columns that the schema names.",
        "training_job_metrics: Final metrics have exactly the columns that the schema names.",
        "training_jobs: Training jobs have exactly the columns that the schema names.",
        "training_log_metrics: Metrics of training logs have exactly the columns that the schema names.",
        "training_metrics: Points of training metrics have exactly the columns that the schema names.",
        "trial_component_metrics: Metrics of trial components have exactly the columns that the schema names.",
        "trial_components: Trial components have exactly the columns that the schema names.",
        "worker_events: Lines of the worker log have exactly the columns that the schema names.",
        "worker_responses: Answers have exactly the columns that the schema names.",
        "workers: Workers have exactly the columns that the schema names.",
        "workteam_jobs: Jobs of work teams have exactly the columns that the schema names.",
        "workteams: Work teams have exactly the columns that the schema names.",
    ]


def test_what_came_lately_counts_for_itself(
    build: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path
) -> None:
    """A delivery that is in quarantine as a whole is not lost in the sum over a long history."""
    build.execute(QUARANTINED.format(5))
    build.execute(
        "update raw.ingest_ledger set records_read = records_read + 1000, records_loaded = records_loaded + 1000"
    )
    build.execute("update raw.ingest_ledger set unit_at = '2026-04-01', event_dates = [] where records_quarantined > 0")
    build.execute("update raw.ingest_ledger set records_read = 5, records_loaded = 0 where records_quarantined > 0")
    build.execute("create or replace view changed.days as select timestamptz '2026-04-01' as day_start_at")
    results = run_one(build, "inputs", LEDGER, settings, tmp_path)
    found = the_failing(results, "At most 5.0% of what a source brought")
    assert [result.sentence for result in holds(results)] == [found.sentence]
    assert found.observed_value == '[{"source_name": "labeling_output"}]'
    assert found.finding == f"Not met by 1 of {len(SOURCES)} rows: {found.observed_value}."


def test_files_that_are_not_verified_any_more_hold_nothing(
    build: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path
) -> None:
    """Where a file is gone for good, its deployment can stop to verify, and publish."""
    build.execute("update raw.trail_digests set status = 'missing'")
    not_verifying = settings.model_copy(update={"sources": {}})
    assert failed(run_one(build, "inputs", "trail_digests", not_verifying, tmp_path)) == {}
