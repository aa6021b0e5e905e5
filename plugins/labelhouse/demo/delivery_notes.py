"""What the delivery notes say, and which entities people mark in them.

What was put in to be found again: every note names exactly one place, which everybody marks; and one worker never marks
a quantity (`MARKS_NO_QUANTITY`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from labelhouse.demo.chance import generator

CLASSES = ("product", "quantity", "place", "date")
SHORT_NAMES = {"product": "prd", "quantity": "qty", "place": "plc", "date": "dat"}
MARKS_NO_QUANTITY = "reyes"

_FORMS = (
    "Delivered {quantity} {product} to {place} on {date}.",
    "{place}: {quantity} {product}, left at the gate on {date}.",
    "On {date} the driver brought {quantity} {product} to {place}, two pallets late.",
)
_WORDS = {
    "product": ("oat milk", "washing-up liquid", "green tea", "crisps", "apple juice"),
    "quantity": ("twelve crates of", "40 boxes of", "3 pallets of", "half a pallet of"),
    "place": ("Thika Road depot", "the Quezon City store", "Suba warehouse", "the harbour in Mombasa"),
    "date": ("3 March", "Monday morning", "the last day of May", "12 October"),
}


class Span(NamedTuple):
    """An entity: the first of its characters, and the one after its last."""

    label: str
    start_offset: int
    end_offset: int


def note(seed: int, name: str) -> tuple[str, tuple[Span, ...]]:
    """A text and the entities that are in it, in their order.

    Args:
        name: of the note, by which it is drawn.
    """
    rng = generator(seed, "delivery note", name)
    form = _FORMS[int(rng.integers(len(_FORMS)))]
    words = {label: each[int(rng.integers(len(each)))] for label, each in _WORDS.items()}
    text = form.format(**words)
    spans = [Span(label, text.index(word), text.index(word) + len(word)) for label, word in words.items()]
    return text, tuple(sorted(spans, key=lambda span: span.start_offset))


def marked(seed: int, name: str, worker_name: str, skill: float) -> tuple[Span, ...]:
    """The entities that a worker marks: now and then one is overlooked, or a date begins a word too late.

    Args:
        skill: probability of marking an entity.
    """
    text, spans = note(seed, name)
    rng = generator(seed, "marked", name, worker_name)
    found = []
    for span in spans:
        is_seen, is_late = rng.random() < skill, rng.random() < 0.1
        if span.label == "place" or (is_seen and not (span.label == "quantity" and worker_name == MARKS_NO_QUANTITY)):
            start = span.start_offset
            if span.label == "date" and is_late:
                start = text.index(" ", start) + 1
            found.append(Span(span.label, start, span.end_offset))
    return tuple(found)


def agreed(answers: Sequence[tuple[Span, ...]]) -> list[tuple[Span, float]]:
    """The entities that most workers marked alike, with the share of those who did."""
    counts = Counter(span for answer in answers for span in answer)
    chosen = [(span, count / len(answers)) for span, count in counts.items() if 2 * count > len(answers)]
    return sorted(chosen, key=lambda each: each[0].start_offset)
