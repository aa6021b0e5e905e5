"""Attributes as typed columns: whatever they are called and whatever their values are, and what a deployment says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pytest

from labelhouse.errors import SettingError
from labelhouse.marts.attribute_views import MOST_ATTRIBUTES, attributes_named, create_attribute_views
from labelhouse.marts.build import fingerprint_of
from labelhouse.marts.smgt import create_smgt_views
from labelhouse.settings import AttributeType, Settings, load_settings

HOSTILE = 'x"); drop table fct_annotation; --\n\'"{}$1'


@pytest.fixture
def release() -> Iterator[duckdb.DuckDBPyConnection]:
    """A serving file with the marts of labels and frames, which have no row yet."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table fct_annotation (annotation_id varchar, attributes map(varchar, varchar));"
            "create table fct_frame (frame_id varchar, attributes map(varchar, varchar))"
        )
        yield connection


def fill(connection: duckdb.DuckDBPyConnection, mart: str, *rows: Mapping[str, str | None] | None) -> None:
    for number, attributes in enumerate(rows):
        connection.execute(
            f"insert into {mart} values (?, map(?::varchar[], ?::varchar[]))",
            [str(number), list(attributes or ()), list((attributes or {}).values())],
        )


def rows_of(connection: duckdb.DuckDBPyConnection, view: str = "label_attributes") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = connection.sql(f"select * from {view} order by 1").to_arrow_table().to_pylist()
    return rows


def types_of(connection: duckdb.DuckDBPyConnection, view: str = "label_attributes") -> dict[str, str]:
    return {name: kind for name, kind, *_ in connection.execute(f"describe {view}").fetchall()[1:]}


def test_types_follow_the_values(release: duckdb.DuckDBPyConnection) -> None:
    fill(
        release,
        "fct_annotation",
        {"size": "1", "truck": "true", "lane": "007", "gap": "1.5", "odd": "nan", "big": "1e999", "none": None},
        {"size": "-2.5e3", "truck": "false", "lane": "1", "gap": "far", "odd": "1", "big": "1"},
        None,
    )
    create_attribute_views(release, {})
    assert types_of(release) == {
        "big": "VARCHAR",
        "gap": "VARCHAR",
        "lane": "VARCHAR",
        "none": "VARCHAR",
        "odd": "VARCHAR",
        "size": "DOUBLE",
        "truck": "BOOLEAN",
    }
    assert [(row["size"], row["truck"], row["lane"]) for row in rows_of(release)] == [
        (1.0, True, "007"),
        (-2500.0, False, "1"),
        (None, None, None),
    ]


def test_a_deployment_says_otherwise(release: duckdb.DuckDBPyConnection) -> None:
    fill(release, "fct_annotation", {"track": "12", "occluded": "Yes", "share": "0.5"})
    fill(release, "fct_annotation", {"track": "13", "occluded": "no", "share": "most"})
    types: dict[str, AttributeType] = {"track": "text", "occluded": "boolean", "share": "number", "later": "number"}
    create_attribute_views(release, types)
    assert types_of(release) == {"later": "DOUBLE", "occluded": "BOOLEAN", "share": "DOUBLE", "track": "VARCHAR"}
    values = [[row[name] for name in types] for row in rows_of(release)]
    assert values == [["12", True, 0.5, None], ["13", False, None, None]]


def test_jobs_say_what_they_ask_for_unless_the_deployment_does(release: duckdb.DuckDBPyConnection) -> None:
    fill(release, "fct_annotation", {"lane": "7", "share": "most", "mixed": "1", "seen": "1"})
    release.execute(
        "create table dim_label_attribute as select * from (values "
        "('label', 'lane', 'text'), ('label', 'share', 'number'), ('label', 'later', 'number'), "
        "('label', 'mixed', 'number'), ('label', 'mixed', 'text'), ('label', 'seen', 'number'), "
        "('frame', 'players', 'number')) as asked (attribute_kind, attribute_name, attribute_type)"
    )
    create_attribute_views(release, {"seen": "boolean"})
    assert types_of(release) == {
        "lane": "VARCHAR",  # though all its values are numbers
        "later": "DOUBLE",  # though no label has it yet
        "mixed": "DOUBLE",  # jobs do not agree: its values say it
        "seen": "BOOLEAN",
        "share": "DOUBLE",
    }
    assert types_of(release, "frame_attributes") == {"players": "DOUBLE"}


def test_frames_have_a_view_of_their_own(release: duckdb.DuckDBPyConnection) -> None:
    fill(release, "fct_frame", {"quality": "good", "vehicles": "3"})
    create_attribute_views(release, {})
    (row,) = rows_of(release, "frame_attributes")
    assert (row["frame_id"], row["quality"], row["vehicles"]) == ("0", "good", 3.0)
    assert types_of(release) == {}


@pytest.mark.parametrize(
    "name", [HOSTILE, "", " ", "Annotation_ID", "select", "a.b", "\u202eevil", "設備 ", "x" * 5000, "a'b", "%s", "{x}"]
)
def test_a_name_is_only_a_name(release: duckdb.DuckDBPyConnection, name: str) -> None:
    fill(release, "fct_annotation", {name: "7"})
    found = create_attribute_views(release, {})
    (attribute,) = found["fct_annotation"]
    assert attribute.name == name
    (row,) = rows_of(release)
    assert row[attribute.column] == 7.0
    assert row["annotation_id"] == "0"
    create_smgt_views(release, found)
    assert release.execute("select count(*) from fct_annotation").fetchall() == [(1,)]


def test_a_name_that_no_query_can_hold_has_no_column(release: duckdb.DuckDBPyConnection) -> None:
    release.execute("insert into fct_annotation values ('0', map {'a' || chr(0): 'b', 'c': 'd'})")
    assert [each.name for each in create_attribute_views(release, {})["fct_annotation"]] == ["c"]


def test_names_that_differ_by_case_have_columns_of_their_own(release: duckdb.DuckDBPyConnection) -> None:
    fill(release, "fct_annotation", {"Moving": "1", "moving": "no", "MOVING": "true"})
    create_attribute_views(release, {})
    (row,) = rows_of(release)
    assert list(row.items())[1:] == [("MOVING", True), ("attribute_Moving", 1.0), ("attribute_attribute_moving", "no")]
    assert [each.column for each in attributes_named({"b": "text"}, beside=["B"])] == ["attribute_b"]


def test_the_most_frequent_names_have_columns(release: duckdb.DuckDBPyConnection) -> None:
    fill(release, "fct_annotation", {"often": "1"}, {"often": "2", "wanted": "3"})
    fill(release, "fct_annotation", {f"seldom-{number:03}": "x" for number in range(300)})
    create_attribute_views(release, {"wanted": "text"})
    names = types_of(release)
    assert len(names) == MOST_ATTRIBUTES
    assert {"often", "wanted", "seldom-000"} <= names.keys()


def test_an_older_release_has_no_views() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table fct_dataset_object (labeling_job_name varchar)")
        assert create_attribute_views(connection, {"moving": "text"}) == {}
        assert connection.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]


def test_the_setting_names_types() -> None:
    assert load_settings({}, label_attributes={"moving": "boolean"}).label_attributes == {"moving": "boolean"}


def test_another_type_makes_another_release(settings: Settings) -> None:
    typed = settings.model_copy(update={"label_attributes": {"moving": "boolean"}})
    assert fingerprint_of(typed) != fingerprint_of(settings)


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ('{"moving": "yes/no"}', "'text', 'number' or 'boolean'"),
        ('{"": "text"}', "at most 200 names of attributes, none of them empty"),
        ("moving", '{"occluded": "boolean"'),
        ('["moving"]', "dictionary"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch, value: str, allowed: str) -> None:
    monkeypatch.setenv("LABELHOUSE_LABEL_ATTRIBUTES", value)
    with pytest.raises(SettingError) as refused:
        load_settings()
    assert "LABELHOUSE_LABEL_ATTRIBUTES" in str(refused.value)
    assert allowed in str(refused.value)
    assert "\n" not in str(refused.value)
