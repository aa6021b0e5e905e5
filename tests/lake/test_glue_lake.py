"""A lake on S3 with Glue's catalog: the same rows as one of this machine, in tables that AWS's engines read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from pyiceberg.transforms import DayTransform, IdentityTransform, MonthTransform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    StringType,
    TimestampType,
    TimestamptzType,
)
from typer.testing import CliRunner

from labelhouse import cli, pipeline
from labelhouse.errors import LakeError
from labelhouse.lake.catalog import MARTS, RAW, Lake
from labelhouse.marts import serving
from labelhouse.marts.read import query, query_lake
from labelhouse.marts.releases import current_release
from labelhouse.marts.status import read_status
from labelhouse.schema.tables import TABLES
from labelhouse.settings import Settings, load_settings
from published_rows import rows_of_everything
from sample_job import write_job
from simulated_s3 import SECRET, simulated_s3

KEY = "the key of the pseudonyms of the tests"
LAKE = "s3://lakes/team a/lake"
#: What Athena (engine 3), Spark, Trino and QuickSight all read of Iceberg.
READ_EVERYWHERE = (
    BooleanType,
    IntegerType,
    LongType,
    DoubleType,
    DecimalType,
    DateType,
    TimestampType,
    TimestamptzType,
    StringType,
    BinaryType,
)


def run(settings: Settings, source: Path) -> str | None:
    return pipeline.run(settings, {"labeling_output": str(source)}, {}.__getitem__).release_id


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("output")
    write_job(folder)
    return folder


@pytest.fixture(scope="module")
def on_s3(source: Path) -> Iterator[Settings]:
    """A lake in a bucket with Glue's catalog, which holds and has published a job."""
    with simulated_s3("lakes"):
        settings = load_settings({}, lake=LAKE, catalog={"type": "glue"}, catalog_prefix="team_a_", pseudonym_key=KEY)
        assert run(settings, source) == "000001"
        yield settings


def test_it_holds_and_publishes_the_same(on_s3: Settings, source: Path, tmp_path: Path) -> None:
    local = load_settings({}, lake=tmp_path / "lake", pseudonym_key=KEY)
    assert run(local, source)
    expected = rows_of_everything(local)
    assert rows_of_everything(on_s3) == expected
    assert expected["fct_dataset_object"][0] == 12
    (ledger,) = (read_status(on_s3.lake) or {})["ledger"]
    assert ledger["unit_count"] == 13


def test_nothing_is_on_this_machine(on_s3: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        each["Key"]
        for page in boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket="lakes")
        for each in page["Contents"]
    }
    assert all(key.startswith("team a/lake/") for key in keys)
    own = {
        re.sub("[0-9]{8}T[^/]*|[0-9]{6}", "*", key.removeprefix("team a/lake/")) for key in keys if "parquet" not in key
    }
    assert {"releases/current.json", "releases/*/serving.duckdb", "status.json", "builds/*/build.json"} <= own
    assert not any(key.endswith("build.duckdb") for key in keys), "the build's file is deleted once it is published"
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(
        cli.app,
        ["query", "select count(*) as n from fct_dataset_object", "--lake", LAKE, "--format", "json"],
        env={
            "LABELHOUSE_CATALOG": '{"type": "glue"}',
            "LABELHOUSE_CATALOG_PREFIX": "team_a_",
            "LABELHOUSE_PSEUDONYM_KEY": KEY,
        },
    )
    assert json.loads(answer.output) == [{"n": 12}]
    assert list(tmp_path.iterdir()) == []


def test_a_second_release_replaces_only_what_changed(on_s3: Settings, source: Path) -> None:
    assert run(on_s3, source) is None, "nothing changed"


def test_queries_reach_the_warehouse_and_nothing_else(on_s3: Settings, tmp_path: Path) -> None:
    boto3.client("s3").put_object(Bucket="lakes", Key="elsewhere/x.csv", Body=b"a\n1\n")
    (tmp_path / "x.csv").write_text("a\n1\n")
    for place in ("s3://lakes/elsewhere/x.csv", f"{LAKE}/status.json", str(tmp_path / "x.csv")):
        with pytest.raises(LakeError, match="disabled by configuration"):
            query_lake(on_s3, f"select * from read_csv('{place}')")


def test_large_marts_are_read_where_they_are(on_s3: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    release = current_release(on_s3.lake)
    assert release
    monkeypatch.setattr(serving, "LARGEST_TABLE_ROWS", 0)
    expected = query(release, "select * from fct_worker_response order by all").to_pylist()
    copy = replace(release, folder=on_s3.lake / "releases" / "999999", build_id="copy")
    serving.write_serving_file(Lake(on_s3), copy, {})
    assert query(copy, "select * from fct_worker_response order by all").to_pylist() == expected
    assert expected
    copy.serving_path.unlink()


def unreadable(name: str, kind: IcebergType, is_nested: bool = False) -> list[str]:
    """Why Athena, Spark or QuickSight would not read a column; lists and maps hold nothing but simple values."""
    if isinstance(kind, ListType) and not is_nested:
        return unreadable(name, kind.element_type, True)
    if isinstance(kind, MapType) and not is_nested:
        return unreadable(name, kind.key_type, True) + unreadable(name, kind.value_type, True)
    if not isinstance(kind, READ_EVERYWHERE):
        return [f"{name} is {kind}"]
    if isinstance(kind, DecimalType) and kind.precision > 38:
        return [f"{name} is {kind}"]
    return []


def test_every_table_is_one_that_athena_spark_and_quicksight_read(on_s3: Settings) -> None:
    lake = Lake(on_s3)
    release = current_release(on_s3.lake)
    assert release
    for name in TABLES:
        lake.raw(name)  # those that nothing was loaded into are made by those who look
    names = {namespace: {each[-1] for each in lake.tables(namespace)} for namespace in (RAW, MARTS)}
    assert names == {RAW: set(TABLES), MARTS: set(release.marts)}
    wrong = []
    for namespace, name in [(each, name) for each, found in names.items() for name in sorted(found)]:
        table = lake.catalog.load_table(lake.identifier(namespace, name))
        columns = table.schema().fields
        wrong += [why for field in columns for why in unreadable(f"{name}.{field.name}", field.field_type)]
        wrong += [f"{each}: its name" for each in (name, *table.schema().column_names) if not plain(each)]
        wrong += [
            f"{name} is partitioned by {field.transform}"
            for field in table.spec().fields
            if not isinstance(field.transform, DayTransform | MonthTransform | IdentityTransform)
        ]
        dates = {field.field_id for field in columns if isinstance(field.field_type, DateType)}
        wrong += [
            f"{name} is partitioned by the values of {field.name}, which are no dates"
            for field in table.spec().fields
            if isinstance(field.transform, IdentityTransform) and field.source_id not in dates
        ]
        if table.format_version != 2 or table.properties.get("format-version", "2") != "2":
            wrong.append(f"{name} has format version {table.format_version}")
        if not table.location().startswith(f"{LAKE}/warehouse/{namespace}/"):
            wrong.append(f"{name} lies elsewhere: {table.location()}")
    assert wrong == []


def plain(name: str) -> bool:
    """A name that no engine has to quote or fold. Names within lists and maps are Iceberg's own."""
    parts = name.split(".")
    return all(re.fullmatch("[a-z_][a-z0-9_]{0,127}", part) for part in parts)


def test_glue_knows_them_as_iceberg_with_their_columns(on_s3: Settings) -> None:
    glue = boto3.client("glue")
    databases = {each["Name"] for each in glue.get_databases()["DatabaseList"]}
    assert databases == {"team_a_raw", "team_a_marts"}
    tables: list[dict[str, Any]] = glue.get_tables(DatabaseName="team_a_marts")["TableList"]
    for table in tables:
        assert table["Parameters"]["table_type"] == "ICEBERG"
        assert table["Parameters"]["metadata_location"].startswith(f"{LAKE}/warehouse/marts/")
        known = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
        assert known
        assert not any(re.search("uuid|fixed|time$|timestamptz|struct", kind) for kind in known.values()), table["Name"]


def test_no_secret_is_in_the_lake(on_s3: Settings) -> None:
    client = boto3.client("s3")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="lakes"):
        for each in page["Contents"]:
            content = client.get_object(Bucket="lakes", Key=each["Key"])["Body"].read()
            assert SECRET.encode() not in content, each["Key"]
            assert KEY.encode() not in content, each["Key"]
