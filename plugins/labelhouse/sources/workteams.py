"""Source `workteams`: private work teams as SageMaker describes them, and the jobs that each one has, with counters.

A team on a UTC day is a unit, so that the lake keeps what a team was like on every day. Of a job of another account
SageMaker tells the counters, the account and the code by which workers know it, but no name.

Where nobody may call the API, a folder of saved answers does: `aws sagemaker describe-workteam`, a file a team, the
`LabelingJobSummaryList` of `aws sagemaker list-labeling-jobs-for-workteam` beside `Workteam` in the same object. A day
in the path of the file (`2026-11-21`) says of which day it is.
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
    Api,
    Pascal,
    arn_of,
    dated,
    moment,
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
from labelhouse.sources.objects import list_objects, read_object
from labelhouse.sources.parsed import Parsed

if TYPE_CHECKING:
    from labelhouse.identities import Identities

_SCHEME = "sagemaker"
_JOBS = "LabelingJobSummaryList"


def list_units(uri: str, clients: Clients, _window: Window) -> Iterator[Unit]:
    """The private teams of a region as they are today, by name; or the saved answers below a folder or prefix.

    Raises:
        SourceError: the place is missing, or cannot be listed to its end.
    """
    place = parts_of(uri, _SCHEME, 1)
    if place is None:
        yield from dated(list_objects(uri, clients))
        return
    now = datetime.now(UTC)
    teams = Api(clients, _SCHEME, place[0], uri).listing(
        "list_workteams", "Workteams", lambda team: team["WorkteamArn"], MaxResults=100, SortBy="Name"
    )
    for team in teams:
        account, name = arn_of(team["WorkteamArn"]).account_id, team["WorkteamName"]
        # names are unique in an account only
        yield Unit(f"{_SCHEME}://{place[0]}/{account}/workteam/{name}/{now:%Y-%m-%d}", "", now, 0)


def read_unit(unit: Unit, clients: Clients) -> bytes:
    """What SageMaker says about a team and all its jobs, as JSON.

    Raises:
        UnitGone: the team does not exist any more.
        SourceError: it cannot be read, or not to the end of its jobs.
    """
    if not unit.uri.startswith(f"{_SCHEME}://"):
        return read_object(unit, clients)
    region, *_, name, _day = unit.uri.removeprefix(f"{_SCHEME}://").split("/")
    api = Api(clients, _SCHEME, region, unit.uri)
    team = api.ask("describe_workteam", WorkteamName=name)["Workteam"]
    jobs = api.listing(
        "list_labeling_jobs_for_workteam",
        _JOBS,
        lambda job: (job["WorkRequesterAccountId"], job["JobReferenceCode"]),
        WorkteamArn=team["WorkteamArn"],
        MaxResults=100,
        SortBy="CreationTime",
        SortOrder="Ascending",
    )
    jobs.sort(key=lambda job: (job["CreationTime"], job["WorkRequesterAccountId"], job["JobReferenceCode"]))
    return saved({"Workteam": team, _JOBS: jobs})


class _Cognito(Pascal):
    user_pool: str | None = None
    user_group: str | None = None


class _Oidc(Pascal):
    groups: list[str] | None = None


class _Members(Pascal):
    cognito_member_definition: _Cognito | None = None
    oidc_member_definition: _Oidc | None = None


class _Team(Pascal):
    workteam_name: str
    workteam_arn: str | None = None
    workforce_arn: str | None = None
    description: str | None = None
    member_definitions: list[_Members] = msgspec.field(default_factory=list)
    create_date: str | float | None = None
    last_updated_date: str | float | None = None


class _Counters(Pascal):
    human_labeled: int | None = None
    pending_human: int | None = None
    total: int | None = None


class _Job(Pascal):
    labeling_job_name: str | None = None
    job_reference_code: str | None = None
    work_requester_account_id: str | None = None
    creation_time: str | float | None = None
    label_counters: _Counters | None = None
    number_of_human_workers_per_data_object: int | None = None


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """The rows of a team (record 0) and its jobs (records from 1), or their quarantine. Data never raises."""
    parsed = Parsed(unit.unit_at, identities)
    try:
        answer, is_suspect = decode(unpack(data))
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), data, cleaned=False)
        yield parsed
        return
    answer = identities.clean(answer)
    latest_at = datetime.now(UTC) + CLOCK_SKEW
    try:
        if is_suspect and (found := flaw(answer)):
            raise Unreadable(found)
        team, jobs = _team_and_jobs(answer)
        row = _team_row(team, latest_at)
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), encode_flawed(answer), cleaned=True)
        yield parsed
        return
    parsed.row("workteams", "0", None, **row)
    parsed.loaded()
    for number, job in enumerate(jobs, start=1):
        try:
            parsed.row("workteam_jobs", str(number), None, **_job_row(shaped(job, _Job, "the job"), row, latest_at))
        except Unreadable as reason:
            parsed.quarantine(str(number), str(reason), encode_flawed(job), cleaned=True)
        else:
            parsed.loaded()
    yield parsed


def _team_and_jobs(answer: Any) -> tuple[_Team, list[Any]]:
    if not isinstance(answer, dict):
        raise Unreadable(f"the answer is {kind(answer)}, not an object")
    if "Workteam" not in answer:
        raise Unreadable("Workteam is missing")
    jobs = answer.get(_JOBS, [])
    if not isinstance(jobs, list):
        raise Unreadable(f"{_JOBS} is {kind(jobs)}, not a list")
    if jobs and answer.get("NextToken"):
        raise Unreadable("the listing breaks off: it has a token for another page")
    return shaped(answer["Workteam"], _Team, "Workteam"), jobs


def _team_row(team: _Team, latest_at: datetime) -> dict[str, Any]:
    """Raises Unreadable where a value is not what it should be."""
    if not team.workteam_name:
        raise Unreadable("WorkteamName is empty")
    arn = arn_of(team.workteam_arn)
    groups = [group for members in team.member_definitions for group in _groups(members)]
    return {
        "workteam_name": team.workteam_name,
        "workteam_arn": team.workteam_arn,
        "workforce_arn": team.workforce_arn,
        "workforce_type": workteam_of(team.workteam_arn).workforce_type,
        "account_id": arn.account_id,
        "aws_region": arn.region,
        "description": team.description or None,
        "member_groups_json": encode(groups),
        "created_at": moment(team.create_date, "CreateDate", latest_at),
        "last_updated_at": moment(team.last_updated_date, "LastUpdatedDate", latest_at),
    }


def _groups(members: _Members) -> Iterator[dict[str, str | None]]:
    """The groups whose members are in a team; those of an OIDC provider have no pool."""
    if cognito := members.cognito_member_definition:
        yield {"user_pool_id": cognito.user_pool, "group_name": cognito.user_group}
    for name in (members.oidc_member_definition or _Oidc()).groups or ():
        yield {"user_pool_id": None, "group_name": name}


def _job_row(job: _Job, team: dict[str, Any], latest_at: datetime) -> dict[str, Any]:
    """Raises Unreadable where a value is not what it should be."""
    counters = job.label_counters or _Counters()
    workers = job.number_of_human_workers_per_data_object
    return {
        "workteam_name": team["workteam_name"],
        "workteam_arn": team["workteam_arn"],
        "labeling_job_name": job.labeling_job_name or None,
        "job_reference_code": job.job_reference_code,
        "account_id": job.work_requester_account_id,
        "aws_region": team["aws_region"],
        "created_at": moment(job.creation_time, "CreationTime", latest_at),
        "human_labeled_count": within(counters.human_labeled, "HumanLabeled", MOST_LONG),
        "pending_human_count": within(counters.pending_human, "PendingHuman", MOST_LONG),
        "total_count": within(counters.total, "Total", MOST_LONG),
        "workers_per_object_count": within(workers, "NumberOfHumanWorkersPerDataObject", MOST_INT),
    }


SOURCE = Source(
    name="workteams",
    description="Private work teams and their jobs as SageMaker describes them. The URI is sagemaker://REGION, or a "
    "folder or s3:// prefix that holds answers of `aws sagemaker describe-workteam`, a file a team.",
    tables=("workteams", "workteam_jobs"),
    list_units=list_units,
    read_unit=read_unit,
    parse=one_by_one(parse),
    same_content=told_by_place,  # a team that does not change is not a copy of what it was yesterday
)
