"""Names of workers, for those who may see them: asked of the identity map, never kept, never in a release."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol
from uuid import UUID

from labelhouse.errors import LabelhouseError
from labelhouse.marts.read import query
from labelhouse.marts.releases import Release
from labelhouse.reports import Field, Row


class Person(Protocol):
    """What the identity map knows behind a pseudonym."""

    @property
    def user_name(self) -> str | None:
        """The name that a person logs in with."""

    @property
    def email(self) -> str | None:
        """An address."""


#: Pseudonyms → the persons behind those that the map knows.
People = Callable[[Collection[str]], Mapping[str, Person]]


@dataclass(frozen=True, slots=True)
class WorkerNames:
    """The people of a release by worker id; nobody for readers who see pseudonyms.

    Args:
        people: worker id → person.
        shown: worker id → the name on charts, unlike that of anybody else.
        trouble: why there are none although there should be.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)
    trouble: str | None = None

    @classmethod
    def of(cls, release: Release, people: People) -> WorkerNames:
        """Everybody of a release whom the identity map knows; without the map the pages show pseudonyms."""
        workers = query(
            release, "select worker_id, worker_pseudonym from dim_worker where worker_pseudonym is not null"
        )
        pseudonyms = {row["worker_id"]: row["worker_pseudonym"] for row in workers.to_pylist()}
        try:
            found = people(set(pseudonyms.values()))
        except LabelhouseError as error:
            return cls(trouble=str(error))
        known = {worker: found[pseudonym] for worker, pseudonym in pseudonyms.items() if pseudonym in found}
        return cls(known, _unlike(known, set(pseudonyms)))

    def in_rows(self, rows: list[Row]) -> list[Row]:
        """`rows` of workers with `worker_name`, `user_name` and `email`, where anybody is known at all."""
        if not self.people or not rows or "worker_id" not in rows[0]:
            return rows
        return [row | self._columns(row["worker_id"]) for row in rows]

    def in_fields(self, fields: tuple[Field, ...]) -> tuple[Field, ...]:
        """The columns of such rows: who it is follows the worker's id."""
        found = []
        for each in fields:
            found.append(each)
            if self.people and each.kind == "worker":
                found += [Field("user_name", "Name", "person"), Field("email", "E-mail", "person")]
        return tuple(found)

    def _columns(self, worker_id: str) -> Row:
        person = self.people.get(worker_id)
        return {
            "worker_name": self.shown.get(worker_id),
            "user_name": person.user_name if person else None,
            "email": person.email if person else None,
        }


def _unlike(known: Mapping[str, Person], ids: set[str]) -> dict[str, str]:
    """A name for everybody that is nobody else's, and no worker's id: charts would draw two as one."""
    taken, found = set(ids), dict[str, str]()
    for worker in sorted(known):
        if name := _name(known[worker]):
            numbered = (name if number == 1 else f"{name} ({number})" for number in count(1))
            found[worker] = next(each for each in numbered if each not in taken)
            taken.add(found[worker])
    return found


def _name(person: Person) -> str | None:
    """The user name; the address where the pool made the name up: Cognito then takes the `sub`."""
    if person.email and (not person.user_name or _is_uuid(person.user_name)):
        return person.email
    return person.user_name


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
