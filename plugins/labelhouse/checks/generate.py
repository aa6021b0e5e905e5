"""Writes `vocabulary.json`: the expectations of the installed Great Expectations, and their arguments.

`python -m labelhouse.checks.generate`, after an upgrade of Great Expectations.
"""

from __future__ import annotations

import json

from labelhouse.checks.evaluate import quietly_imported
from labelhouse.checks.vocabulary import FILE

#: Fields of an expectation that a file may not set: bookkeeping, and conditions that pandas would evaluate as code.
_NOT_ARGUMENTS = {
    *("id", "meta", "notes", "result_format", "description", "catch_exceptions", "rendered_content", "severity"),
    *("windows", "row_condition", "condition_parser", "batch_id", "table"),
}


def installed() -> dict[str, list[str]]:
    """Expectation → the arguments that a file may set, of Great Expectations' own ones."""
    with quietly_imported():
        from great_expectations.expectations import registry
    names = sorted(registry.list_registered_expectation_implementations())
    kinds = {name: registry.get_expectation_impl(name) for name in names}
    return {
        name: sorted(set(kind.__fields__) - _NOT_ARGUMENTS)
        for name, kind in kinds.items()
        if kind.__module__.startswith("great_expectations.")
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(installed(), indent=1) + "\n")
