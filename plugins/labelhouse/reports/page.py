"""What a page made of reports is, and what it can be narrowed to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from labelhouse.reports.older_releases import StandIn


@dataclass(frozen=True, slots=True)
class Filter:
    """One thing that a page can be narrowed to; none of it means all.

    Args:
        name: the parameter in URLs and, as `$name`, in SQL.
        title: for people.
        kind: a `choice` from a list, a `date` (ISO 8601), or a `chip` that is set by a click elsewhere.
        is_many: whether it is repeated in URLs, and a list in SQL.
        everything: the words for all of it.
        choices: SELECT of everything that it can be, as one column of text in order; other values are
            unknown. None: every value is looked for.
        label: its value as people read it.
    """

    name: str
    title: str
    kind: Literal["choice", "date", "chip"] = "choice"
    is_many: bool = False
    everything: str = ""
    choices: str | None = None
    label: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class Page:
    """A page made of reports.

    Args:
        name: part of its URL; a report names it.
        title: for people.
        filters: what it can be narrowed to.
        marts: what its reports read; a release that was built before they existed has none of them.
        stand_ins: what stands for younger marts and columns in a release that has the others; a stand-in may name
            marts only.
        nothing: the sentence where no filter hides anything and there is still nothing. Empty: each report
            speaks for itself.
        steps: what to do then.
        more: further pages below it, as the last part of their address and the words that lead there.
    """

    name: str
    title: str
    filters: tuple[Filter, ...]
    marts: frozenset[str]
    stand_ins: tuple[StandIn, ...] = ()
    nothing: str = ""
    steps: tuple[str, ...] = ()
    more: tuple[tuple[str, str], ...] = ()


def kind_name(kind: str) -> str:
    """A kind of cost as people read it."""
    return kind.replace("_", " ")
