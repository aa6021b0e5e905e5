"""The demo's two weeks through the whole pipeline: what was planted in its labels stands in the marts, as often."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

import pytest

from labelhouse import pipeline
from labelhouse.demo import road_clips, street_parts, yard
from labelhouse.demo.account import JOB_NAME_RULES
from labelhouse.demo.world import HISTORY, writes
from labelhouse.marts.read import query_lake
from labelhouse.settings import PROJECT_DIR, load_settings

SEED, START = 7, datetime(2026, 3, 4, 9, tzinfo=UTC)
TRACKING, AUDIT = "road-clips-tracking-01", "road-clips-tracking-audit-01"
#: The SQL of the README: whole blocks, and what is in quotes behind `labelhouse query`; of the labels only.
README = (PROJECT_DIR / "README.md").read_text()
PUBLISHED = [
    statement
    for block in re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
    for statement in block.split(";")
    if statement.strip()
] + re.findall(r'labelhouse query "(select .*?(?:fct_annotation|label_attributes).*?)"', README)
Query = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Query:
    """Rows of a SELECT on the lake that holds the output of the two weeks."""
    folder = tmp_path_factory.mktemp("labels")
    for file in takewhile(lambda file: file.at < START + HISTORY, writes(SEED, START)):
        path = folder / "output" / file.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.body)
    settings = load_settings(
        {},
        lake=folder / "lake",
        sources={"labeling_output": str(folder / "output")},
        job_name_rules=JOB_NAME_RULES,
        own_pseudonym_key=True,
    )
    assert pipeline.run(settings, settings.sources, lambda service: None).release_id
    return lambda sql: query_lake(settings, sql).to_pylist()


def test_everything_that_was_written_is_read(query: Query) -> None:
    assert query("select position, reason from raw.quarantine") == []
    [bare] = query("select count(*) as frames from fct_frame where annotation_count is null")
    assert bare == {"frames": 0}
    kinds = {row["geometry_type"] for row in query("select distinct geometry_type from fct_annotation")}
    assert kinds == {"class", "box", "mask", "span", "cuboid"}


def test_buses_become_commoner_in_the_audit_and_nothing_is_counted_twice(query: Query) -> None:
    sql = """
        select labeling_job_name, attributes['vehicle_type'] as vehicle_type, is_current, count(*) as boxes
        from fct_annotation where task_type = 'groundtruth/video-object-tracking' group by all
    """
    boxes = {(row["labeling_job_name"], row["vehicle_type"], row["is_current"]): row["boxes"] for row in query(sql)}
    assert boxes[AUDIT, "bus", True] > boxes[TRACKING, "bus", False] + 30
    assert boxes[AUDIT, "van", True] < boxes[TRACKING, "van", False] - 30
    for vehicle_type in ("car", "truck", "bicycle"):
        assert boxes[AUDIT, vehicle_type, True] == boxes[TRACKING, vehicle_type, False]
    assert {(job, is_current) for job, _, is_current in boxes} == {(TRACKING, False), (AUDIT, True)}


def test_the_audit_finds_bad_what_it_changed(query: Query) -> None:
    sql = f"""
        select dataset_object_id, is_adjusted, count(*) filter (attributes['audit'] = 'bad') as bad_count
        from fct_annotation where labeling_job_name = '{AUDIT}' group by all order by all
    """
    rows = query(sql)
    assert [row["dataset_object_id"] for row in rows if row["is_adjusted"]] == ["1", "3", "5", "9"]
    assert all(row["is_adjusted"] == (row["bad_count"] > 0) for row in rows)
    reviewed = query(f"""
        select dataset_object_id from fct_dataset_object
        where labeling_job_name = '{TRACKING}' and adjusted_by_job_name = '{AUDIT}' and not is_current
    """)
    assert len(reviewed) == road_clips.CLIP_COUNT


def test_one_clip_is_blurred_and_so_many_frames_are_empty(query: Query) -> None:
    sql = """
        select labeling_job_name, count(*) filter (annotation_count = 0) as empty_count,
            list_sort(list(distinct dataset_object_id) filter (attributes['quality_of_the_frame'] = 'bad')) as blurred
        from fct_frame where task_type = 'groundtruth/video-object-tracking' group by all order by all
    """
    blurred = [str(road_clips.BLURRED_CLIP)]
    assert query(sql) == [
        {"labeling_job_name": job, "empty_count": road_clips.EMPTY_FRAME_COUNT, "blurred": blurred}
        for job in (TRACKING, AUDIT)
    ]


def test_a_third_of_every_mask_is_road_and_a_tunnel_has_no_sky(query: Query) -> None:
    rows = query("select dataset_object_id, category, area_ratio from fct_annotation where geometry_type = 'mask'")
    roads = [row["area_ratio"] for row in rows if row["category"] == "road"]
    assert roads == pytest.approx([1 / 3] * 36)
    skies = {row["dataset_object_id"] for row in rows if row["category"] == "sky"}
    assert {str(number) for number in range(36)} - skies == {str(street_parts.TUNNEL)}
    assert sum(row["area_ratio"] for row in rows) == pytest.approx(36)


def test_every_note_names_one_place(query: Query) -> None:
    rows = query("select dataset_object_id from fct_annotation where geometry_type = 'span' and category = 'place'")
    assert len({row["dataset_object_id"] for row in rows}) == len(rows) == 47


def test_forklifts_keep_their_size(query: Query) -> None:
    sql = "select distinct cuboid_length, cuboid_width, cuboid_height from fct_annotation where category = 'forklift'"
    assert [tuple(row.values()) for row in query(sql)] == [yard.FORKLIFT_SIZE]


def test_one_reviewer_rejects_most_boxes(query: Query) -> None:
    sql = """
        select worker_id, count(*) filter (category = 'bad') as bad_count, count(*) as image_count
        from fct_worker_annotation where labeling_job_name = 'road-boxes-verification-01' group by all order by 2
    """
    assert [(row["bad_count"], row["image_count"]) for row in query(sql)] == [(3, 20), (3, 20), (15, 20)]
    [verified] = query("""
        select count(*) filter (verification_result = 'bad') as bad_count, count(verified_by_job_name) as image_count
        from fct_dataset_object where labeling_job_name = 'road-scenes-adjustment-01'
    """)
    assert verified == {"bad_count": 21, "image_count": 60}


@pytest.mark.parametrize("sql", PUBLISHED, ids=lambda sql: " ".join(sql.split())[:40])
def test_the_queries_of_the_readme_answer_something(query: Query, sql: str) -> None:
    assert query(sql)


def test_the_readme_has_queries_to_try() -> None:
    assert len(PUBLISHED) == 6
