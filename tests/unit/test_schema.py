"""One declaration, three renderings: pyarrow, Iceberg and dbt."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.transforms import DayTransform

from labelhouse.schema import generate
from labelhouse.schema.arrow import ARROW_TYPES, arrow_schema
from labelhouse.schema.columns import Column, ColumnType, Table
from labelhouse.schema.duckdb_types import DUCKDB_TYPES
from labelhouse.schema.iceberg import iceberg_schema, partition_spec
from labelhouse.schema.tables import INGEST_LEDGER, TABLES

KINDS: tuple[ColumnType, ...] = get_args(ColumnType)
NESTED = ("dates", "attributes", "points")
#: A table with a column of every type; lists before the end, so that their ids could go wrong.
EVERY_TYPE = Table(
    name="every_type",
    doc="One row of everything.",
    key=("a_long",),
    day_column="a_timestamp",
    columns=tuple(
        Column(f"a_{kind}", kind, f"A {kind}.", required=kind == "long")
        for kind in sorted(KINDS, key=lambda kind: kind not in NESTED)
    ),
)
ROWS: list[dict[str, Any]] = [
    {
        "a_dates": [date(2024, 2, 29), date(2024, 3, 1)],
        "a_string": "é",
        "a_int": -(2**31),
        "a_long": 2**63 - 1,
        "a_double": 0.1,
        "a_boolean": False,
        "a_date": date(2024, 2, 29),
        "a_timestamp": datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
        "a_binary": b"\0\xff",
        "a_seconds": Decimal("999999999999999.999"),
        "a_usd": Decimal("0.036"),
        "a_attributes": [("moving", "yes"), ("lanes", None)],
        "a_points": [0.5, 1.0, 2.0, None],
    },
    {f"a_{kind}": 1 if kind == "long" else None for kind in KINDS},
]
tables = pytest.mark.parametrize("table", [*TABLES.values(), EVERY_TYPE], ids=lambda table: table.name)


def _in_duckdb(value: Any) -> Any:
    """Maps are pairs in Arrow."""
    return dict(value) if isinstance(value, list) and isinstance(value[0], tuple) else value


@pytest.fixture
def catalog(tmp_path: Path) -> SqlCatalog:
    made = SqlCatalog("test", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}")
    made.create_namespace("raw")
    return made


@tables
def test_tables_declare_each_column_once_and_keys_that_are_never_null(table: Table) -> None:
    assert len(set(table.column_names)) == len(table.columns)
    required = {column.name for column in table.columns if column.required}
    assert required >= set(table.key) - {"subject"}, "a result may be about a whole table"
    kinds = {column.name: column.type for column in table.columns}
    assert table.day_column is None or kinds[table.day_column] == "timestamp"
    assert all(column.doc.endswith(".") for column in table.columns)


@tables
def test_suffixes_say_the_type(table: Table) -> None:
    for column in table.columns:
        if column.name.endswith("_at"):
            assert column.type == "timestamp", column.name
        if column.name.startswith(("is_", "has_")):
            assert column.type == "boolean", column.name
        if column.name.endswith("_ratio"):
            assert column.type == "double", column.name
        if column.name.endswith("_seconds"):
            assert column.type in {"seconds", "long"}, column.name  # a limit is whole seconds
        assert column.name.endswith("_usd") == (column.type == "usd"), column.name


@tables
def test_arrow_has_the_columns_in_order_and_requires_the_required(table: Table) -> None:
    schema = arrow_schema(table)
    assert tuple(schema.names) == table.column_names
    assert [field.nullable for field in schema] == [not column.required for column in table.columns]


def test_arrow_types_are_those_that_everybody_writes() -> None:
    assert ARROW_TYPES.keys() == set(KINDS)
    assert ARROW_TYPES["timestamp"] == pa.timestamp("us", tz="UTC")
    assert ARROW_TYPES["seconds"] == ARROW_TYPES["usd"] == pa.decimal128(18, 3)
    assert ARROW_TYPES["dates"] == pa.list_(pa.date32())


@tables
def test_iceberg_numbers_columns_in_order_and_list_elements_after_them(table: Table) -> None:
    schema = iceberg_schema(table)
    assert [field.field_id for field in schema.fields] == list(range(1, len(table.columns) + 1))
    assert [(field.name, field.doc, field.required) for field in schema.fields] == [
        (column.name, column.doc, column.required) for column in table.columns
    ]
    inner = {"dates": 1, "attributes": 2, "points": 1}
    inner_count = sum(inner.get(column.type, 0) for column in table.columns)
    assert sorted(schema._lazy_id_to_field) == list(range(1, len(table.columns) + inner_count + 1))


@tables
def test_iceberg_partitions_by_the_day_of_the_day_column(table: Table) -> None:
    spec = partition_spec(table)
    if table.day_column is None:
        assert spec == UNPARTITIONED_PARTITION_SPEC
        return
    (field,) = spec.fields
    assert iceberg_schema(table).find_column_name(field.source_id) == table.day_column
    assert isinstance(field.transform, DayTransform)
    assert field.name == f"{table.day_column}_day"


@tables
def test_a_catalog_keeps_our_numbers(table: Table, catalog: SqlCatalog) -> None:
    created = catalog.create_table(("raw", table.name), iceberg_schema(table), partition_spec=partition_spec(table))
    assert created.schema().as_struct() == iceberg_schema(table).as_struct()
    assert created.spec().fields == partition_spec(table).fields


def test_rows_come_back_from_iceberg_and_duckdb_as_they_were(catalog: SqlCatalog) -> None:
    written = catalog.create_table(
        "raw.every_type", iceberg_schema(EVERY_TYPE), partition_spec=partition_spec(EVERY_TYPE)
    )
    written.append(pa.Table.from_pylist(ROWS, schema=arrow_schema(EVERY_TYPE)))
    scan = written.scan()
    assert sorted(scan.to_arrow().to_pylist(), key=lambda row: -row["a_long"]) == ROWS

    files = [task.file.file_path.removeprefix("file://") for task in scan.plan_files()]
    assert len(files) == 2  # two partitions: a day and no day
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        relation = connection.read_parquet(files)
        assert [str(kind).lower() for kind in relation.types] == [
            DUCKDB_TYPES[column.type] for column in EVERY_TYPE.columns
        ]
        assert relation.order("a_long desc").fetchall() == [
            tuple(_in_duckdb(row[name]) for name in EVERY_TYPE.column_names) for row in ROWS
        ]


def test_a_required_column_refuses_null(catalog: SqlCatalog) -> None:
    ledger = catalog.create_table("raw.ingest_ledger", iceberg_schema(INGEST_LEDGER))
    optional = pa.schema([field.with_nullable(True) for field in arrow_schema(INGEST_LEDGER)])
    with pytest.raises(ValueError, match="source_name"):
        ledger.append(pa.Table.from_pylist([{}], schema=optional))


def test_generated_files_are_not_stale() -> None:
    assert generate.main(["--check"]) == 0


def test_check_names_the_stale_file_and_writing_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "PROJECT_DIR", tmp_path)
    monkeypatch.setattr(generate, "MODELS_DIR", tmp_path)
    assert generate.main(["--check"]) == 1
    assert not list(tmp_path.iterdir())
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0

    (tmp_path / "columns.md").write_text("by hand")
    capsys.readouterr()
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err == "columns.md is stale: run `make generate`\n"
    assert (tmp_path / "columns.md").read_text() == "by hand"


def test_every_column_of_a_raw_table_has_a_doc_block() -> None:
    text = generate.render_columns()
    for table in TABLES.values():
        for column in table.columns:
            assert f"{{% docs {table.name}__{column.name} %}}\n{column.doc}\n{{% enddocs %}}" in text
