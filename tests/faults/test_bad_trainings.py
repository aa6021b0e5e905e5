"""AWS on its bad days, for what is trained: what is loaded is complete, what is not complete is not loaded."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from control_plane_units import parse
from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.extraction import LoadSummary, extract
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger
from labelhouse.marts.read import query_lake
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Window, training_logs
from labelhouse.sources.training.definitions import Definition, Definitions
from served_aws import refused
from trainings import BEGAN, CANARY, LOGS, SAGEMAKER, Trainings, component, endpoint, said, training_job

#: Source → its place, its first listing, where that holds things, and what tells its rows apart.
SOURCES = {
    "training_jobs": (SAGEMAKER, "ListTrainingJobs", "TrainingJobSummaries", "training_jobs", "training_job_name"),
    "trial_components": (
        SAGEMAKER,
        "ListTrialComponents",
        "TrialComponentSummaries",
        "trial_components",
        "trial_component_name",
    ),
    "endpoints": (SAGEMAKER, "ListEndpoints", "Endpoints", "endpoint_variants", "endpoint_name"),
    "training_logs": (LOGS, "FilterLogEvents", "events", "training_log_metrics", "metric_value"),
}
EVERY_SOURCE = pytest.mark.parametrize("source", SOURCES)
EVERYTHING: dict[str, list[Any]] = {
    "training_jobs": [f"job-{number}" for number in range(5)],
    "trial_components": [f"run-{number}" for number in range(5)],
    "endpoints": [f"endpoint-{number}" for number in range(5)],
    "training_logs": [number / 10 for number in range(5)],
}
HOUR = BEGAN.replace(minute=0, second=0, microsecond=0)
PASSING = [
    refused("ThrottlingException", message="Rate exceeded"),
    refused("SlowDown", 503),
    refused("InternalFailure", 500),
    EndpointConnectionError(endpoint_url="https://api"),
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelhouse.sources.control_plane.WAITS_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr("labelhouse.sources.delivery.READERS", 1)  # so that calls have an order
    monkeypatch.setattr("labelhouse.sources.requests.REQUESTS_PER_SECOND", {})
    monkeypatch.setattr(training_logs, "_remembered", {})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, lake=tmp_path / "lake", own_pseudonym_key=True)


def account(**changes: Any) -> Trainings:
    """Several pages of everything."""
    return Trainings(
        training_jobs=[training_job(f"job-{number}") for number in range(5)],
        components=[component(f"run-{number}") for number in range(5)],
        trials={f"trial-{number}": ("fruit", BEGAN) for number in range(3)},
        endpoints=[endpoint(f"endpoint-{number}") for number in range(5)],
        events=[
            said(number, BEGAN + timedelta(minutes=number), f"Train_error={number / 10};", "job-0")
            for number in range(5)
        ],
        **changes,
    )


def load(settings: Settings, source: str, served: Trainings) -> LoadSummary:
    window = Window(HOUR, HOUR + timedelta(hours=1)) if source == "training_logs" else Window()
    return extract(settings, source, window, served.clients, uri=SOURCES[source][0])


def held(settings: Settings, source: str) -> list[Any]:
    _, _, _, table, column = SOURCES[source]
    found: list[Any] = query_lake(settings, f"select {column} from raw.{table} order by 1")[column].to_pylist()
    return found


def units_in_ledger(settings: Settings) -> int:
    return len(Ledger(Lake(settings)).known_versions())


@EVERY_SOURCE
def test_what_passes_anywhere_is_asked_again_and_costs_nothing(tmp_path: Path, settings: Settings, source: str) -> None:
    quiet = account()
    load(load_settings({}, lake=tmp_path / "quiet", own_pseudonym_key=True), source, quiet)
    training_logs._remembered.clear()
    # every call of a load fails once, in all ways one after the other
    stormy = account(faults={2 * number: PASSING[number % len(PASSING)] for number in range(len(quiet.calls))})
    load(settings, source, stormy)
    assert held(settings, source) == EVERYTHING[source]
    assert len(stormy.calls) == 2 * len(quiet.calls)


@EVERY_SOURCE
def test_what_does_not_pass_fails_and_loads_nothing(settings: Settings, source: str) -> None:
    with pytest.raises(SourceUnavailableError, match=r"just now|cannot be reached"):
        load(settings, source, account(faults=dict.fromkeys(range(1, 200), PASSING[0])))
    assert units_in_ledger(settings) == 0
    load(settings, source, account())
    assert held(settings, source) == EVERYTHING[source], "the next try finds everything still to do"


@EVERY_SOURCE
def test_credentials_that_expire_within_a_listing_are_renewed_and_it_goes_on_where_it_stood(
    settings: Settings, source: str
) -> None:
    expired = refused("ExpiredTokenException", message="The security token is expired")
    first = 2 if source == "training_logs" else 1
    served = account(faults={first: expired})
    load(settings, source, served)
    assert held(settings, source) == EVERYTHING[source]
    asked = [parameters.get("NextToken") or parameters.get("nextToken") for _, parameters in served.calls]
    assert asked[first - 1 : first + 2] == [None, "from 2", "from 2"]
    staying = account(faults=dict.fromkeys(range(1, 200), expired))
    staying.training_jobs.append(training_job("job-9"))
    with pytest.raises(SourceError, match="the AWS credentials have expired") as raised:
        load(settings, source, staying)
    assert type(raised.value) is SourceError, "another try would not help"
    assert held(settings, source) == EVERYTHING[source]


@EVERY_SOURCE
def test_a_page_token_that_expired_begins_again_without_doubling_anything(settings: Settings, source: str) -> None:
    first = 2 if source == "training_logs" else 1
    code = "InvalidParameterException" if source == "training_logs" else "ValidationException"
    served = account(faults={first: refused(code, message="The nextToken has expired")})
    load(settings, source, served)
    tokens = [bool({"NextToken", "nextToken"} & set(call)) for call in served.asked(SOURCES[source][1])]
    assert tokens[:3] == [False, True, False]
    assert held(settings, source) == EVERYTHING[source]


@EVERY_SOURCE
@pytest.mark.parametrize("idle_pages", [50, 10_000])
def test_empty_pages_with_a_repeated_token_are_no_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, source: str, idle_pages: int
) -> None:
    monkeypatch.setattr("labelhouse.sources.control_plane.MOST_IDLE_PAGES", 60)
    _, operation, items, _, _ = SOURCES[source]
    token = "nextToken" if source == "training_logs" else "NextToken"
    served = account()
    answer, count = served.answer, 0

    def dull(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        nonlocal count
        if name == operation:
            count += 1
            if count <= idle_pages:
                return {items: [], token: "again"}
            parameters = {key: value for key, value in parameters.items() if value != "again"}
        return answer(name, parameters)

    served.answer = dull  # type: ignore[method-assign]
    if idle_pages == 50:
        load(settings, source, served)
        assert held(settings, source) == EVERYTHING[source]
    else:
        with pytest.raises(SourceUnavailableError, match="60 pages in a row bring nothing new, and none is the last"):
            load(settings, source, served)
        assert units_in_ledger(settings) == 0


@EVERY_SOURCE
def test_nothing_there_is_not_the_same_as_nothing_to_be_seen(settings: Settings, source: str) -> None:
    nothing = Trainings(events=account().events[:1])
    nothing.events[0] = nothing.events[0] | {"timestamp": 0}  # there is a log group, and nothing in the hour
    assert load(settings, source, nothing).records_read == 0
    operations = (SOURCES[source][1], "DescribeLogGroups")
    denied = account(unservable=dict.fromkeys(operations, refused("AccessDeniedException")))
    with pytest.raises(
        SourceError, match=r"access is denied.*credentials with (sagemaker:List|logs:DescribeLogGroups)"
    ):
        load(settings, source, denied)
    assert units_in_ledger(settings) == 0


def test_a_log_group_that_is_missing_is_no_empty_one(settings: Settings) -> None:
    with pytest.raises(SourceError, match=r"the log group does not exist.*when a first training job runs"):
        load(settings, "training_logs", Trainings())


@pytest.mark.parametrize("source", ["training_jobs", "trial_components", "endpoints"])
def test_what_is_deleted_between_listing_and_reading_is_counted_as_missing(settings: Settings, source: str) -> None:
    served = account()
    answer = served.answer

    def deleting(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        for things in (served.training_jobs, served.components, served.endpoints):
            if operation.startswith("Describe") and len(things) == 5:
                del things[2]
        return answer(operation, parameters)

    served.answer = deleting  # type: ignore[method-assign]
    loaded = load(settings, source, served)
    assert (loaded.unit_count, loaded.missing_count, loaded.unreadable_count) == (4, 1, 0)
    assert held(settings, source) == [*EVERYTHING[source][:2], *EVERYTHING[source][3:]]


@EVERY_SOURCE
def test_nothing_that_did_not_change_is_loaded_twice(settings: Settings, source: str) -> None:
    served = account()
    load(settings, source, served)
    again = load(settings, source, served)
    assert (again.unit_count, again.unchanged_count) == (0, {"endpoints": 5, "training_logs": 1}.get(source, 0))
    assert held(settings, source) == EVERYTHING[source]


@EVERY_SOURCE
def test_no_secret_and_no_person_is_kept_anywhere(settings: Settings, tmp_path: Path, source: str) -> None:
    served = account()
    served.training_jobs.append(training_job("job-5", CreationTime=BEGAN.replace(year=1999)))  # goes into quarantine
    served.components.append(component("run-5", CreationTime=BEGAN.replace(year=1999)))
    load(settings, source, served)
    kept = b"".join(path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file())
    for trace in (CANARY.encode(), b"canary.person", b"@example.com"):
        assert trace not in kept


# --- regular expressions


def test_no_metric_definition_takes_more_than_a_tenth_of_a_second_a_line() -> None:
    catastrophic = [
        ("(a+)+$", "a" * 60_000 + "!"),
        ("(a|a)*b(.)", "a" * 60_000),
        ("(.*.*.*.*.*)=x", "=" * 60_000),
        ("((.{1,100}){1,9})z", "a" * 60_000),
        (r"(\d+\s*)+;", "1 " * 30_000),
        ("|".join(["(x+x+)+y"] * 60), "x" * 60_000),
    ]
    for regex, line in catastrophic:
        definitions = Definitions([Definition("loss", regex)])
        for text in (line, line[:1000]):
            began = time.thread_time()
            found, refusal = definitions.find(text.encode())
            assert time.thread_time() - began < 0.1, regex
            assert found == [] or refusal is None


@pytest.mark.parametrize(
    ("regex", "reason"),
    [
        ("(?=loss)(.*)", "cannot be searched in linear time (invalid perl operator)"),
        (r"(?<=loss )(\d+)", "cannot be searched in linear time (invalid perl operator)"),
        (r"(.)\1", "cannot be searched in linear time (invalid escape sequence)"),
        ("(loss", "cannot be searched in linear time (missing ))"),
        ("((a{100}){100}){100}", "cannot be searched in linear time (invalid repetition size)"),
        ("loss", "the regular expression has no group that captures the value"),
        ("", "the regular expression of a metric has 1 to 500 letters"),
        ("(" * 600, "the regular expression of a metric has 1 to 500 letters"),
    ],
)
def test_a_definition_that_cannot_be_looked_for_says_why_and_the_others_still_find(regex: str, reason: str) -> None:
    begun = {"jobs": {"job": [{"name": "bad", "regex": regex}, {"name": "good", "regex": "good=([0-9.]+)"}]}}
    result = parse(
        training_logs.SOURCE,
        training_logs._ENCODER.encode(begun) + b"\nloss 1 good=0.5\nnothing",
        "file:///logs/job.log",
    )
    ((position, said_why),) = result.reasons
    assert position == "definitions/job/0"
    assert said_why.startswith("the definition of bad is not looked for: ")
    assert said_why.endswith(reason.replace("cannot", "the regular expression cannot", 1))
    assert [row["metric_value"] for row in result.tables["training_log_metrics"]] == [0.5]
    assert dict(result.counts) == {"read": 2, "loaded": 1, "quarantined": 0, "filtered": 1}
