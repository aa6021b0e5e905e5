"""CloudTrail log files as AWS writes them, as many gigabytes as asked for, with the truth about them beside.

    python tests/benchmarks/trail.py OUT --gigabytes 1

writes `OUT/AWSLogs/…/*.json.gz` and `OUT/truth.json`. Half of the unpacked bytes are BatchPutMetrics calls, about 2 %
of the records change SageMaker, Cognito or a trail, the rest concerns others. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
from trail_events import foreign, management
from trail_records import METRICS_SOURCE, Chance, Json, Place, moment, record

ACCOUNTS = ("111122223333", "444455556666")
REGIONS = ("us-east-1", "eu-west-1")
START = 1772409600  # 2026-03-02T00:00:00Z
DAY_COUNT = 3
DAY_SECONDS = 86_400
#: Unpacked size of one file.
SMALLEST_BYTES, LARGEST_BYTES = 1e6, 8e6

METRICS_AGENT = (
    "aws-cli/2.7.25 Python/3.9.11 Linux/5.4.214-134.408.amzn2int.x86_64 exe/x86_64.amzn.2 prompt/off "
    "command/sm-metrics.batch-put-metrics"
)
METRIC_NAMES = ("train:loss", "train:accuracy", "validation:loss", "validation:accuracy", "learning_rate")
ERROR_CODES = ("METRIC_LIMIT_EXCEEDED", "VALIDATION_ERROR", "CONFLICT_ERROR", "INTERNAL_ERROR")
MODELS = ("resnet50", "bert-base", "xgboost", "yolov8-birds", "lstm")
#: Java writes small numbers this way, and so does CloudTrail.
LEARNING_RATES = tuple((float(text), msgspec.Raw(text.encode())) for text in ("0.001", "5.0E-4", "1.0E-4", "2.5E-5"))


@dataclass
class Truth:
    """What the files hold. Counts of records add up to `records`.

    Args:
        points: points that AWS took; `refused_points` come on top.
        unreadable_calls: BatchPutMetrics without parameters: nothing can be loaded of them.
        step_sum: over the points that have a step.
        value_sum: compensated, over all points that AWS took.
    """

    files: int = 0
    raw_bytes: int = 0
    gzip_bytes: int = 0
    records: int = 0
    metric_calls: int = 0
    unreadable_calls: int = 0
    management_events: int = 0
    foreign_events: int = 0
    metric_call_bytes: int = 0
    points: int = 0
    points_without_step: int = 0
    refused_points: int = 0
    step_sum: int = 0
    value_sum: float = 0.0
    run_count: int = 0


@dataclass
class Run:
    """One trial component that writes points, call after call."""

    name: str
    metric_names: tuple[str, ...]
    has_steps: bool
    is_rounded: bool
    caller: Json
    written_count: int

    def points(self, chance: Chance, at: int, count: int) -> Iterator[tuple[Json, int | None, float]]:
        """The next `count` points, each with its step and value."""
        first_at = at * 1000 - chance.randrange(60_000, 90_000)
        for number in range(self.written_count, self.written_count + count):
            step, which = divmod(number, len(self.metric_names))
            name = self.metric_names[which]
            if name == "learning_rate":
                value, written = LEARNING_RATES[step // 400 % len(LEARNING_RATES)]
            else:
                decline = math.exp(-step / 300.0) + 0.02 * chance.random()
                value = decline if name.endswith("loss") else 1.0 / (1.0 + decline)
                written = value = round(value, 4) if self.is_rounded else value
            point: Json = {"metricName": name, "timestamp": first_at + 731 * step % 60_000}
            if self.has_steps:
                point["step"] = step
            point["value"] = written
            yield point, step if self.has_steps else None, value
        self.written_count += count


@dataclass
class LogFile:
    """One log file: what it is to be, then what it holds."""

    index: int
    file_count: int
    size_bytes: int
    seed: int
    truth: Truth = field(default_factory=Truth)
    values: list[float] = field(default_factory=list)
    run_names: set[str] = field(default_factory=set)

    def write(self, out: Path) -> None:
        """Writes the file below `out`, and keeps the truth about it."""
        chance = Chance(f"{self.seed}/{self.index}")
        place = Place(chance.choice(ACCOUNTS), chance.choice(REGIONS))
        delivered_at = START + 900 + DAY_COUNT * DAY_SECONDS * self.index // self.file_count
        raw = b'{"Records":[' + b",".join(self._records(place, chance, delivered_at)) + b"]}"
        packed = gzip.compress(raw, 6, mtime=0)
        path = out / _key(place, delivered_at, chance)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed)
        truth = self.truth
        truth.files, truth.raw_bytes, truth.gzip_bytes = 1, len(raw), len(packed)
        truth.records = truth.metric_calls + truth.unreadable_calls + truth.management_events + truth.foreign_events
        truth.value_sum = math.fsum(self.values)
        self.values = []

    def _records(self, place: Place, chance: Chance, delivered_at: int) -> Iterator[bytes]:
        encode = msgspec.json.Encoder().encode
        runs = self._runs(place, delivered_at)
        written_bytes = len(b'{"Records":[]}')
        while written_bytes < self.size_bytes:
            at = delivered_at - (chance.randrange(600) if chance.random() < 0.98 else chance.randrange(7200))
            is_behind = self.truth.metric_call_bytes * 2 < written_bytes
            if chance.random() < (0.75 if is_behind else 0.2):
                event = encode(self._metric_call(chance.choice(runs), place, chance, at))
                self.truth.metric_call_bytes += len(event) + 1
            elif chance.random() < 0.034:
                event = encode(management(place, chance, at))
                self.truth.management_events += 1
            else:
                event = encode(foreign(place, chance, at))
                self.truth.foreign_events += 1
            written_bytes += len(event) + 1
            yield event
        if self.index % 40 == 7:
            yield encode(_metric_record(place, chance, delivered_at - 60, place.sessions[0], None, None, "unknown"))
            self.truth.unreadable_calls += 1

    def _runs(self, place: Place, delivered_at: int) -> list[Run]:
        """The runs under way at that hour: the same in every file of the hour, later in their training."""
        hour = delivered_at // 3600
        chance = Chance(f"{self.seed}/{place.account}/{place.region}/{hour}")
        return [self._run(place, chance, hour * 3600, number) for number in range(chance.randrange(6, 15))]

    def _run(self, place: Place, chance: Chance, started_at: int, number: int) -> Run:
        began = moment(started_at + chance.randrange(3600)).lower().strip("z").replace("t", "-").replace(":", "-")
        model = chance.choice(MODELS)
        name = f"{model}-{began}-{chance.randrange(1000):03}-aws-training-job"
        if number % 4 == 0:
            name = f"sagemaker-experiment-run-{chance.hexadecimal(10)}"
        by_service = chance.random() < 0.7
        return Run(
            name=name,
            metric_names=METRIC_NAMES[: chance.randrange(1, 6)],
            has_steps=chance.random() < 0.93,
            is_rounded=chance.random() < 0.3,
            caller=place.session("SageMakerExecutionRole", "SageMaker")
            if by_service
            else chance.choice(place.sessions),
            written_count=self.index * 1000,
        )

    def _metric_call(self, run: Run, place: Place, chance: Chance, at: int) -> Json:
        count = 10 if chance.random() < 0.8 else chance.randrange(1, 10)
        refused: set[int] = set()
        if count > 1 and chance.random() < 0.01:  # one point is always left, so that the call is loaded
            refused = set(chance.sample(range(count), chance.randrange(1, min(count, 4))))
        points, truth = [], self.truth
        for index, (point, step, value) in enumerate(run.points(chance, at, count)):
            points.append(point)
            if index in refused:
                continue
            truth.points += 1
            self.values.append(value)
            if step is None:
                truth.points_without_step += 1
            else:
                truth.step_sum += step
        truth.metric_calls += 1
        truth.refused_points += len(refused)
        self.run_names.add(f"{place.account}/{place.region}/{run.name}")
        errors = [{"code": chance.choice(ERROR_CODES), "metricIndex": index} for index in sorted(refused)]
        request = {"trialComponentName": run.name, "metricData": points}
        return _metric_record(place, chance, at, run.caller, request, {"errors": errors} if errors else None, run.name)


def _metric_record(
    place: Place, chance: Chance, at: int, caller: Json, request: Json | None, response: Json | None, name: str
) -> Json:
    arn = place.arn("sagemaker", f"experiment-trial-component/{name}")
    return record(
        place, chance, at, METRICS_SOURCE.removesuffix(".amazonaws.com"), "BatchPutMetrics", request, response,
        caller=caller,
        user_agent=METRICS_AGENT,
        is_data=True,
        resources=[{"accountId": place.account, "type": "AWS::SageMaker::ExperimentTrialComponent", "ARN": arn}],
    )  # fmt: skip


def _key(place: Place, delivered_at: int, chance: Chance) -> str:
    day, time = moment(delivered_at).rstrip("Z").split("T")
    name = (
        f"{place.account}_CloudTrail_{place.region}_{day.replace('-', '')}T{time[:5].replace(':', '')}Z"
        f"_{chance.alphanumeric(16)}.json.gz"
    )
    return f"AWSLogs/{place.account}/CloudTrail/{place.region}/{day.replace('-', '/')}/{name}"


def _planned(seed: int, gigabytes: float) -> list[LogFile]:
    """Files whose sizes add up to what is asked for."""
    chance, sizes, left = Chance(seed), list[int](), gigabytes * 1e9
    while left > 0:
        size = SMALLEST_BYTES * (LARGEST_BYTES / SMALLEST_BYTES) ** chance.random()
        sizes.append(round(min(size, max(left, SMALLEST_BYTES))))
        left -= size
    return [LogFile(index, len(sizes), size, seed) for index, size in enumerate(sizes)]


def _written(out: Path, file: LogFile) -> tuple[Truth, set[str]]:
    file.write(out)
    return file.truth, file.run_names


def generate(out: Path, gigabytes: float, seed: int = 7, processes: int | None = None) -> Json:
    """Writes the files and `truth.json` into a folder of their own and returns the truth. What is there already stays.

    Raises:
        FileExistsError: the folder holds something else.
    """
    asked = {"seed": seed, "gigabytes": gigabytes}
    beside = out / "truth.json"
    if beside.exists() and asked.items() <= (kept := json.loads(beside.read_text())).items():
        return kept
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} holds something else")
    total, sums, names = Truth(), [], set[str]()
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        for truth, run_names in pool.map(partial(_written, out), _planned(seed, gigabytes)):
            for each in vars(total):
                setattr(total, each, getattr(total, each) + getattr(truth, each))
            sums.append(truth.value_sum)
            names |= run_names
    total.value_sum, total.run_count = math.fsum(sums), len(names)
    result = asked | vars(total)
    beside.write_text(json.dumps(result, indent=1) + "\n")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--gigabytes", type=float, default=1.0, help="unpacked, 10^9 bytes each")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int)
    options = parser.parse_args()
    try:
        truth = generate(options.out, options.gigabytes, options.seed, options.processes)
    except FileExistsError as error:
        sys.exit(str(error))
    print(json.dumps(truth, indent=1))


if __name__ == "__main__":
    main()
