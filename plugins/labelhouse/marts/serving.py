"""The serving file: a release as one DuckDB file, quick to open. A cache, never the truth, never changed."""

from __future__ import annotations

from collections.abc import Mapping

from labelhouse.folders import replaced
from labelhouse.lake.catalog import Lake
from labelhouse.lake.mart_tables import open_mart
from labelhouse.lake.snapshots import data_files
from labelhouse.marts.attribute_views import create_attribute_views
from labelhouse.marts.build import connect
from labelhouse.marts.reach_files import reach_files
from labelhouse.marts.releases import Release
from labelhouse.marts.smgt import create_smgt_views
from labelhouse.settings import AttributeType

#: Larger marts stay in their Iceberg files and are served as views on them.
LARGEST_TABLE_ROWS = 5_000_000
#: Sorting every column of more rows takes longer than all else; they stay in the order in which their files have them.
LARGEST_SORTED_ROWS = 500_000


def write_serving_file(lake: Lake, release: Release, attribute_types: Mapping[str, AttributeType]) -> None:
    """Builds the file under another name and renames it, so that nobody opens a part of it.

    Args:
        lake: which holds the marts.
        release: what the file is of.
        attribute_types: what the deployment says attributes of labels and frames are, by name.
    """
    with replaced(release.serving_path) as draft, connect(draft) as connection:
        reach_files(connection, lake.dir)
        for name, mart in release.marts.items():
            table = open_mart(lake, name)
            assert table is not None
            columns = ", ".join(f'"{field.name}"' for field in table.schema().fields)
            files = ", ".join("'" + path.replace("'", "''") + "'" for path in data_files(table, mart.snapshot_id))
            if not files:
                empty = table.scan(snapshot_id=mart.snapshot_id).to_arrow()
                connection.register("empty", empty)
                connection.execute(f'create table "{name}" as select * from empty')
            elif mart.row_count <= LARGEST_TABLE_ROWS:
                sorting = "order by all" if mart.row_count <= LARGEST_SORTED_ROWS else ""
                connection.execute(f'create table "{name}" as select {columns} from read_parquet([{files}]) {sorting}')
            else:
                connection.execute(f'create view "{name}" as select {columns} from read_parquet([{files}])')
        create_smgt_views(connection, create_attribute_views(connection, attribute_types))
