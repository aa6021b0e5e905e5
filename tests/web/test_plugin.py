"""What Airflow's plugin manager loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labelhouse.settings import PROJECT_DIR

PLUGINS = PROJECT_DIR / "plugins"

_LOAD = """
import json, os, sys
from airflow import plugins_manager
from airflow._shared.plugins_manager import _load_plugins_from_plugin_directory as load
plugins, errors = load(sys.argv[1])
before = sorted(name for name in sys.modules if name.startswith("labelhouse"))
views = [view for plugin in plugins for view in plugin.external_views]
apps = [app for plugin in plugins for app in plugin.fastapi_apps]
same = apps[0]["app"] is plugins[0].fastapi_apps[0]["app"]
middlewares = {}
for database in ("sqlite:////tmp/airflow.db", "postgresql://airflow@database/airflow"):
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = database
    middlewares[database.partition(":")[0]] = len(type(plugins[0])().fastapi_root_middlewares)
print(json.dumps({
    "errors": errors, "before": before, "views": views, "same": same, "middlewares": middlewares,
    "apps": [(app["name"], app["url_prefix"], type(app["app"]).__name__) for app in apps],
}))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process finds that loads the plugins folder as Airflow does, below a path of its own."""
    environ = os.environ | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__API__BASE_URL": "https://example.com/airflow/",
        "PYTHONPATH": str(PLUGINS),
    }
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, str(PLUGINS)], env=environ, check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_airflow_looks_at_one_file_only() -> None:
    assert (PLUGINS / ".airflowignore").read_text().split() == ["labelhouse/"]


def test_it_loads_without_the_pages(loaded: dict[str, Any]) -> None:
    assert loaded["errors"] == {}
    assert loaded["before"] == ["labelhouse_plugin"], "every Airflow process loads it, few need the pages"


def test_the_one_app_is_guarded(loaded: dict[str, Any]) -> None:
    assert loaded["apps"] == [["labelhouse", "/labelhouse", "GuardedApp"]]
    assert loaded["same"], "Airflow asks more than once, and mounts what it got first"


def test_writes_take_turns_on_sqlite_alone(loaded: dict[str, Any]) -> None:
    assert loaded["middlewares"] == {"sqlite": 1, "postgresql": 0}


def test_every_entry_leads_to_a_page_where_airflow_lives(loaded: dict[str, Any]) -> None:
    entries = {view["name"]: view for view in loaded["views"]}
    assert list(entries) == ["Workers", "Annotations", "Training", "Operations", "Cost", "Data quality", "dbt docs"]
    for view in entries.values():
        assert view["href"].startswith("/airflow/labelhouse/")
        assert view["nav_top_level"] is True
        assert view["destination"] == "nav"
        for icon in (view["icon"], view["icon_dark_mode"]):
            assert (PLUGINS / "labelhouse" / "web" / "static" / Path(icon).name).is_file()
    assert len({view["url_route"] for view in entries.values()}) == 7
