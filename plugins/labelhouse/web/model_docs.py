"""dbt's documentation: one HTML file full of inline script, so it is served in a sandbox of its own."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path

from starlette.responses import FileResponse

#: No origin, so no cookies and nothing of Airflow within reach; nothing can be fetched.
_POLICY = {
    "sandbox": "allow-scripts",
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",
    "img-src": "data:",
    "font-src": "data:",
    "frame-ancestors": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
}
_SCRIPT = re.compile(rb"<script\b[^>]*>(.*?)</script\b", re.DOTALL | re.IGNORECASE)


def dbt_docs_response(path: Path) -> FileResponse:
    """The file at `path`, sandboxed wherever it is opened: in our frame or by its address."""
    directives = _POLICY | {"script-src": _script_hashes(path)}
    policy = "; ".join(f"{name} {value}" for name, value in directives.items())
    return FileResponse(path, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": policy})


@lru_cache(maxsize=4)
def _script_hashes(path: Path) -> str:
    """The scripts of the file as CSP sources: they run, and no handler in a description does.

    A release's file never changes, so neither does this.
    """
    hashes = [
        base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _SCRIPT.findall(path.read_bytes())
    ]
    return " ".join(f"'sha256-{each}'" for each in hashes) or "'none'"
