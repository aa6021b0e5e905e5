"""What Airflow's plugin manager sees: the pages, mounted under /labelhouse, and their navigation entries.

Every Airflow process loads this file; only the api-server asks for what answers requests, and only then is
anything of the pages imported.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

URL_PREFIX = "/labelhouse"
#: Airflow itself may live below a path; it does not add that to an entry's address.
_AIRFLOW_PATH = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


def _entry(title: str, page: str) -> dict[str, Any]:
    address = f"{_AIRFLOW_PATH}{URL_PREFIX}"
    return {
        "name": title,
        "href": f"{address}/{page}",
        "destination": "nav",
        "url_route": f"labelhouse-{page}",
        "nav_top_level": True,
        "icon": f"{address}/static/{page}.svg",
        "icon_dark_mode": f"{address}/static/{page}-dark.svg",
    }


class LabelhousePlugin(AirflowPlugin):
    """The pages of labelhouse inside the Airflow UI."""

    name = "labelhouse"
    external_views: list[dict[str, Any]] = [  # noqa: RUF012 - declared like this by AirflowPlugin
        _entry("Workers", "workers"),
        _entry("Annotations", "annotations"),
        _entry("Training", "training"),
        _entry("Operations", "operations"),
        _entry("Cost", "cost"),
        _entry("Data quality", "quality"),
        _entry("dbt docs", "dbt-docs"),
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The one app; its `__call__` asks Airflow who is there before anything else."""
        from labelhouse.identity_map import names
        from labelhouse.settings import load_settings
        from labelhouse.web.access import AirflowAccess
        from labelhouse.web.app import make_app

        app = make_app(
            AirflowAccess(), lambda: load_settings().lake, lambda pseudonyms: names(load_settings(), pseudonyms)
        )
        return [{"name": "labelhouse", "app": app, "url_prefix": URL_PREFIX}]

    @cached_property
    def fastapi_root_middlewares(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """On SQLite alone, which Airflow recommends for trying it out only, writes have to take turns."""
        if not conf.get_mandatory_value("database", "sql_alchemy_conn").startswith("sqlite"):
            return []
        from labelhouse.web.turns import WritesTakeTurns

        return [{"name": "labelhouse: writes take turns", "middleware": WritesTakeTurns}]
