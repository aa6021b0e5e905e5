"""Histories of runs and jobs in a build file, without drift or with one planted, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray

START = datetime(2026, 3, 1, tzinfo=UTC)

#: Metric → level, scatter, whether more is better, in a history without drift.
METRICS = {
    "train:accuracy": (0.95, 0.004, True),
    "validation:accuracy": (0.92, 0.006, True),
    "train:loss": (0.2, 0.02, False),
    "validation:loss": (0.3, 0.03, False),
    "train:f1": (0.93, 0.005, True),
    "validation:f1": (0.9, 0.008, True),
}


def fill_runs(
    connection: duckdb.DuckDBPyConnection,
    seed: int,
    *,
    runs: int = 40,
    changed: Mapping[str, NDArray[np.float64]] | None = None,
    durations: NDArray[np.float64] | None = None,
) -> None:
    """`dim_run` and `fct_run_metric` of one experiment, `vehicles`, in place of what is there.

    Args:
        seed: of the values, which are normal; those of losses are skewed.
        changed: metric → (runs,) what is added to its values, in their scatter.
        durations: (runs,) factors of the run times.
    """
    random = np.random.default_rng(seed)
    run_rows, metric_rows = [], []
    values = {
        name: level + scatter * (random.normal(size=runs) if is_higher else random.gamma(4, 0.5, size=runs))
        for name, (level, scatter, is_higher) in METRICS.items()
    }
    for name, shift in (changed or {}).items():
        values[name] = values[name] + METRICS[name][1] * shift
    seconds = 900 * random.lognormal(0, 0.1, size=runs) * (1 if durations is None else durations)
    for number in range(runs):
        at = START + timedelta(hours=6 * number)
        run = {"run_id": f"r{number}", "run_name": f"vehicles-{number}", "experiment_name": "vehicles"}
        ends = {"last_point_at": at, "status": "Completed", "duration_seconds": seconds[number], "point_count": 30}
        run_rows.append(run | ends)
        for name, (_, _, is_higher) in METRICS.items():
            split, _, base = name.partition(":")
            gap = values[f"validation:{base}"][number] - values[f"train:{base}"][number]
            metric = {"metric_name": name, "dataset_split": split, "is_higher_better": is_higher, "ended_at": at}
            metric_rows.append(run | metric | {"final_value": values[name][number], "validation_gap": gap})
    put(connection, "dim_run", run_rows)
    put(connection, "fct_run_metric", metric_rows)


def objects(
    job: str, confidences: NDArray[np.float64], labels: NDArray[Any], start: datetime = START
) -> list[dict[str, Any]]:
    """Rows of `fct_dataset_object`: one object a minute."""
    return [
        {
            "labeling_job_name": job,
            "dataset_object_id": str(number),
            "labeled_at": start + timedelta(minutes=number),
            "is_failed": False,
            "confidence_ratio": float(confidence),
            "consolidated_label": str(label),
        }
        for number, (confidence, label) in enumerate(zip(confidences, labels, strict=True))
    ]


def put(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    """The rows in place of those that are there."""
    connection.execute(f"delete from {table}")
    if rows:
        batch = pa.Table.from_pylist(rows)
        connection.execute(f"insert into {table} by name select * from batch")
        del batch


def drift_file(**changes: Any) -> dict[str, Any]:
    """A small file, for `fct_run_metric.final_value`; None takes a key away."""
    check = {
        "expect": "expect_metric_drift_to_be_below",
        "statistic": "mean_shift",
        "threshold": 1.0,
        "severity": "warn",
        "sentence": "Nothing moves by more than {threshold}.",
        "what_to_do": "Look.",
    }
    file: dict[str, Any] = {
        "description": "The final value.",
        "noun": "runs",
        "order": "ended_at",
        "subject": ["metric_name", "experiment_name"],
        "key": "run_name",
        "higher_is_better": "is_higher_better",
        "reference": {"values": 24},
        "current": {"values": 8},
        "least": {"reference": 10, "current": 5},
        "expectations": [check | each for each in changes.pop("checks", [{}])],
    }
    return {key: value for key, value in (file | changes).items() if value is not None}


def write_drift_file(folder: Path, stem: str = "fct_run_metric.final_value", **changes: Any) -> Path:
    """`drift_file` in a folder of expectations."""
    path = folder / "drift" / f"{stem}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(drift_file(**changes)))
    return path
