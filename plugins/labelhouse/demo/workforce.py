"""The account's story beside its trail: what the labelling and the people in it change, write and log, in order."""

from __future__ import annotations

import heapq
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter

from labelhouse.demo import ground_truth
from labelhouse.demo.chance import generator
from labelhouse.demo.changes import Change, JobState, TeamState, UserState
from labelhouse.demo.cloudtrail import ACCOUNT_ID, Call, arn
from labelhouse.demo.crafts import categories
from labelhouse.demo.jobs import PROGRAMME, Job, Project
from labelhouse.demo.labeling_calls import team_calls
from labelhouse.demo.people import REGION
from labelhouse.demo.places import INPUT_PATH, JOB_STATES_PATH, OUTPUT_PATH, user_pool
from labelhouse.demo.worker_log import log_events, reference_code
from labelhouse.demo.world import Acceptance, Happening, Launch, Rest, Verdict, Write, history

#: A manifest in which nothing is missing is written, then Ground Truth closes its job.
_CLOSING = timedelta(seconds=40)
#: Share of the events that EventBridge delivers twice.
_TWICE_RATIO = 0.15
#: Two attempts with the crowd, from before the trail was switched on.
_CROWD = next(project for project in PROGRAMME if project.is_public)
_TRIAL = replace(_CROWD, stem="bird-species-trial", object_count=20)
_REFUSED = "ClientError: Access denied while reading the input manifest. Check the permissions of the role."


def story(seed: int, start: datetime) -> Iterator[Write | Change]:
    """Writes and changes of a world that begins at `start` (UTC), in the order of time, without end.

    The people join in the half hour before, and two jobs were tried days before.
    """
    every = (_trials(seed, start), people_changes(seed, start), _labeling(seed, start))
    return heapq.merge(*every, key=attrgetter("at"))


def _labeling(seed: int, start: datetime) -> Iterator[Write | Change]:
    """Consequences in their order: some follow at once, some come days after what happened."""
    waiting: list[tuple[datetime, int, Write | Change]] = []
    jobs: dict[str, JobState] = {}
    count = 0
    for happening in history(seed, start):
        while waiting and waiting[0][0] <= happening.at:
            yield heapq.heappop(waiting)[2]
        for change in _consequences(seed, jobs, happening):
            heapq.heappush(waiting, (change.at, count, change))
            count += 1


def _consequences(seed: int, jobs: dict[str, JobState], happening: Write | Happening) -> Iterator[Write | Change]:
    """What follows from what happened; `jobs` are renewed with it."""
    match happening:
        case Write():
            yield replace(happening, key=f"{OUTPUT_PATH}/{happening.key}")
            name = happening.key.partition("/")[0]
            if happening.key == ground_truth.manifest_key(name) and jobs[name].unlabeled_count == 0:
                yield from _end(seed, jobs, name, happening.at + _CLOSING)
        case Launch():
            yield from _inputs(happening.job)
            state = _begun(seed, happening.job.name, happening.job.project, happening.at)
            jobs[state.name] = state
            yield state
        case Verdict():
            state = _counted(jobs[happening.job.name], happening)
            jobs[state.name] = state
            yield state
        case Acceptance() | Rest():
            yield from log_events(seed, happening)


def _begun(seed: int, name: str, project: Project, at: datetime) -> JobState:
    return JobState(at, name, project, created_at=at, reference_code=reference_code(seed, name))


def _counted(state: JobState, verdict: Verdict) -> JobState:
    match verdict.by:
        case "people":
            return replace(state, at=verdict.at, human_labeled_count=state.human_labeled_count + 1)
        case "model":
            return replace(state, at=verdict.at, machine_labeled_count=state.machine_labeled_count + 1)
        case "nobody":
            return replace(state, at=verdict.at, failed_count=state.failed_count + 1)


def _end(seed: int, jobs: dict[str, JobState], name: str, at: datetime) -> Iterator[Write | Change]:
    if jobs[name].status == "InProgress":
        jobs[name] = replace(jobs[name], at=at, status="Completed")
        yield jobs[name]
        yield _notice(seed, jobs[name])


def _inputs(job: Job) -> Iterator[Write]:
    """What the job reads: its objects, and the categories that workers choose from."""
    lines = [ground_truth.unlabeled_line(job, item) for item in job.objects]
    yield Write(job.launched_at, f"{INPUT_PATH}/{job.name}.manifest", b"".join(line + b"\n" for line in lines))
    yield Write(job.launched_at, f"{INPUT_PATH}/{job.name}.categories.json", json.dumps(categories(job)).encode())


def _notice(seed: int, state: JobState) -> Write:
    """The event of a job that ended, as EventBridge and Firehose deliver it to S3."""
    rng = generator(seed, "job state", state.name)
    event = {
        "version": "0",
        "id": str(uuid.UUID(bytes=rng.bytes(16), version=4)),
        "detail-type": "SageMaker Ground Truth Labeling Job State Change",
        "source": "aws.sagemaker",
        "account": ACCOUNT_ID,
        "time": f"{state.at:%Y-%m-%dT%H:%M:%SZ}",
        "region": REGION,
        "resources": [arn("labeling-job", state.name.lower())],
        "detail": {"LabelingJobStatus": state.status},
    }
    times = 2 if rng.random() < _TWICE_RATIO else 1
    at = state.at + timedelta(seconds=float(rng.uniform(60, 300)))
    unique = uuid.UUID(bytes=rng.bytes(16), version=4)
    key = f"{JOB_STATES_PATH}/{at:%Y/%m/%d/%H}/labeling-job-states-1-{at:%Y-%m-%d-%H-%M-%S}-{unique}.json"
    return Write(at, key, json.dumps(event, separators=(",", ":")).encode() * times)


def _trials(seed: int, start: datetime) -> Iterator[Write | Change]:
    """The first failed, because it could not read its input; the second was stopped before anybody answered."""
    failing = _begun(seed, f"{_TRIAL.stem}-01", _TRIAL, start - timedelta(days=2, hours=3))
    stopped = _begun(seed, f"{_TRIAL.stem}-02", _TRIAL, start - timedelta(days=2, hours=2))
    read_at, stopped_at = failing.at + timedelta(seconds=70), stopped.at + timedelta(minutes=25)
    for begun, ended in (
        (failing, replace(failing, at=read_at, status="Failed", failure_reason=_REFUSED)),
        (stopped, replace(stopped, at=stopped_at, status="Stopped")),
    ):
        yield begun
        yield ended
        yield _notice(seed, ended)


def people_changes(seed: int, start: datetime) -> Iterator[Change]:
    """Team and users, as the calls of the trail make them; who has joined signs in a few minutes later."""
    changes: list[Change] = []
    users: dict[str, UserState] = {}
    team: TeamState | None = None
    for call in team_calls(seed, start):
        if call.service == "sagemaker":
            team = _team_after(call, team)
            changes.append(team)
        else:
            assert call.request
            username = call.request["username"]
            users[username] = user = _user_after(seed, call, users.get(username))
            changes.append(user)
            if call.operation == "AdminAddUserToGroup":
                rng = generator(seed, "first sign-in", username)
                at = call.at + timedelta(seconds=float(rng.uniform(60, 300)))
                users[username] = replace(user, at=at, modified_at=at, status="CONFIRMED")
                changes.append(users[username])
    return iter(sorted(changes, key=attrgetter("at")))


def _team_after(call: Call, team: TeamState | None) -> TeamState:
    assert call.request
    if team:
        return replace(team, at=call.at, description=call.request["description"])
    [definition] = call.request["memberDefinitions"]
    members = definition["cognitoMemberDefinition"]
    return TeamState(
        call.at,
        name=call.request["workteamName"],
        arn=arn("workteam", f"private-crowd/{call.request['workteamName']}"),
        description=call.request["description"],
        created_at=call.at,
        user_pool_id=members["userPool"],
        user_group=members["userGroup"],
        client_id=members["clientId"],
    )


def _user_after(seed: int, call: Call, user: UserState | None) -> UserState:
    assert call.request
    assert call.additional
    if user is None:
        sub, username = call.additional["sub"], call.request["username"]
        return UserState(call.at, user_pool(seed), username, sub, created_at=call.at, modified_at=call.at)
    match call.operation:
        case "AdminAddUserToGroup":
            return replace(user, at=call.at, groups=user.groups | {call.request["groupName"]})
        case "AdminRemoveUserFromGroup":
            return replace(user, at=call.at, groups=user.groups - {call.request["groupName"]})
        case "AdminDisableUser":
            return replace(user, at=call.at, modified_at=call.at, is_enabled=False)
        case "AdminDeleteUser":
            return replace(user, at=call.at, is_deleted=True)
        case other:
            raise AssertionError(f"changes no user: {other}")
