"""Training jobs and their bills for the fake lake: the marts of Cost with planted incidents.

Since the middle of August `birds` trains on twice the instances; `lane-markings` failed at every try and is silent.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from web.fake_training import ACCOUNT, insert_rows
from web.mart_columns import make_mart

Rows = list[dict[str, Any]]

BEGAN_AT = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
DOUBLED_AT = datetime(2026, 8, 1, tzinfo=UTC)
HOUR_USD = Decimal("3.825")
BIRDS, LANES = "birds", "lane-markings"
WORKERS = ("w-anna", "w-ben", None)
MARTS = ("dim_training_job", "fct_cost", "fct_cost_month", "fct_model_health")


def sample_costs() -> dict[str, Rows]:
    """The rows of every mart, the same on every call."""
    chance = random.Random(5)
    rows: dict[str, Rows] = {mart: [] for mart in MARTS}
    for number in range(55):
        _training(rows, BIRDS, BEGAN_AT + timedelta(days=2 * number), chance)
    for number in range(6):
        _training(rows, LANES, BEGAN_AT + timedelta(days=7 * number), chance, is_failed=number > 2)
    for number in range(110):
        _endpoint_and_labels(rows, BEGAN_AT + timedelta(days=number), chance)
    _add_months(rows)
    newest = max(row["created_at"] for row in rows["dim_training_job"])
    for family, is_failing in ((BIRDS, False), (LANES, True)):
        jobs = [row for row in rows["dim_training_job"] if row["job_family"] == family]
        last = jobs[-1]["created_at"]
        rows["fct_model_health"].append(
            {
                "job_family": family,
                "account_id": ACCOUNT,
                "job_count": len(jobs),
                "first_trained_at": jobs[0]["created_at"],
                "last_trained_at": last,
                "last_completed_at": max(row["created_at"] for row in jobs if row["status"] == "Completed"),
                "usual_gap_seconds": 7 * 86_400.0,
                "silent_seconds": (newest - last).total_seconds(),
                "is_silent": is_failing,
                "failing_since": jobs[3]["created_at"] if is_failing else None,
                "failed_count": sum(row["status"] == "Failed" for row in jobs),
                "is_failing": is_failing,
                "is_below_criterion": False,
                "finding": f"{family} failed at its last 3 trainings, and was not trained since."
                if is_failing
                else None,
            }
        )
    return rows


def _training(rows: dict[str, Rows], family: str, at: datetime, chance: random.Random, is_failed: bool = False) -> None:
    name = f"{family}-{at:%Y-%m-%d-%H-%M-%S}"
    count = 2 if family == BIRDS and at >= DOUBLED_AT else 1
    seconds = round(3600 * chance.uniform(0.9, 1.1))
    cost = round(HOUR_USD * count * seconds / 3600, 6)
    job = {
        "training_job_name": name,
        "run_id": f"{ACCOUNT}/eu-west-1/{name}-aws-training-job",
        "job_family": family,
        "account_id": ACCOUNT,
        "aws_region": "eu-west-1",
        "instance_type": "ml.p3.2xlarge",
    }
    rows["dim_training_job"].append(
        job
        | {
            "status": "Failed" if is_failed else "Completed",
            "instance_count": count,
            "is_spot": False,
            "created_at": at,
            "training_started_at": at + timedelta(minutes=3),
            "training_ended_at": at + timedelta(minutes=3, seconds=seconds),
            "created_date": at.date(),
            "waiting_seconds": 180.0,
            "run_seconds": float(seconds),
            "billable_seconds": seconds,
            "cost_usd": cost,
            "price_per_hour_usd": HOUR_USD,
            "hyper_parameters": {"epochs": "40", "lr": "0.1"},
        }
    )
    rows["fct_cost"].append(
        _cost("training", name, at.date(), seconds * count, "billable seconds", HOUR_USD / 3600, cost)
        | {each: job[each] for each in ("run_id", "job_family", "instance_type")}
    )


def _endpoint_and_labels(rows: dict[str, Rows], at: datetime, chance: random.Random) -> None:
    day = at.date()
    price = Decimal("0.115") / 3600
    row = _cost("endpoint", "vehicle-types-live", day, 86_400, "instance seconds", price, round(price * 86_400, 6))
    rows["fct_cost"].append(row | {"instance_type": "ml.m5.large"})
    for worker in WORKERS:
        tasks = chance.randrange(20, 90)
        who = {"labeling_job_name": "street-scenes", "workteam_name": "street-team", "worker_id": worker}
        task = _cost("labeling_task", "street-scenes", day, tasks, "tasks", Decimal("0.08"), tasks * Decimal("0.08"))
        rows["fct_cost"].append(task | who)
        unpriced = _cost("labeling_time", "street-scenes", day, tasks * 12, "worker seconds", None, None)
        rows["fct_cost"].append(unpriced | who)


def _cost(
    kind: str, name: str, day: date, quantity: int, unit: str, price: Decimal | None, cost: Decimal | None
) -> dict[str, Any]:
    return {
        "cost_id": f"{kind}/{name}/{day}/{quantity}",
        "cost_kind": kind,
        "account_id": ACCOUNT,
        "aws_region": "eu-west-1",
        "cost_date": day,
        "cost_month": day.replace(day=1),
        "resource_name": name,
        "quantity": Decimal(quantity),
        "quantity_unit": unit,
        "unit_price_usd": price and round(price, 9),
        "cost_usd": cost,
        "is_priced": cost is not None,
    }


def _add_months(rows: dict[str, Rows]) -> None:
    sums: dict[tuple[str, str, date], Decimal] = {}
    for row in rows["fct_cost"]:
        name = row.get("job_family") or row["resource_name"]
        if row["cost_usd"] is not None:
            key = row["cost_kind"], name, row["cost_month"]
            sums[key] = sums.get(key, Decimal(0)) + row["cost_usd"]
    for (kind, name, month), cost in sums.items():
        before = (month - timedelta(days=1)).replace(day=1)
        previous = sums.get((kind, name, before))
        rows["fct_cost_month"].append(
            {
                "cost_kind": kind,
                "account_id": ACCOUNT,
                "subject_name": name,
                "cost_count": 1,
                "unpriced_count": 0,
                "quantity_unit": "billable seconds",
                "cost_month": month,
                "cost_usd": cost,
                "previous_cost_usd": previous,
                "change_ratio": float((cost - previous) / previous) if previous else None,
                "is_doubled": (is_doubled := bool(previous) and cost >= Decimal("1.8") * (previous or 0)),
                "doubled_date": month.replace(day=9) if is_doubled else None,
                "finding": f"{name} costs 1.9 times as much since {month}." if is_doubled else None,
            }
        )


def add_costs(connection: duckdb.DuckDBPyConnection, rows: dict[str, Rows]) -> None:
    """Makes the marts of Cost; those that `rows` does not name are empty."""
    for mart in MARTS:
        make_mart(connection, mart)
        insert_rows(connection, mart, rows.get(mart, []))
