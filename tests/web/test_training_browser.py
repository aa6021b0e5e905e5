"""Training in headless Chromium: the charts draw under the policy, a click narrows, runs are compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from web.chromium import complaints, cut_labels, drawn_marks, fetched, query_of, wait
from web.fake_lake import publish
from web.fake_training import ACCOUNT, STRANGER, findings, training_points

Site = Callable[[Path], str]
ATTACK = '</script><img src=x onerror="window.attacked=1"><script>window.attacked=1</script>'


def run_id(number: int) -> str:
    return f"{ACCOUNT}/eu-west-1/birds-classifier-{number:03d}-aws-training-job"


def lines(browser: Chrome, tile: str) -> int:
    """How many lines the chart of a tile has, once it is drawn."""
    drawn_marks(browser)
    return len(browser.find_elements(By.CSS_SELECTOR, f"#{tile} svg .mark-line path"))


def texts(browser: Chrome, tile: str) -> list[str]:
    """What is written in the chart of a tile."""
    return [each.text for each in browser.find_elements(By.CSS_SELECTOR, f"#{tile} svg text") if each.text]


def test_a_line_per_run_and_metric_is_drawn_under_the_policy(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/training")
    assert lines(clean_browser, "metric_over_time") == 48
    written = texts(clean_browser, "metric_over_time")
    for words in ("accuracy", "train", "validation", "validation: at least 0.9", "time (UTC)"):
        assert words in written
    assert texts(clean_browser, "final_values").count("dip") >= 1
    clean_browser.get(f"{site}/training?metric=loss")
    assert "loss, logarithmic" in (
        lines(clean_browser, "metric_over_time") and texts(clean_browser, "metric_over_time")
    )
    assert complaints(clean_browser) == []
    assert all(address.startswith(site) for address in fetched(clean_browser))


def test_no_label_is_cut_off_on_a_wide_or_a_narrow_page(clean_browser: Chrome, site: str) -> None:
    for width in (1400, 700):
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        clean_browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for chosen in ({}, {"metric": "loss", "run": [run_id(22), run_id(6), run_id(1)]}, {"run": [run_id(22)]}):
            clean_browser.get(f"{site}/training?{urlencode(chosen, doseq=True)}")
            drawn_marks(clean_browser)
            assert cut_labels(clean_browser) == [], (width, chosen)
            assert clean_browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_a_click_on_a_run_shows_that_run(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/training?metric=accuracy")
    drawn_marks(clean_browser)
    point = clean_browser.find_elements(By.CSS_SELECTOR, "#final_values svg .mark-symbol path")[0]
    ActionChains(clean_browser).move_to_element(point).click().perform()
    wait(clean_browser, lambda browser: "run" in query_of(browser))
    assert query_of(clean_browser)["metric"] == ["accuracy"]
    assert query_of(clean_browser)["run"] == [run_id(1)]
    assert lines(clean_browser, "metric_over_step") == 2
    assert lines(clean_browser, "metric_over_time") == 2


def test_a_tooltip_names_the_run_and_the_value(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/training?{urlencode({'run': run_id(24)})}")
    drawn_marks(clean_browser)
    point = clean_browser.find_elements(By.CSS_SELECTOR, "#metric_over_step svg .mark-symbol path")[20]
    ActionChains(clean_browser).move_to_element(point).perform()
    tooltip = wait(clean_browser, lambda browser: browser.find_element(By.CSS_SELECTOR, "#vg-tooltip-element.visible"))
    assert "birds-classifier-024-aws-training-job" in tooltip.text
    assert "2026-09-21 0" in tooltip.text
    assert "UTC" in tooltip.text
    assert complaints(clean_browser) == []


def test_runs_are_ticked_and_compared_even_without_scripts(clean_browser: Chrome, site: str) -> None:
    clean_browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        clean_browser.get(f"{site}/training?metric=loss&sort=-final_value")
        for number in (21, 23):
            clean_browser.find_element(By.CSS_SELECTOR, f"input[value='{run_id(number)}']").click()
        clean_browser.find_element(By.CSS_SELECTOR, ".picks button").click()
        wait(clean_browser, lambda browser: "run" in query_of(browser))
        clean_browser.find_element(By.CSS_SELECTOR, ".filters button").click()
        wait(clean_browser, lambda browser: "from_date" in browser.current_url)
    finally:
        clean_browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert sorted(query_of(clean_browser)["run"]) == [run_id(21), run_id(23)]
    clean_browser.refresh()
    assert lines(clean_browser, "metric_over_step") == 4
    assert len(clean_browser.find_elements(By.CSS_SELECTOR, "a.chip")) == 2
    assert complaints(clean_browser) == []


def test_a_filter_is_applied_and_stays(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/training")
    first = clean_browser.find_element(By.ID, "from_date")
    clean_browser.execute_script("arguments[0].value = '2026-09-20'", first)
    Select(clean_browser.find_element(By.ID, "metric")).select_by_value("validation:loss")
    wait(clean_browser, lambda browser: query_of(browser).get("metric") == ["validation:loss"])
    assert query_of(clean_browser)["from_date"] == ["2026-09-20"]
    assert lines(clean_browser, "metric_over_time") == int(
        clean_browser.find_element(By.CSS_SELECTOR, ".figure dd").text
    )
    assert clean_browser.find_element(By.ID, "from_date").get_property("value") == "2026-09-20"
    assert complaints(clean_browser) == []


def test_the_time_axis_zooms_with_ctrl_and_the_wheel(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/training")
    drawn_marks(clean_browser)
    before = texts(clean_browser, "metric_over_time")
    send = """
        const svg = document.querySelector('#metric_over_time svg').getBoundingClientRect();
        const place = {bubbles: true, cancelable: true, clientX: svg.left + 600, clientY: svg.top + 200};
        const within = document.elementFromPoint(place.clientX, place.clientY);
        within.dispatchEvent(arguments[0] ? new WheelEvent('wheel', {...place, ctrlKey: arguments[1], deltaY: -2000})
            : new MouseEvent('dblclick', place));
    """
    clean_browser.execute_script(send, True, False)
    time.sleep(0.5)
    assert texts(clean_browser, "metric_over_time") == before, "the wheel alone scrolls the page"
    clean_browser.execute_script(send, True, True)
    wait(clean_browser, lambda browser: texts(browser, "metric_over_time") != before)
    clean_browser.execute_script(send, False)
    wait(clean_browser, lambda browser: sorted(texts(browser, "metric_over_time")) == sorted(before))
    assert complaints(clean_browser) == []


def test_hostile_names_are_drawn_and_never_run(clean_browser: Chrome, site_of: Site, tmp_path: Path) -> None:
    names = ("run_name", "metric_name", "experiment_name", "run_group", "principal_arn", "user_agent", "account_id")
    changes = dict.fromkeys((*names, "resource_type", "metric_base_name"), ATTACK)
    changes |= {"run_id": f"{ATTACK}/{ATTACK}/{ATTACK}", "dataset_split": None}
    points = [row | changes | {"event_id": f"{place}"} for place, row in enumerate(training_points(1, 8))]
    audit = [
        row | {"finding": ATTACK, "explanation": ATTACK} for row in findings([points[0] | {"principal_arn": STRANGER}])
    ]
    publish(tmp_path, [], points, audit=audit, criteria={ATTACK: (0.5, None)})
    site = site_of(tmp_path)
    for chosen in ({}, {"run": changes["run_id"]}, {"metric": ATTACK, "account": ATTACK}):
        clean_browser.get(f"{site}/training?{urlencode(chosen)}")
        drawn_marks(clean_browser)
        point = clean_browser.find_elements(By.CSS_SELECTOR, "#final_values svg .mark-symbol path")[0]
        ActionChains(clean_browser).move_to_element(point).perform()
        wait(clean_browser, lambda browser: browser.find_element(By.CSS_SELECTOR, "#vg-tooltip-element.visible"))
        assert "onerror" in clean_browser.page_source
        assert clean_browser.find_elements(By.CSS_SELECTOR, "img, main script:not([type='application/json'])") == []
        assert clean_browser.execute_script("return window.attacked") is None
    assert complaints(clean_browser) == []
