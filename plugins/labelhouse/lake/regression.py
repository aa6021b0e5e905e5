"""A catalog that was restored from a backup older than the warehouse: noticed before anything is built upon it."""

from __future__ import annotations

import re

from labelhouse.errors import LakeError
from labelhouse.folders import Folder, folder_at
from labelhouse.lake.catalog import RAW, Lake
from labelhouse.schema.tables import INGEST_LEDGER

#: How Iceberg numbers a table's metadata files. A commit that was cut short may leave the next number, no higher one.
_METADATA = re.compile(r"(\d{5,})-[0-9a-f-]{36}\.metadata\.json")


def refuse_older_catalog(lake: Lake, seen: int | None = None) -> None:
    """Raises LakeError where the ledger that the catalog names is not the newest: every load commits to it.

    Args:
        lake: as its catalog has it now.
        seen: a snapshot of the ledger that was there before and is kept, such as the current release's.
    """
    table = lake.raw(INGEST_LEDGER.name)
    named = _METADATA.fullmatch(table.metadata_location.rpartition("/")[2])
    folder: Folder = folder_at(table.metadata_location.rpartition("/")[0].removeprefix("file://"))
    numbers = [int(found[1]) for path in folder.glob("*.metadata.json") if (found := _METADATA.fullmatch(path.name))]
    is_older = named is not None and max(numbers, default=0) > int(named[1]) + 1
    if is_older or (seen is not None and table.snapshot_by_id(seen) is None):
        raise LakeError(
            "the catalog is older than the lake, as after a backup was restored",
            where=f"{RAW}.{INGEST_LEDGER.name}",
            value=table.metadata_location.rpartition("/")[2],
            allowed="a catalog that knows the newest metadata file of each table; see the README on restoring",
        )
