"""Source `labeling_jobs`: labelling jobs as SageMaker describes them: status, counters, price, team, classes.

A job is a unit. While it runs only its content tells whether anything changed, so that it is described again at each
load; once it is completed, failed or stopped its last modification is its version, and it is described once more.

Where nobody may call the API, a folder of saved answers does: `aws sagemaker describe-labeling-job`, a file a job.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources import Clients, Source, Unit, UnitGone, Window, one_by_one, told_by_place
from labelhouse.sources.control_plane import (
    MOST_INT,
    MOST_LONG,
    Api,
    Pascal,
    arn_of,
    moment,
    only_json,
    parts_of,
    saved,
    within,
    workteam_of,
)
from labelhouse.sources.documents import (
    CLOCK_SKEW,
    Unreadable,
    decode,
    encode,
    encode_flawed,
    flaw,
    kind,
    shaped,
    unpack,
)
from labelhouse.sources.objects import in_one_sentence, list_objects, read_object
from labelhouse.sources.parsed import Parsed

if TYPE_CHECKING:
    from labelhouse.identities import Identities

_SCHEME = "sagemaker"
#: In these a job does not change any more.
FINAL_STATUSES = frozenset({"Completed", "Failed", "Stopped"})
#: A larger document of classes is not kept.
MOST_CONFIG_BYTES = 1024 * 1024
#: A field of ours in a saved answer: the document that `LabelCategoryConfigS3Uri` names.
CONFIG = "LabelCategoryConfig"

#: AWS's own pre-annotation Lambda, `arn:aws:lambda:us-east-1:432418664414:function:PRE-BoundingBox`.
_BUILT_IN_LAMBDA = re.compile(r"function:PRE-(?P<type>[A-Za-z0-9]+)(?::.*)?")
_BUILT_IN_UI = re.compile(r"human-task-ui/(?P<type>[A-Za-z0-9]+)")
_MOST_DOLLARS = 10**12


def list_units(uri: str, clients: Clients, _window: Window) -> Iterator[Unit]:
    """The labelling jobs of a region, oldest first; or the saved answers below a folder or prefix.

    A final job has the time of its last modification, one that runs that of now: it belongs to every open window.

    Raises:
        SourceError: the place is missing, or cannot be listed to its end.
    """
    place = parts_of(uri, _SCHEME, 1)
    if place is None:
        yield from only_json(list_objects(uri, clients))
        return
    now = datetime.now(UTC)
    api = Api(clients, _SCHEME, place[0], uri)
    jobs = api.listing(
        "list_labeling_jobs",
        "LabelingJobSummaryList",
        lambda job: job["LabelingJobArn"],
        MaxResults=100,
        SortBy="CreationTime",
        SortOrder="Ascending",  # what begins meanwhile comes last and moves no page
    )
    for job in jobs:
        changed_at = job["LastModifiedTime"].astimezone(UTC)
        is_final = job["LabelingJobStatus"] in FINAL_STATUSES
        yield Unit(
            # names are unique in an account only
            uri=f"{_SCHEME}://{place[0]}/{arn_of(job['LabelingJobArn']).account_id}/labeling-job/{job['LabelingJobName']}",
            version=changed_at.isoformat() if is_final else "",
            unit_at=changed_at if is_final else now,
            size_bytes=0,
        )


def read_unit(unit: Unit, clients: Clients) -> bytes:
    """What SageMaker says about a job, as JSON, the document of its classes with it.

    Raises:
        UnitGone: the job does not exist any more.
        SourceError: it cannot be read.
    """
    if not unit.uri.startswith(f"{_SCHEME}://"):
        return read_object(unit, clients)
    region, *_, name = unit.uri.removeprefix(f"{_SCHEME}://").split("/")
    job = Api(clients, _SCHEME, region, unit.uri).ask("describe_labeling_job", LabelingJobName=name)
    config = _config_at(job.get("LabelCategoryConfigS3Uri"), region, clients)
    return saved(job if config is None else job | {CONFIG: config})


def _config_at(uri: str | None, region: str, clients: Clients) -> Any:
    """The document of a job's classes; None where it is missing, refused, too large or no JSON.

    Raises:
        SourceUnavailableError: S3 does not answer now.
    """
    bucket, _, key = (uri or "").removeprefix("s3://").partition("/")
    if not uri or not uri.startswith("s3://") or not (bucket and key):
        return None
    try:
        with in_one_sentence(uri), closing(clients(f"s3@{region}").get_object(Bucket=bucket, Key=key)["Body"]) as body:
            data = body.read(MOST_CONFIG_BYTES + 1)
        if len(data) > MOST_CONFIG_BYTES:
            return None
        config, is_suspect = decode(unpack(data))
    except SourceUnavailableError:
        raise
    except (SourceError, UnitGone, Unreadable):
        return None
    return None if is_suspect and flaw(config) else config


class _Counters(Pascal):
    total_labeled: int | None = None
    human_labeled: int | None = None
    machine_labeled: int | None = None
    failed_non_retryable_error: int | None = None
    unlabeled: int | None = None


class _Dollars(Pascal):
    dollars: int = 0
    cents: int = 0
    tenth_fractions_of_a_cent: int = 0


class _Price(Pascal):
    amount_in_usd: _Dollars | None = None


class _Ui(Pascal):
    ui_template_s3_uri: str | None = None
    human_task_ui_arn: str | None = None


class _Task(Pascal):
    workteam_arn: str | None = None
    ui_config: _Ui | None = None
    pre_human_task_lambda_arn: str | None = None
    number_of_human_workers_per_data_object: int | None = None
    task_time_limit_in_seconds: int | None = None
    task_availability_lifetime_in_seconds: int | None = None
    max_concurrent_task_count: int | None = None
    public_workforce_task_price: _Price | None = None


class _S3Source(Pascal):
    manifest_s3_uri: str | None = None


class _DataSource(Pascal):
    s3_data_source: _S3Source | None = None


class _Input(Pascal):
    data_source: _DataSource | None = None


class _Output(Pascal):
    s3_output_path: str | None = None


class _Result(Pascal):
    output_dataset_s3_uri: str | None = None


class _Job(Pascal):
    labeling_job_name: str
    labeling_job_status: str
    labeling_job_arn: str | None = None
    label_counters: _Counters | None = None
    failure_reason: str | None = None
    creation_time: str | float | None = None
    last_modified_time: str | float | None = None
    job_reference_code: str | None = None
    label_attribute_name: str | None = None
    input_config: _Input | None = None
    output_config: _Output | None = None
    label_category_config_s3_uri: str | None = None
    human_task_config: _Task | None = None
    tags: list[Any] | None = None
    labeling_job_output: _Result | None = None
    label_category_config: Any = None


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """The row of one job, or its quarantine. Data never raises."""
    parsed = Parsed(unit.unit_at, identities)
    try:
        answer, is_suspect = decode(unpack(data))
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), data, cleaned=False)
    else:
        answer = identities.clean(answer)
        try:
            if is_suspect and (found := flaw(answer)):
                raise Unreadable(found)
            if not isinstance(answer, dict):
                raise Unreadable(f"the answer is {kind(answer)}, not an object")
            row = _row(shaped(answer, _Job), datetime.now(UTC) + CLOCK_SKEW)
        except Unreadable as reason:
            parsed.quarantine("0", str(reason), encode_flawed(answer), cleaned=True)
        else:
            parsed.row("labeling_jobs", "0", row["created_at"], **row)
            parsed.loaded()
    yield parsed


def _row(job: _Job, latest_at: datetime) -> dict[str, Any]:
    """Raises Unreadable where a value is not what it should be."""
    if not (job.labeling_job_name and job.labeling_job_status):
        raise Unreadable("LabelingJobName or LabelingJobStatus is empty")
    task = job.human_task_config or _Task()
    arn, team = arn_of(job.labeling_job_arn), workteam_of(task.workteam_arn)
    source = (job.input_config or _Input()).data_source or _DataSource()
    return {
        "labeling_job_name": job.labeling_job_name,
        "labeling_job_arn": job.labeling_job_arn,
        "account_id": arn.account_id,
        "aws_region": arn.region,
        "job_reference_code": job.job_reference_code,
        "status": job.labeling_job_status,
        "failure_reason": job.failure_reason or None,
        "created_at": moment(job.creation_time, "CreationTime", latest_at),
        "last_modified_at": moment(job.last_modified_time, "LastModifiedTime", latest_at),
        "workteam_arn": task.workteam_arn,
        "workteam_name": team.name,
        "workforce_type": team.workforce_type,
        "label_attribute_name": job.label_attribute_name,
        "task_type": _task_type(task, arn.account_id),
        "price_per_task_usd": _price(task.public_workforce_task_price),
        **_limits(task),
        **_counts(job.label_counters or _Counters()),
        "input_manifest_uri": (source.s3_data_source or _S3Source()).manifest_s3_uri,
        "output_uri": (job.output_config or _Output()).s3_output_path,
        "output_manifest_uri": (job.labeling_job_output or _Result()).output_dataset_s3_uri or None,
        "label_category_config_uri": job.label_category_config_s3_uri,
        "label_category_config_json": _small_json(job.label_category_config),
        "tags_json": encode(job.tags) if job.tags else None,
    }


def _limits(task: _Task) -> dict[str, int | None]:
    workers = task.number_of_human_workers_per_data_object
    time_limit, lifetime = task.task_time_limit_in_seconds, task.task_availability_lifetime_in_seconds
    return {
        "workers_per_object_count": within(workers, "NumberOfHumanWorkersPerDataObject", MOST_INT),
        "task_time_limit_seconds": within(time_limit, "TaskTimeLimitInSeconds", MOST_LONG),
        "task_lifetime_seconds": within(lifetime, "TaskAvailabilityLifetimeInSeconds", MOST_LONG),
        "max_concurrent_task_count": within(task.max_concurrent_task_count, "MaxConcurrentTaskCount", MOST_LONG),
    }


def _counts(counters: _Counters) -> dict[str, int | None]:
    return {
        "total_labeled_count": within(counters.total_labeled, "TotalLabeled", MOST_LONG),
        "human_labeled_count": within(counters.human_labeled, "HumanLabeled", MOST_LONG),
        "machine_labeled_count": within(counters.machine_labeled, "MachineLabeled", MOST_LONG),
        "failed_count": within(counters.failed_non_retryable_error, "FailedNonRetryableError", MOST_LONG),
        "unlabeled_count": within(counters.unlabeled, "Unlabeled", MOST_LONG),
    }


def _task_type(task: _Task, account_id: str | None) -> str | None:
    """`BoundingBox` of AWS's Lambda or user interface of that name; `custom` for what belongs to the job's account."""
    ui = task.ui_config or _Ui()
    own = {account_id}
    for arn, pattern in (
        (arn_of(task.pre_human_task_lambda_arn), _BUILT_IN_LAMBDA),
        (arn_of(ui.human_task_ui_arn), _BUILT_IN_UI),
    ):
        found = pattern.fullmatch(arn.resource)
        if found and arn.account_id not in own:
            return found["type"]
    is_described = task.pre_human_task_lambda_arn or ui.ui_template_s3_uri or ui.human_task_ui_arn
    return "custom" if is_described else None


def _price(price: _Price | None) -> Decimal | None:
    """What a public or vendor worker gets for a task, to the tenth of a cent; NULL where the job gives no price."""
    amount = price and price.amount_in_usd
    if not amount:
        return None
    within(amount.dollars, "Dollars", _MOST_DOLLARS)
    within(amount.cents, "Cents", _MOST_DOLLARS)
    within(amount.tenth_fractions_of_a_cent, "TenthFractionsOfACent", _MOST_DOLLARS)
    return Decimal(amount.dollars * 1000 + amount.cents * 10 + amount.tenth_fractions_of_a_cent).scaleb(-3)


def _small_json(config: Any) -> str | None:
    text = None if config is None else encode(config)
    return text if text and len(text.encode()) <= MOST_CONFIG_BYTES else None


SOURCE = Source(
    name="labeling_jobs",
    description="Labelling jobs as SageMaker describes them. The URI is sagemaker://REGION, or a folder or s3:// "
    "prefix that holds answers of `aws sagemaker describe-labeling-job`, a file a job.",
    tables=("labeling_jobs",),
    list_units=list_units,
    read_unit=read_unit,
    parse=one_by_one(parse),
    same_content=told_by_place,
)
