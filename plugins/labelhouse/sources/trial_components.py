"""Source `trial_components`: runs as SageMaker Experiments knows them, their run groups and experiments asked along.

A trial component is a unit. It may be written to, and come into further trials, long after it was completed: until a
day after its last modification only its content tells whether anything changed, so that it is described again at each
load that looks at it; from then on that modification is its version. Who made or changed it is never kept.

Where nobody may call the API, a folder of saved answers does: `aws sagemaker describe-trial-component`, a file a
component, with the trials that it is in under `Trials`: `[{"TrialName": …, "ExperimentName": …, "CreationTime": …}]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from labelhouse.sources import Clients, Source, Unit, UnitGone, Window, one_by_one, told_by_place
from labelhouse.sources.control_plane import MOST_LONG, Api, Pascal, arn_of, moment, only_json, parts_of, saved, within
from labelhouse.sources.documents import CLOCK_SKEW, Unreadable, shaped
from labelhouse.sources.objects import list_objects, read_object
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.training.answers import (
    SCHEME,
    finite,
    json_of,
    load_metrics,
    read_answer,
    text_map,
)

if TYPE_CHECKING:
    from labelhouse.identities import Identities

#: In these a component is not expected to change any more, this long after its last modification.
FINAL_STATUSES = frozenset({"Completed", "Failed", "Stopped"})
SETTLED_AFTER = timedelta(days=1)
#: A field of ours in a saved answer: the trials that it is in, with their experiments.
TRIALS = "Trials"
#: Fields that name people, or what they did with Git.
_PERSONAL = ("CreatedBy", "LastModifiedBy", "MetadataProperties")
_TRAINING_JOB = "training-job/"


def list_units(uri: str, clients: Clients, _window: Window) -> Iterator[Unit]:
    """The trial components of a region, oldest first; or the saved answers below a folder or prefix.

    One that is settled has the time of its last modification, one that runs that of now.

    Raises:
        SourceError: the place is missing, or cannot be listed to its end.
    """
    place = parts_of(uri, SCHEME, 1)
    if place is None:
        yield from only_json(list_objects(uri, clients))
        return
    now = datetime.now(UTC)
    components = Api(clients, SCHEME, place[0], uri).listing(
        "list_trial_components",
        "TrialComponentSummaries",
        lambda component: component["TrialComponentArn"],
        MaxResults=100,
        SortBy="CreationTime",
        SortOrder="Ascending",
    )
    for component in components:
        changed_at = (component.get("LastModifiedTime") or component["CreationTime"]).astimezone(UTC)
        is_final = (component.get("Status") or {}).get("PrimaryStatus") in FINAL_STATUSES
        account = arn_of(component["TrialComponentArn"]).account_id
        yield Unit(
            # names are unique in an account only
            uri=f"{SCHEME}://{place[0]}/{account}/trial-component/{component['TrialComponentName']}",
            version=changed_at.isoformat() if is_final and now - changed_at > SETTLED_AFTER else "",
            unit_at=changed_at if is_final else now,
            size_bytes=0,
        )


def read_unit(unit: Unit, clients: Clients) -> bytes:
    """What SageMaker says about a component and the trials that it is in, as JSON.

    Raises:
        UnitGone: the component does not exist any more.
        SourceError: it cannot be read, or not to the end of its trials.
    """
    if not unit.uri.startswith(f"{SCHEME}://"):
        return read_object(unit, clients)
    region, *_, name = unit.uri.removeprefix(f"{SCHEME}://").split("/")
    api = Api(clients, SCHEME, region, unit.uri)
    component = api.ask("describe_trial_component", TrialComponentName=name)
    trials = api.listing(
        "list_trials",
        "TrialSummaries",
        lambda trial: trial["TrialArn"],
        TrialComponentName=name,
        MaxResults=100,
        SortBy="CreationTime",
        SortOrder="Ascending",
    )
    found = [
        {
            "TrialName": trial["TrialName"],
            "CreationTime": trial.get("CreationTime"),
            "ExperimentName": _experiment_of(api, trial["TrialName"]),
        }
        for trial in trials
    ]
    kept = {field: value for field, value in component.items() if field not in _PERSONAL}
    return saved(kept | {TRIALS: found})


def _experiment_of(api: Api, trial_name: str) -> str | None:
    try:
        name: str | None = api.ask("describe_trial", TrialName=trial_name).get("ExperimentName")
    except UnitGone:  # deleted since it was listed; the component is still there
        return None
    return name


class _Source(Pascal):
    source_arn: str | None = None
    source_type: str | None = None


class _Status(Pascal):
    primary_status: str | None = None
    message: str | None = None


class _Parameter(Pascal):
    string_value: str | None = None
    number_value: float | str | None = None


class _Artifact(Pascal):
    media_type: str | None = None
    value: str | None = None


class _Trial(Pascal):
    trial_name: str
    experiment_name: str | None = None
    creation_time: str | float | None = None


class _Metric(Pascal):
    metric_name: str
    time_stamp: str | float | None = None
    max: float | str | None = None
    min: float | str | None = None
    last: float | str | None = None
    count: int | None = None
    avg: float | str | None = None
    std_dev: float | str | None = None


class _Component(Pascal):
    trial_component_name: str
    trial_component_arn: str | None = None
    display_name: str | None = None
    source: _Source | None = None
    status: _Status | None = None
    start_time: str | float | None = None
    end_time: str | float | None = None
    creation_time: str | float | None = None
    last_modified_time: str | float | None = None
    parameters: dict[str, _Parameter] | None = None
    input_artifacts: dict[str, _Artifact] | None = None
    output_artifacts: dict[str, _Artifact] | None = None
    metrics: list[Any] | None = None
    trials: list[_Trial] | None = None


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """The row of one component and those of its metrics, or its quarantine. Data never raises."""
    parsed = Parsed(unit.unit_at, identities)
    latest_at = datetime.now(UTC) + CLOCK_SKEW

    def read(answer: dict[str, Any]) -> tuple[_Component, dict[str, Any]]:
        component = shaped(answer, _Component)
        return component, _row(component, latest_at)

    found = read_answer(parsed, data, identities, read, personal=_PERSONAL, numbers=["Metrics", "Parameters"])
    if found:
        component, row = found
        parsed.row("trial_components", "0", row["created_at"], **row)
        parsed.loaded()
        load_metrics(
            parsed,
            "trial_component_metrics",
            component.metrics,
            row["created_at"],
            lambda metric: _metric_row(shaped(metric, _Metric, "the metric"), component, latest_at),
        )
    yield parsed


def _row(component: _Component, latest_at: datetime) -> dict[str, Any]:
    """Raises Unreadable where a value is not what it should be."""
    if not component.trial_component_name:
        raise Unreadable("TrialComponentName is empty")
    arn = arn_of(component.trial_component_arn)
    source, status = component.source or _Source(), component.status or _Status()
    made_by = arn_of(source.source_arn).resource
    trials = _by_age(component.trials or [], latest_at)
    return {
        "trial_component_name": component.trial_component_name,
        "trial_component_arn": component.trial_component_arn,
        "account_id": arn.account_id,
        "aws_region": arn.region,
        "display_name": component.display_name or None,
        "source_type": source.source_type or None,
        "training_job_name": made_by.removeprefix(_TRAINING_JOB) if made_by.startswith(_TRAINING_JOB) else None,
        "status": status.primary_status or None,
        "status_message": status.message or None,
        "started_at": moment(component.start_time, "StartTime", latest_at),
        "ended_at": moment(component.end_time, "EndTime", latest_at),
        "created_at": moment(component.creation_time, "CreationTime", latest_at),
        "last_modified_at": moment(component.last_modified_time, "LastModifiedTime", latest_at),
        "trial_names_json": json_of([trial.trial_name for trial in trials]),
        "trial_name": trials[-1].trial_name if trials else None,
        "experiment_name": trials[-1].experiment_name if trials else None,
        "parameters": text_map({name: _parameter(value) for name, value in (component.parameters or {}).items()}),
        "input_artifacts_json": _artifacts(component.input_artifacts),
        "output_artifacts_json": _artifacts(component.output_artifacts),
    }


def _by_age(trials: list[_Trial], latest_at: datetime) -> list[_Trial]:
    """The newest one last."""
    first = datetime.min.replace(tzinfo=UTC)

    def age(trial: _Trial) -> tuple[datetime, str]:
        return moment(trial.creation_time, "CreationTime", latest_at) or first, trial.trial_name

    return sorted(trials, key=age)


def _parameter(value: _Parameter) -> str | float | None:
    return value.number_value if value.string_value is None else value.string_value


def _artifacts(artifacts: dict[str, _Artifact] | None) -> str | None:
    return json_of(
        {name: {"media_type": each.media_type, "value": each.value} for name, each in sorted((artifacts or {}).items())}
    )


def _metric_row(metric: _Metric, component: _Component, latest_at: datetime) -> dict[str, Any]:
    """Raises Unreadable where a value is not what it should be."""
    if not metric.metric_name:
        raise Unreadable("MetricName is empty")
    return {
        "trial_component_name": component.trial_component_name,
        "metric_name": metric.metric_name,
        "point_count": within(metric.count, "Count", MOST_LONG),
        "last_value": finite(metric.last, "Last"),
        "min_value": finite(metric.min, "Min"),
        "max_value": finite(metric.max, "Max"),
        "mean_value": finite(metric.avg, "Avg"),
        "std_dev": finite(metric.std_dev, "StdDev"),
        "metric_at": moment(metric.time_stamp, "TimeStamp", latest_at),
    }


SOURCE = Source(
    name="trial_components",
    description="Trial components (runs) as SageMaker Experiments describes them, with their trials and experiments. "
    "The URI is sagemaker://REGION, or a folder or s3:// prefix that holds answers of `aws sagemaker "
    "describe-trial-component`, a file a component.",
    tables=("trial_components", "trial_component_metrics"),
    list_units=list_units,
    read_unit=read_unit,
    parse=one_by_one(parse),
    same_content=told_by_place,
)
