"""The policy allows what is really asked, and nothing else: every source is run and what it asks is recorded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from control_plane import ACCOUNT
from doctored import BUCKET, GROUP
from iam import Need, actions, allows
from labelhouse.doctor.calls import known_sources
from labelhouse.doctor.examine import examine
from labelhouse.doctor.policy import policy_of
from labelhouse.doctor.wire import Request, Watch
from labelhouse.settings import load_settings
from labelhouse.sources import Window, all_sources
from labelhouse.sources.log_exports import Export, Exporter
from whole_account import LOG_NAME, PLACES, REGION, whole_account

#: How IAM names operations of S3; all others are named as the operation is.
S3_ACTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "ListObjectsV2": lambda _: "s3:ListBucket",
    "HeadObject": lambda _: "s3:GetObject",
    "GetObject": lambda given: "s3:GetObjectVersion" if "VersionId" in given else "s3:GetObject",
}
#: The resource of an operation, by its parameters; all others have none, and only `*` allows them.
SAGEMAKER_RESOURCES = {
    "DescribeEndpoint": "endpoint/{EndpointName}",
    "DescribeEndpointConfig": "endpoint-config/{EndpointConfigName}",
    "DescribeLabelingJob": "labeling-job/{LabelingJobName}",
    "DescribeTrainingJob": "training-job/{TrainingJobName}",
    "DescribeTrial": "experiment-trial/{TrialName}",
    "DescribeTrialComponent": "experiment-trial-component/{TrialComponentName}",
    "DescribeWorkteam": "workteam/private-crowd/{WorkteamName}",
}
LONG = timedelta(days=60)
EVER = Window()


def need_of(request: Request) -> Need | None:
    """None where AWS asks for no permission."""
    given = request.parameters
    keys = [("aws:RequestedRegion", request.region)]
    if request.name == "sts:GetCallerIdentity":
        return None
    if request.service == "s3":
        action = S3_ACTIONS[request.operation](given)
        if action == "s3:ListBucket":
            keys.append(("s3:prefix", given.get("Prefix", "")))
        key = f"/{given['Key']}" if "Key" in given else ""
        return Need(action, f"arn:aws:s3:::{given['Bucket']}{key}", tuple(keys))
    return Need(request.name, resource_of(request), tuple(keys))


def resource_of(request: Request) -> str:
    given, arn = request.parameters, f"arn:aws:{{}}:{request.region}:{ACCOUNT}:"
    if request.operation in SAGEMAKER_RESOURCES:
        return arn.format("sagemaker") + SAGEMAKER_RESOURCES[request.operation].format(**given)
    if "logGroupName" in given:  # in the form of the ARN that ends with the streams
        return f"{arn.format('logs')}log-group:{given['logGroupName']}:log-stream:"
    if "UserPoolId" in given:
        return f"{arn.format('cognito-idp')}userpool/{given['UserPoolId']}"
    named = (given.get(name) for name in ("WorkteamArn", "ResourceArn", "TrailName", "Name"))
    return next(filter(None, named), "*")


def read_everything(names: Iterable[str], window: Window = EVER) -> list[Request]:
    """What sources ask when they list their places and read some of the units."""
    watch = Watch(whole_account().clients)
    for name in names:
        source = all_sources()[name]
        for place in PLACES[name]:
            units = list(islice(source.list_units(place, watch, window), 20))
            assert units, (name, place)
            for unit in units[-3:]:
                source.read_unit(unit, watch)
    return watch.requests


def export() -> list[Request]:
    watch = Watch(whole_account().clients)
    start = datetime(2024, 5, 6, tzinfo=UTC)
    exporter = Exporter(
        watch, Export.of("one", f"logs://{REGION}{GROUP}", f"s3://{BUCKET}/export", start, start + LONG)
    )
    assert exporter.begin() == "1"
    return watch.requests


def doctored() -> list[Request]:
    watch = Watch(whole_account().clients)
    settings = load_settings({}, sources=PLACES)
    findings = list(examine(settings.sources, watch))
    assert {str(each.state) for each in findings} <= {"ok", "note"}, [str(each) for each in findings]
    return watch.requests


def policy(*names: str, **settings: Any) -> list[dict[str, Any]]:
    found = load_settings({}, sources={name: PLACES[name] for name in names}, **settings)
    statements: list[dict[str, Any]] = policy_of(found, found.sources, lambda _: ACCOUNT)["Statement"]
    return statements


@pytest.fixture(scope="module")
def recorded() -> list[Request]:
    """All that all sources ask, with a window and without, and the export."""
    recent = Window(datetime.now(UTC) - timedelta(days=2))
    return [*read_everything(PLACES), *read_everything(["worker_activity", "training_logs"], recent), *export()]


def test_every_source_stands_in_the_table_of_calls() -> None:
    assert set(known_sources()) == set(all_sources()) == set(PLACES)


def test_every_call_is_allowed_by_the_policy(recorded: list[Request]) -> None:
    statements = policy(*PLACES, log_export_uri=f"s3://{BUCKET}/export")
    refused = [
        need for each in recorded if (need := need_of(each)) and not any(allows(one, need) for one in statements)
    ]
    assert refused == []


def test_every_action_of_the_policy_is_called_for(recorded: list[Request]) -> None:
    needs = [need for each in [*recorded, *doctored()] if (need := need_of(each))]
    exported = {"s3:ListBucket", "s3:GetObject", "s3:PutObject"}  # by AWS, and then read as any other folder
    for statement in policy(*PLACES, log_export_uri=f"s3://{BUCKET}/export"):
        asked = {need.action for need in needs if allows(statement, need)}
        unused = set(statement["Action"]) - asked
        assert unused <= (exported if statement["Sid"].startswith("LogExport") else set()), statement


def test_the_doctor_asks_nothing_that_the_policy_does_not_allow() -> None:
    statements = policy(*PLACES)
    asked = [need for each in doctored() if (need := need_of(each))]
    assert [need for need in asked if not any(allows(one, need) for one in statements)] == []
    assert not any(re.search(r":(?:Create|Put|Delete|Update|Start|Stop)", need.action) for need in asked)


@pytest.mark.parametrize("name", sorted(PLACES))
def test_a_source_alone_asks_exactly_what_its_statements_allow(name: str) -> None:
    asked = {need.action for each in read_everything([name]) if (need := need_of(each))}
    allowed = actions([each for each in policy(name) if not each["Sid"].startswith("Doctor")])
    assert asked == allowed


def test_no_action_has_a_wildcard_and_star_stands_alone_only_where_there_is_no_resource() -> None:
    lists = {
        "cloudtrail:DescribeTrails",
        "cloudtrail:ListPublicKeys",
        "cloudwatch:GetMetricData",
        "cloudwatch:ListMetrics",
        "logs:DescribeExportTasks",
        "logs:DescribeLogGroups",
        "sagemaker:ListEndpoints",
        "sagemaker:ListLabelingJobs",
        "sagemaker:ListTrainingJobs",
        "sagemaker:ListTrialComponents",
        "sagemaker:ListTrials",
        "sagemaker:ListWorkteams",
    }
    statements = policy(*PLACES, log_export_uri=f"s3://{BUCKET}/export")
    assert not any("*" in action for action in actions(statements))
    assert actions([each for each in statements if each["Resource"] == ["*"]]) == lists
    for statement in statements:
        if statement["Resource"] == ["*"] and not any(each.startswith("cloudtrail:") for each in statement["Action"]):
            assert statement["Condition"] == {"StringEquals": {"aws:RequestedRegion": [REGION]}}


def test_the_evaluation_of_this_test_refuses_what_iam_would() -> None:
    (listing, reading) = policy("labeling_output")
    region = ("aws:RequestedRegion", REGION)

    def listed(prefix: str) -> Need:
        return Need("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", (region, ("s3:prefix", prefix)))

    assert allows(listing, listed("output/"))
    assert not allows(listing, listed("outputs/"))
    assert not allows(listing, listed(""))
    assert allows(reading, Need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/output/x", (region,)))
    assert not allows(reading, Need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/other/x", (region,)))
    assert not allows(reading, Need("s3:GetObjectVersion", f"arn:aws:s3:::{BUCKET}/output/x", (region,)))
    (log,) = [each for each in policy("training_logs") if each["Action"] == ["logs:FilterLogEvents"]]
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{LOG_NAME}{{}}:log-stream:"
    assert allows(log, Need("logs:FilterLogEvents", stream.format(""), (region,)))
    assert not allows(log, Need("logs:FilterLogEvents", stream.format("2"), (region,)))
    (describing,) = [each for each in policy("workteams") if each["Action"] == ["sagemaker:ListWorkteams"]]
    assert not allows(describing, Need("sagemaker:ListWorkteams", "*", (("aws:RequestedRegion", "eu-west-1"),)))
