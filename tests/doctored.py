"""An account for the doctor: answers by operation, headers beside them, and what is found out about a place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from typing import Any

from control_plane import ACCOUNT, team
from labelhouse.doctor.examine import examine
from labelhouse.doctor.findings import Finding
from labelhouse.settings import load_settings
from labelhouse.sources import Clients
from served_aws import clients_of, refused

NOW = datetime(2026, 5, 6, 7, 30, tzinfo=UTC)
BUCKET = "lab"
TRAIL_ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
LOG_FILE = (
    f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/05/06/{ACCOUNT}_CloudTrail_us-east-1_20260506T0700Z_0000.json.gz"
)
GROUP = "/aws/sagemaker/groundtruth/WorkerActivity"
#: An operation's answer, an exception that is raised instead, or what makes one of them of the parameters.
Given = dict[str, Any] | Exception | Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class Aws:
    """Answers by operation; what is not among them is not implemented here.

    Args:
        headers: of every answer.
        region: of the clients that are asked for without one.
    """

    answers: dict[str, Given]
    headers: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def clients(self) -> Clients:
        made = clients_of(self._answer)

        def client(name: str) -> Any:
            service, _, connection = name.partition("#")
            found = made(service)
            found.meta.events.unregister("after-call", unique_id="headers")
            found.meta.events.register_first("after-call", self._add_headers, unique_id="headers")
            self.connection = connection
            return found

        return client

    def _answer(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, parameters))
        given = self.answers.get(operation, refused("NotImplemented", 501))
        if isinstance(given, Exception):
            raise given
        return deepcopy(given) if isinstance(given, dict) else given(parameters)

    def _add_headers(self, parsed: dict[str, Any], **_: Any) -> None:
        parsed.setdefault("ResponseMetadata", {})["HTTPHeaders"] = self.headers


def denied(action: str, resource: str | None = None, why: str = "no identity-based policy allows it") -> Exception:
    """AWS's refusal, in its words."""
    where = f" on resource: {resource}" if resource else ""
    words = f"User: arn:aws:iam::{ACCOUNT}:user/x is not authorized to perform: {action}{where} because {why}"
    return refused("AccessDenied" if action.startswith("s3:") else "AccessDeniedException", 403, words)


def date(ahead: timedelta = timedelta(0)) -> dict[str, str]:
    """The header by which AWS tells the time."""
    return {"date": format_datetime(NOW + ahead, usegmt=True)}


def bucket(*keys: str) -> dict[str, Given]:
    """A bucket with empty objects."""

    def listed(parameters: dict[str, Any]) -> dict[str, Any]:
        prefix, delimiter = parameters.get("Prefix", ""), parameters.get("Delimiter")
        below = sorted(key for key in keys if key.startswith(prefix))
        if delimiter:
            folders = {key[: key.index("/", len(prefix)) + 1] for key in below if "/" in key[len(prefix) :]}
            return {"CommonPrefixes": [{"Prefix": each} for each in sorted(folders)]}
        return {"Contents": [{"Key": key, "ETag": '"1"', "LastModified": NOW, "Size": 0} for key in below]}

    return {"ListObjectsV2": listed, "GetObject": lambda _: {"Body": BytesIO(b""), "Metadata": {}}}


def trail(
    *, is_logging: bool = True, is_signed: bool = True, selectors: dict[str, Any] | None = None, **more: Any
) -> dict[str, Given]:
    """A trail that delivers to the bucket."""
    status = {key: more.pop(key) for key in ("LatestDeliveryError", "LatestDigestDeliveryError") if key in more}
    described = {
        "Name": "main",
        "S3BucketName": BUCKET,
        "HomeRegion": "us-east-1",
        "TrailARN": TRAIL_ARN,
        "LogFileValidationEnabled": is_signed,
    } | more
    return {
        "DescribeTrails": {"trailList": [described, described | {"Name": "other", "S3BucketName": "elsewhere"}]},
        "GetTrailStatus": {"IsLogging": is_logging, **status},
        "GetEventSelectors": selectors if selectors is not None else advanced(metric_events(), changes()),
    }


def advanced(*selectors: Mapping[str, list[str] | dict[str, list[str]]]) -> dict[str, Any]:
    """Advanced event selectors; a field's list is what it equals."""
    return {
        "TrailARN": TRAIL_ARN,
        "AdvancedEventSelectors": [
            {
                "FieldSelectors": [
                    {"Field": name, **(test if isinstance(test, dict) else {"Equals": test})}
                    for name, test in selector.items()
                ]
            }
            for selector in selectors
        ],
    }


def metric_events(**fields: list[str] | dict[str, list[str]]) -> dict[str, Any]:
    """A selector of the data events that hold metrics."""
    return {"eventCategory": ["Data"], "resources.type": ["AWS::SageMaker::ExperimentTrialComponent"], **fields}


def changes(**fields: list[str]) -> dict[str, Any]:
    """A selector of management events."""
    return {"eventCategory": ["Management"], **fields}


def log_group(*timestamps: datetime, name: str = GROUP) -> dict[str, Given]:
    """A log group with events at these times."""
    created = round((NOW - timedelta(days=400)).timestamp() * 1000)

    def events(parameters: dict[str, Any]) -> dict[str, Any]:
        stamps = [round(each.timestamp() * 1000) for each in timestamps]
        last = parameters.get("endTime", 1 << 60)
        there = [each for each in stamps if parameters["startTime"] <= each <= last]
        return {"events": [{"timestamp": each, "message": "{}", "eventId": str(each)} for each in there]}

    return {
        "DescribeLogGroups": {"logGroups": [{"logGroupName": name, "creationTime": created}]},
        "FilterLogEvents": events,
    }


def teams(*created_at: datetime) -> dict[str, Given]:
    """Private teams that were made at these times."""
    listed = [team(f"team-{number}", CreateDate=each) for number, each in enumerate(created_at)]
    return {
        "ListWorkteams": {"Workteams": listed},
        "DescribeWorkteam": lambda parameters: {
            "Workteam": next(each for each in listed if each["WorkteamName"] == parameters["WorkteamName"])
        },
        "ListLabelingJobsForWorkteam": {"LabelingJobSummaryList": []},
    }


def found(aws: Aws | Clients, **sources: Any) -> list[Finding]:
    """What is found out about sources."""
    settings = load_settings({}, sources=sources)
    return list(examine(settings.sources, aws.clients if isinstance(aws, Aws) else aws, lambda: NOW))


def words(findings: list[Finding]) -> list[tuple[str, str, str]]:
    """State, sentence and heading of the guide."""
    return [(str(each.state), each.what, each.guide) for each in findings]
