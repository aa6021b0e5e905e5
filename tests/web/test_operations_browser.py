"""Operations, Cost and built charts in headless Chromium: drawn under the policy, nothing cut off, a click narrows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By

from web.chromium import complaints, cut_labels, drawn_marks, fetched, query_of, wait
from web.fake_cost import sample_costs
from web.fake_lake import publish, status, write_status
from web.fake_operations import sample_operations
from web.fake_training import training_points

BUILT = urlencode(
    {"name": "Accuracy", "by": "parameter optimizer", "metric": "train:accuracy", "statistic": "max", "label": "Train"}
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operations") / "lake"
    release = publish(folder, [], training_points(8, 10), operations=sample_operations(), costs=sample_costs())
    write_status(folder, status(release))
    return folder


@pytest.fixture
def here(site_of: Callable[[Path], str], lake: Path) -> str:
    return site_of(lake)


@pytest.mark.parametrize(("width", "theme"), [(1400, "light"), (400, "dark")])
def test_charts_are_drawn_under_the_policy_and_nothing_is_cut_off(
    clean_browser: Chrome, here: str, width: int, theme: str
) -> None:
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    clean_browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    clean_browser.get(f"{here}/quality")
    clean_browser.execute_script("localStorage.setItem('theme', arguments[0])", theme)
    for path in ("operations", "cost", "training", f"training/chart?{BUILT}"):
        clean_browser.get(f"{here}/{path}")
        drawn_marks(clean_browser)
        assert cut_labels(clean_browser) == [], path
        assert clean_browser.execute_script("return document.documentElement.scrollWidth") <= width, path
    assert complaints(clean_browser) == []
    assert all(address.startswith(here) for address in fetched(clean_browser))


def test_a_click_on_a_part_of_a_month_shows_that_kind(clean_browser: Chrome, here: str) -> None:
    clean_browser.get(f"{here}/cost?from_date=2026-06-01")
    drawn_marks(clean_browser)
    bars = clean_browser.find_elements(By.CSS_SELECTOR, "#cost_per_month svg .mark-rect path")
    bar = next(each for each in bars if "kind: training" in str(each.get_attribute("aria-label")))
    ActionChains(clean_browser).move_to_element(bar).click().perform()
    wait(clean_browser, lambda browser: "kind" in query_of(browser))
    assert query_of(clean_browser) == {"from_date": ["2026-06-01"], "kind": ["training"]}
