"""Work teams: one unit a team and day, with all its jobs, and what they give."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from control_plane import ACCOUNT, BEGAN, EMAIL, POOL, REGION, TEAM_ARN, Account, team, team_job
from control_plane_units import IDENTITIES, UNIT_AT, only_row, parse, units
from labelhouse.sources import UnitGone
from labelhouse.sources.workteams import SOURCE

PLACE = f"sagemaker://{REGION}"


def read(account: Account) -> dict[str, Any]:
    (unit,) = units(SOURCE, PLACE, account.clients)
    found: dict[str, Any] = json.loads(SOURCE.read_unit(unit, account.clients))
    return found


def test_a_team_is_a_unit_a_day_whose_content_tells() -> None:
    began = datetime.now(UTC)
    account = Account(teams=[team(f"team-{number}") for number in range(5)])
    found = units(SOURCE, PLACE, account.clients)
    assert [unit.uri for unit in found] == [
        f"sagemaker://us-east-1/{ACCOUNT}/workteam/team-{number}/{found[0].unit_at:%Y-%m-%d}" for number in range(5)
    ]
    assert {unit.version for unit in found} == {""}
    assert all(began <= unit.unit_at <= datetime.now(UTC) for unit in found), "it belongs to windows that are open"
    assert SOURCE.same_content(found[0].uri) != SOURCE.same_content(found[1].uri), "no day is a copy of another"


def test_a_team_and_its_jobs_give_every_column() -> None:
    foreign = team_job(
        "zz", LabelingJobName=..., WorkRequesterAccountId="000000000042", NumberOfHumanWorkersPerDataObject=...
    )
    jobs = [foreign, team_job("b"), team_job("a", LabelCounters={})]
    result = parse(SOURCE, read(Account(teams=[team()], team_jobs={"Fruit-Team": jobs})))
    assert result.counts == {"read": 4, "loaded": 4, "quarantined": 0, "filtered": 0}
    assert result.tables["workteams"] == [
        {
            "position": "0",
            "event_at": UNIT_AT,
            "workteam_name": "Fruit-Team",
            "workteam_arn": TEAM_ARN,
            "workforce_arn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:workforce/default",
            "workforce_type": "private",
            "account_id": ACCOUNT,
            "aws_region": "us-east-1",
            "description": f"Asks {IDENTITIES.pseudonym(EMAIL)}",
            "member_groups_json": f'[{{"user_pool_id":"{POOL}","group_name":"fruit"}}]',
            "created_at": BEGAN,
            "last_updated_at": BEGAN + timedelta(hours=1),
        }
    ]
    by_code = {row["job_reference_code"]: row for row in result.tables["workteam_jobs"]}
    assert by_code["b"] == {
        "position": "3",
        "event_at": UNIT_AT,
        "workteam_name": "Fruit-Team",
        "workteam_arn": TEAM_ARN,
        "labeling_job_name": "Sort-Fruit",
        "job_reference_code": "b",
        "account_id": ACCOUNT,
        "aws_region": "us-east-1",
        "created_at": BEGAN,
        "human_labeled_count": 80,
        "pending_human_count": 5,
        "total_count": 100,
        "workers_per_object_count": 3,
    }
    assert by_code["zz"]["labeling_job_name"] is None
    assert by_code["zz"]["account_id"] == "000000000042"
    assert by_code["zz"]["workers_per_object_count"] is None
    assert by_code["a"]["total_count"] is None, "not captured is not nothing"


def test_the_same_team_is_the_same_bytes_in_whatever_order_its_jobs_come() -> None:
    jobs = [team_job(code) for code in "cab"]
    account = Account(teams=[team()], team_jobs={"Fruit-Team": jobs})
    first = read(account)
    account.team_jobs["Fruit-Team"] = jobs[::-1]
    assert read(account) == first


def test_teams_of_an_oidc_provider_have_groups_without_a_pool() -> None:
    row = only_row(
        SOURCE, {"Workteam": team(MemberDefinitions=[{"OidcMemberDefinition": {"Groups": ["fruit", "veg"]}}])}
    )
    assert json.loads(row["member_groups_json"]) == [
        {"user_pool_id": None, "group_name": "fruit"},
        {"user_pool_id": None, "group_name": "veg"},
    ]


def test_a_team_deleted_since_it_was_listed_is_gone() -> None:
    account = Account(teams=[team()])
    (unit,) = units(SOURCE, PLACE, account.clients)
    account.teams.clear()
    with pytest.raises(UnitGone):
        SOURCE.read_unit(unit, account.clients)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"Workteams": []}, "Workteam is missing"),
        ([], "the answer is a list, not an object"),
        ({"Workteam": team(WorkteamName="")}, "WorkteamName is empty"),
        ({"Workteam": team(WorkteamName=...) | {"WorkteamName": 1}}, "WorkteamName is a number, not text"),
        ({"Workteam": team(CreateDate="never")}, "CreateDate is not a time such as 2019-04-18T16:40:59Z"),
        ({"Workteam": team(), "LabelingJobSummaryList": {}}, "LabelingJobSummaryList is an object, not a list"),
        (
            {"Workteam": team(), "LabelingJobSummaryList": [team_job()], "NextToken": "more"},
            "the listing breaks off: it has a token for another page",
        ),
        (b'{"Workteam": {', "the JSON ends too early"),
    ],
)
def test_what_is_no_team_is_quarantined(document: Any, reason: str) -> None:
    if isinstance(document, dict) and isinstance(document.get("Workteam"), dict):
        document["Workteam"] = {key: value for key, value in document["Workteam"].items() if value is not ...}
    result = parse(SOURCE, document)
    assert result.reasons == [("0", reason)]
    assert not result.tables


def test_a_job_that_cannot_be_read_costs_neither_its_team_nor_another_job() -> None:
    jobs = [team_job("a"), team_job(LabelCounters={"Total": -1}), "no job", team_job("b")]
    result = parse(SOURCE, {"Workteam": team(), "LabelingJobSummaryList": jobs})
    assert result.reasons == [("2", "Total is negative or too large"), ("3", "the job is text, not an object")]
    assert [row["job_reference_code"] for row in result.tables["workteam_jobs"]] == ["a", "b"]
    assert len(result.tables["workteams"]) == 1


def test_saved_answers_are_read_where_nobody_may_call_the_api(tmp_path: Path) -> None:
    answer = {"Workteam": team(), "LabelingJobSummaryList": [team_job()]}
    (tmp_path / "fruit.JSON").write_text(json.dumps(answer, default=datetime.isoformat))
    (unit,) = units(SOURCE, str(tmp_path), {}.__getitem__)
    result = parse(SOURCE, SOURCE.read_unit(unit, {}.__getitem__))
    assert result.counts == {"read": 2, "loaded": 2, "quarantined": 0, "filtered": 0}
