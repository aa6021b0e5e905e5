"""Calls that change something of SageMaker, Cognito or CloudTrail become one row each, saying what they changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from labelhouse.sources.trails import log_files
from trail_units import ACCOUNT, IDENTITIES, SESSION, Json, Result, call, event, log, parse, record

FILTERED = {"read": 1, "loaded": 0, "quarantined": 0, "filtered": 1}


def load(*records: Any) -> Result:
    return parse(log(*records))


def row(given: Json) -> Json:
    """The row of an event, which must load."""
    result = load(given)
    assert result.reasons == []
    (found,) = result.events
    return found


def test_an_event() -> None:
    request = {"trialName": "birds", "experimentName": "Birds 2024", "tags": [{"key": "a", "value": "b"}]}
    arn = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:experiment-trial/birds"
    found = row(event("CreateTrial", request, responseElements={"trialArn": arn}, sharedEventID="shared"))
    assert json.loads(found.pop("request_json")) == request
    assert json.loads(found.pop("response_json")) == {"trialArn": arn}
    assert found == {
        "position": "0",
        "event_at": datetime(2024, 5, 6, 7, 0, 1, tzinfo=UTC),
        "event_id": "0a1b2c3d-0000-4000-8000-000000000001",
        "event_source": "sagemaker.amazonaws.com",
        "event_name": "CreateTrial",
        "account_id": ACCOUNT,
        "aws_region": "eu-west-1",
        "resource_kind": "trial",
        "resource_name": "birds",
        "error_code": None,
        "error_message": None,
        "shared_event_id": "shared",
        "time_flag": None,
        "principal_arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Trainer/{IDENTITIES.pseudonym(SESSION)}",
        "principal_type": "AssumedRole",
        "source_network": "203.0.113.0/24",
        "user_agent": "Boto3/1.34",
    }


SAGEMAKER = [
    ("CreateTrainingJob", {"trainingJobName": "birds-1"}, "training_job", "birds-1"),
    ("StopTrainingJob", {"trainingJobName": "birds-1"}, "training_job", "birds-1"),
    ("CreateLabelingJob", {"labelingJobName": "pets", "roleArn": "arn:aws:iam::1:role/r"}, "labeling_job", "pets"),
    ("StopLabelingJob", {"labelingJobName": "pets"}, "labeling_job", "pets"),
    ("CreateHyperParameterTuningJob", {"hyperParameterTuningJobName": "t"}, "hyper_parameter_tuning_job", "t"),
    ("CreateAutoMLJobV2", {"autoMLJobName": "a"}, "auto_ml_job", "a"),
    ("CreateAutoMLJob", {"autoMLJobName": "a"}, "auto_ml_job", "a"),
    ("CreateExperiment", {"experimentName": "e"}, "experiment", "e"),
    ("DeleteTrial", {"trialName": "t"}, "trial", "t"),
    ("CreateTrialComponent", {"trialComponentName": "birds-7", "displayName": "d"}, "trial_component", "birds-7"),
    ("UpdateTrialComponent", {"trialComponentName": "birds-7"}, "trial_component", "birds-7"),
    ("AssociateTrialComponent", {"trialName": "t", "trialComponentName": "birds-7"}, "trial_component", "birds-7"),
    ("DisassociateTrialComponent", {"trialName": "t", "trialComponentName": "b"}, "trial_component", "b"),
    ("CreateWorkteam", {"workteamName": "team", "workforceName": "default"}, "workteam", "team"),
    ("DeleteWorkforce", {"workforceName": "default"}, "workforce", "default"),
    ("CreateHumanTaskUi", {"humanTaskUiName": "ui"}, "human_task_ui", "ui"),
    ("CreateEndpoint", {"endpointName": "e", "endpointConfigName": "c"}, "endpoint", "e"),
    ("DeleteEndpointConfig", {"endpointConfigName": "c"}, "endpoint_config", "c"),
    ("CreateModel", {"modelName": "m"}, "model", "m"),
    ("UpdateModelPackage", {"modelPackageArn": "arn:aws:sagemaker:x"}, "model_package", "arn:aws:sagemaker:x"),
    ("StartNotebookInstance", {"notebookInstanceName": "n"}, "notebook_instance", "n"),
    ("DeleteDomain", {"domainId": "d-1", "retentionPolicy": {}}, "domain", "d-1"),
    ("AddTags", {"resourceArn": "arn:aws:sagemaker:y", "tags": []}, "tags", "arn:aws:sagemaker:y"),
    ("StartPipelineExecution", {"pipelineName": "p"}, "pipeline_execution", None),
    ("CreateTrial", None, "trial", None),
    ("CreateTrial", "trialName=birds", "trial", None),
    ("CreateTrial", [{"trialName": "birds"}], "trial", None),
    ("CreateTrial", {"trialName": 7}, "trial", None),
    ("CreateTrial", {"trialName": ""}, "trial", None),
]
COGNITO = [
    ("CreateUserPool", {"poolName": "workers"}, "user_pool", "workers"),
    ("DeleteUserPool", {"userPoolId": "eu-west-1_a"}, "user_pool", "eu-west-1_a"),
    ("CreateUserPoolClient", {"userPoolId": "eu-west-1_a", "clientName": "portal"}, "user_pool_client", "portal"),
    ("DeleteUserPoolClient", {"userPoolId": "eu-west-1_a", "clientId": "c1"}, "user_pool_client", "c1"),
    ("CreateGroup", {"groupName": "team", "userPoolId": "eu-west-1_a"}, "group", "team"),
    ("SetUserPoolMfaConfig", {"userPoolId": "eu-west-1_a"}, "user_pool_mfa_config", "eu-west-1_a"),
    ("StartUserImportJob", {"userPoolId": "eu-west-1_a", "jobId": "j"}, "user_import_job", "eu-west-1_a"),
]
CLOUDTRAIL = [
    ("CreateTrail", {"name": "main", "s3BucketName": "b"}, "trail", "main"),
    ("StopLogging", {"name": "main"}, "trail", "main"),
    ("StartLogging", {"name": "main"}, "trail", "main"),
    ("DeleteTrail", {"name": "main"}, "trail", "main"),
    ("PutEventSelectors", {"trailName": "main", "eventSelectors": []}, "trail", "main"),
    ("PutInsightSelectors", {"trailName": "main"}, "trail", "main"),
    ("CreateEventDataStore", {"name": "lake"}, "event_data_store", "lake"),
    ("DeleteEventDataStore", {"eventDataStore": "arn:aws:cloudtrail:z"}, "event_data_store", "arn:aws:cloudtrail:z"),
    ("StopEventDataStoreIngestion", {"eventDataStore": "lake"}, "event_data_store", "lake"),
    ("AddTags", {"resourceId": "arn:aws:cloudtrail:t"}, "tags", "arn:aws:cloudtrail:t"),
    ("RemoveTags", {"resourceId": "arn:aws:cloudtrail:t"}, "tags", "arn:aws:cloudtrail:t"),
]
OPERATIONS = [
    (service, *each)
    for service, operations in (("sagemaker", SAGEMAKER), ("cognito-idp", COGNITO), ("cloudtrail", CLOUDTRAIL))
    for each in operations
]


@pytest.mark.parametrize(("service", "operation", "request_parameters", "kind", "name"), OPERATIONS)
def test_what_an_operation_changes(
    service: str, operation: str, request_parameters: Any, kind: str, name: str | None
) -> None:
    found = row(event(operation, request_parameters, service))
    assert (found["event_source"], found["event_name"]) == (f"{service}.amazonaws.com", operation)
    assert (found["resource_kind"], found["resource_name"]) == (kind, name)


@pytest.mark.parametrize(
    "operation",
    [
        "AdminCreateUser",
        "AdminDeleteUser",
        "AdminDisableUser",
        "AdminEnableUser",
        "AdminSetUserPassword",
        "AdminResetUserPassword",
        "AdminSetUserSettings",
        "AdminSetUserMFAPreference",
        "AdminUpdateUserAttributes",
        "AdminDeleteUserAttributes",
        "AdminAddUserToGroup",
        "AdminRemoveUserFromGroup",
    ],
)
def test_a_person_that_was_changed_is_a_pseudonym(operation: str) -> None:
    request = {"userPoolId": "eu-west-1_a", "username": "Grace-Canary-Hopper", "groupName": "team"}
    found = row(event(operation, request, "cognito-idp"))
    pseudonym = IDENTITIES.pseudonym("grace-canary-hopper")
    assert (found["resource_kind"], found["resource_name"]) == ("user", pseudonym)
    assert json.loads(found["request_json"]) == request | {"username": pseudonym}


def test_what_aws_hides_is_nobodys_name() -> None:
    hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
    found = row(event("AdminCreateUser", {"userPoolId": "p", "username": hidden}, "cognito-idp"))
    assert found["resource_name"] == hidden
    assert json.loads(found["request_json"])["username"] == hidden


def test_a_profile_of_a_person_is_a_pseudonym() -> None:
    pseudonym = IDENTITIES.pseudonym("grace-canary-hopper")
    arn = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:user-profile/d-1/"
    found = row(
        event(
            "CreateUserProfile",
            {"domainId": "d-1", "userProfileName": "grace-canary-hopper"},
            responseElements={"userProfileArn": f"{arn}grace-canary-hopper"},
        )
    )
    assert (found["resource_kind"], found["resource_name"]) == ("user_profile", pseudonym)
    assert json.loads(found["response_json"]) == {"userProfileArn": f"{arn}{pseudonym}"}


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("sagemaker", "DescribeTrainingJob"),
        ("sagemaker", "ListTrials"),
        ("sagemaker", "Search"),
        ("sagemaker", "InvokeEndpoint"),
        ("cognito-idp", "AdminGetUser"),
        ("cognito-idp", "AdminInitiateAuth"),
        ("cognito-idp", "InitiateAuth"),
        ("cognito-idp", "Settle"),
        ("cloudtrail", "LookupEvents"),
        ("cloudtrail", "GetTrail"),
        ("s3", "PutObject"),
        ("s3", "DeleteBucket"),
        ("iam", "CreateUser"),
        ("sts", "AssumeRole"),
    ],
)
def test_what_changes_nothing_of_ours_is_filtered(service: str, operation: str) -> None:
    assert load(event(operation, {"name": "x"}, service)).counts == FILTERED


@pytest.mark.parametrize("is_reading", [True, "true"])
def test_what_says_that_it_only_reads_is_filtered(is_reading: Any) -> None:
    assert load(event("CreatePresignedDomainUrl", {"domainId": "d"}, readOnly=is_reading)).counts == FILTERED


@pytest.mark.parametrize("is_reading", [False, "false", None, ...])
def test_what_does_not_say_so_changes_something(is_reading: Any) -> None:
    assert row(event("CreateTrial", {"trialName": "t"}, readOnly=is_reading))["resource_name"] == "t"


def test_a_refused_change_says_why() -> None:
    found = row(
        event("CreateTrial", {"trialName": "t"}, errorCode="AccessDenied", errorMessage="no, ada@example.com, never")
    )
    assert found["error_code"] == "AccessDenied"
    assert found["error_message"] == f"no, {IDENTITIES.pseudonym('ada@example.com')}, never"


@pytest.mark.parametrize(
    ("identity", "arn", "kind"),
    [
        ({"type": "AWSService", "invokedBy": "sagemaker.amazonaws.com"}, "sagemaker.amazonaws.com", "AWSService"),
        ({"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root"}, f"arn:aws:iam::{ACCOUNT}:root", "Root"),
        ({"type": "AWSAccount", "accountId": ACCOUNT}, None, "AWSAccount"),
        ({}, None, None),
        (None, None, None),
        (..., None, None),
        ({"type": "", "arn": "", "invokedBy": "AWS Internal"}, "AWS Internal", None),
    ],
)
def test_who_called(identity: Any, arn: str | None, kind: str | None) -> None:
    result = load(event("CreateTrial", userIdentity=identity), call(userIdentity=identity))
    for found in (*result.events, *result.points):
        assert (found["principal_arn"], found["principal_type"]) == (arn, kind)
    assert result.counts["loaded"] == 2


def test_texts_come_as_captured() -> None:
    name = 'Vögel "2024" \\ \u2028 \0 设备 <b>\'; drop table x; --</b>'
    found = row(event("CreateTrial", {"trialName": name, "tags": {name: [1, 2.5, None, True]}}))
    assert found["resource_name"] == name
    assert json.loads(found["request_json"]) == {"trialName": name, "tags": {name: [1, 2.5, None, True]}}


def test_events_and_points_of_one_file_come_in_one_pass() -> None:
    result = load(record(), event("CreateTrial", {"trialName": "a"}), call(), event("StopLogging", {"name": "m"},
                  "cloudtrail", eventID="second"), record())  # fmt: skip
    assert [found["position"] for found in result.events] == ["1", "3"]
    assert [found["position"] for found in result.points] == ["2/0"]
    assert result.counts == {"read": 5, "loaded": 3, "quarantined": 0, "filtered": 2}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"eventID": None}, "eventID is missing"),
        ({"eventID": ...}, "eventID is missing"),
        ({"eventTime": ""}, "eventTime is missing"),
        ({"eventTime": "yesterday"}, "eventTime is not a time such as 2019-04-18T16:40:59Z"),
        ({"eventTime": "2999-01-01T00:00:00Z"}, "eventTime lies before 2010 or in the future"),
        ({"eventName": None}, "eventName is missing"),
        ({"eventSource": None}, "eventSource is missing"),
        ({"eventSource": None, "eventName": None}, "eventSource is missing"),
        ({"readOnly": 0}, "readOnly is a number, not true or false or text"),
        ({"errorMessage": ["no"]}, "errorMessage is a list, not text"),
    ],
)
def test_an_event_that_does_not_say_what_it_is_is_quarantined_alone(changes: Json, reason: str) -> None:
    result = load(event("CreateTrial", eventID="a"), event("CreateTrial", **changes), record(), call())
    assert result.counts == {"read": 4, "loaded": 2, "quarantined": 1, "filtered": 1}
    assert result.reasons == [("1", reason)]


@pytest.mark.parametrize("missing", ["eventID", "eventTime", "eventName", "userIdentity", "requestParameters"])
def test_a_foreign_record_need_not_say_anything_else(missing: str) -> None:
    assert load(record(**{missing: ...})).counts == FILTERED
    assert load(record(**{missing: ...}), call(userAgent=7)).counts["filtered"] == 1, "nor when files are taken apart"


def test_a_leap_second_is_flagged() -> None:
    found = row(event("CreateTrial", eventTime="2016-12-31T23:59:60Z"))
    assert (found["event_at"], found["time_flag"]) == (
        datetime(2016, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
        "leap_second",
    )


def test_what_looks_like_a_record_within_another_is_not_taken_for_it() -> None:
    """Somebody knows an event that will be in the same file, and has a call logged that holds another version of it."""
    real = event("DeleteModel", {"modelName": "birds"}, eventID="00000000-0000-4000-8000-000000000002")
    forged = real | {"requestParameters": {"modelName": "nothing"}}
    calls = [
        record(requestParameters={"entries": [record(), forged, record()]}, eventID=f"00000000-0000-4000-8000-{at:012}")
        for at in (1, 3)
    ]
    for records in ([calls[0], real, calls[1]], [real, *calls], [*calls, real]):
        result = parse(log(*(json.dumps(each, separators=(",", ":")).encode() for each in records)))
        assert [found["resource_name"] for found in result.events] == ["birds"]
        assert result.counts == {"read": 3, "loaded": 1, "quarantined": 0, "filtered": 2}


def test_single_records_are_found_without_taking_a_file_apart() -> None:
    ids = [f"00000000-0000-4000-8000-{at:012}" for at in range(5)]
    texts = [json.dumps(record(eventID=event_id), separators=(",", ":")).encode() for event_id in ids]
    text = log(*texts)
    found = log_files.records_with(text, [(ids[0], ""), (ids[3], ids[2]), (ids[4], ids[3])])
    assert [bytes(each) for each in found or ()] == [texts[0], texts[3], texts[4]]
    last = ids[2]
    for not_there in [(ids[1], ids[4]), (ids[1], ""), (ids[0], last), (last[::-1], ids[1]), (None, last), (last, None)]:
        assert log_files.records_with(text, [not_there]) is None


def test_a_file_is_cut_between_records() -> None:
    texts = [json.dumps(record(eventID=str(at)), separators=(",", ":")).encode() for at in range(9)]
    text = log(*texts)
    pieces = [text[begin:end] for begin, end in log_files.cuts(text, 2 * len(texts[0]) + 1)]
    assert [json.loads(b"[" + piece + b"]") for piece in pieces] == [
        [json.loads(each) for each in texts[first : first + 3]] for first in (0, 3, 6)
    ]
