"""Writes take turns, reads do not wait, and nobody can keep others waiting for long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from labelhouse.web import turns
from labelhouse.web.turns import WritesTakeTurns


class Application:
    """Counts who is in it at once; a request to `/slow` stays until it is let go."""

    def __init__(self) -> None:
        self.inside = 0
        self.most_inside = 0
        self.may_go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        await (self.may_go.wait() if scope["path"] == "/slow" else asyncio.sleep(0.01))
        self.inside -= 1
        if scope["path"] == "/broken":
            raise RuntimeError("broken")


async def nothing() -> Message:
    return {"type": "http.disconnect"}


async def nowhere(_: Message) -> None:
    return


def requests(server: WritesTakeTurns, methods: Sequence[str], path: str = "/") -> list[Any]:
    return [server({"type": "http", "method": method, "path": path}, nothing, nowhere) for method in methods]


@pytest.mark.parametrize(("methods", "most"), [(["POST", "PATCH", "PUT", "DELETE"], 1), (["GET", "HEAD", "GET"], 3)])
def test_writes_are_alone_and_reads_are_not(methods: list[str], most: int) -> None:
    async def all_at_once() -> int:
        application = Application()
        await asyncio.gather(*requests(WritesTakeTurns(application), methods))
        return application.most_inside

    assert asyncio.run(all_at_once()) == most


def test_a_read_does_not_wait_for_a_write() -> None:
    async def beside_a_slow_write() -> None:
        application = Application()
        server = WritesTakeTurns(application)
        slow = asyncio.create_task(*requests(server, ["POST"], "/slow"))
        await asyncio.wait_for(*requests(server, ["GET"]), timeout=5)
        application.may_go.set()
        await slow

    asyncio.run(beside_a_slow_write())


def test_who_writes_slowly_keeps_nobody_waiting_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_LONGEST_WAIT_SECONDS", 0.05)

    async def behind_a_slow_write() -> int:
        application = Application()
        server = WritesTakeTurns(application)
        slow = asyncio.create_task(*requests(server, ["POST"], "/slow"))
        await asyncio.wait_for(*requests(server, ["POST"]), timeout=5)
        application.may_go.set()
        await slow
        application.most_inside = 0
        await asyncio.gather(*requests(server, ["POST", "POST"]))
        return application.most_inside

    assert asyncio.run(behind_a_slow_write()) == 1, "who did not get a turn gives none back"


def test_a_failing_write_gives_its_turn_back() -> None:
    async def after_a_failure() -> None:
        server = WritesTakeTurns(Application())
        with pytest.raises(RuntimeError, match="broken"):
            await requests(server, ["POST"], "/broken")[0]
        await asyncio.wait_for(*requests(server, ["POST"]), timeout=5)

    asyncio.run(after_a_failure())
