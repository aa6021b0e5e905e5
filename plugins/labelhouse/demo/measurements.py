"""What CloudWatch measures in the account, as a function of the world: a value every quarter of an hour.

Planted, to be found again:

* on the ninth day, for six hours, the endpoint's model takes three times as long, and answers one call in fifty with an
  error of its own (`SLOW`); the feature store throttles at the same time;
* on the seventh day calls ask for models that nobody has loaded: the hit ratio falls from 0.93 to 0.55 (`COLD_DAY`);
* the endpoint's four cores are busy up to 340 %, as CloudWatch adds them up;
* the retraining pipeline runs every night at two, and fails in the sixth one, in its step `Train` (`FAILED_NIGHT`);
* of the work team's tasks CloudWatch loses one in twenty-five (`LOST_ONE_IN`).
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache, lru_cache
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

import msgspec
import numpy as np

from labelhouse.demo.chance import generator
from labelhouse.demo.changes import EndpointState, JobState
from labelhouse.demo.endpoints import CORES
from labelhouse.demo.labeling_calls import WORKTEAM
from labelhouse.demo.region import Region

#: A value is measured every so often, and the metrics of a series are listed for so long behind the last.
TICK = timedelta(minutes=15)
LISTED_FOR = timedelta(days=14)
#: Hours of the world, from the first to the last one that is not included.
SLOW = (8 * 24 + 9, 8 * 24 + 15)
COLD_DAY, FAILED_NIGHT = 6, 5
LOST_ONE_IN = 25
PIPELINE = "vehicle-types-retraining"
#: Steps of the pipeline with their minutes.
STEPS = (("Prepare", 10), ("Train", 40), ("Evaluate", 5))
FEATURE_GROUP = "vehicle-images"
#: Recommended instances for the endpoint, for two hours of the second day.
RECOMMENDATION, RECOMMENDED = "vehicle-types-recommendation", (24 + 4, 24 + 6)

_AN_HOUR = timedelta(hours=1)
_TICKS = _AN_HOUR // TICK
_AT = attrgetter("at")
_ENDPOINTS, _SAGEMAKER = "/aws/sagemaker/Endpoints", "AWS/SageMaker"
_PIPELINES, _FEATURES = "AWS/Sagemaker/ModelBuildingPipeline", "AWS/SageMaker/FeatureStore"
_RECOMMENDER = "/aws/sagemaker/InferenceRecommendationsJobs"
_JOBS, _TEAMS = "AWS/SageMaker/LabelingJobs", "AWS/SageMaker/Workteam"


class Tick(NamedTuple):
    """What was measured in a stretch of time: sum and number of samples, the least and the most."""

    total: float
    sample_count: float
    least: float
    most: float

    def with_another(self, other: Tick) -> Tick:
        """What was measured in both stretches of time."""
        count = self.sample_count + other.sample_count
        return Tick(self.total + other.total, count, min(self.least, other.least), max(self.most, other.most))


class Series(NamedTuple):
    """One metric with its dimensions, sorted by name."""

    namespace: str
    metric_name: str
    dimensions: tuple[tuple[str, str], ...]


#: `(start of an hour)` → its ticks by their times.
Meter = Callable[[datetime], dict[datetime, Tick]]


def meters(region: Region) -> dict[Series, Meter]:
    """Every series of the region, with what measures it."""
    found: dict[Series, Meter] = {}
    tasks = cache(lambda hour: list(_tasks(region, hour)))
    for endpoint in region.endpoints.values():
        found |= _of_endpoint(endpoint) | _nights(endpoint.began_at)
    for name, states in region.progress.items():
        found |= _of_job(name, states)
        if not states[0].project.is_public:
            found |= _of_team(tasks, name)
    return found


def last_measured(region: Region, series: Series) -> datetime:
    """About when a series had its last value: jobs end, the others go on."""
    for name, value in series.dimensions:
        if name in ("LabelingJobName", "LabelingJob"):
            return region.progress[value][-1].at
    began = next(iter(region.endpoints.values())).began_at if region.endpoints else region.now
    return began + RECOMMENDED[1] * _AN_HOUR if series.namespace == _RECOMMENDER else region.now


# -- the endpoint, its recommendation and its features


class _Load(NamedTuple):
    """A tick of the endpoint."""

    calls: int
    model_microseconds: float
    overhead_microseconds: float
    failed: int
    refused: int
    hits: int
    cpu: float
    noise: float


@lru_cache(512)
def _loads(seed: int, began_at: datetime, hour: datetime) -> tuple[_Load, ...]:
    """An hour of the endpoint; a call more or less where chance wills it."""
    rng = generator(seed, "endpoint", hour.isoformat())
    world_hour = (hour - began_at) / _AN_HOUR
    is_slow, is_cold = SLOW[0] <= world_hour < SLOW[1], int(world_hour // 24) == COLD_DAY
    daylight = 0.25 + 0.75 * max(0.0, float(np.sin((hour.hour - 5) / 16 * np.pi)) if 5 <= hour.hour <= 21 else 0.0)
    loads = []
    for _ in range(_TICKS):
        calls = int(rng.poisson(180 * daylight))
        noise = float(rng.normal(1, 0.06))
        hits = int(rng.binomial(calls, 0.55 if is_cold else 0.93))
        loads.append(
            _Load(
                calls,
                38_000 * noise * (3 if is_slow else 1),
                6_000 * float(rng.normal(1, 0.04)),
                int(rng.binomial(calls, 0.02 if is_slow else 0.0005)),
                int(rng.binomial(calls, 0.006)),
                hits,
                float(np.clip(320 * daylight * noise + (20 if is_slow else 0), 3, 100 * CORES)),
                noise,
            )
        )
    return tuple(loads)


def _of_endpoint(endpoint: EndpointState) -> dict[Series, Meter]:
    variant = (("EndpointName", endpoint.name), ("VariantName", endpoint.variant_name))
    group = (("FeatureGroupName", FEATURE_GROUP), ("OperationName", "GetRecord"))
    instances = endpoint.instance_count

    def meter(measure: Callable[[_Load], Tick | None], hours: tuple[float, float] = (0, np.inf)) -> Meter:
        def ticks(hour: datetime) -> dict[datetime, Tick]:
            if not hours[0] <= (hour - endpoint.began_at) / _AN_HOUR < hours[1]:
                return {}
            loads = _loads(endpoint.seed, endpoint.began_at, hour)
            found = {hour + number * TICK: measure(load) for number, load in enumerate(loads)}
            return {at: tick for at, tick in found.items() if tick}

        return ticks

    def of_calls(metric_name: str, measure: Callable[[_Load], Tick | None]) -> dict[Series, Meter]:
        return {Series(_SAGEMAKER, metric_name, variant): meter(lambda load: measure(load) if load.calls else None)}

    def gauge(metric_name: str, value: Callable[[_Load], float]) -> dict[Series, Meter]:
        return {Series(_ENDPOINTS, metric_name, variant): meter(lambda load: _even(value(load), instances))}

    def of_features(metric_name: str, measure: Callable[[_Load], Tick]) -> dict[Series, Meter]:
        return {Series(_FEATURES, metric_name, group): meter(lambda load: measure(load) if load.calls else None)}

    def recommended(metric_name: str, measure: Callable[[_Load], Tick]) -> dict[Series, Meter]:
        return {
            Series(_RECOMMENDER, metric_name, (name,)): meter(measure, RECOMMENDED)
            for name in (("EndpointName", endpoint.name), ("JobName", RECOMMENDATION))
        }

    return {
        **of_calls("Invocations", lambda load: Tick(load.calls, load.calls, 1, 1)),
        **of_calls("InvocationsPerInstance", lambda load: Tick(load.calls / instances, load.calls, 1, 1)),
        **of_calls("Invocation4XXErrors", lambda load: _shares(load.refused, load.calls)),
        **of_calls("Invocation5XXErrors", lambda load: _shares(load.failed, load.calls)),
        **of_calls("ModelLatency", lambda load: _spread(load.model_microseconds, load.calls)),
        **of_calls("OverheadLatency", lambda load: _spread(load.overhead_microseconds, load.calls)),
        **of_calls("ModelCacheHit", lambda load: _shares(load.hits, load.calls)),
        **of_calls(
            "ModelLoadingWaitTime",
            lambda load: _spread(1_200_000 * load.noise, load.calls - load.hits) if load.hits < load.calls else None,
        ),
        **gauge("CPUUtilization", lambda load: load.cpu),
        **gauge("CPUUtilizationNormalized", lambda load: load.cpu / CORES),
        **gauge("MemoryUtilization", lambda load: 41 + 3 * load.noise),
        **gauge("DiskUtilization", lambda load: 17 + load.noise),
        **gauge("LoadedModelCount", lambda _load: 18.0),
        **of_features("Invocations", lambda load: Tick(load.calls, load.calls, 1, 1)),
        **of_features("Latency", lambda load: _spread(4_500 * load.noise, load.calls)),
        **of_features("ThrottledRequests", lambda load: _shares(min(load.calls, 4 * load.failed), load.calls)),
        **recommended("ClientInvocations", lambda load: Tick(load.calls, load.calls, 1, 1)),
        **recommended(
            "ClientLatency",
            lambda load: _spread((load.model_microseconds + load.overhead_microseconds) / 1000 + 8, max(load.calls, 1)),
        ),
    }


def _even(value: float, count: int) -> Tick:
    return Tick(value * count, count, value, value)


def _shares(part: int, whole: int) -> Tick:
    return Tick(part, whole, 1 if part == whole else 0, 1 if part else 0)


def _spread(mean: float, count: int) -> Tick:
    return Tick(mean * count, count, mean * 0.7, mean * 1.9) if count > 1 else _even(mean, count)


# -- the pipeline


@cache
def _nights(began_at: datetime) -> dict[Series, Meter]:
    """Executions and steps of the nights since the world began."""
    events: dict[Series, dict[datetime, Tick]] = {}

    def note(metric_name: str, at: datetime, *dimensions: tuple[tuple[str, str], ...], value: float = 1) -> None:
        tick = at - (at - at.replace(minute=0)) % TICK
        for each in dimensions:
            events.setdefault(Series(_PIPELINES, metric_name, each), {})[tick] = _even(value, 1)

    whole = ((), (("PipelineName", PIPELINE),))
    night = began_at.replace(hour=2, minute=0, second=0, microsecond=0) + timedelta(days=1)
    number = 0
    # of the next weeks too: nobody asks for what has not been
    while night < began_at + timedelta(days=400):
        note("ExecutionStarted", night, *whole)
        at, is_failed = night, False
        for step, minutes in STEPS:
            of_step = (("PipelineName", PIPELINE), ("StepName", step))
            note("StepStarted", at, of_step)
            is_failed = number == FAILED_NIGHT and step == "Train"
            duration = timedelta(minutes=minutes / 4 if is_failed else minutes)
            at += duration
            note("StepFailed" if is_failed else "StepSucceeded", at, of_step)
            note("StepDuration", at, of_step, value=duration / timedelta(milliseconds=1))
            if is_failed:
                break
        note("ExecutionFailed" if is_failed else "ExecutionSucceeded", at, *whole)
        note("ExecutionDuration", at, *whole, value=(at - night) / timedelta(milliseconds=1))
        night, number = night + timedelta(days=1), number + 1
    return {series: _noted(ticks) for series, ticks in events.items()}


def _noted(ticks: dict[datetime, Tick]) -> Meter:
    return lambda hour: {at: ticks[at] for at in (hour + number * TICK for number in range(_TICKS)) if at in ticks}


# -- labelling jobs and their team


def _of_job(name: str, states: list[JobState]) -> dict[Series, Meter]:
    """Counters of a job, of each tick in which one changed."""
    dimensions = (("LabelingJobName", name),)
    counters: dict[str, Callable[[JobState], int]] = {
        "DatasetObjectsHumanAnnotated": lambda state: state.human_labeled_count,
        "DatasetObjectsLabelingFailed": lambda state: state.failed_count,
        "TotalDatasetObjectsLabeled": lambda state: state.human_labeled_count + state.machine_labeled_count,
    }
    if states[-1].machine_labeled_count:
        counters["DatasetObjectsAutoAnnotated"] = lambda state: state.machine_labeled_count

    def meter(counter: Callable[[JobState], int]) -> Meter:
        def ticks(hour: datetime) -> dict[datetime, Tick]:
            found: dict[datetime, Tick] = {}
            first, last = (bisect_left(states, moment, key=_AT) for moment in (hour, hour + _AN_HOUR))
            for state in islice(states, first, last):
                value = float(counter(state))
                at = hour + (state.at - hour) // TICK * TICK
                found[at] = found[at].with_another(_even(value, 1)) if at in found else _even(value, 1)
            return found

        return ticks

    return {Series(_JOBS, metric, dimensions): meter(counter) for metric, counter in counters.items()}


class _Logged(msgspec.Struct):
    event_type: str
    labeling_job_arn: str
    task_accepted_time: str
    event_timestamp: str


def _of_team(tasks: Callable[[datetime], list[tuple[datetime, str, str]]], name: str) -> dict[Series, Meter]:
    """Tasks of a job as CloudWatch counts them: the log without its repeats, and without what is lost on the way."""
    dimensions = (("LabelingJob", name), ("Workteam", WORKTEAM))

    def meter(*event_types: str) -> Meter:
        def ticks(hour: datetime) -> dict[datetime, Tick]:
            found: dict[datetime, Tick] = {}
            for at, event_type, job in tasks(hour):
                if job == name and event_type in event_types:
                    found[at] = found[at].with_another(_even(1, 1)) if at in found else _even(1, 1)
            return found

        return ticks

    ends = ("TasksSubmitted", "TasksReturned", "TasksDeclined")
    return {
        Series(_TEAMS, "ActiveWorkers", dimensions): meter(*ends),
        **{Series(_TEAMS, each, dimensions): meter(each) for each in ("TasksAccepted", *ends)},
    }


def _tasks(region: Region, hour: datetime) -> Iterator[tuple[datetime, str, str]]:
    """Tick, kind and job of each event of an hour that CloudWatch has counted."""
    first = int(hour.timestamp() * 1000)
    messages = {event.message: event.timestamp for event in region.log_events((first - 1, "~"), first + 3_600_000 - 1)}
    for message, timestamp in messages.items():
        if zlib.crc32(message.encode()) % LOST_ONE_IN:
            logged = msgspec.json.decode(message, type=_Logged)
            at = hour + timedelta(milliseconds=timestamp - first) // TICK * TICK
            yield at, logged.event_type, logged.labeling_job_arn.rpartition("/")[2]
