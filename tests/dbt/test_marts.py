"""The marts, row by row, of a small delivery that has everything: two iterations, a tie, a failed and an
unlabelled object, chained manifests, public workers, job names that differ by case, and hostile text.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from build_files import Dbt, Delivery, read_rows

HOSTILE = "x'); drop table fct_worker_response; --"
SCRIPT = "<script>alert(1)</script>"
CLASSIFICATION = "groundtruth/image-classification"
CUSTOM = "groundtruth/custom"
NOBODY = "(not captured)"


def at(day: int, hour: int) -> datetime:
    return datetime(2024, 3, day, hour, tzinfo=UTC)


def answer_id(job: str, iteration: int, object_id: str, event_at: datetime) -> str:
    uri = f"s3://bucket/{job}/{iteration}/{object_id}/{event_at:%Y-%m-%d_%H:%M:%S}.json"
    return hashlib.md5(f"{uri}#0".encode()).hexdigest()


def everything() -> Delivery:
    """Birds (labelled and answered), a check of it that carries older labels along, and a job with answers only."""
    delivery = Delivery()
    human = {"task_type": CLASSIFICATION, "is_human_annotated": True, "labeled_at": at(3, 12)}
    delivery.entry("birds", "0", "Owl", manifest_job="Birds", source_ref="s3://i/0", confidence_ratio=0.9, **human)
    delivery.entry("birds", "1", "Duck", manifest_job="Birds", source_ref="s3://i/1", **human)
    delivery.entry("birds", "2", None, manifest_job="Birds", is_failed=True, failure_reason="expired")
    check = {"manifest_job": "check", "source_ref": "s3://i/1", "labeled_at": at(8, 20)}
    delivery.entry("birds", "0", "Swan", task_type=CLASSIFICATION, **check)
    delivery.entry("old", "0", "Bird", task_type=CLASSIFICATION, **check)
    delivery.entry("check", "0", "good", task_type="groundTruth/custom", is_adjusted=True, **check)

    first = {"worker_id": "W1", "worker_pseudonym": "p_1", "workforce_type": "private", "identity_provider": "Cognito"}
    second = {"worker_id": "W2", "workforce_type": "public"}
    timed = {"accepted_at": at(1, 9), "submitted_at": at(1, 10), "time_spent_seconds": Decimal("12.345")}
    delivery.answer("Birds", "0", "Owl", at(1, 10), **first, **timed)
    delivery.answer("Birds", "0", "Duck", at(1, 11), **second)
    delivery.answer("Birds", "0", "Owl", at(2, 10), iteration=2, worker_pseudonym="p_3")
    delivery.answer("Birds", "1", "Owl", at(2, 11), **first, time_spent_seconds=Decimal("0.655"))
    delivery.answer("Birds", "1", "Duck", at(2, 12), **second)
    delivery.answer("Birds", "3", "Swan", at(2, 23))
    delivery.answer(HOSTILE, "0", SCRIPT, at(4, 0), **second)
    return delivery


@pytest.fixture(scope="module")
def built(dbt_runner: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dbt_runner.build(everything().write(tmp_path_factory.mktemp("marts") / "build.duckdb"))


def test_fct_worker_response_says_who_answered_what(built: Path) -> None:
    times = "accepted_at, submitted_at, time_spent_seconds, event_at, event_date"
    query = f"select * exclude ({times}, identity_provider, label_count, answer_json)"
    first, second, nobody = ("W1", "p_1", "private"), ("W2", None, "public"), (NOBODY, None, None)
    owl, duck = ("birds", 1, "0", "s3://i/0"), ("birds", 1, "1", "s3://i/1")
    assert read_rows(built, f"{query} from fct_worker_response") == [
        (answer_id("Birds", 1, "0", at(1, 10)), *owl, *first, "Owl", "Owl", True),
        (answer_id("Birds", 1, "0", at(1, 11)), *owl, *second, "Duck", "Owl", False),
        (answer_id("Birds", 2, "0", at(2, 10)), "birds", 2, "0", "s3://i/0", "p_3", "p_3", None, "Owl", "Owl", True),
        (answer_id("Birds", 1, "1", at(2, 11)), *duck, *first, "Owl", "Duck", False),
        (answer_id("Birds", 1, "1", at(2, 12)), *duck, *second, "Duck", "Duck", True),
        (answer_id("Birds", 1, "3", at(2, 23)), "birds", 1, "3", None, *nobody, "Swan", None, None),
        (answer_id(HOSTILE, 1, "0", at(4, 0)), HOSTILE, 1, "0", None, *second, SCRIPT, None, None),
    ]


def test_fct_worker_response_says_when(built: Path) -> None:
    query = "select accepted_at, submitted_at, time_spent_seconds, event_at, event_date from fct_worker_response"
    assert read_rows(built, query) == [
        (at(1, 9), at(1, 10), Decimal("12.345"), at(1, 10), date(2024, 3, 1)),
        (None, None, None, at(1, 11), date(2024, 3, 1)),
        (None, None, None, at(2, 10), date(2024, 3, 2)),
        (None, None, Decimal("0.655"), at(2, 11), date(2024, 3, 2)),
        (None, None, None, at(2, 12), date(2024, 3, 2)),
        (None, None, None, at(2, 23), date(2024, 3, 2)),
        (None, None, None, at(4, 0), date(2024, 3, 4)),
    ]


def test_fct_dataset_object(built: Path) -> None:
    # whose labels they are stands in test_annotation_marts
    assert [row[:15] for row in read_rows(built, "select * exclude (labeled_date) from fct_dataset_object")] == [
        ("birds", "0", "s3://i/0", "kind", CLASSIFICATION, "Owl", "Owl", 0.9, True, None, False, None, at(3, 12), 3, 2),
        (
            "birds",
            "1",
            "s3://i/1",
            "kind",
            CLASSIFICATION,
            "Duck",
            None,
            None,
            True,
            None,
            False,
            None,
            at(3, 12),
            2,
            1,
        ),
        ("birds", "2", None, "kind", CLASSIFICATION, None, None, None, None, None, True, "expired", None, 0, 0),
        ("birds", "3", None, None, CLASSIFICATION, None, "Swan", None, None, None, False, None, None, 1, 0),
        ("check", "0", "s3://i/1", "kind", CUSTOM, "good", None, None, None, True, False, None, at(8, 20), 0, 0),
        ("old", "0", "s3://i/1", "kind", CLASSIFICATION, "Bird", None, None, None, None, False, None, at(8, 20), 0, 0),
        (HOSTILE, "0", None, None, None, None, SCRIPT, None, None, None, False, None, None, 1, 0),
    ]


def test_fct_worker_job(built: Path) -> None:
    assert [row[:12] for row in read_rows(built, "select * from fct_worker_job")] == [
        ("birds", NOBODY, None, None, 1, 1, 0, 0, None, None, at(2, 23), at(2, 23)),
        ("birds", "W1", "p_1", "private", 2, 2, 2, 1, 0.5, Decimal("13.000"), at(1, 10), at(2, 11)),
        ("birds", "W2", None, "public", 2, 2, 2, 1, 0.5, None, at(1, 11), at(2, 12)),
        ("birds", "p_3", "p_3", None, 1, 1, 1, 1, 1.0, None, at(2, 10), at(2, 10)),
        (HOSTILE, "W2", None, "public", 1, 1, 0, 0, None, None, at(4, 0), at(4, 0)),
    ]


def test_dim_worker(built: Path) -> None:
    of_pools = "user_status, is_enabled, joined_date, left_date"
    assert read_rows(built, f"select * exclude ({of_pools}) from dim_worker") == [
        (NOBODY, None, None, None, 1, 1, 1, *2 * (at(2, 23), at(2, 23))),
        ("W1", "p_1", "private", "Cognito", 1, 2, 2, *2 * (at(1, 10), at(2, 11))),
        ("W2", None, "public", None, 2, 3, 3, *2 * (at(1, 11), at(4, 0))),
        ("p_3", "p_3", None, None, 1, 1, 1, *2 * (at(2, 10), at(2, 10))),
    ]
    assert read_rows(built, f"select distinct {of_pools} from dim_worker") == [(None, None, None, None)]


def test_dim_labeling_job(built: Path) -> None:
    assert [row[:10] for row in read_rows(built, "select * from dim_labeling_job")] == [
        ("birds", CLASSIFICATION, "kind", 4, 2, 1, 6, 3, at(1, 10), at(2, 23)),
        ("check", CUSTOM, "kind", 1, 1, 0, 0, 0, None, None),
        ("old", CLASSIFICATION, "kind", 1, 1, 0, 0, 0, None, None),
        (HOSTILE, None, None, 1, 0, 0, 1, 1, at(4, 0), at(4, 0)),
    ]


def test_dates_follow_the_reporting_time_zone_and_nothing_follows_the_machines(
    dbt_runner: Dbt, built: Path, tmp_path: Path
) -> None:
    database = everything().write(tmp_path / "build.duckdb")
    dbt_runner.build(database, variables={"reporting_time_zone": "Asia/Tokyo"}, TZ="Pacific/Auckland")
    dates = [day for (day,) in read_rows(database, "select event_date from fct_worker_response")]
    assert dates == [date(2024, 3, day) for day in (1, 1, 2, 2, 2, 3, 4)]
    changed = [day for (day,) in read_rows(database, "from int_changed_event_dates")]
    assert changed == [date(2024, 3, day) for day in (1, 2, 3, 4, 5, 8, 9, 10)]
    others = "select * exclude (event_date) from fct_worker_response"
    assert read_rows(database, others) == read_rows(built, others)
    others = "select * exclude (labeled_date) from fct_dataset_object"
    assert read_rows(database, others) == read_rows(built, others)
    for built_in, zone in ((database, "Asia/Tokyo"), (built, "UTC")):
        labeled = f"select labeled_date, cast(labeled_at at time zone '{zone}' as date) from fct_dataset_object"
        assert all(day == same for day, same in read_rows(built_in, labeled))
    for mart in ("fct_worker_job", "dim_worker", "dim_labeling_job", "dim_workteam"):
        assert read_rows(database, f"from {mart}") == read_rows(built, f"from {mart}")


def test_a_variable_is_never_sql(dbt_runner: Dbt, tmp_path: Path) -> None:
    database = everything().write(tmp_path / "build.duckdb")
    variables = {"reporting_time_zone": "UTC' as date); drop table raw.worker_responses; --"}
    models = ("--select", "+int_changed_event_dates,resource_type:model")
    done = dbt_runner.run(database, "build", *models, variables=variables)
    assert done.returncode == 1
    assert "Unknown TimeZone" in done.stdout
    assert read_rows(database, "select count(*) from raw.worker_responses") == [(7,)]
