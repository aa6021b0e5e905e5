"""Annotations in headless Chromium: the charts draw under the policy, nothing is cut off, a click narrows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from web.chromium import complaints, cut_labels, drawn_marks, fetched, query_of, wait
from web.fake_annotations import Labels, sample_labels
from web.fake_lake import publish, status, write_status

Site = Callable[[Path], str]
CHARTS = (
    *("labels_by_category", "labels_per_frame", "label_attributes", "frame_attributes", "labels_per_day"),
    *("human_and_model", "audit_results", "reviewed_objects"),
)
ATTACK = (
    """</script><img src=x onerror="window.attacked=1"><svg onload="window.attacked=1"><script>attacked=1</script>"""
)


def site_with(site_of: Site, lake: Path, labels: Labels) -> str:
    release = publish(lake, labels.responses, labels=labels)
    write_status(lake, status(release))
    return site_of(lake)


def texts(browser: Chrome, tile: str) -> list[str]:
    return [each.text for each in browser.find_elements(By.CSS_SELECTOR, f"#{tile} svg text") if each.text]


def bars(browser: Chrome, tile: str) -> list[Any]:
    return browser.find_elements(By.CSS_SELECTOR, f"#{tile} svg .mark-rect path")


def resize(browser: Chrome, width: int) -> None:
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def test_the_charts_are_drawn_under_the_policy(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/annotations")
    drawn_marks(clean_browser)
    for tile in CHARTS:
        assert len(bars(clean_browser, tile)) > 2, tile
    assert {"Vehicle", "Car", "labels", "category"} <= set(texts(clean_browser, "labels_by_category"))
    assert {"frame", "image", "0"} <= set(texts(clean_browser, "labels_per_frame"))
    assert {"clear", "blurry"} <= set(texts(clean_browser, "frame_attributes")), "the parts say what they are"
    assert {"good", "bad", "adjusted", "unadjusted"} <= set(texts(clean_browser, "audit_results"))
    assert complaints(clean_browser) == []
    assert all(address.startswith(site) for address in fetched(clean_browser))


def with_long_names(labels: Labels) -> Labels:
    """The same with names as long as AWS lets them be, and more of them."""
    for rows in (labels.objects, labels.annotations, labels.frames, labels.jobs):
        for number, row in enumerate(rows):
            row["labeling_job_name"] = f"{row['labeling_job_name']}-of-all-the-streets-in-the-north"
            if row.get("category"):
                row["category"] = f"{row['category']} of a kind that takes many words {number % 9}"
            if row.get("attributes"):
                longer = {f"a question about {k}": f"an answer like {v}" for k, v in row["attributes"].items()}
                row["attributes"] = longer
    return labels


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 1000, 400])
def test_nothing_is_cut_off_with_many_long_names(
    clean_browser: Chrome, site_of: Site, tmp_path: Path, width: int, theme: str
) -> None:
    resize(clean_browser, width)
    site = site_with(site_of, tmp_path, with_long_names(sample_labels()))
    clean_browser.get(f"{site}/quality")
    clean_browser.execute_script("localStorage.setItem('theme', arguments[0])", theme)
    clean_browser.get(f"{site}/annotations")
    drawn_marks(clean_browser)
    assert cut_labels(clean_browser) == []
    assert clean_browser.execute_script("return document.documentElement.scrollWidth") <= width
    inside = """
        return [...document.querySelectorAll('#label_attributes svg .mark-text.role-mark text')].filter((text) => {
            const box = text.getBoundingClientRect();
            return box.width && ![...document.querySelectorAll('#label_attributes svg .mark-rect path')].some((bar) => {
                const room = bar.getBoundingClientRect();
                return room.left <= box.left + 1 && box.right <= room.right + 1;
            });
        }).map((text) => text.textContent)
    """
    assert clean_browser.execute_script(inside) == [], "words stay within their part"
    clean_browser.get(f"{site}/annotations/object?{urlencode({'job': _job('street-video'), 'object': '0'})}")
    assert clean_browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert complaints(clean_browser) == []


def _job(name: str) -> str:
    return f"{name}-of-all-the-streets-in-the-north"


def test_a_click_on_a_category_shows_that_only(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/annotations?from_date=2026-08-01")
    drawn_marks(clean_browser)
    ActionChains(clean_browser).move_to_element(bars(clean_browser, "labels_by_category")[0]).click().perform()
    wait(clean_browser, lambda browser: "category" in query_of(browser))
    assert query_of(clean_browser) == {"from_date": ["2026-08-01"], "category": ["Vehicle"]}
    drawn_marks(clean_browser)
    assert len(bars(clean_browser, "labels_by_category")) == 1
    assert Select(clean_browser.find_element(By.ID, "category")).first_selected_option.text == "Vehicle"


def test_a_click_on_a_part_shows_that_value_and_an_object_leads_to_its_page(clean_browser: Chrome, site: str) -> None:
    clean_browser.get(f"{site}/annotations?job=street-video-audit")
    drawn_marks(clean_browser)
    said = [(each, each.get_attribute("aria-label")) for each in bars(clean_browser, "label_attributes")]
    part = next(each for each, words in said if "incorrect" in words)
    ActionChains(clean_browser).move_to_element(part).click().perform()
    wait(clean_browser, lambda browser: "attribute" in query_of(browser))
    assert query_of(clean_browser)["attribute"] == ["audit: incorrect"]
    drawn_marks(clean_browser)
    assert len(bars(clean_browser, "attribute_by_category")) >= 3
    link = clean_browser.find_elements(By.CSS_SELECTOR, "#dataset_objects td.object a")[0]
    clean_browser.execute_script("arguments[0].click()", link)
    wait(clean_browser, lambda browser: browser.find_elements(By.ID, "life"))
    assert clean_browser.find_elements(By.CSS_SELECTOR, "#scene svg rect")
    assert complaints(clean_browser) == []


def test_an_objects_page_fetches_nothing_but_its_own(clean_browser: Chrome, site: str) -> None:
    for job in ("lanes", "lidar", "roads", "crossing", "street-video"):
        clean_browser.get(f"{site}/annotations/object?job={job}&object=0")
        assert clean_browser.find_element(By.TAG_NAME, "h1").text == "Object 0"
    assert all(address.startswith(site) for address in fetched(clean_browser))
    assert complaints(clean_browser) == []


def test_the_frame_after_is_a_click_away_without_a_script(clean_browser: Chrome, site: str) -> None:
    clean_browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        clean_browser.get(f"{site}/annotations/object?job=street-video&object=3")
        clean_browser.find_element(By.PARTIAL_LINK_TEXT, "the frame after").click()
        wait(clean_browser, lambda browser: query_of(browser).get("frame") == ["1"])
        assert clean_browser.find_element(By.CSS_SELECTOR, "#scene h2").text == "Frame 1"
    finally:
        clean_browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_hostile_names_are_drawn_and_never_run(clean_browser: Chrome, site_of: Site, tmp_path: Path) -> None:
    labels = sample_labels()
    for row in (*labels.objects, *labels.annotations, *labels.frames):
        row["labeling_job_name"] = ATTACK if row["labeling_job_name"] == "street-video" else row["labeling_job_name"]
        row["source_ref"] = "javascript:window.attacked=1"
    for row in labels.annotations:
        row |= {"category": ATTACK, "object_name": ATTACK, "attributes": {ATTACK: ATTACK, "=1+1": "{{ 7 * 7 }}"}}
    for row in labels.frames:
        row |= {"frame_name": ATTACK, "attributes": {ATTACK: ATTACK}}
    site = site_with(site_of, tmp_path, labels)
    for path, chosen in (
        ("annotations", {}),
        ("annotations", {"category": ATTACK, "attribute": f"{ATTACK}: {ATTACK}"}),
        ("annotations/object", {"job": ATTACK, "object": "0"}),
        ("annotations/object", {"job": ATTACK, "object": "0", "frame": "3"}),
    ):
        clean_browser.get(f"{site}/{path}?{urlencode(chosen)}")
        if path == "annotations":
            drawn_marks(clean_browser)
            for bar in bars(clean_browser, "labels_by_category")[:1]:
                ActionChains(clean_browser).move_to_element(bar).perform()
        assert clean_browser.execute_script("return window.attacked") is None
        live = """
            return document.querySelectorAll(
                'main img, main script:not([type="application/json"]), [onerror], [onload]').length
        """
        assert clean_browser.execute_script(live) == 0
        assert ATTACK[:20] in clean_browser.find_element(By.TAG_NAME, "main").text
    assert complaints(clean_browser) == []
    assert all(address.startswith(site) for address in fetched(clean_browser))
