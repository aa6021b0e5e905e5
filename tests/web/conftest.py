"""The pages without Airflow: a client for their routes, and a real browser."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from labelhouse.web.app import make_app
from labelhouse.web.guard import GuardedApp, Standing
from web.fake_annotations import sample_labels
from web.fake_cost import sample_costs
from web.fake_lake import FakeAccess, answers, publish
from web.fake_operations import sample_operations
from web.fake_quality import failing_check, many_checks, some_alarms, write_data_docs, write_quality
from web.fake_training import training_points
from web.fake_workers import gaps_of, other_tasks, tasks_of

#: Where Airflow would mount the pages.
PREFIX = "/labelhouse"
_CHROMIUM_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)


@pytest.fixture(scope="session")
def published_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with one release of three jobs and two dozen training runs, and its status."""
    lake = tmp_path_factory.mktemp("published") / "lake"
    rows = answers({"birds": "private", "street-scenes": "private", "reviews": "vendor"})
    tasks = tasks_of(rows)
    release = publish(
        lake,
        rows,
        training_points(),
        tasks=tasks + other_tasks(tasks),
        gaps=gaps_of(tasks),
        labels=sample_labels(),
        operations=sample_operations(),
        costs=sample_costs(),
    )
    checks = [failing_check(), *many_checks(40)]
    write_quality(lake, release, checks, some_alarms())
    write_data_docs(lake)
    return lake


@pytest.fixture
def access() -> FakeAccess:
    """Who is asked instead of Airflow."""
    return FakeAccess()


@pytest.fixture
def app_of(access: FakeAccess) -> Callable[[Path], GuardedApp]:
    """The pages of a lake."""
    return lambda lake: make_app(access, lambda: lake)


@pytest.fixture
def reader_of(app_of: Callable[[Path], GuardedApp]) -> Callable[[Path], TestClient]:
    """A client that may read the pages of a lake."""
    return lambda lake: TestClient(app_of(lake), headers={"Authorization": "Bearer viewer-token"})


@pytest.fixture
def reader(reader_of: Callable[[Path], TestClient], published_lake: Path) -> TestClient:
    """A client that may read the pages of the published lake."""
    return reader_of(published_lake)


@pytest.fixture
def site_of() -> Iterator[Callable[[Path], str]]:
    """Serves the pages of a lake to everybody, as Airflow mounts them; gives their address."""
    servers: list[tuple[uvicorn.Server, threading.Thread]] = []

    def serve(lake: Path) -> str:
        airflow = FastAPI()
        airflow.mount(PREFIX, make_app(FakeAccess(everybody=Standing.READER), lambda: lake))
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(airflow, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}{PREFIX}"

    yield serve
    for server, thread in servers:
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Headless Chromium with its console and its network requests recorded."""
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (*_CHROMIUM_ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture
def clean_browser(browser: Chrome) -> Chrome:
    """The browser with nothing recorded yet, in light colours."""
    browser.get("about:blank")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    for log in ("browser", "performance"):
        browser.get_log(log)
    return browser


@pytest.fixture
def site(site_of: Callable[[Path], str], published_lake: Path) -> str:
    """The address of the pages of the published lake."""
    return site_of(published_lake)
