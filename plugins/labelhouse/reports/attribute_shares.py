"""How often each value of each attribute was chosen: of labels and of frames alike."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Row
from labelhouse.reports.chosen_labels import MOST_VALUES
from labelhouse.reports.label_encoding import SHOWN_VALUES, share_bars

#: More attributes than this cannot be read at once.
SHOWN_ATTRIBUTES = 12


def attribute_shares(rows: str) -> str:
    """CTEs and SELECT: a row per attribute and value of the CTE `rows`, values beyond the most frequent together.

    Attributes with many values, which are numbers or free text, are counted only (`wordy_attribute_count`).
    """
    return f"""
        -- few maps stand on many rows: each is opened once
        maps as (
            select attributes, count(*) as row_count from {rows} where attributes is not null group by attributes
        ),
        entries as (
            select entry.key as attribute_name, entry.value as attribute_value, sum(row_count) as row_count
            from (select unnest(map_entries(attributes)) as entry, row_count from maps)
            where entry.value is not null
            group by all
        ),
        ranked as (
            select
                *,
                row_number() over (
                    partition by attribute_name order by row_count desc, attribute_value
                ) as value_rank,
                count(*) over (partition by attribute_name) as value_count,
                sum(row_count) over (partition by attribute_name) as attribute_row_count
            from entries
        ),
        attributes as (
            select
                attribute_name,
                row_number() over (order by any_value(attribute_row_count) desc, attribute_name) as line_rank,
                count(*) over () as attribute_count
            from ranked
            where value_count <= {MOST_VALUES}
            group by attribute_name
        ),
        parts as (
            select
                line_rank,
                attribute_count,
                attribute_name,
                least(value_rank, {SHOWN_VALUES + 1}) as value_rank,
                if(value_rank > {SHOWN_VALUES}, null, attribute_value) as attribute_value,
                sum(row_count)::bigint as row_count,
                any_value(attribute_row_count) as attribute_row_count,
                count(*) as value_count
            from ranked
            join attributes using (attribute_name)
            where line_rank <= {SHOWN_ATTRIBUTES}
            group by all
        )
        select
            attribute_name,
            case
                when attribute_value is null then value_count || ' others'
                when attribute_value = '' then '(empty)'
                else attribute_value
            end as value,
            attribute_name || ': ' || attribute_value as attribute,
            row_count,
            row_count / attribute_row_count as share_ratio,
            sum(row_count) over upwards / attribute_row_count as until_ratio,
            until_ratio - share_ratio as from_ratio,
            value_rank,
            line_rank,
            attribute_count,
            (select count(distinct attribute_name) from ranked where value_count > {MOST_VALUES})
                as wordy_attribute_count
        from parts
        window upwards as (partition by attribute_name order by value_rank)
        order by line_rank, value_rank
    """


def draw_shares(rows: list[Row], what: str) -> dict[str, Any]:
    """A full bar per attribute; `what` is counted."""
    import altair as alt

    return share_bars(
        rows,
        "attribute_name",
        "attribute",
        alt.Tooltip("attribute_name:N", title="attribute"),
        alt.Tooltip("value:N", title="value"),
        alt.Tooltip("row_count:Q", title=what, format=",d"),
        alt.Tooltip("share_ratio:Q", title="share", format=".1%"),
    )


def cut_attributes(rows: list[Row]) -> str | None:
    """Says which attributes a chart leaves out."""
    if not rows:
        return None
    notes = []
    if (count := rows[0]["attribute_count"]) > SHOWN_ATTRIBUTES:
        notes.append(f"The {SHOWN_ATTRIBUTES} attributes that are set most often, of {count:,}.")
    if count := rows[0]["wordy_attribute_count"]:
        have = "1 attribute has" if count == 1 else f"{count:,} attributes have"
        notes.append(f"Left out: {have} more than {MOST_VALUES} values.")
    return " ".join(notes) or None
