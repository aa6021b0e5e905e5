"""Data quality in headless Chromium: pictures without a script, charts under the policy, Data Docs in their sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from web.chromium import complaints, cut_labels, drawn_marks, fetched, query_of, wait
from web.fake_quality import (
    BUILD_ID,
    FAILING_CHECK,
    alarm,
    categories,
    check,
    drift_check,
    failing_check,
    held,
    many_checks,
    some_alarms,
    write_data_docs,
    write_quality,
)

Site = Callable[[Path], str]
PAGES = ("quality", f"quality/check?{FAILING_CHECK}", "quality/alarm?name=quarantine", "quality/docs")


@pytest.fixture(scope="module")
def rich_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A held lake with checks of every outcome, alarms of every state, and Data Docs."""
    lake = tmp_path_factory.mktemp("rich") / "lake"
    write_quality(lake, None, [*many_checks(150), failing_check()], some_alarms(), held=held())
    write_data_docs(lake)
    return lake


def shown(browser: Chrome, selector: str) -> int:
    """How many pictures of that selector have a mark that can be seen."""
    script = """
        return [...document.querySelectorAll(arguments[0])].filter((svg) =>
            [...svg.querySelectorAll('rect, path, circle')].some((mark) => {
                const box = mark.getBoundingClientRect(), style = getComputedStyle(mark);
                return (box.width || box.height) && (style.fill !== 'none' || style.stroke !== 'none');
            })).length
    """
    count: int = browser.execute_script(script, selector)
    return count


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 1000, 400])
def test_pages_keep_the_policy_and_nothing_sticks_out(
    clean_browser: Chrome, site_of: Site, rich_lake: Path, width: int, theme: str
) -> None:
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    clean_browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    site = site_of(rich_lake)
    clean_browser.get(f"{site}/quality")
    clean_browser.execute_script("localStorage.setItem('theme', arguments[0])", theme)
    for address in PAGES:
        clean_browser.get(f"{site}/{address}")
        if clean_browser.find_elements(By.CSS_SELECTOR, ".plot"):
            drawn_marks(clean_browser)
        assert cut_labels(clean_browser) == []
        assert clean_browser.execute_script("return document.documentElement.scrollWidth") <= width, address
    assert complaints(clean_browser) == []
    assert all(address.startswith(site) for address in fetched(clean_browser))


def test_pictures_need_no_script(clean_browser: Chrome, site_of: Site, rich_lake: Path) -> None:
    clean_browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        clean_browser.get(f"{site_of(rich_lake)}/quality")
        clean_browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        cards = clean_browser.find_elements(By.CSS_SELECTOR, "#tables .card")
        assert len(cards) == 26
        assert shown(clean_browser, "#tables .spark") == 26
        assert shown(clean_browser, "#alarms .spark") == 3, "one alarm has no datapoint"
        assert shown(clean_browser, "#drift .drawing") == 4
        assert shown(clean_browser, "#checks details[open] .spark") >= 8
        clean_browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        Select(clean_browser.find_element(By.ID, "suite")).select_by_value("drift")
        Select(clean_browser.find_element(By.ID, "state")).select_by_value("warning")
        clean_browser.find_element(By.CSS_SELECTOR, ".filters button").click()
        wait(clean_browser, lambda browser: query_of(browser).get("state") == ["warning"])
    finally:
        clean_browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert len(clean_browser.find_elements(By.CSS_SELECTOR, "#checks li")) == 3


def test_a_card_leads_to_the_checks_and_a_check_to_its_history(
    clean_browser: Chrome, site_of: Site, rich_lake: Path
) -> None:
    clean_browser.get(f"{site_of(rich_lake)}/quality")
    clean_browser.find_element(By.CSS_SELECTOR, "#tables .card").click()
    wait(clean_browser, lambda browser: query_of(browser).get("table") == ["fct_task"])
    clean_browser.find_element(By.CSS_SELECTOR, "#checks li.failed a").click()
    wait(clean_browser, lambda browser: query_of(browser).get("check") == ["submitted_after_accepted"])
    assert drawn_marks(clean_browser)[0] >= 60
    assert "5,150" in clean_browser.find_element(By.CSS_SELECTOR, ".figure.alarm").text
    assert complaints(clean_browser) == []


def test_data_docs_are_readable_and_can_do_nothing(clean_browser: Chrome, site_of: Site, rich_lake: Path) -> None:
    folder = rich_lake / "data_docs" / BUILD_ID
    page = (folder / "index.html").read_text()
    attack = "<script>document.title = 'ran'</script><img src=x onerror=\"document.title = 'ran'\">"
    (folder / "marts.fct_task.html").write_text(page + attack)
    site = site_of(rich_lake)
    clean_browser.get(f"{site}/quality/docs?build={BUILD_ID}&page=marts.fct_task.html")
    clean_browser.switch_to.frame(clean_browser.find_element(By.CSS_SELECTOR, "iframe.docs"))
    paragraph = clean_browser.find_element(By.TAG_NAME, "p")
    assert paragraph.text == "Met by all rows."
    assert paragraph.value_of_css_property("color") == "rgba(1, 2, 3, 1)", "the one style of the page is applied"
    for address in (None, f"{site}/quality/docs/{BUILD_ID}/marts.fct_task.html"):
        if address:
            clean_browser.get(address)
        assert clean_browser.execute_script("return document.title") == "Data Docs"
        assert clean_browser.execute_script("return window.origin") == "null"
    assert all(each.startswith(site) for each in fetched(clean_browser))


def test_hostile_names_are_drawn_and_never_run(clean_browser: Chrome, site_of: Site, tmp_path: Path) -> None:
    attack = '</title></svg></script><img src=x onerror="window.attacked=1"><script>window.attacked=1</script>'
    hostile = check("marts", attack, 0, sentence=attack, check_name=attack, subject=attack, finding=attack)
    hostile |= {"verdict": "not_met", "is_success": False, "unexpected_count": 9}
    checks = [hostile, drift_check(0, attack, categories(attack, "b"), verdict="not_met", statistic_name=attack)]
    alarms = [alarm(attack, "ALARM", description=attack, reason=attack, metric=attack)]
    write_quality(tmp_path, None, checks, alarms, held=held() | {"sentence": attack})
    site = site_of(tmp_path)
    names = {"suite": "marts", "table": attack, "check": attack, "subject": attack}
    of_drift = {"suite": "drift", "table": "fct_run_metric", "check": "final_value: distribution", "subject": attack}
    addresses = ["quality", *(f"quality/check?{urlencode(each)}" for each in (names, of_drift))]
    for address in (*addresses, f"quality/alarm?{urlencode({'name': attack})}"):
        clean_browser.get(f"{site}/{address}")
        if clean_browser.find_elements(By.CSS_SELECTOR, ".plot"):
            drawn_marks(clean_browser)
        assert "onerror" in clean_browser.page_source
        assert clean_browser.find_elements(By.CSS_SELECTOR, "img, main script:not([type='application/json'])") == []
        assert clean_browser.execute_script("return window.attacked") is None
    assert complaints(clean_browser) == []


def test_a_link_into_airflow_asks_its_router_from_within_its_frame(
    clean_browser: Chrome, site_of: Site, rich_lake: Path
) -> None:
    site = site_of(rich_lake)
    clean_browser.get(f"{site}/quality/docs")  # stands for Airflow: of the same origin, and may frame
    framed = """
        const frame = document.createElement('iframe');
        frame.sandbox = 'allow-scripts allow-same-origin allow-forms allow-downloads';
        frame.src = arguments[0];
        window.routed = [];
        addEventListener('popstate', () => window.routed.push(location.pathname));
        document.body.replaceChildren(frame);
        frame.addEventListener('load', arguments[1]);
    """
    clean_browser.execute_async_script(framed, f"{site}/quality")
    clean_browser.switch_to.frame(clean_browser.find_element(By.TAG_NAME, "iframe"))
    clean_browser.find_element(By.CSS_SELECTOR, "a[data-airflow]").click()
    clean_browser.switch_to.default_content()
    assert wait(clean_browser, lambda browser: browser.execute_script("return window.routed")) == ["/dags/release_hold"]
