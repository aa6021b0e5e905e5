"""Source `endpoints`: where models serve, as SageMaker describes it: a row a production variant.

An endpoint on a UTC day is a unit, so that the lake keeps what it ran on, and so what it cost, on every day. What
model and instances a variant has stands in the endpoint's configuration, how many of them there are in the endpoint.

Where nobody may call the API, a folder of saved answers does: `aws sagemaker describe-endpoint`, a file an endpoint,
the answer of `aws sagemaker describe-endpoint-config` in the same object under `EndpointConfig`. A day in the path of
the file (`2026-11-21`) says of which day it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from labelhouse.sources import Clients, Source, Unit, UnitGone, Window, one_by_one, told_by_place
from labelhouse.sources.control_plane import MOST_INT, Api, Pascal, arn_of, dated, moment, parts_of, saved, within
from labelhouse.sources.documents import CLOCK_SKEW, Unreadable, shaped
from labelhouse.sources.objects import list_objects, read_object
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.training.answers import SCHEME, read_answer

if TYPE_CHECKING:
    from labelhouse.identities import Identities

#: A field of ours in a saved answer: the configuration that the endpoint runs by.
CONFIG = "EndpointConfig"


def list_units(uri: str, clients: Clients, _window: Window) -> Iterator[Unit]:
    """The endpoints of a region as they are today, oldest first; or the saved answers below a folder or prefix.

    Raises:
        SourceError: the place is missing, or cannot be listed to its end.
    """
    place = parts_of(uri, SCHEME, 1)
    if place is None:
        yield from dated(list_objects(uri, clients))
        return
    now = datetime.now(UTC)
    endpoints = Api(clients, SCHEME, place[0], uri).listing(
        "list_endpoints",
        "Endpoints",
        lambda endpoint: endpoint["EndpointArn"],
        MaxResults=100,
        SortBy="CreationTime",
        SortOrder="Ascending",
    )
    for endpoint in endpoints:
        account, name = arn_of(endpoint["EndpointArn"]).account_id, endpoint["EndpointName"]
        # names are unique in an account only
        yield Unit(f"{SCHEME}://{place[0]}/{account}/endpoint/{name}/{now:%Y-%m-%d}", "", now, 0)


def read_unit(unit: Unit, clients: Clients) -> bytes:
    """What SageMaker says about an endpoint and its configuration, as JSON.

    Raises:
        UnitGone: the endpoint does not exist any more.
        SourceError: it cannot be read.
    """
    if not unit.uri.startswith(f"{SCHEME}://"):
        return read_object(unit, clients)
    region, *_, name, _day = unit.uri.removeprefix(f"{SCHEME}://").split("/")
    api = Api(clients, SCHEME, region, unit.uri)
    endpoint = api.ask("describe_endpoint", EndpointName=name)
    config = None
    if config_name := endpoint.get("EndpointConfigName"):
        try:
            config = api.ask("describe_endpoint_config", EndpointConfigName=config_name)
        except UnitGone:  # it may be deleted while the endpoint runs
            config = None
    return saved(endpoint | {CONFIG: config})


class _Serverless(Pascal):
    memory_size_in_mb: int | None = None
    max_concurrency: int | None = None


class _Running(Pascal):
    """A variant of the endpoint."""

    variant_name: str
    current_weight: float | None = None
    desired_weight: float | None = None
    current_instance_count: int | None = None
    desired_instance_count: int | None = None
    current_serverless_config: _Serverless | None = None


class _Configured(Pascal):
    """A variant of the configuration."""

    variant_name: str
    model_name: str | None = None
    instance_type: str | None = None
    initial_instance_count: int | None = None
    initial_variant_weight: float | None = None
    serverless_config: _Serverless | None = None


class _Capture(Pascal):
    enable_capture: bool | None = None
    destination_s3_uri: str | None = None


class _Config(Pascal):
    production_variants: list[_Configured] | None = None
    shadow_production_variants: list[_Configured] | None = None
    data_capture_config: _Capture | None = None


class _Endpoint(Pascal):
    endpoint_name: str
    endpoint_arn: str | None = None
    endpoint_config_name: str | None = None
    endpoint_status: str | None = None
    failure_reason: str | None = None
    production_variants: list[_Running] | None = None
    shadow_production_variants: list[_Running] | None = None
    data_capture_config: _Capture | None = None
    creation_time: str | float | None = None
    last_modified_time: str | float | None = None
    endpoint_config: _Config | None = None


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """The rows of an endpoint's variants, or its quarantine; one without variants is filtered. Data never raises."""
    parsed = Parsed(unit.unit_at, identities)
    latest_at = datetime.now(UTC) + CLOCK_SKEW
    rows = read_answer(parsed, data, identities, lambda answer: _rows(shaped(answer, _Endpoint), latest_at))
    for number, row in enumerate(rows or ()):
        parsed.row("endpoint_variants", f"0/{number}", None, **row)
    if rows:
        parsed.loaded()
    elif rows is not None:
        parsed.filtered()
    yield parsed


def _rows(endpoint: _Endpoint, latest_at: datetime) -> list[dict[str, Any]]:
    """Raises Unreadable where a value is not what it should be."""
    if not endpoint.endpoint_name:
        raise Unreadable("EndpointName is empty")
    arn, config = arn_of(endpoint.endpoint_arn), endpoint.endpoint_config or _Config()
    capture = endpoint.data_capture_config or config.data_capture_config or _Capture()
    shared = {
        "endpoint_name": endpoint.endpoint_name,
        "endpoint_arn": endpoint.endpoint_arn,
        "account_id": arn.account_id,
        "aws_region": arn.region,
        "endpoint_config_name": endpoint.endpoint_config_name,
        "status": endpoint.endpoint_status,
        "failure_reason": endpoint.failure_reason or None,
        "data_capture_uri": capture.destination_s3_uri if capture.enable_capture else None,
        "created_at": moment(endpoint.creation_time, "CreationTime", latest_at),
        "last_modified_at": moment(endpoint.last_modified_time, "LastModifiedTime", latest_at),
    }
    running = {
        each.variant_name: each
        for each in (*(endpoint.production_variants or ()), *(endpoint.shadow_production_variants or ()))
    }
    configured = {
        each.variant_name: each
        for each in (*(config.production_variants or ()), *(config.shadow_production_variants or ()))
    }
    return [
        shared | _variant(name, running.get(name), configured.get(name))
        for name in dict.fromkeys([*running, *configured])
    ]


def _variant(name: str, running: _Running | None, configured: _Configured | None) -> dict[str, Any]:
    """What runs; of an endpoint that failed, or is being made, what should."""
    if not name:
        raise Unreadable("VariantName is empty")
    plan = configured or _Configured(name)
    now = running or _Running(name)
    weight = now.current_weight if now.current_weight is not None else plan.initial_variant_weight
    desired = now.desired_instance_count if now.desired_instance_count is not None else plan.initial_instance_count
    is_serverless = bool(now.current_serverless_config or plan.serverless_config)
    return {
        "variant_name": name,
        "model_name": plan.model_name,
        "instance_type": plan.instance_type or None,
        "instance_count": within(now.current_instance_count, "CurrentInstanceCount", MOST_INT),
        "desired_instance_count": within(desired, "DesiredInstanceCount", MOST_INT),
        "variant_weight": weight,
        "is_serverless": is_serverless,
    }


SOURCE = Source(
    name="endpoints",
    description="Endpoints and their production variants as SageMaker describes them. The URI is sagemaker://REGION, "
    "or a folder or s3:// prefix that holds answers of `aws sagemaker describe-endpoint`, a file an endpoint.",
    tables=("endpoint_variants",),
    list_units=list_units,
    read_unit=read_unit,
    parse=one_by_one(parse),
    same_content=told_by_place,  # an endpoint that does not change is not a copy of what it was yesterday
)
