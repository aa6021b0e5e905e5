"""A simulated AWS that every client of this process and its children finds by AWS's own chain."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from labelhouse import folders

REGION = "eu-west-1"
SECRET = "canary/secret/access/key"


@contextmanager
def simulated_s3(*buckets: str) -> Iterator[str]:
    """Moto's server, with these buckets and nothing of an earlier one in this process; its endpoint."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        named = {"ENDPOINT_URL": endpoint, "DEFAULT_REGION": REGION, "REGION": REGION, "ACCESS_KEY_ID": "tests"}
        for name, value in (named | {"SECRET_ACCESS_KEY": SECRET, "EC2_METADATA_DISABLED": "true"}).items():
            patch.setenv(f"AWS_{name}", value)
        folders._client.cache_clear()
        requests.post(f"{endpoint}/moto-api/reset", timeout=60).raise_for_status()
        try:
            for bucket in buckets:
                boto3.client("s3").create_bucket(
                    Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
                )
            yield endpoint
        finally:
            folders._client.cache_clear()
            server.stop()
