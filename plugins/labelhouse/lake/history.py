"""What the house keeps about itself: check results, so that quality has a history."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from labelhouse.lake.catalog import Lake, retrying
from labelhouse.lake.filters import of_validation
from labelhouse.schema.arrow import arrow_schema
from labelhouse.schema.quality import CHECK_RESULTS


def keep_check_results(lake: Lake, build_id: str, suite: str, rows: list[dict[str, Any]]) -> None:
    """Stores the results of one validation (columns of `CHECK_RESULTS`), in place of those of an earlier attempt."""
    table = pa.Table.from_pylist(rows, schema=arrow_schema(CHECK_RESULTS))
    attempt = of_validation(build_id, suite)
    retrying(lambda: lake.raw(CHECK_RESULTS.name).overwrite(table, overwrite_filter=attempt))
