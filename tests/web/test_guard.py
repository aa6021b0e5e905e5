"""Nobody gets a byte of the pages before Airflow says that they may read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from labelhouse.web.app import make_app
from labelhouse.web.guard import HEADERS, GuardedApp
from web.fake_lake import FakeAccess
from web.fake_quality import BUILD_ID, FAILING_CHECK

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
#: Not routes: what FastAPI adds unless told otherwise, and what attackers try.
NO_ROUTES = (
    "/openapi.json",
    "/docs",
    "/docs/oauth2-redirect",
    "/redoc",
    "/nothing-here",
    "/static/",
    "/static/..%2fapp.py",
    "/static/%252e%252e/app.py",
    "/static/..%5capp.py",
    f"/quality/docs/{BUILD_ID}/..%2fpages.json",
    f"/quality/docs/..%2f..%2freleases/{BUILD_ID}/index.html",
)
READERS = ("viewer-token", "op-token", "admin-token")


@pytest.fixture
def app(app_of: Callable[[Path], GuardedApp], published_lake: Path) -> GuardedApp:
    return app_of(published_lake)


def routes(app: FastAPI) -> list[str]:
    """An address of every route of the app, the static files included."""
    values = {
        "/workers/{name}.csv": "worker_table",
        "/annotations/{name}.csv": "label_quality",
        "/annotations/object/{name}.csv": "life",
        "/training/{name}.csv": "run_table",
        "/training/chart/{name}.csv": "points",
        "/operations/{name}.csv": "metric_series",
        "/cost/{name}.csv": "cost_per_month",
        "/quality/{name}.csv": "checks",
        "/static/{name}": "app.css",
    }
    an_object = "?job=crossing&object=0"
    queries = {"/quality/check": f"?{FAILING_CHECK}", "/quality/alarm": "?name=quarantine"}
    queries |= {"/annotations/object": an_object, "/annotations/object/{name}.csv": an_object}
    page = f"/quality/docs/{BUILD_ID}/marts.fct_task.html"
    paths = [route.path for route in app.routes]  # type: ignore[attr-defined]
    return [
        page if "{file}" in path else path.replace("{name}", values.get(path, "")) + queries.get(path, "")
        for path in paths
    ]


def test_the_walk_finds_every_route(app: GuardedApp) -> None:
    assert set(routes(app)) == {
        "/",
        "/workers",
        "/workers/worker_table.csv",
        "/annotations",
        "/annotations/label_quality.csv",
        "/annotations/object?job=crossing&object=0",
        "/annotations/object/life.csv?job=crossing&object=0",
        "/training",
        "/training/run_table.csv",
        "/training/chart",
        "/training/chart/points.csv",
        "/operations",
        "/operations/metric_series.csv",
        "/cost",
        "/cost/cost_per_month.csv",
        "/quality",
        "/quality/checks.csv",
        f"/quality/check?{FAILING_CHECK}",
        "/quality/alarm?name=quarantine",
        "/quality/docs",
        f"/quality/docs/{BUILD_ID}/marts.fct_task.html",
        "/dbt-docs",
        "/dbt-docs/site",
        "/static/app.css",
    }


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (None, 401),
        ("Bearer forged", 401),
        ("Bearer ", 401),
        ("Basic dmlld2VyOnZpZXdlcg==", 401),
        ("Bearer norole-token", 403),
    ],
)
def test_others_are_refused_everywhere_with_every_method(
    app: GuardedApp, authorization: str | None, expected: int, method: str
) -> None:
    client = TestClient(app, headers={"Authorization": authorization} if authorization else {})
    for path in (*routes(app), *NO_ROUTES):
        answer = client.request(method, path, follow_redirects=False)
        assert answer.status_code == expected, path
        assert len(answer.content) < 100
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("token", READERS)
def test_every_role_reads_every_route(app: GuardedApp, token: str) -> None:
    client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
    assert {path: client.get(path).status_code for path in routes(app)} == dict.fromkeys(routes(app), 200)
    assert {path: client.head(path).status_code for path in routes(app)} == dict.fromkeys(routes(app), 200)
    assert {client.get(path).status_code for path in NO_ROUTES} == {404}
    assert {client.post(path).status_code for path in routes(app)} == {405}


@pytest.mark.parametrize("headers", [{"Accept": "text/html,*/*"}, {"Sec-Fetch-Mode": "navigate"}])
def test_a_browser_is_sent_to_the_login_and_back(app: GuardedApp, headers: dict[str, str]) -> None:
    answer = TestClient(app).get("/workers?job=a%26b&sort=-x", headers=headers, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/auth/login?next=%2Fworkers%3Fjob%3Da%2526b%26sort%3D-x"


def test_where_the_pages_are_mounted_is_part_of_the_way_back(app: GuardedApp) -> None:
    airflow = FastAPI()
    airflow.mount("/labelhouse", app)
    client = TestClient(airflow, headers={"Accept": "text/html"})
    answer = client.get("/labelhouse/quality", follow_redirects=False)
    assert answer.headers["location"] == "/auth/login?next=%2Flabelhouse%2Fquality"


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "///evil.example", "/\\evil.example", "/%5Cevil.example", "/%2F%2Fevil.example"]
)
def test_the_way_back_is_never_another_host(app: GuardedApp, path: str) -> None:
    client = TestClient(app, base_url="http://airflow.example", headers={"Accept": "text/html"})
    answer = client.get(f"http://airflow.example{path}", follow_redirects=False)
    way_back = answer.headers["location"].removeprefix("/auth/login?next=")
    assert way_back.startswith("%2F")
    assert not way_back.startswith(("%2F%2F", "%2F%5C"))


def test_a_script_that_asks_for_a_page_gets_no_login(app: GuardedApp) -> None:
    fetched = {"Accept": "text/html", "Sec-Fetch-Mode": "cors"}
    assert TestClient(app).get("/workers", headers=fetched).status_code == 401


@pytest.mark.parametrize("token", ["forged", *READERS])
def test_there_are_no_websockets(app: GuardedApp, token: str) -> None:
    client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/workers"):
        pass


def test_an_error_keeps_the_headers_and_says_nothing(access: FakeAccess) -> None:
    def lake() -> Path:
        raise RuntimeError("secret detail")

    client = TestClient(
        make_app(access, lake), headers={"Authorization": "Bearer viewer-token"}, raise_server_exceptions=False
    )
    answer = client.get("/workers")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_an_access_that_fails_lets_nobody_in(
    app: GuardedApp, access: FakeAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(request: object) -> object:
        raise RuntimeError("no database")

    monkeypatch.setattr(access, "standing", broken)
    airflow = FastAPI()
    airflow.mount("/labelhouse", app)
    client = TestClient(airflow, raise_server_exceptions=False)
    assert {client.get(f"/labelhouse{path}").status_code for path in routes(app)} == {500}
