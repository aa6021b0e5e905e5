"""Runs one DAG file where heavy libraries are missing and every connection fails; prints its cost as JSON."""

import json
import runpy
import socket
import sys
import time

import airflow.sdk
import pytest

HEAVY = ("pyarrow", "boto3", "botocore", "pyiceberg", "duckdb", "pandas", "numpy", "moto", "great_expectations", "dbt")


class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)


def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise OSError(f"no network here: {event} {arguments}")


assert airflow.sdk  # what any DAG file costs, and its processor has loaded already
already = [name for name in HEAVY if name in sys.modules]
sys.meta_path.insert(0, Missing())
sys.addaudithook(refuse)
with pytest.raises(OSError, match="no network here"):
    socket.create_connection(("127.0.0.1", 9), timeout=1)
began = time.process_time()
found = runpy.run_path(sys.argv[1])
print(json.dumps({"seconds": time.process_time() - began, "already": already, "names": sorted(found)}))
