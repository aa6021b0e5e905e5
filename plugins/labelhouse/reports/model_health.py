"""Models that nobody trains any more, or whose trainings fail."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_costs import OF_FAMILY

REPORT = Report(
    name="model_health",
    page="cost",
    order=30,
    title="Models silent or broken",
    question="Which model was not trained for longer than usual, fails at every try, or stays below its criterion?",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        select
            job_family,
            nullif(concat_ws(
                '; ',
                case when is_failing then 'failing' end,
                case when is_silent then 'silent' end,
                case when is_below_criterion then 'below criterion' end
            ), '') as flags,
            finding,
            job_count,
            failed_count,
            last_trained_at,
            last_completed_at,
            usual_gap_seconds,
            silent_seconds,
            failing_since,
            below_criterion_since,
            first_trained_at
        from fct_model_health
        where {OF_FAMILY}
        order by flags is null, silent_seconds desc nulls last, job_family
    """,
    fields=(
        Field("job_family", "Model", "family"),
        Field("flags", "Look at", "flags"),
        Field("finding", "What is known", "sentence"),
        Field("last_trained_at", "Last trained", "time"),
        Field("last_completed_at", "Last completed", "time"),
        Field("usual_gap_seconds", "Usual gap", "seconds"),
        Field("silent_seconds", "Silent for", "seconds"),
        Field("failing_since", "Failing since", "time"),
        Field("below_criterion_since", "Below criterion since", "time"),
        Field("job_count", "Trainings", "count"),
        Field("failed_count", "Failed", "count"),
        Field("first_trained_at", "First trained", "time"),
    ),
    empty="No training job is in this release. Name the source training_jobs in the setting LABELHOUSE_SOURCES, then "
    "unpause and trigger the DAG extract_training_jobs.",
)
