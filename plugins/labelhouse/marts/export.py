"""Rows for a spreadsheet: text that a spreadsheet would run as a formula is disarmed."""

from __future__ import annotations

from datetime import date
from typing import Any

#: A spreadsheet runs a text that starts with one of these, the full-width ones included.
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def csv_cell(value: Any) -> Any:
    """A value for a CSV cell: numbers stay numbers, and no text can be a formula."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
    if isinstance(value, date):
        return value.isoformat()
    return value
