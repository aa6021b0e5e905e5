"""One CloudTrail record as AWS writes it, and the callers and identifiers it is made of. Every value is invented."""

from __future__ import annotations

import random
import string
from functools import cache
from time import gmtime, strftime
from typing import Any

Json = dict[str, Any]
METRICS_SOURCE = "metrics-sagemaker.amazonaws.com"

USER_AGENTS = (
    "aws-cli/2.7.25 Python/3.9.11 Linux/5.4.214-134.408.amzn2int.x86_64 exe/x86_64.amzn.2 prompt/off command/s3.cp",
    "Boto3/1.34.131 md/Botocore#1.34.131 ua/2.0 os/linux#5.10.219-208.866.amzn2.x86_64 md/arch#x86_64 "
    "lang/python#3.10.14 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.131",
    "aws-sdk-java/1.12.750 Linux/5.10.217-205.860.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/17.0.11+9-LTS java/17.0.11 "
    "scala/2.12.18 kotlin/1.9.23 vendor/Amazon.com_Inc. cfg/retry-mode/standard",
    "APN/1.0 HashiCorp/1.0 Terraform/1.8.5 (+https://www.terraform.io) terraform-provider-aws/5.55.0 "
    "aws-sdk-go-v2/1.30.0",
    "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488 Linux/5.10.217 OpenJDK_64-Bit_Server_VM/25.372-b08]",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36",
)
ROLES = ("DataPipeline", "EKSNodeGroup", "Trainer", "AnalystReadOnly", "CI-Deploy", "GlueCrawler", "AdminAccess")
PEOPLE = ("ana.silva", "j.okafor", "mei.lin", "t.berg", "noor", "build-bot")
SERVICES = ("ec2.amazonaws.com", "lambda.amazonaws.com", "autoscaling.amazonaws.com", "config.amazonaws.com")


@cache
def moment(epoch_seconds: int) -> str:
    """`2026-03-02T09:15:27Z`."""
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(epoch_seconds))


class Chance(random.Random):
    """A seeded source of the identifiers that AWS makes up."""

    def hexadecimal(self, length: int) -> str:
        """`length` digits."""
        return f"{self.getrandbits(4 * length):0{length}x}"

    def uuid(self) -> str:
        """As event and request ids look."""
        digits = f"{self.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def capitals(self, length: int) -> str:
        """Letters and digits of access keys and principal ids."""
        return "".join(self.choices(string.ascii_uppercase + string.digits[2:8], k=length))

    def alphanumeric(self, length: int) -> str:
        """Letters and digits of both cases."""
        return "".join(self.choices(string.ascii_letters + string.digits, k=length))

    def address(self) -> str:
        """An address of a caller, from the ranges for documentation."""
        return f"{self.choice(('192.0.2', '198.51.100', '203.0.113'))}.{self.randrange(256)}"


class Place:
    """One account and region, with the callers that are at work there: the same ones all the time."""

    def __init__(self, account: str, region: str) -> None:
        self.account, self.region = account, region
        self._chance = Chance(f"{account}/{region}")
        self._roles = {role: f"AROA{self._chance.capitals(17)}" for role in (*ROLES, "SageMakerExecutionRole")}
        self.sessions = [self.session(self._chance.choice(ROLES), self._name()) for _ in range(40)]
        self.users = [self._user(name) for name in PEOPLE]
        self.services = [{"type": "AWSService", "invokedBy": service} for service in SERVICES]

    def session(self, role: str, name: str) -> Json:
        """`userIdentity` of an assumed role."""
        principal = self._roles[role]
        return {
            "type": "AssumedRole",
            "principalId": f"{principal}:{name}",
            "arn": f"arn:aws:sts::{self.account}:assumed-role/{role}/{name}",
            "accountId": self.account,
            "accessKeyId": f"ASIA{self._chance.capitals(16)}",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": principal,
                    "arn": f"arn:aws:iam::{self.account}:role/{role}",
                    "accountId": self.account,
                    "userName": role,
                },
                "attributes": {
                    "creationDate": moment(1772409600 + self._chance.randrange(3600)),
                    "mfaAuthenticated": "false",
                },
            },
        }

    def caller(self, chance: Chance) -> Json:
        """Whoever calls next: mostly a session of a role."""
        draw = chance.random()
        return chance.choice(self.sessions if draw < 0.85 else self.users if draw < 0.93 else self.services)

    def arn(self, service: str, rest: str) -> str:
        """The ARN of something of this account, in this region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{rest}"

    def _name(self) -> str:
        kind = self._chance.randrange(3)
        return (
            f"i-0{self._chance.hexadecimal(16)}",
            f"{self._chance.choice(PEOPLE)}@example.com",
            "botocore-session-1772409",
        )[kind]

    def _user(self, name: str) -> Json:
        return {
            "type": "IAMUser",
            "principalId": f"AIDA{self._chance.capitals(17)}",
            "arn": f"arn:aws:iam::{self.account}:user/{name}",
            "accountId": self.account,
            "accessKeyId": f"AKIA{self._chance.capitals(16)}",
            "userName": name,
        }


def record(
    place: Place,
    chance: Chance,
    at: int,
    source: str,
    name: str,
    request: Json | None,
    response: Json | None = None,
    *,
    caller: Json | None = None,
    user_agent: str | None = None,
    error: tuple[str, str] | None = None,
    additional: Json | None = None,
    is_reading: bool = False,
    is_data: bool = False,
    resources: list[Json] | None = None,
) -> Json:
    """One event with its fields in the order in which AWS writes them.

    Args:
        at: when it happened, epoch seconds.
        source: service, without `.amazonaws.com` where it has no other suffix.
        error: code and message of a refusal.
    """
    caller = caller or place.caller(chance)
    by_service = caller["type"] == "AWSService"
    event: Json = {
        "eventVersion": "1.08",
        "userIdentity": caller,
        "eventTime": moment(at),
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": place.region,
        "sourceIPAddress": caller["invokedBy"] if by_service else chance.address(),
        "userAgent": caller["invokedBy"] if by_service else user_agent or chance.choice(USER_AGENTS),
    }
    if error:
        event["errorCode"], event["errorMessage"] = error
    event |= {"requestParameters": request, "responseElements": None if error else response}
    if additional:
        event["additionalEventData"] = additional
    event |= {"requestID": chance.uuid(), "eventID": chance.uuid(), "readOnly": is_reading}
    if resources:
        event["resources"] = resources
    event |= {
        "eventType": "AwsApiCall",
        "managementEvent": not is_data,
        "recipientAccountId": place.account,
        "eventCategory": "Data" if is_data else "Management",
    }
    if not by_service and chance.random() < 0.6:
        event["tlsDetails"] = {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{source}.{place.region}.amazonaws.com",
        }
    return event
