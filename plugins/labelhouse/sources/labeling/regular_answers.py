"""The regular answers of worker responses, of many small files together, as columns.

An answer is regular where it chose one class and holds nothing that is not documented, as most do. A library written
in C decodes, cleans and checks those of many units at once. Units with anything odd about them go to `answers`, each
by itself, which says in words what is wrong, and gives the same rows for what is regular.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from labelhouse.schema.arrow import ARROW_TYPES, REPEATING, repeated
from labelhouse.sources.documents import Unreadable, decode, seconds, time
from labelhouse.sources.labeling.answers import IMAGE_CLASSIFIER, Answer, Identity, identity_of, load_answers
from labelhouse.sources.labeling.places import Delivery
from labelhouse.sources.labeling.regular_shapes import fitting
from labelhouse.sources.worker_identities import texts_without_identities

if TYPE_CHECKING:
    from labelhouse.sources import Unit
    from labelhouse.sources.parsed import Parsed

#: Units are looked at together up to so many, or so many bytes; one of more than so many is looked at alone.
GROUP_UNITS, GROUP_BYTES, MOST_BYTES = 2000, 4 * 1024 * 1024, 64 * 1024
#: With these something may be spelt that is not to be seen at once: escapes, line feeds, addresses.
_SIGNS = (b"\\", b"\n", b"@", b"%")

_Name = Annotated[str, msgspec.Meta(min_length=1)]


class _Chosen(msgspec.Struct, forbid_unknown_fields=True):
    label: _Name


class _RegularAnswer(Answer, rename="camel", forbid_unknown_fields=True, kw_only=True):
    answer_content: Annotated[dict[str, _Chosen], msgspec.Meta(min_length=1, max_length=1)]


class _Given(NamedTuple):
    """A unit, what its records share, and its answers."""

    unit: Unit
    delivery: Delivery
    data: bytes
    answers: list[dict[str, Any]]


class _Said(NamedTuple):
    """An answer: of which of the units given and which in it, what it says, and its JSON, without identities."""

    place: int
    number: int
    answer: _RegularAnswer
    text: str
    identity: Identity
    accepted_at: datetime | None
    submitted_at: datetime | None
    time_spent: Decimal | None


class RegularAnswers:
    """Gathers units of answers until they are worth columns.

    What it gives are chunks with rows of several units, and chunks with the counts of each.
    """

    def __init__(self) -> None:
        self._gathered: list[_Given] = []
        self._size_bytes = 0

    def add(self, unit: Unit, delivery: Delivery, data: bytes) -> Iterator[tuple[Unit, Parsed]]:
        """Takes a unit; gives the chunks that are full, and those of a unit that is not regular."""
        if answers := _answers_in(data):
            self._gathered.append(_Given(unit, delivery, data, answers))
            self._size_bytes += len(data)
            if len(self._gathered) == GROUP_UNITS or self._size_bytes >= GROUP_BYTES:
                yield from self.taken()
        else:
            for parsed in load_answers(delivery, data):
                yield unit, parsed

    def taken(self) -> Iterator[tuple[Unit, Parsed]]:
        """The chunks of all that was gathered, which is forgotten."""
        gathered, self._gathered, self._size_bytes = self._gathered, [], 0
        odd, found = _said(gathered)
        regular = [said for said in found if said.place not in odd]
        for place, given in enumerate(gathered):
            if place in odd:
                for parsed in load_answers(given.delivery, given.data):
                    yield given.unit, parsed
            else:
                counted = given.delivery.chunk()
                counted.loaded(len(given.answers))
                yield given.unit, counted
        if regular:
            parsed = gathered[0].delivery.chunk()
            _add_columns(parsed, gathered, regular)
            yield gathered[regular[-1].place].unit, parsed


def _answers_in(data: bytes) -> list[dict[str, Any]] | None:
    """The answers of a document that may be regular."""
    if len(data) > MOST_BYTES or not data.startswith(b"{") or any(sign in data for sign in _SIGNS):
        return None
    try:
        document, is_suspect = decode(data)
    except Unreadable:
        return None
    answers = document.get("answers")
    if is_suspect or type(answers) is not list or not all(type(answer) is dict for answer in answers):
        return None
    return answers


def _said(gathered: Sequence[_Given]) -> tuple[set[int], list[_Said]]:
    """The places of units that are not regular after all, and the regular answers of all of them."""
    odd, found = set[int](), list[_Said]()
    if not gathered:
        return odd, found
    answers = [answer for given in gathered for answer in given.answers]
    texts = texts_without_identities(answers, gathered[0].delivery.identities)
    places = [(place, number) for place, given in enumerate(gathered) for number in range(len(given.answers))]
    for (place, number), text, answer in zip(places, texts, fitting(answers, _RegularAnswer), strict=True):
        if text is None or answer is None:
            odd.add(place)
            continue
        latest_at = gathered[place].delivery.latest_at
        try:
            found.append(
                _Said(
                    place,
                    number,
                    answer,
                    text,
                    identity_of(answer),
                    time(answer.acceptance_time, "acceptanceTime", latest_at),
                    time(answer.submission_time, "submissionTime", latest_at),
                    seconds(answer.time_spent_in_seconds, "timeSpentInSeconds"),
                )
            )
        except Unreadable:
            odd.add(place)
    return odd, found


def _add_columns(parsed: Parsed, gathered: Sequence[_Given], found: Sequence[_Said]) -> None:
    place_of = pa.array([said.place for said in found], pa.int32())
    places = [given.delivery.place for given in gathered]

    def of_units(values: list[Any], kind: pa.DataType) -> pa.Array:
        return pa.array(values, kind).take(place_of)

    submitted_at = pa.array([said.submitted_at for said in found], ARROW_TYPES["timestamp"])
    unit_times = of_units([given.delivery.unit_at for given in gathered], ARROW_TYPES["timestamp"])
    elements = [next(iter(said.answer.answer_content)) for said in found]
    labels = [next(iter(said.answer.answer_content.values())).label for said in found]
    numbers = pa.array([said.number for said in found]).cast(pa.string())
    shared = {
        "unit_uri": of_units([given.unit.uri for given in gathered], REPEATING),
        "event_at": submitted_at.fill_null(unit_times),
        "labeling_job_name": of_units([place.job_name for place in places], REPEATING),
        "dataset_object_id": of_units([place.dataset_object_id for place in places], REPEATING),
        "iteration_number": of_units([place.iteration_number for place in places], pa.int32()),
        "worker_id": pa.array([said.identity.worker_id for said in found], REPEATING),
        "worker_pseudonym": pa.array([said.identity.pseudonym for said in found], REPEATING),
    }
    responses = {name: values if name == "unit_uri" else _plain(values) for name, values in shared.items()} | {
        "position": numbers,
        "workforce_type": pa.array([said.identity.workforce_type for said in found], pa.string()),
        "identity_provider": pa.array([said.identity.provider for said in found], pa.string()),
        "accepted_at": pa.array([said.accepted_at for said in found], ARROW_TYPES["timestamp"]),
        "submitted_at": submitted_at,
        "time_spent_seconds": pa.array([said.time_spent for said in found], ARROW_TYPES["seconds"]),
        "crowd_element": pa.array(elements, pa.string()),
        "label": pa.array(
            [label if element == IMAGE_CLASSIFIER else None for element, label in zip(elements, labels, strict=True)],
            pa.string(),
        ),
        "answer_json": pa.array([said.text for said in found], pa.string()),
    }
    annotations = shared | {
        "position": pc.binary_join_element_wise(numbers, "0", "/"),
        "is_consolidated": repeated(False, len(found), pa.bool_()),
        "geometry_type": repeated("class", len(found), REPEATING),
        "category": pa.array(labels, REPEATING),
    }
    parsed.columns("worker_responses", responses)
    parsed.columns("annotations", annotations)


def _plain(values: pa.Array) -> pa.Array:
    return values.cast(pa.string()) if pa.types.is_dictionary(values.type) else values
