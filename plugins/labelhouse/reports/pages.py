"""The pages that reports are shown on, and what each can be narrowed to."""

from __future__ import annotations

from labelhouse.reports import older_releases
from labelhouse.reports.chosen_labels import IS_LABELED, MOST_VALUES, UNKNOWN_CATEGORY, UNKNOWN_TASK_TYPE
from labelhouse.reports.chosen_work import UNKNOWN_MODALITY
from labelhouse.reports.cost_page import COST
from labelhouse.reports.operations_page import OPERATIONS
from labelhouse.reports.page import Filter, Page


def run_name(run_id: str) -> str:
    """The name of a run: its id is `account/region/name`."""
    return run_id.split("/", 2)[-1]


def modality_name(modality: str) -> str:
    """A modality as people read it."""
    return modality.replace("_", " ")


def task_type_name(task_type: str) -> str:
    """A task type as people read it: `groundtruth/object-detection` is that of Ground Truth."""
    family, _, name = task_type.rpartition("/")
    return name.replace("-", " ").replace("_", " ") if family.lower() in ("", "groundtruth") else task_type


WORKERS = Page(
    name="workers",
    title="Workers",
    filters=(
        Filter("from_date", "From", "date"),
        Filter("until_date", "Until", "date"),
        Filter(
            "job",
            "Labelling job",
            everything="All jobs",
            choices="select labeling_job_name from dim_labeling_job order by labeling_job_name",
        ),
        Filter(
            "team",
            "Work team",
            everything="All work teams",
            choices="""
                select distinct workteam_name as name
                from (
                    select workteam_name from dim_workteam
                    union all
                    select workteam_name from dim_labeling_job
                )
                where name is not null
                order by name
            """,
        ),
        Filter(
            "modality",
            "Modality",
            everything="All modalities",
            choices=f"""
                select distinct coalesce(modality, '{UNKNOWN_MODALITY}') as name from dim_labeling_job order by name
            """,
            label=modality_name,
        ),
        Filter("worker", "Worker", "chip", everything="All workers"),
    ),
    marts=frozenset({"dim_labeling_job", "dim_worker", "fct_worker_job", "fct_worker_response"}),
    stand_ins=older_releases.WORKERS,
)

ANNOTATIONS = Page(
    name="annotations",
    title="Annotations",
    filters=(
        Filter("from_date", "Labelled from", "date"),
        Filter("until_date", "Labelled until", "date"),
        Filter(
            "job",
            "Labelling job",
            everything="All jobs",
            choices=f"""
                select distinct labeling_job_name as name from fct_dataset_object where {IS_LABELED} order by name
            """,
        ),
        Filter(
            "task_type",
            "Task type",
            everything="All task types",
            choices=f"""
                select distinct coalesce(task_type, '{UNKNOWN_TASK_TYPE}') as name
                from fct_dataset_object
                where {IS_LABELED}
                order by name
            """,
            label=task_type_name,
        ),
        Filter(
            "category",
            "Category",
            everything="All categories",
            choices=f"""
                select distinct coalesce(category, '{UNKNOWN_CATEGORY}') as name from fct_annotation order by name
            """,
        ),
        Filter(
            "attribute",
            "Attribute",
            everything="All attributes",
            choices=f"""
                with maps as (
                    select distinct attributes from fct_annotation where attributes is not null
                    union all
                    select distinct attributes from fct_frame where attributes is not null
                )
                select name || ': ' || value as attribute
                from (
                    select distinct entry.key as name, entry.value as value
                    from (select unnest(map_entries(attributes)) as entry from maps)
                    where entry.value is not null
                )
                qualify count(*) over (partition by name) <= {MOST_VALUES}
                order by name, value
            """,
        ),
    ),
    marts=frozenset({"dim_labeling_job", "fct_annotation", "fct_dataset_object", "fct_frame"}),
    nothing="No label is in this release",
    steps=(
        "Name the folder of your labelling jobs' output in the setting LABELHOUSE_SOURCES: "
        '{"labeling_output": "s3://bucket/output"}.',
        "Unpause the DAG extract_labeling_output and trigger it for the time that you want to load; build_marts then "
        "builds and publishes by itself.",
    ),
)

TRAINING = Page(
    name="training",
    title="Training",
    filters=(
        Filter("from_date", "Started from", "date"),
        Filter("until_date", "Started until", "date"),
        Filter(
            "metric",
            "Metric",
            everything="All metrics",
            # a base name stands for its train, validation and test metrics together
            choices="""
                select metric
                from (
                    select metric_base_name as metric, metric_base_name as base, 0 as place from fct_run_metric
                    union
                    select metric_name, metric_base_name, 1 from fct_run_metric where metric_name <> metric_base_name
                )
                where metric is not null
                group by metric
                order by min(base), min(place), metric
            """,
        ),
        Filter(
            "experiment",
            "Experiment",
            everything="All experiments",
            choices="select distinct experiment_name as name from dim_run where name is not null order by name",
        ),
        Filter(
            "account",
            "Account",
            everything="All accounts",
            choices="select distinct account_id from dim_run where account_id is not null order by account_id",
        ),
        Filter(
            "resource_type",
            "Resource type",
            everything="All resource types",
            choices="select distinct resource_type as name from dim_run where name is not null order by name",
        ),
        Filter(
            "run",
            "Run",
            "chip",
            is_many=True,
            everything="All runs",
            choices="select run_id from dim_run order by run_id",
            label=run_name,
        ),
    ),
    marts=frozenset({"dim_run", "fct_metric_point", "fct_metric_write_audit", "fct_run_metric"}),
    stand_ins=older_releases.TRAINING,
    more=(("chart", "Build a chart of your own"),),
    nothing="No training metric is in this release",
    steps=(
        "Let a CloudTrail trail log data events of the type AWS::SageMaker::ExperimentTrialComponent: that is where "
        "SageMaker says which metric was written, and by whom.",
        'Name the folder of its files in the setting LABELHOUSE_SOURCES: {"cloudtrail": "s3://bucket/AWSLogs"}.',
        "Unpause the DAG extract_cloudtrail and trigger it for the time that you want to load; build_marts then "
        "builds and publishes by itself.",
    ),
)

#: In the order of the navigation.
PAGES = {page.name: page for page in (WORKERS, ANNOTATIONS, TRAINING, OPERATIONS, COST)}
