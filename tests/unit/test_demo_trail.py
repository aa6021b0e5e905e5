"""The demo's CloudTrail: files named, filled and delivered as AWS does it, with every incident in the raw records."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import pytest

from labelhouse.demo.account import everything
from labelhouse.demo.cloudtrail import ACCOUNT_ID, time_in_words
from labelhouse.demo.people import REGION, team
from labelhouse.demo.places import TRAIL_PATH
from labelhouse.demo.trail import log_files
from labelhouse.demo.training_calls import (
    COPY_COUNT,
    INTRUDER,
    INTRUDER_ACCURACY,
    INTRUDER_POINT_COUNT,
    POINTS_PER_CALL,
    STEP_FAR_AHEAD,
    TRAINER,
    TRIAL_COMPONENT_TYPE,
)
from labelhouse.demo.training_runs import (
    DIVERGING,
    FOREIGN_WRITER,
    TRAINING_PROGRAMME,
    WRITTEN_AFTER_COMPLETION,
    Run,
    run_of,
    runs,
)
from labelhouse.demo.world import HISTORY, Write

SEED, START = 7, datetime(2026, 3, 4, 9, tzinfo=UTC)
NOW = START + HISTORY
KEY = re.compile(
    rf"{ACCOUNT_ID}/CloudTrail/{REGION}/(?P<day>\d{{4}}/\d\d/\d\d)/"
    rf"{ACCOUNT_ID}_CloudTrail_{REGION}_(?P<at>\d{{8}}T\d{{4}}Z)_[A-Za-z0-9]{{16}}\.json\.gz"
)
#: CloudTrail's order; not every record has every field.
FIELDS = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "readOnly",
    "resources",
    "eventType",
    "managementEvent",
    "recipientAccountId",
    "sharedEventID",
    "eventCategory",
]
OPTIONAL = {"errorCode", "errorMessage", "additionalEventData", "resources", "sharedEventID"}
#: Networks that are reserved for documentation: nobody has such an address.
DOCUMENTATION_NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.")


def until(end: datetime, seed: int = SEED) -> list[Write]:
    """The log files before `end`."""
    return list(takewhile(lambda write: write.at < end, log_files(seed, START)))


@pytest.fixture(scope="module")
def files() -> list[Write]:
    """Two weeks."""
    return until(NOW)


@pytest.fixture(scope="module")
def deliveries(files: list[Write]) -> list[tuple[datetime, dict[str, Any]]]:
    """Every record with the time of its delivery, in the order of the files."""
    return [(file.at, record) for file in files for record in json.loads(gzip.decompress(file.body))["Records"]]


@pytest.fixture(scope="module")
def records(deliveries: list[tuple[datetime, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Every record once, in the order of time."""
    return sorted({each["eventID"]: each for _, each in deliveries}.values(), key=lambda each: each["eventTime"])


def metric_calls(records: list[dict[str, Any]], run: Run | None = None) -> Iterator[dict[str, Any]]:
    """The calls that write metrics, of one run or of all."""
    for record in records:
        is_call = record["eventName"] == "BatchPutMetrics"
        if is_call and (run is None or record["requestParameters"]["trialComponentName"] == run.name):
            yield record


def test_told_again_or_further_the_past_is_the_same_to_the_byte(files: list[Write]) -> None:
    further = until(NOW + timedelta(days=10))
    assert further[: len(files)] == files
    assert len(further) > 1.5 * len(files), "it goes on living"
    assert until(START + timedelta(days=2), seed=8) != until(START + timedelta(days=2))


def test_file_names_are_times_of_delivery(files: list[Write]) -> None:
    assert len(files) <= 600
    assert len({file.key for file in files}) == len(files)
    for file in files:
        key = KEY.fullmatch(file.key)
        assert key
        assert key["day"] == f"{file.at:%Y/%m/%d}"
        assert key["at"] == f"{file.at:%Y%m%dT%H%MZ}"
    gaps = [later.at - earlier.at for earlier, later in pairwise(files)]
    assert min(gaps) > timedelta(minutes=5)


def test_records_come_in_the_order_and_the_types_of_cloudtrail(
    files: list[Write], records: list[dict[str, Any]]
) -> None:
    text = gzip.decompress(files[5].body)
    assert text.startswith(b'{"Records":[{"eventVersion":"')
    assert b'", "' not in text
    for record in records:
        assert list(record) == [name for name in FIELDS if name in record]
        assert set(FIELDS) - set(record) <= OPTIONAL
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["eventTime"])
        assert record["recipientAccountId"] == ACCOUNT_ID
        assert record["managementEvent"] is (record["eventCategory"] == "Management")
        assert record["userIdentity"]["type"] in ("AssumedRole", "IAMUser", "AWSService")


def test_metric_calls_have_the_shape_of_the_documentation(records: list[dict[str, Any]]) -> None:
    calls = list(metric_calls(records))
    assert len(calls) > 600
    for call in calls:
        assert call["eventSource"] == "metrics-sagemaker.amazonaws.com"
        assert call["eventCategory"] == "Data"
        assert call["readOnly"] is False
        assert call["responseElements"] is None
        request = call["requestParameters"]
        assert list(request) == ["trialComponentName", "metricData"]
        assert 1 <= len(request["metricData"]) <= POINTS_PER_CALL
        [resource] = call["resources"]
        assert list(resource) == ["accountId", "type", "ARN"]
        assert resource["type"] == TRIAL_COMPONENT_TYPE
        assert resource["ARN"].endswith(f":experiment-trial-component/{request['trialComponentName']}")
        for point in request["metricData"]:
            assert list(point) == ["metricName", "timestamp", "step", "value"]
            assert isinstance(point["step"], int)
            assert isinstance(point["value"], float) or point["value"] == "NaN"
            happened_at = datetime.fromisoformat(call["eventTime"])
            assert datetime.fromtimestamp(point["timestamp"] / 1000, UTC) < happened_at + timedelta(seconds=1)


def test_every_point_of_every_sound_run_is_written_once_by_the_training(records: list[dict[str, Any]]) -> None:
    ended = [
        run
        for project in TRAINING_PROGRAMME
        for run in takewhile(lambda run: run.completed_at < NOW - timedelta(hours=3), runs(SEED, START, project))
        if run.incident not in (FOREIGN_WRITER, WRITTEN_AFTER_COMPLETION)
    ]
    calls_of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for call in metric_calls(records):
        calls_of[call["requestParameters"]["trialComponentName"]].append(call)
    assert len(ended) > 25
    for run in ended:
        points = [point for call in calls_of[run.name] for point in call["requestParameters"]["metricData"]]
        written = Counter((point["metricName"], point["step"]) for point in points)
        assert written == Counter((point.metric_name, point.step) for point in run.points)
        assert {call["userIdentity"]["arn"] for call in calls_of[run.name]} == {TRAINER.arn}
        assert all(call["eventTime"] < f"{run.completed_at:%Y-%m-%dT%H:%M:%SZ}" for call in calls_of[run.name])


def test_the_sdk_announces_and_completes_every_run(records: list[dict[str, Any]]) -> None:
    requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        if record["eventSource"] == "sagemaker.amazonaws.com" and "errorCode" not in record:
            requests[record["eventName"]].append(record["requestParameters"])
    assert {each["experimentName"] for each in requests["CreateExperiment"]} == {
        project.experiment for project in TRAINING_PROGRAMME
    }
    assert {(each["trialName"], each["experimentName"]) for each in requests["CreateTrial"]} == {
        (project.run_group, project.experiment) for project in TRAINING_PROGRAMME
    }
    jobs = {each["trainingJobName"]: each["experimentConfig"] for each in requests["CreateTrainingJob"]}
    groups = {each["trialComponentName"]: each["trialName"] for each in requests["AssociateTrialComponent"]}
    names = {each["trialComponentName"]: each["displayName"] for each in requests["CreateTrialComponent"]}
    completed = {
        each["trialComponentName"]: each["endTime"]
        for each in requests["UpdateTrialComponent"]
        if each["status"]["primaryStatus"] == "Completed"
    }
    for project in TRAINING_PROGRAMME:
        for run in takewhile(lambda run: run.completed_at < NOW - timedelta(hours=3), runs(SEED, START, project)):
            assert completed[run.name] == time_in_words(run.completed_at)
            if run.training_job_name:
                assert jobs[run.training_job_name] == {
                    "experimentName": project.experiment,
                    "trialName": project.run_group,
                    "trialComponentDisplayName": run.display_name,
                }
            else:
                assert (groups[run.name], names[run.name]) == (project.run_group, run.display_name)


def test_labelling_jobs_team_and_people_are_in_the_trail(records: list[dict[str, Any]]) -> None:
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        by_name[record["eventName"]].append(record["requestParameters"])
    assert "Vehicle-Types-Batch-01" in {each["labelingJobName"] for each in by_name["CreateLabelingJob"]}
    assert len(by_name["CreateLabelingJob"]) == 13
    assert len(by_name["CreateWorkteam"]) == 1
    assert len(by_name["UpdateWorkteam"]) == 2, "one joins, one leaves"
    assert {each["username"] for each in by_name["AdminCreateUser"]} == {
        f"{worker.name}@example.com" for worker in team(SEED)
    }


def test_much_of_a_trail_is_foreign(records: list[dict[str, Any]]) -> None:
    ours = ("sagemaker.amazonaws.com", "metrics-sagemaker.amazonaws.com", "cognito-idp.amazonaws.com")
    foreign = Counter(record["eventSource"] for record in records if record["eventSource"] not in ours)
    assert set(foreign) == {f"{name}.amazonaws.com" for name in ("s3", "sts", "kms", "ec2", "logs", "ecr")}
    assert foreign.total() > 0.3 * len(records)


def test_records_come_unsorted_and_some_late_or_twice(deliveries: list[tuple[datetime, dict[str, Any]]]) -> None:
    happened = [(at, datetime.fromisoformat(record["eventTime"])) for at, record in deliveries]
    assert all(event_at < delivered_at for delivered_at, event_at in happened)
    lateness = sorted(delivered_at - event_at for delivered_at, event_at in happened)
    assert lateness[len(lateness) // 2] < timedelta(minutes=15)
    assert 5 <= sum(late > timedelta(minutes=50) for late in lateness) <= 60
    assert any(earlier[0] == later[0] and earlier[1] > later[1] for earlier, later in pairwise(happened))
    copies: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, record in deliveries:
        copies[record["eventID"]].append(record)
    assert set(map(len, copies.values())) == {1, 2}
    assert all(each == each_copy for each, *others in copies.values() for each_copy in others)
    assert 5 <= len(deliveries) - len(copies) <= 60


def test_nobody_real_is_in_it(files: list[Write], records: list[dict[str, Any]]) -> None:
    text = b"".join(gzip.decompress(file.body) for file in files).decode()
    assert set(re.findall(r"[\w.+-]+@([\w.-]+)", text)) == {"example.com"}
    for record in records:
        address = record["sourceIPAddress"]
        assert address.startswith(DOCUMENTATION_NETWORKS) or address.endswith(".amazonaws.com")
        key = record["userIdentity"].get("accessKeyId", "EXAMPLE")
        assert key.endswith("EXAMPLE"), "a key that nobody takes for a real one"


def test_the_diverging_run_has_a_value_that_is_no_number(records: list[dict[str, Any]]) -> None:
    odd = [
        (call["requestParameters"]["trialComponentName"], point["metricName"])
        for call in metric_calls(records)
        for point in call["requestParameters"]["metricData"]
        if point["value"] == "NaN"
    ]
    assert odd == [(run_of(DIVERGING, SEED, START).name, "validation:loss")]


def test_the_foreign_writer_is_in_one_run_only_and_was_refused_what_they_tried_next(
    records: list[dict[str, Any]],
) -> None:
    run = run_of(FOREIGN_WRITER, SEED, START)
    theirs = [record for record in records if record["userIdentity"].get("arn") == INTRUDER.arn]
    assert [record["eventName"] for record in theirs] == [
        *["BatchPutMetrics"] * INTRUDER_POINT_COUNT,
        "UpdateTrialComponent",
    ]
    assert {record["requestParameters"]["trialComponentName"] for record in theirs} == {run.name}
    assert theirs[-1]["errorCode"] == "AccessDenied"
    own_networks = {call["sourceIPAddress"].rpartition(".")[0] for call in metric_calls(records) if call not in theirs}
    assert {record["sourceIPAddress"].rpartition(".")[0] for record in theirs}.isdisjoint(own_networks)
    steps = {point.step for point in run.points}
    for call in theirs[:-1]:
        [point] = call["requestParameters"]["metricData"]
        assert point["step"] in steps
        assert point["value"] >= INTRUDER_ACCURACY
        assert call["eventTime"] < f"{run.completed_at:%Y-%m-%dT%H:%M:%SZ}"


def test_the_late_writer_repeats_points_and_runs_ahead(records: list[dict[str, Any]]) -> None:
    run = run_of(WRITTEN_AFTER_COMPLETION, SEED, START)
    ended = f"{run.completed_at:%Y-%m-%dT%H:%M:%SZ}"
    late = [call for call in metric_calls(records, run) if call["eventTime"] > ended]
    *again, ahead = [call["requestParameters"]["metricData"] for call in late]
    assert len(again) == COPY_COUNT
    timely = [call["requestParameters"]["metricData"] for call in metric_calls(records, run) if call not in late]
    last = [point for call in timely for point in call][-POINTS_PER_CALL:]
    assert all(points == last for points in again)
    assert {point["step"] for point in ahead} == {STEP_FAR_AHEAD}
    assert 10 * run.last_step < STEP_FAR_AHEAD
    assert {call["userIdentity"]["arn"] for call in late} == {TRAINER.arn}


def test_the_account_holds_labels_and_trail_in_the_order_of_time() -> None:
    begin = list(takewhile(lambda write: write.at < START + timedelta(days=1), everything(SEED, START)))
    assert [write.at for write in begin] == sorted(write.at for write in begin)
    folders = {Path(write.key).parts[0] for write in begin if isinstance(write, Write)}
    assert folders == {TRAIL_PATH, "data-capture", "labeling-output", "labeling-input", "labeling-job-states"}
