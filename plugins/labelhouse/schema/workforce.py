"""The raw tables about those who label: their activity, their jobs, their teams and themselves."""

from __future__ import annotations

from labelhouse.schema.columns import EVENT_AT, ORIGIN, Column, Table

ACCOUNT_ID = Column("account_id", "string", "AWS account, twelve digits as text; leading zeros count.", repeats=True)
ASKING_ACCOUNT_ID = Column(
    "account_id", "string", "Account that asked for the work, twelve digits; leading zeros count.", repeats=True
)
AWS_REGION = Column("aws_region", "string", "Region, e.g. `us-east-1`.", repeats=True)
LABELING_JOB_NAME = Column("labeling_job_name", "string", "Name of the labelling job, from its ARN.", repeats=True)
LABELING_JOB_ARN = Column("labeling_job_arn", "string", "ARN of the labelling job.", repeats=True)
JOB_REFERENCE_CODE = Column(
    "job_reference_code",
    "string",
    "Code by which workers know the job; it names the job in other accounts too.",
    repeats=True,
)
WORKTEAM_ARN = Column("workteam_arn", "string", "ARN of the work team.", repeats=True)
WORKTEAM_NAME = Column("workteam_name", "string", "Name of the work team, from its ARN.", repeats=True)
DESCRIBED_WORKTEAM_NAME = Column("workteam_name", "string", "Name of the work team.", required=True, repeats=True)
WORKFORCE_TYPE = Column(
    "workforce_type", "string", "`private`, `public` or `vendor`, from the ARN of the team.", repeats=True
)
USER_POOL_ID = Column("user_pool_id", "string", "Cognito user pool, e.g. `us-east-1_AbCdEf123`.", repeats=True)
WORKERS_PER_OBJECT = Column(
    "workers_per_object_count", "int", "How many workers answer each object; NULL where not captured."
)

WORKER_EVENTS = Table(
    name="worker_events",
    doc="One line of the worker activity log: a worker accepted, submitted, returned or declined a task.",
    key=("activity_id",),
    day_column="event_at",
    record_key="activity_id",
    columns=(
        *ORIGIN,
        EVENT_AT,
        Column(
            "activity_id",
            "string",
            "First 32 hexadecimal digits of a SHA-256 over the record's own fields, identities replaced: the same in "
            "every copy of it, by whichever route it came.",
            required=True,
        ),
        Column(
            "event_type",
            "string",
            "What happened, as captured: `TasksAccepted`, `TasksSubmitted`, `TasksReturned`, `TasksDeclined` or any "
            "other.",
            required=True,
            repeats=True,
        ),
        Column(
            "worker_id",
            "string",
            "Worker id without its `<kind>.<region>.` prefix; NULL where not captured.",
            repeats=True,
        ),
        Column(
            "worker_pseudonym",
            "string",
            "Pseudonym of the worker's `sub`; NULL for workers without an identity.",
            repeats=True,
        ),
        USER_POOL_ID,
        Column("accepted_at", "timestamp", "When the worker accepted the task; NULL where not captured."),
        Column("submitted_at", "timestamp", "When the worker submitted it; NULL where he did not."),
        Column("returned_at", "timestamp", "When the worker returned it; NULL where he did not."),
        Column("declined_at", "timestamp", "When the worker declined it; NULL where he did not."),
        WORKTEAM_ARN,
        WORKTEAM_NAME,
        LABELING_JOB_ARN,
        LABELING_JOB_NAME,
        ASKING_ACCOUNT_ID,
        Column("aws_region", "string", "Region of the job, from its ARN.", repeats=True),
        JOB_REFERENCE_CODE,
        Column("job_type", "string", "What the job asks for, as captured.", repeats=True),
        Column("logged_at", "timestamp", "CloudWatch's time of the line; NULL where the delivery has none."),
        Column("cloudwatch_event_id", "string", "CloudWatch's id of the line; a line logged twice has two."),
        Column("log_stream_name", "string", "Log stream of the line.", repeats=True),
        Column(
            "time_flag",
            "string",
            "What was odd about its times: `future` (ahead of now), `leap_second` (:60, read as :59.999), `weekday` "
            "(not the weekday of its date), `negative` (ends before it begins); NULL where nothing was.",
            repeats=True,
        ),
        Column("other_json", "string", "Fields that no column holds, as JSON, identities replaced."),
    ),
)

LABELING_JOBS = Table(
    name="labeling_jobs",
    doc="One labelling job as SageMaker describes it.",
    key=("unit_uri",),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        Column("labeling_job_name", "string", "Name of the labelling job.", required=True, repeats=True),
        LABELING_JOB_ARN,
        ACCOUNT_ID,
        AWS_REGION,
        JOB_REFERENCE_CODE,
        Column(
            "status",
            "string",
            "`Initializing`, `InProgress`, `Completed`, `Failed`, `Stopping` or `Stopped`.",
            required=True,
            repeats=True,
        ),
        Column("failure_reason", "string", "Why it failed, in AWS's words, e-mail addresses replaced."),
        Column("created_at", "timestamp", "When it was created."),
        Column("last_modified_at", "timestamp", "When it last changed."),
        WORKTEAM_ARN,
        WORKTEAM_NAME,
        WORKFORCE_TYPE,
        Column("label_attribute_name", "string", "Name of its label attribute."),
        Column(
            "task_type",
            "string",
            "Type of the task, from the ARN of its pre-annotation Lambda, e.g. `BoundingBox`, `VideoObjectTracking`; "
            "`custom` for a Lambda of one's own.",
            repeats=True,
        ),
        Column("price_per_task_usd", "usd", "Price of one task of one worker in US dollars; NULL for private teams."),
        WORKERS_PER_OBJECT,
        Column("task_time_limit_seconds", "long", "Time that a worker has for a task."),
        Column("task_lifetime_seconds", "long", "Time that a task stays on offer."),
        Column("max_concurrent_task_count", "long", "How many objects it offers at once."),
        Column("total_labeled_count", "long", "Objects labelled."),
        Column("human_labeled_count", "long", "Objects labelled by people."),
        Column("machine_labeled_count", "long", "Objects labelled automatically."),
        Column("failed_count", "long", "Objects that could not be labelled."),
        Column("unlabeled_count", "long", "Objects not labelled yet."),
        Column("input_manifest_uri", "string", "URI of its input manifest."),
        Column("output_uri", "string", "S3 prefix of its output, without the folder of the job."),
        Column("output_manifest_uri", "string", "URI of its output manifest; NULL until there is one."),
        Column("label_category_config_uri", "string", "URI of the document that names its classes."),
        Column(
            "label_category_config_json",
            "string",
            "That document; NULL where it could not be read or is larger than 1 MiB.",
        ),
        Column("tags_json", "string", "Its tags, as JSON, e-mail addresses replaced."),
    ),
)

LABELING_JOB_STATES = Table(
    name="labeling_job_states",
    doc="One change of a labelling job's status, as EventBridge delivers it.",
    key=("unit_uri", "position"),
    day_column="event_at",
    record_key="event_id",
    columns=(
        *ORIGIN,
        EVENT_AT,
        Column(
            "event_id", "string", "EventBridge's id of the event: the same in every copy.", required=True, repeats=True
        ),
        LABELING_JOB_NAME,
        LABELING_JOB_ARN,
        ACCOUNT_ID,
        AWS_REGION,
        Column("status", "string", "The status that it has now, as captured.", repeats=True),
        Column("changed_at", "timestamp", "When it changed."),
    ),
)

WORKTEAMS = Table(
    name="workteams",
    doc="One work team on one UTC day, as SageMaker describes it.",
    key=("unit_uri",),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        DESCRIBED_WORKTEAM_NAME,
        WORKTEAM_ARN,
        Column("workforce_arn", "string", "ARN of the workforce that it belongs to.", repeats=True),
        WORKFORCE_TYPE,
        ACCOUNT_ID,
        AWS_REGION,
        Column("description", "string", "Its description, e-mail addresses replaced."),
        Column("member_groups_json", "string", "User pools and groups whose members it has, as JSON."),
        Column("created_at", "timestamp", "When it was created."),
        Column("last_updated_at", "timestamp", "When it last changed."),
    ),
)

WORKTEAM_JOBS = Table(
    name="workteam_jobs",
    doc="One labelling job of one work team on one UTC day, with its counters.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        DESCRIBED_WORKTEAM_NAME,
        WORKTEAM_ARN,
        Column(
            "labeling_job_name", "string", "Name of the labelling job; NULL for jobs of other accounts.", repeats=True
        ),
        JOB_REFERENCE_CODE,
        ASKING_ACCOUNT_ID,
        AWS_REGION,
        Column("created_at", "timestamp", "When the job was created."),
        Column("human_labeled_count", "long", "Objects labelled by people."),
        Column("pending_human_count", "long", "Objects that wait for people."),
        Column("total_count", "long", "Objects of the job."),
        WORKERS_PER_OBJECT,
    ),
)

WORKERS = Table(
    name="workers",
    doc="One user of one user pool on one UTC day. Never a name or an e-mail address.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        Column("worker_pseudonym", "string", "Pseudonym of the worker's `sub`.", required=True, repeats=True),
        USER_POOL_ID,
        AWS_REGION,
        Column("identity_provider", "string", "`Cognito`.", repeats=True),
        Column("user_status", "string", "Status of the user, e.g. `CONFIRMED`, as captured.", repeats=True),
        Column("is_enabled", "boolean", "Whether he can sign in."),
        Column("created_at", "timestamp", "When he was added to the pool."),
        Column("last_modified_at", "timestamp", "When he last changed."),
        Column("user_groups_json", "string", "Groups of the pool that he is in, as a JSON list.", repeats=True),
    ),
)

WORKFORCE_TABLES = (WORKER_EVENTS, LABELING_JOBS, LABELING_JOB_STATES, WORKTEAMS, WORKTEAM_JOBS, WORKERS)
