"""Why something could not be read or evaluated, in words that quote no data."""

from __future__ import annotations

import duckdb

from labelhouse.errors import LabelhouseError

#: Errors that speak of SQL, files, modules and memory; the messages of others may quote values and are left out.
SPEAKING_ERRORS = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.IOException,
    duckdb.ParserException,
    ImportError,
    MemoryError,
    OSError,
)


def reason_of(error: Exception) -> str:
    """What went wrong: our own sentence, or the error's name, with its first line where that quotes nothing."""
    if isinstance(error, LabelhouseError):
        return str(error)
    lines = str(error).strip().splitlines() if isinstance(error, SPEAKING_ERRORS) else []
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
