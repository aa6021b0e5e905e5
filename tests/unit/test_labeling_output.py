"""The units of Ground Truth's output: which objects they are, when, and which are copies of another."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labelhouse.sources import Unit, Window, all_sources
from labelhouse.sources.labeling.places import known_place_of
from labelhouse.sources.labeling_output import SOURCE
from labeling_units import IDENTITIES, MANIFEST, MASK, POINT_LABELS, RESPONSE, SEQUENCE, UNIT_AT, parse

OUTPUT = "annotations/consolidated-annotation/output"
UNITS = [
    f"Birds/{OUTPUT}/0/SeqLabel.json",
    f"Birds/{OUTPUT}/0_2022-09-09T17:25:31.918770.png",
    f"Birds/{OUTPUT}/1/frame.zlib",
    f"Birds/{OUTPUT}/2/SeqLabel.json.gz",
    "Birds/annotations/worker-response/iteration-1/0/2019-04-18_16:13:05.json",
    "Birds/annotations/worker-response/iteration-1/0/ab12/frame_0001.jpeg.json",
    "Birds/annotations/worker-response/iteration-2/0/2019-04-18_16:13:05.json.gz",
    "Birds/manifests/output/output.manifest",
    "team/2024/Cats/annotations/worker-response/iteration-1/12/2024-01-02_03:04:05.json",
    "team/2024/Cats/manifests/output/output.manifest.gz",
]
OTHERS = [
    "Birds/annotations/consolidated-annotation/consolidation-request/iteration-1/2019-04-18_16:13:05.json",
    "Birds/annotations/consolidated-annotation/consolidation-request/mask.png",
    f"Birds/{OUTPUT}/0/x/SeqLabel.json",
    f"Birds/{OUTPUT}/0/frame_0001.jpeg",
    f"Birds/{OUTPUT}/0/mask.png.bak",
    f"Birds/{OUTPUT}/0/seqlabel.json",
    f"Birds/{OUTPUT}/SeqLabel.json",
    "Birds/annotations/intermediate/1/annotations.manifest",
    "Birds/annotations/intermediate/1/mask.png",
    "Birds/annotations/worker-response/iteration-1/0/2019-04-18_16:13:05.json.bak",
    "Birds/annotations/worker-response/iteration-1/0/ab12/frames.json",
    "Birds/annotations/worker-response/iteration-1/ab12/frame_0001.jpeg.json",
    "Birds/annotations/worker-response/iteration-1/ab12/mask.png",
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


def test_what_holds_labels_of_every_job_is_a_unit_and_nothing_else_is(folder: Path) -> None:
    assert names(folder) == UNITS


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("Birds", UNITS[:8]),
        ("Birds/manifests/output", UNITS[7:8]),
        ("Birds/annotations/worker-response/iteration-2/0", UNITS[6:7]),
        (f"Birds/{OUTPUT}/0", UNITS[:1]),
        ("team", UNITS[8:]),
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
    assert at["0_2022-09-09T17:25:31.918770.png"] == datetime(2022, 9, 9, 17, 25, 31, 918770, tzinfo=UTC)
    modified = (folder / UNITS[7]).stat().st_mtime
    assert at["output.manifest"] == datetime.fromtimestamp(modified, UTC)


@pytest.mark.parametrize(
    "name",
    [
        "annotations/worker-response/iteration-1/0/2019-13-45_99:99:99.json",
        f"{OUTPUT}/0_2019-13-45T99:99:99.png",
        f"{OUTPUT}/0_2019-02-29T01:02:03.1.png",
    ],
)
def test_digits_that_are_no_time_are_no_time(tmp_path: Path, name: str) -> None:
    path = tmp_path / "J" / name
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


@pytest.mark.parametrize(
    ("path", "object_id"),
    [
        ("0_2022-09-09T17:25:31.918770.png", "0"),
        ("a_b_2022-09-09T17:25:31.png", "a_b"),
        ("17.png", "17"),
        ("17/mask.png", "17"),
        ("17/deeper/0_2022-09-09T17:25:31.png", "17"),
        ("设备 \u200b/x.zlib", "设备 \u200b"),
        ("../../x.png", ".."),
        ("17/SeqLabel.json", "17"),
        ("o:1/SeqLabel.json.gz", "o:1"),
        ("a\nb/SeqLabel.json", "a\nb"),
        ("<b>' or 1=1 --/SeqLabel.json", "<b>' or 1=1 --"),
    ],
)
def test_whose_label_a_file_is(path: str, object_id: str) -> None:
    place = known_place_of(f"s3://b/x/A Job/{OUTPUT}/{path}")
    assert (place.job_name, place.dataset_object_id) == ("A Job", object_id)


@pytest.mark.parametrize("uri", [MANIFEST, RESPONSE, SEQUENCE, MASK, POINT_LABELS])
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


def test_alike_masks_of_two_objects_are_no_copies() -> None:
    assert SOURCE.same_content(MASK) != SOURCE.same_content(MASK.replace("/17_", "/18_"))
    assert SOURCE.same_content(SEQUENCE) != SOURCE.same_content(SEQUENCE.replace("/17/", "/18/"))


def test_another_object_is_refused() -> None:
    with pytest.raises(ValueError, match="not a unit of labeling_output: 's3://b/k'"):
        list(SOURCE.parse([(Unit("s3://b/k", "v", UNIT_AT, 0), b"{}")], IDENTITIES))


def test_the_source_is_found_by_its_name() -> None:
    assert all_sources()["labeling_output"] is SOURCE


def test_describing_sources_imports_nothing_heavy() -> None:
    """DAG files do it whenever they are parsed."""
    code = (
        "import sys; from labelhouse.sources import all_sources; all_sources(); "
        "heavy = {'pyarrow', 'pyiceberg', 'boto3', 'botocore', 'airflow', 'duckdb', 'pydantic', 'pandas', 'PIL'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2] / "plugins", check=True)
