"""The units of Ground Truth's output: which objects they are, when, and which are copies of another."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labelhouse.sources import Unit, Window, all_sources
from labelhouse.sources.labeling_output import SOURCE
from labeling_units import IDENTITIES, MANIFEST, RESPONSE, UNIT_AT, parse

UNITS = [
    "Birds/annotations/worker-response/iteration-1/0/2019-04-18_16:13:05.json",
    "Birds/annotations/worker-response/iteration-2/0/2019-04-18_16:13:05.json.gz",
    "Birds/manifests/output/output.manifest",
    "team/2024/Cats/annotations/worker-response/iteration-1/12/2024-01-02_03:04:05.json",
    "team/2024/Cats/manifests/output/output.manifest.gz",
]
OTHERS = [
    "Birds/annotations/consolidated-annotation/consolidation-request/iteration-1/2019-04-18_16:13:05.json",
    "Birds/annotations/consolidated-annotation/output/0/SeqLabel.json",
    "Birds/annotations/intermediate/1/annotations.manifest",
    "Birds/annotations/worker-response/iteration-1/0/2019-04-18_16:13:05.json.bak",
    "Birds/annotations/worker-response/iteration-1/0/ab12/frame_0001.jpeg.json",
    "Birds/annotations/worker-response/iteration-1/ab12/frame_0001.jpeg.json",
    "Birds/annotations/worker-response/iteration-one/0/2019-04-18_16:13:05.json",
    "Birds/manifests/intermediate/1/output.manifest",
    "Birds/manifests/output/output.manifest.old",
    "Birds/manifests/output/x/output.manifest",
    "output.manifest",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in UNITS + OTHERS:
        path = tmp_path / "jobs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "jobs"


def names(uri: Path) -> list[str]:
    return [unit.uri.rpartition("/jobs/")[2] for unit in SOURCE.list_units(str(uri), {}.__getitem__, Window())]


def test_manifests_and_responses_of_every_job_are_units_and_nothing_else_is(folder: Path) -> None:
    assert names(folder) == UNITS


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("Birds", UNITS[:3]),
        ("Birds/manifests/output", UNITS[2:3]),
        ("Birds/annotations/worker-response/iteration-2/0", UNITS[1:2]),
        ("team", UNITS[3:]),
        ("../jobs", UNITS),
        ("..", UNITS),
    ],
)
def test_the_folder_may_be_a_jobs_own_or_any_level_above_or_below(
    folder: Path, below: str, expected: list[str]
) -> None:
    assert names(folder / below) == expected


def test_units_are_at_the_time_in_their_name_else_at_their_last_modification(folder: Path) -> None:
    at = {
        unit.uri.rpartition("/")[2]: unit.unit_at
        for unit in SOURCE.list_units(str(folder / "Birds"), {}.__getitem__, Window())
    }
    assert at["2019-04-18_16:13:05.json"] == datetime(2019, 4, 18, 16, 13, 5, tzinfo=UTC)
    modified = (folder / UNITS[2]).stat().st_mtime
    assert at["output.manifest"] == datetime.fromtimestamp(modified, UTC)


def test_digits_that_are_no_time_are_no_time(tmp_path: Path) -> None:
    path = tmp_path / "J/annotations/worker-response/iteration-1/0/2019-13-45_99:99:99.json"
    path.parent.mkdir(parents=True)
    path.touch()
    (unit,) = SOURCE.list_units(str(tmp_path), {}.__getitem__, Window())
    assert unit.unit_at == datetime.fromtimestamp(path.stat().st_mtime, UTC)


@pytest.mark.parametrize(
    ("job", "object_id"),
    [("设备 Job", "17"), ("..", ".."), ("a\nb", "o:1"), ("s3:", "%2F"), ("'; drop table x; --", "<b>")],
)
def test_names_in_keys_are_data(job: str, object_id: str) -> None:
    uri = f"s3://b/../{job}/annotations/worker-response/iteration-1/{object_id}/2024-05-06_07:08:09.json"
    (row,) = parse(b'{"answerContent": {}}', uri).answers
    assert (row["labeling_job_name"], row["dataset_object_id"], row["iteration_number"]) == (job, object_id, 1)


def test_local_names_are_decoded() -> None:
    uri = "file:///x/Job%20%C3%A9%FF/annotations/worker-response/iteration-1/0/2024-05-06_07:08:09.json"
    (row,) = parse(b'{"answerContent": {}}', uri).answers
    assert row["labeling_job_name"] == "Job é\ufffd"


def test_an_address_in_a_key_becomes_a_pseudonym() -> None:
    uri = RESPONSE.replace("Pets", "job-of-ada@example.com")
    (row,) = parse(b'{"answerContent": {}}', uri).answers
    assert row["labeling_job_name"] == IDENTITIES.pseudonym("job-of-ada@example.com")


@pytest.mark.parametrize("uri", [MANIFEST, RESPONSE])
def test_copies_are_of_the_same_job_wherever_they_are(uri: str) -> None:
    tail = uri.partition("/Pets/")[2]
    for folder in ("s3://other/copy/Pets", "file:///a%20copy/Pets", "s3://b/pETS"):
        assert SOURCE.same_content(f"{folder}/{tail}") == SOURCE.same_content(uri)
    for folder in ("s3://bucket/out/Pets-chained", "s3://bucket/Pets/out"):
        assert SOURCE.same_content(f"{folder}/{tail}") != SOURCE.same_content(uri)


def test_a_copy_of_an_answer_is_for_the_same_object_and_iteration() -> None:
    same = SOURCE.same_content(RESPONSE)
    assert SOURCE.same_content(RESPONSE.replace("/17/", "/18/")) != same
    assert SOURCE.same_content(RESPONSE.replace("iteration-2", "iteration-1")) != same


def test_another_object_is_refused() -> None:
    with pytest.raises(ValueError, match="not a unit of labeling_output: 's3://b/k'"):
        list(SOURCE.parse([(Unit("s3://b/k", "v", UNIT_AT, 0), b"{}")], IDENTITIES))


def test_the_source_is_found_by_its_name() -> None:
    assert all_sources()["labeling_output"] is SOURCE


def test_describing_sources_imports_nothing_heavy() -> None:
    """DAG files do it whenever they are parsed."""
    code = (
        "import sys; from labelhouse.sources import all_sources; all_sources(); "
        "heavy = {'pyarrow', 'pyiceberg', 'boto3', 'botocore', 'airflow', 'duckdb', 'pydantic', 'pandas'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2] / "plugins", check=True)
