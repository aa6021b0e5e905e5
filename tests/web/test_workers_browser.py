"""Workers in headless Chromium: the charts draw under the policy, nothing is cut off, a click narrows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from web.chromium import complaints, cut_labels, drawn_marks, fetched, query_of, wait
from web.fake_lake import answers, publish, status, write_status
from web.fake_workers import gaps_of, other_tasks, tasks_of

Site = Callable[[Path], str]
CHARTS = (
    "time_per_worker",
    "idle_per_worker",
    "time_by_modality",
    "tasks_per_hour",
    "tasks_per_day",
    "outcomes_per_worker",
)


@pytest.fixture(scope="module")
def crowded_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of 36 workers and 24 jobs with long names."""
    lake = tmp_path_factory.mktemp("crowded") / "lake"
    rows = answers({f"street-scenes-of-the-north-{number:02d}": "private" for number in range(24)}, 36, 50)
    # what AWS makes of an id
    rows = [row | {"worker_id": f"private.eu-west-1.{row['worker_id'][2:18].upper()}"} for row in rows]
    tasks = tasks_of(rows)
    release = publish(lake, rows, tasks=tasks + other_tasks(tasks), gaps=gaps_of(tasks))
    write_status(lake, status(release))
    return lake


def texts(browser: Chrome, tile: str) -> list[str]:
    """What is written in the chart of a tile."""
    return [each.text for each in browser.find_elements(By.CSS_SELECTOR, f"#{tile} svg text") if each.text]


def bars(browser: Chrome, tile: str) -> int:
    return len(browser.find_elements(By.CSS_SELECTOR, f"#{tile} svg .mark-rect path"))


def test_the_charts_are_drawn_under_the_policy_and_say_their_units(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/workers")
    drawn_marks(clean_browser)
    for tile in CHARTS:
        assert bars(clean_browser, tile) > 2, tile
    assert "minutes" in texts(clean_browser, "time_per_worker")
    assert {"image", "video", "text", "worker"} <= set(texts(clean_browser, "time_per_worker"))
    assert {"active", "idle"} <= set(texts(clean_browser, "idle_per_worker"))
    assert {"submitted", "returned", "declined", "abandoned"} <= set(texts(clean_browser, "outcomes_per_worker"))
    assert any(" min " in each for each in texts(clean_browser, "time_by_modality")), "the bars say how long"
    assert {"Mon", "Sun", "00", "21"} <= set(texts(clean_browser, "tasks_per_hour"))
    assert complaints(clean_browser) == []
    assert all(address.startswith(site) for address in fetched(clean_browser))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 1000, 400])
def test_nothing_is_cut_off_with_many_workers_and_jobs(
    clean_browser: Chrome, site_of: Site, crowded_lake: Path, width: int, theme: str
) -> None:
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    clean_browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    site = site_of(crowded_lake)
    clean_browser.get(f"{site}/quality")
    clean_browser.execute_script("localStorage.setItem('theme', arguments[0])", theme)
    clean_browser.get(f"{site}/workers")
    drawn_marks(clean_browser)
    assert cut_labels(clean_browser) == []
    assert clean_browser.execute_script("return document.documentElement.scrollWidth") <= width
    names = [each for each in texts(clean_browser, "time_per_worker") if not each.startswith("private.")]
    assert len({each for each in names if len(each) == 16}) == 25, "a name on every line, and each its own"
    if width == 1400:
        tall = clean_browser.find_elements(By.CSS_SELECTOR, "#worker_table tbody tr")[0]
        assert tall.size["height"] < 60, "a worker is a line or two"
    assert complaints(clean_browser) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_beside_bars_are_legible_in_both_themes(clean_browser: Chrome, site: str, theme: str) -> None:
    clean_browser.get(f"{site}/quality")
    clean_browser.execute_script("localStorage.setItem('theme', arguments[0])", theme)
    clean_browser.get(f"{site}/workers")
    drawn_marks(clean_browser)
    words = clean_browser.find_elements(By.CSS_SELECTOR, "#time_by_modality .mark-text text")
    assert words
    colour = words[0].value_of_css_property("fill")
    assert colour == clean_browser.find_element(By.CSS_SELECTOR, ".chart").value_of_css_property("color").replace(
        "rgba", "rgb"
    ).replace(", 1)", ")")


def test_a_click_on_a_modality_shows_that_only(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/workers?from_date=2026-09-01")
    drawn_marks(clean_browser)
    bar = clean_browser.find_element(By.CSS_SELECTOR, "#time_by_modality svg .mark-rect path")
    ActionChains(clean_browser).move_to_element(bar).click().perform()
    wait(clean_browser, lambda browser: "modality" in query_of(browser))
    assert query_of(clean_browser)["from_date"] == ["2026-09-01"]
    drawn_marks(clean_browser)
    assert bars(clean_browser, "time_by_modality") == 1
    chosen = Select(clean_browser.find_element(By.ID, "modality")).first_selected_option.text
    assert [chosen] == query_of(clean_browser)["modality"]


def test_a_click_on_a_part_of_a_workers_bar_shows_that_worker(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/workers?modality=video")
    drawn_marks(clean_browser)
    bar = clean_browser.find_element(By.CSS_SELECTOR, "#time_per_worker svg .mark-rect path")
    ActionChains(clean_browser).move_to_element(bar).click().perform()
    wait(clean_browser, lambda browser: "worker" in query_of(browser))
    assert query_of(clean_browser)["modality"] == ["video"]
    assert clean_browser.find_elements(By.ID, "worker_tasks")
    drawn_marks(clean_browser)
    assert bars(clean_browser, "time_per_worker") == 1


def test_a_tooltip_says_how_long_in_words(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/workers")
    drawn_marks(clean_browser)
    bar = clean_browser.find_element(By.CSS_SELECTOR, "#time_per_worker svg .mark-rect path")
    ActionChains(clean_browser).move_to_element(bar).perform()
    tooltip = wait(clean_browser, lambda browser: browser.find_element(By.CSS_SELECTOR, "#vg-tooltip-element.visible"))
    assert " min " in tooltip.text
    assert "modality" in tooltip.text
    assert complaints(clean_browser) == []


def test_filters_are_combined_without_a_script(clean_browser: Chrome, site: str) -> None:
    clean_browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        clean_browser.get(f"{site}/workers?{urlencode({'until_date': '2026-09-27'})}")
        Select(clean_browser.find_element(By.ID, "team")).select_by_value("night-shift")
        Select(clean_browser.find_element(By.ID, "modality")).select_by_value("video")
        clean_browser.find_element(By.CSS_SELECTOR, ".filters button").click()
        wait(clean_browser, lambda browser: query_of(browser).get("team") == ["night-shift"])
    finally:
        clean_browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert query_of(clean_browser)["modality"] == ["video"]
    assert query_of(clean_browser)["until_date"] == ["2026-09-27"]


def test_an_older_release_is_drawn_too(clean_browser: Chrome, site_of: Site, tmp_path: Path) -> None:
    release = publish(tmp_path, answers({"birds": "private"}), is_older=True)
    write_status(tmp_path, status(release))
    clean_browser.get(f"{site_of(tmp_path)}/workers")
    drawn_marks(clean_browser)
    assert "older than parts of this page" in clean_browser.find_element(By.CSS_SELECTOR, ".banner").text
    assert bars(clean_browser, "time_per_worker") >= 20
    assert complaints(clean_browser) == []
