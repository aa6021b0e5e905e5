"""What arrived, asked of the lake or of Parquet files, next to what the generator knows it wrote."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import duckdb

from labelhouse.lake.catalog import Lake
from labelhouse.settings import load_settings

Facts = dict[str, float]

_POINTS = """
    select
        count(*) as points, count(*) - count(step) as points_without_step, sum(step) as step_sum,
        fsum(metric_value) as value_sum, count(distinct event_id) as metric_calls,
        count(distinct account_id || '/' || aws_region || '/' || trial_component_name) as run_count
    from rows
"""
_LEDGER = """
    select
        count(*) as files, sum(records_read) as records, sum(records_quarantined) as unreadable_calls,
        sum(records_filtered) as foreign_events, sum(records_duplicate) as duplicates,
        sum(records_loaded) as loaded, sum(parts_filtered) as refused_points
    from rows
"""
_COUNT = "select count(*) as count from rows"


def parquet_facts(folder: Path) -> Facts:
    """What Parquet files of metric points hold."""
    return _facts(duckdb.read_parquet(str(folder / "*.parquet")), _POINTS)


def lake_facts(folder: Path) -> Facts:
    """What a lake holds: points, management events, ledger and quarantine."""
    lake = Lake(load_settings(lake=folder))
    with duckdb.connect() as connection:

        def ask(table: str, query: str, columns: tuple[str, ...] = ("*",)) -> Facts:
            batches = lake.raw(table).scan(selected_fields=columns).to_arrow_batch_reader()
            return _facts(connection.from_arrow(batches), query)

        identity = ("account_id", "aws_region", "trial_component_name", "event_id")
        points = ask("training_metrics", _POINTS, (*identity, "step", "metric_value"))
        ledger = ask("ingest_ledger", _LEDGER)
        events = ask("management_events", _COUNT, ("event_id",))["count"]
        quarantined = ask("quarantine", _COUNT, ("position",))["count"]
    return points | ledger | {"management_events": events, "quarantine_rows": quarantined}


def assert_true(facts: Facts, truth: dict[str, Any]) -> None:
    """Compares what was read back with the truth; sums of values may differ in the last digits.

    Raises:
        AssertionError: something was lost, doubled or changed; the message says what.
    """
    expected = truth | {
        "duplicates": 0,
        "loaded": truth["metric_calls"] + truth["management_events"],
        "quarantine_rows": truth["unreadable_calls"],
    }
    wrong = {
        name: f"{found} instead of {expected[name]}"
        for name, found in facts.items()
        if not math.isclose(found, expected[name], rel_tol=1e-12 if name == "value_sum" else 0.0)
    }
    assert not wrong, wrong


def _facts(rows: duckdb.DuckDBPyRelation, query: str) -> Facts:
    answer = rows.query("rows", query)
    [values] = answer.fetchall()
    return dict(zip(answer.columns, values, strict=True))
