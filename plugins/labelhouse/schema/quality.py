"""What the house keeps about its own runs, so that quality has a history: validations, alarms, releases of holds."""

from labelhouse.schema.columns import Column, Table

_SUITE = Column("suite", "string", "`inputs`, `marts` or `drift`.", required=True)
_TABLE_NAME = Column("table_name", "string", "Table that was validated.", required=True)
_CHECK_NAME = Column(
    "check_name", "string", "Its name among the checks of its table: what ties a check to itself in earlier builds."
)
_SEVERITY = Column(
    "severity", "string", "`hold` keeps a failing build from being published, `warn` does not.", required=True
)
_SENTENCE = Column("sentence", "string", "What is expected, in words.", required=True)
_EXPECTATION_TYPE = Column("expectation_type", "string", "Great Expectations' name of it.", required=True)
_WHAT_TO_DO = Column("what_to_do", "string", "What someone who reads of its failure does next.")

CHECK_RESULTS = Table(
    name="check_results",
    doc="One expectation of one validation, for one subject where it looks at several.",
    key=("build_id", "suite", "table_name", "check_number", "subject"),
    day_column="checked_at",
    is_history=True,
    columns=(
        Column("build_id", "string", "Build that was validated.", required=True),
        Column("checked_at", "timestamp", "When.", required=True),
        _SUITE,
        _TABLE_NAME,
        Column("check_number", "int", "Place in the suite of that table, from 0.", required=True),
        _EXPECTATION_TYPE,
        _SENTENCE,
        _SEVERITY,
        Column("is_success", "boolean", "Whether it was met.", required=True),
        Column("element_count", "long", "Rows looked at; NULL where it does not count rows."),
        Column("unexpected_count", "long", "Rows that did not meet it."),
        Column("observed_value", "string", "What was seen instead, as JSON; never a worker's data."),
        Column("error", "string", "Why it could not be evaluated; NULL where it could."),
        _CHECK_NAME,
        Column(
            "subject",
            "string",
            "What of the table it is about, e.g. one job or one metric; NULL where it is all of it.",
        ),
        Column(
            "verdict",
            "string",
            "`met`, `not_met`, `not_enough_data` (too few rows to tell, which is no pass) or `not_evaluated`.",
        ),
        Column("finding", "string", "What was found, as a sentence."),
        Column("statistic_name", "string", "Statistic that was compared, e.g. `psi`; NULL where rows were counted."),
        Column("statistic_value", "double", "Its value."),
        Column("threshold_value", "double", "What it is compared with."),
        Column(
            "p_value", "double", "How likely a statistic so extreme is without any drift; NULL where none is known."
        ),
        Column("reference_count", "long", "Values in the reference."),
        Column("current_count", "long", "Values in the current window."),
        Column("picture_json", "string", "Reference and current window as a small picture's data, as JSON."),
        _WHAT_TO_DO,
        Column("waived_until", "timestamp", "Until when an operator lets its failure pass; NULL where nobody does."),
    ),
)

CHECK_RUNS = Table(
    name="check_runs",
    doc="One validation: one suite on one build.",
    key=("build_id", "suite"),
    day_column="checked_at",
    is_history=True,
    columns=(
        Column("build_id", "string", "Build that was validated.", required=True),
        Column("checked_at", "timestamp", "When it ended.", required=True),
        _SUITE,
        Column("duration_seconds", "seconds", "How long it took.", required=True),
        Column("verdict", "string", "`passed`, `warned` or `held`.", required=True),
        Column("check_count", "long", "Results of checks.", required=True),
        Column("met_count", "long", "Those that were met.", required=True),
        Column("warning_count", "long", "Those that were not met and do not hold the publication.", required=True),
        Column("hold_count", "long", "Those that hold it, crashes included.", required=True),
        Column("not_enough_data_count", "long", "Those that had too few rows to tell.", required=True),
        Column("waived_count", "long", "Those that would hold it, had an operator not let them pass.", required=True),
        Column("fingerprint", "string", "SHA-256 of the expectations and thresholds that were used.", required=True),
    ),
)

CHECK_SUITES = Table(
    name="check_suites",
    doc="One check as it stood in its file, from the validation on that used it first.",
    key=("fingerprint", "suite", "table_name", "check_number"),
    day_column="first_used_at",
    is_history=True,
    columns=(
        Column("fingerprint", "string", "SHA-256 of all expectations and thresholds together.", required=True),
        Column("first_used_at", "timestamp", "When they were used first.", required=True),
        _SUITE,
        _TABLE_NAME,
        Column("check_number", "int", "Place in the suite of that table, from 0.", required=True),
        _CHECK_NAME,
        _EXPECTATION_TYPE,
        Column("arguments_json", "string", "What Great Expectations is given, as JSON.", required=True),
        _SEVERITY,
        _SENTENCE,
        _WHAT_TO_DO,
    ),
)

HOLD_RELEASES = Table(
    name="hold_releases",
    doc="One release of a held publication by an operator.",
    key=("build_id", "released_at"),
    day_column="released_at",
    is_history=True,
    columns=(
        Column("build_id", "string", "Build that was held.", required=True),
        Column("released_at", "timestamp", "When.", required=True),
        Column("released_by", "string", "Pseudonym of the operator.", required=True),
        Column("reason", "string", "Why, in the operator's words, e-mail addresses replaced.", required=True),
        Column("step", "string", "Step that held it.", required=True),
        Column(
            "checks_json",
            "string",
            "The checks that are let pass: suite, table_name, check_name and subject, as JSON.",
            required=True,
        ),
        Column(
            "until_at", "timestamp", "Until when the same checks pass in later builds too; NULL: in this build only."
        ),
    ),
)

ALARM_CHANGES = Table(
    name="alarm_changes",
    doc="One change of one alarm's state.",
    key=("alarm_name", "changed_at"),
    day_column="changed_at",
    is_history=True,
    columns=(
        Column(
            "alarm_name",
            "string",
            "The alarm: the name of its file, and after a point the value of its dimension where it has several.",
            required=True,
        ),
        Column("changed_at", "timestamp", "When the change was seen.", required=True),
        Column("from_state", "string", "`OK`, `ALARM` or `INSUFFICIENT_DATA`; NULL at the first evaluation."),
        Column("to_state", "string", "`OK`, `ALARM` or `INSUFFICIENT_DATA`.", required=True),
        Column("reason", "string", "Why, as a sentence.", required=True),
        Column("datapoints_json", "string", "The datapoints that decided it, as JSON.", required=True),
        Column(
            "actions_json",
            "string",
            "Channels to tell and DAGs to start, with what became of each, as JSON.",
            required=True,
        ),
    ),
)

QUALITY_TABLES = (CHECK_RESULTS, CHECK_RUNS, CHECK_SUITES, HOLD_RELEASES, ALARM_CHANGES)
