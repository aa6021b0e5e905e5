"""Loaded by every Python of the Airflow under test: notes connections that leave the loopback, obeys orders of tests.

The folder in WATCH holds `network.log` and the orders, files named after a moment. The process that reaches the
moment of a `kill` first takes the order away and dies as by kill -9; that of a `pause` waits until it is taken away.
"""

import importlib.abc
import importlib.machinery
import ipaddress
import os
import signal
import sys
import time
from pathlib import Path

WATCH = Path(os.environ["WATCH"])


def watch_network(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not is_loopback(host):
        with (WATCH / "network.log").open("a") as log:
            log.write(f"{event} {host} {sys.argv}\n")
        raise OSError(f"{host} lies beyond the loopback")


def is_loopback(host):
    host = host.decode() if isinstance(host, bytes) else host
    try:
        return host in (None, "", "localhost") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def obey_orders(moment):
    if os.environ.get("AIRFLOW_CTX_DAG_RUN_ID", "").startswith("scheduled"):
        return  # an hour that begins in the middle of a test is none of its business
    order = WATCH / f"pause {moment}"
    if order.exists():
        (WATCH / f"pausing {moment}").write_text(str(os.getpid()))
        while order.exists():
            time.sleep(0.1)
    try:
        (WATCH / f"kill {moment}").unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def after(function, moment):
    def call(*args, **kwargs):
        result = function(*args, **kwargs)
        obey_orders(moment)
        return result

    return call


def before(function, moment):
    def call(*args, **kwargs):
        obey_orders(moment)
        return function(*args, **kwargs)

    return call


def prepare(module):
    """The rows of a load go to two tables, one after the other; then comes the ledger."""
    if module.__name__ == "labelhouse.lake.write":
        module.BatchLoad._append = after(module.BatchLoad._append, "after the first table")
    if module.__name__ == "labelhouse.lake.ledger":
        module.Ledger.append = before(module.Ledger.append, "before the ledger")
    if module.__name__ == "labelhouse.marts.publish":
        module.publish_build = before(module.publish_build, "before the publication")


class PreparingFinder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if not name.startswith(("labelhouse.lake.", "labelhouse.marts.")):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                prepare(module)

            spec.loader.exec_module = exec_module
        return spec


sys.addaudithook(watch_network)
sys.meta_path.insert(0, PreparingFinder())
