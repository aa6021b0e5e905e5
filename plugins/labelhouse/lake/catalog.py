"""Opening the lake: its catalog, and its tables as `schema/` declares them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchPropertyException,
    NoSuchTableError,
    RESTError,
    TableAlreadyExistsError,
    ValidationException,
)
from pyiceberg.table import Table as IcebergTable
from pyiceberg.typedef import Identifier
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from labelhouse.errors import LakeUnavailableError, SettingError, words_of
from labelhouse.folders import Folder, S3Path, s3_location
from labelhouse.schema.columns import Table
from labelhouse.schema.iceberg import iceberg_schema, partition_spec
from labelhouse.schema.quality import ALARM_CHANGES
from labelhouse.schema.tables import INGEST_LEDGER, TABLES
from labelhouse.settings import Settings

RAW, MARTS = "raw", "marts"
#: pyiceberg's default of four retries loses commits under contention, and manifests pile up without merging.
TABLE_PROPERTIES = {
    "commit.retry.num-retries": "40",
    "commit.retry.min-wait-ms": "50",
    "commit.retry.max-wait-ms": "2000",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "20",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "50",
    "write.parquet.compression-codec": "zstd",
    # what hardly repeats (positions, values, times) is given up as a dictionary early: files are a quarter smaller, and
    # are written in three quarters of the time
    "write.parquet.dict-size-bytes": "131072",
    # by default the first 16 characters, which all units of a source share
    "write.metadata.metrics.column.unit_uri": "full",
}
#: The ledger and the alarms' states are committed by `CompareAndSwap`: who loses looks again.
_TRIES = "commit.retry.num-retries"
LEDGER_PROPERTIES = TABLE_PROPERTIES | {_TRIES: "1"}

logging.getLogger("pyiceberg").setLevel(logging.ERROR)
#: Replacing the rows of a day that has none yet is no reason to worry.
warnings.filterwarnings("ignore", "Delete operation did not match any records", module="pyiceberg")

T = TypeVar("T")


class Lake:
    """The tables of one lake, created on first use.

    Raises:
        SettingError: the settings name no catalog for a lake in S3, or two.
    """

    def __init__(self, settings: Settings) -> None:
        self.dir = settings.lake.resolve()
        self._prefix = settings.catalog_prefix
        self._properties = _catalog_properties(settings)

    @property
    def warehouse(self) -> str:
        """URI of the folder that holds the tables' files, whatever catalog knows them."""
        place = self.dir / "warehouse"
        return str(place) if isinstance(place, S3Path) else f"file://{place}"

    def identifier(self, namespace: str, table: str) -> str:
        """What the catalog calls a table of `RAW` or `MARTS`."""
        return f"{self._prefix}{namespace}.{table}"

    def create_table(self, namespace: str, table: str, **declared: Any) -> IcebergTable:
        """A new table; its files lie in the lake's own warehouse, where readers are let in."""
        location = f"{self.warehouse}/{namespace}/{table}"
        return self.catalog.create_table(self.identifier(namespace, table), location=location, **declared)

    def tables(self, namespace: str) -> list[Identifier]:
        """The tables of a namespace that the catalog knows."""
        return self.catalog.list_tables(self._prefix + namespace)

    @cached_property
    def catalog(self) -> Catalog:
        """The Iceberg catalog.

        Raises:
            LakeUnavailableError: the folder or the catalog cannot be opened.
        """
        try:
            self.dir.mkdir(parents=True, exist_ok=True)
            files = _file_properties() if isinstance(self.dir, S3Path) else {}
            properties = files | self._properties | {"warehouse": self._properties.get("warehouse", self.warehouse)}
            catalog = retrying(lambda: load_catalog("labelhouse", **properties))
            for namespace in (RAW, MARTS):
                with suppress(NamespaceAlreadyExistsError, IntegrityError):  # another process was first
                    retrying(partial(catalog.create_namespace_if_not_exists, self._prefix + namespace))
        except OSError as error:
            raise LakeUnavailableError(
                f"the lake cannot be opened ({error.strerror or type(error).__name__})", where=str(self.dir)
            ) from error
        except SQLAlchemyError as error:
            what = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise LakeUnavailableError(f"the catalog cannot be opened ({what})", where=str(self.dir)) from error
        except (BotoCoreError, ClientError, RESTError, NoSuchPropertyException, ValidationError) as error:
            # no more than its kind: what a server answers may hold what it was asked with
            code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
            what = code or type(error).__name__
            raise LakeUnavailableError(f"the catalog cannot be opened ({what})", where=str(self.dir)) from None
        return catalog

    @property
    def exists(self) -> bool:
        """Whether anything was ever written here."""
        return (self.dir / "catalog.db").exists() or (self.dir / "warehouse").exists()

    def raw(self, name: str) -> IcebergTable:
        """The raw table of that name, created or extended to what `schema/` declares.

        Raises:
            LakeUnavailableError: it can be neither read nor made.
        """
        table = TABLES[name]
        with worth_another_try(self.dir):
            opened = self._loaded(table)
            declared = iceberg_schema(table)
            if opened.properties.get(_TRIES) == "0":  # of an older lake
                with opened.transaction() as transaction:
                    transaction.set_properties(LEDGER_PROPERTIES)
            if set(declared.column_names) - set(opened.schema().column_names):
                with opened.update_schema() as update:
                    update.union_by_name(declared)
        return opened

    def _loaded(self, table: Table) -> IcebergTable:
        identifier = self.identifier(RAW, table.name)
        try:
            return self.catalog.load_table(identifier)
        except NoSuchTableError:
            with suppress(TableAlreadyExistsError):  # another process was first
                return self._create(table)
        return self.catalog.load_table(identifier)

    def _create(self, table: Table) -> IcebergTable:
        return self.create_table(
            RAW,
            table.name,
            schema=iceberg_schema(table),
            partition_spec=partition_spec(table),
            properties=LEDGER_PROPERTIES if table in (INGEST_LEDGER, ALARM_CHANGES) else TABLE_PROPERTIES,
        )


def _catalog_properties(settings: Settings) -> dict[str, str]:
    """What pyiceberg is told of the catalog."""
    if settings.catalog and settings.catalog_uri:
        raise SettingError(
            "two catalogs are named", where="LABELHOUSE_CATALOG", allowed="this or LABELHOUSE_CATALOG_URI"
        )
    if settings.catalog:
        return settings.catalog
    if settings.catalog_uri:
        return {"type": "sql", "uri": settings.catalog_uri}
    if not isinstance(settings.lake, Path):
        raise SettingError(
            "a lake in S3 needs a catalog",
            where="LABELHOUSE_CATALOG",
            allowed='{"type": "glue"}, {"type": "rest", "uri": …}, or a database in LABELHOUSE_CATALOG_URI',
        )
    own = URL.create("sqlite", database=str(settings.lake.resolve() / "catalog.db"), query={"timeout": "60"})
    return {"type": "sql", "uri": own.render_as_string()}


def _file_properties() -> dict[str, str]:
    """Where pyiceberg finds S3; credentials come from AWS's chain, which renews them."""
    region, endpoint = s3_location()
    return {"s3.region": region} | ({"s3.endpoint": endpoint} if endpoint else {})


@contextmanager
def worth_another_try(lake: Folder) -> Iterator[None]:
    """Says in one sentence that a lake cannot be written now: a full disk, lost rights, a catalog that is busy.

    Raises:
        LakeUnavailableError: instead of the errors of files and databases.
    """
    try:
        yield
    except OSError as error:
        raise LakeUnavailableError(f"the lake cannot be written ({words_of(error)})", where=str(lake)) from error
    except DBAPIError as error:
        what = str(error.orig).partition("\n")[0]
        raise LakeUnavailableError(f"the catalog cannot be written ({what})", where=str(lake)) from error


def retrying(commit: Callable[[], T], *, seconds: float = 120.0) -> T:
    """`commit()`, again while the catalog is busy: pyiceberg does not retry on a locked SQLite file."""
    attempts = Retrying(
        retry=retry_if_exception(_is_busy),
        wait=wait_random_exponential(multiplier=0.05, max=2.0),
        stop=stop_after_delay(seconds),
        reraise=True,
    )
    return attempts(commit)


def _is_busy(error: BaseException) -> bool:
    if isinstance(error, CommitFailedException | ValidationException):
        return True  # somebody else committed: look again
    if not isinstance(error, DBAPIError):
        return False
    # "already exists": two processes made the catalog's own tables at the same time
    return "locked" in str(error.orig) or "already exists" in str(error.orig)
