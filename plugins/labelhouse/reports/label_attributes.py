"""The attributes of labels."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.attribute_shares import attribute_shares, cut_attributes, draw_shares
from labelhouse.reports.chosen_labels import LABELS

REPORT = Report(
    name="label_attributes",
    page="annotations",
    order=30,
    title="Attributes of labels",
    question="How are the labels described: moving or parked, which type, correct or not? A click shows those only.",
    sql=f"""
        with {LABELS.strip()},
        {attribute_shares("labels").strip()}
    """,
    fields=(
        Field("attribute_name", "Attribute"),
        Field("value", "Value"),
        Field("row_count", "Labels", "count"),
        Field("share_ratio", "Share", "ratio"),
        Field("attribute", "Show only", "attribute"),
    ),
    draw=lambda rows: draw_shares(rows, "labels"),
    note=cut_attributes,
    empty="No label in this selection has attributes.",
)
