"""Labelling jobs: which are read when, what is asked of AWS, and what a description gives."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from control_plane import ACCOUNT, BEGAN, EMAIL, REGION, TEAM_ARN, Account, job
from control_plane_units import IDENTITIES, UNIT_AT, only_row, parse, units
from labelhouse.errors import SourceUnavailableError
from labelhouse.sources import UnitGone
from labelhouse.sources.labeling_jobs import MOST_CONFIG_BYTES, SOURCE
from served_aws import refused

PLACE = f"sagemaker://{REGION}"
CONFIG = "s3://config/classes.json"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelhouse.sources.control_plane.WAITS_SECONDS", (0.0, 0.0, 0.0))


def read(account: Account, name: str = "Sort-Fruit") -> dict[str, Any]:
    (unit,) = (unit for unit in units(SOURCE, PLACE, account.clients) if unit.uri.endswith(f"/{name}"))
    found: dict[str, Any] = json.loads(SOURCE.read_unit(unit, account.clients))
    return found


def test_a_final_job_has_a_version_and_a_running_one_is_read_at_each_load() -> None:
    began = datetime.now(UTC)
    statuses = ("Initializing", "InProgress", "Stopping", "Completed", "Failed", "Stopped", "NewOne")
    account = Account(jobs=[job(status, status) for status in statuses])
    found = {unit.uri.rpartition("/")[2]: unit for unit in units(SOURCE, PLACE, account.clients)}
    assert list(found) == list(statuses)
    for name in ("Completed", "Failed", "Stopped"):
        assert found[name].version == (BEGAN + timedelta(days=1)).isoformat()
        assert found[name].unit_at == BEGAN + timedelta(days=1)
    for name in ("Initializing", "InProgress", "Stopping", "NewOne"):
        assert found[name].version == ""
        assert found[name].unit_at >= began, "it belongs to every window that is open"
    assert found["Failed"].uri == f"sagemaker://{REGION}/{ACCOUNT}/labeling-job/Failed"


def test_every_page_is_asked_for_oldest_jobs_first() -> None:
    account = Account(jobs=[job(f"job-{number}") for number in range(7)], page_size=3)
    assert len(units(SOURCE, PLACE, account.clients)) == 7
    assert account.asked("ListLabelingJobs") == [
        {"MaxResults": 100, "SortBy": "CreationTime", "SortOrder": "Ascending"} | token
        for token in ({}, {"NextToken": "from 3"}, {"NextToken": "from 6"})
    ]


def test_a_description_gives_every_column() -> None:
    classes = {"document-version": "2018-11-28", "labels": [{"label": "apple"}]}
    described = job(LabelCategoryConfigS3Uri=CONFIG, Tags=[{"Key": "team", "Value": EMAIL}])
    account = Account(jobs=[described], documents={CONFIG: json.dumps(classes).encode()})
    row = only_row(SOURCE, read(account))
    assert row == {
        "position": "0",
        "event_at": BEGAN,
        "labeling_job_name": "Sort-Fruit",
        "labeling_job_arn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:labeling-job/sort-fruit",
        "account_id": "011122223333",
        "aws_region": "us-east-1",
        "job_reference_code": "abcdef0123",
        "status": "Completed",
        "failure_reason": None,
        "created_at": BEGAN,
        "last_modified_at": BEGAN + timedelta(days=1),
        "workteam_arn": TEAM_ARN,
        "workteam_name": "Fruit-Team",
        "workforce_type": "private",
        "label_attribute_name": "fruit",
        "task_type": "BoundingBox",
        "price_per_task_usd": None,
        "workers_per_object_count": 3,
        "task_time_limit_seconds": 3600,
        "task_lifetime_seconds": 864000,
        "max_concurrent_task_count": 1000,
        "total_labeled_count": 90,
        "human_labeled_count": 80,
        "machine_labeled_count": 10,
        "failed_count": 2,
        "unlabeled_count": 8,
        "input_manifest_uri": "s3://in/fruit.manifest",
        "output_uri": "s3://out/jobs",
        "output_manifest_uri": "s3://out/jobs/Sort-Fruit/manifests/output/output.manifest",
        "label_category_config_uri": CONFIG,
        "label_category_config_json": json.dumps(classes, separators=(",", ":")),
        "tags_json": json.dumps([{"Key": "team", "Value": IDENTITIES.pseudonym(EMAIL)}], separators=(",", ":")),
    }


def test_a_job_that_failed_at_once_has_little_to_say() -> None:
    row = only_row(
        SOURCE,
        job(
            "Broken",
            "Failed",
            FailureReason=f"ClientError: ask {EMAIL}",
            LabelingJobOutput=...,
            LabelAttributeName=...,
            HumanTaskConfig=...,
            LabelCounters=...,
            InputConfig=...,
            OutputConfig=...,
            CreationTime=...,
        ),
    )
    assert (row["status"], row["event_at"], row["created_at"]) == ("Failed", UNIT_AT, None)
    assert row["failure_reason"] == f"ClientError: ask {IDENTITIES.pseudonym(EMAIL)}"
    assert row["total_labeled_count"] is row["task_type"] is row["workteam_name"] is row["output_manifest_uri"] is None


def task(**changes: Any) -> dict[str, Any]:
    given = job()["HumanTaskConfig"] | changes
    return job(HumanTaskConfig={key: value for key, value in given.items() if value is not ...})


@pytest.mark.parametrize(
    ("amount", "price"),
    [
        ({"Dollars": 0, "Cents": 1, "TenthFractionsOfACent": 2}, "0.012"),
        ({"Dollars": 1, "Cents": 20}, "1.200"),
        ({"Cents": 36}, "0.360"),
        ({"Dollars": 0, "Cents": 0, "TenthFractionsOfACent": 0}, "0.000"),
        ({}, "0.000"),
    ],
)
def test_the_price_of_a_task_is_exact(amount: dict[str, int], price: str) -> None:
    row = only_row(SOURCE, task(PublicWorkforceTaskPrice={"AmountInUsd": amount}))
    assert row["price_per_task_usd"] == Decimal(price)


def test_no_price_is_no_price_and_not_nothing() -> None:
    assert only_row(SOURCE, task(PublicWorkforceTaskPrice={}))["price_per_task_usd"] is None


@pytest.mark.parametrize(
    ("of_task", "expected"),
    [
        ({}, "BoundingBox"),
        (
            {"PreHumanTaskLambdaArn": "arn:aws:lambda:us-west-2:081040173940:function:PRE-VideoObjectTracking:2"},
            "VideoObjectTracking",
        ),
        (
            {"PreHumanTaskLambdaArn": "arn:aws:lambda:us-west-2:081040173940:function:PRE-3DPointCloudObjectDetection"},
            "3DPointCloudObjectDetection",
        ),
        ({"PreHumanTaskLambdaArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:PRE-BoundingBox"}, "custom"),
        ({"PreHumanTaskLambdaArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:my-own"}, "custom"),
        ({"PreHumanTaskLambdaArn": ...}, "custom"),
        (
            {
                "PreHumanTaskLambdaArn": ...,
                "UiConfig": {
                    "HumanTaskUiArn": "arn:aws:sagemaker:us-west-2:394669845002:human-task-ui/PointCloudObjectDetection"
                },
            },
            "PointCloudObjectDetection",
        ),
        (
            {
                "PreHumanTaskLambdaArn": ...,
                "UiConfig": {"HumanTaskUiArn": f"arn:aws:sagemaker:us-west-2:{ACCOUNT}:human-task-ui/Mine"},
            },
            "custom",
        ),
        ({"PreHumanTaskLambdaArn": ..., "UiConfig": {}}, None),
    ],
)
def test_the_type_of_a_task(of_task: dict[str, Any], expected: str | None) -> None:
    assert only_row(SOURCE, task(**of_task))["task_type"] == expected


@pytest.mark.parametrize(
    ("uri", "document"),
    [
        (CONFIG, None),
        (CONFIG, b"{"),
        (CONFIG, b'{"a": NaN}'),
        (CONFIG, b'"' + b"x" * MOST_CONFIG_BYTES + b'"'),
        ("https://169.254.169.254/latest", b"{}"),
        ("file:///etc/passwd", b"{}"),
        ("s3://bucket-only", b"{}"),
    ],
)
def test_classes_that_cannot_be_had_cost_no_job(uri: str, document: bytes | None) -> None:
    account = Account(jobs=[job(LabelCategoryConfigS3Uri=uri)])
    account.documents = {} if document is None else {uri: document}
    row = only_row(SOURCE, read(account))
    assert (row["label_category_config_uri"], row["label_category_config_json"]) == (uri, None)
    assert all(call["Key"] == "classes.json" for call in account.asked("GetObject")), "only objects of S3 are asked for"


def test_classes_that_s3_keeps_back_just_now_are_tried_again_with_their_job() -> None:
    account = Account(jobs=[job(LabelCategoryConfigS3Uri=CONFIG)])
    account.unservable["GetObject"] = refused("SlowDown", 503)
    with pytest.raises(SourceUnavailableError, match="just now"):
        read(account)


def test_a_job_deleted_since_it_was_listed_is_gone() -> None:
    account = Account(jobs=[job()])
    (unit,) = units(SOURCE, PLACE, account.clients)
    account.jobs.clear()
    with pytest.raises(UnitGone):
        SOURCE.read_unit(unit, account.clients)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"LabelingJobSummaryList": []}, "LabelingJobName is missing"),
        ([job()], "the answer is a list, not an object"),
        (job(LabelingJobStatus=3), "LabelingJobStatus is a number, not text"),
        (job(LabelingJobName=""), "LabelingJobName or LabelingJobStatus is empty"),
        (job(CreationTime="tomorrow"), "CreationTime is not a time such as 2019-04-18T16:40:59Z"),
        (job(LabelCounters={"TotalLabeled": -1}), "TotalLabeled is negative or too large"),
        (job(LabelCounters={"TotalLabeled": 2**63}), "a whole number is beyond 64 bits"),
        (task(NumberOfHumanWorkersPerDataObject=2**31), "NumberOfHumanWorkersPerDataObject is negative or too large"),
        (task(PublicWorkforceTaskPrice={"AmountInUsd": {"Dollars": 10**13}}), "Dollars is negative or too large"),
        (b"{", "the JSON ends too early"),
        (b"", "the file is empty"),
    ],
)
def test_what_is_no_description_is_quarantined(document: Any, reason: str) -> None:
    result = parse(SOURCE, document)
    assert result.reasons == [("0", reason)]
    assert result.counts["loaded"] == 0


def test_a_quarantined_description_names_nobody() -> None:
    result = parse(SOURCE, job(FailureReason=EMAIL, LabelingJobStatus=3))
    assert EMAIL.encode() not in result.quarantined[0]["raw_bytes"]
    assert result.quarantined[0]["is_encrypted"] is False


def test_saved_answers_are_read_where_nobody_may_call_the_api(tmp_path: Path) -> None:
    (tmp_path / "fruit.json").write_text(json.dumps(job(), default=datetime.timestamp, indent=4))
    (tmp_path / "notes.txt").write_text("not an answer")
    (unit,) = units(SOURCE, str(tmp_path), {}.__getitem__)
    assert unit.version
    assert only_row(SOURCE, SOURCE.read_unit(unit, {}.__getitem__))["created_at"] == BEGAN
