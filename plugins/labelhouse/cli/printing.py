"""What the commands print: tables, CSV, JSON; nothing that a terminal would obey."""

from __future__ import annotations

import base64
import csv
import json
import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from labelhouse.checks.gate import Outcome
    from labelhouse.checks.lake_check import LakeCheck


@contextmanager
def patient_with_pipes() -> Iterator[None]:
    """`| head` may take what it wants and leave."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


#: What becomes of a build by a result, worst first, in the words of the table.
_OUTCOMES: dict[Outcome, str] = {
    "hold": "holds",
    "waived": "let pass",
    "warning": "warns",
    "not_enough_data": "not enough data",
    "met": "met",
}


def print_checks(found: LakeCheck) -> None:
    """A line a result, the failing ones first, and what they add up to."""
    from labelhouse.checks.gate import outcome_of

    rank = list(_OUTCOMES)
    results = sorted(found.results, key=lambda each: rank.index(outcome_of(each)))
    columns = {
        "suite": [each.suite for each in results],
        "table": [each.table_name for each in results],
        "check": [f"{each.check_name} · {each.subject}" if each.subject else each.check_name for each in results],
        "verdict": [_OUTCOMES[outcome_of(each)] for each in results],
        "finding": [f"{each.sentence} {each.finding}" for each in results],
    }
    print_columns(columns)
    counts = Counter(outcome_of(each) for each in results)
    ends = ", ".join(f"{counts[outcome]} {words}" for outcome, words in _OUTCOMES.items() if counts[outcome])
    marts = f"the marts of release {found.release_id}" if found.release_id else "no marts, for nothing is published yet"
    print(f"({len(results)} results of {', '.join(found.suites)} on the lake and {marts}: {ends})")


def print_table(rows: pa.Table) -> None:
    print_columns(rows.to_pydict())
    print(f"({rows.num_rows} row{'' if rows.num_rows == 1 else 's'})")


def print_columns(named: Mapping[str, Sequence[Any]]) -> None:
    columns = [[name, *map(cell, values)] for name, values in named.items()]
    widths = [max(map(_width, column), default=0) for column in columns]
    lines = list(zip(*columns, strict=True))
    for number, line in enumerate(lines):
        print("  ".join(text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def cell(value: Any) -> str:
    """One line of text: control characters, which a terminal would obey, are escaped."""
    text = "" if value is None else str(value)
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in {"Cc", "Cf"} else c for c in text)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def print_csv(rows: pa.Table) -> None:
    from labelhouse.marts.export import csv_cell

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.column_names)
    for row in rows.to_pylist():
        writer.writerow([csv_cell(value) for value in row.values()])


def print_json(rows: pa.Table) -> None:
    """A list of objects, a row each, a line each."""
    print_objects(rows.to_pylist())


def print_objects(objects: Sequence[Mapping[str, Any]]) -> None:
    """A list of objects, a line each."""
    for number, row in enumerate(objects):
        print(
            "[" if number == 0 else ",", json.dumps(row, default=_plain, ensure_ascii=False), sep="\n" if number else ""
        )
    print("]" if objects else "[]")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
