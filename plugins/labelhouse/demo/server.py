"""The account over HTTP: our handlers for what moto lacks or takes too kindly, and moto behind them for the rest."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from labelhouse.demo import (
    api_cloudwatch,
    api_endpoints,
    api_labeling,
    api_logs,
    api_people,
    api_training,
    exports,
)
from labelhouse.demo.people import REGION
from labelhouse.demo.region import Region
from labelhouse.demo.wire import ApiError, Operation, check, to_json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

#: Prefix of `X-Amz-Target` → service as botocore names it, its operations, and the code of its refusals.
_SERVICES: dict[str, tuple[str, dict[str, Operation], str]] = {
    "Logs_20140328": ("logs", api_logs.OPERATIONS | exports.OPERATIONS, api_logs.REFUSAL),
    "SageMaker": (
        "sagemaker",
        api_labeling.OPERATIONS | api_training.OPERATIONS | api_endpoints.OPERATIONS,
        api_labeling.REFUSAL,
    ),
    "AWSCognitoIdentityProviderService": ("cognito-idp", api_people.OPERATIONS, api_people.REFUSAL),
    "GraniteServiceVersion20100801": ("cloudwatch", api_cloudwatch.OPERATIONS, api_cloudwatch.REFUSAL),
}

#: Gives what a region (by name) knows now, and lets nothing change until it is released.
Present = Callable[[str], AbstractContextManager[Region]]


class Server:
    """A server on a free port of the loopback, in a thread of its own."""

    def __init__(self, present: Present) -> None:
        app = Front(DomainDispatcherApplication(create_backend_app), present)
        self._make: Callable[[], BaseWSGIServer] = lambda: make_server(
            "127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler
        )
        self._server: BaseWSGIServer | None = None

    @property
    def url(self) -> str:
        """Where it answers, once started."""
        assert self._server, "not started"
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        """Begins to serve."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # one line per request otherwise
        self._server = self._make()
        threading.Thread(target=self._server.serve_forever, name="account server", daemon=True).start()

    def stop(self) -> None:
        """Answers no more."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()


class Front:
    """The WSGI layer before moto.

    Args:
        moto: what answers everything else.
        present: the present state of a region.
    """

    def __init__(self, moto: WSGIApplication, present: Present) -> None:
        self._moto, self._present = moto, present

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        prefix, _, name = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        service, operations, code = _SERVICES.get(prefix, ("", {}, ""))
        if name not in operations:
            return self._moto(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            answer = self._answer(service, name, operations[name], _region(environ), body, code)
            status = "200 OK"
        except ApiError as error:
            status, answer = "400 Bad Request", {"__type": error.code, "message": error.message}
        content = to_json(answer)
        headers = [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("Content-Length", str(len(content))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
        ]
        start_response(status, headers)
        return [content]

    def _answer(
        self, service: str, name: str, operation: Operation, region_name: str, body: bytes, code: str
    ) -> dict[str, Any]:
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            raise ApiError("SerializationException", "The request is no JSON document.") from None
        if not isinstance(request, dict):
            raise ApiError("SerializationException", "The request is no JSON object.")
        check(service, name, operation.parameters, request, code)
        with self._present(region_name) as region:
            return operation.answer(region, request)


def _region(environ: dict[str, Any]) -> str:
    """The region that a request is signed for."""
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split("/")
    return scope[2] if len(scope) > 2 else REGION
