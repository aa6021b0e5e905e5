"""What the house keeps about itself: check results, so that quality has a history."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from labelhouse.lake.catalog import Lake, retrying
from labelhouse.schema.arrow import arrow_schema
from labelhouse.schema.tables import CHECK_RESULTS


def append_check_results(lake: Lake, rows: list[dict[str, Any]]) -> None:
    """Adds the results of one validation (columns of `CHECK_RESULTS`)."""
    table = pa.Table.from_pylist(rows, schema=arrow_schema(CHECK_RESULTS))
    retrying(lambda: lake.raw(CHECK_RESULTS.name).append(table))
