"""The expectations of Great Expectations and their arguments, known without importing it, which takes seconds.

`python -m labelhouse.checks.generate` writes them beside this file; a test compares them with what is installed.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from labelhouse.checks.suites import Check, SuiteError, nearest

#: Expectation → its arguments.
FILE = Path(__file__).with_name("vocabulary.json")


@cache
def vocabulary() -> dict[str, list[str]]:
    """Expectation → the arguments that a file may set."""
    known: dict[str, list[str]] = json.loads(FILE.read_text())
    return known


def require_known(check: Check, where: str) -> None:
    """Raises SuiteError when Great Expectations has no such expectation, or the expectation no such argument."""
    known = vocabulary()
    if check.expect not in known:
        near = f"{nearest(check.expect, known, most=3)} of Great Expectations"
        raise SuiteError("unknown expectation", where=where, value=check.expect, allowed=near)
    allowed = [*Check.model_fields, *known[check.expect]]
    for argument in check.arguments:
        if argument not in allowed:
            raise SuiteError("unknown key", where=where, value=argument, allowed=nearest(argument, allowed))
