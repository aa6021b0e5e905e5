"""The values of the chosen attribute, per category."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_labels import LABELS
from labelhouse.reports.label_encoding import SHOWN_LINES, SHOWN_VALUES, share_bars


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    return share_bars(
        rows,
        "category",
        "category",
        alt.Tooltip("category:N", title="category"),
        alt.Tooltip("attribute_name:N", title="attribute"),
        alt.Tooltip("value:N", title="value"),
        alt.Tooltip("label_count:Q", title="labels", format=",d"),
        alt.Tooltip("share_ratio:Q", title="share", format=".1%"),
    )


#: The labels of the other values too: of the chosen attribute only its name counts here.
_ANY_VALUE = LABELS.replace("$attribute", "null::varchar")

REPORT = Report(
    name="attribute_by_category",
    page="annotations",
    order=45,
    title="The chosen attribute by category",
    question="How do the categories differ in it? All of its values, not only the chosen one: of an audit, "
    "how many labels of each category were right.",
    is_wide=True,
    needs="attribute",
    sql=f"""
        with {_ANY_VALUE.strip()},
        entries as (
            select category, unnest(map_entries(attributes)) as entry from labels
        ),
        counted as (
            select category, entry.key as attribute_name, entry.value as attribute_value, count(*) as label_count
            from entries
            -- a name may hold `: `, and so may a value
            where starts_with($attribute, entry.key || ': ') and entry.value is not null
            group by all
        ),
        ranked as (
            select
                *,
                sum(label_count) over (partition by attribute_name, attribute_value) as value_label_count,
                sum(label_count) over (partition by category) as category_label_count
            from counted
        ),
        parts as (
            select
                category,
                attribute_name,
                dense_rank() over (order by value_label_count desc, attribute_name, attribute_value) as rank,
                dense_rank() over (order by category_label_count desc, category) as line_rank,
                category_label_count,
                attribute_value,
                label_count
            from ranked
        )
        select
            category,
            attribute_name,
            if(rank <= {SHOWN_VALUES}, coalesce(nullif(attribute_value, ''), '(empty)'), '(others)') as value,
            least(rank, {SHOWN_VALUES + 1}) as value_rank,
            line_rank,
            sum(label_count)::bigint as label_count,
            sum(label_count) / any_value(category_label_count) as share_ratio,
            sum(sum(label_count)) over (partition by category order by least(rank, {SHOWN_VALUES + 1}))
                / any_value(category_label_count) as until_ratio,
            until_ratio - share_ratio as from_ratio
        from parts
        where line_rank <= {SHOWN_LINES}
        group by category, attribute_name, value, value_rank, line_rank
        order by line_rank, value_rank
    """,
    fields=(
        Field("category", "Category", "category"),
        Field("attribute_name", "Attribute"),
        Field("value", "Value"),
        Field("label_count", "Labels", "count"),
        Field("share_ratio", "Share", "ratio"),
    ),
    draw=_draw,
    empty="It is an attribute of frames: no label of this selection has it.",
)
