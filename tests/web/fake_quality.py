"""A lake's quality as the pages find it: checks of the newest build, their course over builds, alarms, Data Docs."""

from __future__ import annotations

import json
import math
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from labelhouse.marts.releases import Release
from web.fake_lake import HELD, PUBLISHED_AT, status, write_status

BUILD_ID = "20260930T115500.000000Z"
CHECKED_AT = PUBLISHED_AT - timedelta(minutes=2)
_INPUTS = (
    *("ingest_ledger", "labeling_job_states", "labeling_jobs", "management_events", "manifest_entries", "quarantine"),
    *(
        "trail_digests",
        "training_metrics",
        "worker_events",
        "worker_responses",
        "workers",
        "workteam_jobs",
        "workteams",
    ),
)
_MARTS = (
    *("dim_labeling_job", "dim_run", "dim_worker", "dim_workteam", "fct_dataset_object", "fct_metric_point"),
    *("fct_run_metric", "fct_source_gap", "fct_task", "fct_worker_day", "fct_worker_job", "fct_worker_response"),
)
_SENTENCES = (
    ("expect_column_values_to_not_be_null", "Every row names its labelling job."),
    ("expect_column_values_to_be_between", "Times lie in the past, and after Ground Truth began."),
    ("expect_table_columns_to_match_set", "The table has exactly the columns that the schema names."),
    ("expect_compound_columns_to_be_unique", "No key is there twice."),
    ("expect_column_values_to_be_in_set", "Modalities are those that Ground Truth has."),
)
_METRICS = ("validation:accuracy", "validation:loss", "train:loss", "train:accuracy", "gap:accuracy", "run_seconds")


def check(suite: str, table_name: str, number: int, **changes: Any) -> dict[str, Any]:
    """A result as `status.json` holds it, met unless `changes` say otherwise."""
    expectation_type, sentence = _SENTENCES[number % len(_SENTENCES)]
    row: dict[str, Any] = {
        "checked_at": CHECKED_AT.isoformat(),
        "suite": suite,
        "table_name": table_name,
        "check_number": number,
        "expectation_type": expectation_type,
        "sentence": sentence,
        "severity": "hold",
        "is_success": True,
        "element_count": 151_000,
        "unexpected_count": 0,
        "observed_value": None,
        "error": None,
        "check_name": f"{expectation_type}-{number}",
        "subject": None,
        "verdict": "met",
        "finding": "Met; 151,000 rows looked at.",
        "statistic_name": None,
        "statistic_value": None,
        "threshold_value": None,
        "p_value": None,
        "reference_count": None,
        "current_count": None,
        "picture_json": None,
        "what_to_do": "Read the reasons under quarantine, mend the delivery, and load it again.",
        "waived_until": None,
    }
    return row | changes | {"is_success": changes.get("verdict", "met") == "met"}


def drift_check(number: int, subject: str, picture: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A comparison with a reference."""
    return check(
        "drift",
        "fct_run_metric",
        number,
        **{
            "expectation_type": "expect_metric_drift_to_be_below",
            "sentence": "Final values of a metric are distributed as in the 28 days before.",
            "check_name": "final_value: distribution",
            "subject": subject,
            "severity": "warn",
            "element_count": None,
            "unexpected_count": None,
            "statistic_name": "population_stability_index",
            "statistic_value": 0.04,
            "threshold_value": 0.2,
            "p_value": 0.41,
            "reference_count": 412,
            "current_count": 96,
            "finding": "PSI 0.04 stays below 0.2.",
            "picture_json": json.dumps(picture),
            "what_to_do": "Compare the runs of this week with those before on the page Training.",
        }
        | changes,
    )


def histogram(shift: int = 0) -> dict[str, Any]:
    """Two bell curves, the newer one `shift` bins to the right."""
    edges = [round(0.5 + 0.025 * place, 4) for place in range(17)]
    counts = [round(100 * math.exp(-(((place - 7) / 2.5) ** 2))) for place in range(16)]
    moved = [round(counts[max(place - shift, 0)] / 4) for place in range(16)]
    return {"kind": "histogram", "edges": edges, "reference": counts, "current": moved}


def categories(*names: str) -> dict[str, Any]:
    """Shares of categories that changed places."""
    shares = [0.5 / 2**place for place in range(len(names))]
    return {"kind": "categories", "names": list(names), "reference": shares, "current": shares[::-1]}


def series(change_at: int | None = 40) -> dict[str, Any]:
    """Values that drop where they changed."""
    chance = random.Random(3)
    values = [0.9 - (0.08 if change_at and place >= change_at else 0) + chance.gauss(0, 0.012) for place in range(60)]
    return {"kind": "series", "values": values, "current_from": 45, "change_at": change_at}


def many_checks(count: int = 120) -> list[dict[str, Any]]:
    """Checks of all suites: most are met, some of each other kind."""
    tables = [("inputs", table) for table in _INPUTS] + [("marts", table) for table in _MARTS]
    drifting = {
        "validation:accuracy · street-scenes": (series(), "not_met", 0.31, "The mean fell from 0.90 to 0.82."),
        "labels · birds": (
            categories("sparrow", "robin", "kingfisher of the river", "owl"),
            "not_met",
            0.27,
            "More owls.",
        ),
        "validation:loss · street-scenes": (histogram(3), "not_met", 0.44, "PSI 0.44 is above 0.2."),
        "gap:accuracy · reviews": (histogram(), "not_enough_data", None, "12 values now, 30 are needed."),
    }
    checks = [
        drift_check(
            0, subject, picture, verdict=verdict, statistic_value=value, finding=found, p_value=0.001 if value else None
        )
        for subject, (picture, verdict, value, found) in drifting.items()
    ]
    checks += [drift_check(0, f"{metric} · experiment {n}", histogram()) for n in range(4) for metric in _METRICS]
    plain = [check(*tables[number % len(tables)], number // len(tables)) for number in range(count - len(checks))]
    plain[3] |= {
        "severity": "warn",
        "verdict": "not_met",
        "is_success": False,
        "unexpected_count": 31,
        "finding": "Not met by 31 of 151,000 rows.",
    }
    plain[7] |= {
        "verdict": "not_enough_data",
        "is_success": False,
        "finding": "Volume is compared with the trailing weeks; 3 of 14 days are there.",
    }
    plain[11] |= {
        "verdict": "not_met",
        "is_success": False,
        "unexpected_count": 1204,
        "finding": "Not met by 1,204 of 151,000 rows.",
        "waived_until": (CHECKED_AT + timedelta(days=1)).isoformat(),
    }
    return plain + checks


#: The query part of the address of its page.
FAILING_CHECK = "suite=marts&table=fct_task&check=submitted_after_accepted"


def failing_check() -> dict[str, Any]:
    """The check that holds the newest build."""
    return check(
        "marts",
        "fct_task",
        9,
        sentence="No task was submitted before it was accepted.",
        check_name="submitted_after_accepted",
        verdict="not_met",
        unexpected_count=5150,
        finding='Not met by 5,150 of 151,000 rows: [{"labeling_job_name": "birds", "dataset_object_id": "17"}].',
        what_to_do="A clock is wrong at the source of worker events; correct its times and load that day again.",
    )


def history(checks: list[dict[str, Any]], build_count: int = 60) -> dict[str, Any]:
    """`quality_history.json` that ends with these checks."""
    chance = random.Random(5)
    moments = [CHECKED_AT - timedelta(hours=6 * (build_count - 1 - number)) for number in range(build_count)]
    trends, builds = [], []
    for each in checks:
        points = [_point(each, moment, chance) for moment in moments[:-1]]
        last = each["statistic_value"]
        if last is None and each["element_count"]:
            last = each["unexpected_count"] / each["element_count"]
        points.append([each["checked_at"], each["verdict"], last])
        names = ("suite", "table_name", "check_name", "subject")
        trends.append({name: each[name] for name in names} | {"points": points})
    for number, moment in enumerate(moments):
        verdicts = [trend["points"][number][1] for trend in trends]
        builds.append({"build_id": build_id(moment), "checked_at": moment.isoformat(), "verdicts": _run(verdicts)})
    builds[-1]["build_id"] = BUILD_ID
    return {"written_at": PUBLISHED_AT.isoformat(), "builds": builds[::-1], "trends": trends}


def build_id(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}.000000Z"


def _point(each: dict[str, Any], moment: datetime, chance: random.Random) -> list[Any]:
    if each["statistic_value"] is not None:
        age = (CHECKED_AT - moment).days
        value = each["statistic_value"] * (0.4 + 0.6 / (1 + age)) * chance.uniform(0.8, 1.2)
        return [moment.isoformat(), "not_met" if value > each["threshold_value"] else "met", value]
    verdict = "not_met" if chance.random() < 0.004 else "met"
    return [moment.isoformat(), verdict, 0.01 if verdict == "not_met" else 0.0 if each["element_count"] else None]


def _run(verdicts: list[str]) -> dict[str, Any]:
    missed = verdicts.count("not_met")
    run = {
        "verdict": "warned" if missed else "passed",
        "check_count": len(verdicts),
        "met_count": verdicts.count("met"),
        "warning_count": missed,
        "hold_count": 0,
        "not_enough_data_count": verdicts.count("not_enough_data"),
        "waived_count": 0,
        "duration_seconds": 2.5,
    }
    return {"marts": run}


def alarm(name: str, state: str = "OK", **changes: Any) -> dict[str, Any]:
    """An alarm as `alarms.json` holds it."""
    chance = random.Random(name)
    moments = [PUBLISHED_AT - timedelta(hours=24 - number) for number in range(24)]
    values = [chance.uniform(0.2, 0.6) + (0.5 if state == "ALARM" and number > 18 else 0) for number in range(24)]
    found = {"OK": "within", "ALARM": "above", "INSUFFICIENT_DATA": "unknown against"}[state]
    change = {
        "alarm_name": name,
        "changed_at": (PUBLISHED_AT - timedelta(hours=5)).isoformat(),
        "from_state": "OK" if state != "OK" else "ALARM",
        "to_state": state,
        "reason": f"3 of 5 datapoints were {found} the threshold (0.8).",
        "datapoints_json": "[]",
        "actions_json": json.dumps(
            [
                {"channel": "slack", "notifier": "slack", "number": 0, "outcome": "told"},
                {"dag_id": "build_marts", "outcome": "started"},
            ]
        ),
    }
    return {
        "alarm_name": name,
        "description": "Records that could not be loaded, of all that were read.",
        "metric": "select $now as at, sum(records_quarantined) / sum(records_read) as value from raw.ingest_ledger",
        "statistic": "Average",
        "period_seconds": 3600,
        "comparison": "GreaterThanThreshold",
        "threshold": 0.8,
        "evaluation_periods": 5,
        "datapoints_to_alarm": 3,
        "treat_missing_data": "missing",
        "start_dag": None,
        "state": state,
        "since": (PUBLISHED_AT - timedelta(hours=5)).isoformat(),
        "reason": change["reason"],
        "datapoints": [[at.isoformat(), value, None, None] for at, value in zip(moments, values, strict=True)],
        "channels": [{"name": "slack", "is_configured": True}, {"name": "smtp", "is_configured": False}],
        "changes": [change],
    } | changes


def some_alarms() -> list[dict[str, Any]]:
    """One of each kind."""
    banded = alarm("run_seconds", metric="run_seconds", comparison="LessThanLowerOrGreaterThanUpperThreshold")
    banded |= {"threshold": None, "datapoints": [[at, value, 0.1, 0.7] for at, value, _, _ in banded["datapoints"]]}
    mistaken = alarm("mistaken", "INSUFFICIENT_DATA", metric="", statistic="", period_seconds=0, comparison="")
    mistaken |= {"threshold": None, "since": None, "datapoints": [], "channels": [], "changes": []}
    mistaken |= {
        "description": "The file is not understood.",
        "reason": "expectations/alarms/mistaken.yaml: unknown metric.",
    }
    return [alarm("quarantine", "ALARM", start_dag="build_marts"), banded, mistaken, alarm("late_source.cloudtrail")]


def write_quality(
    lake: Path,
    release: Release | None,
    checks: list[dict[str, Any]],
    alarms: list[dict[str, Any]] | None = None,
    build_count: int = 60,
    **changes: Any,
) -> None:
    """Publishes a status of these checks with their history, and the alarms."""
    release_of_a_hold = {
        "build_id": "20260928T055500.000000Z",
        "released_at": "2026-09-28T08:12:00+00:00",
        "released_by": "p_5c7a2f0d9e",
        "reason": "The vendor re-sent yesterday's file; the duplicates are known and go away with the next delivery.",
        "step": "check_inputs",
        "checks": [
            {"suite": "inputs", "table_name": "labeling_jobs", "check_name": "volume", "subject": None},
        ],
        "until_at": "2026-10-01T08:00:00+00:00",
    }
    known = {"build_id": BUILD_ID, "validations": [], "hold_releases": [release_of_a_hold]}
    write_status(lake, status(release, checks=checks, **(known | changes)))
    (lake / "quality_history.json").write_text(json.dumps(history(checks, build_count)))
    if alarms is not None:
        (lake / "alarms.json").write_text(json.dumps({"written_at": PUBLISHED_AT.isoformat(), "alarms": alarms}))


def write_data_docs(lake: Path, build: str = BUILD_ID) -> Path:
    """Data Docs of one build with one page besides the index; the folder."""
    folder = lake / "data_docs" / build
    folder.mkdir(parents=True)
    page = "<!doctype html><title>Data Docs</title><style>p { color: rgb(1, 2, 3) }</style><p>Met by all rows.</p>"
    for file in ("index.html", "marts.fct_task.html"):
        (folder / file).write_text(page)
    listed = {"file": "marts.fct_task.html", "suite": "marts", "table_name": "fct_task"}
    (folder / "pages.json").write_text(json.dumps({"pages": [listed | {"check_count": 6, "met_count": 5}]}))
    return folder


def held() -> dict[str, Any]:
    """What holds the newest build, and may be released."""
    names = ("suite", "table_name", "check_name", "subject", "verdict", "sentence", "finding", "what_to_do")
    facts = {"build_id": BUILD_ID, "state": "held", "is_releasable": True}
    return HELD | facts | {"checks": [{name: failing_check()[name] for name in names}]}
