"""What changes in the demo's world and stays so: drifts that nobody announces, for the checks to find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DriftKind = Literal["slower", "fading", "commoner", "rushed", "unsure"]


@dataclass(frozen=True, slots=True)
class Drift:
    """A change within one experiment or one labelling job.

    Args:
        subject: name of the experiment or of the job, in the case its owner chose.
        since: what it begins with: a run (from 1), a dataset object (from 0), or a day of the world (from 0).
        strength: what is multiplied by it; of what fades, how much is lost from one run to the next.
        story: what happens, as one sentence.
    """

    kind: DriftKind
    subject: str
    since: float
    strength: float
    story: str

    def affects(self, subject: str, position: float) -> bool:
        """Whether that run, object or day of that subject is one of those that changed."""
        return subject == self.subject and position >= self.since


SLOWER = Drift(
    "slower",
    "road-scenes-boxes",
    21,
    2.0,
    "From the 21st run on a training takes twice as long, and costs twice as much, for the same result.",
)
FADING = Drift(
    "fading",
    "shelf-products",
    15,
    0.003,
    "From the 15th run on the model validates a little worse each time, and no single run stands out.",
)
COMMONER = Drift(
    "commoner",
    "Vehicle-Types-Night-01",
    200,
    2.0,
    "The last third of the images comes from a new camera, and a common class is twice as frequent in it.",
)
UNSURE = Drift(
    "unsure",
    "retail-shelf-products-01",
    125,
    0.6,
    "In the second half of the job Ground Truth trusts the workers less, and is less sure of their labels.",
)
RUSHED = Drift(
    "rushed",
    "Wildlife-Nocturnal-01",
    12.75,
    0.4,
    "Towards the end of the two weeks the workers of one job begin to spend less than half the time on a task.",
)
#: Everything that drifts on purpose: first the trainings, then the labelling jobs. All else stays as it is.
DRIFTS = (SLOWER, FADING, COMMONER, UNSURE, RUSHED)
