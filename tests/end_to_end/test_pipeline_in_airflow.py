"""The real scheduler, DAG processor, API server and task processes, on a bucket and a lake of their own."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from end_to_end.airflow_session import (
    AWS_SECRET,
    BUCKET,
    BUILD,
    EXTRACT,
    FIRST_JOB,
    OUTPUT_PATH,
    PSEUDONYM_KEY,
    RELEASE_HOLD,
    USERS,
    AirflowSession,
)
from end_to_end.labeling_jobs import CANARY_EMAIL, CANARY_SUB, LabelingJob
from labelhouse import extraction
from labelhouse.identities import load_identities
from labelhouse.marts.read import query_lake
from labelhouse.marts.status import read_status
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Window

NOWHERE = "http://192.0.2.1:9"  # kept for documentation: nobody answers there

#: Everything a load writes but for when it did.
ROWS = """
    select * exclude (loaded_at) from raw.{table} where unit_uri like '%/{job}/%' order by unit_uri, position
"""
LEDGER = "select * exclude (loaded_at) from raw.ingest_ledger where unit_uri like '%/{job}/%' order by unit_uri"
PUBLISHED = "select count(*) as answer_count from fct_worker_response where labeling_job_name = '{job}'"


def published_count(airflow: AirflowSession, job: LabelingJob) -> int:
    (row,) = airflow.rows(PUBLISHED.format(job=job.name))
    return int(row["answer_count"])


def extract_without_airflow(airflow: AirflowSession, settings: Settings, start: datetime) -> None:
    uri = f"s3://{BUCKET}/{OUTPUT_PATH}"
    extraction.extract(settings, "labeling_output", Window(start), lambda _: airflow.s3, uri=uri)


def everything_of(job: LabelingJob, airflow: AirflowSession) -> dict[str, list[dict[str, object]]]:
    tables = {table: ROWS.format(table=table, job=job.name) for table in ("worker_responses", "manifest_entries")}
    queries = tables | {"ledger": LEDGER.format(job=job.name)}
    return {name: airflow.rows(sql) for name, sql in queries.items()}


def test_a_run_from_the_form_loads_its_window_and_is_published(airflow: AirflowSession) -> None:
    assert published_count(airflow, FIRST_JOB) == FIRST_JOB.answer_count, "the session began with such a run"
    job = LabelingJob("grebes", datetime(2026, 3, 4, 6, tzinfo=UTC), object_count=6)
    airflow.deliver(job)
    noon = job.start + 3 * job.spacing
    # what the form does not ask for is ignored: no run can be pointed at another place
    run_id = airflow.extract(job.start, noon, uri="s3://elsewhere/output", endpoint_url=NOWHERE, aws_conn_id="other")
    airflow.wait_for_builds()
    assert published_count(airflow, job) == 6, "two answers to each of the three objects before noon"
    announced = {
        event["uri"] for event in airflow.asset_events() if event["source_run_id"] == run_id and event["source_task_id"]
    }
    tables = ("manifest_entries", "worker_responses", "annotations", "frames", "mask_areas", "ingest_ledger")
    assert announced == {f"x-labelhouse://raw/{table}" for table in tables}
    airflow.extract(noon)
    build = airflow.wait_for_builds()[-1]
    assert published_count(airflow, job) == job.answer_count
    assert airflow.states(BUILD, build["dag_run_id"])["build_again"] == "skipped"


def test_a_run_without_anything_new_starts_no_build(airflow: AirflowSession) -> None:
    builds = len(airflow.wait_for_builds())
    run_id = airflow.extract()
    assert airflow.states(EXTRACT, run_id) == {"plan": "success", "load": "skipped", "summarise": "skipped"}
    assert len(airflow.wait_for_builds()) == builds


def test_a_wrong_window_fails_in_one_sentence_and_is_not_retried(airflow: AirflowSession) -> None:
    run_id = airflow.trigger(EXTRACT, {"start": "2026-03-02T00:00:00Z", "end": "2026-03-01T00:00:00Z"})
    assert airflow.wait_for_run(EXTRACT, run_id) == "failed"
    (plan,) = [task for task in airflow.tasks(EXTRACT, run_id) if task["task_id"] == "plan"]
    assert plan["try_number"] == 1
    sentence = "start: does not lie before the end: '2026-03-02T00:00:00Z' (allowed: an earlier time)"
    assert errors_in(airflow.task_log(EXTRACT, run_id, "plan"))[0] == sentence


@pytest.mark.timeout(1200)
def test_a_backfill_of_48_hours_causes_few_builds_and_its_last_event_is_published(airflow: AirflowSession) -> None:
    job = LabelingJob("wrens", datetime(2026, 5, 10, 0, 20, tzinfo=UTC), object_count=48, spacing=timedelta(hours=1))
    airflow.deliver(job)
    builds = len(airflow.wait_for_builds())
    airflow.run_command(
        *("backfill", "create", "--dag-id", EXTRACT, "--max-active-runs", "4"),
        *("--from-date", "2026-05-10T00:00:00+00:00", "--to-date", "2026-05-11T23:00:00+00:00"),
    )
    hours = airflow.wait_for_backfill(timeout_seconds=600)
    assert [run["state"] for run in hours] == ["success"] * 48
    caused = airflow.wait_for_builds()[builds:]
    assert 1 <= len(caused) <= 5
    assert published_count(airflow, job) == job.answer_count, "the last event too"


def test_what_is_loaded_while_a_build_is_under_way_is_published_by_another(airflow: AirflowSession) -> None:
    early = LabelingJob("larks", datetime(2026, 4, 1, 5, tzinfo=UTC), object_count=2)
    late = LabelingJob("owls", datetime(2026, 4, 2, 5, tzinfo=UTC), object_count=2)
    airflow.deliver(early)
    with airflow.pausing("before the publication") as wait_until_it_is_there:
        airflow.extract(early.start)
        wait_until_it_is_there()
        airflow.deliver(late)
        extract_without_airflow(airflow, airflow.settings, late.start)  # and so without an asset event
    builds = airflow.wait_for_builds()
    assert airflow.states(BUILD, builds[-2]["dag_run_id"])["build_again"] == "success"
    assert builds[-1]["run_type"] == "operator_triggered"
    assert published_count(airflow, late) == late.answer_count


@pytest.mark.parametrize("moment", ["after the first table", "before the ledger"])
def test_a_task_killed_while_it_writes_and_retried_ends_in_the_same_rows(
    airflow: AirflowSession, tmp_path: Path, moment: str
) -> None:
    number = len(moment)
    job = LabelingJob(f"killed-{number}", datetime(2026, 6, number, 7, tzinfo=UTC), object_count=5)
    airflow.deliver(job)
    order = airflow.order_kill(moment)
    run_id = airflow.extract(job.start)
    assert not order.exists(), "a process died"
    (load,) = [task for task in airflow.tasks(EXTRACT, run_id) if task["task_id"] == "load"]
    assert (load["try_number"], load["state"]) == (2, "success")

    undisturbed = load_settings({}, lake=tmp_path / "lake", pseudonym_key=PSEUDONYM_KEY)
    extract_without_airflow(airflow, undisturbed, job.start)
    expected = {
        "worker_responses": query_lake(undisturbed, ROWS.format(table="worker_responses", job=job.name)).to_pylist(),
        "manifest_entries": query_lake(undisturbed, ROWS.format(table="manifest_entries", job=job.name)).to_pylist(),
        "ledger": query_lake(undisturbed, LEDGER.format(job=job.name)).to_pylist(),
    }
    assert len(expected["worker_responses"]) == job.answer_count
    assert everything_of(job, airflow) == expected


def test_a_failing_check_holds_the_publication_in_one_sentence_until_it_is_mended(airflow: AirflowSession) -> None:
    airflow.extract()
    airflow.wait_for_builds()
    before = airflow.release
    assert before
    start = datetime(2026, 7, 1, 9, tzinfo=UTC)
    airflow.deliver(LabelingJob("torn", start, object_count=40, broken=frozenset(range(40))))
    airflow.extract(start)
    build = airflow.wait_for_builds()[-1]
    assert build["state"] == "failed"
    held = (read_status(airflow.lake) or {})["held"]
    assert "quarantine" in held["sentence"]
    (failed,) = [task for task in airflow.tasks(BUILD, build["dag_run_id"]) if task["state"] == "failed"]
    assert failed["try_number"] == 1, "a held publication is not retried"
    (sentence,) = set(errors_in(airflow.task_log(BUILD, build["dag_run_id"], failed["task_id"]))) - {""}
    assert held["sentence"] in sentence
    after = airflow.release
    assert after
    assert after.release_id == before.release_id, "readers keep the last good release"

    form = {"reason": "forty broken answers, says supervisor@example.com"}
    assert airflow.trigger_as("viewer", RELEASE_HOLD, form).status_code == 403, "a viewer looks on"
    assert airflow.trigger_as("op", RELEASE_HOLD, {"reason": ""}).status_code == 400, "a reason is needed"
    answer = airflow.trigger_as("op", RELEASE_HOLD, form)
    assert airflow.wait_for_run(RELEASE_HOLD, answer.json()["dag_run_id"], timeout_seconds=300) == "success"
    released = airflow.release
    assert released
    assert (released.release_id > before.release_id, released.build_id) == (True, held["build_id"])
    status = read_status(airflow.lake) or {}
    assert status["held"] is None
    (kept,) = status["hold_releases"]
    assert kept["released_by"] == load_identities(airflow.settings).pseudonym("op"), "who, as Airflow knows it"
    assert kept["reason"].startswith("forty broken answers, says p_")
    assert "supervisor" not in airflow.task_log(RELEASE_HOLD, answer.json()["dag_run_id"], "release")

    mended = LabelingJob("torn", start, object_count=40)
    airflow.deliver(mended)
    airflow.extract(start)
    assert airflow.wait_for_builds()[-1]["state"] == "success"
    assert published_count(airflow, mended) == mended.answer_count
    assert (read_status(airflow.lake) or {})["held"] is None


def test_no_identity_and_no_secret_is_in_airflows_logs_xcom_or_rendered_templates(airflow: AirflowSession) -> None:
    job = LabelingJob("shrikes", datetime(2026, 8, 1, tzinfo=UTC), object_count=3, broken=frozenset({1}))
    airflow.deliver(job)
    run_id = airflow.extract(job.start)
    (row,) = airflow.rows(
        f"select any_value(worker_pseudonym) as pseudonym from raw.worker_responses where unit_uri like '%{job.name}%'"
    )
    assert row["pseudonym"].startswith("p_")
    with closing(sqlite3.connect(airflow.home / "airflow.db", timeout=60)) as database:
        database.execute("pragma wal_checkpoint(truncate)")  # all of it into the file that is looked into below
        (load_id,) = database.execute(
            "select id from task_instance where run_id = ? and task_id = 'load'", (run_id,)
        ).fetchone()
        rendered = database.execute(
            "select rendered_fields from rendered_task_instance_fields where run_id = ? and task_id = 'load'", (run_id,)
        ).fetchone()
    assert load_id
    assert "plan_id" in json.dumps(rendered), "templates are rendered, and so looked into"
    own = ("secrets.json", "passwords.json")
    content = {path: path.read_bytes() for path in airflow.home.rglob("*") if path.is_file() and path.name not in own}
    assert any(run_id.encode() in found for path, found in content.items() if path.name == "airflow.db")
    identities = (CANARY_EMAIL, CANARY_SUB, CANARY_EMAIL.partition("@")[0])
    secrets = [each for name in own for each in json.loads((airflow.home / name).read_text()).values()]
    assert len(secrets) == 3 + len(USERS)
    for canary in (*identities, *secrets, PSEUDONYM_KEY, AWS_SECRET):
        assert [str(path) for path, found in content.items() if canary.encode() in found] == []


def test_nothing_reached_beyond_the_loopback(airflow: AirflowSession) -> None:
    log = airflow.watch / "network.log"
    assert not log.exists(), log.read_text()


def errors_in(log: str) -> list[str]:
    """What the log of a task says at the level of errors, without the stacks that Airflow adds of its own accord."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    found = [line["event"] for line in lines if line.get("level") == "error"]
    return [event for event in found if event != "Task failed with exception"]
