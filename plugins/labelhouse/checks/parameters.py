"""What checks may name: numbers of the settings, and what follows from other settings and from the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from labelhouse.schema.tables import TABLES
from labelhouse.settings import Settings

#: How far ahead a clock may be: what happened later than that has a wrong time.
CLOCK_SKEW = timedelta(hours=2)
#: The parameters that are others at each validation.
MOMENTS = frozenset({"checked_at", "latest_event_at"})


def parameters(settings: Settings, table: str = "") -> dict[str, Any]:
    """Name → number, text or list of texts, for `$PARAMETER`, the braces of a sentence and `getvariable` in a frame.

    Args:
        table: whose columns `schema_columns` are, if it is a raw one.
    """
    now = datetime.now(UTC)
    numbers = {name: value for name, value in settings.model_dump().items() if type(value) in (int, float)}
    own = {"schema_columns": list(TABLES[table].column_names)} if table in TABLES else {}
    return {
        **numbers,
        "checked_at": now.isoformat(timespec="seconds"),
        "latest_event_at": (now + CLOCK_SKEW).isoformat(timespec="seconds"),
        "configured_sources": sorted(settings.sources),
        # share of the files in trail_digests that must hold, in a deployment that has them verified
        "verified_ratio": 1.0 if "trail_digests" in settings.sources else 0.0,
        **own,
    }
