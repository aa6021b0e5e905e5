"""Examining places: each is listed and read as its source does it, and what AWS says meanwhile is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice

from labelhouse.doctor.calls import calls_of
from labelhouse.doctor.findings import Finding, State
from labelhouse.doctor.places import target_of
from labelhouse.doctor.questions import Examined, guide_of, questions_of
from labelhouse.doctor.refusals import findings_of, is_about_credentials
from labelhouse.doctor.wire import Unanswered, Watch
from labelhouse.errors import LabelhouseError, SourceUnavailableError
from labelhouse.settings import SourceSettings
from labelhouse.sources import Clients, Unit, UnitGone, UnitReplaced, Window, source_named
from labelhouse.sources.objects import list_objects, refusal_of
from labelhouse.sources.requests import careful, through

#: So far back places are listed that can be listed from a time on.
RECENT = timedelta(days=2)
#: What a trail delivers, it delivers all the time.
_DELIVERED = frozenset({"cloudtrail", "trail_digests"})
#: So many units are listed at most: a page of a bucket.
MOST_UNITS = 1000
#: AWS refuses requests whose clock is five minutes off, S3 a quarter of an hour.
MOST_SKEW = timedelta(minutes=5)
SUSPECT_SKEW = timedelta(minutes=1)


def examine(
    sources: Mapping[str, SourceSettings],
    clients: Clients,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Finding]:
    """Everything that is found out about the places of sources, place by place, and about the clock at the end.

    Args:
        clients: should not try again for long: what AWS does not answer at once could not be checked.

    Raises:
        SourceError: there is no source of such a name.
    """
    named = [(source_named(name), settings) for name, settings in sources.items()]
    targets = [target_of(place.uri) for settings in sources.values() for place in settings.places]
    regions = frozenset(target.region for target in targets if target.region)
    skews: list[timedelta] = []
    useless: set[str | None] = set()
    for source, settings in named:
        paced = careful(clients, settings.requests_per_second)
        for place in settings.places:
            if place.connection in useless and target_of(place.uri).scheme != "file":
                continue  # its credentials were found wanting
            with closing(Watch(paced, now)) as watch:
                examined = Examined(source, place, through(watch, place.connection), regions, now)
                yield from _about(examined, watch)
            if watch.skew is not None:
                skews.append(watch.skew)
            if _is_useless(watch):
                useless.add(place.connection)
    yield from _clock(min(skews, key=abs, default=timedelta(0)))


def _about(place: Examined, watch: Watch) -> Iterator[Finding]:
    """Everything about one place; a line that all is well where nothing else is to be said."""
    if unknown := _unknown_operations(place):
        what = f"the installed boto3 does not know {', '.join(unknown)}"
        yield place.finding(State.MISSING, what, "install the versions of uv.lock", "versions")
        return
    found = _reading(place)
    refused = list(_refused(place, watch, 0))
    # what AWS says is more exact than the sentence that the source makes of it
    found = refused or found
    if not _is_useless(watch):
        questions = questions_of(place.source.name, place.target)
        told = [each for question in questions for each in _asking(place, watch, question)]
        if told and not refused and place.target.scheme == "logs":
            found = []  # why a log group is not there says more than that it is not
        found += [*told, *_region(place, watch)]
    yield from dict.fromkeys(found) or [place.finding(State.OK, "can be listed and read")]


def _reading(place: Examined) -> list[Finding]:
    """What keeps the source from listing the place and reading one unit of it."""
    source, clients = place.source, place.clients
    try:
        units = _units(place)
        if not units:
            return list(_empty(place))
        # the smallest object will do; of an API the newest unit says most
        unit = min(reversed(units), key=lambda each: each.size_bytes)
        source.read_unit(unit, clients)
    except (UnitGone, UnitReplaced):
        return []  # it was there a moment ago
    except Exception as error:
        return [_failure(place, error)]
    return []


def _units(place: Examined) -> list[Unit]:
    window = Window() if place.target.scheme == "file" else Window(place.now() - RECENT)
    units = place.source.list_units(place.place.uri, place.clients, window)
    if place.source.name in _DELIVERED:  # older ones may be listed along; of other sources these count, too
        units = (unit for unit in units if unit.unit_at in window)
    return list(islice(units, MOST_UNITS))


def _empty(place: Examined) -> Iterator[Finding]:
    """Why a place that can be listed has nothing (new)."""
    name, target = place.source.name, place.target
    if target.scheme not in ("s3", "file"):
        what = f"there is nothing to read in {target.region}"
        yield place.finding(State.NOTE, what, "look whether the region is the right one", "regions")
    elif next(iter(list_objects(place.place.uri, place.clients)), None) is None:
        to_do = "correct the place, or see that something is delivered there"
        yield place.finding(State.MISSING, "nothing lies there", to_do, guide_of(name))
    elif name in _DELIVERED and target.scheme == "s3":
        what = f"nothing of the source was delivered there in {RECENT.days} days"
        to_do = "correct the prefix, or see that the trail delivers"
        yield place.finding(State.MISSING if name == "trail_digests" else State.NOTE, what, to_do, guide_of(name))
    else:
        what = "what lies there is nothing that this source reads"
        yield place.finding(State.MISSING, what, "correct the place, or the name of the source", guide_of(name))


def _asking(place: Examined, watch: Watch, question: Callable[[Examined], Iterator[Finding]]) -> Iterator[Finding]:
    """The answers to a question, and what was refused while it was asked."""
    known = len(watch.refusals)
    try:
        yield from question(place)
    except Exception as error:
        if refused := list(_refused(place, watch, known)):
            yield from refused
        elif not isinstance(error, UnitGone):
            yield _failure(place, error, State.UNKNOWN)


def _failure(place: Examined, error: Exception, state: State = State.MISSING) -> Finding:
    """What an exception means that no refusal explains."""
    if isinstance(error, Unanswered):
        return place.finding(State.UNKNOWN, f"{error.request.name} is not answered ({error.refusal.code})")
    if isinstance(error, SourceUnavailableError):
        return place.finding(State.UNKNOWN, error.what)
    if isinstance(error, LabelhouseError):
        return place.finding(
            state, error.what, f"give {error.allowed}" if error.allowed else "", guide_of(place.source.name)
        )
    refusal = refusal_of(error)
    words = refusal.code if refusal else type(error).__name__
    return place.finding(State.UNKNOWN, f"it does not answer as AWS does ({words})")


def _refused(place: Examined, watch: Watch, since: int) -> Iterator[Finding]:
    return findings_of(place.source.name, place.words, place.target, watch.refusals[since:])


def _is_useless(watch: Watch) -> bool:
    return any(is_about_credentials(refusal) for _, refusal in watch.refusals)


def _unknown_operations(place: Examined) -> list[str]:
    """Operations that the source needs and the installed SDK lacks."""
    unknown = []
    for call in calls_of(place.source.name, place.target):
        service, _, operation = call.operation.partition(":")
        try:
            model = place.client(service).meta.service_model
        except Exception:  # what is wrong with the client is found when the place is listed
            return []
        if operation not in model.operation_names:
            unknown.append(call.operation)
    return unknown


def _region(place: Examined, watch: Watch) -> Iterator[Finding]:
    """A bucket that is read from another region: it works, slowly and for money."""
    there = watch.bucket_regions.get(place.target.bucket)
    if there and watch.client_region and there != watch.client_region:
        what = f"the bucket is in {there}, the client's region is {watch.client_region}"
        yield place.finding(State.NOTE, what, "reading costs a redirect and traffic between regions", "regions")


def _clock(skew: timedelta) -> Iterator[Finding]:
    """How far our clock is off, if far."""
    if abs(skew) < SUSPECT_SKEW:
        return
    state = State.MISSING if abs(skew) >= MOST_SKEW else State.NOTE
    way = "behind" if skew > timedelta(0) else "ahead of"
    what = f"this machine's clock is {round(abs(skew).total_seconds())} seconds {way} that of AWS"
    yield Finding(state, "", "", what, "set it by NTP", "clock")
