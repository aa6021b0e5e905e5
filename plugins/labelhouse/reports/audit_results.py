"""What came of looking at labels again, per category."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_labels import LABELS
from labelhouse.reports.label_encoding import SHOWN_LINES, count_axis, line_axis, result_bars


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    return result_bars(
        rows,
        count_axis("label_count", "labels"),
        line_axis("category", "category", "category_rank"),
        alt.Tooltip("category:N", title="category"),
        alt.Tooltip("result:N", title="result"),
        alt.Tooltip("label_count:Q", title="labels", format=",d"),
        alt.Tooltip("share_ratio:Q", title="of the category", format=".1%"),
    )


def _note(rows: list[Row]) -> str | None:
    if not rows or rows[0]["category_count"] <= SHOWN_LINES:
        return None
    return f"The {SHOWN_LINES} categories with the most audited labels, of {rows[0]['category_count']:,}."


REPORT = Report(
    name="audit_results",
    page="annotations",
    order=70,
    title="Audit results by category",
    question="Which labels were adjusted, and which were verified as good or bad? The verdict on an object is that on "
    "all of its labels.",
    sql=f"""
        with {LABELS.strip()},
        results as (
            select
                labels.category,
                case
                    when objects.verification_result is not null then objects.verification_result
                    when labels.is_adjusted then 'adjusted'
                    when not labels.is_adjusted then 'unadjusted'
                    when objects.adjusted_by_job_name is not null then 'looked at'
                    else 'not audited'
                end as result,
                count(*) as label_count
            from labels
            left join fct_dataset_object as objects using (labeling_job_name, dataset_object_id)
            group by all
        ),
        -- what nobody looked at again is only the rest of what somebody did
        categories as (
            select
                category,
                sum(label_count) as category_label_count,
                row_number() over (
                    order by sum(label_count) filter (where result <> 'not audited') desc, category
                ) as category_rank,
                count(*) over () as category_count
            from results
            group by category
            having bool_or(result <> 'not audited')
        )
        select
            category,
            result,
            label_count,
            label_count / category_label_count as share_ratio,
            category_rank,
            category_count
        from results
        join categories using (category)
        where category_rank <= {SHOWN_LINES}
        order by category_rank, result
    """,
    fields=(
        Field("category", "Category", "category"),
        Field("result", "Result"),
        Field("label_count", "Labels", "count"),
        Field("share_ratio", "Share", "ratio"),
    ),
    draw=_draw,
    note=_note,
    empty="No label in this selection was adjusted or verified.",
)
