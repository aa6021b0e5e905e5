"""Source `training_jobs`: training jobs as SageMaker describes them: status, times, instances, inputs, final metrics.

A job is a unit. While it runs, or keeps its instances warm, only its content tells whether anything changed, so that it
is described again at each load; from then on its last modification is its version, and it is described once more.
Its tags are asked along. The environment of its container, which may hold secrets, is never kept.

Where nobody may call the API, a folder of saved answers does: `aws sagemaker describe-training-job`, a file a job.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from labelhouse.sources import Clients, Source, Unit, Window, one_by_one, told_by_place
from labelhouse.sources.control_plane import (
    MOST_INT,
    MOST_LONG,
    AccessDeniedError,
    Api,
    Pascal,
    arn_of,
    moment,
    only_json,
    parts_of,
    saved,
    within,
)
from labelhouse.sources.documents import CLOCK_SKEW, Unreadable, shaped
from labelhouse.sources.objects import list_objects, read_object
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.training.answers import (
    SCHEME,
    Tag,
    json_of,
    load_metrics,
    read_answer,
    text_map,
    value_of,
)

if TYPE_CHECKING:
    from labelhouse.identities import Identities

#: In these a job does not change any more, unless its instances are kept warm.
FINAL_STATUSES = frozenset({"Completed", "Failed", "Stopped"})
_WARM = frozenset({"Available", "InUse"})
#: Fields that may hold secrets or name people.
_PERSONAL = ("Environment",)
_LABELING_JOB = "labeling-job/"


def list_units(uri: str, clients: Clients, _window: Window) -> Iterator[Unit]:
    """The training jobs of a region, oldest first; or the saved answers below a folder or prefix.

    A final job has the time of its last modification, one that runs that of now: it belongs to every open window.

    Raises:
        SourceError: the place is missing, or cannot be listed to its end.
    """
    place = parts_of(uri, SCHEME, 1)
    if place is None:
        yield from only_json(list_objects(uri, clients))
        return
    now = datetime.now(UTC)
    jobs = Api(clients, SCHEME, place[0], uri).listing(
        "list_training_jobs",
        "TrainingJobSummaries",
        lambda job: job["TrainingJobArn"],
        MaxResults=100,
        SortBy="CreationTime",
        SortOrder="Ascending",  # what begins meanwhile comes last and moves no page
    )
    for job in jobs:
        changed_at = (job.get("LastModifiedTime") or job["CreationTime"]).astimezone(UTC)
        is_warm = (job.get("WarmPoolStatus") or {}).get("Status") in _WARM
        is_final = job["TrainingJobStatus"] in FINAL_STATUSES and not is_warm
        yield Unit(
            # names are unique in an account only
            uri=f"{SCHEME}://{place[0]}/{arn_of(job['TrainingJobArn']).account_id}/training-job/{job['TrainingJobName']}",
            version=changed_at.isoformat() if is_final else "",
            unit_at=changed_at if is_final else now,
            size_bytes=0,
        )


def read_unit(unit: Unit, clients: Clients) -> bytes:
    """What SageMaker says about a job, its tags with it, as JSON.

    Raises:
        UnitGone: the job does not exist any more.
        SourceError: it cannot be read.
    """
    if not unit.uri.startswith(f"{SCHEME}://"):
        return read_object(unit, clients)
    region, *_, name = unit.uri.removeprefix(f"{SCHEME}://").split("/")
    api = Api(clients, SCHEME, region, unit.uri)
    job = api.ask("describe_training_job", TrainingJobName=name)
    try:
        tags = api.listing("list_tags", "Tags", lambda tag: tag["Key"], ResourceArn=job["TrainingJobArn"])
    except AccessDeniedError:
        tags = []  # a job without its tags is worth having
    kept = {field: value for field, value in job.items() if field not in _PERSONAL}
    return saved(kept | {"Tags": sorted(tags, key=lambda tag: str(tag["Key"]))})


class _Definition(Pascal):
    name: str
    regex: str


class _Algorithm(Pascal):
    training_image: str | None = None
    algorithm_name: str | None = None
    metric_definitions: list[_Definition] | None = None


class _Group(Pascal):
    instance_type: str | None = None
    instance_count: int | None = None
    instance_group_name: str | None = None


class _Resources(Pascal):
    instance_type: str | None = None
    instance_count: int | None = None
    volume_size_in_gb: int | None = msgspec.field(default=None, name="VolumeSizeInGB")
    instance_groups: list[_Group] | None = None
    selected_instance_type: str | None = None
    selected_instance_count: int | None = None


class _WarmPool(Pascal):
    status: str | None = None
    resource_retained_billable_time_in_seconds: int | None = None


class _Stopping(Pascal):
    max_runtime_in_seconds: int | None = None


class _Artifacts(Pascal):
    s3_model_artifacts: str | None = None


class _Output(Pascal):
    s3_output_path: str | None = None


class _S3Source(Pascal):
    s3_uri: str | None = None


class _FileSystem(Pascal):
    file_system_id: str | None = None
    directory_path: str | None = None


class _Dataset(Pascal):
    dataset_arn: str | None = None


class _DataSource(Pascal):
    s3_data_source: _S3Source | None = None
    file_system_data_source: _FileSystem | None = None
    dataset_source: _Dataset | None = None


class _Channel(Pascal):
    channel_name: str | None = None
    data_source: _DataSource | None = None


class _Experiment(Pascal):
    experiment_name: str | None = None
    trial_name: str | None = None
    trial_component_display_name: str | None = None
    run_name: str | None = None


class _Metric(Pascal):
    metric_name: str
    value: float | str
    timestamp: str | float | None = None


class _Job(Pascal):
    training_job_name: str
    training_job_status: str
    training_job_arn: str | None = None
    tuning_job_arn: str | None = None
    labeling_job_arn: str | None = None
    secondary_status: str | None = None
    failure_reason: str | None = None
    hyper_parameters: dict[str, str] | None = None
    algorithm_specification: _Algorithm | None = None
    input_data_config: list[_Channel] | None = None
    output_data_config: _Output | None = None
    model_artifacts: _Artifacts | None = None
    resource_config: _Resources | None = None
    warm_pool_status: _WarmPool | None = None
    stopping_condition: _Stopping | None = None
    creation_time: str | float | None = None
    training_start_time: str | float | None = None
    training_end_time: str | float | None = None
    last_modified_time: str | float | None = None
    enable_managed_spot_training: bool | None = None
    training_time_in_seconds: int | None = None
    billable_time_in_seconds: int | None = None
    experiment_config: _Experiment | None = None
    final_metric_data_list: list[Any] | None = None
    tags: list[Tag] | None = None


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """The row of one job and those of its final metrics, or its quarantine. Data never raises."""
    parsed = Parsed(unit.unit_at, identities)
    latest_at = datetime.now(UTC) + CLOCK_SKEW

    def read(answer: dict[str, Any]) -> tuple[_Job, dict[str, Any]]:
        job = shaped(answer, _Job)
        return job, _row(job, latest_at)

    found = read_answer(parsed, data, identities, read, personal=_PERSONAL, numbers=["FinalMetricDataList"])
    if found:
        job, row = found
        parsed.row("training_jobs", "0", row["created_at"], **row)
        parsed.loaded()
        load_metrics(
            parsed,
            "training_job_metrics",
            job.final_metric_data_list,
            row["created_at"],
            lambda metric: _metric_row(shaped(metric, _Metric, "the metric"), job, latest_at),
        )
    yield parsed


def _row(job: _Job, latest_at: datetime) -> dict[str, Any]:
    """Raises Unreadable where a value is not what it should be."""
    if not (job.training_job_name and job.training_job_status):
        raise Unreadable("TrainingJobName or TrainingJobStatus is empty")
    arn, labeling = arn_of(job.training_job_arn), arn_of(job.labeling_job_arn)
    algorithm = job.algorithm_specification or _Algorithm()
    experiment = job.experiment_config or _Experiment()
    warm, stopping = job.warm_pool_status or _WarmPool(), job.stopping_condition or _Stopping()
    is_labeling = labeling.resource.startswith(_LABELING_JOB)
    return {
        "training_job_name": job.training_job_name,
        "training_job_arn": job.training_job_arn,
        "account_id": arn.account_id,
        "aws_region": arn.region,
        "status": job.training_job_status,
        "secondary_status": job.secondary_status,
        "failure_reason": job.failure_reason or None,
        "created_at": moment(job.creation_time, "CreationTime", latest_at),
        "training_started_at": moment(job.training_start_time, "TrainingStartTime", latest_at),
        "training_ended_at": moment(job.training_end_time, "TrainingEndTime", latest_at),
        "last_modified_at": moment(job.last_modified_time, "LastModifiedTime", latest_at),
        "training_seconds": within(job.training_time_in_seconds, "TrainingTimeInSeconds", MOST_LONG),
        "billable_seconds": within(job.billable_time_in_seconds, "BillableTimeInSeconds", MOST_LONG),
        "warm_pool_billable_seconds": within(
            warm.resource_retained_billable_time_in_seconds, "ResourceRetainedBillableTimeInSeconds", MOST_LONG
        ),
        **_instances(job.resource_config or _Resources()),
        "is_spot": job.enable_managed_spot_training,
        "max_runtime_seconds": within(stopping.max_runtime_in_seconds, "MaxRuntimeInSeconds", MOST_LONG),
        "algorithm_name": algorithm.algorithm_name or None,
        "training_image": algorithm.training_image or None,
        "labeling_job_arn": job.labeling_job_arn or None,
        "labeling_job_name": labeling.resource.removeprefix(_LABELING_JOB) if is_labeling else None,
        "tuning_job_arn": job.tuning_job_arn or None,
        "input_channels_json": json_of([_channel(each) for each in job.input_data_config or ()]),
        "output_uri": (job.output_data_config or _Output()).s3_output_path or None,
        "model_artifact_uri": (job.model_artifacts or _Artifacts()).s3_model_artifacts or None,
        "experiment_name": experiment.experiment_name or None,
        "trial_name": experiment.trial_name or None,
        "run_name": experiment.run_name or experiment.trial_component_display_name or None,
        "hyper_parameters": text_map(job.hyper_parameters),
        "metric_definitions_json": json_of(
            [{"name": each.name, "regex": each.regex} for each in algorithm.metric_definitions or ()]
        ),
        "tags_json": json_of([{"Key": tag.key, "Value": tag.value} for tag in job.tags or ()]),
    }


def _instances(resources: _Resources) -> dict[str, Any]:
    """Of instance groups the sum; of preferences what was chosen."""
    groups = resources.instance_groups or []
    counts = [within(group.instance_count, "InstanceCount", MOST_INT) or 0 for group in groups]
    count = resources.selected_instance_count or resources.instance_count
    return {
        "instance_type": None if groups else resources.selected_instance_type or resources.instance_type or None,
        "instance_count": within(sum(counts) if groups else count, "InstanceCount", MOST_INT),
        "instance_groups_json": json_of(
            [
                {"name": group.instance_group_name, "instance_type": group.instance_type, "instance_count": number}
                for group, number in zip(groups, counts, strict=True)
            ]
        ),
        "volume_size_gb": within(resources.volume_size_in_gb, "VolumeSizeInGB", MOST_INT),
    }


def _channel(channel: _Channel) -> dict[str, str | None]:
    source = channel.data_source or _DataSource()
    files = source.file_system_data_source
    uri = (source.s3_data_source or _S3Source()).s3_uri or (source.dataset_source or _Dataset()).dataset_arn
    if uri is None and files is not None:
        uri = f"{files.file_system_id or ''}:{files.directory_path or ''}"
    return {"name": channel.channel_name, "uri": uri}


def _metric_row(metric: _Metric, job: _Job, latest_at: datetime) -> dict[str, Any]:
    """Raises Unreadable where a value is not what it should be."""
    if not metric.metric_name:
        raise Unreadable("MetricName is empty")
    value = value_of(metric.value, "Value")
    return {
        "training_job_name": job.training_job_name,
        "metric_name": metric.metric_name,
        "metric_value": value.number,
        "value_flag": value.flag,
        "metric_at": moment(metric.timestamp, "Timestamp", latest_at),
    }


SOURCE = Source(
    name="training_jobs",
    description="Training jobs as SageMaker describes them. The URI is sagemaker://REGION, or a folder or s3:// prefix "
    "that holds answers of `aws sagemaker describe-training-job`, a file a job.",
    tables=("training_jobs", "training_job_metrics"),
    list_units=list_units,
    read_unit=read_unit,
    parse=one_by_one(parse),
    same_content=told_by_place,
)
