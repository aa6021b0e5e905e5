"""How the charts of Operations look: stretches of time side by side, and the sentence where nothing is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelhouse.reports.time_encoding import utc_axis, utc_tooltip

if TYPE_CHECKING:
    import altair as alt

PART_COLOURS = {"model": "#2e77d0", "overhead": "#b98a00", "network": "#7a67c7"}
OUTCOME_COLOURS = {"succeeded": "#0f9d78", "stopped": "#b98a00", "failed": "#d64545"}


def nothing_of(what: str, source: str) -> str:
    """The sentence for a tile that `source` fills, where nothing is chosen or nothing was loaded."""
    return (
        f"No {what} in this selection. Where there is none at all: name the source {source} in the setting "
        f"LABELHOUSE_SOURCES, then unpause and trigger the DAG extract_{source}."
    )


def stretch_axis() -> tuple[alt.X, str]:
    """The stretches of the rows (`stretch_at` to `stretch_end_at`): the axis, and where one ends."""
    return utc_axis("stretch_at", "time (UTC)"), "stretch_end_at:T"


def stretch_tooltips() -> list[alt.Tooltip]:
    """From when until when."""
    return [utc_tooltip("stretch_at", "from"), utc_tooltip("stretch_end_at", "until")]
