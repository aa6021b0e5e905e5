"""AWS clients for tasks: from the Airflow connection of the settings, and from nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any

from labelhouse.settings import Settings
from labelhouse.sources import Clients


def clients_of(settings: Settings) -> Clients:
    """A client factory, one client a service; `service@region` for another region than the connection's.

    Region, endpoint, role and credentials come from the connection, which an admin keeps: neither the
    trigger form nor the data can point a client elsewhere.
    """

    @cache
    def client(service: str) -> Any:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
        from botocore.config import Config

        patient = Config(retries={"mode": "adaptive", "max_attempts": 10}, connect_timeout=10, read_timeout=60)
        name, _, region = service.partition("@")
        hook = AwsBaseHook(
            aws_conn_id=settings.aws_conn_id, client_type=name, region_name=region or None, config=patient
        )
        return hook.get_conn()

    return client
