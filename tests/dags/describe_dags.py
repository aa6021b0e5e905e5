"""Prints what Airflow's DagBag finds in the DAGs folder, as JSON."""

import json

from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization


def listed(value):
    return value if isinstance(value, list) else [value] if value else []


def describe(dag):
    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable  # as the scheduler has it
    assets = timetable.asset_condition.iter_assets() if timetable.asset_condition else ()
    return {
        "doc_md": dag.doc_md,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "tags": sorted(dag.tags),
        "timetable": type(timetable).__name__,
        "cron": getattr(timetable, "_expression", None),
        "assets": sorted(asset.uri for _, asset in assets),
        "callbacks": [callback.__name__ for callback in listed(dag.on_failure_callback)],
        "deadlines": [(str(each.interval), each.callback.path) for each in listed(dag.deadline)],
        "params": {name: param.dump() for name, param in dag.params.items()},
        "tasks": {
            task.task_id: {
                "downstream": sorted(task.downstream_task_ids),
                "retries": task.retries,
                "backoff": task.retry_exponential_backoff,
                "is_mapped": task.is_mapped,
                "pool": task.pool,
            }
            for task in dag.tasks
        },
    }


bag = DagBag()
assert not bag.import_errors, bag.import_errors
print(json.dumps({dag_id: describe(dag) for dag_id, dag in bag.dags.items()}, default=str))
