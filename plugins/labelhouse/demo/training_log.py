"""What training jobs write into their log group: lines of their steps, in the words of their metric definitions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby

from labelhouse.demo.chance import generator
from labelhouse.demo.changes import LogEvent
from labelhouse.demo.places import TRAINING_LOG_GROUP
from labelhouse.demo.training_runs import Run

_ID_LIMIT = 1 << 62
#: How a container begins and ends, beside the steps.
_BEGIN = (
    "sagemaker-training-toolkit INFO     Imported framework sagemaker_pytorch_container.training",
    "sagemaker-training-toolkit INFO     Invoking user script",
    "train INFO     labels: augmented manifest, read through a pipe",
)
_END = (
    "train INFO     model written to /opt/ml/model",
    "sagemaker-training-toolkit INFO     Reporting training SUCCESS",
)


def log_events(seed: int, run: Run, job: str) -> Iterator[LogEvent]:
    """The lines of a run's training job: the first instance tells the metrics, a second one only that it is there."""
    first_at = run.points[0].at - timedelta(seconds=20)
    for number in range(1, run.instance_count + 1):
        stream = f"{job}/algo-{number}-{int(first_at.timestamp())}"
        rng = generator(seed, "training log", stream)
        said = _said(run, first_at) if number == 1 else [(first_at, line) for line in _BEGIN]
        for place, (at, line) in enumerate(said):
            timestamp = int(at.timestamp() * 1000)
            taken_at = at + timedelta(seconds=float(rng.uniform(0.3, 4)))
            words = f"{at:%Y-%m-%d %H:%M:%S},{timestamp % 1000:03d} {line}"
            event_id = f"{timestamp:020d}{place:012d}{int(rng.integers(_ID_LIMIT)):024d}"
            yield LogEvent(taken_at, timestamp, event_id, stream, words, TRAINING_LOG_GROUP)


def _said(run: Run, first_at: datetime) -> Iterator[tuple[datetime, str]]:
    """What the metrics of one time are stands in one line."""
    for line in _BEGIN:
        yield first_at, line
    for (at, step), points in groupby(run.points, key=lambda point: (point.at, point.step)):
        values = " ".join(f"{point.metric_name}={point.value:g}" for point in points)
        yield at, f"train INFO     step={step} {values}"
    for line in _END:
        yield run.points[-1].at + timedelta(seconds=15), line
