"""The identity map: who stands behind a pseudonym, kept outside the lake and only under `identities: clear`.

A database of its own (`identity_map_uri`), so that a name can be erased: the lake keeps every snapshot, the map keeps
one row a person and nothing of the past. It follows the newest complete listing of a user pool: who is not in it any
more is forgotten. Who was erased on request stays forgotten, although the pool may still list him.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from labelhouse.errors import SettingError
from labelhouse.identities import load_identities

if TYPE_CHECKING:  # sources are read while DAG files are parsed, and need none of SQLAlchemy
    from sqlalchemy import Connection, Engine, Table

    from labelhouse.settings import Settings

_SETTING = "LABELHOUSE_IDENTITY_MAP_URI"
_PSEUDONYM = re.compile(r"p_[0-9a-f]{32}")
#: Keys asked for at once: SQLite binds no more than 32,766 parameters.
_KEYS_AT_ONCE = 10_000

T = TypeVar("T")


class Person(NamedTuple):
    """A name behind a pseudonym; either part may be missing."""

    pseudonym: str
    user_name: str | None
    email: str | None


class Directory(NamedTuple):
    """Everybody whom a complete listing of a user pool named, and when it was made (UTC)."""

    user_pool_id: str
    listed_at: datetime
    people: tuple[Person, ...]


def remember_all(settings: Settings, directories: Iterable[Directory]) -> None:
    """The map follows these listings: their people are remembered, others of their pools forgotten.

    A listing older than the newest one of its pool changes nothing. Without `identities: clear` nothing is written.

    Raises:
        SettingError: there is no map, or it cannot be written.
    """
    ordered = sorted(directories, key=lambda each: each.listed_at)
    if ordered and settings.identities == "clear":
        for directory in ordered:
            _in_transaction(settings, partial(_follow, directory))


def names(settings: Settings, pseudonyms: Collection[str]) -> dict[str, Person]:
    """Pseudonym → the person behind it, where the map knows him; nobody without `identities: clear`.

    Raises:
        SettingError: there is no map, or it cannot be read.
    """
    if settings.identities != "clear":
        return {}
    wanted = sorted(set(pseudonyms))
    found: dict[str, Person] = {}
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        people = _in_transaction(settings, partial(_people_behind, wanted[start : start + _KEYS_AT_ONCE]))
        found |= {person.pseudonym: person for person in people}
    return found


def erase(settings: Settings, sub_or_pseudonym: str) -> bool:
    """Destroys what the map knows of a person, for good; says whether it knew anything.

    Raises:
        SettingError: there is no map, or it cannot be written; no key for the pseudonyms.
    """
    is_pseudonym = _PSEUDONYM.fullmatch(sub_or_pseudonym)
    pseudonym = sub_or_pseudonym if is_pseudonym else load_identities(settings).pseudonym(sub_or_pseudonym)
    return _in_transaction(settings, partial(_destroy, pseudonym))


def _follow(directory: Directory, connection: Connection) -> None:
    from sqlalchemy import delete, insert, select

    people, listings, erased = _tables()
    listed_at = directory.listed_at.astimezone(UTC).isoformat(timespec="microseconds")  # SQLite keeps no zones
    of_pool = listings.c.user_pool_id == directory.user_pool_id
    newest = connection.execute(select(listings.c.listed_at).where(of_pool)).scalar()
    if newest and newest > listed_at:
        return
    connection.execute(delete(listings).where(of_pool))
    connection.execute(insert(listings), {"user_pool_id": directory.user_pool_id, "listed_at": listed_at})
    connection.execute(delete(people).where(people.c.user_pool_id == directory.user_pool_id))
    unwanted: set[str] = set(connection.execute(select(erased.c.pseudonym)).scalars())
    rows = {
        person.pseudonym: {"user_pool_id": directory.user_pool_id, **person._asdict()}
        for person in directory.people
        if person.pseudonym not in unwanted and (person.user_name or person.email)
    }
    if rows:
        connection.execute(insert(people), list(rows.values()))


def _people_behind(pseudonyms: list[str], connection: Connection) -> list[Person]:
    from sqlalchemy import select

    people, *_ = _tables()
    wanted = select(people.c.pseudonym, people.c.user_name, people.c.email).where(people.c.pseudonym.in_(pseudonyms))
    return [Person(row.pseudonym, row.user_name, row.email) for row in connection.execute(wanted)]


def _destroy(pseudonym: str, connection: Connection) -> bool:
    from sqlalchemy import delete, insert

    people, _, erased = _tables()
    known = connection.execute(delete(people).where(people.c.pseudonym == pseudonym)).rowcount
    connection.execute(delete(erased).where(erased.c.pseudonym == pseudonym))
    connection.execute(insert(erased), {"pseudonym": pseudonym, "erased_at": datetime.now(UTC).isoformat()})
    return known > 0


@cache
def _tables() -> tuple[Table, Table, Table]:
    """`people`; when each pool was last listed; who asked to be forgotten."""
    from sqlalchemy import Column, MetaData, String, Table

    metadata = MetaData()
    return (
        Table(
            "labelhouse_people",
            metadata,
            Column("user_pool_id", String, primary_key=True),
            Column("pseudonym", String, primary_key=True, index=True),
            Column("user_name", String),
            Column("email", String),
        ),
        Table(
            "labelhouse_pool_listings",
            metadata,
            Column("user_pool_id", String, primary_key=True),
            Column("listed_at", String, nullable=False),
        ),
        Table(
            "labelhouse_erased",
            metadata,
            Column("pseudonym", String, primary_key=True),
            Column("erased_at", String, nullable=False),
        ),
    )


def _in_transaction(settings: Settings, action: Callable[[Connection], T]) -> T:
    """What `action` gives, in a transaction of its own; again where another one came between."""
    from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

    def is_busy(error: BaseException) -> bool:
        if isinstance(error, IntegrityError):
            return True
        # "already exists": two processes made the tables at the same time
        return isinstance(error, DBAPIError) and any(word in str(error.orig) for word in ("locked", "already exists"))

    def once() -> T:
        with _engine(_uri_of(settings)).begin() as connection:
            return action(connection)

    attempts = Retrying(
        retry=retry_if_exception(is_busy),
        wait=wait_random_exponential(multiplier=0.05, max=2.0),
        stop=stop_after_attempt(10),
        reraise=True,
    )
    try:
        return attempts(once)
    except (SQLAlchemyError, OSError) as error:  # the URI may hold a password, the parameters do hold names
        cause = getattr(error, "orig", None)
        words = str(cause).splitlines()[0] if cause else getattr(error, "strerror", None) or type(error).__name__
        raise SettingError(f"the identity map cannot be used ({words})", where=_SETTING) from None


def _uri_of(settings: Settings) -> str:
    if not settings.identity_map_uri:
        raise SettingError("there is no identity map", where=_SETTING, allowed="a SQLAlchemy URI, outside the lake")
    return settings.identity_map_uri


@cache
def _engine(uri: str) -> Engine:
    """The engine of a map whose tables are there. It keeps no connections: Airflow forks."""
    from sqlalchemy import NullPool, create_engine, event, make_url

    url = make_url(uri)
    is_file = url.get_backend_name() == "sqlite" and url.database
    if is_file:
        _make_private(Path(str(url.database)))
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 60} if is_file else {})
    if is_file:

        @event.listens_for(engine, "connect")
        def _overwrite_what_is_deleted(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA secure_delete = ON")

    with engine.begin() as connection:
        _tables()[0].metadata.create_all(connection)
    return engine


def _make_private(path: Path) -> None:
    """An SQLite file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
