"""Writes what dbt must know about the raw tables: its sources and the texts of their columns.

`python -m labelhouse.schema.generate` writes both files; `--check` fails when one is stale. Models
reuse a text as `doc('<table>__<column>')`, so that no sentence is typed twice.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from labelhouse.schema.columns import Column, Table
from labelhouse.schema.duckdb_types import DUCKDB_TYPES
from labelhouse.schema.tables import DAY_TABLES, TABLES
from labelhouse.settings import PROJECT_DIR

MODELS_DIR = PROJECT_DIR / "dbt" / "models"

#: Beside the raw tables that have days, `changed` holds the days themselves.
DAYS = Table(
    name="days",
    doc="One UTC day on which rows of any raw table changed since the current release.",
    key=("day_start_at",),
    columns=(Column("day_start_at", "timestamp", "Start of the day.", required=True),),
)

#: dbt source (a schema of views in the build file) → what it is, its tables.
SOURCES: dict[str, tuple[str, tuple[Table, ...]]] = {
    "raw": ("Every visible row of the lake's raw tables.", tuple(TABLES.values())),
    "changed": (
        "The rows of the raw tables on the UTC days that changed since the current release; every row in a full build.",
        (*DAY_TABLES.values(), DAYS),
    ),
}


def render_sources() -> str:
    """`sources.yml`: each table of each dbt source with its columns, their types and references to their texts."""
    return "\n".join(_source_lines()) + "\n"


def render_columns() -> str:
    """`columns.md`: one doc block for every dbt source, table (`<table>`) and column (`<table>__<column>`)."""
    tables = [*TABLES.values(), DAYS]
    blocks = [_doc_block(f"source_{name}", text) for name, (text, _) in SOURCES.items()]
    for table in tables:
        blocks.append(_doc_block(table.name, table.doc))
        blocks += [_doc_block(f"{table.name}__{column.name}", column.doc) for column in table.columns]
    return "\n".join(["<!-- Generated from labelhouse.schema by `make generate`: do not edit. -->", *blocks])


def rendered() -> dict[Path, str]:
    """File → the content it should have."""
    return {MODELS_DIR / "sources.yml": render_sources(), MODELS_DIR / "columns.md": render_columns()}


def stale(contents: dict[Path, str]) -> list[Path]:
    """The files that are missing or hold something else."""
    return [path for path, text in contents.items() if not path.exists() or path.read_text("utf-8") != text]


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the stale files, or with `--check` names them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m labelhouse.schema.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a file is stale")
    options = parser.parse_args(arguments)
    contents = rendered()
    for path in (found := stale(contents)):
        if options.check:
            print(f"{path.relative_to(PROJECT_DIR)} is stale: run `make generate`", file=sys.stderr)
        else:
            path.write_text(contents[path], "utf-8")
            print(f"wrote {path.relative_to(PROJECT_DIR)}")
    return 1 if options.check and found else 0


def _source_lines() -> Iterator[str]:
    yield "# Generated from labelhouse.schema by `make generate`: do not edit."
    yield "sources:"
    for name, (_, tables) in SOURCES.items():
        yield f"  - name: {name}"
        yield f"    description: {_doc(f'source_{name}')}"
        yield "    tables:"
        yield from _table_lines(tables)


def _table_lines(tables: Iterable[Table]) -> Iterator[str]:
    for table in tables:
        yield f"      - name: {table.name}"
        yield f"        description: {_doc(table.name)}"
        yield "        columns:"
        for column in table.columns:
            yield f"          - name: {column.name}"
            yield f"            data_type: {DUCKDB_TYPES[column.type]}"
            yield f"            description: {_doc(f'{table.name}__{column.name}')}"


def _doc(block: str) -> str:
    return f"\"{{{{ doc('{block}') }}}}\""


def _doc_block(name: str, text: str) -> str:
    return f"{{% docs {name} %}}\n{text}\n{{% enddocs %}}\n"


if __name__ == "__main__":
    sys.exit(main())
