"""What other calls look like in CloudTrail: the foreign majority, and the changes to SageMaker, Cognito and the trail.

Names and sizes follow what AWS writes. A few foreign events name BatchPutMetrics or its service inside a text, so
that a reader that only looks for the words is found out.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from trail_records import METRICS_SOURCE, ROLES, Chance, Json, Place, record

BUCKETS = ("training-data", "label-output", "feature-store", "app-logs", "artifacts")


def foreign(place: Place, chance: Chance, at: int) -> Json:
    """An event that no table of the lake wants."""
    [make] = chance.choices(_FOREIGN, _WEIGHTS)
    return make(place, chance, at)


def _s3_object(place: Place, chance: Chance, at: int) -> Json:
    name = chance.choice(("GetObject", "GetObject", "GetObject", "PutObject", "HeadObject", "DeleteObject"))
    bucket = f"{chance.choice(BUCKETS)}-{place.account}"
    folder = chance.choice(("raw/images", "export/ré-étiqueté", "tmp/spark/_temporary/0/task_202603020915", "models"))
    key = f"{folder}/{chance.hexadecimal(10)}/part-{chance.randrange(100000):05}-{chance.uuid()}.c000.snappy.parquet"
    return record(
        place, chance, at, "s3", name,
        {"bucketName": bucket, "Host": f"{bucket}.s3.{place.region}.amazonaws.com", "key": key},
        {"x-amz-server-side-encryption": "aws:kms"} if name == "PutObject" else None,
        additional={
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": chance.randrange(10**6) if name == "PutObject" else 0,
            "AuthenticationMethod": "AuthHeader",
            "x-amz-id-2": chance.alphanumeric(75) + "=",
            "bytesTransferredOut": chance.randrange(10**6),
        },
        is_reading=name in {"GetObject", "HeadObject"},
        is_data=True,
        resources=[
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
            {"accountId": place.account, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
        ],
    )  # fmt: skip


def _kms(place: Place, chance: Chance, at: int) -> Json:
    name = chance.choice(("Decrypt", "Decrypt", "GenerateDataKey", "DescribeKey"))
    key = place.arn("kms", f"key/{place.account[:8]}-1111-2222-3333-{chance.randrange(9):012}")
    request: Json = {"encryptionContext": {"aws:s3:arn": f"arn:aws:s3:::{chance.choice(BUCKETS)}-{place.account}"}}
    if name == "GenerateDataKey":
        request |= {"keySpec": "AES_256", "keyId": key}
    else:
        request["encryptionAlgorithm"] = "SYMMETRIC_DEFAULT"
    resources = [{"accountId": place.account, "type": "AWS::KMS::Key", "ARN": key}]
    return record(place, chance, at, "kms", name, request, is_reading=True, resources=resources)


def _assume_role(place: Place, chance: Chance, at: int) -> Json:
    role, session = chance.choice(ROLES), f"session-{chance.hexadecimal(8)}"
    arn = f"arn:aws:iam::{place.account}:role/{role}"
    response = {
        "credentials": {
            "accessKeyId": f"ASIA{chance.capitals(16)}",
            "sessionToken": f"IQoJb3JpZ2luX2VjE{chance.alphanumeric(chance.choice((260, 420, 700)))}==",
            "expiration": "Mar 2, 2026, 10:15:27 AM",
        },
        "assumedRoleUser": {
            "assumedRoleId": f"AROA{chance.capitals(17)}:{session}",
            "arn": f"arn:aws:sts::{place.account}:assumed-role/{role}/{session}",
        },
    }
    request = {"roleArn": arn, "roleSessionName": session, "durationSeconds": 3600}
    resources = [{"accountId": place.account, "type": "AWS::IAM::Role", "ARN": arn}]
    caller = chance.choice(place.services)
    return record(
        place, chance, at, "sts", "AssumeRole", request, response, caller=caller, is_reading=True, resources=resources
    )


def _ec2_describe(place: Place, chance: Chance, at: int) -> Json:
    name = chance.choice(("DescribeInstances", "DescribeVolumes", "DescribeNetworkInterfaces", "DescribeTags"))
    items = [{"value": f"i-0{chance.hexadecimal(16)}"} for _ in range(chance.choice((1, 1, 2, 20)))]
    request = {"maxResults": 1000, "filterSet": {"items": [{"name": "resource-id", "valueSet": {"items": items}}]}}
    refused = ("Client.RequestLimitExceeded", "Request limit exceeded.") if chance.random() < 0.03 else None
    return record(place, chance, at, "ec2", name, request, error=refused, is_reading=True)


def _run_instances(place: Place, chance: Chance, at: int) -> Json:
    def instance(index: int) -> Json:
        network = f"eni-0{chance.hexadecimal(16)}"
        return {
            "instanceId": f"i-0{chance.hexadecimal(16)}",
            "imageId": f"ami-0{chance.hexadecimal(16)}",
            "instanceState": {"code": 0, "name": "pending"},
            "privateDnsName": f"ip-10-0-{index}-{chance.randrange(256)}.{place.region}.compute.internal",
            "keyName": "ops",
            "amiLaunchIndex": index,
            "productCodes": {},
            "instanceType": chance.choice(("p4d.24xlarge", "g5.2xlarge", "m6i.large")),
            "launchTime": at * 1000,
            "placement": {"availabilityZone": f"{place.region}a", "tenancy": "default"},
            "monitoring": {"state": "pending"},
            "networkInterfaceSet": {"items": [{"networkInterfaceId": network, "subnetId": "subnet-0a1b2c3d4e5f67890"}]},
            "tagSet": {"items": [{"key": key, "value": chance.alphanumeric(20)} for key in ("Name", "team", "use")]},
        }

    count = chance.choice((1, 2, 4, 16, 40))
    request = {"instancesSet": {"items": [{"minCount": count, "maxCount": count}]}, "blockDeviceMapping": {}}
    response = {
        "reservationId": f"r-0{chance.hexadecimal(16)}",
        "instancesSet": {"items": [instance(i) for i in range(count)]},
    }
    return record(place, chance, at, "ec2", "RunInstances", request, response)


def _policy(place: Place, chance: Chance, at: int) -> Json:
    actions = ["sagemaker:BatchPutMetrics", "s3:GetObject", "logs:PutLogEvents"]
    statement = {
        "Sid": "Train",
        "Effect": "Allow",
        "Action": actions,
        "Resource": [f"arn:aws:s3:::{b}/*" for b in BUCKETS],
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=chance.choice((None, 2)))
    request = {"roleName": chance.choice(ROLES), "policyName": "train", "policyDocument": document}
    return record(place, chance, at, "iam", "PutRolePolicy", request)


def _rule(place: Place, chance: Chance, at: int) -> Json:
    pattern = json.dumps({"detail": {"eventSource": [METRICS_SOURCE], "eventName": ["BatchPutMetrics"]}})
    name = f"metrics-{chance.hexadecimal(6)}"
    return record(
        place, chance, at, "events", "PutRule", {"name": name, "eventPattern": pattern, "state": "ENABLED"},
        {"ruleArn": place.arn("events", f"rule/{name}")},
    )  # fmt: skip


def _logs(place: Place, chance: Chance, at: int) -> Json:
    group = f"/aws/lambda/{chance.choice(('ingest', 'resize', 'notify'))}"
    stream = f"2026/03/02/[$LATEST]{chance.hexadecimal(32)}"
    request = {"logGroupName": group, "logStreamName": stream}
    return record(place, chance, at, "logs", "CreateLogStream", request)


def _dynamodb(place: Place, chance: Chance, at: int) -> Json:
    table = chance.choice(("sessions", "feature-index", "locks"))
    name = chance.choice(("GetItem", "PutItem", "UpdateItem", "Query"))
    request: Json = {"tableName": table, "key": {"pk": f"user#{chance.hexadecimal(12)}", "sk": "state"}}
    if name != "GetItem":
        request |= {"items": ["pk", "sk", "expires", "payload"], "returnConsumedCapacity": "TOTAL"}
    resources = [
        {"accountId": place.account, "type": "AWS::DynamoDB::Table", "ARN": place.arn("dynamodb", f"table/{table}")}
    ]
    return record(
        place,
        chance,
        at,
        "dynamodb",
        name,
        request,
        is_reading=name in {"GetItem", "Query"},
        is_data=True,
        resources=resources,
    )


def _inventory(place: Place, chance: Chance, at: int) -> Json:
    request = {
        "instanceId": f"i-0{chance.hexadecimal(16)}",
        "agentVersion": "3.3.380.0",
        "agentStatus": "Active",
        "platformType": "Linux",
        "platformName": "Amazon Linux",
        "platformVersion": "2",
        "iPAddress": f"10.0.{chance.randrange(256)}.{chance.randrange(256)}",
        "computerName": f"ip-10-0-1-{chance.randrange(256)}.{place.region}.compute.internal",
        "agentName": "amazon-ssm-agent",
    }
    return record(place, chance, at, "ssm", "UpdateInstanceInformation", request)


def _reading(place: Place, chance: Chance, at: int) -> Json:
    """What only looks at SageMaker, Cognito or the trail changes nothing."""
    wanted = {"attributeKey": "EventName", "attributeValue": "BatchPutMetrics"}
    source, name, request = chance.choice((
        ("sagemaker", "DescribeTrainingJob", {"trainingJobName": f"resnet50-{chance.hexadecimal(8)}"}),
        ("sagemaker", "ListTrialComponents", {"experimentName": "birds", "maxResults": 100}),
        ("cognito-idp", "ListUsers", {"userPoolId": f"{place.region}_{chance.alphanumeric(9)}", "limit": 60}),
        ("cloudtrail", "LookupEvents", {"lookupAttributes": [wanted]}),
    ))  # fmt: skip
    return record(place, chance, at, source, name, request, is_reading=True)


_Make = Callable[[Place, Chance, int], Json]
_SHARES: tuple[tuple[_Make, float], ...] = (
    (_s3_object, 34),
    (_kms, 19),
    (_assume_role, 13),
    (_ec2_describe, 12),
    (_dynamodb, 8),
    (_logs, 6),
    (_inventory, 4),
    (_reading, 2),
    (_policy, 1),
    (_rule, 0.5),
    (_run_instances, 0.5),
)
_FOREIGN, _WEIGHTS = [make for make, _ in _SHARES], [share for _, share in _SHARES]


def management(place: Place, chance: Chance, at: int) -> Json:
    """A change to a job, a run, a team, a person or a trail."""
    source, name, request, response = chance.choice(_CHANGES)(place, chance)
    refused = ("ThrottlingException", "Rate exceeded") if chance.random() < 0.05 else None
    return record(place, chance, at, source, name, request, response, error=refused)


_Change = tuple[str, str, Json, Json | None]


def _training_job(place: Place, chance: Chance) -> _Change:
    name = f"resnet50-{chance.hexadecimal(12)}"
    bucket = f"s3://training-data-{place.account}"
    request = {
        "trainingJobName": name,
        "hyperParameters": {"epochs": "40", "learning_rate": "0.001", "optimizer": "sgd", "mini_batch_size": "128"},
        "algorithmSpecification": {
            "trainingImage": f"763104351884.dkr.ecr.{place.region}.amazonaws.com/pytorch-training:2.2-gpu-py310",
            "trainingInputMode": "File",
            "metricDefinitions": [{"name": "train:loss", "regex": "loss=([0-9.]+)"}],
        },
        "roleArn": f"arn:aws:iam::{place.account}:role/SageMakerExecutionRole",
        "inputDataConfig": [
            {
                "channelName": channel,
                "dataSource": {"s3DataSource": {"s3DataType": "S3Prefix", "s3Uri": f"{bucket}/{channel}/"}},
            }
            for channel in ("train", "validation")
        ],
        "outputDataConfig": {"s3OutputPath": f"{bucket}/output"},
        "resourceConfig": {"instanceType": "ml.p3.2xlarge", "instanceCount": 1, "volumeSizeInGB": 50},
        "stoppingCondition": {"maxRuntimeInSeconds": 86400},
        "experimentConfig": {"experimentName": "birds", "trialName": f"birds-{chance.randrange(90)}"},
    }
    return "sagemaker", "CreateTrainingJob", request, {"trainingJobArn": place.arn("sagemaker", f"training-job/{name}")}


def _trial_component(place: Place, chance: Chance) -> _Change:
    name = f"run-{chance.hexadecimal(12)}"
    request = {"trialComponentName": name, "displayName": name, "status": {"primaryStatus": "InProgress"}}
    arn = place.arn("sagemaker", f"experiment-trial-component/{name}")
    return "sagemaker", "CreateTrialComponent", request, {"trialComponentArn": arn}


def _completion(place: Place, chance: Chance) -> _Change:
    name = f"run-{chance.hexadecimal(12)}"
    request = {"trialComponentName": name, "status": {"primaryStatus": "Completed"}}
    arn = place.arn("sagemaker", f"experiment-trial-component/{name}")
    return "sagemaker", "UpdateTrialComponent", request, {"trialComponentArn": arn}


def _association(place: Place, chance: Chance) -> _Change:
    request = {"trialComponentName": f"run-{chance.hexadecimal(12)}", "trialName": f"birds-{chance.randrange(90)}"}
    return (
        "sagemaker",
        "AssociateTrialComponent",
        request,
        {"trialArn": place.arn("sagemaker", "experiment-trial/birds")},
    )


def _workteam(place: Place, chance: Chance) -> _Change:
    name = f"team-{chance.randrange(20)}"
    member = {"userPool": f"{place.region}_Pool01", "userGroup": name, "clientId": chance.hexadecimal(26)}
    request = {"workteamName": name, "memberDefinitions": [{"cognitoMemberDefinition": member}]}
    return "sagemaker", "UpdateWorkteam", request, {"workteam": {"workteamName": name}}


def _person(place: Place, chance: Chance) -> _Change:
    username = chance.uuid()
    request = {
        "userPoolId": f"{place.region}_Pool01",
        "username": username,
        "groupName": f"team-{chance.randrange(20)}",
    }
    return "cognito-idp", chance.choice(("AdminAddUserToGroup", "AdminDisableUser")), request, None


def _trail(place: Place, chance: Chance) -> _Change:
    return (
        "cloudtrail",
        chance.choice(("StopLogging", "StartLogging")),
        {"name": place.arn("cloudtrail", "trail/main")},
        None,
    )


_CHANGES = (_training_job, _trial_component, _completion, _association, _workteam, _person, _trail)
