"""The policy of settings: what places name and what they do not, several of them, the export, a lake on S3, Glue."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from control_plane import ACCOUNT
from labelhouse.doctor.places import target_of
from labelhouse.doctor.policy import MOST_CHARACTERS, Account, characters_of, policy_of
from labelhouse.settings import load_settings

Statement = dict[str, Any]


def nobody(_connection: str | None) -> None:
    return None


def policy(account: Account = nobody, settings: dict[str, Any] | None = None, **sources: Any) -> list[Statement]:
    found = load_settings({}, sources=sources, **settings or {})
    document = policy_of(found, found.sources, account)
    assert document["Version"] == "2012-10-17"
    assert json.loads(json.dumps(document)) == document
    statements: list[Statement] = document["Statement"]
    assert len({each["Sid"] for each in statements}) == len(statements)
    assert all(each["Sid"].isalnum() for each in statements), "IAM allows nothing else"
    return statements


def test_a_prefix_is_listed_and_its_objects_are_read() -> None:
    assert policy(labeling_output="s3://lab/output") == [
        {
            "Sid": "LabelingOutput1",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": ["arn:aws:s3:::lab"],
            "Condition": {"StringLike": {"s3:prefix": ["output/*"]}},
        },
        {
            "Sid": "LabelingOutput2",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::lab/output/*"],
        },
    ]


def test_a_whole_bucket_has_no_condition() -> None:
    listing, reading = policy(labeling_output="s3://lab")
    assert "Condition" not in listing
    assert reading["Resource"] == ["arn:aws:s3:::lab/*"]


def test_a_folder_of_this_machine_needs_nothing() -> None:
    assert policy(labeling_output="./export", worker_activity="./logs") == []


def test_two_buckets_are_not_allowed_each_others_prefixes() -> None:
    statements = policy(labeling_output=["s3://one/a", "s3://two/b", "s3://one/c"])
    listed = {
        tuple(each["Resource"]): each["Condition"]["StringLike"]["s3:prefix"]
        for each in statements
        if each["Action"] == ["s3:ListBucket"]
    }
    assert listed == {("arn:aws:s3:::one",): ["a/*", "c/*"], ("arn:aws:s3:::two",): ["b/*"]}
    (reading,) = [each for each in statements if each["Action"] == ["s3:GetObject"]]
    assert reading["Resource"] == ["arn:aws:s3:::one/a/*", "arn:aws:s3:::one/c/*", "arn:aws:s3:::two/b/*"]


def test_regions_and_accounts_of_several_places() -> None:
    accounts = {None: "1" * 12, "eu": "2" * 12}
    places = ["sagemaker://us-east-1", {"uri": "sagemaker://eu-west-1", "connection": "eu"}]
    listing, describing = policy(accounts.get, labeling_jobs=places)
    assert listing["Resource"] == ["*"]
    assert listing["Condition"] == {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}
    assert describing["Resource"] == [
        "arn:aws:sagemaker:eu-west-1:222222222222:labeling-job/*",
        "arn:aws:sagemaker:us-east-1:111111111111:labeling-job/*",
    ]


def test_an_account_that_nobody_knows_or_that_the_place_names() -> None:
    arn = "arn:aws:logs:us-east-1:{}:log-group:/aws/sagemaker/TrainingJobs:*"
    group = "/aws/sagemaker/TrainingJobs"
    for place, account in ((f"logs://us-east-1{group}", "*"), (f"logs://us-east-1:{ACCOUNT}{group}", ACCOUNT)):
        (reading,) = [each for each in policy(training_logs=place) if each["Action"] == ["logs:FilterLogEvents"]]
        assert reading["Resource"] == [arn.format(account)]


def test_partitions_of_china_and_the_government() -> None:
    for region, partition in (("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")):
        (_, describing) = policy(labeling_jobs=f"sagemaker://{region}")
        assert describing["Resource"] == [f"arn:{partition}:sagemaker:{region}:*:labeling-job/*"]


def test_digests_vouch_for_files_beside_them() -> None:
    for folder in ("AWSLogs/1/CloudTrail-Digest", "AWSLogs/1/CloudTrail/us-east-1", "AWSLogs/1"):
        statements = policy(trail_digests=f"s3://lab/{folder}")
        (reading,) = [each for each in statements if each["Action"] == ["s3:GetObject"]]
        assert reading["Resource"] == ["arn:aws:s3:::lab/AWSLogs/1/*"]
    (reading,) = [
        each for each in policy(cloudtrail="s3://lab/AWSLogs/1/CloudTrail") if "s3:GetObject" in each["Action"]
    ]
    assert reading["Resource"] == ["arn:aws:s3:::lab/AWSLogs/1/CloudTrail/*"]


def test_characters_that_iam_would_take_for_others() -> None:
    listing, reading = policy(labeling_output="s3://lab/a*b?/${x}")
    assert reading["Resource"] == ["arn:aws:s3:::lab/a${*}b${?}/${$}{x}/*"]
    assert listing["Condition"]["StringLike"]["s3:prefix"] == ["a${*}b${?}/${$}{x}/*"]


def test_the_export_of_a_log_group() -> None:
    place = "logs://us-east-1/aws/sagemaker/groundtruth/WorkerActivity"
    setting = {"log_export_uri": "s3://exports/logs"}
    statements = [
        each for each in policy(settings=setting, worker_activity=place) if each["Sid"].startswith("LogExport")
    ]
    assert {action: each["Resource"] for each in statements for action in each["Action"]} == {
        "logs:CreateExportTask": ["arn:aws:logs:us-east-1:*:log-group:/aws/sagemaker/groundtruth/WorkerActivity:*"],
        "logs:DescribeExportTasks": ["*"],
        "s3:ListBucket": ["arn:aws:s3:::exports"],
        "s3:GetObject": ["arn:aws:s3:::exports/logs/*"],
        "s3:PutObject": ["arn:aws:s3:::exports/logs/*"],
    }
    for sources in ({"worker_activity": "./logs"}, {"labeling_output": "s3://lab/output"}):
        assert of_export(policy(settings=setting, **sources)) == []


def of_export(statements: list[Statement]) -> list[Statement]:
    return [each for each in statements if each["Sid"].startswith("LogExport")]


def test_a_policy_is_counted_as_iam_counts() -> None:
    assert characters_of({"Version": "2012-10-17", "Statement": []}) == len('{"Version":"2012-10-17","Statement":[]}')
    places = [f"s3://bucket-{number}/output" for number in range(40)]
    assert characters_of({"Version": "2012-10-17", "Statement": policy(labeling_output=places)}) > MOST_CHARACTERS


def test_names_of_places_are_data() -> None:
    strange = 's3://lab/"}], "Effect": "Deny'
    listing, _ = policy(labeling_output=strange)
    assert listing["Effect"] == "Allow"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_every_uri_is_taken_apart(text: str) -> None:
    """Sources refuse what they cannot read; taking it apart never fails, and no part widens an ARN."""
    for scheme in ("", "s3://b/", "logs://us-east-1/", "sagemaker://", "cognito-idp://us-east-1/"):
        target = target_of(scheme + text)
        for name in ("bucket", "folder", "group", "pool"):
            kept = target.parts[name].replace("${*}", "").replace("${?}", "").replace("${$}", "")
            assert not set("*?$") & set(kept)
