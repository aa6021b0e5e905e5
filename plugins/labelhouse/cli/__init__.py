"""`labelhouse`: the pipeline without Airflow. Exit codes: 0 done, 1 held back by a check or missing, 2 wrong use."""

from __future__ import annotations

import getpass
import json
import os
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from labelhouse.cli.clients import account, client, quick_client
from labelhouse.cli.printing import (
    cell,
    patient_with_pipes,
    print_checks,
    print_csv,
    print_json,
    print_objects,
    print_table,
)
from labelhouse.cli.progress import Progress
from labelhouse.errors import HeldError, LabelhouseError
from labelhouse.memory import leave, prepare_memory
from labelhouse.settings import PREFIX, Settings, SourceSettings, load_settings

HELD, WRONG_USE, INTERRUPTED = 1, 2, 130
MISSING = 1

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

SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        help="NAME=URI; a local folder laid out as AWS does, s3://bucket/prefix, or what `labelhouse settings` "
        "says of it. NAME=JSON as in LABELHOUSE_SOURCES, for several places; a connection is an AWS profile. "
        "Without any: LABELHOUSE_SOURCES.",
    ),
]


class Format(StrEnum):
    """How `query` prints rows."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class FindingFormat(StrEnum):
    """How `doctor` prints findings."""

    TEXT = "text"
    JSON = "json"


@app.callback()
def _commands() -> None:
    """Keeps subcommands even while there is only one."""


@app.command()
def run(
    source: SourceOption = None,
    lake: LakeOption = "lake",
    replay_quarantined: Annotated[
        bool, typer.Option("--replay-quarantined", help="Load again what has records in quarantine.")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, help="How many processes load at the same time.")] = 1,
) -> None:
    """Load, check, build, check and publish. Run it again: only what is new is loaded."""
    from labelhouse.pipeline import run as run_pipeline

    found = _settings(lake)
    sources = _sources(found, source)
    try:
        with Progress() as report:
            result = run_pipeline(
                found, sources, client, report, replay_quarantined=replay_quarantined, processes=processes
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
def doctor(
    source: SourceOption = None,
    lake: LakeOption = "lake",
    policy: Annotated[
        bool, typer.Option("--policy", help="Print the IAM policy for exactly what is asked, and check nothing.")
    ] = False,
    format: Annotated[FindingFormat, typer.Option("--format", help="How to print findings.")] = FindingFormat.TEXT,
) -> None:
    """Check each source with read-only calls: what is missing, and what to do. Exit code 1: something is missing."""
    found = load_settings(lake=lake)
    sources = _sources(found, source)
    if policy:
        from labelhouse.doctor.policy import MOST_CHARACTERS, characters_of, policy_of

        document = policy_of(found, sources, account)
        print(json.dumps(document, indent=2))
        if (count := characters_of(document)) > MOST_CHARACTERS:
            words = f"{count} characters are more than the {MOST_CHARACTERS} of one managed policy"
            print(f"labelhouse: {words}: make two of it, cut between statements", file=sys.stderr)
        return
    from labelhouse.doctor.examine import examine
    from labelhouse.doctor.findings import State

    has_missing = False
    with patient_with_pipes():
        findings = examine(sources, quick_client)
        if format is FindingFormat.JSON:
            findings = iter(kept := list(findings))
            print_objects([each.as_json() for each in kept])
        for each in findings:
            has_missing |= each.state is State.MISSING
            if format is FindingFormat.TEXT:
                print(cell(each), flush=True)
    if has_missing:
        raise typer.Exit(MISSING)


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
    with patient_with_pipes():
        print_checks(found)
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
    with Progress() as report:
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
    with patient_with_pipes():
        {Format.TABLE: print_table, Format.CSV: print_csv, Format.JSON: print_json}[format](rows)


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
    with patient_with_pipes():
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
    """The console script. It leaves by itself: nobody waits until everything is taken apart."""
    prepare_memory()
    try:
        run_command()
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            leave(ended.code or 0)
        raise


def run_command() -> None:
    """A command line: what a user did wrong is one sentence on standard error, never a traceback."""
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


def _settings(lake: str) -> Settings:
    """Settings from the environment for a lake of one's own: without a key set, it makes and keeps one."""
    found = load_settings(lake=lake)
    return found if found.pseudonym_key else load_settings(lake=lake, own_pseudonym_key=True)


def _sources(found: Settings, options: list[str] | None) -> dict[str, SourceSettings]:
    """The sources of the options, else those of the settings."""
    sources = load_settings(sources=_named(options)).sources if options else found.sources
    if not sources:
        raise typer.BadParameter("none is given, and LABELHOUSE_SOURCES names none", param_hint="--source")
    return sources


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
