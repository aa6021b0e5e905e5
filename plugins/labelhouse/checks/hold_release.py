"""An operator's release of a hold: the failing checks may pass, for a reason that is kept in the lake."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from labelhouse.checks.results import CheckResult
from labelhouse.errors import LabelhouseError
from labelhouse.identities import load_identities
from labelhouse.lake.catalog import Lake
from labelhouse.lake.history import keep_hold_release, read_waivers
from labelhouse.marts.build import Build, kept_builds, newest_build, read_build
from labelhouse.marts.releases import current_release
from labelhouse.settings import Settings

#: A check that may fail for longer than that has a wrong threshold.
LONGEST_WAIVER = timedelta(days=31)
LONGEST_REASON = 2000

_KEY = ("suite", "table_name", "check_name", "subject")
_SHOWN = (*_KEY, "verdict", "sentence", "finding", "what_to_do")


def reason_for_hold(failed: Sequence[CheckResult]) -> dict[str, Any]:
    """Why a build is held by these results: one `sentence`, and the `checks` themselves."""
    first = f"{failed[0].table_name}: {failed[0].sentence} {failed[0].finding}"
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return {"sentence": first + more, "checks": [{name: getattr(each, name) for name in _SHOWN} for each in failed]}


def is_releasable(held: Mapping[str, Any]) -> bool:
    """Whether an operator may let pass what holds a build: checks that were evaluated and not met, nothing else."""
    return bool(held["checks"]) and all(check.get("verdict") == "not_met" for check in held["checks"])


def release_hold(settings: Settings, build_id: str | None, reason: str, released_by: str, for_hours: float) -> str:
    """Lets the checks that hold a build pass, so that the step that held it can be tried again.

    Args:
        build_id: None for the one that is held now.
        reason: why, in the operator's words; e-mail addresses in it become pseudonyms.
        released_by: name of the operator, who is kept as a pseudonym.
        for_hours: how long the same checks pass in later builds too; 0 for this build only.

    Returns:
        The build's id. Releasing it again with the same words finds it done.

    Raises:
        LabelhouseError: there is nothing to release, or it may not be released.
    """
    text, now = _reason(reason), datetime.now(UTC)
    until_at = _until(now, for_hours)
    lake = Lake(settings)
    build = _build(lake, build_id)
    identities = load_identities(settings)
    words = {
        "build_id": build.build_id,
        "reason": identities.clean_text(text, known=[released_by]),
        "released_by": identities.pseudonym(released_by),
    }
    if build.held is None:
        if any(words.items() <= done.items() for done in read_waivers(lake, build.build_id, now)):
            return build.build_id
        raise LabelhouseError("the build is not held", where=build.build_id, value=build.state, allowed="a held build")
    _require_releasable(lake, build, build.held)
    released = words | {
        "released_at": now,
        "step": build.held["step"],
        "checks_json": json.dumps([{name: check[name] for name in _KEY} for check in build.held["checks"]]),
        "until_at": until_at,
    }
    keep_hold_release(lake, released)
    build.save(lake.dir, state=build.held["state"], held=None)
    return build.build_id


def _reason(reason: str) -> str:
    text = " ".join(reason.split())
    if not text or len(text) > LONGEST_REASON:
        allowed = f"a sentence of at most {LONGEST_REASON:,} characters"
        raise LabelhouseError("does not say why the hold is released", where="reason", allowed=allowed)
    return text


def _until(now: datetime, for_hours: float) -> datetime | None:
    longest = LONGEST_WAIVER / timedelta(hours=1)
    if not 0 <= for_hours <= longest:
        raise LabelhouseError(
            "is no time to let checks pass", where="hours", value=for_hours, allowed=f"0 to {longest:g}"
        )
    return now + timedelta(hours=for_hours) if for_hours else None


def _build(lake: Lake, build_id: str | None) -> Build:
    if build_id is None:
        newest = newest_build(lake.dir)
        if newest is None:
            raise LabelhouseError("no build is held: there is none", where=str(lake.dir))
        return newest
    if build_id not in kept_builds(lake.dir):  # a name, never a path
        raise LabelhouseError(
            "there is no such build", value=build_id, allowed="one that is held, or none for that one"
        )
    return read_build(lake.dir, build_id)


def _require_releasable(lake: Lake, build: Build, held: Mapping[str, Any]) -> None:
    release = current_release(lake.dir)
    if (release and release.release_id) != build.base_release_id:
        found = release and f"release {release.release_id}"
        raise LabelhouseError("a newer release is published: build again", where=build.build_id, value=found)
    newer = [read_build(lake.dir, each) for each in kept_builds(lake.dir) if each > build.build_id]
    if held_later := [each.build_id for each in newer if each.held]:
        raise LabelhouseError(
            "a newer build is held", where=build.build_id, value=held_later[-1], allowed="the newest one"
        )
    if not is_releasable(held) or "state" not in held:
        raise LabelhouseError(
            f"what holds it cannot be let pass ({held['sentence']})",
            where=build.build_id,
            allowed="checks that were evaluated and not met; an error in data, models or checks has to be mended",
        )
