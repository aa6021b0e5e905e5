"""Pages as a browser would read them, and texts that must never become more than text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

from fastapi.testclient import TestClient

CANARIES = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "</script><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% for x in y %}",
    "<!--<script>",
    "\u202egpj.\u200bx",
)


#: Elements that none of our pages has; of SVG, those that run, load or show something else.
_LIVE = (
    *("img", "object", "embed", "iframe", "style", "base"),
    *("foreignobject", "use", "image", "animate", "set", "handler"),
)


class Page(HTMLParser):
    """What a browser would make of a page: its elements, its text, its data blocks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.data: list[Any] = []
        #: The text of an element by its place among all.
        self.words: dict[int, str] = {}
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.data.append(json.loads(data))
        elif data.strip():
            self.words.setdefault(len(self.elements) - 1, data)
            self.text.append(" ".join(data.split()))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]


def live_nodes(shown: Page) -> list[str]:
    """Whatever on a page would run, load or lead away, and is not ours."""
    ours = re.compile(r"/static/(app|vega)[.-][\w.-]+\.(js|css)$")
    found = [tag for tag, _ in shown.elements if tag in _LIVE]
    for tag, attributes in shown.elements:
        if tag == "svg" and attributes.get("class") not in ("spark", "drawing", "scene"):
            found.append(str(attributes))
        found += [f"{tag} {name}" for name in attributes if name.startswith("on") or name in ("style", "srcdoc")]
        if tag == "script" and attributes != {"type": "application/json"} and not ours.match(attributes["src"] or ""):
            found.append(str(attributes))
        if tag in ("a", "form") and not (attributes.get("href") or attributes.get("action") or "").startswith(
            ("/", "?", "#")
        ):
            found.append(str(attributes))
    return found


def page(client: TestClient, address: str) -> Page:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)
