"""Run time of training jobs over time."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.cost_encoding import duration_lines, newest_of
from labelhouse.reports.run_costs import fields_of, of_jobs

REPORT = Report(
    name="run_durations",
    page="cost",
    order=70,
    title="Run time of trainings over time",
    question="Does a training take longer than it did? From the start of its instances to their end.",
    sql=of_jobs("run_seconds"),
    fields=fields_of(Field("run_seconds", "Run time", "seconds")),
    draw=lambda rows: duration_lines(rows, "run_seconds", "run time"),
    note=newest_of,
    empty="No training job with a run time in this selection. Where there is none at all: name the source "
    "training_jobs in the setting LABELHOUSE_SOURCES, then trigger the DAG extract_training_jobs.",
)
