"""What the URL of a page selects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from labelhouse.errors import LabelhouseError
from labelhouse.reports.page import Filter, Page

#: The value of a filter; several where it is repeated in the URL.
Value = str | date | tuple[str, ...]


class SelectionError(LabelhouseError):
    """An address asks for what cannot be: a day that is none."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The filters and the order that a URL names.

    Args:
        page: whose filters they are.
        chosen: the filters that are set, in the page's order.
        sort: column of the sortable tables, `-` in front for descending.
    """

    page: Page
    chosen: Mapping[str, Value]
    sort: str | None = None

    @classmethod
    def of(cls, page: Page, query: QueryParams) -> Selection:
        """What the query part of a URL selects; what is empty or unknown to the page is not looked at.

        Raises:
            SelectionError: a date is none, or the last one lies before the first.
        """
        chosen = {each.name: value for each in page.filters if (value := _value(each, query.getlist(each.name)))}
        first, last = chosen.get("from_date"), chosen.get("until_date")
        in_order_of_days(first, last)
        return cls(page, chosen, query.get("sort") or None)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the queries: the filters, None is all, and the order."""
        values = {each.name: self.chosen.get(each.name) for each in self.page.filters}
        listed = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return listed | {"sort": self.sort}

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query part of the URL that selects this, name by name, repeated where there are several."""
        found = [(name, text) for name in self.chosen for text in self.texts(name)]
        return [*found, ("sort", self.sort)] if self.sort else found

    def texts(self, name: str) -> tuple[str, ...]:
        """The values of a filter as they stand in the URL."""
        value = self.chosen.get(name, ())
        return value if isinstance(value, tuple) else (str(value),)

    def url(self, **changes: str | None) -> str:
        """The query part of the URL that selects this, with `changes`: None is all, a text that alone."""
        filters = {each.name: each for each in self.page.filters}
        sort = changes.pop("sort", self.sort)
        chosen: dict[str, Value] = {name: value for name, value in self.chosen.items() if name not in changes}
        chosen |= {name: (text,) if filters[name].is_many else text for name, text in changes.items() if text}
        ordered = {name: chosen[name] for name in filters if name in chosen}
        return "?" + urlencode(Selection(self.page, ordered, sort).pairs)

    def url_without(self, name: str, text: str) -> str:
        """The URL that selects the same without one of a filter's values."""
        left = tuple(each for each in self.texts(name) if each != text)
        chosen = {key: left if key == name else value for key, value in self.chosen.items() if key != name or left}
        return "?" + urlencode(Selection(self.page, chosen, self.sort).pairs)

    def sort_url(self, name: str) -> str:
        """The URL that sorts by a column: descending first, since people look for the most."""
        return self.url(sort=name if self.sort == f"-{name}" else f"-{name}")

    def narrows_by(self, kind: str) -> bool:
        """Whether a click on a value of that kind narrows the page."""
        return any(each.name == kind for each in self.page.filters)


def _value(each: Filter, texts: list[str]) -> Value | None:
    """The value that a URL gives a filter; the last one where it takes one only, as forms do."""
    given = tuple(dict.fromkeys(text for text in texts if text))
    if not given:
        return None
    if each.is_many:
        return given
    if each.kind != "date":
        return texts[-1]
    return day_of(each.name, texts[-1])


def day_of(name: str, text: str) -> date | None:
    """The day that a URL names; None for none.

    Raises:
        SelectionError: it is no day.
    """
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise SelectionError("is no day", where=name, value=text, allowed="a day such as 2026-09-30") from None


def in_order_of_days(first: object, last: object) -> None:
    """Refuses two days of which the last lies before the first; where one is missing, any other will do.

    Raises:
        SelectionError: it does.
    """
    if isinstance(first, date) and isinstance(last, date) and last < first:
        raise SelectionError(
            "lies before from_date", where="until_date", value=str(last), allowed=f"{first} or a later day"
        )
