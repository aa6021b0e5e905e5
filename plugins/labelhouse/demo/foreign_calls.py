"""What else an account says to AWS all day: calls that have nothing to do with labels or metrics, most of its trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import numpy as np

from labelhouse.demo.chance import generator, hexadecimal
from labelhouse.demo.cloudtrail import ACCOUNT_ID, Call, Caller, arn
from labelhouse.demo.people import REGION

#: Bursts of calls in an hour, and calls in a burst, on average.
_BURSTS_PER_HOUR, _CALLS_PER_BURST = 0.42, 7

_SDK = "aws-sdk-go-v2/1.30.4 os/linux lang/go#1.22.6 md/GOOS#linux md/GOARCH#amd64"
_MONITORING = Caller("AssumedRole", "Monitoring", "198.51.100.61", _SDK, session="inventory")
_STORAGE = Caller("AssumedRole", "StorageReports", "198.51.100.62", _SDK, session="storage-reports")
_BUILDER = Caller("IAMUser", "release-builder", "198.51.100.90", "aws-cli/2.17.44 md/prompt#off md/command#ecr")
_SAGEMAKER, _CONFIG = (
    Caller("AWSService", f"{name}.amazonaws.com", f"{name}.amazonaws.com", f"{name}.amazonaws.com")
    for name in ("sagemaker", "config")
)
_KEY_ARN = arn("key", "1f0c7a52-3a0e-4c55-9a39-6f4f1d3f0b7e", "kms")
_BUCKET_ARN = "arn:aws:s3:::labelhouse-demo"

#: service, operation, caller, whether it only reads, and what more its record says.
_Kind = tuple[str, str, Caller, bool, Callable[[np.random.Generator], dict[str, Any]]]


def foreign_calls(seed: int, start: datetime) -> Iterator[Call]:
    """Such calls in a world that begins at `start` (UTC), in the order of time, without end."""
    for hour in count():
        rng = generator(seed, "foreign calls", hour)
        begins = np.sort(rng.uniform(0, 3540, int(rng.poisson(_BURSTS_PER_HOUR))))
        seconds = [
            float(begin + later)
            for begin in begins
            for later in rng.uniform(0, 60, 1 + int(rng.poisson(_CALLS_PER_BURST - 1)))
        ]
        for number, second in enumerate(sorted(seconds)):
            service, operation, caller, is_read_only, more = _KINDS[int(rng.integers(len(_KINDS)))]
            yield Call(
                at=start + timedelta(hours=hour, seconds=second),
                caller=caller,
                entity=("foreign", hour, number),
                service=service,
                operation=operation,
                is_read_only=is_read_only,
                **more(rng),
            )


def _assumed_role(rng: np.random.Generator) -> dict[str, Any]:
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/SageMakerTraining"
    session = "SageMaker"
    expires = f"Jan {int(rng.integers(1, 29))}, 2030, 1:00:00 AM"
    return {
        "request": {"roleArn": role, "roleSessionName": session, "durationSeconds": 3600},
        "response": {
            "credentials": {"accessKeyId": "ASIAIOSFODNN7EXAMPLE", "expiration": expires},
            "assumedRoleUser": {
                "assumedRoleId": f"AROADBQP57FF2AEXAMPLE:{session}",
                "arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/SageMakerTraining/{session}",
            },
        },
        "resources": (("AWS::IAM::Role", role),),
        "is_shared": True,
    }


def _data_key(rng: np.random.Generator) -> dict[str, Any]:
    context = {"aws:s3:arn": f"{_BUCKET_ARN}/models/{hexadecimal(rng, 12)}/model.tar.gz"}
    return {
        "request": {"keyId": _KEY_ARN, "keySpec": "AES_256", "encryptionContext": context},
        "resources": (("AWS::KMS::Key", _KEY_ARN),),
    }


def _decryption(rng: np.random.Generator) -> dict[str, Any]:
    context = {"aws:s3:arn": f"{_BUCKET_ARN}/models/{hexadecimal(rng, 12)}/model.tar.gz"}
    return {"request": {"encryptionContext": context}, "resources": (("AWS::KMS::Key", _KEY_ARN),)}


def _object_read(rng: np.random.Generator) -> dict[str, Any]:
    key = f"labeling-input/images/{hexadecimal(rng, 16)}.jpg"
    objects = ("AWS::S3::Object", f"{_BUCKET_ARN}/{key}"), ("AWS::S3::Bucket", _BUCKET_ARN)
    request = {"bucketName": "labelhouse-demo", "Host": f"labelhouse-demo.s3.{REGION}.amazonaws.com", "key": key}
    size = int(rng.integers(80_000, 900_000))
    return {
        "request": request,
        "additional": {"SignatureVersion": "SigV4", "bytesTransferredIn": 0, "bytesTransferredOut": size},
        "resources": objects,
        "is_data": True,
    }


def _bucket(rng: np.random.Generator) -> dict[str, Any]:
    name = ("labelhouse-demo", "camera-traps", "roadside-cameras", "shelf-photos")[int(rng.integers(4))]
    return {"request": {"bucketName": name, "Host": f"s3.{REGION}.amazonaws.com"}}


def _network_interfaces(rng: np.random.Generator) -> dict[str, Any]:
    interface = f"eni-{hexadecimal(rng, 17)}"
    return {"request": {"networkInterfaceIdSet": {"items": [{"networkInterfaceId": interface}]}, "filterSet": {}}}


def _instances(_: np.random.Generator) -> dict[str, Any]:
    return {"request": {"maxResults": 1000, "instancesSet": {}, "filterSet": {}}}


def _log_stream(rng: np.random.Generator) -> dict[str, Any]:
    stream = f"algo-1-{int(rng.integers(10**9, 10**10))}"
    return {"request": {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamName": stream}}


def _image(rng: np.random.Generator) -> dict[str, Any]:
    digest = {"imageDigest": f"sha256:{hexadecimal(rng, 64)}"}
    return {"request": {"repositoryName": "vehicle-types", "registryId": ACCOUNT_ID, "imageIds": [digest]}}


def _list(_: np.random.Generator) -> dict[str, Any]:
    return {"request": {"maxResults": 100, "sortBy": "CreationTime", "sortOrder": "Descending"}}


_KINDS: tuple[_Kind, ...] = (
    ("sts", "AssumeRole", _SAGEMAKER, True, _assumed_role),
    ("sts", "AssumeRole", _SAGEMAKER, True, _assumed_role),
    ("kms", "GenerateDataKey", _STORAGE, True, _data_key),
    ("kms", "Decrypt", _STORAGE, True, _decryption),
    ("s3", "GetObject", _STORAGE, True, _object_read),
    ("s3", "GetBucketLocation", _STORAGE, True, _bucket),
    ("s3", "GetBucketVersioning", _CONFIG, True, _bucket),
    ("ec2", "DescribeInstances", _MONITORING, True, _instances),
    ("ec2", "DescribeNetworkInterfaces", _MONITORING, True, _network_interfaces),
    ("logs", "CreateLogStream", _MONITORING, False, _log_stream),
    ("ecr", "BatchGetImage", _BUILDER, True, _image),
    ("sagemaker", "ListTrainingJobs", _MONITORING, True, _list),
    ("sagemaker", "ListLabelingJobs", _MONITORING, True, _list),
)
