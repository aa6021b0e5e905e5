"""`labelhouse`: the pipeline without Airflow. Exit codes: 0 done, 1 held back by a check, 2 wrong use."""

from __future__ import annotations

import base64
import csv
import getpass
import json
import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labelhouse.errors import HeldError, LabelhouseError
from labelhouse.settings import PREFIX, Settings, load_settings

if TYPE_CHECKING:
    import pyarrow as pa

    from labelhouse.checks.gate import Outcome
    from labelhouse.checks.lake_check import LakeCheck

HELD, WRONG_USE, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    help="An open lakehouse for labelling operations and the models trained on the labels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

LakeOption = Annotated[
    str, typer.Option("--lake", help="Folder of the lake, or s3://bucket/prefix; made on first use.")
]


class Format(StrEnum):
    """How `query` prints rows."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.callback()
def _commands() -> None:
    """Keeps subcommands even while there is only one."""


@app.command()
def run(
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            help="NAME=URI; a local folder laid out as AWS does, s3://bucket/prefix, or what `labelhouse settings` "
            "says of it. NAME=JSON as in LABELHOUSE_SOURCES, for several places; a connection is an AWS profile. "
            "Without any: LABELHOUSE_SOURCES.",
        ),
    ] = None,
    lake: LakeOption = "lake",
    replay_quarantined: Annotated[
        bool, typer.Option("--replay-quarantined", help="Load again what has records in quarantine.")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, help="How many processes load at the same time.")] = 1,
) -> None:
    """Load, check, build, check and publish. Run it again: only what is new is loaded."""
    from labelhouse.pipeline import run as run_pipeline

    found = _settings(lake)
    sources = load_settings(sources=_named(source)).sources if source else found.sources
    if not sources:
        raise typer.BadParameter("none is given, and LABELHOUSE_SOURCES names none", param_hint="--source")
    try:
        with _Progress() as report:
            result = run_pipeline(
                found, sources, _client, report, replay_quarantined=replay_quarantined, processes=processes
            )
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    loaded = result.loaded
    if result.release_id is None:
        print("Nothing new was loaded and nothing changed: the last release stays.")
        return
    print(
        f"Release {result.release_id} is published: {loaded.records_read} records read = {loaded.records_loaded} loaded"
        f" + {loaded.records_duplicate} duplicate + {loaded.records_quarantined} quarantined"
        f" + {loaded.records_filtered} filtered, from {loaded.unit_count} units."
    )
    if loaded.missing_count or loaded.unreadable_count:
        print(
            f"Warning: {loaded.missing_count} units were gone or replaced and {loaded.unreadable_count} could not be"
            " read; the next run tries again."
        )
    if loaded.records_quarantined:
        print(
            "Warning: some records are in quarantine; see why with: labelhouse query "
            f'"select reason, count(*) from raw.quarantine group by all" --lake {lake}'
        )


@app.command()
def check(
    suite: Annotated[
        list[str] | None, typer.Option("--suite", help="inputs, marts or drift; may be given again. Without any: all.")
    ] = None,
    lake: LakeOption = "lake",
) -> None:
    """Check the lake as it is and the published marts; nothing is published. Exit code 1: something would hold."""
    from labelhouse.checks.lake_check import check_lake

    found = check_lake(_settings(lake), suite or [])
    with _patient_with_pipes():
        _print_checks(found)
    if any(result.is_hold for result in found.results):
        raise typer.Exit(HELD)


@app.command()
def release(
    reason: Annotated[str, typer.Option("--reason", help="Why the failing checks may pass; kept in the lake.")],
    build: Annotated[str | None, typer.Option("--build", help="Its id; without one, the build that is held.")] = None,
    hours: Annotated[
        float, typer.Option("--hours", help="How long the same checks pass in later builds, too; 0: in this one only.")
    ] = 0,
    lake: LakeOption = "lake",
) -> None:
    """Release a held publication: let the checks that failed pass, then build on and publish."""
    from labelhouse.pipeline import continue_build, release_hold

    found = _settings(lake)
    build_id = release_hold(found, build, reason, _user(), hours)
    print(f"The hold of build {build_id} is released.")
    with _Progress() as report:
        release_id = continue_build(found, build_id, report)
    print(f"Release {release_id} is published.")


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT: marts by bare name, the lake's tables as raw.<table>.")],
    lake: LakeOption = "lake",
    format: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
) -> None:
    """Read the published marts and the raw tables; nothing can be changed."""
    from labelhouse.marts.read import query_lake

    rows = query_lake(_settings(lake), sql)
    with _patient_with_pipes():
        {Format.TABLE: _print_table, Format.CSV: _print_csv, Format.JSON: _print_json}[format](rows)


@app.command()
def quarantine(lake: LakeOption = "lake") -> None:
    """Show what could not be loaded and why, one JSON object a line; encrypted records are opened with the key."""
    from labelhouse.identities import load_identities
    from labelhouse.marts.read import query_lake

    found = _settings(lake)
    rows = query_lake(
        found, "select unit_uri, position, reason, is_encrypted, raw_bytes from raw.quarantine order by all"
    )
    identities = load_identities(found)
    with _patient_with_pipes():
        for row in rows.to_pylist():
            kept, is_encrypted = row.pop("raw_bytes"), row.pop("is_encrypted")
            record = identities.decrypt(kept) if is_encrypted else kept
            print(json.dumps(row | {"record": record.decode(errors="backslashreplace")}, ensure_ascii=False))


@app.command()
def erase(
    sub: Annotated[str, typer.Option("--sub", help="The worker's `sub` in Cognito or OIDC, or his pseudonym.")],
    lake: LakeOption = "lake",
) -> None:
    """Destroy what the identity map knows of a worker; his pseudonym stays in the lake and leads to nobody."""
    from labelhouse.identity_map import erase as erase_person

    if erase_person(_settings(lake), sub):
        print("The name and the e-mail address are gone, and will not be kept again.")
    else:
        print("The identity map did not know this worker, and will not keep him.")


@app.command()
def settings() -> None:
    """List every setting (environment variable, default, what it decides) and every source."""
    from labelhouse.sources import all_sources

    for name, field in Settings.model_fields.items():
        print(f"{PREFIX}{name.upper()} (default: {field.get_default(call_default_factory=True)})")
        print(f"    {field.description}")
    print("\nSources, for LABELHOUSE_SOURCES and --source NAME=URI:")
    for source in all_sources().values():
        print(f"{source.name}\n    {source.description}")


def main() -> None:
    """The console script: what a user did wrong is one sentence on standard error, never a traceback."""
    try:
        app()
    except HeldError as error:
        print(f"labelhouse: {error}", file=sys.stderr)
        sys.exit(HELD)
    except LabelhouseError as error:
        print(f"labelhouse: {error}", file=sys.stderr)
        sys.exit(WRONG_USE)
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"labelhouse: {error.strerror}: {error.filename or 'the lake'}", file=sys.stderr)
        sys.exit(WRONG_USE)


@contextmanager
def _patient_with_pipes() -> Iterator[None]:
    """`| head` may take what it wants and leave."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _settings(lake: str) -> Settings:
    """Settings from the environment for a lake of one's own: without a key set, it makes and keeps one."""
    found = load_settings(lake=lake)
    return found if found.pseudonym_key else load_settings(lake=lake, own_pseudonym_key=True)


def _user() -> str:
    """Who runs this process, as the system knows him."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"


def _named(options: list[str]) -> dict[str, Any]:
    """`NAME=URI` or `NAME=JSON` as a mapping, in the order given."""
    sources: dict[str, Any] = {}
    for option in options:
        name, _, uri = option.partition("=")
        if not (name and uri):
            raise typer.BadParameter(f"{option!r} is not NAME=URI", param_hint="--source")
        if name in sources:
            several = f'{name}=\'["one URI", "another"]\''
            raise typer.BadParameter(f"{name!r} is given twice; several places are {several}", param_hint="--source")
        try:
            sources[name] = json.loads(uri) if uri[0] in "[{" else uri
        except ValueError:
            raise typer.BadParameter(f"{uri!r} is neither a URI nor JSON", param_hint="--source") from None
    return sources


@cache
def _client(name: str) -> Any:
    """A client from boto3's default chain: environment, profile, instance role; `service@region` for another region,
    `service#profile` for the account and role of a profile.
    """
    import boto3
    from botocore.config import Config

    from labelhouse.sources.requests import ClientName

    patient = Config(retries={"mode": "adaptive", "max_attempts": 10}, connect_timeout=10, read_timeout=60)
    service, region, profile = ClientName.parse(name)
    session = boto3.Session(profile_name=profile) if profile else boto3
    return session.client(service, region_name=region, config=patient)


class _Progress:
    """A progress bar on a terminal, a plain line a step elsewhere; both on standard error."""

    def __enter__(self) -> Callable[[str, int, int], None]:
        if not sys.stderr.isatty():
            return _Lines()
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        task = self._bar.add_task("")
        return lambda step, done, total: self._bar.update(task, description=step, completed=done, total=total)

    def __exit__(self, *error: object) -> None:
        if hasattr(self, "_bar"):
            self._bar.stop()


class _Lines:
    """Prints a step once, when it begins."""

    def __init__(self) -> None:
        self._step = ""

    def __call__(self, step: str, _done: int, _total: int) -> None:
        if step != self._step:
            self._step = step
            print(f"{datetime.now(UTC):%H:%M:%S} {step}", file=sys.stderr, flush=True)


#: What becomes of a build by a result, worst first, in the words of the table.
_OUTCOMES: dict[Outcome, str] = {
    "hold": "holds",
    "waived": "let pass",
    "warning": "warns",
    "not_enough_data": "not enough data",
    "met": "met",
}


def _print_checks(found: LakeCheck) -> None:
    """A line a result, the failing ones first, and what they add up to."""
    from labelhouse.checks.gate import outcome_of

    rank = list(_OUTCOMES)
    results = sorted(found.results, key=lambda each: rank.index(outcome_of(each)))
    columns = {
        "suite": [each.suite for each in results],
        "table": [each.table_name for each in results],
        "check": [f"{each.check_name} · {each.subject}" if each.subject else each.check_name for each in results],
        "verdict": [_OUTCOMES[outcome_of(each)] for each in results],
        "finding": [f"{each.sentence} {each.finding}" for each in results],
    }
    _print_columns(columns)
    counts = Counter(outcome_of(each) for each in results)
    ends = ", ".join(f"{counts[outcome]} {words}" for outcome, words in _OUTCOMES.items() if counts[outcome])
    marts = f"the marts of release {found.release_id}" if found.release_id else "no marts, for nothing is published yet"
    print(f"({len(results)} results of {', '.join(found.suites)} on the lake and {marts}: {ends})")


def _print_table(rows: pa.Table) -> None:
    _print_columns(rows.to_pydict())
    print(f"({rows.num_rows} row{'' if rows.num_rows == 1 else 's'})")


def _print_columns(named: Mapping[str, Sequence[Any]]) -> None:
    columns = [[name, *map(_cell, values)] for name, values in named.items()]
    widths = [max(map(_width, column), default=0) for column in columns]
    lines = list(zip(*columns, strict=True))
    for number, line in enumerate(lines):
        print("  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def _cell(value: Any) -> str:
    """One line of text: control characters, which a terminal would obey, are escaped."""
    text = "" if value is None else str(value)
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in {"Cc", "Cf"} else c for c in text)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _print_csv(rows: pa.Table) -> None:
    from labelhouse.marts.export import csv_cell

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.column_names)
    for row in rows.to_pylist():
        writer.writerow([csv_cell(value) for value in row.values()])


def _print_json(rows: pa.Table) -> None:
    for number, row in enumerate(rows.to_pylist()):
        print(
            "[" if number == 0 else ",", json.dumps(row, default=_plain, ensure_ascii=False), sep="\n" if number else ""
        )
    print("[]" if rows.num_rows == 0 else "]")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
