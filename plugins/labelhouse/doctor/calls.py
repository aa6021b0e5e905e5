"""Which operations of AWS each source makes, and what IAM calls them: the one place where that stands.

An operation is named as the SDK does, an action as IAM does; they differ where S3 is concerned. Resources are as narrow
as IAM knows them for the action: where it knows none, the statement allows every resource of a region.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labelhouse.doctor.places import Target

ANY = "*"
#: The action of an operation that needs no permission.
EVERYBODY = ""
_BUCKET = "arn:{partition}:s3:::{bucket}"
_OBJECTS = _BUCKET + "/{folder}*"
_LOG_GROUP = "arn:{partition}:logs:{region}:{account}:log-group:{group}:*"
_USER_POOL = "arn:{partition}:cognito-idp:{region}:{account}:userpool/{pool}"


@dataclass(frozen=True, slots=True)
class Call:
    """An operation, and what it needs.

    Args:
        operation: `service:Operation` as the SDK names them.
        action: as IAM names it; EVERYBODY where everybody may.
        resource: ARN with the parts of a `Target`; ANY where IAM knows no resource for the action.
        lost: what stays unknown where only this is refused; None where without it the source cannot be read.
    """

    operation: str
    action: str
    resource: str = ANY
    lost: str | None = None

    @property
    def is_listing(self) -> bool:
        """Whether a condition can hold it to a folder of its bucket."""
        return self.action == "s3:ListBucket"


def _call(operation: str, resource: str = ANY, lost: str | None = None) -> Call:
    """A call whose action is named as its operation."""
    return Call(operation, operation, resource, lost)


def _sagemaker(operation: str, kind: str | None = None, lost: str | None = None) -> Call:
    resource = f"arn:{{partition}}:sagemaker:{{region}}:{{account}}:{kind}/*" if kind else ANY
    return _call(f"sagemaker:{operation}", resource, lost)


#: Objects below a prefix.
_FILES = (Call("s3:ListObjectsV2", "s3:ListBucket", _BUCKET), _call("s3:GetObject", _OBJECTS))
_LOG_EVENTS = (_call("logs:DescribeLogGroups"), _call("logs:FilterLogEvents", _LOG_GROUP))

#: Source → scheme of a place → what reading it asks. Objects in S3 are read by every source, and ask no more.
_CALLS: dict[str, dict[str, tuple[Call, ...]]] = {
    "a2i_output": {},
    "cloudtrail": {},
    "cloudwatch_metrics": {
        "cloudwatch": (
            _call("cloudwatch:ListMetrics"),
            _call("cloudwatch:GetMetricData"),
            Call("sts:GetCallerIdentity", EVERYBODY),
        ),
    },
    "endpoints": {
        "sagemaker": (
            _sagemaker("ListEndpoints"),
            _sagemaker("DescribeEndpoint", "endpoint"),
            _sagemaker("DescribeEndpointConfig", "endpoint-config"),
        ),
    },
    "labeling_job_states": {},
    "labeling_jobs": {
        "sagemaker": (_sagemaker("ListLabelingJobs"), _sagemaker("DescribeLabelingJob", "labeling-job")),
    },
    "labeling_output": {},
    "model_predictions": {},
    "trail_digests": {"s3": (*_FILES, _call("cloudtrail:ListPublicKeys"))},
    "training_jobs": {
        "sagemaker": (
            _sagemaker("ListTrainingJobs"),
            _sagemaker("DescribeTrainingJob", "training-job"),
            _sagemaker("ListTags", "training-job", "the tags of training jobs"),
        ),
    },
    "training_logs": {"logs": (*_LOG_EVENTS, _sagemaker("DescribeTrainingJob", "training-job"))},
    "trial_components": {
        "sagemaker": (
            _sagemaker("ListTrialComponents"),
            _sagemaker("DescribeTrialComponent", "experiment-trial-component"),
            _sagemaker("ListTrials"),
            _sagemaker("DescribeTrial", "experiment-trial"),
        ),
    },
    "worker_activity": {"logs": _LOG_EVENTS},
    "workers": {
        "cognito-idp": (
            _call("cognito-idp:ListUsers", _USER_POOL),
            _call("cognito-idp:ListGroups", _USER_POOL, "the groups of the workers"),
            _call("cognito-idp:ListUsersInGroup", _USER_POOL, "the groups of the workers"),
        ),
    },
    "workteams": {
        "sagemaker": (
            _sagemaker("ListWorkteams"),
            _sagemaker("DescribeWorkteam", "workteam"),
            _sagemaker("ListLabelingJobsForWorkteam", "workteam"),
        ),
    },
}

#: The document with the classes of a labelling job, read where the job's output may be read.
CLASSES = _call("s3:GetObject", _OBJECTS, "the classes of labelling jobs")

#: What the export of a log group asks, beside reading what was exported. AWS wants whoever exports to be allowed to
#: write where to.
EXPORT_OF_GROUP = (_call("logs:CreateExportTask", _LOG_GROUP), _call("logs:DescribeExportTasks"))
EXPORT_TO_BUCKET = (*_FILES, Call("logs:CreateExportTask", "s3:PutObject", _OBJECTS))

#: A lake on S3: what Iceberg's writer and the releases ask. Large files go up in parts.
LAKE = (
    *_FILES,
    _call("s3:PutObject", _OBJECTS),
    _call("s3:DeleteObject", _OBJECTS),
    _call("s3:AbortMultipartUpload", _OBJECTS),
)


def glue_calls(prefix: str) -> Iterator[Call]:
    """What a Glue catalog asks of the lake's two databases, whose names begin with `prefix`."""
    glue = "arn:{partition}:glue:{region}:{account}:"
    for name in (f"{prefix}raw", f"{prefix}marts"):
        resources = (f"{glue}catalog", f"{glue}database/{name}")
        for operation in ("GetDatabase", "CreateDatabase"):
            yield from (_call(f"glue:{operation}", resource) for resource in resources)
        for operation in ("GetTable", "GetTables", "CreateTable", "UpdateTable"):
            yield from (_call(f"glue:{operation}", each) for each in (*resources, f"{glue}table/{name}/*"))


_TRAILS = "arn:{partition}:cloudtrail:*:{account}:trail/*"
_TRAIL = (
    _call("cloudtrail:DescribeTrails"),
    _call("cloudtrail:GetTrailStatus", _TRAILS),
    _call("cloudtrail:GetEventSelectors", _TRAILS),
)
#: What the doctor alone asks, likewise.
_DOCTOR_CALLS: dict[str, dict[str, tuple[Call, ...]]] = {
    "cloudtrail": {"s3": _TRAIL},
    "model_predictions": {},
    "trail_digests": {"s3": _TRAIL},
    "worker_activity": {"logs": (_sagemaker("ListWorkteams"),)},
}


def calls_of(source_name: str, target: Target) -> tuple[Call, ...]:
    """What reading a place asks; nothing where it is a folder of this machine."""
    if target.scheme == "file":
        return ()
    return _CALLS[source_name].get(target.scheme) or (_FILES if target.scheme == "s3" else ())


def doctor_calls_of(source_name: str, target: Target) -> tuple[Call, ...]:
    """What the doctor asks about a place, beyond what reading it does."""
    return _DOCTOR_CALLS.get(source_name, {}).get(target.scheme, ())


def known_sources() -> Iterator[str]:
    """The sources whose calls stand here."""
    return iter(_CALLS)
