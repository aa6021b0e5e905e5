"""Source `training_logs`: what the logs of training jobs say about metrics, found by metric definitions.

The log is read by three routes: the log group itself, asked hour by hour (`log_groups`), whose streams are called
`<job>/algo-1-<epoch>`; its exports to S3, `<job>-algo-1-<epoch>/000000.gz`; saved logs, a file a job, called as the
job. A line of the log group and the same line of an export are one.

**What is looked for.** The job's own metric definitions, which `DescribeTrainingJob` tells, then the built-in sets (see
`training.definitions`). Definitions are read with an hour and kept with its bytes: the same bytes give the same rows.
Among saved logs, the answer of `aws sagemaker describe-training-job` in `<job>.json` tells those of that job.

**What is kept.** Values, steps and times; never the text of a line. A line in which nothing is found is filtered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

from labelhouse.sources import Clients, Source, Unit, UnitGone, Window, one_by_one
from labelhouse.sources.control_plane import Api
from labelhouse.sources.documents import CLOCK_SKEW, UNIX_EPOCH, Text, Unreadable, decode, flaw, lines, unpack
from labelhouse.sources.log_groups import SCHEME, ApiEvent, LogGroups, encoded
from labelhouse.sources.objects import key_of, list_objects, read_object
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.training.lines import Ids, Line, Stream, plain, stream_named, stream_of, without_lead

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.sources.training.definitions import Definitions, Found

TABLE = "training_log_metrics"
_LOG_GROUPS = LogGroups(form="logs://REGION/aws/sagemaker/TrainingJobs", made_when="when a first training job runs")
#: What CloudWatch writes to see whether it may, what consoles leave for a folder, and answers beside the logs.
_NO_LOG = re.compile(r"(?:^|/)(?:aws-logs-write-test)?\Z|(?:^|/)\.[^/]*\Z|\.json(?:\.gz)?\Z", re.IGNORECASE)
#: Between the version of a log and that, the size and the URI of the answer about its job.
_AND = "|"
#: Bytes with definitions begin so.
_BEGIN = b'{"jobs":'
#: Definitions of so many jobs are remembered: a job never changes them.
_MOST_REMEMBERED = 50_000


class _Definition(msgspec.Struct):
    """A metric definition as it is kept with the bytes of a unit."""

    name: str
    regex: str


class _Begin(msgspec.Struct):
    """The first line of bytes with definitions: those of each job."""

    jobs: dict[str, list[_Definition]]


_remembered: dict[tuple[str, str, str], list[_Definition]] = {}
_remembering = Lock()
_EVENTS = msgspec.json.Decoder(ApiEvent)
_BEGINNINGS = msgspec.json.Decoder(_Begin)
_ENCODER = msgspec.json.Encoder()


def list_units(uri: str, clients: Clients, window: Window) -> Iterator[Unit]:
    """The hours of the log group, or the logs below a folder or prefix.

    Raises:
        SourceError: the place is missing or unreadable.
    """
    if uri.startswith(SCHEME):
        yield from _LOG_GROUPS.list_hours(uri, clients, window)
        return
    units = list(list_objects(uri, clients))
    answers = {_job_of(unit.uri): unit for unit in units if unit.uri.endswith(".json")}
    for unit in units:
        if _NO_LOG.search(key_of(unit.uri)):
            continue
        answer = answers.get(_job_of(unit.uri))
        parts = (unit.version, answer.version, str(answer.size_bytes), answer.uri) if answer else (unit.version,)
        yield replace(unit, version=_AND.join(parts))


def _job_of(uri: str) -> str:
    """The training job that a saved log, or an answer, is of."""
    return stream_of(key_of(uri)).job


def read_unit(unit: Unit, clients: Clients) -> bytes:
    """A log or the events of an hour, behind the metric definitions of their jobs.

    Raises:
        UnitGone, UnitReplaced, SourceError: it cannot be had.
    """
    if unit.uri.startswith(SCHEME):
        return _hour(unit, clients)
    version, *answer = unit.version.split(_AND, 3)
    data = read_object(replace(unit, version=version), clients)
    if not answer:
        return data
    answer_version, size, answer_uri = answer
    told = read_object(Unit(answer_uri, answer_version, unit.unit_at, int(size)), clients)
    return _begun({_job_of(unit.uri): _definitions_in(told)}) + data


def _hour(unit: Unit, clients: Clients) -> bytes:
    events = _LOG_GROUPS.hour(unit, clients)
    if not events:
        return b""
    group = _LOG_GROUPS.of_hour(unit.uri)
    jobs = sorted({stream_named(event.log_stream_name or "").job for event in events} - {""})
    api = Api(clients, "sagemaker", group.region, unit.uri)
    told = {job: _definitions_of(job, api, (group.account_id, group.region)) for job in jobs}
    return _begun({job: found for job, found in told.items() if found}) + encoded(events)


def _begun(jobs: dict[str, list[_Definition]]) -> bytes:
    return _ENCODER.encode(_Begin(jobs)) + b"\n"


def _definitions_of(job: str, api: Api, place: tuple[str | None, str]) -> list[_Definition]:
    """The metric definitions of a job; none where SageMaker does not know it."""
    account, region = place
    key = (account or "", region, job)
    if key in _remembered:
        return _remembered[key]
    try:
        found = _definitions(api.ask("describe_training_job", TrainingJobName=job))
    except UnitGone:
        return []
    if account:
        with _remembering:
            if len(_remembered) >= _MOST_REMEMBERED:
                _remembered.clear()
            _remembered[key] = found
    return found


def _definitions_in(answer: bytes) -> list[_Definition]:
    """The metric definitions in a saved answer; none where it cannot be read, which source `training_jobs` tells."""
    try:
        value, is_suspect = decode(unpack(answer))
    except Unreadable:
        return []
    return [] if is_suspect and flaw(value) else _definitions(value)


def _definitions(job: Any) -> list[_Definition]:
    algorithm = job.get("AlgorithmSpecification") if isinstance(job, dict) else None
    given = algorithm.get("MetricDefinitions") if isinstance(algorithm, dict) else None
    return [
        _Definition(each["Name"], each["Regex"])
        for each in (given if isinstance(given, list) else ())
        if isinstance(each, dict) and isinstance(each.get("Name"), str) and isinstance(each.get("Regex"), str)
    ]


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """The values in the lines of a log. Data never raises."""
    log = _Log(unit, identities)
    try:
        log.read(data)
    except Unreadable as reason:
        log.parsed.quarantine("0", str(reason), data, cleaned=False)
    yield log.parsed


class _Log:
    """One unit: its definitions, and what they find."""

    def __init__(self, unit: Unit, identities: Identities) -> None:
        self.parsed = Parsed(unit.unit_at, identities)
        self._unit, self._identities = unit, identities
        self._latest_at = datetime.now(UTC) + CLOCK_SKEW
        self._ids = Ids()
        self._told: dict[str, list[_Definition]] = {}
        self._known: dict[str, Definitions] = {}
        self._is_hour = unit.uri.startswith(SCHEME)
        group = _LOG_GROUPS.of_hour(unit.uri) if self._is_hour else None
        self._place = {
            "account_id": group.account_id if group else None,
            "aws_region": group.region if group else None,
        }

    def read(self, data: bytes) -> None:
        """Everything in the bytes of the unit.

        Raises:
            Unreadable: they are no log.
        """
        if data.startswith(_BEGIN):
            begin, _, data = data.partition(b"\n")
            try:
                self._told = _BEGINNINGS.decode(begin).jobs
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise Unreadable("the metric definitions before the log cannot be read") from None
        for line in self._events(data) if self._is_hour else self._saved(unpack(data)):
            self._load(line)

    def _events(self, data: bytes) -> Iterator[Line]:
        """The events of an hour; one that is none is quarantined."""
        for number, raw in lines(data):
            try:
                event = _EVENTS.decode(raw)
                at = UNIX_EPOCH + timedelta(milliseconds=event.timestamp or 0)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError):
                self.parsed.quarantine(str(number), "the event is not what CloudWatch gives", raw, cleaned=False)
                continue
            text = (event.message or "").encode("utf-8", "surrogatepass")
            yield Line(number, stream_named(event.log_stream_name or ""), plain(text), at)

    def _saved(self, text: Text) -> Iterator[Line]:
        """The lines of a saved log; one without a time was written soon after the line before it."""
        stream = stream_of(key_of(self._unit.uri))
        newest: datetime | None = None
        for number, raw in lines(text):
            at, rest = without_lead(plain(bytes(raw)), self._latest_at)
            newest = at or newest
            yield Line(number, stream, plain(rest), newest)

    def _load(self, line: Line) -> None:
        from labelhouse.sources.training.definitions import MOST_LINE_BYTES

        position, parsed = str(line.number), self.parsed
        if len(line.text) > MOST_LINE_BYTES:
            words = f"the line is longer than {MOST_LINE_BYTES >> 10} KB"
            parsed.quarantine(position, words, line.text, cleaned=False)
            return
        found, refusal = self._definitions_of(line.stream.job).find(line.text)
        rows, reasons = self._rows(line, found)
        reasons += [refusal] if refusal else []
        if not rows and reasons:
            parsed.quarantine(position, reasons[0], line.text, cleaned=False)
            return
        for number, reason in enumerate(reasons, start=len(rows)):
            parsed.quarantine_part(f"{position}/{number}", reason, line.text, cleaned=False)
        if not rows:
            parsed.filtered()
            return
        log_event_id = self._ids.of(line)
        for number, row in enumerate(rows):
            parsed.row(TABLE, f"{position}/{number}", line.at, log_event_id=log_event_id, **row)
        parsed.key(TABLE, line.number, log_event_id)
        parsed.loaded()

    def _rows(self, line: Line, found: Iterable[Found]) -> tuple[list[dict[str, Any]], list[str]]:
        """The rows of a line, and why some of what was found gives none."""
        from labelhouse.sources.training.answers import value_of
        from labelhouse.sources.training.definitions import step_in

        rows, reasons = [], []
        step = step_in(line.text) if found else None
        for each in found:
            try:
                value = value_of(each.text.strip(), f"what the definition of {each.metric_name} captures")
            except Unreadable as reason:
                reasons.append(self._identities.clean_text(str(reason)))
                continue
            rows.append(
                {
                    **self._written_by(line.stream),
                    "metric_name": self._identities.clean_text(each.metric_name),
                    "metric_value": value.number,
                    "value_flag": value.flag,
                    "step": step.number if step else None,
                    "step_name": step.name if step else None,
                    "metric_at": line.at,
                    "definition": each.definition,
                    **self._place,
                }
            )
        return rows, reasons

    def _written_by(self, stream: Stream) -> dict[str, str | None]:
        return {
            "training_job_name": self._identities.clean_text(stream.job),
            "log_stream_name": stream.name and self._identities.clean_text(stream.name),
            "host_name": stream.host,
        }

    def _definitions_of(self, job: str) -> Definitions:
        """What is looked for in the lines of a job; what cannot be looked for is quarantined, once a unit."""
        from labelhouse.sources.training.definitions import Definition, Definitions, as_json

        if job not in self._known:
            told = [Definition(each.name, each.regex) for each in self._told.get(job, ())]
            self._known[job] = Definitions(told)
            for number, refused in enumerate(self._known[job].refused):
                name = self._identities.clean_text(refused.definition.metric_name)
                reason = f"the definition of {name} is not looked for: {refused.reason}"
                position = f"definitions/{job}/{number}"
                self.parsed.quarantine_part(position, reason, as_json(refused.definition), cleaned=False)
        return self._known[job]


def _same_job(unit_uri: str) -> str:
    """Two jobs may write the same text; a log that lies in two folders is one."""
    return unit_uri if unit_uri.startswith(SCHEME) else _job_of(unit_uri)


SOURCE = Source(
    name="training_logs",
    description="Logs of training jobs, for the metrics in them. The URI is the log group (logs://REGION/aws/sagemaker/"
    "TrainingJobs), or a folder or s3:// prefix with exports of it or saved logs, a file a job.",
    tables=(TABLE,),
    list_units=list_units,
    read_unit=read_unit,
    parse=one_by_one(parse),
    same_content=_same_job,
    daily_look_back=timedelta(days=14),
)
