"""The IAM policy that allows what the configured sources ask, and nothing else."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from labelhouse.doctor.calls import (
    ANY,
    EVERYBODY,
    EXPORT_OF_GROUP,
    EXPORT_TO_BUCKET,
    LAKE,
    Call,
    calls_of,
    doctor_calls_of,
    glue_calls,
)
from labelhouse.doctor.places import Target, target_of
from labelhouse.settings import Place, Settings, SourceSettings
from labelhouse.sources import source_named

#: `(connection)` → the account that it reads from; None where nobody can tell.
Account = Callable[[str | None], str | None]
Statement = dict[str, Any]
#: A folder of a trail's own; digests vouch for files in the one beside it.
_OF_A_TRAIL = re.compile(r"(?:^|(?<=/))CloudTrail(?:-Digest)?/.*\Z")


#: What IAM takes as one managed policy, not counting white space.
MOST_CHARACTERS = 6144


class Asked(NamedTuple):
    """A call, of a place."""

    call: Call
    target: Target


def policy_of(settings: Settings, sources: Mapping[str, SourceSettings], account: Account) -> dict[str, Any]:
    """The policy, as JSON has it.

    A source has a statement for all actions that share their resources: a condition on the listing of a bucket, for
    one, would forbid to read objects.

    Args:
        sources: those that are read.
        account: asked once a place; ARNs hold `*` for an account that nobody knows.

    Raises:
        SourceError: there is no source of such a name.
    """
    for name in sources:
        source_named(name)
    statements: list[Statement] = []
    doctors: list[Asked] = []
    for name, source in sources.items():
        targets = [_target(name, place, account) for place in source.places]
        asked = [Asked(call, target) for target in targets for call in calls_of(name, target)]
        statements += _statements(name, asked)
        doctors += [Asked(call, target) for target in targets for call in doctor_calls_of(name, target)]
    statements += _statements("log_export", _export(settings, sources, account))
    statements += _statements("lake", _lake(settings, account))
    statements += _statements("doctor", doctors)
    return {"Version": "2012-10-17", "Statement": statements}


def characters_of(policy: dict[str, Any]) -> int:
    """The length of a policy as IAM counts it."""
    return len("".join(json.dumps(policy, separators=(",", ":"), ensure_ascii=False).split()))


def _target(source_name: str, place: Place, account: Account) -> Target:
    target = target_of(place.uri)
    if target.scheme == "file":
        return target
    if source_name == "trail_digests":
        target = replace(target, folder=_OF_A_TRAIL.sub("", target.folder))
    return target if target.account else replace(target, account=account(place.connection))


def _export(settings: Settings, sources: Mapping[str, SourceSettings], account: Account) -> Iterator[Asked]:
    if not settings.log_export_uri:
        return
    groups = [_target("worker_activity", place, account) for place in _places(sources, "worker_activity")]
    groups = [target for target in groups if target.scheme == "logs"]
    for target in groups:
        yield from (Asked(call, target) for call in EXPORT_OF_GROUP)
    if groups:
        bucket = target_of(settings.log_export_uri)
        yield from (Asked(call, bucket) for call in EXPORT_TO_BUCKET)


def _lake(settings: Settings, account: Account) -> Iterator[Asked]:
    lake = target_of(str(settings.lake))
    if lake.scheme == "s3":
        yield from (Asked(call, lake) for call in LAKE)
    catalog: Mapping[str, str] = getattr(settings, "catalog", {})
    if catalog.get("type") == "glue":
        target = Target("glue", catalog.get("glue.region"), catalog.get("glue.id") or account(None))
        yield from (Asked(call, target) for call in glue_calls(getattr(settings, "catalog_prefix", "")))


def _places(sources: Mapping[str, SourceSettings], name: str) -> tuple[Place, ...]:
    return sources[name].places if name in sources else ()


class _Scope(NamedTuple):
    """What a statement is about, beside its actions."""

    resources: tuple[str, ...]
    prefixes: tuple[str, ...]
    regions: tuple[str, ...]


def _statements(name: str, asked: Iterable[Asked]) -> list[Statement]:
    """The statements for calls, those with the same resources and conditions together."""
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for call, target in asked:
        if call.action == EVERYBODY:
            continue
        arn = target.arn(call.resource)
        # a listing is held to the folders of one bucket; everything else may share a statement
        scope = found[call.action, arn if call.is_listing else ""]
        scope["resources"].add(arn)
        if call.is_listing:
            scope["prefixes"].add(f"{target.parts['folder']}*")
        if arn == ANY:
            scope["regions"].add(target.parts["region"])
    actions: dict[_Scope, list[str]] = defaultdict(list)
    for (action, _), scope in found.items():
        every = {"resources": scope["resources"], "prefixes": scope["prefixes"], "regions": scope["regions"]}
        actions[_Scope(**{part: tuple(sorted(values)) for part, values in every.items()})].append(action)
    sid = "".join(word.title() for word in name.split("_"))
    return [
        _statement(sid if len(actions) == 1 else f"{sid}{number}", sorted(each), scope)
        for number, (scope, each) in enumerate(actions.items(), start=1)
    ]


def _statement(sid: str, actions: list[str], scope: _Scope) -> Statement:
    conditions: dict[str, Any] = {}
    if scope.prefixes and "*" not in scope.prefixes:
        conditions["StringLike"] = {"s3:prefix": list(scope.prefixes)}
    if scope.regions and "*" not in scope.regions:
        conditions["StringEquals"] = {"aws:RequestedRegion": list(scope.regions)}
    resources = [ANY] if ANY in scope.resources else list(scope.resources)
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | ({"Condition": conditions} if conditions else {})
