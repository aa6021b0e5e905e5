"""Lets the writes of Airflow's API server take turns, where its database is SQLite.

Airflow commits the audit log of a request on the server's only event loop. If another request holds SQLite's one
write lock by then, the loop waits for that lock, and the other request for the loop to go on to its commit: for a
whole minute nobody is answered, then one of the two fails. Requests that write one after the other never meet.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Receive, Scope, Send

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Whoever sends a request slowly keeps others waiting no longer than that.
_LONGEST_WAIT_SECONDS = 20.0


class WritesTakeTurns:
    """ASGI middleware: of the requests that are not reads, one is in the application at a time."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._turn = asyncio.Semaphore(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, a write as soon as it is its turn."""
        if scope["type"] != "http" or scope["method"] in _READS:
            await self.app(scope, receive, send)
            return
        has_turn = False
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
                has_turn = await self._turn.acquire()
        try:
            await self.app(scope, receive, send)
        finally:
            if has_turn:
                self._turn.release()
