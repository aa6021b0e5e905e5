"""`labelhouse` on the command line: exit codes, formats, and one sentence for what a user did wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from labelhouse.identities import load_identities
from labelhouse.identity_map import Directory, Person, names, remember_all
from labelhouse.lake.catalog import Lake
from labelhouse.settings import load_settings
from sample_job import write_job

LABELHOUSE = Path(sys.executable).with_name("labelhouse")


def labelhouse(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LABELHOUSE_", "AWS_"))}
    return subprocess.run(
        [LABELHOUSE, *arguments], env=inherited | environ, capture_output=True, text=True, check=False, timeout=300
    )


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2 and one sentence that holds all of `words`."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert done.stdout == ""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that `labelhouse run` published, twice, of two places."""
    folder = tmp_path_factory.mktemp("cli")
    write_job(folder / "export", name="=cmd|' calc'!A0", objects=4)
    write_job(folder / "more", name="more", objects=1)
    places = json.dumps([str(folder / "export"), str(folder / "more")])
    first = labelhouse("run", "--source", f"labeling_output={places}", "--lake", str(folder / "lake"))
    assert first.returncode == 0, first.stderr
    assert "Release 000001 is published: 20 records read = 20 loaded + 0 duplicate" in first.stdout
    assert [line.split(" ", 1)[1] for line in first.stderr.splitlines()] == [
        "load labeling_output",
        "prepare",
        "check inputs",
        "build marts",
        "check marts",
        "publish",
        "done",
    ], "plain lines where there is no terminal, and nothing else"
    second = labelhouse("run", "--source", f"labeling_output={places}", "--lake", str(folder / "lake"))
    assert second.returncode == 0, second.stderr
    assert "nothing changed" in second.stdout
    return folder / "lake"


def test_marts_by_bare_name_and_raw_tables(lake: Path) -> None:
    done = labelhouse(
        "query",
        "select count(*) as n, (select count(*) from raw.worker_responses) as raw_n from fct_worker_response",
        "--lake",
        str(lake),
        "--format",
        "json",
    )
    assert json.loads(done.stdout) == [{"n": 15, "raw_n": 15}]


def test_json_of_nothing_is_an_empty_list(lake: Path) -> None:
    done = labelhouse("query", "select 1 where false", "--lake", str(lake), "--format", "json")
    assert json.loads(done.stdout) == []


def test_csv_disarms_formulas_and_keeps_numbers(lake: Path) -> None:
    sql = "select labeling_job_name, -1.5 as minus, time_spent_seconds from fct_worker_job order by 1 limit 1"
    done = labelhouse("query", sql, "--lake", str(lake), "--format", "csv")
    names, (job, minus, seconds) = csv.reader(io.StringIO(done.stdout))
    assert names == ["labeling_job_name", "minus", "time_spent_seconds"]
    assert job.startswith("'=cmd|")
    assert (minus, float(seconds) > 0) == ("-1.5", True)


def test_a_table_never_sends_control_characters_to_the_terminal(lake: Path) -> None:
    done = labelhouse("query", r"select chr(27) || '[31mred' as t, 'ü漢' as u", "--lake", str(lake))
    assert "\x1b" not in done.stdout
    assert r"\x1b[31mred" in done.stdout
    assert "(1 row)" in done.stdout


def test_raw_tables_can_be_read_before_anything_is_published(tmp_path: Path) -> None:
    lake = Lake(load_settings({}, lake=tmp_path / "lake"))
    lake.raw("ingest_ledger")
    done = labelhouse("query", "select count(*) as n from raw.worker_responses", "--lake", str(lake.dir))
    assert (done.returncode, done.stdout.split()[2]) == (0, "0"), done.stderr
    refused(labelhouse("query", "select * from fct_worker_job", "--lake", str(lake.dir)), "fct_worker_job")


def test_quarantined_records_can_be_read_with_the_key(tmp_path: Path) -> None:
    job = write_job(tmp_path / "export", objects=1)
    (job / "annotations/worker-response/iteration-1/0/2026-03-01_10:00:00.json").write_text('{"answers": [broken')
    lake = ["--lake", str(tmp_path / "lake")]
    assert labelhouse("run", "--source", f"labeling_output={tmp_path / 'export'}", *lake).returncode == 1, "1 of 5"
    shown = labelhouse("quarantine", *lake)
    assert json.loads(shown.stdout)["record"] == '{"answers": [broken'
    other = labelhouse("quarantine", *lake, LABELHOUSE_PSEUDONYM_KEY="another key, as long as it has to be")
    refused(other, "LABELHOUSE_PSEUDONYM_KEY")


def test_a_reader_that_leaves_early_is_no_error(lake: Path) -> None:
    command = f'{LABELHOUSE} query "select * from range(100000)" --lake {lake} --format csv | head -1'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "range", "")


def test_a_source_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    twice = ["--source", f"labeling_output={tmp_path}/a", "--source", f"labeling_output={tmp_path}/b"]
    refused(labelhouse("run", *twice, "--lake", str(tmp_path / "lake")), "given twice")


def test_the_places_of_the_environment(tmp_path: Path) -> None:
    folders = [str(tmp_path / name) for name in ("one", "two")]
    for folder in folders:
        write_job(Path(folder), name=f"job-{Path(folder).name}", objects=1)
    sources = json.dumps({"labeling_output": {"places": folders, "schedule": None}})
    lake = ["--lake", str(tmp_path / "lake")]
    done = labelhouse("run", *lake, LABELHOUSE_SOURCES=sources)
    assert done.returncode == 0, done.stderr
    assert "8 records read = 8 loaded" in done.stdout
    refused(labelhouse("run", *lake), "--source", "LABELHOUSE_SOURCES")
    refused(labelhouse("run", "--source", "labeling_output={places", *lake), "neither a URI nor JSON")
    refused(labelhouse("run", "--source", "labeling_output=[]", *lake), "LABELHOUSE_SOURCES.labeling_output.places")


def test_a_place_with_a_profile_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    place = json.dumps([{"uri": "s3://bucket/x", "connection": "nobody"}])
    done = labelhouse("run", "--source", f"labeling_output={place}", "--lake", str(tmp_path / "lake"))
    refused(done, "the AWS profile does not exist", "s3://bucket/x")


def test_a_worker_is_erased_from_the_identity_map(tmp_path: Path) -> None:
    settings = {"LABELHOUSE_IDENTITIES": "clear", "LABELHOUSE_IDENTITY_MAP_URI": f"sqlite:///{tmp_path}/people.db"}
    settings["LABELHOUSE_PSEUDONYM_KEY"] = "a key for tests, long enough to use"
    sub, lake = "11111111-2222-4333-8444-555555555555", tmp_path / "lake"
    clear = load_settings(
        {},
        lake=lake,
        identities="clear",
        identity_map_uri=settings["LABELHOUSE_IDENTITY_MAP_URI"],
        pseudonym_key=settings["LABELHOUSE_PSEUDONYM_KEY"],
    )
    pseudonym = load_identities(clear).pseudonym(sub)
    people = Directory("pool", datetime(2026, 3, 1, tzinfo=UTC), (Person(pseudonym, "ada", "ada@example.com"),))
    remember_all(clear, [people])
    assert set(names(clear, [pseudonym])) == {pseudonym}
    for known in ("are gone", "did not know"):
        done = labelhouse("erase", "--sub", sub, "--lake", str(lake), **settings)
        assert (done.returncode, known in done.stdout) == (0, True), done.stderr
    assert names(clear, [pseudonym]) == {}
    refused(labelhouse("erase", "--sub", sub, "--lake", str(lake)), "LABELHOUSE_IDENTITY_MAP_URI")


def test_checks_alone_print_a_table_and_keep_nothing(lake: Path) -> None:
    before = contents(lake)
    done = labelhouse("check", "--suite", "inputs", "--suite", "marts", "--lake", str(lake))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    header, _, *rows, summary = done.stdout.splitlines()
    assert header.split() == ["suite", "table", "check", "verdict", "finding"]
    assert {row.split()[0] for row in rows} == {"inputs", "marts"}
    assert summary.startswith(f"({len(rows)} results of inputs, marts on the lake and the marts of release 000001: ")
    assert " holds" not in summary
    assert contents(lake) == before


def contents(folder: Path) -> dict[str, int]:
    """What is there, and since when; the catalog's own file may be looked into."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("catalog.db"))
    return {str(path): path.stat().st_mtime_ns for path in files}


def test_a_held_lake_is_checked_and_released(tmp_path: Path) -> None:
    job = write_job(tmp_path / "export", objects=1)
    (job / "annotations/worker-response/iteration-1/0/2026-03-01_10:00:00.json").write_text("{\x1b[31mcanary")
    lake = ["--lake", str(tmp_path / "lake")]
    refused(labelhouse("check", *lake), "there is no lake")
    assert labelhouse("run", "--source", f"labeling_output={tmp_path / 'export'}", *lake).returncode == 1, "1 of 5"
    checked = labelhouse("check", *lake)
    assert checked.returncode == 1, checked.stderr
    first = checked.stdout.splitlines()[2]
    assert first.split()[:2] == ["inputs", "ingest_ledger"]
    assert " holds " in first, "what fails comes first"
    assert "canary" not in checked.stdout
    assert "\x1b" not in checked.stdout
    assert "no marts, for nothing is published yet" in checked.stdout
    refused(labelhouse("check", "--suite", "marts", *lake), "nothing is published yet")
    refused(labelhouse("check", "--suite", "mart", *lake), "unknown suite", "inputs, marts, drift")

    refused(labelhouse("release", "--reason", " ", *lake), "does not say why")
    refused(labelhouse("release", "--reason", "known", "--build", "no such", *lake), "no such build")
    released = labelhouse("release", "--reason", "known", *lake)
    assert (released.returncode, "Release 000001 is published." in released.stdout) == (0, True), released.stderr
    refused(labelhouse("release", "--reason", "once more", *lake), "the build is not held")


def test_what_a_user_did_wrong_is_one_sentence(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    lake = ["--lake", str(tmp_path / "lake")]
    refused(labelhouse("run", "--source", f"labeling_output={missing}", *lake), missing)
    refused(labelhouse("run", "--source", f"labelling={missing}", *lake), "labelling", "labeling_output")
    refused(labelhouse("run", "--source", "labeling_output", *lake), "NAME=URI")
    refused(labelhouse("run", "--source", "labeling_output=ftp://x/y", *lake), "ftp://x/y", "s3://")
    refused(labelhouse("query", "select 1", "--lake", missing), missing)
    refused(labelhouse("query", "drop table x", "--lake", missing), missing)
    refused(labelhouse("run", "--source", f"labeling_output={missing}", *lake, LABELHOUSE_LAEK="x"), "LABELHOUSE_LAEK")
    refused(
        labelhouse("run", "--source", f"labeling_output={missing}", *lake, LABELHOUSE_HOLD_QUARANTINED_RATIO="much"),
        "LABELHOUSE_HOLD_QUARANTINED_RATIO",
        "much",
    )


def test_a_lake_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    write_job(tmp_path / "export", objects=1)
    (tmp_path / "file").write_text("not a folder")
    run = labelhouse("run", "--source", f"labeling_output={tmp_path / 'export'}", "--lake", str(tmp_path / "file"))
    refused(run, str(tmp_path / "file"))


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """The environment of a simulated S3."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server.stop()


def test_an_unreadable_bucket_is_one_sentence(tmp_path: Path, s3: dict[str, str]) -> None:
    lake = ["--lake", str(tmp_path / "lake")]
    refused(labelhouse("run", "--source", "labeling_output=s3://no-such-bucket/x", *lake, **s3), "no-such-bucket")
    without = {"AWS_ENDPOINT_URL": s3["AWS_ENDPOINT_URL"], "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    refused(labelhouse("run", "--source", "labeling_output=s3://bucket/x", *lake, **without), "s3://bucket/x")


def test_the_doctor_tells_what_is_missing_and_prints_the_policy(tmp_path: Path, s3: dict[str, str]) -> None:
    write_job(tmp_path / "export", objects=1)
    here = ["--source", f"labeling_output={tmp_path / 'export'}"]
    fine = labelhouse("doctor", *here)
    assert (fine.returncode, fine.stderr) == (0, "")
    assert fine.stdout == f"ok: labeling_output {tmp_path / 'export'}: can be listed and read\n"

    places = json.dumps([str(tmp_path / "export"), "s3://no-such-bucket/\x1b[31mred"])
    missing = labelhouse("doctor", LABELHOUSE_SOURCES=json.dumps({"labeling_output": json.loads(places)}), **s3)
    assert missing.returncode == 1
    assert r"missing: labeling_output s3://no-such-bucket/\x1b[31mred: the bucket does not exist" in missing.stdout
    assert "\x1b" not in missing.stdout
    told = labelhouse("doctor", "--source", f"labeling_output={places}", "--format", "json", **s3)
    assert told.returncode == 1
    assert [each["state"] for each in json.loads(told.stdout)] == ["ok", "missing"]

    policy = labelhouse("doctor", "--policy", "--source", "labeling_jobs=sagemaker://us-east-1", **s3)
    assert (policy.returncode, policy.stderr) == (0, "")
    (_, describing) = json.loads(policy.stdout)["Statement"]
    assert describing["Resource"] == ["arn:aws:sagemaker:us-east-1:123456789012:labeling-job/*"], "the account's own"
    assert not (tmp_path / "lake").exists(), "the doctor writes nothing"


def test_the_doctor_needs_sources_that_there_are() -> None:
    refused(labelhouse("doctor"), "--source", "LABELHOUSE_SOURCES")
    refused(labelhouse("doctor", "--source", "labelling=./x"), "labelling", "labeling_output")
    refused(labelhouse("doctor", "--policy", "--source", "labelling=./x"), "labelling", "labeling_output")


def test_a_simulated_account_that_knows_little_is_no_traceback(s3: dict[str, str]) -> None:
    places = {"labeling_jobs": "sagemaker://us-east-1", "cloudtrail": "s3://no-such-bucket/AWSLogs"}
    done = labelhouse("doctor", LABELHOUSE_SOURCES=json.dumps(places), **s3)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "could not be checked: labeling_jobs" in done.stdout
