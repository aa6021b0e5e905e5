"""What the doctor finds out about the trails that deliver to a place, and about work teams and their log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doctored import (
    BUCKET,
    GROUP,
    LOG_FILE,
    NOW,
    TRAIL_ARN,
    Aws,
    advanced,
    bucket,
    changes,
    denied,
    found,
    log_group,
    metric_events,
    teams,
    trail,
    words,
)
from served_aws import refused

FINE = ("ok", "can be listed and read", "")
PLACE = f"s3://{BUCKET}/AWSLogs"
NO_METRICS = "the trail main: no data events of AWS::SageMaker::ExperimentTrialComponent are logged"
NO_CHANGES = (
    "the trail main: no management events that write are logged, so experiments and who changed what stay unknown"
)
NO_TRAIL = "no trail of this account is known to deliver there, so what it logs could not be checked"
OLD, NEW = datetime(2019, 6, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
LOG = f"logs://us-east-1{GROUP}"


def about_trail(*, source: str = "cloudtrail", place: str = PLACE, **told: Any) -> list[tuple[str, str, str]]:
    return words(found(Aws(bucket(LOG_FILE) | trail(**told)), **{source: place}))


def test_a_trail_that_logs_everything_is_fine() -> None:
    assert about_trail() == [FINE]
    assert about_trail(S3KeyPrefix=None or "", place=f"{PLACE}/011122223333/CloudTrail/us-east-1") == [FINE]


@pytest.mark.parametrize(
    ("selectors", "missing"),
    [
        (advanced(metric_events(), changes()), []),
        (advanced(changes()), [NO_METRICS]),
        (advanced(metric_events()), [NO_CHANGES]),
        (advanced(metric_events(readOnly=["true"]), changes(readOnly=["true"])), [NO_METRICS, NO_CHANGES]),
        (advanced(metric_events(readOnly=["false"]), changes(readOnly=["false"])), []),
        (advanced(metric_events(eventName=["BatchGetMetrics"]), changes()), [NO_METRICS]),
        (advanced(metric_events(eventName=["BatchGetMetrics", "BatchPutMetrics"]), changes()), []),
        (advanced(metric_events(eventName={"NotEquals": ["BatchPutMetrics"]}), changes()), [NO_METRICS]),
        (advanced(metric_events(eventName={"StartsWith": ["BatchPut"]}), changes()), []),
        (advanced(metric_events(eventName={"NotStartsWith": ["Batch"]}), changes()), [NO_METRICS]),
        (advanced(metric_events(eventName={"EndsWith": ["Records"]}), changes()), [NO_METRICS]),
        (advanced({"eventCategory": ["Data"], "resources.type": ["AWS::S3::Object"]}, changes()), [NO_METRICS]),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}, [NO_METRICS]),
        (
            {"EventSelectors": [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]},
            [NO_METRICS, NO_CHANGES],
        ),
        ({}, [NO_METRICS, NO_CHANGES]),
    ],
)
def test_what_a_trail_logs(selectors: dict[str, Any], missing: list[str]) -> None:
    states = {NO_METRICS: "missing", NO_CHANGES: "note"}
    assert about_trail(selectors=selectors) == (
        [(states[each], each, "training-metrics") for each in missing] or [FINE]
    )


def test_a_trail_that_does_not_log_or_cannot_deliver() -> None:
    assert about_trail(is_logging=False) == [("missing", "the trail main does not log", "training-metrics")]
    assert about_trail(LatestDeliveryError="NoSuchBucket") == [
        ("missing", "the trail main cannot deliver (NoSuchBucket)", "training-metrics")
    ]
    (finding,) = found(Aws(bucket(LOG_FILE) | trail(is_logging=False)), cloudtrail=PLACE)
    assert finding.to_do == f"aws cloudtrail start-logging --name {TRAIL_ARN}"


def test_a_trail_without_log_file_validation() -> None:
    unsigned = "the trail main is without log file validation"
    assert about_trail(is_signed=False) == [("note", unsigned, "log-file-validation")]
    digests = about_trail(is_signed=False, source="trail_digests")
    assert digests == [
        ("missing", "nothing of the source was delivered there in 2 days", "log-file-validation"),
        ("missing", unsigned, "log-file-validation"),
    ]
    assert ("missing", unsigned, "log-file-validation") not in about_trail(source="trail_digests")


@pytest.mark.parametrize(
    ("place", "prefix", "is_meant"),
    [
        (PLACE, None, True),
        (f"s3://{BUCKET}", None, True),
        (f"{PLACE}/011122223333/CloudTrail", None, True),
        (PLACE, "main", False),
        (f"s3://{BUCKET}/main", "main", True),
        (f"s3://{BUCKET}/main/AWSLogs/011122223333", "main", True),
        (f"s3://{BUCKET}/mai", "main", False),
    ],
)
def test_which_trails_deliver_to_a_place(place: str, prefix: str | None, is_meant: bool) -> None:
    key = f"{prefix}/{LOG_FILE}" if prefix else LOG_FILE
    given = bucket(key, f"mai/{LOG_FILE}", LOG_FILE) | trail(**({"S3KeyPrefix": prefix} if prefix else {}))
    expected = [FINE] if is_meant else [("could not be checked", NO_TRAIL, "training-metrics")]
    assert words(found(Aws(given), cloudtrail=place)) == expected


def test_a_trail_is_asked_in_its_home_region() -> None:
    regions: list[str] = []
    clients = Aws(bucket(LOG_FILE) | trail(HomeRegion="eu-central-1")).clients

    def client(name: str) -> Any:
        regions.append(name)
        return clients(name)

    found(client, cloudtrail=f"{PLACE}/011122223333/CloudTrail/us-west-2")
    asked = [name for name in regions if name.startswith("cloudtrail")]
    assert set(asked) == {"cloudtrail@us-west-2", "cloudtrail@eu-central-1"}


def test_whoever_may_not_ask_about_trails_is_told_so() -> None:
    refusal = denied("cloudtrail:DescribeTrails", "*")
    assert words(found(Aws(bucket(LOG_FILE) | {"DescribeTrails": refusal}), cloudtrail=PLACE)) == [
        ("could not be checked", "cloudtrail:DescribeTrails on * is denied", "iam-policy")
    ]
    assert words(found(Aws(bucket(LOG_FILE)), cloudtrail=PLACE)) == [
        ("could not be checked", "cloudtrail:DescribeTrails is not answered now (NotImplemented)", "")
    ]


def test_a_prefix_where_nothing_new_was_delivered() -> None:
    old = LOG_FILE.replace("2026/05/06", "2026/04/06").replace("20260506", "20260406")
    nothing = "nothing of the source was delivered there in 2 days"
    assert words(found(Aws(bucket(old) | trail()), cloudtrail=PLACE)) == [("note", nothing, "training-metrics")]
    assert words(found(Aws(bucket() | trail()), cloudtrail=PLACE)) == [
        ("missing", "nothing lies there", "training-metrics")
    ]


# --- work teams and their log


def test_a_log_that_somebody_writes_is_fine() -> None:
    aws = Aws(log_group(NOW - timedelta(days=100)))
    assert words(found(aws, worker_activity=LOG)) == [FINE]
    assert "ListWorkteams" not in [name for name, _ in aws.calls], "nobody asks for teams then"


@pytest.mark.parametrize(
    ("made_at", "what"),
    [
        ([], "there is no private work team in us-east-1"),
        ([OLD, OLD], "all private work teams are older than August 2019"),
    ],
)
def test_a_silent_log_of_old_teams(made_at: list[datetime], what: str) -> None:
    silent = log_group(NOW - timedelta(days=366)) | teams(*made_at)
    (finding,) = found(Aws(silent), worker_activity=LOG)
    assert finding.what == f"the log group holds no event of the last 365 days: {what}"
    assert (str(finding.state), finding.guide) == ("missing", "workers-activity")
    assert finding.to_do == "make a private team, which may be without members and be deleted again"


def test_a_silent_log_although_a_team_may_write_it() -> None:
    (finding,) = found(Aws(log_group() | teams(OLD, NEW)), worker_activity=LOG)
    assert (str(finding.state), finding.what) == ("missing", "the log group holds no event of the last 365 days")
    assert "make a private team" not in finding.to_do


def test_a_log_group_that_is_not_there() -> None:
    missing = log_group() | {"DescribeLogGroups": {"logGroups": []}} | teams(OLD)
    assert words(found(Aws(missing), worker_activity=LOG)) == [
        (
            "missing",
            "the log group does not exist: all private work teams are older than August 2019",
            "workers-activity",
        )
    ]


def test_a_log_group_in_another_region() -> None:
    here = Aws({"DescribeLogGroups": {"logGroups": []}} | teams(NEW)).clients
    there = Aws(log_group(NOW) | teams(NEW)).clients

    def client(name: str) -> Any:
        return there(name) if "@eu-west-1" in name else here(name)

    findings = found(client, worker_activity=LOG, workteams="sagemaker://eu-west-1")
    assert words(findings) == [
        ("missing", "the log group is in eu-west-1, not in us-east-1", "regions"),
        ("missing", "the log group does not exist", "workers-activity"),
        FINE,
    ]
    assert findings[0].to_do == f"name logs://eu-west-1{GROUP}"


def test_a_log_whose_pages_do_not_end() -> None:
    endless = log_group() | {"FilterLogEvents": lambda parameters: {"events": [], "nextToken": "t"}}
    aws = Aws(endless)
    whole = found(aws, worker_activity=LOG)
    assert [str(each.state) for each in whole][-1] == "could not be checked"
    assert "50 pages hold no event" in whole[-1].what


def test_events_may_not_be_read() -> None:
    arn = f"arn:aws:logs:us-east-1:011122223333:log-group:{GROUP}:log-stream:"
    refusal = denied("logs:FilterLogEvents", arn)
    assert words(found(Aws(log_group() | {"FilterLogEvents": refusal}), worker_activity=LOG)) == [
        ("missing", f"logs:FilterLogEvents on {arn} is denied", "iam-policy")
    ]


def test_teams_that_are_all_old() -> None:
    note = "all private work teams are older than August 2019, so their activity may not be logged"
    assert words(found(Aws(teams(OLD, OLD)), workteams="sagemaker://us-east-1")) == [("note", note, "workers-activity")]
    assert words(found(Aws(teams(OLD, NEW)), workteams="sagemaker://us-east-1")) == [FINE]


def test_a_team_that_may_not_be_asked_for() -> None:
    silent = log_group() | {"ListWorkteams": refused("AccessDeniedException")}
    assert words(found(Aws(silent), worker_activity=LOG)) == [
        ("could not be checked", "sagemaker:ListWorkteams on * is denied", "iam-policy")
    ]
