"""The gate of a build: its suites are run, what an operator lets pass is marked, and all of it is kept."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from labelhouse.checks.data_docs import DataDocs, prune
from labelhouse.checks.definitions import definitions
from labelhouse.checks.reasons import reason_of
from labelhouse.checks.results import CheckResult
from labelhouse.checks.run import nothing_checked, run_suite
from labelhouse.checks.suites import EXPECTATIONS_DIR, SuiteName
from labelhouse.lake.catalog import Lake
from labelhouse.lake.history import has_definitions, keep_definitions, keep_validation, read_waivers
from labelhouse.marts.build import Build
from labelhouse.settings import Settings

#: A check among all checks of all builds: suite, table, its name and its subject.
CheckKey = tuple[str, str, str, str | None]

Outcome = Literal["hold", "waived", "warning", "not_enough_data", "met"]


@dataclass(frozen=True, slots=True)
class Validation:
    """What one suite found, and how long that took."""

    suite: SuiteName
    results: list[CheckResult]
    duration_seconds: float


def validate_build(settings: Settings, build: Build, suites: Sequence[SuiteName]) -> list[CheckResult]:
    """Runs suites on a build and keeps what they found: results, runs, definitions and Data Docs.

    A suite that crashes or finds nothing to check has one result, which holds the publication.
    """
    lake = Lake(settings)
    docs = DataDocs(lake.dir / "data_docs" / build.build_id)
    waivers = standing_waivers(lake, build.build_id)
    validations = []
    for suite in suites:
        began = time.monotonic()
        try:
            with build.opened(lake.dir) as connection:
                found = run_suite(connection, suite, settings, docs=docs)
        except Exception as error:  # a check that crashes is a check that did not pass
            found = [nothing_checked(suite, reason_of(error))]
        results = with_waivers(found or [nothing_checked(suite, "it has no checks")], waivers)
        validations.append(Validation(suite, results, time.monotonic() - began))
    _keep(settings, lake, build, validations)
    docs.write()
    prune(lake.dir, keep=settings.retained_validations)
    return [result for validation in validations for result in validation.results]


def standing_waivers(lake: Lake, build_id: str = "") -> dict[CheckKey, datetime]:
    """The checks that operators let pass in this build or for some time, and until when."""
    now = datetime.now(UTC)
    return {
        (check["suite"], check["table_name"], check["check_name"], check["subject"]): row["until_at"] or now
        for row in read_waivers(lake, build_id, now)
        for check in json.loads(row["checks_json"])
    }


def with_waivers(results: Sequence[CheckResult], waivers: Mapping[CheckKey, datetime]) -> list[CheckResult]:
    """The results, those that would hold the publication and may pass marked so. A crash may not."""
    return [
        replace(result, waived_until=waivers[key_of(result)])
        if result.is_hold and result.verdict == "not_met" and key_of(result) in waivers
        else result
        for result in results
    ]


def key_of(result: CheckResult) -> CheckKey:
    """What ties a result to those of the same check in other builds."""
    return result.suite, result.table_name, result.check_name, result.subject


def outcome_of(result: CheckResult) -> Outcome:
    """What becomes of the build by it; each result has one."""
    if result.is_hold:
        return "hold"
    if result.waived_until:
        return "waived"
    if result.verdict == "met" or result.verdict == "not_enough_data":  # noqa: PLR1714 - mypy follows no `in`
        return result.verdict
    return "warning"


def fingerprint_of(settings: Settings) -> str:
    """SHA-256 over all that checks are written in and the settings that they may name."""
    dumped = settings.model_dump(mode="json")
    named = {
        name: value
        for name, value in dumped.items()
        if type(value) in (int, float) or name.startswith(("check_", "drift_"))
    }
    digest = hashlib.sha256(json.dumps(named, sort_keys=True).encode())
    for path in sorted(EXPECTATIONS_DIR.rglob("*")):
        if path.is_file() and path.parent.name != "alarms":
            digest.update(path.relative_to(EXPECTATIONS_DIR).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _keep(settings: Settings, lake: Lake, build: Build, validations: Sequence[Validation]) -> None:
    now, fingerprint = datetime.now(UTC), fingerprint_of(settings)
    if not has_definitions(lake, fingerprint):
        known = {"fingerprint": fingerprint, "first_used_at": now}
        keep_definitions(lake, fingerprint, [asdict(each) | known for each in definitions(settings)])
    validated = {"build_id": build.build_id, "checked_at": now}
    keep_validation(
        lake,
        build.build_id,
        build.started_at,
        [_stored(result) | validated for each in validations for result in each.results],
        [_summary(each) | validated | {"fingerprint": fingerprint} for each in validations],
    )


def _stored(result: CheckResult) -> dict[str, Any]:
    """The result as columns of `CHECK_RESULTS`."""
    row = asdict(result) | {"is_success": result.is_success, "finding": result.finding}
    del row["found"]
    return row


def _summary(validation: Validation) -> dict[str, Any]:
    """The validation as columns of `CHECK_RUNS`: every result is counted once."""
    counts = Counter(map(outcome_of, validation.results))
    verdict = "held" if counts["hold"] else "warned" if counts["warning"] or counts["waived"] else "passed"
    return {
        "suite": validation.suite,
        "duration_seconds": Decimal(str(round(validation.duration_seconds, 3))),
        "verdict": verdict,
        "check_count": len(validation.results),
    } | {f"{name}_count": counts[name] for name in get_args(Outcome)}
