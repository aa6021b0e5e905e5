"""AWS clients for tasks: from Airflow connections that the settings name, and from nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any

from labelhouse.settings import Settings
from labelhouse.sources import Clients
from labelhouse.sources.requests import ClientName


def clients_of(settings: Settings) -> Clients:
    """A client factory, one client a name; `service@region` for another region than the connection's, and
    `service#connection` for another connection than that of the settings.

    Region, endpoint, credentials and the role to assume come from the connection, which an admin keeps: neither the
    trigger form nor the data can point a client elsewhere.
    """

    @cache
    def client(name: str) -> Any:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
        from botocore.config import Config

        patient = Config(retries={"mode": "adaptive", "max_attempts": 10}, connect_timeout=10, read_timeout=60)
        service, region, connection = ClientName.parse(name)
        which = {"aws_conn_id": connection or settings.aws_conn_id, "client_type": service, "region_name": region}
        own = AwsBaseHook(**which).conn_config.botocore_config  # the connection's `config_kwargs`
        return AwsBaseHook(**which, config=patient.merge(own) if own else patient).get_conn()

    return client
