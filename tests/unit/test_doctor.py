"""What the doctor finds out about any source: refusals, regions, empty places, credentials, clocks, versions."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from control_plane import POOL, Account, user
from doctored import BUCKET, NOW, Aws, bucket, date, denied, found, teams, words
from labelhouse.doctor.examine import MOST_SKEW
from labelhouse.doctor.findings import GUIDE, Heading
from labelhouse.doctor.wire import Watch
from labelhouse.settings import PROJECT_DIR
from sample_job import write_job
from served_aws import refused

OUTPUT = f"s3://{BUCKET}/output"
A_JOB = ("output/job/manifests/output/output.manifest",)
FINE = ("ok", "can be listed and read", "")
REGION = "sagemaker://us-east-1"


def about_bucket(answers: dict[str, Any], headers: dict[str, str] | None = None) -> list[tuple[str, str, str]]:
    return words(found(Aws(answers, headers or {}), labeling_output=OUTPUT))


def test_a_place_that_can_be_read_is_fine() -> None:
    assert about_bucket(bucket(*A_JOB)) == [FINE]


def test_a_folder_is_read_without_any_client(tmp_path: Path) -> None:
    def nobody(name: str) -> Any:
        raise AssertionError(name)

    write_job(tmp_path / "export", objects=1)
    (tmp_path / "empty").mkdir()
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange/notes.txt").write_text("no label")
    assert words(found(nobody, labeling_output=str(tmp_path / "export"))) == [FINE]
    assert words(found(nobody, labeling_output=str(tmp_path / "empty"))) == [("missing", "nothing lies there", "")]
    strange = words(found(nobody, labeling_output=str(tmp_path / "strange")))
    assert strange == [("missing", "what lies there is nothing that this source reads", "")]
    gone = words(found(nobody, labeling_output=str(tmp_path / "gone")))
    assert gone == [("missing", "the folder does not exist", "")]


def test_an_empty_prefix_and_one_without_files_of_the_source() -> None:
    assert about_bucket(bucket("other/x")) == [("missing", "nothing lies there", "")]
    strange = about_bucket(bucket("output/notes.txt"))
    assert strange == [("missing", "what lies there is nothing that this source reads", "")]


@pytest.mark.parametrize(
    ("operation", "refusal", "what"),
    [
        ("ListObjectsV2", denied("s3:ListBucket", "arn:aws:s3:::lab"), "s3:ListBucket on arn:aws:s3:::lab is denied"),
        ("ListObjectsV2", refused("AccessDenied", 403), "s3:ListBucket on arn:aws:s3:::lab is denied"),
        ("GetObject", refused("AccessDenied", 403), f"s3:GetObject on arn:aws:s3:::lab/{A_JOB[0]} is denied"),
        (
            "GetObject",
            denied("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k"),
            "kms:Decrypt on arn:aws:kms:us-east-1:111122223333:key/k is denied",
        ),
    ],
)
def test_which_action_is_denied_on_which_resource(operation: str, refusal: Exception, what: str) -> None:
    assert about_bucket(bucket(*A_JOB) | {operation: refusal}) == [("missing", what, "iam-policy")]


def test_an_explicit_deny_is_not_mended_by_an_allow() -> None:
    refusal = denied("s3:ListBucket", "arn:aws:s3:::lab", "with an explicit deny in a service control policy")
    (finding,) = found(Aws(bucket(*A_JOB) | {"ListObjectsV2": refusal}), labeling_output=OUTPUT)
    assert "explicit deny" in finding.to_do
    assert "--policy" not in finding.to_do


def test_denied_calls_of_apis_have_the_resource_of_the_policy() -> None:
    refusal = refused("AccessDeniedException", 400, "nothing said")
    account = teams(NOW)
    assert words(found(Aws(account | {"ListWorkteams": refusal}), workteams=REGION)) == [
        ("missing", "sagemaker:ListWorkteams on * is denied", "iam-policy")
    ]
    described = words(found(Aws(account | {"DescribeWorkteam": refusal}), workteams=REGION))
    assert described == [
        ("missing", "sagemaker:DescribeWorkteam on arn:aws:sagemaker:us-east-1:*:workteam/* is denied", "iam-policy")
    ]


def test_what_a_source_can_do_without_is_told_too() -> None:
    account = Account(users=[user()], unservable={"ListGroups": refused("AccessDeniedException")})
    place = f"cognito-idp://us-east-1/{POOL}"
    assert words(found(account.clients, workers=place)) == [
        (
            "missing",
            f"cognito-idp:ListGroups on arn:aws:cognito-idp:us-east-1:*:userpool/{POOL} is denied, so the groups of the"
            " workers stay unknown",
            "iam-policy",
        )
    ]
    account.unservable.clear()
    assert words(found(account.clients, workers=place)) == [FINE]


def test_a_bucket_or_pool_that_does_not_exist() -> None:
    assert about_bucket({"ListObjectsV2": refused("NoSuchBucket", 404)}) == [
        ("missing", "the bucket does not exist", "")
    ]
    (finding,) = found(Account().clients, workers="cognito-idp://us-east-1/us-east-1_Nobody")
    assert (str(finding.state), finding.what) == ("missing", "the user pool does not exist")


def test_a_bucket_in_another_region() -> None:
    elsewhere = refused("PermanentRedirect", 301)
    assert about_bucket({"ListObjectsV2": elsewhere}) == [
        ("missing", "the bucket is in another region than the client", "regions")
    ]
    readable = about_bucket(bucket(*A_JOB), {"x-amz-bucket-region": "eu-west-1"})
    assert readable == [("note", "the bucket is in eu-west-1, the client's region is us-east-1", "regions")]
    assert about_bucket(bucket(*A_JOB), {"x-amz-bucket-region": "us-east-1"}) == [FINE]


def test_a_region_with_nothing_in_it_may_be_the_wrong_one() -> None:
    assert words(found(Account().clients, labeling_jobs=REGION)) == [
        ("note", "there is nothing to read in us-east-1", "regions")
    ]


@pytest.mark.parametrize(
    ("refusal", "what"),
    [
        (refused("ExpiredToken", 400), "the AWS credentials have expired"),
        (refused("InvalidAccessKeyId", 403), "the AWS credentials are not accepted"),
        (refused("SignatureDoesNotMatch", 403), "the AWS credentials are not accepted"),
        (NoCredentialsError(), "no AWS credentials were found"),
    ],
)
def test_useless_credentials_are_told_once_a_connection(refusal: Exception, what: str, tmp_path: Path) -> None:
    write_job(tmp_path, objects=1)
    aws = Aws({"ListObjectsV2": refusal, "ListLabelingJobs": refusal} | teams(NOW))
    if isinstance(refusal, NoCredentialsError):  # raised on the way, not answered
        aws.answers["ListObjectsV2"] = unsigned
    places = [OUTPUT, "s3://lab/more", {"uri": "s3://lab/third", "connection": "other"}, str(tmp_path)]
    findings = found(aws, labeling_output=places, labeling_jobs=REGION)
    assert words(findings) == [("missing", what, "credentials"), ("missing", what, "credentials"), FINE]
    assert [each.place for each in findings] == [OUTPUT, "s3://lab/third (other)", str(tmp_path)]


def unsigned(_parameters: dict[str, Any]) -> dict[str, Any]:
    raise refused("NoCredentialsError", 403)


@pytest.mark.parametrize(
    ("refusal", "finding"),
    [
        (
            refused("NotImplemented", 501),
            ("could not be checked", "s3:ListObjectsV2 is not answered now (NotImplemented)", ""),
        ),
        (refused("SlowDown", 503), ("could not be checked", "s3:ListObjectsV2 is not answered now (SlowDown)", "")),
        (
            NotImplementedError("moto"),
            ("could not be checked", "it does not answer as AWS does (NotImplementedError)", ""),
        ),
        (refused("Odd", 400), ("missing", "S3 cannot be read (Odd)", "")),
        (refused("RequestTimeTooSkewed", 403), ("missing", "AWS refuses requests of this machine's clock", "clock")),
    ],
)
def test_what_cannot_be_answered_is_no_traceback(refusal: Exception, finding: tuple[str, str, str]) -> None:
    assert about_bucket({"ListObjectsV2": refusal}) == [finding]


def test_an_api_that_does_not_answer_is_not_waited_for() -> None:
    aws = Aws({})
    assert words(found(aws, labeling_jobs=REGION)) == [
        ("could not be checked", "sagemaker:ListLabelingJobs is not answered now (NotImplemented)", "")
    ]
    assert len(aws.calls) == 1


def test_an_endpoint_that_cannot_be_reached() -> None:
    import boto3
    from botocore.config import Config

    def client(name: str) -> Any:
        service, _, region = name.partition("@")
        quick = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, region_name=region, endpoint_url="http://127.0.0.1:9", config=quick, **keys)

    assert words(found(client, labeling_jobs=REGION)) == [
        ("missing", "the endpoint of sagemaker in us-east-1 cannot be reached", "regions")
    ]
    assert EndpointConnectionError.__name__ in str(EndpointConnectionError)


def test_clocks_that_are_apart() -> None:
    assert about_bucket(bucket(*A_JOB), date(timedelta(seconds=30))) == [FINE]
    behind = about_bucket(bucket(*A_JOB), date(timedelta(minutes=2)))
    assert behind == [FINE, ("note", "this machine's clock is 120 seconds behind that of AWS", "clock")]
    ahead = about_bucket(bucket(*A_JOB), date(-MOST_SKEW))
    assert ahead == [FINE, ("missing", "this machine's clock is 300 seconds ahead of that of AWS", "clock")]
    assert about_bucket(bucket(*A_JOB), {"date": "yesterday"}) == [FINE]


def test_an_sdk_that_lacks_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    from labelhouse.doctor import examine
    from labelhouse.doctor.calls import Call

    monkeypatch.setattr(examine, "calls_of", lambda *_: (Call("sagemaker:ListDreams", "sagemaker:ListDreams"),))
    assert words(found(Aws(teams(NOW)), workteams=REGION)) == [
        ("missing", "the installed boto3 does not know sagemaker:ListDreams", "versions")
    ]


def test_findings_are_one_line_each_with_what_to_do_and_where_it_is_written() -> None:
    (finding,) = found(Aws({"ListObjectsV2": refused("AccessDenied", 403)}), labeling_output=OUTPUT)
    assert str(finding) == (
        "missing: labeling_output s3://lab/output: s3:ListBucket on arn:aws:s3:::lab is denied; allow it, as"
        " `labelhouse doctor --policy` prints (docs/set-up.md#iam-policy)"
    )
    assert finding.as_json() == {
        "state": "missing",
        "source": "labeling_output",
        "place": "s3://lab/output",
        "what": "s3:ListBucket on arn:aws:s3:::lab is denied",
        "to_do": "allow it, as `labelhouse doctor --policy` prints",
        "guide": "docs/set-up.md#iam-policy",
    }


def test_every_heading_that_findings_name_is_in_the_guide() -> None:
    headings = re.findall(r"^## (.+)$", (PROJECT_DIR / GUIDE).read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(get_args(Heading)) - {""} <= anchors
    assert f"({GUIDE})" in (PROJECT_DIR / "README.md").read_text()


def test_watching_a_shared_client_ends() -> None:
    clients = Aws(teams(NOW)).clients
    first, second = Watch(clients), Watch(clients)
    first("sagemaker@us-east-1").list_workteams()
    second("sagemaker@us-east-1").list_workteams()
    first.close()
    clients("sagemaker@us-east-1").list_workteams()
    assert [len(first.requests), len(second.requests)] == [2, 2]
    assert second.requests[0].name == "sagemaker:ListWorkteams"
    assert second.requests[0].region == "us-east-1"
