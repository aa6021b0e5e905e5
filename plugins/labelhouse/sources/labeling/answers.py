"""The answers of a worker response: who gave them and when, as rows of `worker_responses`, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from labelhouse.sources.documents import (
    Text,
    Unreadable,
    decode,
    encode,
    encode_flawed,
    flaw,
    kind,
    seconds,
    shaped,
    time,
    unpack,
)
from labelhouse.sources.labeling.elements import answer_folder_of, load_elements
from labelhouse.sources.labeling.places import Delivery
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.worker_identities import Traces, regular_without_identities, traces_in, without_identities

_WORKER_ID = re.compile(r"(?P<workforce>public|private|vendor)\.[a-z0-9-]+\.(?P<id>.+)", re.DOTALL)
IMAGE_CLASSIFIER = "crowd-image-classifier"
#: A chunk ends after so many answers.
CHUNK_RECORDS = 10_000


class _IdentityData(msgspec.Struct, rename="camel"):
    identity_provider_type: str | None = None
    sub: str | None = None


class _WorkerMetadata(msgspec.Struct, rename="camel"):
    identity_data: _IdentityData | None = None


class Answer(msgspec.Struct, rename="camel", kw_only=True):
    """One worker's answer; public workers' hold no more than content, submission time and worker id."""

    answer_content: dict[str, Any]
    worker_id: str | None = None
    acceptance_time: str | None = None
    submission_time: str | None = None
    time_spent_in_seconds: float | None = None
    worker_metadata: _WorkerMetadata | None = None


class Identity(NamedTuple):
    """Who gave an answer."""

    worker_id: str | None
    workforce_type: str | None
    pseudonym: str | None
    provider: str | None


class _Choice(msgspec.Struct):
    """What a worker chose in an image classification."""

    label: str | None = None


def answers_in(text: Text) -> tuple[list[Any], bool]:
    """The answers of a worker-response document, and whether they must be looked at for flaws.

    Real documents hold a list of answers, AWS's documentation speaks of one worker's answer alone: both are read.
    """
    document, is_suspect = decode(text)
    if not isinstance(document, dict):
        raise Unreadable(f"the document is {kind(document)}, not an object")
    if "answers" not in document and "answerContent" in document:
        return [document], is_suspect
    answers = document.get("answers")
    if not isinstance(answers, list) or not answers:
        raise Unreadable("the document holds no list of answers and is no answer either")
    return answers, is_suspect


def load_answers(
    delivery: Delivery, data: bytes, find: Callable[[Text], tuple[list[Any], bool]] = answers_in
) -> Iterator[Parsed]:
    """The records of a unit of answers, in chunks; one record in quarantine where it is none. Data never raises.

    Args:
        find: document → its answers, and whether they must be looked at for flaws; raises Unreadable.
    """
    try:
        text = unpack(data)
        answers, is_suspect = find(text)
    except Unreadable as reason:
        yield delivery.unreadable(reason, data)
        return
    traces = traces_in(text)
    parsed = delivery.chunk()
    for number, answer in enumerate(answers):
        load_answer(parsed, delivery, number, answer, traces, is_suspect=is_suspect)
        if parsed.records_read == CHUNK_RECORDS:
            yield parsed
            parsed = delivery.chunk()
    if parsed.records_read:
        yield parsed


def load_answer(
    parsed: Parsed, delivery: Delivery, number: int, answer: Any, traces: Traces, *, is_suspect: bool
) -> None:
    """One record of a worker response: one worker's answer."""
    if not isinstance(answer, dict):
        problem = f"the answer is {kind(answer)}, not an object"
        parsed.quarantine(str(number), problem, encode_flawed(answer), cleaned=False)
        return
    try:
        if is_suspect and (found := flaw(answer)):
            raise Unreadable(found)
        if isinstance(answer.get("answerContent"), str):
            answer = {**answer, "answerContent": _opened(answer["answerContent"])}
        cleaned, text = _cleaned(answer, traces, delivery)
        row = _response(cleaned, text, delivery)
    except Unreadable as reason:
        kept = encode_flawed(without_identities(answer, traces, delivery.identities))
        parsed.quarantine(str(number), str(reason), kept, cleaned=True)
        return
    parsed.row("worker_responses", str(number), row["submitted_at"], **row)
    load_elements(parsed, delivery, row, number, cleaned["answerContent"])
    parsed.loaded()


def _opened(content: Any) -> Any:
    """The content of an answer that is JSON inside JSON, maybe twice."""
    for _ in range(2):
        if isinstance(content, str):
            try:
                content, is_suspect = decode(content.encode())
            except Unreadable as reason:
                raise Unreadable(f"answerContent: {reason}") from None
            if is_suspect and (found := flaw(content)):
                raise Unreadable(f"answerContent: {found}")
    return content


def _cleaned(answer: dict[str, Any], traces: Traces, delivery: Delivery) -> tuple[dict[str, Any], str]:
    """An answer whose identities have been replaced, and its JSON."""
    if found := regular_without_identities(answer, delivery.identities):
        return found
    answer = without_identities(answer, traces, delivery.identities)
    return answer, encode(answer)


def identity_of(answer: Answer) -> Identity:
    """Who gave an answer whose identities have been replaced."""
    known = (answer.worker_metadata or _WorkerMetadata()).identity_data or _IdentityData()
    return Identity(*_worker_id_of(answer.worker_id or ""), known.sub or None, known.identity_provider_type or None)


@lru_cache(2**14)
def _worker_id_of(captured: str) -> tuple[str | None, str | None]:
    """The id without its prefix, and the kind of workforce that this names."""
    prefixed = _WORKER_ID.fullmatch(captured)
    return (prefixed["id"], prefixed["workforce"]) if prefixed else (captured or None, None)


def _response(answer: Mapping[str, Any], text: str, delivery: Delivery) -> dict[str, Any]:
    """The row of one answer whose identities have been replaced.

    Args:
        text: its JSON.

    Raises:
        Unreadable: a known field is not what it should be.
    """
    known = shaped(answer, Answer)
    identity = identity_of(known)
    crowd_element = next(iter(known.answer_content), None)
    choice = _Choice()
    if crowd_element == IMAGE_CLASSIFIER:
        choice = shaped(known.answer_content[crowd_element], _Choice, crowd_element)
    return {
        "labeling_job_name": delivery.place.job_name,
        "iteration_number": delivery.place.iteration_number,
        "dataset_object_id": delivery.place.dataset_object_id,
        "worker_id": identity.worker_id,
        "workforce_type": identity.workforce_type,
        "worker_pseudonym": identity.pseudonym,
        "identity_provider": identity.provider,
        "accepted_at": time(known.acceptance_time, "acceptanceTime", delivery.latest_at),
        "submitted_at": time(known.submission_time, "submissionTime", delivery.latest_at),
        "time_spent_seconds": seconds(known.time_spent_in_seconds, "timeSpentInSeconds"),
        "crowd_element": crowd_element,
        "label": choice.label or None,
        "answer_json": text,
        "answer_folder": answer_folder_of(known.answer_content) if "s3Prefix" in text else None,
    }
