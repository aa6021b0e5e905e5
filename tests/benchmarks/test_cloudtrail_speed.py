"""Loading CloudTrail against `gzip -dc` of the same files and against PySpark. `make bench` prints it.

Contenders take turns: each round runs every one of them once, forwards in one round and backwards in the next, and is
compared with the yardsticks of its own round. A time counts only after what arrived was found to be the truth.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import pytest

from benchmarks.contenders import INTERPRETER, ONE, SPARK, TWO, YARDSTICK, Contender, Trail, contenders
from benchmarks.measure import CommandError
from benchmarks.results import circumstances, goal, is_kept, show, spread, steadiness, table

pytestmark = pytest.mark.timeout(0)

HEADER = ["contender", "wall s", "CPU s", "wall / gzip -dc", "CPU / gzip -dc", f"CPU / {INTERPRETER}", "peak MB"]


def test_loading_a_trail(trail: Trail, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    rounds = pytestconfig.getoption("--rounds")
    everybody, remark = contenders(trail)
    for number in range(rounds):
        for contender in everybody if number % 2 == 0 else everybody[::-1]:
            try:
                contender.runs.append(contender.run(tmp_path / "out"))
            except CommandError as error:
                if contender.name != SPARK:
                    raise
                remark = f"PySpark did not take part: {error}"
                continue
            last = contender.runs[-1]
            print(f"round {number + 1}, {contender.name}: {last.wall_seconds:.2f} s, CPU {last.cpu_seconds:.2f} s")
        everybody = [each for each in everybody if len(each.runs) == number + 1]
    show("CloudTrail: files to rows", report(trail, everybody, remark), keep=is_kept(pytestconfig))


def report(trail: Trail, everybody: list[Contender], remark: str) -> list[str]:
    """The lines of the section: what was read, with what, and the tables."""
    yardstick, interpreter, parts = everybody[:3]
    rows = [
        [
            each.name,
            spread([run.wall_seconds for run in each.runs]),
            spread([run.cpu_seconds for run in each.runs]),
            spread(each.ratios(yardstick)),
            spread(each.ratios(yardstick, "cpu_seconds")),
            spread(each.ratios(interpreter, "cpu_seconds")),
            f"{max(run.peak_bytes for run in each.runs) / 1e6:,.0f}",
        ]
        for each in everybody
        if each is not parts
    ]
    lines = [
        circumstances(),
        "",
        f"{trail.size}. {len(yardstick.runs)} rounds; median (least–most). Start-up is included; memory is the most "
        "that a round saw, resident, summed over the processes (pages they share count in each). The interpreter's "
        "work is always the same: how fast this machine ran Python in that round.",
        "",
        *table(HEADER, rows),
        "",
        *(
            steadiness(f"The yardstick {each.name}", [run.cpu_seconds for run in each.runs])
            for each in (yardstick, interpreter)
        ),
        "",
        *table(["figure", "goal", "measured", "reached"], goals(trail, {each.name: each for each in everybody})),
        "",
        "What stops it: what a load cannot do without, each part alone, the processor's seconds, in every round.",
        "",
        *table(["part of a load", "CPU s", f"CPU / {YARDSTICK}"], floors(parts, yardstick)),
    ]
    return [*lines, "", remark] if remark else lines


def goals(trail: Trail, by_name: dict[str, Contender]) -> list[list[str]]:
    """Rows of `figure, goal, measured, reached`."""
    rows, yardstick = [], by_name[YARDSTICK]
    for name, most in ((ONE, 1.0), (TWO, 0.6)):
        contender = by_name[name]
        work = [json.loads(run.output)["work_seconds"] for run in contender.runs]
        ratios = contender.ratios(yardstick)
        after = [mine / other.wall_seconds for mine, other in zip(work, yardstick.runs, strict=True)]
        peak = max(run.peak_bytes for run in contender.runs) / 1e6
        rows += [
            goal(f"{name} / gzip -dc", f"≤ {most}", spread(ratios), median(ratios) <= most),
            [f"{name} / gzip -dc, after its imports", "", spread(after), ""],
            [f"CPU of {name} / {INTERPRETER}", "", spread(contender.ratios(by_name[INTERPRETER], "cpu_seconds")), ""],
            [f"{name}, MB/s unpacked", "", _speeds(trail, contender), ""],
            goal(f"{name}, peak MB", "< 1,000", f"{peak:,.0f}", peak < 1000),
        ]
    if spark := by_name.get(SPARK):
        times = spark.ratios(by_name[ONE])
        rows.append(goal(f"{SPARK} / {ONE}", "≥ 8", spread(times), median(times) >= 8))
        rows.append([f"{SPARK} / {TWO}", "", spread(spark.ratios(by_name[TWO])), ""])
    return rows


def floors(parts: Contender, yardstick: Contender) -> list[list[str]]:
    """Rows of `part, CPU seconds, as a multiple of the yardstick's in that round`, and of all parts together."""
    found = [json.loads(run.output) for run in parts.runs]
    spent = {name: [each[name] for each in found] for name in found[0]}
    spent["all of them"] = [sum(each.values()) for each in found]
    return [
        [
            name,
            spread(seconds),
            spread([mine / run.cpu_seconds for mine, run in zip(seconds, yardstick.runs, strict=True)]),
        ]
        for name, seconds in spent.items()
    ]


def _speeds(trail: Trail, contender: Contender) -> str:
    return spread([trail.truth["raw_bytes"] / 1e6 / run.wall_seconds for run in contender.runs], ".0f")
