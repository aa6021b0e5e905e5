"""Labels by category."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_labels import LABELS
from labelhouse.reports.encoding import MAIN_COLOUR, rows_chart, specification
from labelhouse.reports.label_encoding import SHOWN_LINES, count_axis, line_axis, lines_height

# What there is room for behind the bar.
_WORDS = """
    datum.room_ratio * width >= 6.2 * length(datum.words) + 8 ? datum.words
    : datum.room_ratio * width >= 6.2 * length(datum.count) + 8 ? datum.count : ''
"""


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    shown = rows[:SHOWN_LINES]
    # room for the words behind the longest bar
    x = count_axis("label_count", "labels")
    most = max(row["label_count"] for row in shown) * 1.3
    x["scale"] = alt.Scale(domain=[0, most], nice=False)
    base = rows_chart().encode(
        x=x,
        y=line_axis("category", "category", "category_rank"),
        tooltip=[
            alt.Tooltip("category:N", title="category"),
            alt.Tooltip("label_count:Q", title="labels", format=",d"),
            alt.Tooltip("share_ratio:Q", title="share", format=".1%"),
            alt.Tooltip("dataset_object_count:Q", title="objects", format=",d"),
            alt.Tooltip("labeling_job_count:Q", title="jobs", format=",d"),
        ],
    )
    bars = base.mark_bar(cursor="pointer", cornerRadius=1, color=MAIN_COLOUR)
    words = (
        base.transform_calculate(shown_words=_WORDS)
        .mark_text(align="left", dx=6, fontSize=11, style="label")
        .encode(text="shown_words:N")
    )
    drawn = [row | _words(row) | {"room_ratio": 1 - row["label_count"] / most} for row in shown]
    return specification(alt.layer(bars, words), lines_height(shown, "category"), rows=drawn)


def _words(row: Row) -> Row:
    count = f"{row['label_count']:,}"
    return {"count": count, "words": f"{count}  ({row['share_ratio']:.0%})"}


def _note(rows: list[Row]) -> str | None:
    if len(rows) <= SHOWN_LINES:
        return None
    return f"The {SHOWN_LINES} categories with the most labels, of {len(rows):,}."


REPORT = Report(
    name="labels_by_category",
    page="annotations",
    order=10,
    title="Labels by category",
    question="What is labelled? A label that a later job corrected counts once, as that job left it.",
    sql=f"""
        with {LABELS.strip()}
        select
            category,
            count(*) as label_count,
            count(*) / sum(count(*)) over () as share_ratio,
            count(distinct (labeling_job_name, dataset_object_id)) as dataset_object_count,
            count(distinct labeling_job_name) as labeling_job_count,
            row_number() over (order by count(*) desc, category) as category_rank
        from labels
        group by category
        order by category_rank
    """,
    fields=(
        Field("category", "Category", "category"),
        Field("label_count", "Labels", "count"),
        Field("share_ratio", "Share", "ratio"),
        Field("dataset_object_count", "Objects", "count"),
        Field("labeling_job_count", "Jobs", "count"),
    ),
    draw=_draw,
    note=_note,
    empty="No label in this selection.",
)
