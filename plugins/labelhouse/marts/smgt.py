"""The tables of AWS's own reporting pipeline for Ground Truth, as views under its names in the schema `smgt`.

Queries written for `"smgt-gluedatabase"` run on them with only the name of the database changed. They hold what that
pipeline means, not what it does: a row is one answer, so no answer beyond a file's first is lost, and unnesting
`answercontent`, which always has one element, repeats nobody's seconds. Names and e-mail addresses are not in the
lake: `username` and `sub` are the worker's pseudonym, `email` is NULL.
"""

from __future__ import annotations

import duckdb

SCHEMA = "smgt"

#: Marts and the columns of them that the views read, beyond those that every release has.
_NEEDS = {"fct_worker_response": {"answer_json", "identity_provider"}, "dim_labeling_job": {"modality"}}

_ENTRIES = "$.answerContent.trackingAnnotations.frameData.entries"

# `entries` is a list of frames, or an object with one member a frame; `cardinality` counts the entries of a map.
_WORKER_METRICS = f"""
    create view {SCHEMA}.worker_metrics_processed_worker_metrics as
    with answers as (
        select
            responses.*,
            jobs.modality,
            case json_type(responses.answer_json, '{_ENTRIES}')
                when 'ARRAY' then json_extract(responses.answer_json, '{_ENTRIES}[*]')
                when 'OBJECT' then json_extract(responses.answer_json, '{_ENTRIES}.*')
            end as frames
        from main.fct_worker_response as responses
        left join main.dim_labeling_job as jobs using (labeling_job_name)
    )
    select
        worker_pseudonym as username,
        cast(null as varchar) as email,
        accepted_at as acceptancetime,
        submitted_at as submissiontime,
        time_spent_seconds as timespentinseconds,
        worker_id as workerid,
        identity_provider as identityprovidertype,
        json_extract_string(answer_json, '$.workerMetadata.identityData.issuer') as issuer,
        worker_pseudonym as sub,
        labeling_job_name as jobname,
        modality,
        [{{
            'trackingannotations': {{'framedata': {{
                'entries': case when frames is not null then map(range(len(frames)), frames) end
            }}}},
            'content': json_extract(answer_json, '$.answerContent')
        }}] as answercontent,
        year(event_at) as year,
        month(event_at) as month,
        day(event_at) as date,
        hour(event_at) as hour
    from answers
"""


def create_smgt_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates the schema and its views in an open serving file; a release without what they read has none."""
    held: dict[str, set[str]] = {}
    columns = "select table_name, column_name from duckdb_columns() where schema_name = 'main' and not internal"
    for table, column in connection.execute(columns).fetchall():
        held.setdefault(table, set()).add(column)
    if all(needed <= held.get(mart, set()) for mart, needed in _NEEDS.items()):
        connection.execute(f"create schema {SCHEMA}")
        connection.execute(_WORKER_METRICS)


def show_smgt_views(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Makes the views of an attached serving file reachable as `smgt.<view>` from the database in use."""
    query = "select view_name from duckdb_views() where database_name = $database and schema_name = $schema"
    names = connection.execute(query, {"database": database, "schema": SCHEMA}).fetchall()
    if names:
        connection.execute(f"create schema {SCHEMA}")
    for (name,) in names:
        connection.execute(f'create view {SCHEMA}."{name}" as from {database}.{SCHEMA}."{name}"')
