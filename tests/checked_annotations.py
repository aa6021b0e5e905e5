"""What is done to the marts of `checked_build` so that one check of the annotations' marts fails."""

from __future__ import annotations

#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_ANNOTATION_MARTS = [
    ("delete from main.dim_labeling_job", "dim_labeling_job", "hold", "The jobs are exactly those"),
    ("insert into raw.worker_responses (labeling_job_name) values ('X')", "dim_labeling_job", "hold", "The jobs are"),
    ("update main.dim_labeling_job set labeled_object_count = 99", "dim_labeling_job", "hold", "A job has at least"),
    ("update main.dim_labeling_job set dataset_object_count = 0", "dim_labeling_job", "hold", "Every job with answers"),
    ("update main.dim_labeling_job set worker_count = 999", "dim_labeling_job", "hold", "Every worker of a job"),
    (
        "update main.dim_labeling_job set last_answer_at = '2020-01-01'",
        "dim_labeling_job",
        "hold",
        "A job's last answer",
    ),
    (
        "insert into main.dim_label_attribute (attribute_kind) values ('object')",
        "dim_label_attribute",
        "hold",
        "An attribute is one of frames",
    ),
    ("delete from main.dim_worker where worker_id = 'w1'", "dim_worker", "hold", "Every answer is some worker's"),
    ("update main.dim_worker set workforce_type = 'robots'", "dim_worker", "hold", "A worker is of a public"),
    ("update main.dim_worker set last_answer_at = '2020-01-01'", "dim_worker", "hold", "A worker's last answer"),
    ("delete from main.fct_worker_response", "fct_worker_response", "hold", "Every answer of the changed days"),
    (
        "insert into main.fct_worker_response from main.fct_worker_response limit 1",
        "fct_worker_response",
        "hold",
        "No answer is there twice",
    ),
    (
        "update main.fct_worker_response set event_date = event_date + 2",
        "fct_worker_response",
        "hold",
        "An answer's date is",
    ),
    (
        "update main.fct_worker_response set agrees_with_consolidated = false",
        "fct_worker_response",
        "warn",
        "In a job with 50 comparable answers",
    ),
    ("update main.fct_dataset_object set confidence_ratio = -0.1", "fct_dataset_object", "hold", "Confidence is"),
    ("update main.fct_dataset_object set agreeing_answer_count = 9", "fct_dataset_object", "hold", "No more answers"),
    (
        "update main.fct_dataset_object set agreeing_answer_count = -1",
        "fct_dataset_object",
        "hold",
        "No count of answers",
    ),
    (
        "update main.fct_dataset_object set consolidated_label = 'x'",
        "fct_dataset_object",
        "hold",
        "An object that could",
    ),
    (
        "update main.fct_dataset_object set answer_count = answer_count + 1",
        "fct_dataset_object",
        "hold",
        "A job's answers are as",
    ),
    (
        "insert into main.fct_dataset_object select * replace (0 as answer_count, 0 as agreeing_answer_count) "
        "from main.fct_dataset_object; update main.fct_dataset_object set own_label = 'x'",
        "fct_dataset_object",
        "warn",
        "In a job with 50 comparable objects",
    ),
    (
        "update main.fct_worker_job set answer_count = answer_count + 1",
        "fct_worker_job",
        "hold",
        "A job's answers are as many",
    ),
    (
        "update main.fct_worker_job set agreement_ratio = 1.5",
        "fct_worker_job",
        "hold",
        "The share of answers that agree is b",
    ),
    (
        "update main.fct_worker_job set agreement_ratio = 'nan'",
        "fct_worker_job",
        "hold",
        "The share of answers that agree is b",
    ),
    (
        "update main.fct_worker_job set agreement_ratio = 0",
        "fct_worker_job",
        "hold",
        "The share of answers that agree is a",
    ),
    ("update main.fct_worker_job set agreeing_answer_count = 999", "fct_worker_job", "hold", "No more answers agree"),
    (
        "update main.fct_worker_job set comparable_answer_count = 999",
        "fct_worker_job",
        "hold",
        "No more answers can be",
    ),
    ("update main.fct_worker_job set dataset_object_count = 999", "fct_worker_job", "hold", "A worker has answered"),
    ("update main.fct_worker_job set time_spent_seconds = -1", "fct_worker_job", "hold", "No worker has spent"),
    ("update main.fct_worker_job set time_spent_seconds = 1e8", "fct_worker_job", "warn", "No worker spends more"),
    (
        "update main.fct_worker_job set last_answer_at = '2020-01-01'",
        "fct_worker_job",
        "hold",
        "A worker's last answer",
    ),
]
