"""What is done to the worker log of `checked_workforce` so that one check of the inputs fails."""

from __future__ import annotations

EVENTS = "worker_events"
ONE = "where position = (select min(position) from raw.worker_events)"


def _changed(deed: str, which: str = ONE) -> str:
    return f"update raw.worker_events set {deed} {which}"


#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_ACTIVITY_INPUTS = [
    ("insert into raw.worker_events from raw.worker_events limit 1", EVENTS, "hold", "No line of the worker log is in"),
    (_changed("event_type = ''"), EVENTS, "hold", "Every line of the worker log says what"),
    (_changed("event_type = 'TasksSold'"), EVENTS, "warn", "Tasks are accepted, submitted"),
    (_changed("worker_id = null, worker_pseudonym = null"), EVENTS, "warn", "Every line of the worker log says whose"),
    (_changed("workteam_name = null"), EVENTS, "warn", "Every line of the worker log says its account"),
    (_changed("accepted_at = '1970-01-20'"), EVENTS, "hold", "No time in the worker log lies before"),
    (_changed("event_at = '2099-01-01'"), EVENTS, "hold", "No line of the worker log lies in the future"),
    (_changed("loaded_at = '2026-01-01'"), EVENTS, "warn", "No line of the worker log was logged after"),
    (_changed("logged_at = '2026-01-01'"), EVENTS, "warn", "CloudWatch's time of a line"),
    (_changed("time_flag = 'weekday'", ""), EVENTS, "warn", "At most 5 % of the lines"),
    (_changed("submitted_at = '2020-01-01'"), EVENTS, "hold", "submitted_after_accepted: no task"),
    (_changed("worker_pseudonym = 'ada@example.com'"), EVENTS, "hold", "Workers are in the log as pseudonyms"),
    (_changed("labeling_job_name = 'of ada@example.com'"), EVENTS, "hold", "What the worker log calls"),
]
