"""Source `cloudwatch_metrics`: every metric that SageMaker and Ground Truth publish in CloudWatch, before it forgets.

A unit is one namespace in one hour of the last two weeks, in periods of 60 s; of older days in the periods that
CloudWatch still has: 300 s up to 63 days, 3600 s up to 455 (`metrics.periods`). Before that it has nothing. Metrics of
high resolution are a place of their own, `?period_seconds=1`: CloudWatch keeps these for three hours.

A record is one series and statistic of a unit, a row one of its values. Which statistics a metric has, and its unit,
is in the catalog; metrics of these namespaces that are not in it are loaded with the usual four. Workers among the
dimensions become pseudonyms.

Where nobody may call the API, saved answers do: files of JSON that hold a request's `MetricDataQueries` and the
answer's `MetricDataResults`, and may name `Region` and `AccountId`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from labelhouse.sources import Clients, Source, Unit, Window, one_by_one, told_by_place
from labelhouse.sources.metrics import answers, catalog
from labelhouse.sources.metrics.cloudwatch import CloudWatch, forget_listings
from labelhouse.sources.metrics.periods import SCHEME, Metrics, UnitName, oldest, stretches
from labelhouse.sources.objects import list_objects, read_object

_SAVED = (".json", ".json.gz", ".jsonl", ".jsonl.gz")
#: Version of a day that does not change any more.
_CLOSED = "closed"

log = logging.getLogger(__name__)


def list_units(uri: str, clients: Clients, window: Window) -> Iterator[Unit]:
    """The hours and days of a region's namespaces, oldest first; or the saved answers below a folder or prefix.

    The account stands behind the region in their URIs, where it is known: every account has these namespaces.

    Raises:
        SourceError: the place is missing, or series cannot be listed.
    """
    if not uri.startswith(SCHEME):
        units = list_objects(uri, clients)
        yield from (unit for unit in units if unit.uri.lower().endswith(_SAVED))
        return
    place, now = Metrics.parse(uri), datetime.now(UTC)
    forget_listings()
    cloudwatch = CloudWatch(clients, place.region, uri)
    account_id = cloudwatch.account_id()
    listed = {namespace: bool(cloudwatch.series(namespace)) for namespace in catalog.namespaces()}
    if window.start is not None and window.start < oldest(now):
        log.warning("CloudWatch keeps nothing from before %s; this window begins earlier.", oldest(now).date())
    for stretch in stretches(place.high_resolution_seconds, window, now):
        for namespace, has_series in listed.items():
            if has_series or (stretch.is_closed and catalog.metrics_of_the_account(namespace)):
                name = UnitName(place.region, account_id, namespace, stretch)
                yield Unit(name.uri, _CLOSED if stretch.is_closed else "", stretch.start, 0)


def read_unit(unit: Unit, clients: Clients) -> bytes:
    """What CloudWatch answers for a unit, as JSON Lines; nothing where it has no value.

    Raises:
        UnitGone: CloudWatch has begun to forget it.
        SourceError: it cannot be read.
    """
    if not unit.uri.startswith(SCHEME):
        return read_object(unit, clients)
    name = UnitName.parse(unit.uri)
    name = name._replace(stretch=name.stretch._replace(is_closed=unit.version == _CLOSED))
    return CloudWatch(clients, name.region, unit.uri).values(name)


SOURCE = Source(
    name="cloudwatch_metrics",
    description="CloudWatch's metrics of SageMaker and Ground Truth. The URI is cloudwatch://REGION, "
    "cloudwatch://REGION?period_seconds=1 (5, 10, 30) for those of high resolution, or a folder or s3:// prefix of "
    "saved answers of GetMetricData with their queries.",
    tables=("cloudwatch_metrics",),
    list_units=list_units,
    read_unit=read_unit,
    parse=one_by_one(answers.parse),
    same_content=told_by_place,
    daily_look_back=timedelta(days=2),
)
