"""
# evaluate_alarms

**What it does.** Evaluates every alarm, writes down which changed their state, and tells those who are to be told of
it. `evaluate` does the first two, `tell` sends one message a task, `dags_to_start`, `start_dag` and `note_starts`
start the DAGs that an alarm names. When nothing changed, all but the first are skipped.

**Inputs.** `expectations/alarms/*.yaml`, which read the marts, the lake and the status of builds; channels from
`LABELHOUSE_NOTIFICATIONS`, with their secrets in Airflow connections. When: `LABELHOUSE_ALARM_SCHEDULE`.

**Outputs.** `raw.alarm_changes`, the alarms under *Data quality*, messages, and runs of other DAGs with the
configuration `{alarm_name, state, reason}`. Builds evaluate alarms too; this DAG then tells of what they found.

**Running it again** is always safe: a state that has not changed tells nobody, and what was told is not told again. A
task that dies between sending a message and noting it sends it twice.

**When it fails**, the last line of the red task says why: mostly a connection that is missing or wrong. The state of
the alarm stands, and the others are told. Mend the connection and clear the red task: it sends what it could not.
"""

from datetime import UTC, datetime

from airflow.sdk import chain, dag

from labelhouse.orchestration import alarms
from labelhouse.orchestration.notifiers import tell_failed_run
from labelhouse.orchestration.steps import RETRIES


@dag(
    schedule=alarms.schedule_of_alarms(),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
    on_failure_callback=tell_failed_run,
    doc_md=__doc__,
    tags=["labelhouse", "alarms"],
)
def evaluate_alarms():
    waiting = alarms.evaluate()
    alarms.tell.expand_kwargs(waiting)
    starts = alarms.dags_to_start()
    chain(waiting, starts, alarms.start_dag(starts), alarms.note_starts(starts))


evaluate_alarms()
