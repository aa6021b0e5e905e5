"""Clients of tasks: what an Airflow connection says of them holds, and what it does not say is ours."""

from __future__ import annotations

import json

import pytest

from labelhouse.orchestration.clients import clients_of
from labelhouse.settings import load_settings

CONFIG = {"s3": {"addressing_style": "path"}, "connect_timeout": 3}


def test_a_connections_own_configuration_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"region_name": "eu-west-1", "endpoint_url": "http://aws:5000"}
    connection = {"conn_type": "aws", "login": "tests", "password": "tests"}
    monkeypatch.setenv("AIRFLOW_CONN_PLAIN", json.dumps(connection | {"extra": extra}))
    monkeypatch.setenv("AIRFLOW_CONN_CHOSEN", json.dumps(connection | {"extra": extra | {"config_kwargs": CONFIG}}))
    clients = clients_of(load_settings({}))
    plain, chosen = clients("s3#plain").meta, clients("s3#chosen").meta
    assert plain.endpoint_url == chosen.endpoint_url == "http://aws:5000"
    assert (plain.config.connect_timeout, chosen.config.connect_timeout) == (10, 3)
    assert chosen.config.s3["addressing_style"] == "path"
    assert plain.config.retries["mode"] == chosen.config.retries["mode"] == "adaptive"
