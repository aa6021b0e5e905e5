"""What is done to the jobs, teams and people of `checked_workforce` so that one check of the inputs fails."""

from __future__ import annotations

JOBS, STATES, TEAMS, TEAM_JOBS, WORKERS = (
    "labeling_jobs",
    "labeling_job_states",
    "workteams",
    "workteam_jobs",
    "workers",
)
EMAIL = "canary.worker@example.com"
CHANGED = """
    insert into raw.labeling_job_states by name
    select
        's3://events/1' as unit_uri, 'v1' as unit_version, number::varchar as position,
        timestamptz '2026-03-03 00:00:00+00' as loaded_at, timestamptz '2026-03-02 00:00:00+00' as event_at,
        'e' || number as event_id, 'pets' as labeling_job_name, '111122223333' as account_id,
        'us-east-1' as aws_region, 'Completed' as status, event_at as changed_at
    from range(2) as events (number);
"""


def _changed(deed: str) -> str:
    return CHANGED + f"update raw.labeling_job_states set {deed} where position = '1'"


#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_CONTROL_PLANE_INPUTS = [
    ("insert into raw.labeling_jobs from raw.labeling_jobs", JOBS, "hold", "No labelling job is in the lake twice"),
    ("update raw.labeling_jobs set labeling_job_name = ''", JOBS, "hold", "Every labelling job has a name"),
    ("update raw.labeling_jobs set status = 'Paused'", JOBS, "warn", "The status of a labelling job"),
    ("update raw.labeling_jobs set workforce_type = 'robots'", JOBS, "hold", "A labelling job is done by a public"),
    ("update raw.labeling_jobs set workforce_type = null", JOBS, "warn", "Every labelling job says who"),
    ("update raw.labeling_jobs set created_at = null", JOBS, "warn", "Every labelling job says when"),
    ("update raw.labeling_jobs set created_at = '1970-01-20'", JOBS, "hold", "Labelling jobs were created since"),
    ("update raw.labeling_jobs set created_at = '2099-01-01'", JOBS, "hold", "Labelling jobs were created since"),
    ("update raw.labeling_jobs set last_modified_at = '2020-01-01'", JOBS, "warn", "modified_after_created: "),
    ("update raw.labeling_jobs set workers_per_object_count = 10", JOBS, "warn", "One to nine workers"),
    ("update raw.labeling_jobs set price_per_task_usd = 36", JOBS, "warn", "A task costs no more"),
    ("update raw.labeling_jobs set unlabeled_count = -1", JOBS, "hold", "No labelling job counts fewer"),
    ("update raw.labeling_jobs set machine_labeled_count = 999", JOBS, "warn", "No labelling job counts more"),
    ("update raw.labeling_jobs set status = 'Failed'", JOBS, "warn", "Every labelling job that failed"),
    (f"update raw.labeling_jobs set tags_json = '{EMAIL}'", JOBS, "hold", "What is said of a labelling job"),
    (CHANGED + "update raw.labeling_job_states set event_id = 'e'", STATES, "hold", "No change of a labelling job is"),
    (_changed("status = null"), STATES, "hold", "Every change has an id"),
    (_changed("changed_at = '1970-01-20'"), STATES, "hold", "No labelling job changed before"),
    (_changed("changed_at = '2099-01-01'"), STATES, "hold", "No labelling job changed in the future"),
    (_changed("status = 'Paused'"), STATES, "warn", "A labelling job changes to a status"),
    ("insert into raw.workteams from raw.workteams", TEAMS, "hold", "No work team is in the lake twice"),
    ("update raw.workteams set workteam_name = ''", TEAMS, "hold", "Every work team has a name"),
    ("update raw.workteams set workforce_type = 'robots'", TEAMS, "hold", "A work team belongs to a public"),
    ("update raw.workteams set account_id = null", TEAMS, "warn", "Every work team says whose"),
    ("update raw.workteams set created_at = '1970-01-20'", TEAMS, "hold", "Work teams were made since"),
    ("update raw.workteams set last_updated_at = '2020-01-01'", TEAMS, "warn", "No work team changes before"),
    (f"update raw.workteams set description = 'of {EMAIL}'", TEAMS, "hold", "What is said of a work team"),
    ("insert into raw.workteam_jobs from raw.workteam_jobs", TEAM_JOBS, "hold", "A work team has each job once"),
    ("delete from raw.workteams", TEAM_JOBS, "hold", "Every job of a work team comes"),
    ("update raw.workteam_jobs set account_id = '42'", TEAM_JOBS, "warn", "The account that asks"),
    ("update raw.workteam_jobs set job_reference_code = null", TEAM_JOBS, "warn", "Every job has the code"),
    ("update raw.workteam_jobs set total_count = -1", TEAM_JOBS, "hold", "No job of a work team counts fewer"),
    ("update raw.workteam_jobs set pending_human_count = 999", TEAM_JOBS, "warn", "No job of a work team counts more"),
    ("insert into raw.workers from raw.workers limit 1", WORKERS, "hold", "Nobody is in a user pool twice"),
    (f"update raw.workers set worker_pseudonym = '{EMAIL}'", WORKERS, "hold", "Workers are in the lake as"),
    (f"update raw.workers set user_groups_json = '[\"{EMAIL}\"]'", WORKERS, "hold", "Status and groups of workers"),
    ("update raw.workers set user_pool_id = null", WORKERS, "warn", "Every worker is in a user pool"),
    ("update raw.workers set user_status = 'ASLEEP'", WORKERS, "warn", "The status of a user"),
    ("update raw.workers set created_at = '1970-01-20'", WORKERS, "hold", "Users were made since"),
    ("update raw.workers set last_modified_at = '2020-01-01'", WORKERS, "warn", "No user changes before"),
]
