"""The trail of the account: which log file delivers the record of a call, and when; now and then late, or two do."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import attrgetter

from labelhouse.demo.chance import generator
from labelhouse.demo.cloudtrail import Call, log_body, log_key
from labelhouse.demo.foreign_calls import foreign_calls
from labelhouse.demo.labeling_calls import labeling_calls
from labelhouse.demo.training_calls import training_calls
from labelhouse.demo.world import Write

#: A file is delivered every ten minutes, give or take, if there is anything to deliver.
_EVERY, _JITTER_SECONDS = timedelta(minutes=10), 280
#: Share of the records that come an hour late, and of those that a second file brings again.
_LATE_RATIO, _TWICE_RATIO = 0.012, 0.015


def calls(seed: int, start: datetime) -> Iterator[Call]:
    """Every call that the trail sees in a world that begins at `start` (UTC), in the order of time, without end."""
    every = (training_calls, labeling_calls, foreign_calls)
    return heapq.merge(*(made(seed, start) for made in every), key=attrgetter("at"))


def log_files(seed: int, start: datetime) -> Iterator[Write]:
    """Every log file, its key below `AWSLogs`, in the order of delivery, without end."""
    waiting: dict[datetime, list[Call]] = {}
    for call in calls(seed, start):
        while waiting and (delivered_at := min(waiting)) <= call.at:
            yield _log_file(seed, delivered_at, waiting.pop(delivered_at))
        for delivered_at in _deliveries(seed, start, call):
            waiting.setdefault(delivered_at, []).append(call)


def _log_file(seed: int, delivered_at: datetime, unsorted: list[Call]) -> Write:
    """CloudTrail does not sort what it delivers."""
    order = generator(seed, "order", delivered_at.isoformat()).permutation(len(unsorted))
    return Write(delivered_at, log_key(seed, delivered_at), log_body(seed, (unsorted[place] for place in order)))


def _deliveries(seed: int, start: datetime, call: Call) -> Iterator[datetime]:
    """When the record of a call is delivered: once, as a rule."""
    rng = generator(seed, "delivery", *call.entity)
    latency = timedelta(minutes=float(rng.uniform(1, 4)))
    if rng.random() < _LATE_RATIO:
        latency += timedelta(minutes=float(rng.uniform(50, 70)))
    number = (call.at + latency - start) // _EVERY
    while _delivery(seed, start, number) < call.at + latency:
        number += 1
    yield _delivery(seed, start, number)
    if rng.random() < _TWICE_RATIO:
        yield _delivery(seed, start, number + int(rng.integers(1, 4)))


def _delivery(seed: int, start: datetime, number: int) -> datetime:
    seconds = float(generator(seed, "delivery time", number).uniform(0, _JITTER_SECONDS))
    return start + number * _EVERY + timedelta(seconds=seconds)
