"""What every task has in common: how it is retried, and how it says what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from labelhouse.errors import LabelhouseError, LakeError, SourceUnavailableError

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
    """Lets a step fail with the sentence of a LabelhouseError, and for good unless another attempt may find it mended:
    a busy catalog, a full disk or a throttled API is, a setting, a missing bucket or a held check is not.
    """

    @wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return step(*args, **kwargs)
        except LabelhouseError as error:
            sentence = str(error)
            failure = (
                AirflowException if isinstance(error, LakeError | SourceUnavailableError) else AirflowFailException
            )
        log.error(sentence)
        raise failure(sentence)  # outside the handler: the log shows no chain of causes

    return run
