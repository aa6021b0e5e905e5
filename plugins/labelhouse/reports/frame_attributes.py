"""The attributes of frames."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.attribute_shares import attribute_shares, cut_attributes, draw_shares
from labelhouse.reports.chosen_labels import FRAMES, LABELS

REPORT = Report(
    name="frame_attributes",
    page="annotations",
    order=40,
    title="Attributes of frames",
    question="How are the frames described: clear or blurry, by day or at night? Frames without a label count too.",
    sql=f"""
        with {LABELS.strip()},
        {FRAMES.strip()},
        {attribute_shares("frames").strip()}
    """,
    fields=(
        Field("attribute_name", "Attribute"),
        Field("value", "Value"),
        Field("row_count", "Frames", "count"),
        Field("share_ratio", "Share", "ratio"),
        Field("attribute", "Show only", "attribute"),
    ),
    draw=lambda rows: draw_shares(rows, "frames"),
    note=cut_attributes,
    empty="No frame in this selection has attributes.",
)
