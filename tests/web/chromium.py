"""What the tests ask a browser: what is drawn, what it complains about, what it fetched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import WebDriverWait


def wait(browser: Chrome, what: Callable[[Chrome], Any], seconds: float = 20) -> Any:
    return WebDriverWait(browser, seconds, poll_frequency=0.1).until(what)


def drawn_marks(browser: Chrome) -> list[int]:
    """Per chart of the page, how many bars, points or lines it has; waits until every chart has some."""
    count = """
        return [...document.querySelectorAll('.plot')].map(
            (plot) => plot.querySelectorAll('svg .mark-rect path, svg .mark-symbol path, svg .mark-rule line').length)
    """
    wait(browser, lambda _: (marks := browser.execute_script(count)) and all(marks))
    marks: list[int] = browser.execute_script(count)
    return marks


def cut_labels(browser: Chrome) -> list[str]:
    """The words in charts that stick out of them."""
    outside = """
        return [...document.querySelectorAll('.plot svg')].flatMap((svg) => {
            const frame = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter((text) => {
                const box = text.getBoundingClientRect();
                return box.width && getComputedStyle(text).opacity !== '0'
                    && (box.left < frame.left - 1 || box.right > frame.right + 1
                    || box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
            }).map((text) => text.textContent);
        })
    """
    found: list[str] = browser.execute_script(outside)
    return found


def complaints(browser: Chrome) -> list[str]:
    """Errors on the console, violations of the policy among them."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def fetched(browser: Chrome) -> set[str]:
    """The addresses that were sent for, those that the policy stopped left out."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    stopped = {
        event["params"]["requestId"] for event in events if event["params"].get("blockedReason") in ("csp", "origin")
    }
    requests = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    addresses = {each["request"]["url"] for each in requests if each["requestId"] not in stopped}
    return {address for address in addresses if not address.startswith(("data:", "chrome:", "about:"))}


def query_of(browser: Chrome) -> dict[str, list[str]]:
    return parse_qs(urlsplit(browser.current_url).query)
