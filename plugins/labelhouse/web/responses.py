"""What the pages have in common: where they are mounted, and files to download."""

from __future__ import annotations

import re

from fastapi import Request
from starlette.responses import Response

from labelhouse.web.tiles import Tile


def root_of(request: Request) -> str:
    """Where Airflow mounted the pages."""
    root: str = request.scope.get("root_path", "")
    return root


def download(tile: Tile, version: str) -> Response:
    """A tile as CSV."""
    # names and versions are ours, but a file name is no place to rely on that
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", f"labelhouse-{tile.name}-{version}")
    disposition = f'attachment; filename="{name}.csv"'
    return Response(tile.csv(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})
