"""The SQL that thins a chart's points out: runs have thousands, a screen has not."""

from __future__ import annotations

from labelhouse.reports import Row

#: What a browser draws at once, and more than a screen can tell apart.
SHOWN_POINTS = 2000
#: Lines (a metric of a run) that leave room for a few points each.
SHOWN_LINES = 400

#: The newest runs of the CTE `lines` (run_id, metric_name, started_at) that can be drawn, as the CTE `drawn_lines`.
DRAWN_LINES = f"""
        runs_in_order as (
            select
                run_id,
                row_number() over newest_first as run_rank,
                sum(count(*)) over newest_first as line_count,
                count(*) over () as run_count
            from lines
            group by run_id
            window newest_first as (order by min(started_at) desc, run_id)
        ),
        drawn_lines as (
            select
                lines.*,
                row_number() over (order by run_id, metric_name) as line,  -- joins and groups faster than names
                run_rank,
                run_count,
                max(run_rank) over () as drawn_run_count
            from lines
            join runs_in_order using (run_id)
            where line_count <= {SHOWN_LINES} or run_rank = 1
        )
"""


def thinned(x: str) -> str:
    """CTEs on `drawn_lines` that end in `drawn_points`: at most about `SHOWN_POINTS`, always the same ones.

    A line with few points keeps them all. Another is cut into stretches of the same width, and of each the
    first, the last, the lowest and the highest point stay: no rise, dip or spike is lost, whatever its width.
    Values that are no numbers are counted at the first of them.

    Args:
        x: the column of `fct_metric_point` along which it is drawn, `metric_at` or `step`; points that have
            none are left out.

    Returns:
        CTEs; the rows of `drawn_points` hold line (of `drawn_lines`), metric_at, step, metric_value, nan_count (NULL
        with a value), total_count (points of all lines) and is_thinned (whether any line is).
    """
    other = "step" if x == "metric_at" else "metric_at"
    return f"""
        {DRAWN_LINES.strip()},
        points as (
            select line, {x}, {other}, metric_value
            from fct_metric_point
            join drawn_lines using (run_id, metric_name)
            where {x} is not null
        ),
        {thinned_points(x, other).strip()}
    """


def thinned_points(x: str, other: str) -> str:
    """As `thinned`, for any CTE `points` of line (a number), `x`, `other` (a further column) and metric_value."""
    width = "epoch_ms({})" if x.endswith("_at") else "{}::double"
    place, first, last = (width.format(each) for each in (x, f"first_{x}", f"last_{x}"))
    return f"""
        spans as (
            select
                line,
                min({x}) as first_{x},
                max({x}) as last_{x},
                count(*) as point_count,
                sum(count(*)) over () as total_count,
                count(*) <= {SHOWN_POINTS} / count(*) over () as is_whole
            from points
            where metric_value is not null
            group by line
        ),
        budgets as (
            select
                *,
                not bool_and(is_whole) over () as is_thinned,
                -- what the short lines leave is shared by the long ones; four points a stretch
                greatest(1, floor(
                    ({SHOWN_POINTS} - coalesce(sum(point_count) filter (where is_whole) over (), 0))
                    / (4 * nullif(count(*) filter (where not is_whole) over (), 0))
                )) as stretch_count
            from spans
        ),
        stretches as (
            select
                line,
                least(
                    stretch_count - 1,
                    floor(stretch_count * ({place} - {first}) / nullif({last} - {first}, 0))
                ) as stretch,
                -- compared field by field, so that equals are equal in all: no order of reading can change the choice
                min(row({x}, {other}, metric_value)) as first_point,
                max(row({x}, {other}, metric_value)) as last_point,
                min(row(metric_value, {x}, {other})) as lowest_point,
                max(row(metric_value, {x}, {other})) as highest_point
            from points
            join budgets using (line)
            where metric_value is not null and not is_whole
            group by all
        ),
        kept as (
            select line, {x}, {other}, metric_value
            from points
            join budgets using (line)
            where metric_value is not null and is_whole
            union
            select line, first_point[1], first_point[2], first_point[3] from stretches
            union
            select line, last_point[1], last_point[2], last_point[3] from stretches
            union
            select line, lowest_point[2], lowest_point[3], lowest_point[1] from stretches
            union
            select line, highest_point[2], highest_point[3], highest_point[1] from stretches
        ),
        drawn_points as (
            select kept.*, null::bigint as nan_count, total_count, is_thinned
            from kept
            join budgets using (line)
            union all by name
            select
                line, min(row({x}, {other}))[1] as {x}, min(row({x}, {other}))[2] as {other},
                null::double as metric_value, count(*) as nan_count, null as total_count, null as is_thinned
            from points
            where metric_value is null
            group by line
        )
    """


def what_was_left_out(rows: list[Row], what: str = "run", order: str = "newest") -> str | None:
    """Says so when a chart shows fewer lines (`<what>_count`) or points than there are."""
    if not rows:
        return None
    parts = []
    drawn_count, count = rows[0][f"drawn_{what}_count"], rows[0][f"{what}_count"]
    if drawn_count < count:
        parts.append(f"The {order} {drawn_count:,} of {count:,} {what}s are drawn.")
    thinned_row = next((row for row in rows if row["is_thinned"]), None)
    if thinned_row:
        drawn = sum(row["metric_value"] is not None for row in rows)
        parts.append(
            f"Thinned out to {drawn:,} of {thinned_row['total_count']:,} points: of each stretch of a {what} the "
            "first, the last, the lowest and the highest."
        )
    return " ".join(parts) or None
