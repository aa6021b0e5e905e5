"""What every task has in common: how it is retried, and how it says what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowFailException

from labelhouse.errors import LabelhouseError

P = ParamSpec("P")
R = TypeVar("R")

#: For faults that pass: a throttled API, a killed process, a busy catalog. Delays double from 10 s.
RETRIES: dict[str, Any] = {
    "retries": 4,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=6),
}

log = logging.getLogger(__name__)


def in_one_sentence(step: Callable[P, R]) -> Callable[P, R]:
    """Lets a step fail at once, with its sentence, on what a retry would not mend: a LabelhouseError."""

    @wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return step(*args, **kwargs)
        except LabelhouseError as error:
            sentence = str(error)
        log.error(sentence)
        raise AirflowFailException(sentence)  # outside the handler: the log shows no chain of causes

    return run
