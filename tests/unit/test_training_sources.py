"""Training jobs, trial components and endpoints: which are read when, what is asked, and what an answer gives."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from control_plane_units import UNIT_AT, only_row, parse, units
from labelhouse.sources import Source, all_sources
from labelhouse.sources.endpoints import SOURCE as ENDPOINTS
from labelhouse.sources.training_jobs import SOURCE as JOBS
from labelhouse.sources.trial_components import SOURCE as COMPONENTS
from served_aws import refused
from trainings import (
    ACCOUNT,
    BEGAN,
    CANARY,
    EMAIL,
    REGION,
    SAGEMAKER,
    Trainings,
    arn,
    component,
    config,
    endpoint,
    training_job,
)


def read(source: Source, account: Trainings) -> dict[str, Any]:
    """What is kept of the only unit."""
    (unit,) = units(source, SAGEMAKER, account.clients)
    found: dict[str, Any] = json.loads(source.read_unit(unit, account.clients))
    return found


def test_they_are_sources() -> None:
    assert {name: all_sources()[name] for name in ("training_jobs", "trial_components", "endpoints")} == {
        "training_jobs": JOBS,
        "trial_components": COMPONENTS,
        "endpoints": ENDPOINTS,
    }


# -- training jobs ---------------------------------------------------------------------------------


def test_a_final_job_has_a_version_and_one_that_runs_or_is_warm_is_described_again() -> None:
    began = datetime.now(UTC)
    statuses = ("InProgress", "Stopping", "Deleting", "NewOne", "Completed", "Failed", "Stopped")
    jobs = [training_job(status, status) for status in statuses]
    jobs += [
        training_job(f"Warm-{status}", WarmPoolStatus={"Status": status}) for status in ("Available", "InUse", "Reused")
    ]
    account = Trainings(training_jobs=[{**job, "TrainingJobStatus": job["TrainingJobStatus"]} for job in jobs])
    account.training_jobs[3]["TrainingJobStatus"] = "Deleting"
    found = {unit.uri.rpartition("/")[2]: unit for unit in units(JOBS, SAGEMAKER, account.clients)}
    for name in ("Completed", "Failed", "Stopped", "Warm-Reused"):
        assert found[name].version == (BEGAN + timedelta(minutes=23)).isoformat()
        assert found[name].unit_at == BEGAN + timedelta(minutes=23)
    for name in ("InProgress", "Stopping", "Deleting", "NewOne", "Warm-Available", "Warm-InUse"):
        assert found[name].version == ""
        assert found[name].unit_at >= began, "it belongs to every window that is open"
    assert found["Failed"].uri == f"sagemaker://{REGION}/{ACCOUNT}/training-job/Failed"


def test_a_job_is_asked_for_with_its_tags_and_kept_without_its_environment() -> None:
    account = Trainings(training_jobs=[training_job()], page_size=1)
    found = read(JOBS, account)
    assert found["Tags"] == [{"Key": "asked-by", "Value": EMAIL}, {"Key": "team", "Value": "fruit"}]
    assert "Environment" not in found
    assert [parameters.get("NextToken") for parameters in account.asked("ListTags")] == [None, "from 1"]
    account.unservable = {"ListTags": refused("AccessDeniedException")}
    assert read(JOBS, account)["Tags"] == [], "a job without its tags is worth having"


def test_a_job_gives_its_row_and_its_final_metrics() -> None:
    answer = training_job(
        LabelingJobArn=arn("labeling-job", "sort-fruit"),
        TuningJobArn=arn("hyper-parameter-tuning-job", "tune"),
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"DatasetSource": {"DatasetArn": "arn:data"}}}],
        WarmPoolStatus={"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 60},
    )
    result = parse(JOBS, answer)
    (row,) = result.tables["training_jobs"]
    assert (row["account_id"], row["aws_region"], row["event_at"]) == (ACCOUNT, REGION, BEGAN)
    assert (row["labeling_job_name"], row["tuning_job_arn"][-4:]) == ("sort-fruit", "tune")
    assert (row["training_seconds"], row["billable_seconds"], row["warm_pool_billable_seconds"]) == (1200, 400, 60)
    assert (row["instance_type"], row["instance_count"], row["is_spot"]) == ("ml.g5.xlarge", 2, True)
    assert row["input_channels_json"] == '[{"name":"train","uri":"arn:data"}]'
    assert dict(row["hyper_parameters"]) == {"lr": "0.1", "optimizer": "adam"}
    assert (row["experiment_name"], row["trial_name"], row["run_name"]) == ("fruit", "weekly", None)
    values = [
        (each["metric_name"], each["metric_value"], each["value_flag"])
        for each in result.tables["training_job_metrics"]
    ]
    assert values == [("train:error", 0.25, None), ("validation:error", None, "nan")]
    assert CANARY not in repr(result.tables)


@pytest.mark.parametrize(
    ("value", "number", "flag"),
    [
        ("NaN", None, "nan"),
        ("-Infinity", None, "infinite"),
        (float("inf"), None, "infinite"),
        ("0.5", 0.5, None),
        (7, 7.0, None),
    ],
)
def test_a_final_metric_that_is_no_number_says_which(value: Any, number: float | None, flag: str | None) -> None:
    result = parse(JOBS, training_job(FinalMetricDataList=[{"MetricName": "loss", "Value": value}]))
    (row,) = result.tables["training_job_metrics"]
    assert (row["metric_value"], row["value_flag"], row["event_at"]) == (number, flag, BEGAN)


def test_a_job_that_failed_at_once_says_little_and_is_loaded() -> None:
    answer = {"TrainingJobName": "fruit-1", "TrainingJobStatus": "Failed", "FailureReason": f"ask {EMAIL}"}
    row = only_row(JOBS, answer)
    assert (row["status"], row["event_at"], row["billable_seconds"]) == ("Failed", UNIT_AT, None)
    assert EMAIL not in row["failure_reason"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"TrainingJobName": ...}, "TrainingJobName is missing"),
        ({"TrainingJobStatus": ""}, "TrainingJobName or TrainingJobStatus is empty"),
        ({"BillableTimeInSeconds": -1}, "BillableTimeInSeconds is negative or too large"),
        ({"CreationTime": "1999-01-01T00:00:00Z"}, "CreationTime lies before 2010 or in the future"),
        ({"ResourceConfig": {"InstanceCount": "two"}}, "ResourceConfig.InstanceCount is text, not a number"),
        ({"HyperParameters": {"lr": 0.1}}, "HyperParameters[...] is a number, not text"),
        ({"FailureReason": "\ud800"}, "a text holds half of a surrogate pair, which is no character"),
    ],
)
def test_a_job_that_cannot_be_read_is_quarantined_without_its_secrets(changes: dict[str, Any], reason: str) -> None:
    result = parse(JOBS, training_job(**changes))
    assert result.reasons == [("0", reason)]
    assert CANARY.encode() not in result.quarantined[0]["raw_bytes"]


def test_a_part_that_cannot_be_read_leaves_the_job() -> None:
    broken = [{"MetricName": "loss", "Value": "good"}, {"MetricName": "", "Value": 1}, 7]
    result = parse(JOBS, training_job(FinalMetricDataList=broken))
    assert [position for position, _ in result.reasons] == ["0/0", "0/1", "0/2"]
    assert result.counts["loaded"] == 1


# -- trial components ------------------------------------------------------------------------------


def test_a_component_is_described_until_a_day_after_its_last_change() -> None:
    now = datetime.now(UTC)
    ages = {"settled": timedelta(days=2), "fresh": timedelta(hours=2)}
    components = [component(name, LastModifiedTime=now - age) for name, age in ages.items()]
    components += [component("running", "InProgress"), component("bare", Status=...)]
    account = Trainings(components=components)
    found = {unit.uri.rpartition("/")[2]: unit for unit in units(COMPONENTS, SAGEMAKER, account.clients)}
    assert {name: bool(unit.version) for name, unit in found.items()} == {
        "settled": True,
        "fresh": False,
        "running": False,
        "bare": False,
    }
    assert found["fresh"].unit_at == now - timedelta(hours=2), "an hourly run does not ask for it again and again"
    assert min(found["running"].unit_at, found["bare"].unit_at) >= now


def test_the_trials_of_a_component_and_their_experiments_are_asked_along() -> None:
    trials = {"favourites": ("favourites", BEGAN + timedelta(days=2)), "weekly": ("fruit", BEGAN)}
    account = Trainings(components=[component()], trials=trials, page_size=1)
    found = read(COMPONENTS, account)
    assert not {"CreatedBy", "LastModifiedBy"} & set(found)
    row = only_row(COMPONENTS, found)
    assert json.loads(row["trial_names_json"]) == ["weekly", "favourites"]
    assert (row["trial_name"], row["experiment_name"]) == ("favourites", "favourites"), "the newest"
    assert (row["training_job_name"], row["source_type"]) == ("fruit-1", "SageMakerTrainingJob")
    assert dict(row["parameters"]) == {"layers": "3", "lr": "0.1", "optimizer": "adam"}


def test_a_trial_that_was_deleted_meanwhile_has_no_experiment() -> None:
    account = Trainings(components=[component()], trials={"weekly": ("fruit", BEGAN)})
    account.unservable = {"DescribeTrial": refused("ResourceNotFound", message="Trial does not exist.")}
    row = only_row(COMPONENTS, read(COMPONENTS, account))
    assert (row["trial_name"], row["experiment_name"]) == ("weekly", None)


def test_the_sums_of_a_component_are_finite_or_missing() -> None:
    metrics = [
        {
            "MetricName": "loss",
            "Min": 0.1,
            "Max": float("inf"),
            "Avg": "NaN",
            "Last": 0.2,
            "Count": 3,
            "TimeStamp": BEGAN,
        },
        {"MetricName": "odd", "Count": -1},
    ]
    result = parse(COMPONENTS, component(Metrics=metrics))
    (row,) = result.tables["trial_component_metrics"]
    assert (row["min_value"], row["max_value"], row["mean_value"], row["last_value"]) == (0.1, None, None, 0.2)
    assert (row["point_count"], row["event_at"]) == (3, BEGAN)
    assert result.reasons == [("0/1", "Count is negative or too large")]
    assert CANARY not in repr(result)


# -- endpoints -------------------------------------------------------------------------------------


def test_an_endpoint_is_a_unit_on_each_day_with_its_configuration() -> None:
    account = Trainings(endpoints=[endpoint()])
    (unit,) = units(ENDPOINTS, SAGEMAKER, account.clients)
    assert unit.uri == f"sagemaker://{REGION}/{ACCOUNT}/endpoint/fruit-live/{datetime.now(UTC):%Y-%m-%d}"
    assert unit.version == ""
    row = only_row(ENDPOINTS, read(ENDPOINTS, account))
    assert (row["model_name"], row["instance_type"]) == ("fruit-7", "ml.m5.large")
    assert (row["instance_count"], row["desired_instance_count"], row["is_serverless"]) == (3, 2, False)
    assert row["event_at"] == UNIT_AT


def test_an_endpoint_whose_configuration_is_gone_is_loaded_all_the_same() -> None:
    account = Trainings(endpoints=[endpoint()])
    account.unservable = {"DescribeEndpointConfig": refused("ValidationException", message="Could not find it.")}
    row = only_row(ENDPOINTS, read(ENDPOINTS, account))
    assert (row["variant_name"], row["instance_type"], row["instance_count"]) == ("AllTraffic", None, 3)


def test_an_endpoint_that_never_came_up_has_the_variants_it_should_have() -> None:
    answer = endpoint(EndpointStatus="Failed", FailureReason="no ping", EndpointConfig=config("x"))
    row = only_row(ENDPOINTS, {key: value for key, value in answer.items() if key != "ProductionVariants"})
    assert (row["status"], row["instance_count"], row["desired_instance_count"]) == ("Failed", None, 2)
    nothing = parse(ENDPOINTS, {"EndpointName": "new", "EndpointStatus": "Creating"})
    assert dict(nothing.counts) == {"read": 1, "loaded": 0, "quarantined": 0, "filtered": 1}


def test_a_capture_that_is_off_captures_nowhere() -> None:
    capture = {"EnableCapture": False, "DestinationS3Uri": "s3://captured"}
    assert only_row(ENDPOINTS, endpoint(DataCaptureConfig=capture))["data_capture_uri"] is None
    assert only_row(ENDPOINTS, endpoint(DataCaptureConfig=capture | {"EnableCapture": True}))["data_capture_uri"]
    assert parse(ENDPOINTS, endpoint(ProductionVariants=[{"VariantName": ""}])).reasons == [
        ("0", "VariantName is empty")
    ]
