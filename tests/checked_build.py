"""A build file in memory for tests of checks: the tables as the schema has them, and a small world that passes."""

from __future__ import annotations

import duckdb
import yaml

from checked_labels import fill_labels
from checked_training_sources import fill_training_sources
from checked_workforce import fill_workforce
from labelhouse.schema.duckdb_types import DUCKDB_TYPES
from labelhouse.schema.tables import DAY_TABLES, TABLES
from labelhouse.settings import PROJECT_DIR

#: Mart → column → type, from the contracts of the dbt models.
MARTS: dict[str, dict[str, str]] = {
    model["name"]: {column["name"]: column["data_type"] for column in model["columns"]}
    for path in sorted((PROJECT_DIR / "dbt" / "models" / "marts").rglob("*.yml"))
    for model in yaml.safe_load(path.read_text())["models"]
}

#: Text that stands for what must never leave: a worker's identity, and what a worker wrote.
CANARY = "canary.worker@example.com"


def open_build() -> duckdb.DuckDBPyConnection:
    """The schemas `raw`, `changed` and `main` with their tables, all empty; every day counts as changed."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'; create schema raw; create schema changed")
    for table in TABLES.values():
        columns = ", ".join(f"{column.name} {DUCKDB_TYPES[column.type]}" for column in table.columns)
        connection.execute(f"create table raw.{table.name} ({columns})")
        if table.name in DAY_TABLES:
            connection.execute(f"create view changed.{table.name} as select * from raw.{table.name}")
    connection.execute(
        "create view changed.days as "
        "select distinct date_trunc('day', event_at) as day_start_at from raw.worker_responses"
    )
    for name, types in MARTS.items():
        columns = ", ".join(f"{column} {data_type}" for column, data_type in types.items())
        connection.execute(f"create table main.{name} ({columns})")
    return connection


def fill(connection: duckdb.DuckDBPyConnection, *, objects: int = 40, workers: int = 5, answers_each: int = 3) -> None:
    """One job: `objects` objects, each answered by `answers_each` of the workers; every tenth object is failed.

    And the workforce that did it: the log of it, its team and its people.
    """
    connection.execute(
        f"""
        insert into raw.worker_responses by name
        select
            format('s3://bucket/Pets/annotations/worker-response/iteration-1/{{}}/a.json', i) as unit_uri,
            'v1' as unit_version,
            a::varchar as position,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at,
            timestamptz '2026-03-01 00:00:00+00' + to_minutes(i % 1440) as event_at,
            'Pets' as labeling_job_name,
            1 as iteration_number,
            i::varchar as dataset_object_id,
            'w' || (i + a) % {workers} as worker_id,
            'private' as workforce_type,
            'p_' || md5(((i + a) % {workers})::varchar) as worker_pseudonym,
            'Cognito' as identity_provider,
            event_at - interval '40 seconds' as accepted_at,
            event_at as submitted_at,
            20.5 as time_spent_seconds,
            'crowd-image-classifier' as crowd_element,
            if(a = 0, 'dog', 'cat') as label,
            '{{}}' as answer_json
        from range({objects}) as objects (i), range({answers_each}) as answers (a);

        insert into raw.manifest_entries by name
        select
            's3://bucket/Pets/manifests/output/output.manifest' as unit_uri,
            'v1' as unit_version,
            i || '/pet' as position,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at,
            timestamptz '2026-03-01 00:00:00+00' + to_minutes(i % 1440) as event_at,
            'pets' as labeling_job_name,
            'Pets' as manifest_labeling_job_name,
            i::varchar as dataset_object_id,
            's3://images/' || i as source_ref,
            'pet' as label_attribute_name,
            'groundtruth/image-classification' as task_type,
            i % 10 = 9 as is_failed,
            if(is_failed, null, 'cat') as label,
            if(is_failed, null, 0.5 + i % 5 / 10) as confidence_ratio,
            true as is_human_annotated,
            event_at as labeled_at
        from range({objects}) as objects (i);

        insert into raw.ingest_ledger by name
        select
            'labeling_output' as source_name,
            unit_uri,
            unit_version,
            min(event_at) as unit_at,
            md5(unit_uri) || md5(unit_uri) as sha256,
            100 as size_bytes,
            count(*) as records_read,
            count(*) as records_loaded,
            0 as records_duplicate,
            0 as records_quarantined,
            0 as records_filtered,
            [min(event_at)::date] as event_dates,
            min(loaded_at) as loaded_at
        from (
            select unit_uri, unit_version, event_at, loaded_at from raw.worker_responses
            union all
            select unit_uri, unit_version, event_at, loaded_at from raw.manifest_entries
        )
        group by unit_uri, unit_version;
        """
    )
    _fill_marts(connection)
    fill_labels(connection)
    fill_workforce(connection)
    fill_training_sources(connection)


def _fill_marts(connection: duckdb.DuckDBPyConnection) -> None:
    """The marts of what is in `raw`."""
    connection.execute(
        """
        insert into main.fct_worker_response by name
        select
            md5(answers.unit_uri || '#' || answers.position) as response_id,
            lower(answers.labeling_job_name) as labeling_job_name,
            answers.* exclude (labeling_job_name, unit_uri, position),
            entries.source_ref,
            entries.label as consolidated_label,
            answers.label = entries.label as agrees_with_consolidated,
            answers.event_at::date as event_date
        from (
            select * exclude (unit_version, loaded_at, identity_provider, crowd_element, answer_json, answer_folder)
            from raw.worker_responses
        ) as answers
        left join raw.manifest_entries as entries using (dataset_object_id);
        """
    )
    connection.execute(
        """
        insert into main.fct_worker_job by name
        select
            labeling_job_name,
            worker_id,
            max(worker_pseudonym) as worker_pseudonym,
            max(workforce_type) as workforce_type,
            count(*) as answer_count,
            count(distinct dataset_object_id) as dataset_object_count,
            count(agrees_with_consolidated) as comparable_answer_count,
            count(*) filter (where agrees_with_consolidated) as agreeing_answer_count,
            agreeing_answer_count / nullif(comparable_answer_count, 0) as agreement_ratio,
            sum(time_spent_seconds) as time_spent_seconds,
            min(event_at) as first_answer_at,
            max(event_at) as last_answer_at
        from main.fct_worker_response
        group by labeling_job_name, worker_id;

        insert into main.dim_worker by name
        select
            worker_id,
            max(worker_pseudonym) as worker_pseudonym,
            max(workforce_type) as workforce_type,
            'Cognito' as identity_provider,
            count(*) as labeling_job_count,
            sum(answer_count) as answer_count,
            min(first_answer_at) as first_answer_at,
            max(last_answer_at) as last_answer_at
        from main.fct_worker_job
        group by worker_id;

        insert into main.fct_dataset_object by name
        select
            entries.labeling_job_name,
            entries.dataset_object_id,
            entries.source_ref,
            entries.label_attribute_name,
            entries.task_type,
            entries.label as consolidated_label,
            'cat' as own_label,
            entries.confidence_ratio,
            entries.is_human_annotated,
            entries.is_failed,
            entries.labeled_at,
            answers.answer_count,
            answers.agreeing_answer_count
        from raw.manifest_entries as entries
        inner join (
            select
                dataset_object_id,
                count(*) as answer_count,
                count(*) filter (where agrees_with_consolidated) as agreeing_answer_count
            from main.fct_worker_response
            group by dataset_object_id
        ) as answers using (dataset_object_id);

        insert into main.dim_labeling_job by name
        select
            labeling_job_name,
            max(task_type) as task_type,
            max(label_attribute_name) as label_attribute_name,
            count(*) as dataset_object_count,
            count(*) filter (where not is_failed) as labeled_object_count,
            count(*) filter (where is_failed) as failed_object_count,
            sum(answer_count) as answer_count,
            (select count(*) from main.dim_worker) as worker_count,
            (select min(first_answer_at) from main.dim_worker) as first_answer_at,
            (select max(last_answer_at) from main.dim_worker) as last_answer_at
        from main.fct_dataset_object
        group by labeling_job_name;
        """
    )
