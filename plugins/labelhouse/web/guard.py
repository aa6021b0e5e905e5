"""The guard in front of every route: nobody gets a byte before we know that they may read.

Airflow mounts what a plugin brings without asking anybody for anything, and FastAPI's dependencies do not
cover mounts, static files, 404s or websockets. So the app itself is guarded, at its only entrance.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

#: Nothing inline, nothing from elsewhere; shown only inside pages of the same origin.
CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "frame-ancestors": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
}


def policy(**changes: str) -> str:
    """The policy as a header, with `changes` to directives (`frame_src="'self'"`)."""
    directives = CONTENT_SECURITY_POLICY | {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}" for name, value in directives.items())


#: On every response; a route may set its own `Content-Security-Policy` and `Cache-Control`.
HEADERS = {
    "Content-Security-Policy": policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Standing(Enum):
    """What Airflow says about whoever sent a request."""

    UNKNOWN = "anonymous, expired or forged"
    WITHOUT_ROLE = "logged in, and allowed nothing"
    READER = "allowed to read: Viewer, Op"
    ADMIN = "allowed to read, and to see the names of workers where they are kept"


#: Where the guard leaves the standing for the routes.
_STANDING = "labelhouse.standing"


def may_see_names(request: Request) -> bool:
    """Whether the guard found an Admin."""
    return request.scope.get(_STANDING) is Standing.ADMIN


class Access(Protocol):
    """Who is there, and where they log in."""

    async def standing(self, request: Request) -> Standing:
        """What the sender of `request` may do."""

    def login_url(self) -> str:
        """Where a browser logs in; it takes `next`."""


class GuardedApp(FastAPI):
    """A FastAPI app that answers readers only, with strict headers on every response."""

    def __init__(self, access: Access, **options: Any) -> None:
        # The generated documentation would be three more routes that nobody needs.
        super().__init__(openapi_url=None, docs_url=None, redoc_url=None, **options)
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a reader; refuses everybody else before any route, mount or error page is looked at."""
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no websockets here, for anybody
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        send = _with_headers(send)
        request = Request(scope)
        standing = await self._access.standing(request)
        if standing in (Standing.READER, Standing.ADMIN):
            scope[_STANDING] = standing
            await super().__call__(scope, receive, send)
        else:
            await self._refusal(request, standing)(scope, receive, send)

    def _refusal(self, request: Request, standing: Standing) -> Response:
        if standing is Standing.WITHOUT_ROLE:
            return PlainTextResponse("Your Airflow user has no role that allows these pages.", 403)
        if _is_navigation(request):
            return RedirectResponse(f"{self._access.login_url()}?{urlencode({'next': _own_address(request)})}", 303)
        return PlainTextResponse("Log in to Airflow first.", 401, {"WWW-Authenticate": "Bearer"})


def _is_navigation(request: Request) -> bool:
    """Whether a person is opening a page, rather than a script or a page fetching a part."""
    if request.method not in ("GET", "HEAD"):
        return False
    mode = request.headers.get("sec-fetch-mode")
    return mode == "navigate" if mode else "text/html" in request.headers.get("accept", "")


def _own_address(request: Request) -> str:
    """Path and query of the request. One leading slash: `//host` would be another host's address."""
    path = "/" + request.url.path.lstrip("/\\")
    return f"{path}?{request.url.query}" if request.url.query else path


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
