"""Runs DAG files, each in a process of its own, where heavy libraries are missing and every connection fails.

Prints their costs as JSON, in their order.
"""

import json
import os
import runpy
import socket
import sys
import time
import traceback

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


def cost_of(file):
    """Forked from what any DAG file costs anyway: airflow.sdk is imported."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            began = time.process_time()
            found = runpy.run_path(file)
            cost = {"seconds": time.process_time() - began, "already": already, "names": sorted(found)}
            os.write(write, json.dumps(cost).encode())
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return json.loads(said)


print(json.dumps([cost_of(file) for file in sys.argv[1:]]))
