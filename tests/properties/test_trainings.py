"""What is said of trainings: no answer, no line and no definition makes a parser raise, and the same gives the same."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from control_plane_units import parse
from labelhouse.sources import Source, endpoints, training_jobs, training_logs, trial_components
from labelhouse.sources.training.definitions import Definition, Definitions
from labelhouse.sources.training.lines import stream_named, stream_of
from mutated_json import mutated
from trainings import BEGAN, component, config, endpoint, training_job

texts = st.text(st.characters(codec=None), max_size=12)  # half surrogate pairs too
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    texts,
    st.sampled_from(["", "arn:aws:sagemaker:::training-job/", "9999-12-31T23:59:59Z", "NaN", "a@b.example", "(.*"]),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
SAMPLES: list[tuple[Source, dict[str, Any]]] = [
    (training_jobs.SOURCE, training_job(Tags=[{"Key": "a", "Value": "b"}], WarmPoolStatus={"Status": "InUse"})),
    (trial_components.SOURCE, component(Trials=[{"TrialName": "a", "ExperimentName": "b", "CreationTime": BEGAN}])),
    (endpoints.SOURCE, endpoint(EndpointConfig=config("x"), DataCaptureConfig={"EnableCapture": True})),
]


@st.composite
def changed(draw: st.DrawFn) -> tuple[Source, Any]:
    """An answer with a few values, at any depth, that are something else, somewhere else or missing."""
    source, sample = draw(st.sampled_from(SAMPLES))
    return source, draw(mutated(json.loads(json.dumps(sample, default=datetime.isoformat)), values, texts))


@settings(max_examples=400)
@given(changed())
def test_no_answer_makes_a_parser_raise(sample: tuple[Source, Any]) -> None:
    source, document = sample
    result = parse(source, json.dumps(document).encode())  # `parse` also checks counts, types and required values
    assert result.counts["quarantined"] <= len(result.quarantined)
    assert result.counts["read"] == 1


lines = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"#quality_metric: host=algo-1, epoch=3, train rmse <loss>=0.5",
            b"[12]#011train-error:0.116#011validation-error:nan",
            b"{'eval_loss': 0.149, 'epoch': 1.0}",
            b"2024-05-06 07:12:00,250 INFO loss=0.5; step=7",
            b"2024-05-06T07:12:00.250Z loss=1e999;",
            b"\x1b[34mBillable seconds: 74\x1b[0m",
        ]
    ),
)
own = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.text(max_size=5),
            "regex": st.one_of(
                st.text(max_size=20), st.sampled_from(["loss=(.*?);", "(a*)*", "(?=x)(.)", "(.*)", "x|(y)"])
            ),
        }
    ),
    max_size=3,
)


@settings(max_examples=400)
@given(own, st.lists(lines, max_size=8), st.booleans())
@example([{"name": "loss", "regex": "loss=(.*?);"}], [b"loss=0.5;"] * 3, True)
def test_no_log_makes_the_parser_raise_and_the_same_log_gives_the_same(
    definitions: list[dict[str, str]], said: list[bytes], is_hour: bool
) -> None:
    begun = {"jobs": {"fruit-1": definitions}}
    if is_hour:
        uri = "logs://us-east-1:011122223333/aws/sagemaker/TrainingJobs/2024-05-06T07Z"
        events = [
            {
                "timestamp": 1714979520000,
                "logStreamName": "fruit-1/algo-1-1714979289",
                "message": each.decode("latin-1"),
            }
            for each in said
        ]
        text = "\n".join(json.dumps(event) for event in events).encode()
    else:
        uri, text = "file:///logs/fruit-1.log", b"\n".join(said)
    data = json.dumps(begun, separators=(",", ":")).encode() + b"\n" + text
    first, second = (parse(training_logs.SOURCE, data, uri) for _ in range(2))
    assert first.tables == second.tables
    assert first.reasons == second.reasons
    rows = first.tables["training_log_metrics"]
    assert len({(row["log_event_id"], row["metric_name"]) for row in rows}) == len(rows)
    assert len(set(first.keys)) == len(first.keys) == first.counts["loaded"]
    for row in rows:
        assert (row["metric_value"] is None) != (row["value_flag"] is None)
        assert row["metric_value"] is None or math.isfinite(row["metric_value"])
        assert row["step"] is None or 0 <= row["step"] < 2**63


@given(st.binary(max_size=300))
def test_no_bytes_make_a_parser_raise(data: bytes) -> None:
    for source in (*(source for source, _ in SAMPLES), training_logs.SOURCE):
        parse(source, data)
    parse(training_logs.SOURCE, data, "logs://us-east-1:011122223333/aws/sagemaker/TrainingJobs/2024-05-06T07Z")


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(numbers, st.integers(0, 10**9))
def test_a_value_is_found_as_it_was_written(number: float, step: int) -> None:
    definitions = Definitions([Definition("loss", "loss=([-+.0-9e]+)")])
    ((name, text, whose),), _ = definitions.find(f"step={step} loss={number!r} end".encode())
    assert (name, float(text), whose) == ("loss", number, "job")
    ((name, text, whose),), _ = Definitions().find(
        f"#quality_metric: host=algo-1, train rmse <loss>={number!r}".encode()
    )
    assert (name, float(text), whose) == ("train:rmse", number, "quality_metric")


@given(
    st.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,40}", fullmatch=True), st.integers(1, 99), st.integers(10**9, 10**10)
)
def test_a_stream_is_the_same_in_the_log_group_and_in_an_export(job: str, number: int, epoch: int) -> None:
    stream = f"{job}/algo-{number}-{epoch}"
    exported = stream_of(f"exports/task/{stream.replace('/', '-')}/000000.gz")
    # a job may be called as a stream is; the export of it is read to its last host
    assert re.sub(r"[/-]", "", exported.name or "") == re.sub(r"[/-]", "", stream)
    assert stream_named(stream) == (job, stream, f"algo-{number}")
    if not re.search(r"-algo-[0-9]", f"-{job}"):
        assert exported == stream_named(stream)
    assert stream_of(f"logs/{job}.log").job == job
