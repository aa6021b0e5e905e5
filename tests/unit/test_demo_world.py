"""The demo's world: a function of seed, start and time, in Ground Truth's layout; and the account that serves it."""

from __future__ import annotations

import json
import re
import socket
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import boto3
import pytest

from labelhouse.demo.account import Account, everything
from labelhouse.demo.conductor import free_port
from labelhouse.demo.folder import DemoError, DemoFolder
from labelhouse.demo.people import confusion, team
from labelhouse.demo.places import BUCKET
from labelhouse.demo.world import HISTORY, Write, writes

SEED, START = 7, datetime(2026, 3, 4, 9, tzinfo=UTC)  # a Wednesday
NOW = START + HISTORY
RESPONSE_KEY = re.compile(
    r"(?P<job>[\w-]+)/annotations/worker-response/iteration-(?P<iteration>\d)/(?P<object>\d+)/"
    r"(?P<at>\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d)\.json"
)


def until(end: datetime, seed: int = SEED, start: datetime = START) -> list[Write]:
    """The writes before `end`."""
    return list(takewhile(lambda write: write.at < end, writes(seed, start)))


@pytest.fixture(scope="module")
def history() -> list[Write]:
    """Two weeks."""
    return until(NOW)


@pytest.fixture(scope="module")
def answers(history: list[Write]) -> list[dict[str, Any]]:
    """Every answer of the two weeks, with the parts of its key."""
    found = []
    for write in history:
        if key := RESPONSE_KEY.fullmatch(write.key):
            body = json.loads(write.body)
            assert list(body) == ["answers"]
            found += [answer | {"key": key.groupdict()} for answer in body["answers"]]
    return found


@pytest.fixture(scope="module")
def manifests(history: list[Write]) -> dict[str, list[dict[str, Any]]]:
    """Job folder → the lines of its newest manifest."""
    newest = {write.key: write.body for write in history if write.key.endswith("/manifests/output/output.manifest")}
    return {key.split("/")[0]: [json.loads(line) for line in body.splitlines()] for key, body in newest.items()}


def test_told_again_or_further_the_past_is_the_same(history: list[Write]) -> None:
    further = until(NOW + timedelta(days=16))
    assert further[: len(history)] == history
    assert len(further) > 1.8 * len(history), "it goes on living"
    assert until(START + timedelta(days=3), seed=8) != until(START + timedelta(days=3))


def test_two_weeks_are_worth_looking_at_and_quick_to_load(
    history: list[Write], answers: list[dict[str, Any]], manifests: dict[str, Any]
) -> None:
    private = {answer["workerId"] for answer in answers if answer["workerId"].startswith("private.")}
    assert 3000 <= len(answers) <= 6000
    assert 2000 <= len({write.key for write in history}) <= 4000
    assert 11 <= len(manifests) <= 13
    assert 12 <= len(private) <= 18
    hours = {int((write.at - START) / timedelta(hours=1)) for write in history if write.at > NOW - timedelta(days=7)}
    assert len(hours) > 120, "hardly an hour of the last week without news"


def test_keys_and_times_are_ground_truths(history: list[Write], answers: list[dict[str, Any]]) -> None:
    response_keys = [write.key for write in history if "/worker-response/" in write.key]
    assert len(set(response_keys)) == len(response_keys), "no answer overwrites another"
    for write in history:
        if key := RESPONSE_KEY.fullmatch(write.key):
            assert key["at"] == f"{write.at:%Y-%m-%d_%H:%M:%S}"
        else:
            labels = r"annotations/consolidated-annotation/output/(\d+/SeqLabel\.json|\d+_[\dT:.-]+\.png)"
            assert re.fullmatch(rf"[\w-]+/(manifests/output/output\.manifest|{labels})", write.key)
    assert {answer["key"]["iteration"] for answer in answers} == {"1", "2"}
    for answer in answers:
        assert answer["submissionTime"] < answer["key"]["at"].replace("_", "T") + "Z"


def test_private_answers_have_times_and_identities_public_ones_do_not(answers: list[dict[str, Any]]) -> None:
    subs: dict[str, set[str]] = defaultdict(set)
    for answer in answers:
        if answer["workerId"].startswith("public.us-east-1."):
            assert set(answer) == {"answerContent", "submissionTime", "workerId", "key"}
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer["submissionTime"])
            continue
        assert re.fullmatch(r"private\.us-east-1\.[0-9a-f]{16}", answer["workerId"])
        identity = answer["workerMetadata"]["identityData"]
        assert set(identity) == {"identityProviderType", "issuer", "sub"}
        subs[answer["workerId"]].add(identity["sub"])
        accepted, submitted = (datetime.fromisoformat(answer[name]) for name in ("acceptanceTime", "submissionTime"))
        assert re.fullmatch(r".{19}\.\d{3}Z", answer["acceptanceTime"])
        assert 0 < answer["timeSpentInSeconds"] < (submitted - accepted).total_seconds() + 0.002
    assert all(len(each) == 1 for each in subs.values())
    assert len({*map(tuple, subs.values())}) == len(subs)
    text = json.dumps(answers)
    assert "@" not in text
    assert not [worker.name for worker in team(SEED) if worker.name in text]


def test_files_hold_one_or_several_answers(history: list[Write]) -> None:
    sizes: dict[str, set[int]] = defaultdict(set)
    for write in history:
        if key := RESPONSE_KEY.fullmatch(write.key):
            sizes[key["job"]].add(len(json.loads(write.body)["answers"]))
    assert all(len(each) == 1 for each in sizes.values())
    assert {size for each in sizes.values() for size in each} == {1, 3, 5}


def test_manifest_lines_follow_the_answers(answers: list[dict[str, Any]], manifests: dict[str, Any]) -> None:
    votes: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for answer in answers:
        if label := answer["answerContent"].get("crowd-image-classifier", {}).get("label"):
            votes[answer["key"]["job"], int(answer["key"]["object"])][label] += 1
    agreeing = labeled = 0
    for job, lines in manifests.items():
        for index, line in enumerate(lines):
            for attribute in [name.removesuffix("-metadata") for name in line if name.endswith("-metadata")]:
                metadata = line[f"{attribute}-metadata"]
                if metadata.get("type") != "groundtruth/image-classification" or metadata["human-annotated"] == "no":
                    continue
                assert metadata["job-name"] == f"labeling-job/{job.lower()}"
                assert isinstance(line[attribute], int)
                assert 0 < metadata["confidence"] < 1
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", metadata["creation-date"])
                labeled += 1
                agreeing += metadata["class-name"] == votes[job, index].most_common(1)[0][0]
    assert labeled > 1000
    assert 0.93 < agreeing / labeled < 1, "mostly what most said, but skill counts"


def test_manifests_hold_what_real_ones_hold(manifests: dict[str, list[dict[str, Any]]]) -> None:
    lines = [line for each in manifests.values() for line in each]
    metadata = [value for line in lines for name, value in line.items() if name.endswith("-metadata")]
    failed = [value for value in metadata if "failure-reason" in value]
    assert failed
    assert all(value["human-annotated"] == "true" for value in failed)
    assert any(job != job.lower() for job in manifests)
    assert 0.02 < sum(value.get("human-annotated") == "no" for value in metadata) / len(metadata) < 0.3
    assert [line for line in lines if list(line) == ["source-ref"]], "not all is labelled yet"
    chained = [line for line in lines if "road-boxes" in line and "road-boxes-adjusted" in line]
    statuses = Counter(line["road-boxes-adjusted-metadata"]["adjustment-status"] for line in chained)
    assert set(statuses) == {"adjusted", "unadjusted"}
    for line in chained:
        is_adjusted = line["road-boxes-adjusted-metadata"]["adjustment-status"] == "adjusted"
        assert (line["road-boxes"] != line["road-boxes-adjusted"]) == is_adjusted


def test_skill_and_habits_show(answers: list[dict[str, Any]], manifests: dict[str, Any]) -> None:
    right: dict[str, list[bool]] = defaultdict(list)
    seconds: dict[str, list[float]] = defaultdict(list)
    hours: dict[str, set[int]] = defaultdict(set)
    days: dict[str, set[int]] = defaultdict(set)
    for answer in answers:
        metadata = manifests[answer["key"]["job"]][int(answer["key"]["object"])].get("vehicle-type-metadata")
        if metadata and answer["workerId"].startswith("private."):
            right[answer["workerId"]].append(
                answer["answerContent"]["crowd-image-classifier"]["label"] == metadata["class-name"]
            )
            seconds[answer["workerId"]].append(answer["timeSpentInSeconds"])
        submitted = datetime.fromisoformat(answer["submissionTime"])
        hours[answer["workerId"]].add(submitted.hour)
        days[answer["workerId"]].add((submitted - START).days)
    ids = {worker.name: worker.worker_id for worker in team(SEED)}
    shares = {worker_id: sum(each) / len(each) for worker_id, each in right.items()}
    assert min(shares, key=shares.__getitem__) == ids["reyes"]
    assert min(seconds, key=lambda worker_id: sum(seconds[worker_id]) / len(seconds[worker_id])) == ids["reyes"]
    assert shares[ids["achieng"]] > 0.88
    assert hours[ids["vargas"]] <= set(range(3, 11)), "22 to 5 o'clock in Bogotá"
    assert max(days[ids["salonga"]]) < 10 < max(days[ids["santos"]])
    assert min(days[ids["njeri"]]) >= 5


def test_confusion_matrices_are_probabilities() -> None:
    classes = ("a", "b", "c", "d", "e")
    for worker in team(SEED):
        matrix = confusion(SEED, worker, classes)
        assert matrix.min() > 0
        assert matrix.sum(axis=1) == pytest.approx(1)


def objects(account: Account) -> dict[str, tuple[str, datetime]]:
    """Key → ETag and time of every object, as boto3 lists them over HTTP."""
    s3 = boto3.client(
        "s3",
        endpoint_url=account.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="demo",
        aws_secret_access_key="demo",
    )
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return {each["Key"]: (each["ETag"], each["LastModified"]) for page in pages for each in page["Contents"]}


def test_the_account_lives_and_a_restarted_one_has_the_same_objects() -> None:
    now = START + timedelta(days=1)
    account = Account(everything(SEED, START), lambda: now)
    account.start()
    try:
        before = objects(account)
        assert len(before) == account.object_count > 50
        now += timedelta(hours=6)
        deadline = time.monotonic() + 10
        while len(after := objects(account)) == len(before) and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        account.stop()
    assert before.keys() < after.keys()
    rewritten = {key for key in before if after[key] != before[key]}
    assert rewritten
    assert all(key.endswith("output.manifest") for key in rewritten)

    again = Account(everything(SEED, START), lambda: now)
    again.start()
    try:
        assert objects(again) == after
    finally:
        again.stop()


def test_a_folder_keeps_its_world_and_only_one_demo_runs_in_it(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    with folder.locked():
        seed, start = folder.world(7)
        assert folder.world(8) == (seed, start) == (7, start)
        assert HISTORY <= datetime.now(UTC) - start < HISTORY + timedelta(hours=1)
        with pytest.raises(DemoError, match="a demo runs here already, as process"), folder.locked():
            pytest.fail("two demos in one folder")
        with pytest.raises(DemoError, match="stop it first"):
            folder.remove()
    folder.remove()
    assert not folder.path.exists()


def test_a_taken_port_gives_way_to_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < free_port(port) < port + 100
    assert free_port(port) == port
