"""The lake's files on S3: how Iceberg and DuckDB reach them.

Who we are, where and at which endpoint comes from AWS's own variables (`AWS_REGION`, `AWS_ENDPOINT_URL_S3`,
`AWS_ACCESS_KEY_ID` …) or from the role of the machine, as for every tool of AWS; never from the data.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from fsspec import AbstractFileSystem
from fsspec.implementations.arrow import ArrowFSWrapper

if TYPE_CHECKING:
    import duckdb
    from pyarrow.fs import S3FileSystem

SCHEME = "s3"


def s3_options() -> dict[str, str]:
    """Region and endpoint of the lake's bucket, where the environment names them, as pyarrow's `S3FileSystem` calls
    them; credentials are found by AWS's own rules."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    found = {"region": region, "endpoint_override": endpoint}
    return {name: value for name, value in found.items() if value}


def s3_properties() -> dict[str, str]:
    """The same as pyiceberg calls it."""
    names = {"region": "s3.region", "endpoint_override": "s3.endpoint"}
    return {names[name]: value for name, value in s3_options().items()}


def show_s3(connection: duckdb.DuckDBPyConnection) -> None:
    """Lets DuckDB read `s3://` paths without an extension; nothing is opened before the first such path."""
    if not connection.filesystem_is_registered(SCHEME):
        connection.register_filesystem(_S3Files())


class _S3Files(ArrowFSWrapper):  # type: ignore[misc]  # fsspec has no types
    """pyarrow's S3 as DuckDB takes it, made when the first file is asked for."""

    protocol = (SCHEME,)
    cachable = False

    def __init__(self) -> None:
        AbstractFileSystem.__init__(self)

    @cached_property
    def fs(self) -> S3FileSystem:
        from pyarrow.fs import S3FileSystem

        return S3FileSystem(**s3_options())
