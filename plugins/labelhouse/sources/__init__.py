"""Sources: one file each. A module here that defines `SOURCE` is a source; nothing lists them twice.

A source is a stream of units. It lists them, reads one at exactly the version it listed, and parses
their bytes into columns. It knows neither the lake nor Airflow: clients come in as a factory.

How readers read. What is regular goes through columns: a library written in C parses whole documents, and no
Python runs per row. What is not (a document or record that does not fit, few or individual records) goes record
by record through `documents`, which says in words what is wrong; both ways give the same rows. While units are
loaded the garbage collector is off, since columns make no cycles. Several processes share out units, never a unit.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from labelhouse.errors import SourceError

if TYPE_CHECKING:  # importing sources stays cheap: DAG files do it whenever they are parsed
    from labelhouse.identities import Identities
    from labelhouse.sources.parsed import Parsed

#: `clients("s3")` gives a boto3 client, `clients("cloudtrail@eu-west-1")` one of another region; Airflow makes it
#: from a connection, the CLI from boto3's chain. See `requests`.
Clients = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Unit:
    """What is read, loaded and counted as one: an object at a version, or a window of an API.

    Args:
        uri: where it is, `s3://bucket/key` or `file:///folder/file`.
        version: changes when its content does (ETag; size and modification time of a local file). Empty: only its
            content tells, as in an API; it is read, and loaded when the lake holds another content.
        unit_at: time in its name, else its last modification (UTC).
        size_bytes: as stored; 0 where nobody knows before it is read.
        connection: what it is read through; extraction sets it, for a place that has a connection of its own.
    """

    uri: str
    version: str
    unit_at: datetime
    size_bytes: int
    connection: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Units with `start <= unit_at < end` (UTC); None leaves that side open."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, moment: datetime) -> bool:
        return (self.start is None or moment >= self.start) and (self.end is None or moment < self.end)


@dataclass(frozen=True, slots=True)
class Source:
    """One source.

    Args:
        name: as in settings, ledger and `--source NAME=URI`; the module's name.
        description: what it reads and what its URI must point at.
        tables: raw tables it fills.
        list_units: `(uri, clients, window)` → units, in a stable order: all that lie in the window, and others
            where telling them apart costs more than listing them. Raises SourceError when the place itself is
            missing or unreadable, so that "empty" and "unreachable" never look alike.
        read_unit: `(unit, clients)` → bytes at that very version. Raises UnitGone or UnitReplaced.
        parse: `(units with their bytes, identities)` → parsed chunks, each of one of these units, or with rows of
            several; data never raises.
        same_content: `(unit URI)` → what must also match, beside SHA-256, for a unit to be a copy of another.
        daily_look_back: how far back the day's last scheduled run looks; None: to the beginning.
        read_clear: as `read_unit`, with people's names: what is read where `identities` is `clear`.
    """

    name: str
    description: str
    tables: tuple[str, ...]
    list_units: Callable[[str, Clients, Window], Iterator[Unit]]
    read_unit: Callable[[Unit, Clients], bytes]
    parse: Callable[[Iterable[tuple[Unit, bytes]], Identities], Iterator[tuple[Unit, Parsed]]]
    same_content: Callable[[str], str]
    daily_look_back: timedelta | None = None
    read_clear: Callable[[Unit, Clients], bytes] | None = None


class UnitGone(Exception):
    """The unit was deleted between listing and reading."""


class UnitReplaced(Exception):
    """The unit has another version than the one listed."""


def one_by_one(
    parse_unit: Callable[[Unit, bytes, Identities], Iterator[Parsed]],
) -> Callable[[Iterable[tuple[Unit, bytes]], Identities], Iterator[tuple[Unit, Parsed]]]:
    """`Source.parse` for a source whose units are parsed each by itself."""

    def parse(units: Iterable[tuple[Unit, bytes]], identities: Identities) -> Iterator[tuple[Unit, Parsed]]:
        for unit, data in units:
            for parsed in parse_unit(unit, data, identities):
                yield unit, parsed

    return parse


def told_by_place(unit_uri: str) -> str:
    """`Source.same_content` where units are told apart by their place: what another says alike is no copy."""
    return unit_uri


def told_by_bytes(_unit_uri: str) -> str:
    """`Source.same_content` where the same bytes are a copy wherever they lie."""
    return ""


def all_sources() -> dict[str, Source]:
    """Every source by name, found by walking this package."""
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    found = (module.SOURCE for module in modules if hasattr(module, "SOURCE"))
    return {source.name: source for source in sorted(found, key=lambda source: source.name)}


def source_named(name: str) -> Source:
    """The source of that name.

    Raises:
        SourceError: there is none; the sentence names those there are.
    """
    sources = all_sources()
    if name not in sources:
        raise SourceError("unknown source", value=name, allowed=", ".join(sources))
    return sources[name]
