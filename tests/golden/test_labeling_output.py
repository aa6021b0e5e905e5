"""A small output of four invented jobs in the documented shapes, and exactly what the lake gets of it.

Run `python tests/golden/test_labeling_output.py` with `plugins` and `tests` on the path to write what it gets now
over what is expected; then read the difference.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labelhouse.sources import Window
from labelhouse.sources.labeling_output import SOURCE
from labeling_units import parse

FOLDER = Path(__file__).parent / "labeling_output"
EXPECTED = FOLDER / "expected.json"


def found() -> dict[str, Any]:
    """Each unit of the output by its path, with what it gives; times and decimals as text."""
    units = {}
    for unit in SOURCE.list_units(str(FOLDER / "input"), {}.__getitem__, Window()):
        result = parse(SOURCE.read_unit(unit, {}.__getitem__), unit.uri)
        for row in result.quarantined:
            if row["is_encrypted"]:
                row["raw_bytes"] = b"(encrypted)"
        units[unit.uri.rpartition("/labeling_output/input/")[2]] = {
            "counts": dict(result.counts),
            "rows": result.answers or result.entries,
            "quarantined": result.quarantined,
        }
    plain: dict[str, Any] = json.loads(json.dumps(units, default=_as_text))
    return plain


def _as_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def test_the_output_gives_exactly_what_is_expected() -> None:
    assert found() == json.loads(EXPECTED.read_text())


if __name__ == "__main__":
    EXPECTED.write_text(json.dumps(found(), indent=1, ensure_ascii=False) + "\n")
