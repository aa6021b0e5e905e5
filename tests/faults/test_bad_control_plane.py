"""AWS's control plane on its bad days: what is loaded is complete, what is not complete is not loaded, and says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from control_plane import EMAIL, POOL, REGION, SUB, Account, job, team, team_job, user
from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.extraction import LoadSummary, extract
from labelhouse.identities import load_identities
from labelhouse.identity_map import erase, names
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger
from labelhouse.marts.read import query_lake
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Window
from served_aws import refused

SAGEMAKER, COGNITO = f"sagemaker://{REGION}", f"cognito-idp://{REGION}/{POOL}"
SUBS = [f"{number}-sub-canary" for number in range(7)]
#: Source, its place, and what tells the rows of its tables apart.
SOURCES = {
    "labeling_jobs": (SAGEMAKER, {"labeling_jobs": "labeling_job_name"}),
    "workteams": (SAGEMAKER, {"workteams": "workteam_name", "workteam_jobs": "job_reference_code"}),
    "workers": (COGNITO, {"workers": "worker_pseudonym"}),
}
EVERY_SOURCE = pytest.mark.parametrize("source", SOURCES)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelhouse.sources.control_plane.WAITS_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr("labelhouse.sources.delivery.READERS", 1)  # so that calls have an order


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


def settings_of(folder: Path, identities: str = "pseudonyms") -> Settings:
    return load_settings(
        {},
        lake=folder / "lake",
        own_pseudonym_key=True,
        identities=identities,
        identity_map_uri=f"sqlite:///{folder / 'people.db'}",
    )


def account(**changes: Any) -> Account:
    """Several pages of everything."""
    return Account(
        jobs=[job(f"job-{number}", "InProgress" if number % 2 else "Completed") for number in range(5)],
        teams=[team("one"), team("two"), team("three")],
        team_jobs={name: [team_job(f"{name}-{number}") for number in range(5)] for name in ("one", "two")},
        users=[user(sub) for sub in SUBS],
        groups={"fruit": SUBS[:3], "veg": SUBS[2:]},
        **changes,
    )


def load(settings: Settings, source: str, served: Account) -> LoadSummary:
    return extract(settings, source, Window(), served.clients, uri=SOURCES[source][0])


def held(settings: Settings, source: str) -> dict[str, list[str]]:
    """What everybody sees of a source's tables."""
    return {
        table: query_lake(settings, f"select {name} from raw.{table} order by all")[name].to_pylist()
        for table, name in SOURCES[source][1].items()
    }


def holds_everything(settings: Settings, source: str) -> bool:
    """Whether the lake holds each thing of `account()` once."""
    everything = {
        "labeling_jobs": [f"job-{number}" for number in range(5)],
        "workteams": ["one", "three", "two"],
        "workteam_jobs": [f"{name}-{number}" for name in ("one", "two") for number in range(5)],
        "workers": sorted(load_identities(settings).pseudonym(sub) for sub in SUBS),
    }
    found = held(settings, source)
    return found == {table: everything[table] for table in found}


def units_in_ledger(settings: Settings) -> int:
    return len(Ledger(Lake(settings)).known_versions())


# --- throttled, broken, expired


PASSING = [
    refused("ThrottlingException", message="Rate exceeded"),
    refused("TooManyRequestsException"),
    refused("SlowDown", 503),
    refused("InternalFailure", 500),
    EndpointConnectionError(endpoint_url="https://api"),
]


@EVERY_SOURCE
def test_what_passes_anywhere_is_asked_again_and_costs_nothing(tmp_path: Path, source: str) -> None:
    quiet = account()
    load(settings_of(tmp_path / "quiet"), source, quiet)
    # every call of a load fails once, in all ways one after the other
    faults = {2 * number: PASSING[number % len(PASSING)] for number in range(len(quiet.calls))}
    stormy, settings = account(faults=faults), settings_of(tmp_path / "stormy")
    load(settings, source, stormy)
    assert holds_everything(settings, source)
    assert len(stormy.calls) == 2 * len(quiet.calls)


@EVERY_SOURCE
@pytest.mark.parametrize("fault", [PASSING[0], PASSING[-1]], ids=["throttled", "unreachable"])
def test_what_does_not_pass_fails_and_loads_nothing(settings: Settings, source: str, fault: Exception) -> None:
    served = account()
    served.faults = dict.fromkeys(range(1, 100), fault)
    with pytest.raises(SourceUnavailableError, match=r"just now|cannot be reached"):
        load(settings, source, served)
    assert units_in_ledger(settings) == 0
    load(settings, source, account())
    assert holds_everything(settings, source), "the next try finds everything still to do"


@EVERY_SOURCE
def test_credentials_that_expire_within_a_listing_are_renewed_and_it_goes_on_where_it_stood(
    settings: Settings, source: str
) -> None:
    served = account(faults={1: refused("ExpiredTokenException", message="The security token is expired")})
    load(settings, source, served)
    assert holds_everything(settings, source)
    token = "PaginationToken" if source == "workers" else "NextToken"
    assert [parameters.get(token) for _, parameters in served.calls[:3]] == [None, "from 2", "from 2"]


@EVERY_SOURCE
def test_credentials_that_stay_expired_fail_and_load_nothing(settings: Settings, source: str) -> None:
    served = account(faults={number: refused("ExpiredTokenException") for number in range(1, 100)})
    with pytest.raises(SourceError, match="the AWS credentials have expired") as raised:
        load(settings, source, served)
    assert type(raised.value) is SourceError, "another try would not help"
    assert units_in_ledger(settings) == 0


@pytest.mark.parametrize(
    ("source", "code", "message", "first_page"),
    [
        ("labeling_jobs", "ValidationException", "The pagination token has expired", "ListLabelingJobs"),
        ("workteams", "ValidationException", "Invalid NextToken", "ListWorkteams"),
        ("workers", "InvalidParameterException", "Invalid pagination token", "ListUsers"),
        ("workers", "ExpiredNextTokenException", "Token has expired", "ListUsers"),
    ],
)
def test_a_page_token_that_expired_begins_the_listing_again_without_doubling_anything(
    settings: Settings, source: str, code: str, message: str, first_page: str
) -> None:
    served = account(faults={1: refused(code, message=message)})
    load(settings, source, served)
    assert [bool({"NextToken", "PaginationToken"} & set(call)) for call in served.asked(first_page)][:3] == [
        False,
        True,
        False,
    ]
    assert holds_everything(settings, source)


@EVERY_SOURCE
def test_page_tokens_that_always_expire_fail_and_load_nothing(settings: Settings, source: str) -> None:
    served = account()
    answer = served.answer

    def expiring(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if {"NextToken", "PaginationToken"} & set(parameters):
            raise refused("ValidationException", message="Token expired")
        return answer(operation, parameters)

    served.answer = expiring  # type: ignore[method-assign]
    with pytest.raises(SourceUnavailableError, match="the listing takes longer than its page tokens are valid"):
        load(settings, source, served)
    assert units_in_ledger(settings) == 0


# --- pages


def dull(served: Account, operation: str, page: Callable[[int], dict[str, Any] | None]) -> Account:
    """The account, with pages before the first one of an operation; `page(number)` gives None where they end."""
    answer, count = served.answer, 0

    def answering(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        nonlocal count
        if name == operation:
            found = page(count)
            count += 1
            if found is not None:
                return found
            parameters = {key: value for key, value in parameters.items() if value != "again"}
        return answer(name, parameters)

    served.answer = answering  # type: ignore[method-assign]
    return served


LISTED = [
    ("labeling_jobs", "ListLabelingJobs", "LabelingJobSummaryList", "NextToken"),
    ("workteams", "ListWorkteams", "Workteams", "NextToken"),
    ("workteams", "ListLabelingJobsForWorkteam", "LabelingJobSummaryList", "NextToken"),
    ("workers", "ListUsers", "Users", "PaginationToken"),
    ("workers", "ListGroups", "Groups", "NextToken"),
    ("workers", "ListUsersInGroup", "Users", "NextToken"),
]


@pytest.mark.parametrize(("source", "operation", "items", "token"), LISTED)
def test_empty_pages_and_a_repeated_token_are_no_end(
    settings: Settings, source: str, operation: str, items: str, token: str
) -> None:
    served = dull(account(), operation, lambda number: {items: [], token: "again"} if number < 50 else None)
    load(settings, source, served)
    assert holds_everything(settings, source)


@pytest.mark.parametrize(("source", "operation", "items", "token"), LISTED)
def test_a_listing_that_never_ends_fails_and_loads_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, source: str, operation: str, items: str, token: str
) -> None:
    monkeypatch.setattr("labelhouse.sources.control_plane.MOST_IDLE_PAGES", 60)
    served = dull(account(), operation, lambda number: {items: [], token: "again"})
    with pytest.raises(SourceUnavailableError, match="60 pages in a row bring nothing new, and none is the last one"):
        load(settings, source, served)
    assert units_in_ledger(settings) == 0


# --- deleted meanwhile; nothing there


def test_a_job_deleted_between_listing_and_reading_is_counted_as_missing(settings: Settings) -> None:
    served = account()
    served.jobs[2]["LabelingJobName"] = "JOB-2"
    answer = served.answer

    def deleting(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeLabelingJob":
            served.jobs = [each for each in served.jobs if each["LabelingJobName"] != "JOB-2"]
        return answer(operation, parameters)

    served.answer = deleting  # type: ignore[method-assign]
    loaded = load(settings, "labeling_jobs", served)
    assert (loaded.unit_count, loaded.missing_count, loaded.unreadable_count) == (4, 1, 0)
    assert held(settings, "labeling_jobs") == {"labeling_jobs": ["job-0", "job-1", "job-3", "job-4"]}


def test_a_team_deleted_between_listing_and_reading_is_counted_as_missing(settings: Settings) -> None:
    served = account()
    answer = served.answer

    def deleting(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeWorkteam":
            served.teams = [each for each in served.teams if each["WorkteamName"] != "two"]
        return answer(operation, parameters)

    served.answer = deleting  # type: ignore[method-assign]
    loaded = load(settings, "workteams", served)
    assert (loaded.unit_count, loaded.missing_count) == (2, 1)
    assert held(settings, "workteams")["workteams"] == ["one", "three"]


@EVERY_SOURCE
def test_nothing_there_is_not_the_same_as_nothing_to_be_seen(settings: Settings, source: str) -> None:
    assert load(settings, source, Account()).records_read == 0
    denied = dict.fromkeys(("ListLabelingJobs", "ListWorkteams", "ListUsers"), refused("AccessDeniedException"))
    with pytest.raises(SourceError, match=r"access is denied.*credentials with (sagemaker|cognito-idp):List"):
        load(settings, source, Account(unservable=denied))


def test_an_empty_pool_is_a_snapshot_and_a_missing_pool_is_none(settings: Settings) -> None:
    load(settings, "workers", Account())
    ledger = query_lake(settings, "select unit_uri, records_read from raw.ingest_ledger").to_pylist()
    assert [row["records_read"] for row in ledger] == [0], "the ledger says that the pool was read, to its end"
    missing = f"{COGNITO}x"
    with pytest.raises(SourceError, match="the user pool does not exist"):
        extract(settings, "workers", Window(), Account().clients, uri=missing)
    assert units_in_ledger(settings) == 1


# --- people who leave


def test_a_listing_of_people_that_breaks_off_anywhere_takes_nobody_away(settings: Settings) -> None:
    load(settings, "workers", account())
    others = Account(users=[user(f"new-{number}") for number in range(5)], groups={"fruit": ["new-1", "new-2"]})
    others.page_size = 1
    for number in range(5 + 1 + 2):
        others.faults = {more: refused("InternalErrorException", 500) for more in range(number, 100)}
        others.calls.clear()
        with pytest.raises(SourceUnavailableError):
            load(settings, "workers", others)
        assert holds_everything(settings, "workers"), f"after {number} calls"
    others.faults.clear()
    others.calls.clear()
    load(settings, "workers", others)
    assert len(others.calls) == 5 + 1 + 2
    assert len(held(settings, "workers")["workers"]) == 5, "a complete listing replaces the day's snapshot"


def test_nothing_that_did_not_change_is_loaded_twice(settings: Settings) -> None:
    served = account()
    for source, units in (("labeling_jobs", 5), ("workteams", 3), ("workers", 1)):
        assert load(settings, source, served).unit_count == units
        again = load(settings, source, served)
        unversioned = {"labeling_jobs": 2, "workteams": 3, "workers": 1}[source]
        assert (again.unit_count, again.unchanged_count) == (0, unversioned)
    served.jobs[1] |= {"LabelingJobStatus": "Stopped"}
    assert load(settings, "labeling_jobs", served).unit_count == 1
    assert len(held(settings, "labeling_jobs")["labeling_jobs"]) == 5


# --- who they are


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_under_pseudonyms_no_name_is_asked_for_nor_kept_anywhere(tmp_path: Path) -> None:
    settings, served = settings_of(tmp_path), account()
    load(settings, "workers", served)
    assert {tuple(call.get("AttributesToGet", ())) for call in served.asked("ListUsers")} == {("sub",)}
    kept = everything_below(tmp_path)
    for trace in (*SUBS, "name-of", "@example.com"):
        assert trace.encode() not in kept
    assert not (tmp_path / "people.db").exists()


def test_names_are_kept_in_clear_outside_the_lake_only_and_destroyed_on_request(tmp_path: Path) -> None:
    settings, served = settings_of(tmp_path, "clear"), account()
    load(settings, "workers", served)
    load(settings, "workteams", served)
    pseudonym = load_identities(settings).pseudonym
    behind = names(settings, [pseudonym(sub) for sub in SUBS])
    assert {person.email for person in behind.values()} == {f"{sub}@example.com" for sub in SUBS}
    lake = everything_below(tmp_path / "lake")
    for trace in (*SUBS, "name-of", "@example.com", EMAIL):
        assert trace.encode() not in lake
    assert erase(settings, SUBS[3]) is True
    served.users[0]["UserStatus"] = "ARCHIVED"  # the pool has changed: it is loaded again, with everybody in it
    assert load(settings, "workers", served).unit_count == 1
    assert pseudonym(SUBS[3]) in held(settings, "workers")["workers"], "his work stays, as somebody's"
    assert SUBS[3].encode() not in everything_below(tmp_path)
    assert len(names(settings, [pseudonym(sub) for sub in SUBS])) == 6


def test_who_is_deleted_in_cognito_is_forgotten_by_the_map_with_the_next_complete_listing(tmp_path: Path) -> None:
    settings, served = settings_of(tmp_path, "clear"), account()
    load(settings, "workers", served)
    gone = served.users.pop(0)["Attributes"][0]["Value"]
    served.faults = {len(served.calls) + more: refused("InternalErrorException", 500) for more in range(2, 50)}
    with pytest.raises(SourceUnavailableError):
        load(settings, "workers", served)
    pseudonym = load_identities(settings).pseudonym(gone)
    assert names(settings, [pseudonym]), "a listing that broke off proves nothing"
    served.faults.clear()
    load(settings, "workers", served)
    assert names(settings, [pseudonym]) == {}
    assert gone.encode() not in everything_below(tmp_path)


def test_a_map_that_fails_costs_no_name(tmp_path: Path) -> None:
    settings, served = settings_of(tmp_path, "clear"), account()
    (tmp_path / "people.db").write_text("no database, but something in its place" * 100)
    with pytest.raises(Exception, match="the identity map cannot be used"):
        load(settings, "workers", served)
    assert units_in_ledger(settings) == 0
    (tmp_path / "people.db").unlink()
    load(settings, "workers", served)
    assert len(names(settings, [load_identities(settings).pseudonym(sub) for sub in SUBS])) == 7


def test_keeping_names_from_now_on_needs_no_change_in_the_pool(tmp_path: Path) -> None:
    served = Account(users=[user()])
    load(settings_of(tmp_path), "workers", served)
    clear = settings_of(tmp_path, "clear")
    load(clear, "workers", served)
    assert len(names(clear, [load_identities(clear).pseudonym(SUB)])) == 1
