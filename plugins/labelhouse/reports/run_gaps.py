"""The gaps between runs."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.cost_encoding import duration_lines, newest_of
from labelhouse.reports.run_bills import fields_of, of_runs

REPORT = Report(
    name="run_gaps",
    page="training",
    order=36,
    title="Gap before each run",
    question="How long was it from the end of the run before to the start of this one? A gap that grows is a model "
    "that gets old.",
    sql=of_runs("gap_seconds"),
    fields=fields_of(Field("gap_seconds", "Gap", "seconds")),
    draw=lambda rows: duration_lines(rows, "gap_seconds", "gap"),
    note=newest_of,
    empty="No run of this selection follows another of its experiment.",
)
