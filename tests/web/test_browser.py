"""The pages in headless Chromium: charts draw, nothing breaks the policy, nothing is fetched from elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from labelhouse.settings import PROJECT_DIR
from web.chromium import complaints, drawn_marks, fetched, query_of, wait
from web.fake_lake import answers, publish, status, write_status

Site = Callable[[Path], str]


def test_the_charts_are_drawn_under_the_policy_and_offline(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/workers")
    marks = drawn_marks(clean_browser)
    assert len(marks) == 10
    assert marks[0] >= 25, "a bar per worker and modality"
    assert complaints(clean_browser) == []
    assert {urlsplit(address).netloc for address in fetched(clean_browser)} == {urlsplit(site).netloc}


def test_the_quality_page_keeps_the_policy(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/quality")
    assert "nothing is held back" in clean_browser.find_element(By.TAG_NAME, "main").text
    assert complaints(clean_browser) == []
    assert {urlsplit(address).netloc for address in fetched(clean_browser)} == {urlsplit(site).netloc}


def test_choosing_a_job_puts_it_into_the_url(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/workers")
    Select(clean_browser.find_element(By.ID, "job")).select_by_value("reviews")
    wait(clean_browser, lambda browser: query_of(browser).get("job") == ["reviews"])
    drawn_marks(clean_browser)
    assert clean_browser.find_element(By.CSS_SELECTOR, ".figure dd").text == "180"
    clean_browser.refresh()
    assert Select(clean_browser.find_element(By.ID, "job")).first_selected_option.text == "reviews"
    assert complaints(clean_browser) == []


def test_a_click_on_a_bar_shows_that_worker(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/workers?job=birds")
    drawn_marks(clean_browser)
    bar = clean_browser.find_element(By.CSS_SELECTOR, "#answers_per_worker .mark-rect path")
    ActionChains(clean_browser).move_to_element(bar).click().perform()
    wait(clean_browser, lambda browser: "worker" in query_of(browser))
    assert query_of(clean_browser)["job"] == ["birds"]
    worker = query_of(clean_browser)["worker"][0]
    assert worker in clean_browser.find_element(By.CSS_SELECTOR, ".chip").text
    assert clean_browser.find_elements(By.ID, "worker_answers")


def test_a_tooltip_names_the_whole_worker(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/workers")
    drawn_marks(clean_browser)
    bar = clean_browser.find_element(By.CSS_SELECTOR, "#answers_per_worker .mark-rect path")
    ActionChains(clean_browser).move_to_element(bar).perform()
    tooltip = wait(clean_browser, lambda browser: browser.find_element(By.CSS_SELECTOR, "#vg-tooltip-element.visible"))
    assert "p_" in tooltip.text
    assert len(next(word for word in tooltip.text.split() if word.startswith("p_"))) == 34
    assert tooltip.value_of_css_property("position") == "fixed", "our stylesheet styles it"
    assert complaints(clean_browser) == []


@pytest.mark.parametrize(("theme", "colours"), [("dark", "rgb(22, 29, 45)"), ("light", "rgb(255, 255, 255)")])
def test_the_pages_follow_the_theme_of_airflow(clean_browser: Chrome, site: str, theme: str, colours: str) -> None:
    clean_browser.get(f"{site}/quality")
    clean_browser.execute_script("localStorage.setItem('theme', arguments[0])", theme)
    clean_browser.refresh()
    assert clean_browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color") == colours.replace(
        "rgb", "rgba"
    ).replace(")", ", 1)")


def test_nothing_sticks_out_of_a_narrow_page(clean_browser: Chrome, site: str) -> None:
    narrow = {"width": 380, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    clean_browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    for page in ("workers", "annotations", "training", "operations", "cost", "quality", "dbt-docs"):
        clean_browser.get(f"{site}/{page}")
        if page in ("workers", "annotations", "training"):
            drawn_marks(clean_browser)
        assert clean_browser.execute_script("return document.documentElement.scrollWidth") <= 380


def test_hostile_names_are_drawn_and_never_run(clean_browser: Chrome, site_of: Site, tmp_path: Path) -> None:
    attack = '</script><img src=x onerror="window.attacked=1"><script>window.attacked=1</script>'
    rows = [row | {"worker_id": attack} for row in answers({attack: attack, "birds": "private"}, labels=(attack, "b"))]
    release = publish(tmp_path, rows)
    bad = status()["quarantine"][0] | {"reason": attack, "examples": [{"unit_uri": attack, "position": attack}]}
    write_status(tmp_path, status(release, quarantine=[bad]))
    site = site_of(tmp_path)
    filtered = [f"workers?{urlencode({name: attack})}" for name in ("job", "worker")]
    for address in ("workers", "quality", *filtered):
        clean_browser.get(f"{site}/{address}")
        if address != "quality":
            drawn_marks(clean_browser)
            bar = clean_browser.find_element(By.CSS_SELECTOR, "#answers_per_worker .mark-rect path")
            ActionChains(clean_browser).move_to_element(bar).perform()
            wait(clean_browser, lambda browser: browser.find_element(By.CSS_SELECTOR, "#vg-tooltip-element.visible"))
        assert "onerror" in clean_browser.page_source
        assert clean_browser.find_elements(By.CSS_SELECTOR, "img, main script:not([type='application/json'])") == []
        assert clean_browser.execute_script("return window.attacked") is None
    assert complaints(clean_browser) == []


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dbt's documentation of our own models, as a build makes it."""
    folder = tmp_path_factory.mktemp("docs")
    project = ["--project-dir", str(PROJECT_DIR / "dbt"), "--profiles-dir", str(PROJECT_DIR / "dbt")]
    output = ["--target-path", str(folder), "--log-path", str(folder)]
    subprocess.run(
        [Path(sys.executable).with_name("dbt"), "docs", "generate", "--static", "--empty-catalog", *project, *output],
        env=os.environ
        | {"LABELHOUSE_BUILD_DB": str(folder / "build.duckdb"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        check=True,
        capture_output=True,
    )
    return folder / "static_index.html"


def test_dbt_docs_work_in_their_sandbox(clean_browser: Chrome, site_of: Site, tmp_path: Path, docs: Path) -> None:
    release = publish(tmp_path, answers({"birds": "private"}))
    shutil.copy(docs, release.dbt_docs_path)
    site = site_of(tmp_path)
    clean_browser.get(f"{site}/dbt-docs")
    clean_browser.switch_to.frame(clean_browser.find_element(By.CSS_SELECTOR, "iframe.docs"))
    body = clean_browser.find_element(By.TAG_NAME, "body")
    wait(clean_browser, lambda _: "Projects" in body.text and "labelhouse" in body.text)
    clean_browser.execute_script("location.hash = '#!/model/model.labelhouse.fct_worker_response'")
    wait(clean_browser, lambda _: "agrees_with_consolidated" in body.text)
    assert clean_browser.execute_script("return window.origin") == "null"
    assert "SecurityError" in clean_browser.execute_script("try { parent.document.title } catch (e) { return e.name }")
    reached = clean_browser.execute_async_script(
        "const done = arguments[0]; fetch('/labelhouse/quality').then(() => done('reached'), () => done('stopped'))"
    )
    assert reached == "stopped"
    assert {urlsplit(address).netloc for address in fetched(clean_browser)} == {urlsplit(site).netloc}


def test_dbt_docs_opened_by_their_address_are_in_the_same_sandbox(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/dbt-docs/site")
    assert "made by script" in clean_browser.find_element(By.TAG_NAME, "body").text
    assert clean_browser.execute_script("return window.origin") == "null"
