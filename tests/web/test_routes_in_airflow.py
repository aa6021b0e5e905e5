"""The pages inside a real Airflow: every route, for everybody who may and may not read."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from labelhouse.checks.data_docs import documented_builds
from labelhouse.marts.read import query
from labelhouse.marts.releases import current_release
from labelhouse.web.app import make_app
from labelhouse.web.guard import HEADERS
from labelhouse.web.quality_checks import check_query
from web.fake_lake import FakeAccess

PREFIX = "/labelhouse"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
NO_ROUTES = ("/openapi.json", "/docs", "/redoc", "/nothing-here", "/static/..%2fapp.py", "/static/%252e%252e/app.py")
#: A file and a tile stand for the routes that serve them all.
_NAMES = {
    "/workers/{name}.csv": "worker_table",
    "/annotations/{name}.csv": "label_quality",
    "/annotations/object/{name}.csv": "life",
    "/training/{name}.csv": "run_table",
    "/training/chart/{name}.csv": "metrics",
    "/operations/{name}.csv": "pipeline_table",
    "/cost/{name}.csv": "cost_per_month",
    "/quality/{name}.csv": "checks",
    "/static/{name}": "app.css",
}
PATHS = [
    PREFIX + route.path.replace("{name}", _NAMES.get(route.path, ""))  # type: ignore[attr-defined]
    for route in make_app(FakeAccess(), Path).routes
]
ROUTES = [path.format(build_id="20260930T115500.000000Z", file="index.html") for path in PATHS]
#: Routes that show one thing, which their address has to name.
OF_ONE_THING = (
    f"{PREFIX}/annotations/object",
    f"{PREFIX}/quality/check",
    f"{PREFIX}/quality/alarm",
    f"{PREFIX}/quality/docs/",
)
EVERYTHING = [*ROUTES, *(PREFIX + path for path in NO_ROUTES)]

Send = Callable[..., httpx.Response]


@pytest.fixture
def send(airflow: Any) -> Send:
    """Sends a request to the Airflow server, following nothing."""

    def request(method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, airflow.url + path, timeout=60, trust_env=False, **options)

    return request


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def forged_tokens(token: str) -> dict[str, str]:
    """Tokens that look like `token` and are not: nobody but Airflow could have signed these."""
    header, claims, _ = token.split(".")
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    facts = jwt.decode(token, options={"verify_signature": False})
    return {
        "garbage": "garbage",
        "signature cut off": f"{header}.{claims}.",
        "not signed": f"{unsigned}.{claims}.",
        "another key": jwt.encode(facts | {"sub": "admin", "role": "admin"}, "x" * 64, algorithm="HS512"),
    }


def test_nobody_gets_in_without_a_login(send: Send) -> None:
    for method in METHODS:
        for path in EVERYTHING:
            answer = send(method, path)
            assert answer.status_code == 401, f"{method} {path}"
            assert len(answer.content) < 100
            assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_nobody_gets_in_with_a_forged_token(send: Send, airflow: Any) -> None:
    for kind, token in forged_tokens(airflow.token("viewer")).items():
        for path in EVERYTHING:
            assert send("GET", path, headers=bearer(token)).status_code == 401, f"{kind} {path}"
            assert send("GET", path, cookies={"_token": token}).status_code == 401, f"{kind} cookie {path}"


def test_nobody_gets_in_with_an_expired_token(send: Send, airflow: Any) -> None:
    facts = jwt.decode(token := airflow.token("admin"), options={"verify_signature": False})
    secret, header = airflow.environ["AIRFLOW__API_AUTH__JWT_SECRET"], jwt.get_unverified_header(token)
    again = jwt.encode(facts, secret, algorithm=header["alg"], headers=header)
    assert send("GET", ROUTES[1], headers=bearer(again)).status_code == 200, "signed as Airflow signs"
    past = {"iat": int(time.time()) - 7200, "nbf": int(time.time()) - 7200, "exp": int(time.time()) - 3600}
    expired = jwt.encode(facts | past, secret, algorithm=header["alg"], headers=header)
    for path in EVERYTHING:
        assert send("GET", path, headers=bearer(expired)).status_code == 401, path
        assert send("GET", path, cookies={"_token": expired}).status_code == 401, path


def test_a_user_without_a_role_is_refused_everywhere(send: Send, airflow: Any) -> None:
    token = airflow.token("norole")
    for method in METHODS:
        for path in EVERYTHING:
            answer = send(method, path, headers=bearer(token))
            assert answer.status_code == 403, f"{method} {path}"
            assert len(answer.content) < 100


@pytest.mark.parametrize("user", ["viewer", "op", "admin"])
def test_every_role_reads_every_route(send: Send, airflow: Any, user: str) -> None:
    token = airflow.token(user)
    for credentials in ({"headers": bearer(token)}, {"cookies": {"_token": token}}):
        for path in [*(path for path in ROUTES if not path.startswith(OF_ONE_THING)), *one_things(airflow.lake)]:
            answer = send("GET", path, **credentials)
            assert answer.status_code == (303 if path == f"{PREFIX}/" else 200), path
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert {send("GET", PREFIX + path, **credentials).status_code for path in NO_ROUTES} == {404}
        assert {send("POST", path, **credentials).status_code for path in ROUTES} == {405}


def test_a_browser_logs_in_and_comes_back(browser: Chrome, airflow: Any) -> None:
    browser.delete_all_cookies()
    browser.get(f"{airflow.url}{PREFIX}/quality")
    log_in(browser, airflow, "viewer")
    WebDriverWait(browser, 30).until(lambda it: it.current_url == f"{airflow.url}{PREFIX}/quality")
    assert browser.find_element(By.TAG_NAME, "h1").text == "Data quality"


def test_the_pages_are_entries_of_the_navigation(browser: Chrome, airflow: Any) -> None:
    browser.get(f"{airflow.url}/auth/login")
    browser.delete_all_cookies()
    browser.get(f"{airflow.url}/auth/login?next=/plugin/labelhouse-workers")
    log_in(browser, airflow, "viewer")
    for page, title in (
        ("workers", "Workers"),
        ("annotations", "Annotations"),
        ("training", "Training"),
        ("quality", "Data quality"),
        ("dbt-docs", "dbt docs"),
    ):
        open_entry(browser, page, title)
        assert browser.find_element(By.TAG_NAME, "h1").text == title


def test_a_filter_is_part_of_the_address_that_people_share(browser: Chrome, airflow: Any) -> None:
    browser.get(f"{airflow.url}/auth/login")
    browser.delete_all_cookies()
    browser.get(f"{airflow.url}/auth/login?next=/")
    log_in(browser, airflow, "op")
    WebDriverWait(browser, 30).until(lambda it: "/auth/" not in it.current_url)
    browser.get(f"{airflow.url}/plugin/labelhouse-workers{PREFIX}/workers?job=birds")
    browser.switch_to.frame(wait_for(browser, "iframe[title='Workers']"))
    WebDriverWait(browser, 30).until(lambda it: it.execute_script("return location.search") == "?job=birds")


def test_a_link_into_airflow_leaves_the_frame(browser: Chrome, airflow: Any) -> None:
    browser.get(f"{airflow.url}/auth/login")
    browser.delete_all_cookies()
    browser.get(f"{airflow.url}/auth/login?next=/plugin/labelhouse-quality")
    log_in(browser, airflow, "op")
    browser.switch_to.frame(wait_for(browser, "iframe[title='Data quality']"))
    wait_for(browser, "h1")
    browser.execute_script("""
        const link = document.createElement('a');
        Object.assign(link, { href: '/dags/release_hold', id: 'into-airflow', textContent: 'release_hold' });
        link.dataset.airflow = '';
        document.querySelector('main').prepend(link);
    """)
    browser.find_element(By.ID, "into-airflow").click()
    browser.switch_to.default_content()
    WebDriverWait(browser, 30).until(lambda it: it.current_url == f"{airflow.url}/dags/release_hold")
    WebDriverWait(browser, 30).until(lambda it: not it.find_elements(By.CSS_SELECTOR, "iframe[title='Data quality']"))
    WebDriverWait(browser, 30).until(lambda it: "release_hold" in it.find_element(By.TAG_NAME, "body").text)


def one_things(lake: Path) -> list[str]:
    """Addresses of one check, one alarm, one page of Data Docs and one dataset object, as far as the lake has them."""
    checks = json.loads((lake / "status.json").read_text())["checks"]
    queries = [check_query(check) for check in checks]
    found = [f"/quality/check?{query}" for query in queries if query][:1]
    alarms = lake / "alarms.json"
    if alarms.is_file():
        names = [alarm["alarm_name"] for alarm in json.loads(alarms.read_text())["alarms"]]
        found += [f"/quality/alarm?{urlencode({'name': name})}" for name in names[:1]]
    found += [f"/annotations/object{part}?{query}" for query in _one_object(lake) for part in ("", "/life.csv")]
    found += [f"/quality/docs/{build_id}/index.html" for build_id in documented_builds(lake)[:1]]
    return [PREFIX + address for address in found]


def _one_object(lake: Path) -> list[str]:
    """What names one labelled object in addresses, where the lake has any."""
    release = current_release(lake)
    if release is None:
        return []
    rows = query(release, "select labeling_job_name, dataset_object_id from fct_dataset_object limit 1").to_pylist()
    return [urlencode({"job": row["labeling_job_name"], "object": row["dataset_object_id"]}) for row in rows]


def log_in(browser: Chrome, airflow: Any, user: str) -> None:
    """Fills in Airflow's own login form."""
    wait_for(browser, "[name=username]").send_keys(user)
    browser.find_element(By.NAME, "password").send_keys(airflow.password(user))
    browser.find_element(By.CSS_SELECTOR, "button[type=submit]").click()


def open_entry(browser: Chrome, page: str, title: str) -> None:
    """Clicks an entry of Airflow's navigation and steps into the frame that it opens."""
    browser.switch_to.default_content()
    entry = wait_for(browser, f"a[href$='plugin/labelhouse-{page}']")
    assert title in entry.text
    icon = entry.find_element(By.TAG_NAME, "img")
    WebDriverWait(browser, 30).until(lambda _: icon.get_property("naturalWidth"))
    entry.click()
    browser.switch_to.frame(wait_for(browser, f"iframe[title='{title}']"))
    wait_for(browser, "h1")


def wait_for(browser: Chrome, selector: str) -> WebElement:
    """The first element of that selector, as soon as there is one."""
    return WebDriverWait(browser, 30).until(lambda it: it.find_elements(By.CSS_SELECTOR, selector))[0]


def test_writes_at_once_are_all_answered_soon(airflow: Any, send: Send) -> None:
    headers = bearer(airflow.token("admin"))

    def write(number: int) -> int:
        body = {"key": f"at_once_{number}", "value": "some"}
        return send("POST", "/api/v2/variables", headers=headers, json=body).status_code

    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(24))) == {201}
    assert time.monotonic() - began < 30, "two writes waited for each other, for a minute at least"
