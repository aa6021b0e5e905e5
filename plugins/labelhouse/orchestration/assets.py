"""The raw tables as Airflow assets: loads announce what they changed, `build_marts` starts on any of it."""

from __future__ import annotations

from collections.abc import Mapping

from airflow.sdk import Asset, AssetAlias

from labelhouse.schema.tables import TABLES

#: Raw table → its asset, for every table that loads write. Under a scheme that does not begin with `x-`, Airflow
#: imports every provider's URI handler, boto3 with them, whenever a DAG file is parsed.
RAW_ASSETS: Mapping[str, Asset] = {
    name: Asset(f"x-labelhouse://raw/{name}", group="labelhouse")
    for name, table in TABLES.items()
    if not table.is_history
}
#: Outlet of loads: an event is attached to it for each table that changed, and to no other.
CHANGED_TABLES = AssetAlias("labelhouse-changed-tables", group="labelhouse")
