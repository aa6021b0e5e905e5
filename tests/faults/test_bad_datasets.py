"""Seeded operations through the gate of the inputs: those that went bad are all withheld, sound ones all published.

Twenty of each; every bad one is bad in a way of its own, and the hold names the table it is in.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from checked_build import CANARY
from labelhouse.checks import CheckResult, holds, run_suite
from labelhouse.settings import Settings, SourceSettings, load_settings
from seeded_builds import TABLES, Operation, seeded_build

NEW = "where event_at >= (select max(day_start_at) from changed.days)"
MANIFEST = "(select min(unit_uri) from raw.manifest_entries)"
REWRITTEN = (
    "insert into raw.ingest_ledger select * replace ('v2' as unit_version, loaded_at + interval '1 day' as loaded_at, "
)
OF_MANIFEST = f") from raw.ingest_ledger where unit_uri = {MANIFEST}"
BOXES = Operation(days=10, has_labels=False)

#: What happened · in which operation · what it did to the build · the table that is named.
BAD = {
    "answers were delivered twice": (
        Operation(),
        f"insert into raw.worker_responses from raw.worker_responses {NEW}",
        "worker_responses",
    ),
    "a loop delivers the same again and again under new names": (
        Operation(per_day=300),
        f"insert into raw.worker_responses select worker_responses.* replace (unit_uri || i as unit_uri) "
        f"from raw.worker_responses, range(100) as copies (i) {NEW}",
        "worker_responses",
    ),
    "answers have no worker any more": (
        Operation(per_day=120),
        f"update raw.worker_responses set worker_id = null, worker_pseudonym = null {NEW}",
        "worker_responses",
    ),
    "labels change their type and are not understood": (
        Operation(),
        f"update raw.worker_responses set label = null, answer_json = '[]' {NEW}",
        "worker_responses",
    ),
    "times are read in seconds instead of milliseconds": (
        Operation(days=1),
        "update raw.worker_responses set event_at = '1970-01-20 08:00:00+00'; "
        "insert into changed.days values ('1970-01-20 00:00:00+00')",
        "worker_responses",
    ),
    "times are read in another zone": (
        Operation(),
        f"update raw.worker_responses set accepted_at = submitted_at + interval '5 hours' {NEW}",
        "worker_responses",
    ),
    "a task takes negative time": (
        Operation(),
        f"update raw.worker_responses set time_spent_seconds = -20 {NEW}",
        "worker_responses",
    ),
    "an e-mail address stands for a worker": (
        Operation(),
        f"update raw.worker_responses set worker_id = '{CANARY}' {NEW}",
        "worker_responses",
    ),
    "the classes of a manifest are gone": (
        Operation(),
        f"update raw.manifest_entries set label = null, label_json = '[]' {NEW}",
        "manifest_entries",
    ),
    "confidence is given in per cent": (
        Operation(),
        f"update raw.manifest_entries set confidence_ratio = 90 {NEW}",
        "manifest_entries",
    ),
    "boxes are given as corners": (
        BOXES,
        "update raw.annotations set width_px = 15",
        "annotations",
    ),
    "a manifest was rewritten with fewer labels": (
        Operation(),
        REWRITTEN + "records_loaded - 9 as records_loaded, 9 as records_filtered" + OF_MANIFEST,
        "ingest_ledger",
    ),
    "a tenth of a source is in quarantine": (
        Operation(),
        "update raw.ingest_ledger set records_read = records_read + 600, records_quarantined = 600 "
        f"where unit_uri = {MANIFEST}",
        "ingest_ledger",
    ),
    "records are not accounted for": (
        Operation(),
        f"update raw.ingest_ledger set records_read = records_read + 1 where unit_uri = {MANIFEST}",
        "ingest_ledger",
    ),
    "what was in quarantine is gone": (
        Operation(),
        "update raw.ingest_ledger set records_read = records_read + 1, records_quarantined = 1 "
        f"where unit_uri = {MANIFEST}",
        "quarantine",
    ),
    "the log renamed a field": (
        Operation(per_day=120),
        f"update raw.worker_events set accepted_at = null, other_json = '{{\"accepted\": 1}}' {NEW}",
        "worker_events",
    ),
    "the log says nothing of what happened": (
        Operation(),
        f"update raw.worker_events set event_type = '' {NEW}",
        "worker_events",
    ),
    "NaN reached the lake": (
        Operation(),
        f"update raw.training_metrics set metric_value = 'nan', value_flag = null {NEW}",
        "training_metrics",
    ),
    "calls are no JSON": (
        Operation(),
        "update raw.management_events set request_json = '{' || request_json",
        "management_events",
    ),
    "a column is missing in the lake": (
        Operation(),
        "alter table raw.workers drop column is_enabled; create or replace view changed.workers as from raw.workers",
        "workers",
    ),
}
#: What an operation may be like, and is sound all the same · what happened to it.
GOOD = {
    "the first load, of one day": (Operation(days=1, changed_days=None), ""),
    "the first load, of six weeks": (Operation(changed_days=None), ""),
    "a day on top of six weeks": (Operation(), ""),
    "a week on top of six weeks": (Operation(changed_days=7), ""),
    "growth by a third every week": (Operation(growth=1.33), ""),
    "work that dies down": (Operation(growth=0.7), ""),
    "free weekends": (Operation(weekend=0.0, changed_days=7), ""),
    "little work, by chance": (Operation(per_day=2, spread=0.8, changed_days=14), ""),
    "much work": (Operation(days=30, per_day=2000, changed_days=1), ""),
    "days that differ a lot": (Operation(spread=0.7, changed_days=7), ""),
    "days without work": (Operation(idle_days=(0, 3, 4, 11), changed_days=14), ""),
    "answers alone": (Operation(sources=("labeling_output",)), ""),
    "the log alone": (Operation(sources=("worker_activity",)), ""),
    "training alone": (Operation(sources=("cloudtrail",)), ""),
    "people and teams, and nobody works": (Operation(per_day=0, sources=("workteams", "workers")), ""),
    "a public workforce": (Operation(is_public=True, sources=("labeling_output", "labeling_jobs")), ""),
    "one worker, one job, at night": (Operation(workers=1, jobs=("solo",), hour=20, changed_days=3), ""),
    "many workers, boxes": (Operation(workers=300, per_day=400, days=9, has_labels=False, changed_days=None), ""),
    "names that look like HTML, and other alphabets": (
        Operation(jobs=("<script>alert(1)</script>", "Τετράποδα 🐕", "\u202egnp.exe", "a'; drop table--")),
        "",
    ),
    "a few records in quarantine, a manifest that grew, late events": (
        Operation(changed_days=20),
        REWRITTEN + "records_loaded + 9 as records_loaded, records_read + 10 as records_read, 1 as records_quarantined"
        f"{OF_MANIFEST}; "
        "insert into raw.quarantine by name select unit_uri, unit_version, '7' as position, loaded_at, source_name, "
        "'not JSON' as reason from raw.ingest_ledger where unit_version = 'v2'",
    ),
}


def gate(operation: Operation, deed: str, seed: int, folder: Path) -> list[CheckResult]:
    """What the shipped checks of the inputs say of an operation to which something happened."""
    sources = {name: SourceSettings.model_validate(f"s3://b/{name}") for name in operation.sources}
    settings: Settings = load_settings({}, lake=folder / "lake", sources=sources)
    with seeded_build(operation, seed) as build:
        build.execute(deed)
        results = run_suite(build, "inputs", settings)
    assert CANARY not in repr(results)
    return results


@pytest.mark.parametrize("name", BAD)
def test_a_bad_dataset_is_withheld(name: str, tmp_path: Path) -> None:
    operation, deed, table = BAD[name]
    held = holds(gate(operation, deed, seed=list(BAD).index(name), folder=tmp_path))
    assert table in {result.table_name for result in held}
    assert all(result.what_to_do and result.finding for result in held)
    assert all(result.verdict == "not_met" for result in held), "withheld for what it is, not for a crash"


@pytest.mark.parametrize("name", GOOD)
def test_a_good_dataset_is_published(name: str, tmp_path: Path) -> None:
    operation, deed = GOOD[name]
    results = gate(operation, deed, seed=100 + list(GOOD).index(name), folder=tmp_path)
    assert [f"{each.table_name}: {each.sentence} {each.finding}" for each in holds(results)] == []


def test_there_are_twenty_of_each() -> None:
    assert (len(BAD), len(GOOD)) == (20, 20)
    assert set(TABLES) == set(Operation().sources)
