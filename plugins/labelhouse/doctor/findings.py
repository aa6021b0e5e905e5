"""What the doctor finds: a line each, with what to do and where the guide says how."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Literal

#: The guide that findings point to, from the project's root.
GUIDE = "docs/set-up.md"
#: Its headings that findings name, as anchors.
Heading = Literal[
    "",
    "changes-of-jobs-status",
    "clock",
    "credentials",
    "data-capture",
    "iam-policy",
    "log-file-validation",
    "regions",
    "training-metrics",
    "versions",
    "workers-activity",
]


class State(StrEnum):
    """What a finding means: only what is missing makes the doctor fail."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"
    UNKNOWN = "could not be checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found out about a place.

    Args:
        state: what it means.
        source: name of the source; empty for what is true of all of them.
        place: URI, and the connection where it has one of its own.
        what: what is so, as a sentence without its full stop.
        to_do: what helps; empty where nothing needs help.
        guide: heading of the guide that says how.
    """

    state: State
    source: str
    place: str
    what: str
    to_do: str = ""
    guide: Heading = ""

    def __str__(self) -> str:
        subject = " ".join(part for part in (self.source, self.place) if part)
        line = f"{self.state}: {subject}: {self.what}" if subject else f"{self.state}: {self.what}"
        line += f"; {self.to_do}" if self.to_do else ""
        return f"{line} ({GUIDE}#{self.guide})" if self.guide else line

    def as_json(self) -> dict[str, str]:
        """The finding as an object of JSON."""
        return asdict(self) | {"guide": f"{GUIDE}#{self.guide}" if self.guide else ""}
