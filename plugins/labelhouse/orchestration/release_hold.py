"""Releasing a held publication from a DAG: the form, and the step that comes before those of the build."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from airflow.sdk import Param, get_current_context, task

from labelhouse.orchestration.steps import in_one_sentence
from labelhouse.settings import load_settings

#: The trigger form.
FORM: Mapping[str, Param] = {
    "reason": Param(
        None,
        type="string",
        minLength=1,
        maxLength=2000,
        title="Reason",
        description="Why the failing checks may pass this time. It is kept, with your pseudonym; name no workers.",
    ),
    "build_id": Param(
        None,
        type=["null", "string"],
        title="Build",
        description="As Data quality shows it. Empty: the one that is held now.",
    ),
    "hours": Param(
        0,
        type="number",
        minimum=0,
        maximum=744,
        title="Hours",
        description="How long the same checks pass in later builds, too. 0: in this one only.",
    ),
}

log = logging.getLogger(__name__)


@task
@in_one_sentence
def release() -> str:
    """Lets the checks that hold a build pass, in the name of whoever triggered this run; returns the build's id."""
    from labelhouse import pipeline

    context = get_current_context()
    form, operator = context["params"], context["dag_run"].triggering_user_name
    build_id = pipeline.release_hold(
        load_settings(), form["build_id"] or None, form["reason"], operator or "airflow", form["hours"]
    )
    log.info("The hold of build %s is released.", build_id)
    return build_id
