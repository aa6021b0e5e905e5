"""Run time of each chosen run."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.cost_encoding import duration_lines, newest_of
from labelhouse.reports.run_bills import NOT_LOADED, fields_of, of_runs

REPORT = Report(
    name="run_times",
    page="training",
    order=32,
    title="Run time of each run",
    question="How long did each run train? From the start of its instances to their end, however long it measured.",
    sql=of_runs("run_seconds"),
    fields=fields_of(Field("run_seconds", "Run time", "seconds")),
    draw=lambda rows: duration_lines(rows, "run_seconds", "run time"),
    note=newest_of,
    empty=NOT_LOADED.replace("What these runs cost", "How long these runs trained"),
)
