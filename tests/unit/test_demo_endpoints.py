"""The demo's endpoint, and what CloudWatch measures: what was planted is there, over HTTP, and can be found again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from labelhouse.demo import measurements
from labelhouse.demo.account import Account, everything
from labelhouse.demo.changes import EndpointState
from labelhouse.demo.endpoints import CLASSES, ENDPOINT, SHIFT_DAY, VARIANT, story
from labelhouse.demo.people import REGION
from labelhouse.demo.places import CAPTURE_PATH, sources
from labelhouse.demo.world import HISTORY, Write
from labelhouse.identities import Identities
from labelhouse.sources import Unit, Window, cloudwatch_metrics, model_predictions
from labelhouse.sources.metrics.cloudwatch import CloudWatch
from parsed_rows import rows_of

SEED = 7
NOW = datetime.now(UTC).replace(minute=40, second=0, microsecond=0)
START = NOW - HISTORY
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIVE = {"EndpointName": ENDPOINT, "VariantName": VARIANT}
IDENTITIES = Identities("a key for tests, long enough to use")


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    account = Account(everything(SEED, START), lambda: NOW)
    account.start()
    yield account
    account.stop()


@pytest.fixture(scope="module")
def client(account: Account) -> Callable[[str], Any]:
    made: dict[str, Any] = {}

    def client(name: str) -> Any:
        service, _, region = name.partition("@")
        if name not in made:
            made[name] = boto3.client(
                service,
                endpoint_url=account.endpoint_url,
                region_name=region or REGION,
                aws_access_key_id="demo",
                aws_secret_access_key="demo",
            )
        return made[name]

    return client


def query(metric: str, statistic: str, period: int = 3600, namespace: str = "AWS/SageMaker", **of: str) -> Any:
    dimensions = [{"Name": name, "Value": value} for name, value in (of or LIVE).items()]
    asked = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": "m", "MetricStat": {"Metric": asked, "Period": period, "Stat": statistic}}


def values(client: Callable[[str], Any], asked: Any, start: datetime = START, end: datetime = NOW) -> dict[Any, float]:
    found: dict[Any, float] = {}
    token: dict[str, str] = {}
    while True:
        page = client("cloudwatch").get_metric_data(
            MetricDataQueries=[asked], StartTime=start, EndTime=end, MaxDatapoints=100, **token
        )
        for result in page["MetricDataResults"]:
            assert result["StatusCode"] == ("PartialData" if "NextToken" in page else "Complete")
            found |= zip(result["Timestamps"], result["Values"], strict=True)
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def mean(found: dict[Any, float], first: float, last: float) -> float:
    """Mean of the hours of the world from one to another."""
    within = [value for at, value in found.items() if first <= (at - START) / HOUR < last - 1]
    return sum(within) / len(within)


def test_the_source_reads_it_and_the_server_holds_to_the_limits(client: Callable[[str], Any]) -> None:
    place = sources(SEED)["cloudwatch_metrics"]
    source = cloudwatch_metrics.SOURCE
    units = list(source.list_units(place, client, Window(NOW - 3 * HOUR, NOW - HOUR)))
    assert [unit.uri.rsplit("/", 2)[0] for unit in units] == [f"cloudwatch://{REGION}:123456789012"] * 2
    rows = [
        row
        for unit in units
        for _, chunk in source.parse([(unit, source.read_unit(unit, client))], IDENTITIES)
        for row in rows_of("cloudwatch_metrics", chunk.tables["cloudwatch_metrics"])
    ]
    assert {row["period_seconds"] for row in rows} == {60}
    assert {"AWS/SageMaker", "/aws/sagemaker/Endpoints", "AWS/SageMaker/FeatureStore"} <= {
        row["namespace"] for row in rows
    }
    asked = [query("Invocations", "Sum") | {"Id": f"m{number}"} for number in range(501)]
    with pytest.raises(ClientError, match="must not have a size greater than 500"):
        client("cloudwatch").get_metric_data(MetricDataQueries=asked, StartTime=START, EndTime=NOW)
    with pytest.raises(ClientError, match="NextToken is invalid"):
        client("cloudwatch").list_metrics(Namespace="AWS/SageMaker", NextToken="another")


def test_series_of_what_is_over_are_listed_for_two_weeks(client: Callable[[str], Any], account: Account) -> None:
    region = account._region
    over = [series for series in measurements.meters(region) if "Recommend" in series.namespace]
    assert {measurements.last_measured(region, series) for series in over} == {
        START + measurements.RECOMMENDED[1] * HOUR
    }
    listed = CloudWatch(client, REGION, "here").series()
    assert any("Recommend" in series.namespace for series in listed)


def test_the_slow_hours_and_the_cold_day(client: Callable[[str], Any]) -> None:
    first, last = measurements.SLOW
    latency = values(client, query("ModelLatency", "Average"))
    assert 2.7 < mean(latency, first + 1, last) / mean(latency, first - 24, first - 1) < 3.3
    errors = values(client, query("Invocation5XXErrors", "Average"))
    assert mean(errors, first + 1, last) > 0.01 > mean(errors, 0, first - 1) * 5
    hits = values(client, query("ModelCacheHit", "Average"))
    cold = 24 * measurements.COLD_DAY
    assert mean(hits, cold + 1, cold + 24) == pytest.approx(0.55, abs=0.03)
    assert mean(hits, 0, cold - 1) == pytest.approx(0.93, abs=0.03)


def test_four_cores_are_over_100_per_cent_and_normalized_never(client: Callable[[str], Any]) -> None:
    space = "/aws/sagemaker/Endpoints"
    most = values(client, query("CPUUtilization", "Maximum", namespace=space))
    normalized = values(client, query("CPUUtilizationNormalized", "Maximum", namespace=space))
    assert 300 < max(most.values()) <= 400
    assert max(normalized.values()) <= 100
    assert {at: value * 4 for at, value in normalized.items()} == pytest.approx(most)


def test_the_pipeline_fails_in_one_night(client: Callable[[str], Any]) -> None:
    space = "AWS/Sagemaker/ModelBuildingPipeline"
    of = {"PipelineName": measurements.PIPELINE}
    failed = values(client, query("ExecutionFailed", "Sum", namespace=space, **of))
    started = values(client, query("ExecutionStarted", "Sum", namespace=space, **of))
    assert len(started) in (13, 14)
    assert [at.date() for at in failed] == [(START + DAY * (measurements.FAILED_NIGHT + 1)).date()]
    step = values(client, query("StepFailed", "Sum", namespace=space, StepName="Train", **of))
    assert sum(step.values()) == 1


def test_cloudwatch_loses_some_of_the_tasks_that_the_log_has(client: Callable[[str], Any], account: Account) -> None:
    messages = {event.message for event in account._region.log_events()}
    logged = Counter(
        json.loads(message)["labeling_job_arn"].rpartition("/")[2]
        for message in messages
        if json.loads(message)["event_type"] == "TasksSubmitted"
    )
    counted = {
        job: sum(
            values(
                client,
                query(
                    "TasksSubmitted",
                    "Sum",
                    namespace="AWS/SageMaker/Workteam",
                    LabelingJob=job,
                    Workteam=_team(account),
                ),
            ).values()
        )
        for job in logged
    }
    assert all(counted[job] <= logged[job] for job in logged)
    assert 0.93 < sum(counted.values()) / sum(logged.values()) < 0.98


def _team(account: Account) -> str:
    (team,) = account._region.teams.values()
    return team.name


def test_labelling_progress_is_read_by_its_maximum(client: Callable[[str], Any], account: Account) -> None:
    job, states = next((name, states) for name, states in account._region.progress.items() if len(states) > 50)
    asked = query("TotalDatasetObjectsLabeled", "Maximum", namespace="AWS/SageMaker/LabelingJobs", LabelingJobName=job)
    found = list(values(client, asked, START - DAY).values())
    assert found == sorted(found)
    last = states[-1]
    assert found[-1] in range(last.human_labeled_count + last.machine_labeled_count + 1)


def test_predictions_shift_on_the_day_on_which_the_endpoint_gets_a_second_instance() -> None:
    told = list(takewhile(lambda each: each.at <= NOW, story(SEED, START)))
    assert [each.at for each in told] == sorted(each.at for each in told)
    states = [each for each in told if isinstance(each, EndpointState)]
    assert [each.instance_count for each in states] == [1, 2]
    assert (states[1].at - START).days == SHIFT_DAY
    rows = [row for each in told if isinstance(each, Write) for row in _predictions(each)]
    shift = START + DAY * SHIFT_DAY
    shares, brightness = {}, {}
    for is_later in (False, True):
        side = [row for row in rows if (row["event_at"] >= shift) == is_later]
        labels = Counter(row["prediction_label"] for row in side)
        assert set(labels) == set(CLASSES)
        shares[is_later] = labels["truck"] / len(side)
        bright = [float(dict(row["inputs"])["brightness_ratio"]) for row in side if row["inputs"]]
        brightness[is_later] = sum(bright) / len(bright)
        assert 0.95 < len(bright) / len(side) < 1, "some inputs are images"
    assert shares == pytest.approx({False: 0.11, True: 0.36}, abs=0.03)
    assert brightness == pytest.approx({False: 0.62, True: 0.38}, abs=0.02)


def _predictions(write: Write) -> list[dict[str, Any]]:
    assert write.key.startswith(f"{CAPTURE_PATH}/{ENDPOINT}/{VARIANT}/")
    unit = Unit(f"s3://bucket/{write.key}", "v", write.at, 1)
    (chunk,) = (chunk for _, chunk in model_predictions.SOURCE.parse([(unit, write.body)], IDENTITIES))
    assert (chunk.records_quarantined, chunk.quarantined) == (0, {})
    return rows_of("model_predictions", chunk.tables["model_predictions"])
