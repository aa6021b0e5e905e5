"""The reports of Training: which runs and which metric they show, how they thin out, and what they point at."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labelhouse.marts.read import query
from labelhouse.marts.releases import Release, current_release
from labelhouse.reports import all_reports
from labelhouse.reports.encoding import JOB_COLOURS, OTHER_COLOUR
from labelhouse.reports.thinning import SHOWN_LINES, SHOWN_POINTS
from web.fake_lake import publish
from web.fake_training import ACCOUNT, OTHER_ACCOUNT, STRANGER, TRAINER, training_points

Rows = list[dict[str, Any]]
Published = Callable[..., Release]


@pytest.fixture(scope="module")
def release(published_lake: Path) -> Release:
    found = current_release(published_lake)
    assert found
    return found


@pytest.fixture
def published(tmp_path: Path) -> Published:
    """Publishes metric points, with what `publish` takes besides."""
    return lambda points, **options: publish(tmp_path / "lake", [], points, **options)


def rows_of(release: Release, name: str, **filters: Any) -> Rows:
    report = all_reports()[name]
    return query(release, report.sql, {each: filters.get(each) for each in report.parameters}).to_pylist()


def drawing(release: Release, name: str, **filters: Any) -> dict[str, Any]:
    draw = all_reports()[name].draw
    assert draw
    return draw(rows_of(release, name, **filters))


def note(release: Release, name: str, **filters: Any) -> str | None:
    return all_reports()[name].note(rows_of(release, name, **filters))


def run_id(number: int) -> str:
    return f"{ACCOUNT}/eu-west-1/birds-classifier-{number:03d}-aws-training-job"


def long_run(points: int, **changes: Any) -> Rows:
    """One run of one metric with as many points, one a second."""
    template = training_points(1, 1)[0]
    chance = random.Random(5)
    at = datetime(2026, 9, 1, tzinfo=UTC)
    return [
        template
        | {"event_id": f"e{step}", "step": step, "metric_value": chance.random(), "metric_name": "loss"}
        | {"metric_base_name": "loss", "dataset_split": None, "metric_at": at + timedelta(seconds=step)}
        | changes
        for step in range(points)
    ]


def test_the_figures_are_those_of_the_marts(release: Release) -> None:
    figures = rows_of(release, "training_totals")[0]
    assert (figures["run_count"], figures["metric_count"], figures["point_count"]) == (24, 5, 4801)
    assert (figures["missing_run_count"], figures["criterion_run_count"]) == (2, 24)
    assert (figures["diverging_run_count"], figures["dip_run_count"], figures["finding_count"]) == (1, 2, 3)
    one = rows_of(release, "training_totals", run=[run_id(6)], metric="validation:loss")[0]
    assert (one["run_count"], one["metric_count"], one["missing_run_count"]) == (1, 1, 1)


def test_without_criteria_nobody_misses_one(published: Published) -> None:
    release = published(training_points(3, 5), criteria={})
    assert rows_of(release, "training_totals")[0]["missing_run_count"] is None
    assert {row["criterion"] for row in rows_of(release, "run_table")} == {None}


def test_the_metric_that_most_runs_have_is_drawn(published: Published) -> None:
    points = training_points(6, 4)
    few = [row | {"metric_name": "aaa", "metric_base_name": "aaa", "event_id": "x"} for row in points[:3]]
    assert {row["shown_metric"] for row in rows_of(published(points + few), "metric_over_time")} == {"accuracy"}


@pytest.mark.parametrize(
    ("metric", "drawn"),
    [
        ("loss", {"train:loss", "validation:loss"}),
        ("validation:loss", {"validation:loss"}),
        ("learning_rate", {"learning_rate"}),
        (None, {"train:accuracy", "validation:accuracy"}),
        ("los", set()),
    ],
)
def test_a_metric_is_chosen_by_its_name_or_its_base_name(release: Release, metric: str | None, drawn: set[str]) -> None:
    for name in ("metric_over_time", "final_values"):
        assert {row["metric_name"] for row in rows_of(release, name, metric=metric)} == drawn


def test_a_run_belongs_to_the_day_it_started_on(published: Published) -> None:
    at = datetime(2026, 9, 10, 23, 50, tzinfo=UTC)
    points = [
        row
        | {"metric_at": at + timedelta(minutes=row["step"]), "event_date": (at + timedelta(minutes=row["step"])).date()}
        for row in training_points(1, 30)
    ]
    release = published(points)
    for first, last, expected in (
        (date(2026, 9, 10), date(2026, 9, 10), 1),
        (None, date(2026, 9, 10), 1),
        (date(2026, 9, 11), None, 0),
        (None, date(2026, 9, 9), 0),
    ):
        chosen = {"from_date": first, "until_date": last}
        assert rows_of(release, "training_totals", **chosen)[0]["run_count"] == expected
        assert len(rows_of(release, "run_table", **chosen)) == expected
        assert len(rows_of(release, "metric_over_time", **chosen)) == 60 * expected, "the whole run, past midnight"


def test_every_filter_narrows_every_report(published: Published) -> None:
    points = training_points(3, 5)
    others = [
        row
        | {"run_id": row["run_id"].replace(ACCOUNT, OTHER_ACCOUNT), "account_id": OTHER_ACCOUNT}
        | {"resource_type": "AWS::SageMaker::Other", "experiment_name": "fish", "event_id": f"o{row['event_id']}"}
        for row in points
    ]
    release = published(points + others, audit=[])
    for chosen in ({"account": ACCOUNT}, {"experiment": "birds"}, {"resource_type": points[0]["resource_type"]}):
        assert rows_of(release, "training_totals", **chosen)[0]["run_count"] == 3
        for name in ("metric_over_time", "final_values", "run_table"):
            assert {row["run_id"].split("/")[0] for row in rows_of(release, name, **chosen)} == {ACCOUNT}
        assert sum(row["point_count"] for row in rows_of(release, "metric_writers", **chosen)) == len(points)
        both = [run_id(1), run_id(1).replace(ACCOUNT, OTHER_ACCOUNT)]
        assert {row["run_id"] for row in rows_of(release, "run_metrics", run=both, **chosen)} == {run_id(1)}


def test_few_points_are_all_drawn_and_nothing_is_said(release: Release) -> None:
    rows = rows_of(release, "metric_over_time")
    assert len(rows) == 24 * 2 * 40 + 1
    assert note(release, "metric_over_time") is None


def test_many_points_are_thinned_out_and_the_chart_says_so(published: Published) -> None:
    release = published(long_run(50_000))
    values = {row["step"]: row["metric_value"] for row in long_run(50_000)}
    for name, chosen in (("metric_over_time", {}), ("metric_over_step", {"run": [run_id(1)]})):
        rows = rows_of(release, name, **chosen)
        assert SHOWN_POINTS * 0.9 < len(rows) <= SHOWN_POINTS
        assert (rows[0]["step"], rows[-1]["step"]) == (0, 49_999)
        drawn = [row["metric_value"] for row in rows]
        assert (min(drawn), max(drawn)) == (min(values.values()), max(values.values()))
        assert all(values[row["step"]] == row["metric_value"] for row in rows)
        assert note(release, name, **chosen) == (
            f"Thinned out to {len(rows):,} of 50,000 points: of each stretch of a run the first, the last, the lowest "
            "and the highest."
        )


def test_every_stretch_keeps_its_lowest_and_its_highest_point(published: Published) -> None:
    points = [row | {"metric_value": 0.5} for row in long_run(20_000)]
    for step, value in ((37, 0.1), (9_999, 0.9), (10_001, 0.05), (19_990, 0.95)):
        points[step] |= {"metric_value": value}
    drawn = {row["step"]: row["metric_value"] for row in rows_of(published(points), "metric_over_time")}
    assert {step: drawn[step] for step in (37, 9_999, 10_001, 19_990)} == {
        37: 0.1,
        9_999: 0.9,
        10_001: 0.05,
        19_990: 0.95,
    }


def test_the_same_points_are_kept_whatever_their_order(tmp_path: Path) -> None:
    # many points of the same instant and of the same value: only a whole comparison tells them apart
    points = [
        row | {"metric_at": datetime(2026, 9, 1, tzinfo=UTC) + timedelta(seconds=row["step"] // 50)}
        | {"metric_value": row["step"] % 7 / 7}
        for row in long_run(9_000)
    ]  # fmt: skip
    shuffled = random.Random(3).sample(points, len(points))
    first, second = (
        publish(tmp_path / name, [], given) for name, given in (("in-order", points), ("shuffled", shuffled))
    )
    assert rows_of(first, "metric_over_time") == rows_of(second, "metric_over_time")
    assert 100 < len(rows_of(first, "metric_over_time")) <= SHOWN_POINTS


def test_short_runs_are_whole_beside_long_ones(published: Published) -> None:
    short = [row | {"run_id": f"{ACCOUNT}/eu-west-1/short", "event_id": f"s{row['step']}"} for row in long_run(30)]
    rows = rows_of(published(long_run(30_000) + short), "metric_over_time")
    assert sum(row["run_id"].endswith("short") for row in rows) == 30
    assert SHOWN_POINTS * 0.9 < len(rows) <= SHOWN_POINTS


def test_only_the_newest_of_very_many_runs_are_drawn(published: Published) -> None:
    at = datetime(2026, 9, 1, tzinfo=UTC)
    points = [
        row | {"run_id": f"{ACCOUNT}/eu-west-1/{number:04d}", "event_id": f"{number}-{row['step']}"}
        | {"metric_at": at + timedelta(hours=number, seconds=row["step"])}
        for number in range(SHOWN_LINES + 20)
        for row in long_run(20)
    ]  # fmt: skip
    rows = rows_of(published(points), "metric_over_time")
    assert len(rows) <= SHOWN_POINTS * 1.05
    assert {row["run_id"] for row in rows} == {
        f"{ACCOUNT}/eu-west-1/{number:04d}" for number in range(20, SHOWN_LINES + 20)
    }
    said = all_reports()["metric_over_time"].note(rows)
    assert said
    assert said.startswith(f"The newest {SHOWN_LINES} of {SHOWN_LINES + 20} runs are drawn. Thinned out to ")


def test_duplicates_are_drawn_once(published: Published) -> None:
    points = long_run(10)
    again = [row | {"event_id": f"again-{row['event_id']}"} for row in points]
    assert len(rows_of(published(points + again), "metric_over_time")) == 10


def test_values_that_are_no_numbers_are_marked_where_they_begin(release: Release, published: Published) -> None:
    lost = [row for row in rows_of(release, "metric_over_time", metric="loss") if row["nan_count"]]
    assert [(row["metric_name"], row["nan_count"], row["step"]) for row in lost] == [
        ("train:loss", 11, 29),
        ("validation:loss", 11, 29),
    ]
    crosses = [layer for layer in drawing(release, "metric_over_time", metric="loss")["layer"] if "cross" in str(layer)]
    assert len(crosses) == 1
    only = [row | {"metric_value": None, "value_flag": "nan"} for row in long_run(10)]
    assert drawing(published(only), "metric_over_time")["layer"], "a run without any number"


def test_a_line_is_one_metric_of_one_run(release: Release) -> None:
    spec = drawing(release, "metric_over_time")
    assert spec["layer"][0]["encoding"]["detail"] == {"field": "line", "type": "nominal"}
    lines, points = spec["datasets"]["lines"], spec["datasets"]["points"]
    assert len({(each["run_id"], each["metric_name"]) for each in lines}) == len(lines) == 48
    assert {each["line"] for each in points} == {each["line"] for each in lines}
    # the gap to the next run is nobody's line
    last: dict[int, int] = {}
    for point in points:
        assert point["metric_at"] - last.get(point["line"], point["metric_at"]) < 60_000
        last[point["line"]] = point["metric_at"]


def test_a_split_keeps_its_colour(release: Release, published: Published) -> None:
    def scale(shown: Release, metric: str) -> dict[str, Any]:
        found = drawing(shown, "metric_over_time", metric=metric)["layer"][0]["encoding"]["color"]["scale"]
        return dict(zip(found["domain"], found["range"], strict=True))

    assert scale(release, "accuracy") == {"train": JOB_COLOURS[0], "validation": JOB_COLOURS[1]}
    assert scale(release, "validation:accuracy") == {"validation": JOB_COLOURS[1]}
    assert scale(release, "learning_rate") == {"learning_rate": JOB_COLOURS[0]}
    names = [f"m{number}" for number in range(9)]
    many = [row | {"metric_name": name, "event_id": name} for name in names for row in long_run(1)]
    assert list(scale(published(many), "loss").values())[-3:] == [JOB_COLOURS[6], OTHER_COLOUR, OTHER_COLOUR]


@pytest.mark.parametrize(
    ("values", "kind"),
    [((0.001, 0.99), None), ((0.3, 2.5), None), ((0.02, 2.5), "log"), ((-1.0, 500.0), None), ((0.0, 90.0), None)],
)
def test_values_far_apart_are_on_a_logarithmic_scale(
    published: Published, values: tuple[float, float], kind: str | None
) -> None:
    release = published([row | {"metric_value": values[row["step"] % 2]} for row in long_run(10)], criteria={})
    axis = drawing(release, "metric_over_time")["layer"][0]["encoding"]["y"]
    assert axis["scale"].get("type") == kind
    assert axis["title"] == ("loss, logarithmic" if kind else "loss")


def test_the_criterion_is_a_labelled_line(release: Release) -> None:
    for name, metric, words in (
        ("metric_over_time", "accuracy", "validation: at least 0.9"),
        ("final_values", "loss", "validation: at most 0.5"),
    ):
        spec = drawing(release, name, metric=metric)
        labels = {row["label"] for rows in spec["datasets"].values() for row in rows if row.get("label")}
        assert words in labels
    assert "at least" not in str(drawing(release, "final_values", metric="learning_rate"))


def test_what_asks_for_a_look_is_ringed_and_named_once_a_run(release: Release) -> None:
    finals = drawing(release, "final_values", metric="loss")["datasets"]["finals"]
    ringed = {row["metric_name"]: row for row in finals if row["flags"]}
    assert set(ringed) == {"train:loss", "validation:loss"}
    assert [row["label"] for row in ringed.values()] == [None, "diverging"]
    assert ringed["validation:loss"]["words"] == "misses criterion, diverging, 11 NaN"
    assert {row["align"] for row in finals if row["run_id"] == run_id(24)} == {"right"}
    assert {row["align"] for row in finals if row["run_id"] == run_id(1)} == {"left"}


def test_picked_runs_are_told_apart_by_colour_and_the_rest_is_grey(release: Release) -> None:
    picked = [run_id(number) for number in range(1, 11)]
    layer = drawing(release, "metric_over_step", run=picked)["layer"][0]["encoding"]
    assert layer["color"]["scale"]["domain"] == [*(run_id(number) for number in range(10, 3, -1)), "older runs"]
    assert layer["color"]["scale"]["range"] == [*JOB_COLOURS, OTHER_COLOUR]
    assert layer["strokeDash"]["scale"]["domain"] == ["train", "validation"]
    two = drawing(release, "metric_over_step", run=picked[:2])["layer"][0]["encoding"]["color"]["scale"]
    assert two == {"domain": [run_id(2), run_id(1)], "range": list(JOB_COLOURS[:2])}


def test_points_without_a_step_are_not_laid_over_steps(published: Published) -> None:
    release = published([row | {"step": None} for row in long_run(10)])
    assert rows_of(release, "metric_over_step", run=[run_id(1)]) == []
    assert len(rows_of(release, "metric_over_time")) == 10


def test_the_run_table_keeps_what_is_not_picked_in_sight(release: Release) -> None:
    rows = rows_of(release, "run_table", run=[run_id(3), run_id(9)])
    assert [row["run_id"] for row in rows[:3]] == [run_id(9), run_id(3), run_id(24)]
    assert [row["is_picked"] for row in rows] == [True] * 2 + [False] * 22
    assert {row["metric_name"] for row in rows} == {"validation:accuracy"}


def test_the_run_table_says_how_each_run_went(release: Release) -> None:
    rows = {row["run_id"]: row for row in rows_of(release, "run_table")}
    dipped, lost, stranger = rows[run_id(22)], rows[run_id(6)], rows[run_id(23)]
    assert (dipped["criterion"], dipped["meets_criterion"]) == ("≥ 0.9", False)
    assert dipped["flags"] == "dip; misses criterion"
    assert lost["flags"] == "11 NaN; dip; diverging; misses criterion", "those of its other metrics too"
    assert (stranger["finding_count"], stranger["flags"]) == (3, None)
    for row in rows.values():
        assert row["final_value"] <= row["best_value"]
        assert row["train_final_value"] is not None
    assert rows[run_id(1)]["gap_seconds"] is None
    assert dipped["gap_seconds"] > 0


def test_a_metric_without_validation_leads_by_itself(release: Release) -> None:
    rows = rows_of(release, "run_table", metric="learning_rate")
    assert {row["metric_name"] for row in rows} == {"learning_rate"}
    assert {row["train_final_value"] for row in rows} == {None}
    assert {row["metric_name"] for row in rows_of(release, "run_table", metric="train:loss")} == {"train:loss"}
    chosen = rows_of(release, "run_table", metric="validation:accuracy")
    assert None not in {row["train_final_value"] for row in chosen}, "beside it, although it is not chosen"


def test_a_run_without_the_drawn_metric_has_its_own_outcome(published: Published) -> None:
    name = f"{ACCOUNT}/eu-west-1/keras"
    other = [row | {"run_id": name, "event_id": f"k{row['step']}", "metric_name": "val_loss"} for row in long_run(5)]
    other = [row | {"dataset_split": "validation"} for row in other]
    plain = [row | {"run_id": name, "event_id": f"p{row['step']}", "metric_value": 0.25} for row in long_run(5)]
    accuracy = [row for row in training_points(3, 5) if row["metric_base_name"] == "accuracy"]
    rows = {row["run_id"]: row for row in rows_of(published(accuracy + other + plain), "run_table")}
    assert rows[run_id(1)]["metric_name"] == "validation:accuracy"
    assert (rows[name]["metric_name"], rows[name]["train_final_value"]) == ("val_loss", 0.25)


def test_the_metrics_of_a_run_are_all_there(release: Release) -> None:
    rows = {row["metric_name"]: row for row in rows_of(release, "run_metrics", run=[run_id(2)])}
    assert set(rows) == {"train:accuracy", "validation:accuracy", "train:loss", "validation:loss", "learning_rate"}
    first, gap = rows["validation:accuracy"], rows["validation:accuracy"]["validation_gap"]
    assert gap == pytest.approx(first["final_value"] - rows["train:accuracy"]["final_value"])
    assert (first["point_count"], first["first_step"], first["final_step"]) == (40, 0, 39)
    assert [row["metric_name"] for row in rows_of(release, "run_metrics", run=[run_id(2)], metric="loss")] == [
        "train:loss",
        "validation:loss",
    ]


def test_who_wrote_what_names_the_stranger(release: Release) -> None:
    trainer, stranger = rows_of(release, "metric_writers")
    assert (trainer["principal_arn"], trainer["point_count"], trainer["run_count"]) == (TRAINER, 4800, 24)
    assert (trainer["flags"], stranger["flags"]) == (None, "new principal")
    assert (stranger["principal_arn"], stranger["source_network"]) == (STRANGER, "198.51.100.0/24")
    assert stranger["first_event_at"] == stranger["last_event_at"]
    assert [row["point_count"] for row in rows_of(release, "metric_writers", metric="loss")] == [1920]
    assert len(rows_of(release, "metric_writers", run=[run_id(1)])) == 1


def test_findings_are_those_of_the_selection(release: Release) -> None:
    def found(**chosen: Any) -> set[str]:
        return {row["finding"] for row in rows_of(release, "write_findings", **chosen)}

    everything = {"write after completion", "new principal", "step ahead"}
    assert found() == found(run=[run_id(23)]) == found(metric="accuracy") == everything
    assert found(metric="loss") == {"new principal"}, "it concerns every metric"
    assert found(run=[run_id(1)]) == set()
    assert {row["run_id"] for row in rows_of(release, "write_findings")} == {run_id(23)}
