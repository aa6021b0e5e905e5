"""Training logs: by which definitions values are found, of which step and time they are, by which route they come."""

from __future__ import annotations

import gzip
import json
from ast import literal_eval
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from control_plane_units import UNIT_AT, Result, parse
from labelhouse.extraction import extract
from labelhouse.marts.read import query_lake
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Unit, Window, all_sources, training_logs
from labelhouse.sources.training.definitions import Definition, Definitions, step_in
from labelhouse.sources.training_logs import SOURCE
from served_aws import refused
from trainings import ACCOUNT, BEGAN, LOGS, REGION, Trainings, said, training_job

HOUR = BEGAN.replace(minute=0, second=0, microsecond=0)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_logs, "_remembered", {})
    monkeypatch.setattr("labelhouse.sources.requests.REQUESTS_PER_SECOND", {})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, lake=tmp_path / "lake", own_pseudonym_key=True)


def log(text: str, name: str = "fruit-1.log") -> Result:
    return parse(SOURCE, text.encode(), f"file:///logs/{name}")


def found(line: str, *own: tuple[str, str]) -> list[tuple[str, str, str]]:
    values, _ = Definitions(Definition(*each) for each in own).find(line.encode())
    return [tuple(each) for each in values]


def test_it_is_a_source() -> None:
    assert all_sources()["training_logs"] is SOURCE
    assert SOURCE.daily_look_back == timedelta(days=14)


# -- definitions -----------------------------------------------------------------------------------


def test_the_first_group_captures_the_value() -> None:
    own = [("train:error", "Train_error=(.*?);"), ("validation:error", "Valid_error=(.*?);")]
    assert found("Train_error=0.138318;  Valid_error=0.324557;", *own) == [
        ("train:error", "0.138318", "job"),
        ("validation:error", "0.324557", "job"),
    ]
    assert found(
        "average loss = 1.5e-3 now", ("loss", "average loss = ([-+]?[0-9]*\\.?[0-9]+([eE][-+]?[0-9]+)?).*$")
    ) == [("loss", "1.5e-3", "job")]
    assert found("mse:0.5", ("validation:mse", r"mse:(\S+)")) == [("validation:mse", "0.5", "job")]
    assert found("a=1 a=2", ("a", "a=(.)"), ("a", "a=2(.*)")) == [("a", "1", "job")], "once a line"
    assert found("[7]#011train-error:0.1", ("loss", "loss=(.*)")) == [("train:error", "0.1", "xgboost")]
    assert found("loss=3 #mean_rho: 0.66", ("loss", r"loss=(\S+)")) == [("loss", "3", "job")], "own ones first"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("#quality_metric: host=algo-1, epoch=3, train rmse <loss>=0.5", [("train:rmse", "0.5")]),
        ("#quality_metric: host=algo-1, epoch=3, batch=7 train rmse <loss>=0.5", [("train:batch_rmse", "0.5")]),
        ("#quality_metric: host=algo-2, test macro_f_1.000 <score>=nan", [("test:macro_f_1.000", "nan")]),
        ("#quality_metric: host=algo-1, epoch=0, validation mAP <score>=(0.43)", [("validation:mAP", "0.43")]),
        ("#progress_metric: host=algo-1, completed 5.0 % of epochs", [("train:progress", "5.0")]),
        ("#throughput_metric: host=algo-1, train throughput=105.7 records/second", [("train:throughput", "105.7")]),
        ("[0]\ttrain-rmse:1.5\tvalidation-rmse:1e-2", [("train:rmse", "1.5"), ("validation:rmse", "1e-2")]),
        ("Epoch[3] Validation-accuracy=0.73", [("validation:accuracy", "0.73")]),
        ("#mean_rho: 0.66", [("train:mean_rho", "0.66")]),
        ("#validation_accuracy: 0.91", [("validation:accuracy", "0.91")]),
        ("{'eval_loss': 0.149, 'epoch': 1.0}", [("eval_loss", "0.149")]),
        ("Billable seconds: 74", [("billable_seconds", "74")]),
        ("Training seconds: 133", [("training_seconds", "133")]),
        ("[2022-04-18 00:23:20.327 ip-10-0-214-241:26 INFO hook.py:413] Monitoring the collections", []),
        ("The Billable seconds: 74", []),
        ("#quality_metric: host=algo-1, something else", []),
        ('SM_HPS={"epochs":1,"learning-rate":0.001}', []),
        ("#metrics {'epoch': 1}", []),
    ],
)
def test_built_in_sets_know_the_lines_of_awss_algorithms(line: str, expected: list[tuple[str, str]]) -> None:
    assert [(name, text) for name, text, _ in found(line)] == expected


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("epoch=2 step=100 loss=1", (100, "step")),
        ("global_step: 7", (7, "step")),
        ("Iteration 12, loss 3", (12, "iteration")),
        ("[12]#011train-error:0.1", (12, "iteration")),
        ("Train Epoch: 1 [6400/30000 (21%)] Loss: 2.07", (1, "epoch")),
        ("{'loss': 1, 'epoch': 2.0}", (2, "epoch")),
        ("host=algo-1, epoch=0, batch=4 train", (0, "epoch")),
        ("Batch [20] Speed: 111", (20, "batch")),
        ("{'loss': 1, 'epoch': 2.37}", None),
        ("completed 5.0 % of epochs", None),
        ("step=99999999999999999999", None),
        ("loss=1", None),
    ],
)
def test_a_line_says_its_step(line: str, step: tuple[int, str] | None) -> None:
    assert step_in(line.encode()) == step


# -- lines -----------------------------------------------------------------------------------------


def test_a_line_without_a_time_was_written_after_the_one_before() -> None:
    result = log(
        "#mean_rho: 0.1\n"
        "\x1b[34m[05/06/2024 07:21:04 INFO 1404] hello\x1b[0m\n\x1b[35m#mean_rho: 0.2\x1b[0m\n"
        "[2024-05-06:07:22:00:INFO] hello\n#mean_rho: 0.3\n"
        "2024-05-06 07:23:00,250 #mean_rho: 0.4\n"
        "2099-05-06 07:23:00 #mean_rho: 0.5\n2024-13-99 07:23:00 #mean_rho: 0.6\n"
    )
    minutes = [
        row["metric_at"] and (row["metric_at"].minute, row["metric_at"].second)
        for row in result.tables["training_log_metrics"]
    ]
    assert minutes == [None, (21, 4), (22, 0), (23, 0), (23, 0), (23, 0)]
    assert result.tables["training_log_metrics"][0]["event_at"] == UNIT_AT
    assert dict(result.counts) == {"read": 8, "loaded": 6, "quarantined": 0, "filtered": 2}


def test_what_is_captured_and_is_no_number_is_quarantined() -> None:
    begun = {"jobs": {"fruit-1": [{"name": "loss", "regex": r"loss=(\S*)"}, {"name": "acc", "regex": r"acc=(\S+)"}]}}
    text = (
        json.dumps(begun).encode().replace(b'{"jobs": ', b'{"jobs":')
        + b"\nloss=big\nloss=1_0 acc=0.5\nloss=1e999\nloss=-inf\n"
    )
    result = parse(SOURCE, text, "file:///logs/fruit-1.log")
    assert result.reasons == [
        ("0", "what the definition of loss captures is not a number"),
        ("1/1", "what the definition of loss captures is not a number"),
    ]
    rows = [
        (row["metric_name"], row["metric_value"], row["value_flag"]) for row in result.tables["training_log_metrics"]
    ]
    assert rows == [("acc", 0.5, None), ("loss", None, "infinite"), ("loss", None, "infinite")]
    assert all(row["is_encrypted"] for row in result.quarantined), "lines may say anything"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (gzip.compress(b"#mean_rho: 0.2")[:-3], "the gzip file is cut off"),
        ("nothing".encode("utf-16"), "the text is UTF-16 or UTF-32, not UTF-8"),
        (b'{"jobs":{"x":7}}\n#mean_rho: 0.2', "the metric definitions before the log cannot be read"),
        (b"a" * 70_000, "the line is longer than 64 KB"),
    ],
)
def test_what_is_no_log_says_why(data: bytes, reason: str) -> None:
    result = parse(SOURCE, data, "file:///logs/fruit-1.log")
    assert [said_why for _, said_why in result.reasons] == [reason]
    assert result.counts["read"] == 1


def test_bytes_that_are_no_text_stand_in_nobodys_way() -> None:
    result = parse(SOURCE, b"\xfa #mean_rho: 0.25 \xed\xa0\x80\n", "file:///logs/fruit-1.log")
    assert [row["metric_value"] for row in result.tables["training_log_metrics"]] == [0.25]


# -- routes ----------------------------------------------------------------------------------------


def account(**changes: Any) -> Trainings:
    events = [said(number, BEGAN + timedelta(seconds=number), f"Train_error={number};") for number in range(4)]
    events += [said(9, BEGAN, "Train_error=0.5;", "unknown-job"), said(10, BEGAN, "nothing")]
    return Trainings(training_jobs=[training_job()], events=events, **changes)


def test_an_hour_is_kept_with_the_definitions_of_its_jobs() -> None:
    served = account()
    unit = Unit(f"logs://{REGION}:{ACCOUNT}/aws/sagemaker/TrainingJobs/{HOUR:%Y-%m-%dT%HZ}", "", HOUR, 0)
    data = SOURCE.read_unit(unit, served.clients)
    begin = json.loads(data.partition(b"\n")[0])
    assert list(begin["jobs"]) == ["fruit-1"], "SageMaker does not know the other one"
    assert len(data.splitlines()) == 7
    result = parse(SOURCE, data, unit.uri)
    rows = result.tables["training_log_metrics"]
    assert [row["metric_value"] for row in rows] == [0, 1, 2, 3]
    assert {(row["account_id"], row["aws_region"], row["host_name"]) for row in rows} == {(ACCOUNT, REGION, "algo-1")}
    assert dict(result.counts) == {"read": 6, "loaded": 4, "quarantined": 0, "filtered": 2}
    assert SOURCE.read_unit(unit, served.clients) == data
    assert len(served.asked("DescribeTrainingJob")) == 3, (
        "a job's definitions are asked for once, an unknown job's again"
    )
    later = Unit(unit.uri.replace("T07Z", "T09Z"), "", HOUR, 0)
    assert SOURCE.read_unit(later, served.clients) == b"", "an hour without events says nothing"


def test_a_job_that_may_not_be_described_leaves_its_hour_for_the_next_load(settings: Settings) -> None:
    served = account(unservable={"DescribeTrainingJob": refused("AccessDeniedException")})
    with pytest.raises(Exception, match="credentials with sagemaker:DescribeTrainingJob"):
        extract(settings, "training_logs", Window(HOUR, HOUR + timedelta(hours=1)), served.clients, uri=LOGS)


def test_a_line_that_comes_by_two_routes_is_one(settings: Settings, tmp_path: Path) -> None:
    served, window = account(), Window(HOUR, HOUR + timedelta(hours=1))
    assert extract(settings, "training_logs", window, served.clients, uri=LOGS).records_loaded == 4
    folder = tmp_path / "exported" / "task" / "fruit-1-algo-1-1714979289"
    folder.mkdir(parents=True)
    stamps = [datetime.fromtimestamp(each["timestamp"] / 1000, UTC) for each in served.events[:4]]
    lines = [
        f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z {each['message']}\n"
        for at, each in zip(stamps, served.events, strict=False)
    ]
    (folder / "000000.gz").write_bytes(gzip.compress("".join(reversed(lines)).encode()))
    (folder.parent / "aws-logs-write-test").write_text("Permission Check Successful")
    answer = training_job(
        CreationTime=..., TrainingStartTime=..., TrainingEndTime=..., LastModifiedTime=..., FinalMetricDataList=...
    )
    (tmp_path / "exported" / "fruit-1.json").write_text(json.dumps(answer))
    loaded = extract(settings, "training_logs", Window(), {}.__getitem__, uri=str(tmp_path / "exported"))
    assert (loaded.unit_count, loaded.records_loaded, loaded.records_duplicate) == (1, 0, 4)
    rows = query_lake(
        settings, "select count(*) as n, count(distinct log_event_id) as ids from raw.training_log_metrics"
    )
    assert rows.to_pylist() == [{"n": 4, "ids": 4}]


def test_a_line_said_twice_is_two() -> None:
    result = log("#mean_rho: 0.1\n#mean_rho: 0.1\n")
    assert len({row["log_event_id"] for row in result.tables["training_log_metrics"]}) == 2
    again = log("#mean_rho: 0.1\n#mean_rho: 0.1\n", "copy/fruit-1.txt")
    assert again.keys == result.keys, "the same job's, wherever the file lies"
    assert set(log("#mean_rho: 0.1\n", "fruit-2.log").keys).isdisjoint(result.keys)


def test_the_answer_beside_a_log_is_part_of_its_version(tmp_path: Path) -> None:
    (tmp_path / "fruit-1.log").write_text("Train_error=0.5;\n")
    (before,) = SOURCE.list_units(str(tmp_path), {}.__getitem__, Window())
    assert SOURCE.read_unit(before, {}.__getitem__) == b"Train_error=0.5;\n"
    (tmp_path / "fruit-1.json").write_text(json.dumps({"AlgorithmSpecification": {"MetricDefinitions": 7}}))
    (after,) = SOURCE.list_units(str(tmp_path), {}.__getitem__, Window())
    assert after.version.startswith(before.version + "|")
    assert SOURCE.read_unit(after, {}.__getitem__) == b'{"jobs":{"fruit-1":[]}}\nTrain_error=0.5;\n'
    (tmp_path / "fruit-1.json").write_text("no JSON at all")
    (broken,) = SOURCE.list_units(str(tmp_path), {}.__getitem__, Window())
    assert SOURCE.read_unit(broken, {}.__getitem__).startswith(b'{"jobs":{"fruit-1":[]}}')


# -- real logs -------------------------------------------------------------------------------------

#: Real log → billable seconds → how many values of which built-in set.
REAL_LOGS = {
    "archived_get_started_mnist": (133, {"billing": 2}),
    "archived_huggingface_sentiment": (1803, {"billing": 2}),
    "archived_inference_pipeline": (69, {"billing": 2}),
    "archived_mpi_on_sagemaker": (270, {"billing": 2}),
    "archived_retail_recommend": (
        228,
        {"quality_metric": 126, "progress_metric": 20, "throughput_metric": 20, "billing": 2},
    ),
    "archived_scikit_learn_iris": (107, {"billing": 2}),
    "archived_sm-train_a_pytorch": (124, {"billing": 2}),
    "archived_xgboost_customer": (118, {"xgboost": 10, "billing": 2}),
    "build_and_train_models_sm-k_nearest": (
        160,
        {"quality_metric": 2, "progress_metric": 1, "throughput_metric": 1, "billing": 2},
    ),
    "responsible_ai_sm-clarify": (493, {"huggingface_trainer": 9, "billing": 2}),
}


def test_real_logs_give_their_metrics_and_billable_seconds(real_data: Path) -> None:
    units = {
        Path(unit.uri).name: unit for unit in SOURCE.list_units(f"{real_data}/training-logs", {}.__getitem__, Window())
    }
    assert len(units) == len(REAL_LOGS), "metric_definitions.json is no log"
    for begin, (billable_seconds, sets) in REAL_LOGS.items():
        (name,) = (name for name in units if name.startswith(begin))
        result = parse(SOURCE, SOURCE.read_unit(units[name], {}.__getitem__), units[name].uri)
        rows = result.tables["training_log_metrics"]
        assert [row["metric_value"] for row in rows if row["metric_name"] == "billable_seconds"] == [billable_seconds]
        assert Counter(row["definition"] for row in rows) == sets, name
        assert result.reasons == []
        assert {row["metric_at"] is None for row in rows} == {False}
    (name,) = (name for name in units if name.startswith("build_and_train_models_sm-k"))
    result = parse(SOURCE, SOURCE.read_unit(units[name], {}.__getitem__), units[name].uri)
    flagged = {
        row["metric_name"]: row["value_flag"] for row in result.tables["training_log_metrics"] if row["value_flag"]
    }
    assert flagged == {"test:macro_f_1.000": "nan"}


def test_real_definitions_can_all_be_looked_for(real_data: Path) -> None:
    told = json.loads((real_data / "training-logs" / "metric_definitions.json").read_text())
    own = [Definition(each["Name"], literal_eval(each["Regex_source_literal"])) for each in told]
    definitions = Definitions(own)
    assert definitions.refused == []
    assert [each.text for each in definitions.find(b"average loss = -1.5e3 mse:0.25")[0]] == ["-1.5e3", "0.25"]
