"""The endpoints of Iceberg's REST catalog that a lake uses, on an SQL catalog: pyiceberg ships a client only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.table import CommitTableRequest, Table
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER

TOKEN = "canary-rest-token"
#: What it refuses, with the status and the type that the specification names.
REFUSALS: dict[type[Exception], tuple[int, str]] = {
    NoSuchTableError: (404, "NoSuchTableException"),
    NoSuchNamespaceError: (404, "NoSuchNamespaceException"),
    NamespaceAlreadyExistsError: (409, "AlreadyExistsException"),
    TableAlreadyExistsError: (409, "AlreadyExistsException"),
    CommitFailedException: (409, "CommitFailedException"),
}
Answer = dict[str, Any]


class RestCatalog:
    """What the server does; `lose_answers` commits that many times and answers 504.

    Args:
        folder: for its own database; the tables' files lie where clients say.
    """

    def __init__(self, folder: Path) -> None:
        uri = f"sqlite:///{folder / 'rest.db'}?timeout=60"
        self.catalog = SqlCatalog("rest", uri=uri, warehouse=f"file://{folder / 'elsewhere'}")
        self.lose_answers = 0
        self.commit_count = 0

    def answer(self, method: str, parts: list[str], body: bytes) -> Answer:
        """The document that a request is answered with."""
        found: Answer | None = None
        match method, parts:
            case "GET", ["config"]:
                found = {"defaults": {}, "overrides": {}}
            case "POST", ["namespaces"]:
                found = json.loads(body)
                self.catalog.create_namespace(tuple(json.loads(body)["namespace"]))
            case "GET", ["namespaces", namespace]:
                found = {"namespace": [namespace], "properties": self.catalog.load_namespace_properties(namespace)}
            case "GET", ["namespaces", namespace, "tables"]:
                names = [each[-1] for each in self.catalog.list_tables(namespace)]
                found = {"identifiers": [{"namespace": [namespace], "name": name} for name in names]}
            case "POST", ["namespaces", namespace, "tables"]:
                found = _loaded(self._create(namespace, CreateTableRequest.model_validate_json(body)))
            case "GET" | "HEAD", ["namespaces", namespace, "tables", table]:
                found = _loaded(self.catalog.load_table((namespace, table)))
            case "POST", ["namespaces", namespace, "tables", table]:
                found = self._commit((namespace, table), CommitTableRequest.model_validate_json(body))
        if found is None:
            raise NoSuchNamespaceError(f"{method} {parts}")
        return found

    def _create(self, namespace: str, asked: CreateTableRequest) -> Table:
        return self.catalog.create_table(
            (namespace, asked.name),
            asked.table_schema,
            asked.location,
            asked.partition_spec or UNPARTITIONED_PARTITION_SPEC,
            asked.write_order or UNSORTED_SORT_ORDER,
            asked.properties,
        )

    def _commit(self, name: tuple[str, str], asked: CommitTableRequest) -> Answer:
        done = self.catalog.commit_table(self.catalog.load_table(name), asked.requirements, asked.updates)
        self.commit_count += 1
        if self.lose_answers:
            self.lose_answers -= 1
            raise TimeoutError
        return dict(json.loads(done.model_dump_json(by_alias=True)))


def _loaded(table: Table) -> Answer:
    metadata = json.loads(table.metadata.model_dump_json(by_alias=True))
    return {"metadata-location": table.metadata_location, "metadata": metadata, "config": {}}


@contextmanager
def running_rest_catalog(folder: Path) -> Iterator[tuple[RestCatalog, dict[str, str]]]:
    """The server, and the properties that lead a lake to it."""
    served = RestCatalog(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._send(401, _error(401, "NotAuthorizedException"))
                return
            try:
                document = served.answer(
                    self.command, self.path.partition("?")[0].removeprefix("/v1/").split("/"), body
                )
            except TimeoutError:
                self._send(504, _error(504, "GatewayTimeoutException"))
            except tuple(REFUSALS) as error:
                status, kind = REFUSALS[type(error)]
                self._send(status, _error(status, kind))
            else:
                self._send(200, document)

        do_GET = do_HEAD = do_POST = _serve

        def _send(self, status: int, document: Answer) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served, {"type": "rest", "uri": f"http://127.0.0.1:{server.server_port}", "token": TOKEN}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _error(status: int, kind: str) -> Answer:
    return {"error": {"message": f"{kind}: {TOKEN}", "type": kind, "code": status}}
