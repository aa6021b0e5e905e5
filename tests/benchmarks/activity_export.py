"""An export of the worker activity log as CloudWatch writes it, with the truth about it beside.

    python tests/benchmarks/activity_export.py OUT --megabytes 800

writes `OUT/exportedlogs/…/000000.gz` and `OUT/truth.json`: 60 workers of three teams at 40 jobs, accepting, submitting,
returning and declining tasks. One line in two thousand has an end before its beginning. The same seed gives the same
bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

START = 1_772_409_600  # 2026-03-02T00:00:00Z
REGION, ACCOUNT = "us-east-2", "111122223333"
FILE_BYTES = 20_000_000
TASK = "00000000-1111-4222-8333-444455556666"
EVENT_TYPES = ("TasksAccepted", "TasksSubmitted", "TasksReturned", "TasksDeclined")
WEIGHTS = (50, 44, 4, 2)
FIELDS = ("accepted", "submitted", "returned", "declined")
MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
WEEKDAYS = "MonTueWedThuFriSatSun"


@dataclass
class Truth:
    """What the files hold.

    Args:
        event_second_sum: over the lines, since 1970.
        elapsed_second_sum: from acceptance to submission, over the submitted tasks; negative ones too.
    """

    files: int = 0
    raw_bytes: int = 0
    gzip_bytes: int = 0
    lines: int = 0
    event_second_sum: int = 0
    elapsed_second_sum: int = 0
    event_types: dict[str, int] = field(default_factory=lambda: dict.fromkeys(EVENT_TYPES, 0))


class Log:
    """Lines, one after the other."""

    def __init__(self, seed: int) -> None:
        chance = self._chance = random.Random(seed)
        self._at = START
        self._workers = [(f"{chance.getrandbits(64):016x}", UUID(int=chance.getrandbits(128))) for _ in range(60)]
        topics = ("birds", "fruit", "pedestrian-tracking", "lidar-yard")
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
        self._jobs = [f"{arn}:labeling-job/{chance.choice(topics)}-{number:03}" for number in range(40)]
        self._teams = [f"{arn}:workteam/private-crowd/{name}" for name in ("day-shift", "night-shift", "audit")]

    def lines(self, size_bytes: int, truth: Truth) -> Iterator[str]:
        """About so many bytes of lines."""
        size = 0
        while size < size_bytes:
            line = self._line(truth)
            size += len(line)
            yield line

    def _line(self, truth: Truth) -> str:
        chance = self._chance
        self._at += chance.choice((0, 0, 1, 1, 2, 3))
        ends_at, kind = self._at, chance.choices(range(4), WEIGHTS)[0]
        elapsed = 0 if kind == 0 else chance.randrange(3, 900) if chance.random() > 0.0005 else -1
        times = dict.fromkeys(FIELDS, "")
        times["accepted"], times[FIELDS[kind]] = java(ends_at - elapsed), java(ends_at)
        worker_id, sub = chance.choice(self._workers)
        truth.lines += 1
        truth.event_second_sum += ends_at
        truth.elapsed_second_sum += elapsed if kind == 1 else 0
        truth.event_types[EVENT_TYPES[kind]] += 1
        record = {
            "worker_id": worker_id,
            "cognito_user_pool_id": f"{REGION}_IpicJXq1z",
            "cognito_sub_id": str(sub),
            **{f"task_{name}_time": text for name, text in times.items()},
            "workteam_arn": chance.choice(self._teams),
            "labeling_job_arn": chance.choice(self._jobs),
            "work_requester_account_id": ACCOUNT,
            "job_reference_code": ACCOUNT,
            "job_type": "Private",
            "event_type": EVENT_TYPES[kind],
            "event_timestamp": str(ends_at),
        }
        logged = datetime.fromtimestamp(ends_at + chance.randrange(1, 9), UTC)
        return f"{logged:%Y-%m-%dT%H:%M:%S}.{chance.randrange(1000):03}Z {json.dumps(record)}\n"


def java(second: int) -> str:
    """`Mon Mar 02 00:00:00 UTC 2026`."""
    at = datetime.fromtimestamp(second, UTC)
    weekday, month = WEEKDAYS[3 * at.weekday() :][:3], MONTHS[3 * at.month - 3 :][:3]
    return f"{weekday} {month} {at:%d %H:%M:%S} UTC {at.year}"


def write(out: Path, megabytes: float, seed: int = 4) -> Truth:
    """Writes the export."""
    log, truth = Log(seed), Truth()
    stream = f"aws-sagemaker-groundtruth-worker-activity-{ACCOUNT}-{REGION}"
    while truth.raw_bytes < megabytes * 1e6:
        left = int(megabytes * 1e6) - truth.raw_bytes
        text = "".join(log.lines(min(left, FILE_BYTES), truth)).encode()
        data = gzip.compress(text, 6, mtime=0)
        path = out / "exportedlogs" / TASK / f"{stream}-{START + truth.files}" / "000000.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        truth.files += 1
        truth.raw_bytes += len(text)
        truth.gzip_bytes += len(data)
    (out / "truth.json").write_text(json.dumps(asdict(truth)))
    return truth


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--megabytes", type=float, default=800)
    given = parser.parse_args()
    write(given.out, given.megabytes)
