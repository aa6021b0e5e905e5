"""Label and frame attributes as typed columns: views in the serving file, one column for each name in the release.

Attributes are what an operation chose to ask of each label or frame, so their names are data: they become quoted
identifiers and escaped literals here and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from labelhouse.settings import AttributeType

#: A view has no more columns than this for attributes: those that most rows have.
MOST_ATTRIBUTES = 200
#: View → the mart that it types the attributes of, and the key that it shares with it.
VIEWS = {"label_attributes": ("fct_annotation", "annotation_id"), "frame_attributes": ("fct_frame", "frame_id")}
#: Mart → the kind of the attributes that jobs ask for, in `dim_label_attribute`.
_KINDS = {"fct_annotation": "label", "fct_frame": "frame"}
#: What a number looks like in JSON. `007` is text, and so is `nan`.
_NUMBER = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of labels or of frames.

    Args:
        name: as captured.
        column: what its column is called: its name, unless another column has that already.
        type: what its values are.
    """

    name: str
    column: str
    type: AttributeType

    @property
    def value(self) -> str:
        """Its typed value as SQL, of a row that has the map `attributes`; NULL where absent or of another type."""
        value = f"attributes[{literal(self.name)}]"
        if self.type == "number":
            number = f"try_cast({value} as double)"
            return f"case when isfinite({number}) then {number} end"
        if self.type == "boolean":
            yes, no = (", ".join(map(literal, words)) for words in (("true", "yes", "1"), ("false", "no", "0")))
            return f"case when lower({value}) in ({yes}) then true when lower({value}) in ({no}) then false end"
        return value


def create_attribute_views(
    connection: duckdb.DuckDBPyConnection, types: Mapping[str, AttributeType]
) -> dict[str, list[Attribute]]:
    """Creates the views in an open serving file; a release without a mart does not have its view.

    Args:
        connection: the file, with its marts.
        types: what the deployment says attributes are, by name; of others the label category configurations of the
            jobs do, where all agree, and of the rest their values.

    Returns:
        The attributes of each mart that the release has.
    """
    found = {
        mart: _found(connection, mart) | _configured(connection, mart)
        for mart, _ in VIEWS.values()
        if _has_column(connection, mart, "attributes")
    }
    nowhere = types.keys() - {name for each in found.values() for name in each}
    typed = {}
    for view, (mart, key) in VIEWS.items():
        if mart not in found:
            continue
        # one that the deployment names has its column before any label has it
        held = found[mart] | dict.fromkeys(sorted(nowhere), "text")
        wanted = [name for name in held if name in types]
        others = [name for name in held if name not in types]
        names = sorted([*wanted, *others][: max(MOST_ATTRIBUTES, len(wanted))])
        typed[mart] = attributes_named({name: types.get(name, held[name]) for name in names}, beside=[key])
        columns = [key, *(f"{attribute.value} as {identifier(attribute.column)}" for attribute in typed[mart])]
        connection.execute(f"create view {view} as select {', '.join(columns)} from main.{mart}")
    return typed


def attributes_named(types: Mapping[str, AttributeType], beside: Iterable[str] = ()) -> list[Attribute]:
    """Attributes with columns that differ from each other and from those `beside` them, whatever their case."""
    taken = {column.lower() for column in beside}
    named = []
    for name, kind in types.items():
        column = name
        while not column or column.lower() in taken:
            column = f"attribute_{column}"
        taken.add(column.lower())
        named.append(Attribute(name, column, kind))
    return named


def literal(text: str) -> str:
    """`text` as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`name` as a quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _has_column(connection: duckdb.DuckDBPyConnection, mart: str, column: str) -> bool:
    query = (
        "select count(*) from duckdb_columns() "
        "where schema_name = 'main' and table_name = $mart and column_name = $column"
    )
    return connection.execute(query, {"mart": mart, "column": column}).fetchall() != [(0,)]


def _configured(connection: duckdb.DuckDBPyConnection, mart: str) -> dict[str, AttributeType]:
    """What the jobs say about the attributes that they ask for, whether any label has them yet or not."""
    if not _has_column(connection, "dim_label_attribute", "attribute_type"):
        return {}
    rows = connection.execute(
        """
        select attribute_name, min(attribute_type)
        from main.dim_label_attribute
        where attribute_kind = $kind and not contains(attribute_name, chr(0))
        group by attribute_name
        having min(attribute_type) = max(attribute_type)
        order by attribute_name
        """,
        {"kind": _KINDS[mart]},
    ).fetchall()
    return dict(rows)


def _found(connection: duckdb.DuckDBPyConnection, mart: str) -> dict[str, AttributeType]:
    """The names in the release and what all their values are, those that most rows have first."""
    rows = connection.execute(
        f"""
        select name, bool_and(regexp_full_match(value, $number) and isfinite(try_cast(value as double))) as are_numbers,
            bool_and(value in ('true', 'false')) as are_boolean
        from (select unnest(map_keys(attributes)) as name, unnest(map_values(attributes)) as value from main.{mart})
        where not contains(name, chr(0))  -- no SQL can hold it
        group by name
        order by count(*) desc, name
        limit {MOST_ATTRIBUTES}
        """,
        {"number": _NUMBER},
    ).fetchall()
    return {
        name: "number" if are_numbers else "boolean" if are_boolean else "text"
        for name, are_numbers, are_boolean in rows
    }
