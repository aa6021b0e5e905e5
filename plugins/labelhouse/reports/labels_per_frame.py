"""Labels per frame: how full the frames are, empty ones too."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_labels import FRAMES, LABELS, LABELS_PER_FRAME, OBJECTS
from labelhouse.reports.encoding import JOB_COLOURS, category_colour, rows_chart, specification

#: More bins than this cannot be told apart; the last one holds the few frames beyond.
_BINS = 24
_UNIT_COLOURS = {"frame": JOB_COLOURS[0], "image": JOB_COLOURS[4]}


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    # a bin without any frame is a gap, and gaps are seen
    bins = list({row["bin_from"]: row["label_counts"] for row in rows}.values())
    colour = category_colour(rows, "unit", _UNIT_COLOURS)
    units = sorted({row["unit"] for row in rows})
    if len(units) == 1:
        colour["legend"] = None
    drawn = (
        rows_chart()
        .mark_bar(cornerRadius=1)
        .encode(
            x=alt.X(
                "label_counts:O",
                title="labels in it",
                sort=bins,
                axis=alt.Axis(labelAngle=0, labelOverlap=True, ticks=False, grid=False),
                scale=alt.Scale(paddingInner=0.08),
            ),
            y=alt.Y(
                "frame_count:Q",
                title=" and ".join(f"{unit}s" for unit in units),
                axis=alt.Axis(tickMinStep=1, tickCount=5, format=",d"),
            ),
            color=colour,
            tooltip=[
                alt.Tooltip("label_counts:O", title="labels"),
                alt.Tooltip("frame_count:Q", title="frames", format=",d"),
                alt.Tooltip("share_ratio:Q", title="share", format=".1%"),
                alt.Tooltip("unit:N", title="of"),
            ],
        )
    )
    return specification(drawn, 280, rows=rows)


def _note(rows: list[Row]) -> str | None:
    if not rows or not rows[0]["empty_count"]:
        return None
    return f"Without a label: {rows[0]['empty_count']:,} of {rows[0]['total_count']:,}."


REPORT = Report(
    name="labels_per_frame",
    page="annotations",
    order=20,
    title="Labels per frame",
    question="How full are the frames of videos, and the images that hold boxes? Those without a label count too.",
    # the widest bin that keeps 99 % of the frames within so many
    sql=f"""
        with {LABELS.strip()},
        {FRAMES.strip()},
        {OBJECTS.strip()},
        {LABELS_PER_FRAME.strip()},
        width as (
            select
                greatest(1, ceil(quantile_disc(label_count, 0.99) / {_BINS}))::bigint as width,
                max(label_count) as most_count,
                count(*) as total_count,
                count(*) filter (where label_count = 0) as empty_count
            from labels_per_frame
        ),
        binned as (
            select
                unit,
                case
                    when label_count = 0 then 0
                    else 1 + least((label_count - 1) // width, {_BINS}) * width
                end as bin_from,
                count(*) as frame_count
            from labels_per_frame, width
            group by all
        ),
        bins as (
            select unnest([0] || range(1, least(most_count, {_BINS} * width + 1) + 1, width)) as bin_from from width
            where total_count > 0
        )
        select
            case
                when bin_from > {_BINS} * width then bin_from || '+'
                when bin_from = 0 or width = 1 then bin_from::varchar
                else bin_from || '–' || (bin_from + width - 1)
            end as label_counts,
            units.unit,
            coalesce(binned.frame_count, 0) as frame_count,
            coalesce(binned.frame_count, 0) / total_count as share_ratio,
            bin_from,
            total_count,
            empty_count
        from bins
        cross join (select distinct unit from labels_per_frame) as units
        left join binned using (unit, bin_from)
        cross join width
        order by bin_from, units.unit
    """,
    fields=(
        Field("label_counts", "Labels"),
        Field("unit", "Of"),
        Field("frame_count", "Frames", "count"),
        Field("share_ratio", "Share", "ratio"),
    ),
    draw=_draw,
    note=_note,
    empty="No frame, and no image with boxes, in this selection.",
)
