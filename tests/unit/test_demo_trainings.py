"""The demo's trainings as its services tell them: AWS's wire shapes, and what was planted to be found again."""

from __future__ import annotations

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from operator import attrgetter
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from labelhouse.demo import api_endpoints, api_training
from labelhouse.demo.account import Account, everything
from labelhouse.demo.changes import Change, EndpointState, LogEvent, TrainingJobState, TrialComponentState
from labelhouse.demo.endpoints import ENDPOINT
from labelhouse.demo.endpoints import story as endpoint_story
from labelhouse.demo.people import REGION
from labelhouse.demo.places import SOURCE_NAMES, TRAINING_LOG_GROUP, sources
from labelhouse.demo.training_calls import training_calls
from labelhouse.demo.training_jobs import (
    FAILED_WEEKS,
    FORGOTTEN,
    FORGOTTEN_REASON,
    SILENT_WEEKS,
    TRAINED_WEEKS,
    training_changes,
)
from labelhouse.demo.training_runs import TWICE_THE_INSTANCES_SINCE, VEHICLES, Run, runs
from labelhouse.demo.wire import service_model
from labelhouse.demo.world import HISTORY
from labelhouse.extraction import extract
from labelhouse.marts.read import query_lake
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Clients, Window

#: The log group keeps two weeks, so the world has to be one of these days.
SEED, NOW = 7, datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
START = NOW - HISTORY


@pytest.fixture(scope="module")
def told() -> list[Change]:
    return list(takewhile(lambda each: each.at < NOW + timedelta(days=1), training_changes(SEED, START)))


@pytest.fixture(scope="module")
def running(told: list[Change]) -> Iterator[Account]:
    """An account that does nothing but train and serve, after two weeks."""
    serves = (each for each in endpoint_story(SEED, START) if isinstance(each, EndpointState))
    account = Account(heapq.merge(told, islice(serves, 2), key=attrgetter("at")), lambda: NOW)
    account.start()
    try:
        yield account
    finally:
        account.stop()


@pytest.fixture(scope="module")
def clients(running: Account) -> Clients:
    """Clients of it, as a deployment makes them."""
    made: dict[str, Any] = {}

    def client(name: str) -> Any:
        service, _, region = name.partition("@")
        if name not in made:
            made[name] = boto3.client(
                service,
                endpoint_url=running.endpoint_url,
                region_name=region or REGION,
                aws_access_key_id="demo",
                aws_secret_access_key="demo",
                config=Config(retries={"total_max_attempts": 1}),
            )
        return made[name]

    return client


@pytest.fixture(scope="module")
def lake(clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """What the sources find in it."""
    settings = load_settings(
        {},
        lake=tmp_path_factory.mktemp("trainings") / "lake",
        own_pseudonym_key=True,
        sources={
            name: {"places": [uri], "requests_per_second": 10_000}
            for name, uri in sources(SEED).items()
            if name in {"training_jobs", "trial_components", "training_logs", "endpoints"}
        },
    )
    for name in settings.sources:
        window = Window(START, NOW) if name == "training_logs" else Window()
        assert extract(settings, name, window, clients).records_quarantined == 0
    return settings


def rows(lake: Settings, question: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = query_lake(lake, question).to_pylist()
    return found


#: Of every operation a request that has something to answer.
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("ListTrainingJobs", {"MaxResults": 100, "SortBy": "CreationTime", "SortOrder": "Ascending"}),
    ("DescribeTrainingJob", {"TrainingJobName": "<job>"}),
    ("ListTags", {"ResourceArn": "<arn>"}),
    ("ListTrialComponents", {"MaxResults": 100}),
    ("DescribeTrialComponent", {"TrialComponentName": "<job>-aws-training-job"}),
    ("ListTrials", {"TrialComponentName": "<job>-aws-training-job"}),
    ("DescribeTrial", {"TrialName": VEHICLES.run_group}),
    ("ListEndpoints", {}),
    ("DescribeEndpoint", {"EndpointName": ENDPOINT}),
    ("DescribeEndpointConfig", {"EndpointConfigName": f"{ENDPOINT}-2"}),
]


@pytest.mark.parametrize(("name", "asked"), REQUESTS)
def test_answers_have_the_wire_shape_of_botocores_models(
    running: Account, told: list[Change], name: str, asked: dict[str, Any]
) -> None:
    job = next(each for each in told if isinstance(each, TrainingJobState))
    filled = {"<job>": job.name, "<arn>": job.description["TrainingJobArn"]}
    request = {
        key: next((value.replace(mark, text) for mark, text in filled.items() if mark in value), value)
        if isinstance(value, str)
        else value
        for key, value in asked.items()
    }
    headers = {"X-Amz-Target": f"SageMaker.{name}", "Content-Type": "application/x-amz-json-1.1"}
    answer = httpx.post(running.endpoint_url, headers=headers, json=request, trust_env=False)
    assert answer.status_code == 200, answer.text
    report = ParamValidator().validate(answer.json(), service_model("sagemaker").operation_model(name).output_shape)
    assert not report.has_errors(), report.generate_report()
    listed = [value for value in answer.json().values() if isinstance(value, list)]
    assert not listed or any(listed), "an empty answer proves nothing"


def test_every_operation_is_held_to_its_shape() -> None:
    served = api_training.OPERATIONS | api_endpoints.OPERATIONS
    assert {name for name, _ in REQUESTS} == set(served)
    for name, operation in served.items():
        members = service_model("sagemaker").operation_model(name).input_shape.members
        assert operation.parameters <= set(members)


def test_listings_come_in_pages_and_refuse_what_is_wrong(clients: Clients, told: list[Change]) -> None:
    client, found, token = clients(f"sagemaker@{REGION}"), [], {}
    while True:
        page = client.list_training_jobs(MaxResults=7, SortBy="CreationTime", SortOrder="Ascending", **token)
        found += [job["TrainingJobName"] for job in page["TrainingJobSummaries"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    jobs = [each for each in told if isinstance(each, TrainingJobState) and each.at <= NOW]
    assert found == list(
        dict.fromkeys(each.name for each in sorted(jobs, key=lambda each: each.description["CreationTime"]))
    )
    for ask, wrong in (
        (client.list_training_jobs, {"MaxResults": 101}),
        (client.describe_training_job, {"TrainingJobName": "unknown"}),
        (client.describe_trial, {"TrialName": "unknown"}),
    ):
        with pytest.raises(ClientError):
            ask(**wrong)
    assert clients("sagemaker@eu-west-1").list_training_jobs()["TrainingJobSummaries"] == []


def test_told_again_the_past_is_the_same_and_in_the_order_of_time(told: list[Change]) -> None:
    again = takewhile(lambda each: each.at < START + timedelta(days=3), training_changes(SEED, START))
    assert list(again) == [each for each in told if each.at < START + timedelta(days=3)]
    assert [each.at for each in told] == sorted(each.at for each in told)
    assert {"training_jobs", "trial_components", "training_logs", "endpoints"} < set(SOURCE_NAMES)


def test_the_world_tells_the_trainings_too() -> None:
    until = list(takewhile(lambda each: each.at < START + timedelta(hours=6), everything(SEED, START)))
    kinds = Counter(type(each) for each in until)
    assert min(kinds[TrainingJobState], kinds[TrialComponentState], kinds[LogEvent]) > 20


# -- what the sources find -------------------------------------------------------------------------


def vehicle_runs() -> list[Run]:
    return list(takewhile(lambda run: run.completed_at + timedelta(minutes=11) < NOW, runs(SEED, START, VEHICLES)))


def test_from_one_run_on_the_vehicles_train_on_twice_the_instances(lake: Settings) -> None:
    found = rows(
        lake,
        "select training_job_name, instance_count, instance_type, is_spot, warm_pool_billable_seconds as warm, "
        "billable_seconds = training_seconds as is_billed_whole from raw.training_jobs "
        f"where experiment_name = '{VEHICLES.experiment}' and status = 'Completed' order by created_at",
    )
    assert [row["training_job_name"] for row in found[: len(vehicle_runs())]] == [
        run.training_job_name for run in vehicle_runs()
    ]
    counts = [row["instance_count"] for row in found]
    assert counts == [1] * (TWICE_THE_INSTANCES_SINCE - 1) + [2] * (len(found) - TWICE_THE_INSTANCES_SINCE + 1)
    assert len(found) > TWICE_THE_INSTANCES_SINCE + 10
    assert {row["instance_type"] for row in found} == {"ml.g5.xlarge"}
    assert all(row["is_billed_whole"] and row["warm"] == 600 and not row["is_spot"] for row in found[:-1])


def test_what_the_trail_saw_being_asked_for_is_what_is_described(lake: Settings) -> None:
    asked = {
        call.request["trainingJobName"]: call.request["resourceConfig"]["instanceCount"]
        for call in takewhile(lambda call: call.at < NOW, training_calls(SEED, START))
        if call.operation == "CreateTrainingJob" and call.request
    }
    described = rows(
        lake, f"select training_job_name, instance_count from raw.training_jobs where created_at >= '{START}'"
    )
    assert {row["training_job_name"]: row["instance_count"] for row in described} == asked


def test_spot_instances_cost_less_than_they_train(lake: Settings) -> None:
    (found,) = rows(
        lake,
        "select count(*) as job_count, max(billable_seconds / training_seconds) as most, "
        "min(billable_seconds / training_seconds) as least from raw.training_jobs "
        "where is_spot and status = 'Completed'",
    )
    assert found["job_count"] > 20
    assert 0.29 < found["least"] < found["most"] < 0.41


def test_a_family_was_trained_weekly_then_failed_and_was_given_up(lake: Settings) -> None:
    found = rows(
        lake,
        "select status, failure_reason, created_at, billable_seconds from raw.training_jobs "
        f"where experiment_name = '{FORGOTTEN}' order by created_at",
    )
    assert [row["status"] for row in found] == ["Completed"] * TRAINED_WEEKS + ["Failed"] * FAILED_WEEKS
    assert {row["failure_reason"] for row in found} == {None, FORGOTTEN_REASON}
    gaps = [later["created_at"] - earlier["created_at"] for earlier, later in pairwise(found)]
    assert all(timedelta(days=6.9) < gap < timedelta(days=7.1) for gap in gaps)
    assert START - found[-1]["created_at"] > timedelta(weeks=SILENT_WEEKS)


def test_a_training_has_its_trial_its_experiment_and_its_parameters(lake: Settings) -> None:
    found = rows(lake, "select * from raw.trial_components where experiment_name = 'vehicle-types' order by created_at")
    for row, run in zip(found, vehicle_runs(), strict=False):
        assert (row["trial_component_name"], row["display_name"]) == (run.name, run.display_name)
        assert (row["training_job_name"], row["trial_name"]) == (run.training_job_name, VEHICLES.run_group)
        assert dict(row["parameters"]) == run.hyper_parameters
    notebooks = rows(lake, "select distinct experiment_name from raw.trial_components where training_job_name is null")
    assert {row["experiment_name"] for row in notebooks} == {"camera-trap-species", "shelf-products"}
    sums = rows(lake, "select min(point_count) as least, count(*) as sums from raw.trial_component_metrics")
    assert sums[0]["least"] > 10
    assert sums[0]["sums"] > 300


def test_the_log_says_every_number_that_a_training_reports(lake: Settings) -> None:
    found = defaultdict(dict)
    for row in rows(lake, "select * from raw.training_log_metrics"):
        assert (row["definition"], row["step_name"], row["host_name"]) == ("job", "step", "algo-1")
        found[row["training_job_name"]][row["metric_name"], row["step"]] = row["metric_value"]
    for run in vehicle_runs()[1:]:  # of the first, two weeks ago, the group forgets hours while tests run
        reported = {(point.metric_name, point.step): point.value for point in run.points if point.value == point.value}
        assert found[run.training_job_name] == pytest.approx(reported, rel=1e-5)
    counts = rows(lake, "select sum(records_read - records_loaded - records_filtered) as other from raw.ingest_ledger")
    assert counts == [{"other": 0}]


def test_a_job_has_two_hosts_where_it_has_two_instances(told: list[Change]) -> None:
    hosts = defaultdict(set)
    for each in told:
        if isinstance(each, LogEvent):
            assert each.group == TRAINING_LOG_GROUP
            assert re.fullmatch(r"[a-z0-9-]+/algo-[12]-[0-9]{10}", each.stream)
            job, _, host = each.stream.partition("/")
            hosts[job].add(host[:6])
    counts = Counter(len(names) for names in hosts.values())
    assert counts[2] == len([run for run in vehicle_runs() if run.instance_count == 2]) + 2, "and a day more"


def test_who_made_a_run_does_not_enter_the_lake(lake: Settings) -> None:
    kept = b"".join(path.read_bytes() for path in sorted(Path(lake.lake).rglob("*")) if path.is_file())
    assert b"AROAEXAMPLE" not in kept
    assert b"nightly-retraining" not in kept


def test_the_endpoint_is_described_with_its_second_instance(lake: Settings) -> None:
    found = rows(
        lake, "select endpoint_name, instance_count, instance_type, data_capture_uri from raw.endpoint_variants"
    )
    (row,) = found
    assert (row["endpoint_name"], row["instance_count"]) == (ENDPOINT, 2)
    assert row["data_capture_uri"].startswith("s3://labelhouse-demo/")
