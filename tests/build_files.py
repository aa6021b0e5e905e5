"""Build files that hold exactly the rows a test writes down, and dbt run on them in processes of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from forked_dbt import run_dbt
from labelhouse.schema.arrow import arrow_schema
from labelhouse.schema.tables import DAY_TABLES, TABLES
from labelhouse.settings import PROJECT_DIR

DBT_DIR = PROJECT_DIR / "dbt"


@dataclass
class Delivery:
    """Rows of the raw tables; columns that a test does not name are NULL or have a plain value."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in TABLES})
    event_numbers: Iterator[int] = field(default_factory=count)

    def entry(
        self, job: str, object_id: str, label: str | None, *, manifest_job: str | None = None, **columns: Any
    ) -> None:
        """A line's label in the manifest of `manifest_job`, by default the job's own."""
        manifest_job = manifest_job or job
        row = {
            "unit_uri": f"s3://bucket/{manifest_job}/manifests/output/output.manifest",
            "position": f"{object_id}/{job}",
            "event_at": columns.get("labeled_at") or datetime(2024, 3, 9, tzinfo=UTC),
            "labeling_job_name": job,
            "manifest_labeling_job_name": manifest_job,
            "dataset_object_id": object_id,
            "label": label,
            "label_attribute_name": "kind",
            "is_failed": False,
        }
        self._add("manifest_entries", row | columns)

    def answer(
        self, job: str, object_id: str, label: str | None, event_at: datetime, *, iteration: int = 1, **columns: Any
    ) -> None:
        """An answer in a file of its own."""
        row = {
            "unit_uri": f"s3://bucket/{job}/{iteration}/{object_id}/{event_at:%Y-%m-%d_%H:%M:%S}.json",
            "position": "0",
            "event_at": event_at,
            "labeling_job_name": job,
            "iteration_number": iteration,
            "dataset_object_id": object_id,
            "label": label,
        }
        self._add("worker_responses", row | columns)

    def label(
        self, job: str, object_id: str, number: int = 0, *, manifest_job: str | None = None, **columns: Any
    ) -> None:
        """A consolidated box: on the line of a manifest, or with a frame number in the sequence beside it."""
        frame = columns.get("frame_number")
        row = {
            "unit_uri": f"s3://bucket/{manifest_job or job}/manifests/output/output.manifest"
            if frame is None
            else f"s3://bucket/{job}/annotations/consolidated-annotation/output/{object_id}/SeqLabel.json",
            "position": f"{object_id}/{job}/{number}" if frame is None else f"{frame}/{number}",
            "event_at": datetime(2024, 3, 9, tzinfo=UTC),
            "labeling_job_name": job,
            "dataset_object_id": object_id,
            "label_attribute_name": "kind" if frame is None else None,
            "is_consolidated": True,
            "geometry_type": "box",
        }
        self._add("annotations", row | columns)

    def frame(self, job: str, object_id: str, number: int, annotation_count: int, **columns: Any) -> None:
        """A frame of a sequence."""
        row = {
            "unit_uri": f"s3://bucket/{job}/annotations/consolidated-annotation/output/{object_id}/SeqLabel.json",
            "position": str(number),
            "event_at": datetime(2024, 3, 9, tzinfo=UTC),
            "labeling_job_name": job,
            "dataset_object_id": object_id,
            "is_consolidated": True,
            "frame_number": number,
            "frame_name": f"frame_{number:04}.jpg",
            "annotation_count": annotation_count,
        }
        self._add("frames", row | columns)

    def point(
        self, run: str, metric: str, step: int | None, value: float | None, metric_at: datetime, **columns: Any
    ) -> None:
        """A point in a call of its own, made two seconds later; without a finite value it is NaN."""
        number = next(self.event_numbers)
        row = {
            "unit_uri": f"s3://bucket/AWSLogs/{number // 100}.json.gz",
            "position": f"{number % 100}/0",
            "event_at": metric_at + timedelta(seconds=2),
            "event_id": f"event-{number:06}",
            "point_index": 0,
            "trial_component_name": run,
            "account_id": "111122223333",
            "aws_region": "eu-west-1",
            "resource_type": "AWS::SageMaker::ExperimentTrialComponent",
            "metric_name": metric,
            "step": step,
            "metric_value": value,
            "value_flag": "nan" if value is None else None,
            "metric_at": metric_at,
            "principal_arn": "arn:aws:sts::111122223333:assumed-role/Trainer/SageMaker",
            "principal_type": "AssumedRole",
            "source_network": "10.0.0.0/24",
            "user_agent": "Boto3/1.34",
        }
        self._add("training_metrics", row | columns)

    def call(self, operation: str, event_at: datetime, request: dict[str, Any] | str, **columns: Any) -> None:
        """A call to SageMaker that took effect; `request` are its parameters."""
        number = next(self.event_numbers)
        row = {
            "unit_uri": "s3://bucket/AWSLogs/calls.json.gz",
            "position": str(number),
            "event_at": event_at,
            "event_id": f"event-{number:06}",
            "event_source": "sagemaker.amazonaws.com",
            "event_name": operation,
            "account_id": "111122223333",
            "aws_region": "eu-west-1",
            "principal_arn": "arn:aws:iam::111122223333:user/p_0",
            "request_json": request if isinstance(request, str) else json.dumps(request),
        }
        self._add("management_events", row | columns)

    def log(self, job: str | None, worker_id: str | None, kind: str, event_at: datetime, **columns: Any) -> None:
        """A line of the worker activity log: `submitted` and the like with its own time, or any other kind."""
        number = next(self.event_numbers)
        is_known = kind in {"accepted", "submitted", "returned", "declined"}
        row = {
            "unit_uri": f"logs://us-east-1/aws/sagemaker/groundtruth/WorkerActivity/{event_at:%Y-%m-%dT%HZ}",
            "position": str(number),
            "event_at": event_at,
            "activity_id": f"{number:032x}",
            "event_type": f"Tasks{kind.capitalize()}" if is_known else kind,
            "labeling_job_name": job,
            "worker_id": worker_id,
            **({f"{kind}_at": event_at} if is_known else {}),
        }
        self._add("worker_events", row | columns)

    def job(self, name: str, created_at: datetime, **columns: Any) -> None:
        """A labelling job as SageMaker describes it."""
        row = {
            "unit_uri": f"sagemaker://us-east-1/labeling-job/{name}",
            "position": "0",
            "event_at": created_at,
            "labeling_job_name": name,
            "status": "InProgress",
            "created_at": created_at,
            "last_modified_at": created_at,
        }
        self._add("labeling_jobs", row | columns)

    def state(self, job: str, status: str, changed_at: datetime, **columns: Any) -> None:
        """A change of a labelling job's status."""
        number = next(self.event_numbers)
        row = {
            "unit_uri": "s3://bucket/events/states.json",
            "position": str(number),
            "event_at": changed_at,
            "event_id": f"event-{number:06}",
            "labeling_job_name": job,
            "status": status,
            "changed_at": changed_at,
        }
        self._add("labeling_job_states", row | columns)

    def team(self, name: str, day: datetime, jobs: Collection[str | None] = (), **columns: Any) -> None:
        """A work team on a UTC day, and the jobs that it lists."""
        unit = {"unit_uri": f"sagemaker://us-east-1/workteam/{name}/{day:%Y-%m-%d}", "event_at": day}
        self._add("workteams", {**unit, "position": "0", "workteam_name": name} | columns)
        for number, job in enumerate(jobs):
            self._add(
                "workteam_jobs", {**unit, "position": str(number), "workteam_name": name, "labeling_job_name": job}
            )

    def users(self, pool: str, day: datetime, *pseudonyms: str, **columns: Any) -> None:
        """The listing of a user pool on a UTC day."""
        for number, pseudonym in enumerate(pseudonyms):
            row = {
                "unit_uri": f"cognito-idp://us-east-1/{pool}/{day:%Y-%m-%d}",
                "position": str(number),
                "event_at": day,
                "worker_pseudonym": pseudonym,
                "user_pool_id": pool,
                "identity_provider": "Cognito",
                "user_status": "CONFIRMED",
                "is_enabled": True,
            }
            self._add("workers", row | columns)

    def write(self, database: Path, changed_days: Collection[date] | None = None) -> Path:
        """A new build file: `raw` with all rows, `changed` with those of the given UTC days (None: all)."""
        with duckdb.connect(str(database)) as connection:
            connection.execute("set TimeZone = 'UTC'; create schema raw; create schema changed")
            connection.execute("create table changed.days (day_start_at timestamptz)")
            days: set[date] = set()
            for name, table in TABLES.items():
                rows = self.rows[name]
                self._create(connection, f"raw.{name}", name, rows)
                if table.name in DAY_TABLES:
                    day_of = {id(row): row[str(table.day_column)].astimezone(UTC).date() for row in rows}
                    days.update(day_of.values())
                    changed = [row for row in rows if changed_days is None or day_of[id(row)] in changed_days]
                    self._create(connection, f"changed.{name}", name, changed)
            for day in sorted(days if changed_days is None else changed_days):
                connection.execute("insert into changed.days values (?::timestamptz)", [f"{day} 00:00:00+00"])
        return database

    def _add(self, table: str, row: dict[str, Any]) -> None:
        origin = {"unit_version": "v1", "loaded_at": datetime(2024, 4, 1, tzinfo=UTC)}
        unknown = row.keys() - set(TABLES[table].column_names)
        assert not unknown, f"{table} has no column {unknown}"
        self.rows[table].append(origin | row)

    @staticmethod
    def _create(connection: duckdb.DuckDBPyConnection, relation: str, name: str, rows: list[dict[str, Any]]) -> None:
        arrow_rows = pa.Table.from_pylist(rows, schema=arrow_schema(TABLES[name]))
        connection.register("arrow_rows", arrow_rows)
        connection.execute(f"create table {relation} as from arrow_rows")
        connection.unregister("arrow_rows")


@dataclass(frozen=True)
class Dbt:
    """Runs dbt; only the first of all runs with the same variables parses the whole project.

    dbt parses everything again when the profile changes, and that names the build file: every one is built under
    the same name, and then moved back.
    """

    folder: Path

    def run(
        self, database: Path, *arguments: str, variables: Mapping[str, str] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """One command on one build file, whatever its outcome."""
        said = json.dumps(variables or {}, sort_keys=True)
        built = self.folder / "build.duckdb"
        database.replace(built)
        try:
            return run_dbt(
                [*arguments, "--vars", said, "--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR)],
                {
                    **os.environ,
                    "LABELHOUSE_BUILD_DB": str(built),
                    "DBT_TARGET_PATH": str(self.target(variables)),
                    "DBT_LOG_PATH": str(self.folder / "logs"),
                    **environment,
                },
                self.folder,
            )
        finally:
            built.replace(database)

    def build(
        self, database: Path, *arguments: str, variables: Mapping[str, str] | None = None, **environment: str
    ) -> Path:
        """`dbt build` without unit tests, which must pass."""
        command = ("build", "--exclude-resource-type", "unit_test", *arguments)
        done = self.run(database, *command, variables=variables, **environment)
        assert done.returncode == 0, done.stdout
        return database

    def target(self, variables: Mapping[str, str] | None = None) -> Path:
        """Where dbt leaves its artifacts."""
        said = json.dumps(variables or {}, sort_keys=True)
        return self.folder / f"target-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Project:
    """The project as dbt understood it, after `dbt build` with unit tests and `dbt docs generate --static`.

    Args:
        database: build file without a single row.
        manifest: dbt's manifest.
        results: unique id → status of the build.
        docs: the page of the docs.
        is_checkout_touched: whether dbt wrote into its project folder.
    """

    database: Path
    manifest: dict[str, Any]
    results: dict[str, str]
    docs: Path
    is_checkout_touched: bool

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """The models by name."""
        return {node["name"]: node for node in self.manifest["nodes"].values() if node["resource_type"] == "model"}

    @property
    def marts(self) -> dict[str, dict[str, Any]]:
        """The models that others read."""
        return {name: model for name, model in self.models.items() if model["fqn"][1] == "marts"}


def read_rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    """The rows of `query` on a build file, timestamps in UTC."""
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(query).fetchall()
