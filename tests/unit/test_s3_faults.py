"""What S3 and the way to it do wrong: always one sentence, and whether another try may help."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from urllib3.exceptions import SSLError

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources import Clients, Unit
from labelhouse.sources.documents import MAX_UNIT_BYTES
from labelhouse.sources.objects import list_objects, read_object
from s3_clients import client_of, only


def listed(uri: str, clients: Clients) -> list[Unit]:
    return list(list_objects(uri, clients))


def test_an_endpoint_that_does_not_answer_is_said_in_one_sentence() -> None:
    with pytest.raises(SourceUnavailableError, match="the S3 endpoint cannot be reached: 's3://labels'"):
        listed("s3://labels", only(client_of("http://127.0.0.1:9", connect_timeout=1)))


class Refusing:
    """A client whose every call fails as AWS fails it."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_paginator(self, name: str) -> Any:
        raise self.error

    def get_object(self, **parameters: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ClientError({"Error": {"Code": "AccessDenied"}}, "ListObjectsV2"),
            "access is denied: 's3://labels/x' (allowed: ",
        ),
        (ClientError({"Error": {"Code": "ExpiredToken"}}, "ListObjectsV2"), "the AWS credentials have expired"),
        (ClientError({"Error": {"Code": "InvalidAccessKeyId"}}, "x"), "the AWS credentials are not accepted"),
        (ClientError({"Error": {"Code": "PermanentRedirect"}}, "x"), "the bucket is in another region"),
        (
            ClientError({"Error": {"Code": "MethodNotAllowed"}}, "x"),
            "S3 cannot be read (MethodNotAllowed): 's3://labels/",
        ),
        (ClientError({}, "x"), "S3 cannot be read (ClientError): 's3://labels/x'"),
        (NoCredentialsError(), "no AWS credentials were found: 's3://labels/x' (allowed: credentials from "),
    ],
)
def test_a_refusal_is_said_in_one_sentence(error: Exception, words: str) -> None:
    with pytest.raises(SourceError) as listing:
        listed("s3://labels/x", only(Refusing(error)))
    with pytest.raises(SourceError) as reading:
        read_object(Unit("s3://labels/x", "v", datetime.now(UTC), 1), only(Refusing(error)))
    assert words in str(listing.value)
    assert str(reading.value) == str(listing.value)
    assert "\n" not in str(listing.value)
    assert type(listing.value) is type(reading.value) is SourceError, "another try would not help"


def refusal(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "x")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal("SlowDown", 503), "S3 cannot be read just now (SlowDown)"),
        (refusal("ThrottlingException", 400), "S3 cannot be read just now (ThrottlingException)"),
        (refusal("RequestLimitExceeded", 400), "S3 cannot be read just now (RequestLimitExceeded)"),
        (refusal("RequestTimeout", 400), "S3 cannot be read just now (RequestTimeout)"),
        (refusal("InternalError", 200), "S3 cannot be read just now (InternalError)"),
        (refusal("ServiceUnavailable", 503), "S3 cannot be read just now (ServiceUnavailable)"),
        (refusal("502", 502), "S3 cannot be read just now (502)"),
        (refusal("429", 429), "S3 cannot be read just now (429)"),
        (ReadTimeoutError(endpoint_url="https://s3"), "S3 cannot be read just now (ReadTimeoutError)"),
        (ConnectionClosedError(endpoint_url="https://s3"), "S3 cannot be read just now (ConnectionClosedError)"),
        (ResponseStreamingError(error="reset"), "S3 cannot be read just now (ResponseStreamingError)"),
        (EndpointConnectionError(endpoint_url="https://s3"), "the S3 endpoint cannot be reached"),
        (SSLError("bad record"), "S3 cannot be read just now (SSLError)"),
    ],
)
def test_a_fault_that_passes_is_worth_another_try(error: Exception, words: str) -> None:
    with pytest.raises(SourceUnavailableError) as listing:
        listed("s3://labels/x", only(Refusing(error)))
    with pytest.raises(SourceUnavailableError) as reading:
        read_object(Unit("s3://labels/x", "v", datetime.now(UTC), 1), only(Refusing(error)))
    assert str(listing.value).startswith(f"{words}: 's3://labels/x'")
    assert str(reading.value) == str(listing.value)
    assert listing.value.__suppress_context__, "botocore's traceback is nobody's business"


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """An endpoint that sends the beginning of an answer, and then nothing; it hangs up unless told to wait."""
    is_over = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(answer)
            if b"keep-alive" in answer:
                is_over.wait(10)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield "http://{}:{}".format(*server.server_address)
        finally:
            is_over.set()
            server.shutdown()


@pytest.mark.parametrize("size_bytes", [100, MAX_UNIT_BYTES + 1], ids=["read whole", "read in part"])
@pytest.mark.parametrize(
    ("connection", "words"),
    [("close", r"S3 .* \(ResponseStreamingError\)|.* ended too early"), ("keep-alive", r"S3 .* \(ReadTimeoutError\)")],
)
def test_a_body_that_ends_too_early_is_worth_another_try(connection: str, words: str, size_bytes: int) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size_bytes}\r\nConnection: {connection}\r\n\r\n"
    unit = Unit("s3://labels/x", "v", datetime.now(UTC), size_bytes)
    with answering(head.encode() + b"the beginning") as endpoint, pytest.raises(SourceUnavailableError) as raised:
        read_object(unit, only(client_of(endpoint, read_timeout=0.5)))
    assert re.fullmatch(f"({words}): 's3://labels/x'", str(raised.value))


def test_a_body_that_is_not_what_was_stored_is_worth_another_try() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-amz-checksum-crc32: AAAAAA==\r\nConnection: close\r\n\r\n"
    unit = Unit("s3://labels/x", "v", datetime.now(UTC), 5)
    with answering(head + b"other") as endpoint, pytest.raises(SourceUnavailableError, match="'s3://labels/x'"):
        read_object(unit, only(client_of(endpoint)))


def test_a_mistake_of_ours_is_not_dressed_up_as_one_of_aws() -> None:
    with pytest.raises(KeyError):
        listed("s3://labels", only(Refusing(KeyError("bug"))))
