"""A published lake without the rest of the house: marts with the columns of the contract, and a status."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from starlette.requests import Request

from labelhouse.marts.releases import Release, point_to
from labelhouse.web.guard import Standing
from web.fake_annotations import Labels, add_labels
from web.fake_cost import add_costs
from web.fake_operations import add_operations
from web.fake_training import add_training
from web.fake_workers import add_work, tasks_of

#: Every user of the tests by the token they send; nobody else is known.
STANDINGS = {
    "viewer-token": Standing.READER,
    "op-token": Standing.READER,
    "admin-token": Standing.ADMIN,
    "norole-token": Standing.WITHOUT_ROLE,
}
PUBLISHED_AT = datetime(2026, 9, 30, 12, 0, tzinfo=UTC)

_RESPONSES = """
    create table fct_worker_response (
        response_id varchar, labeling_job_name varchar, iteration_number integer, dataset_object_id varchar,
        source_ref varchar, worker_id varchar, worker_pseudonym varchar, workforce_type varchar, label varchar,
        consolidated_label varchar, agrees_with_consolidated boolean, accepted_at timestamptz,
        submitted_at timestamptz, time_spent_seconds decimal(18, 3), event_at timestamptz, event_date date
    )
"""
#: The other marts, from the answers: what dbt does, reduced to what the pages read.
_DERIVED = """
    create table fct_worker_job as
    select
        labeling_job_name, worker_id, max(worker_pseudonym) as worker_pseudonym,
        max(workforce_type) as workforce_type, count(*) as answer_count,
        count(distinct dataset_object_id) as dataset_object_count,
        count(agrees_with_consolidated) as comparable_answer_count,
        count(*) filter (where agrees_with_consolidated) as agreeing_answer_count,
        cast(count(*) filter (where agrees_with_consolidated) as double)
            / nullif(count(agrees_with_consolidated), 0) as agreement_ratio,
        cast(sum(time_spent_seconds) as decimal(38, 3)) as time_spent_seconds,
        min(event_at) as first_answer_at, max(event_at) as last_answer_at
    from fct_worker_response group by all;
    create table dim_worker as
    select
        worker_id, max(worker_pseudonym) as worker_pseudonym, max(workforce_type) as workforce_type,
        count(distinct labeling_job_name) as labeling_job_count, count(*) as answer_count
    from fct_worker_response group by all;
    create table fct_dataset_object as
    select
        labeling_job_name, dataset_object_id, max(source_ref) as source_ref,
        max(consolidated_label) as consolidated_label, false as is_failed, count(*) as answer_count
    from fct_worker_response group by all;
    create table dim_labeling_job as
    select labeling_job_name, count(*) as answer_count from fct_worker_response group by all;
"""


@dataclass
class FakeAccess:
    """Bearer tokens instead of Airflow; `everybody` lets browsers in, which send none."""

    everybody: Standing = Standing.UNKNOWN
    asked: list[str] = field(default_factory=list)

    async def standing(self, request: Request) -> Standing:
        self.asked.append(request.url.path)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return STANDINGS.get(token, self.everybody)

    def login_url(self) -> str:
        return "/auth/login"


def answers(
    jobs: dict[str, str],
    workers: int = 40,
    objects: int = 60,
    *,
    is_timed: bool = True,
    labels: tuple[str, ...] = ("cat", "dog"),
) -> list[dict[str, Any]]:
    """Answers of three workers to each object of each job (job name → workforce), the same on every call."""
    chance = random.Random(7)
    rows: list[dict[str, Any]] = []
    ids = [f"p_{chance.getrandbits(128):032x}" for _ in range(workers)]
    for job, workforce in jobs.items():
        for number in range(objects):
            truth = chance.choice(labels)
            for worker in chance.sample(range(workers), 3):
                right = chance.random() < 0.6 + 0.4 * worker / workers
                at = PUBLISHED_AT - timedelta(hours=chance.random() * 24 * 14)
                label = truth if right else chance.choice([each for each in labels if each != truth])
                rows.append(
                    {
                        "response_id": f"{job}-{number}-{worker}",
                        "labeling_job_name": job,
                        "iteration_number": 1,
                        "dataset_object_id": str(number),
                        "source_ref": f"s3://bucket/images/{number:04d}.jpg",
                        "worker_id": ids[min(worker, chance.randrange(workers))],
                        "worker_pseudonym": ids[worker],
                        "workforce_type": workforce,
                        "label": label,
                        "consolidated_label": truth,
                        "agrees_with_consolidated": right,
                        "accepted_at": None,
                        "submitted_at": at,
                        "time_spent_seconds": round(chance.lognormvariate(2.2, 0.5), 3) if is_timed else None,
                        "event_at": at,
                        "event_date": at.date(),
                    }
                )
    return rows


def publish(
    lake: Path,
    rows: list[dict[str, Any]],
    points: list[dict[str, Any]] | None = None,
    *,
    tasks: list[dict[str, Any]] | None = None,
    gaps: list[dict[str, Any]] | None = None,
    labels: Labels | None = None,
    operations: dict[str, list[dict[str, Any]]] | None = None,
    costs: dict[str, list[dict[str, Any]]] | None = None,
    is_older: bool = False,
    **training: Any,
) -> Release:
    """A release of these answers and metric points, with the marts that follow from them, made current.

    `tasks` are those of the answers unless given; a release that `is_older` has no marts of tasks, teams, gaps,
    labels, operations and costs. The answers of `labels` are no part of it.
    `training` is what `add_training` takes besides the points.
    """
    release = _new_release(lake)
    with duckdb.connect(str(release.serving_path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(_RESPONSES)
        if rows:
            places = ", ".join(f"${name}" for name in rows[0])
            connection.executemany(f"insert into fct_worker_response values ({places})", rows)
        connection.execute(_DERIVED)
        if not is_older:
            add_work(connection, tasks_of(rows) if tasks is None else tasks, gaps or [])
            add_labels(connection, labels or Labels())
            add_operations(connection, operations or {})
            add_costs(connection, costs or {})
        add_training(connection, points or [], **training)
    release.dbt_docs_path.write_text(
        "<!doctype html><title>dbt Docs</title><body><script>document.body.append('made by script')</script>"
    )
    release.write()
    point_to(lake, release)
    return release


def point_to_build(lake: Path, database: Path) -> Release:
    """A release whose marts are the tables that dbt made in `database`."""
    release = _new_release(lake)
    shutil.copy(database, release.serving_path)
    release.write()
    point_to(lake, release)
    return release


def _new_release(lake: Path) -> Release:
    release = Release(
        release_id="000007",
        build_id="20260930T115500.000000Z",
        published_at=PUBLISHED_AT.isoformat(),
        snapshots={},
        fingerprint="",
        marts={},
        base_release_id=None,
        folder=lake / "releases" / "000007",
    )
    release.folder.mkdir(parents=True)
    return release


def status(release: Release | None = None, **changes: Any) -> dict[str, Any]:
    """A published status, with `changes`."""
    check = {
        "suite": "marts",
        "table_name": "fct_worker_response",
        "check_number": 0,
        "expectation_type": "expect_column_values_to_not_be_null",
        "sentence": "Every answer names its labelling job.",
        "severity": "hold",
        "is_success": True,
        "element_count": 1510,
        "unexpected_count": 0,
        "observed_value": None,
        "error": None,
        "checked_at": "2026-09-30T11:58:00+00:00",
    }
    late = {
        "check_number": 1,
        "sentence": "At most 1 % of the answers lie in the future.",
        "severity": "warn",
        "is_success": False,
        "unexpected_count": 31,
    }
    quarantined = {
        "source_name": "labeling_output",
        "reason": "not valid JSON: the record ends in the middle",
        "record_count": 12,
        "last_loaded_at": "2026-09-30T11:00:00+00:00",
        "examples": [{"unit_uri": "s3://bucket/jobs/birds/manifests/output/output.manifest", "position": "17"}],
    }
    read = {
        "source_name": "labeling_output",
        "unit_count": 306,
        "records_read": 1824,
        "records_loaded": 1810,
        "records_duplicate": 2,
        "records_quarantined": 12,
        "records_filtered": 0,
        "last_unit_at": "2026-09-30T10:59:59+00:00",
        "last_loaded_at": "2026-09-30T11:00:00+00:00",
    }
    published = release and {
        "release_id": release.release_id,
        "published_at": release.published_at,
        "build_id": release.build_id,
    }
    return {
        "written_at": PUBLISHED_AT.isoformat(),
        "release": published,
        "releases": [{"release_id": release.release_id, "published_at": release.published_at}] if release else [],
        "held": None,
        "ledger": [read],
        "quarantine": [quarantined],
        "checks": [check, check | late, check | {"suite": "inputs", "table_name": "worker_responses"}],
    } | changes


HELD = {
    "since": "2026-09-30T11:58:00+00:00",
    "step": "check_marts",
    "sentence": "1 of 24 expectations is not met.",
    "checks": [
        {
            "table_name": "fct_worker_response",
            "sentence": "Every answer names its labelling job.",
            "what_to_do": "Look at the quarantine of labeling_output, then run build_marts again.",
        }
    ],
}


def write_status(lake: Path, content: dict[str, Any]) -> None:
    """Publishes `content` as the lake's status."""
    lake.mkdir(parents=True, exist_ok=True)
    (lake / "status.json").write_text(json.dumps(content))
