"""The demo's workers' log, people and jobs: they agree with the answers, but for the shares that the world names."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from typing import Any

import pytest

from labelhouse.demo.changes import Change, JobState, LogEvent, TeamState, UserState
from labelhouse.demo.cloudtrail import ACCOUNT_ID
from labelhouse.demo.labeling_calls import KEPT_AFTER_LEAVING, TASK_TIME_LIMIT, WORKER_GROUP
from labelhouse.demo.people import crowd, team
from labelhouse.demo.places import INPUT_PATH, JOB_STATES_PATH, OUTPUT_PATH
from labelhouse.demo.worker_log import (
    LATE_AFTER,
    LATE_RATIO,
    LATE_WITHIN,
    LOST_RATIO,
    PUNCTUAL_WITHIN,
    TWICE_RATIO,
    time_of_java,
)
from labelhouse.demo.workforce import story
from labelhouse.demo.world import HISTORY, Acceptance, Happening, Verdict, Write, history

SEED, START = 7, datetime(2026, 3, 4, 9, tzinfo=UTC)
NOW = START + HISTORY
#: In the order of AWS's documentation.
FIELDS = [
    "worker_id",
    "cognito_user_pool_id",
    "cognito_sub_id",
    "task_accepted_time",
    "task_submitted_time",
    "task_returned_time",
    "task_declined_time",
    "workteam_arn",
    "labeling_job_arn",
    "work_requester_account_id",
    "job_reference_code",
    "job_type",
    "event_type",
    "event_timestamp",
]
ENDS = {
    "TasksSubmitted": "task_submitted_time",
    "TasksReturned": "task_returned_time",
    "TasksDeclined": "task_declined_time",
}


def until(end: datetime, seed: int = SEED) -> list[Write | Change]:
    """The story before `end`."""
    return list(takewhile(lambda each: each.at < end, story(seed, START)))


@pytest.fixture(scope="module")
def further() -> list[Write | Change]:
    """More than three weeks."""
    return until(NOW + timedelta(days=8))


@pytest.fixture(scope="module")
def told(further: list[Write | Change]) -> list[Write | Change]:
    """Two weeks."""
    return [each for each in further if each.at < NOW]


@pytest.fixture(scope="module")
def deliveries(further: list[Write | Change]) -> list[tuple[LogEvent, dict[str, Any]]]:
    """Every log event of the two weeks with its record, also those that come days later."""
    end = NOW.timestamp() * 1000
    events = [each for each in further if isinstance(each, LogEvent) and each.timestamp < end]
    return [(each, json.loads(each.message)) for each in events]


@pytest.fixture(scope="module")
def records(deliveries: list[tuple[LogEvent, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Every record once."""
    return list({(event.message, event.timestamp): record for event, record in deliveries}.values())


@pytest.fixture(scope="module")
def happened() -> list[Write | Happening]:
    """What happens in the two weeks."""
    return list(takewhile(lambda each: each.at < NOW, history(SEED, START)))


@pytest.fixture(scope="module")
def acceptances(happened: list[Write | Happening]) -> list[Acceptance]:
    """The private team's tasks of the two weeks that are answered in them."""
    taken = [each for each in happened if isinstance(each, Acceptance) and each.answer.submitted_at < NOW]
    return [each for each in taken if not each.answer.worker.is_public]


def tasks_of(records: list[dict[str, Any]], event_type: str) -> Counter[tuple[str, str, str]]:
    """Worker, job and times of the records of one type."""
    return Counter(
        (record["worker_id"], record["labeling_job_arn"].rpartition("/")[2], record["task_accepted_time"])
        for record in records
        if record["event_type"] == event_type
    )


def task_of(acceptance: Acceptance) -> tuple[str, str, str]:
    """The same of a task of the world."""
    worker_id = acceptance.answer.worker.worker_id.rpartition(".")[2]
    return worker_id, acceptance.job.name.lower(), time_of_java(acceptance.at)


def newest(told: list[Write | Change], kind: type[Any]) -> dict[str, Any]:
    """The last state of everything of a kind."""
    return {each.username if kind is UserState else each.name: each for each in told if isinstance(each, kind)}


def test_told_again_or_further_the_past_is_the_same_and_in_order(further: list[Write | Change]) -> None:
    again = until(START + timedelta(days=6))
    assert further[: len(again)] == again
    assert [each.at for each in further] == sorted(each.at for each in further)
    later = [each for each in further if isinstance(each, LogEvent) and each.at > NOW]
    assert len(later) > 2000, "it goes on living"
    assert until(START + timedelta(days=1), seed=8) != until(START + timedelta(days=1))


def test_the_labelling_itself_is_written_as_ever(told: list[Write | Change], happened: list[Write | Happening]) -> None:
    labelling = [each for each in happened if isinstance(each, Write)]
    ours = [each for each in told if isinstance(each, Write) and each.key.startswith(f"{OUTPUT_PATH}/")]
    assert [(each.at, each.key.removeprefix(f"{OUTPUT_PATH}/"), each.body) for each in ours] == [
        (each.at, each.key, each.body) for each in labelling
    ]


def test_records_have_the_fields_and_times_of_the_documentation(
    deliveries: list[tuple[LogEvent, dict[str, Any]]],
) -> None:
    assert time_of_java(datetime(2019, 8, 14, 16, 0, 59, tzinfo=UTC)) == "Wed Aug 14 16:00:59 UTC 2019"
    for event, record in deliveries:
        assert list(record) == FIELDS
        assert all(isinstance(value, str) for value in record.values())
        event_at = datetime.fromtimestamp(int(record["event_timestamp"]), UTC)
        ended = {name for name in ENDS.values() if record[name]}
        happened = ENDS.get(record["event_type"])
        assert ended == ({happened} if happened else set())
        assert record[happened or "task_accepted_time"] == time_of_java(event_at)
        assert 0 <= event.timestamp / 1000 - event_at.timestamp() < 2
        assert event.timestamp < event.at.timestamp() * 1000
        assert re.fullmatch(r"\d{56}", event.event_id)
        assert re.fullmatch(rf"aws/sagemaker/groundtruth/worker-activity/{ACCOUNT_ID}-us-east-1/\d{{13}}", event.stream)


def test_the_log_holds_every_answer_of_the_team_but_a_known_share(
    records: list[dict[str, Any]], acceptances: list[Acceptance]
) -> None:
    answered = Counter(map(task_of, acceptances))
    submitted, accepted = (tasks_of(records, name) for name in ("TasksSubmitted", "TasksAccepted"))
    in_the_log = answered & submitted
    assert submitted - answered == Counter(), "no answer is logged that nobody gave"
    lost = answered.total() - in_the_log.total()
    assert 0.6 * LOST_RATIO < lost / answered.total() < 1.5 * LOST_RATIO
    assert not (submitted - accepted) - (answered - Counter(set(answered))), "who submits has accepted"
    times = {task_of(each): time_of_java(each.answer.submitted_at) for each in acceptances}
    agreeing = [
        record["task_submitted_time"] == times[task]
        for record in records
        if record["event_type"] == "TasksSubmitted"
        for task in tasks_of([record], "TasksSubmitted")
        if answered[task] == 1
    ]
    assert len(agreeing) > 3000
    assert all(agreeing)


def test_a_known_share_comes_late_or_twice(deliveries: list[tuple[LogEvent, dict[str, Any]]]) -> None:
    by_record: dict[tuple[str, int], list[LogEvent]] = defaultdict(list)
    for event, _ in deliveries:
        by_record[event.message, event.timestamp].append(event)
    assert len({event.event_id for event, _ in deliveries}) == len(deliveries)
    delays = [timedelta(milliseconds=each[0].at.timestamp() * 1000 - each[0].timestamp) for each in by_record.values()]
    late = [delay for delay in delays if delay > LATE_AFTER - timedelta(seconds=1)]
    assert 0.7 * LATE_RATIO < len(late) / len(delays) < 1.4 * LATE_RATIO
    assert all(delay <= PUNCTUAL_WITHIN for delay in delays if delay not in late)
    assert max(late) <= LATE_WITHIN
    assert min(late) < timedelta(hours=1)
    assert sum(delay > timedelta(days=1) for delay in late) > 0.1 * len(late), "minutes as well as days"
    twice = [each for each in by_record.values() if len(each) > 1]
    assert 0.7 * TWICE_RATIO < len(twice) / len(by_record) < 1.4 * TWICE_RATIO
    for first, second in twice:
        assert timedelta(0) < second.at - first.at < timedelta(minutes=2)


def test_some_tasks_are_returned_declined_or_abandoned(
    records: list[dict[str, Any]], acceptances: list[Acceptance]
) -> None:
    accepted = tasks_of(records, "TasksAccepted")
    returned, declined = (tasks_of(records, name) for name in ("TasksReturned", "TasksDeclined"))
    abandoned = accepted - tasks_of(records, "TasksSubmitted") - returned - declined
    assert returned.total() > declined.total() > abandoned.total() > 15
    assert declined.total() < 0.03 * accepted.total()
    assert not (returned | declined | abandoned) & Counter(map(task_of, acceptances)), "none of them is answered"
    for record in records:
        if record["event_type"] in ("TasksReturned", "TasksDeclined"):
            began, ended = (
                datetime.strptime(record[name], "%a %b %d %H:%M:%S UTC %Y").replace(tzinfo=UTC)
                for name in ("task_accepted_time", ENDS[record["event_type"]])
            )
            assert timedelta(0) < ended - began <= TASK_TIME_LIMIT


def test_the_crowd_is_not_logged_and_nobody_is_named(records: list[dict[str, Any]]) -> None:
    crowd_ids = {worker.worker_id.rpartition(".")[2] for worker in crowd(SEED)}
    subs = {worker.worker_id.rpartition(".")[2]: worker.sub for worker in team(SEED)}
    for record in records:
        assert record["worker_id"] not in crowd_ids
        assert record["cognito_sub_id"] == subs[record["worker_id"]]
        assert record["job_type"] == "Private"
        assert "crowd-01" not in record["labeling_job_arn"]
    text = json.dumps(records)
    assert "@" not in text
    assert not [worker.name for worker in team(SEED) if worker.name in text]


def test_people_join_and_leave(told: list[Write | Change], further: list[Write | Change]) -> None:
    users = newest(told, UserState)
    assert {each.sub for each in users.values()} == {worker.sub for worker in team(SEED)}
    leaver = users["salonga@example.com"]
    assert (leaver.is_enabled, leaver.groups, leaver.is_deleted) == (False, frozenset(), False)
    others = [each for name, each in users.items() if name != leaver.username]
    assert all(each.is_enabled and each.groups == {WORKER_GROUP} and each.status == "CONFIRMED" for each in others)
    [deleted] = [each for each in newest(further, UserState).values() if each.is_deleted]
    assert deleted.username == leaver.username
    assert timedelta(0) <= leaver.at + KEPT_AFTER_LEAVING - deleted.at < timedelta(minutes=5)
    assert users["njeri@example.com"].created_at > START + timedelta(days=4)
    [labelers] = newest(told, TeamState).values()
    assert labelers.created_at < min(each.created_at for each in users.values())
    assert labelers.description == "One fewer in Manila"


def test_everybody_has_signed_in_before_their_first_task(
    told: list[Write | Change], acceptances: list[Acceptance]
) -> None:
    confirmed_at: dict[str, datetime] = {}
    for each in told:
        if isinstance(each, UserState) and each.status == "CONFIRMED":
            confirmed_at.setdefault(each.sub, each.at)
    assert all(confirmed_at[each.answer.worker.sub or ""] < each.at for each in acceptances)


def states_of(told: list[Write | Change]) -> Iterator[list[JobState]]:
    """The states of each job in their order."""
    by_name: dict[str, list[JobState]] = defaultdict(list)
    for each in told:
        if isinstance(each, JobState):
            by_name[each.name].append(each)
    yield from by_name.values()


def test_counters_of_a_job_follow_its_labels_and_never_fall(
    told: list[Write | Change], happened: list[Write | Happening]
) -> None:
    verdicts = Counter((each.job.name, each.by) for each in happened if isinstance(each, Verdict))
    for states in states_of(told):
        for earlier, later in pairwise(states):
            assert later.unlabeled_count <= earlier.unlabeled_count
            assert earlier.status == "InProgress", "what has ended does not change"
        last = states[-1]
        assert last.human_labeled_count == verdicts[last.name, "people"]
        assert last.machine_labeled_count == verdicts[last.name, "model"]
        assert last.failed_count == verdicts[last.name, "nobody"]
        assert (last.status == "Completed") <= (last.unlabeled_count == 0)


def test_jobs_end_in_every_way_and_eventbridge_says_so(told: list[Write | Change]) -> None:
    jobs = newest(told, JobState)
    statuses = Counter(each.status for each in jobs.values())
    assert set(statuses) == {"InProgress", "Completed", "Failed", "Stopped"}
    assert all(bool(each.failure_reason) == (each.status == "Failed") for each in jobs.values())
    notices = {}
    for each in told:
        if isinstance(each, Write) and each.key.startswith(f"{JOB_STATES_PATH}/"):
            events = [json.loads(text) for text in re.split(r"(?<=\}\})(?=\{)", each.body.decode())]
            assert all(event == events[0] for event in events), "delivered again, it is the same event"
            name = events[0]["resources"][0].rpartition("/")[2]
            notices[name] = events[0]["detail"]["LabelingJobStatus"]
            assert datetime.fromisoformat(events[0]["time"]) < each.at
    assert notices == {name.lower(): each.status for name, each in jobs.items() if each.status != "InProgress"}


def test_the_inputs_of_a_job_lie_beside_its_output(told: list[Write | Change]) -> None:
    keys = {each.key: each.body for each in told if isinstance(each, Write)}
    for states in states_of(told):
        project, name = states[0].project, states[0].name
        if "trial" in name:
            continue
        categories = json.loads(keys[f"{INPUT_PATH}/{name}.categories.json"])
        assert [each["label"] for each in categories["labels"]] == list(project.classes)
        assert len(keys[f"{INPUT_PATH}/{name}.manifest"].splitlines()) == project.object_count
