"""The page Annotations and that of one dataset object: filters in the URL, nothing but text, answered soon."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import duckdb
import pytest
from fastapi.testclient import TestClient

from labelhouse.reports import all_reports
from labelhouse.reports.pages import ANNOTATIONS
from labelhouse.web.app import make_app
from web.fake_annotations import Labels, sample_labels
from web.fake_lake import FakeAccess, answers, publish
from web.html_page import CANARIES, Page, live_nodes, page
from web.many_annotations import many_labels

Reader = Callable[[Path], TestClient]
REPORTS = [report for report in all_reports().values() if report.page == "annotations"]
SAMPLE = sample_labels()
HOSTILE = (*CANARIES, "=1+1", "'; drop table fct_annotation; --")


def address(path: str = "/annotations", **chosen: Any) -> str:
    return f"{path}?{urlencode(chosen)}"


def of_object(job: str, number: str, **chosen: Any) -> str:
    return address("/annotations/object", job=job, object=number, **chosen)


def figures(shown: Page) -> dict[str, str]:
    titles = {field.title for field in all_reports()["annotation_totals"].fields}
    return {text: shown.text[place + 1] for place, text in enumerate(shown.text) if text in titles}


def drawn(shown: Page, column: str) -> set[Any]:
    rows = [row for spec in shown.data for rows in spec["datasets"].values() for row in rows]
    return {row[column] for row in rows if column in row}


def exported(client: TestClient, where: str) -> list[dict[str, str]]:
    answer = client.get(where)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of the sample's labels, and of the answers that made some of them."""
    folder = tmp_path_factory.mktemp("annotations") / "lake"
    publish(folder, SAMPLE.responses, labels=SAMPLE)
    return folder


@pytest.fixture
def client(reader_of: Reader, lake: Path) -> TestClient:
    return reader_of(lake)


def test_every_filter_is_in_the_url_and_narrows_everything(client: TestClient) -> None:
    chosen = {
        "from_date": "2026-08-28",
        "until_date": "2026-08-28",
        "job": "street-video-audit",
        "task_type": "groundtruth/video-object-tracking",
        "category": "Vehicle",
        "attribute": "audit: incorrect",
    }
    shown = page(client, address(**chosen))
    assert drawn(shown, "category") - {None} == {"Vehicle"}
    assert drawn(shown, "labeling_job_name") == {"street-video-audit"}
    assert drawn(shown, "event_date") == {"2026-08-28"}
    selected = {option["value"] for option in shown.all("option") if "selected" in option}
    assert selected == {value for name, value in chosen.items() if not name.endswith("_date")}
    dates = {each["name"]: each.get("value") for each in shown.all("input") if each.get("type") == "date"}
    assert dates == {"from_date": "2026-08-28", "until_date": "2026-08-28"}
    exports = [str(link["href"]) for link in shown.all("a") if link.get("class") == "export"]
    assert len(exports) == len(REPORTS) - 1
    assert all(dict(parse_qsl(each.split("?")[1])) == chosen for each in exports)
    for row in exported(client, address("/annotations/dataset_objects.csv", **chosen)):
        assert row["labeling_job_name"] == "street-video-audit"


def test_the_page_stands_after_workers(client: TestClient) -> None:
    links = [str(each["href"]) for each in page(client, "/annotations").all("a")]
    assert links[:3] == ["/workers", "/annotations", "/training"]


def test_tables_and_parts_lead_to_what_they_name(client: TestClient) -> None:
    shown = page(client, address(from_date="2026-08-01"))
    links = {str(each["href"]) for each in shown.all("a")}
    for wanted in (
        "?from_date=2026-08-01&job=crossing",
        "?from_date=2026-08-01&category=Car",
        "?from_date=2026-08-01&attribute=moving%3A+1",
        "?from_date=2026-08-01&task_type=groundtruth%2Ftext-span",
        "/annotations/object?job=lidar&object=5",
    ):
        assert wanted in links
    assert {"moving: 1", "audit: incorrect", "quality_of_the_frame: blurry"} <= drawn(shown, "attribute")


@pytest.mark.parametrize("name", ["job", "task_type", "category", "attribute"])
@pytest.mark.parametrize(
    "value", ["no such thing", "x' or '1'='1", "'; drop table fct_frame; --", "$job", "x\x00", "%"]
)
def test_an_unknown_value_is_a_sentence_and_never_sql(client: TestClient, name: str, value: str) -> None:
    shown = page(client, address(**{name: value}))
    title = next(each.title for each in ANNOTATIONS.filters if each.name == name).lower()
    assert f"No {title} of that name is in this release." in shown.text
    assert shown.data == []
    for report in REPORTS:
        rows = exported(client, address(f"/annotations/{report.name}.csv", **{name: value}))
        assert rows == [] or report.shape == "figures"
    assert figures(page(client, "/annotations"))["frames"] == "178"


@pytest.mark.parametrize("chosen", [{"from_date": "soon"}, {"from_date": "2026-09-30", "until_date": "2026-09-01"}])
def test_a_date_that_is_none_is_one_sentence(client: TestClient, chosen: dict[str, str]) -> None:
    for path in ("/annotations", "/annotations/label_quality.csv"):
        answer = client.get(path, params=chosen)
        assert answer.status_code == 400
        assert live_nodes(Page(answer.text)) == []


def test_filters_that_exclude_each_other_say_so(client: TestClient) -> None:
    shown = page(client, address(job="lidar", category="Car"))
    assert "Nothing matches these filters together." in " ".join(shown.text)
    assert shown.data == []


def test_a_release_without_labels_says_what_to_do(tmp_path: Path, reader_of: Reader) -> None:
    publish(tmp_path, [])
    text = " ".join(page(reader_of(tmp_path), "/annotations").text)
    assert "No label is in this release" in text
    assert "extract_labeling_output" in text


def test_an_older_release_says_that_it_is_older(tmp_path: Path, reader_of: Reader) -> None:
    publish(tmp_path, answers({"birds": "private"}), is_older=True)
    client = reader_of(tmp_path)
    assert "built before there was such a page" in " ".join(page(client, "/annotations").text)
    assert client.get("/annotations/label_quality.csv").status_code == 404
    assert client.get(of_object("birds", "0")).status_code == 404


def test_an_object_tells_its_whole_life(client: TestClient) -> None:
    for job in ("crossing", "crossing-adjust", "crossing-verify"):
        shown = page(client, of_object(job, "1"))
        life = exported(client, of_object(job, "1").replace("object?", "object/life.csv?"))
        assert [(row["step"], row["labeling_job_name"], row["result"]) for row in life] == [
            ("labelled", "crossing", ""),
            ("adjusted", "crossing-adjust", ""),
            ("verified", "crossing-verify", "bad"),
        ]
        assert [row["labeled_at"] for row in life] == sorted(row["labeled_at"] for row in life)
        links = {str(each["href"]) for each in shown.all("a")}
        assert {f"/annotations/object?job={each}&object=1" for each in ("crossing", "crossing-adjust")} <= links
        assert "s3://bucket/crossing/0001" in shown.text
        assert not any("s3:" in str(each) for _, each in shown.elements), "the source is text: nothing leads to it"
        found = exported(client, of_object(job, "1").replace("object?", "object/answers.csv?"))
        assert {row["worker_id"][:3] for row in found} == {"p_a", "p_b"}
        assert {row["time_spent_seconds"] for row in found} == {"31.500"}
    assert "A later job holds a newer copy" in " ".join(page(client, of_object("crossing", "1")).text)
    assert "A later job holds" not in " ".join(page(client, of_object("crossing-adjust", "1")).text)


def test_an_object_has_its_frames_the_empty_ones_too(client: TestClient) -> None:
    where = of_object("street-video-audit", "0")
    frames = exported(client, where.replace("object?", "object/frames.csv?"))
    assert [row["frame_number"] for row in frames] == [str(number) for number in range(40)]
    assert [row["frame_number"] for row in frames if row["annotation_count"] == "0"] == ["12", "13", "14", "15", "16"]
    labels = exported(client, where.replace("object?", "object/labels.csv?"))
    assert len(labels) == sum(int(row["annotation_count"]) for row in frames)
    of_frame = exported(client, of_object("street-video-audit", "0", frame=7).replace("object?", "object/labels.csv?"))
    assert {row["frame_number"] for row in of_frame} == {"7"}
    attributes = exported(client, where.replace("object?", "object/attributes.csv?"))
    assert {row["whose"] for row in attributes} == {"label", "frame"}
    assert "audit" in {row["attribute_name"] for row in attributes}


def test_a_frame_is_drawn_to_scale(client: TestClient) -> None:
    labels = [
        row
        for row in SAMPLE.annotations
        if (row["labeling_job_name"], row["dataset_object_id"]) == ("street-video", "3")
    ]
    scale = min(
        640 / max(row["left_px"] + row["width_px"] for row in labels),
        420 / max(row["top_px"] + row["height_px"] for row in labels),
    )
    shown = page(client, of_object("street-video", "3", frame=4))
    boxes = [each for each in shown.all("rect") if "class" not in each]
    expected = [row for row in labels if row["frame_number"] == 4]
    assert sorted(float(str(each["width"])) for each in boxes) == pytest.approx(
        sorted(row["width_px"] * scale for row in expected), abs=0.06
    )
    assert sorted(float(str(each["x"])) for each in boxes) == pytest.approx(
        sorted(row["left_px"] * scale for row in expected), abs=0.06
    )
    links = {str(each["href"]) for each in shown.all("a")}
    for frame in (3, 5):
        assert f"/annotations/object?job=street-video&object=3&frame={frame}#scene" in links
    empty = page(client, of_object("street-video", "3", frame=14))
    assert [each for each in empty.all("rect") if "class" not in each] == []
    assert "Frame 14" in empty.text


@pytest.mark.parametrize(
    ("job", "shapes"),
    [("lanes", {"polyline", "polygon", "circle"}), ("lidar", {"polygon"}), ("scenes", set()), ("roads", set())],
)
def test_every_shape_is_drawn(client: TestClient, job: str, shapes: set[str]) -> None:
    shown = page(client, of_object(job, "0"))
    assert {tag for tag, _ in shown.elements} & {"polyline", "polygon", "circle"} == shapes
    assert bool(shown.all("svg")) == bool(shapes)
    assert live_nodes(shown) == []


def test_numbers_that_are_none_are_not_drawn(tmp_path: Path, reader_of: Reader) -> None:
    whose = next(row for row in SAMPLE.objects if row["labeling_job_name"] == "lanes")
    template = next(row for row in SAMPLE.annotations if row["labeling_job_name"] == "lanes")
    odd: list[list[float]] = [
        [float("nan"), 1.0],
        [float("inf"), 1.0, 2.0, 3.0],
        [],
        [5.0],
        [1.0, 2.0, 3.0],
        [9.0, 9.0],
    ]
    rows = [template | {"annotation_id": str(place), "points": points} for place, points in enumerate(odd)]
    rows.append(template | {"points": None, "left_px": -20.0, "top_px": 4.0, "width_px": None, "height_px": -3.0})
    publish(tmp_path, [], labels=Labels(objects=[whose], annotations=rows))
    answer = reader_of(tmp_path).get(of_object("lanes", "0"))
    assert answer.status_code == 200
    svg = answer.text.partition("<svg")[2].partition("</svg>")[0]
    assert "nan" not in svg
    assert "inf" not in svg
    assert svg.count("<circle") == 2


@pytest.mark.parametrize(
    "wrong",
    [{}, {"job": "crossing"}, {"object": "0"}, {"job": "crossing", "object": "9999"}, {"job": "no", "object": "0"},
     {"job": "' or 1=1 --", "object": "' or 1=1 --"}, {"job": "x\x00", "object": "0"}],
)  # fmt: skip
def test_an_object_that_is_not_there_is_one_sentence(client: TestClient, wrong: dict[str, str]) -> None:
    for path in ("/annotations/object", "/annotations/object/life.csv"):
        answer = client.get(path, params=wrong)
        assert answer.status_code == 404
        shown = Page(answer.text)
        assert "There is no such dataset object in this release" in " ".join(shown.text)
        assert live_nodes(shown) == []


@pytest.mark.parametrize("frame", ["-1", "x", "999999999999999999999", "1e9", "٣", "", "123456789"])
def test_a_frame_that_is_not_there_does_no_harm(client: TestClient, frame: str) -> None:
    shown = page(client, of_object("street-video", "3", frame=frame, sensor="' or ''='"))
    assert live_nodes(shown) == []
    assert "Object 3" in shown.text


def test_a_tile_of_an_object_that_is_none_is_not_found(client: TestClient) -> None:
    assert client.get(of_object("scenes", "0").replace("object?", "object/frames.csv?")).status_code == 404
    assert client.get(of_object("scenes", "0").replace("object?", "object/nothing.csv?")).status_code == 404


def test_a_failed_object_says_why(client: TestClient) -> None:
    text = " ".join(page(client, of_object("scenes", "39")).text)
    assert "It could not be labelled" in text
    assert "ClientError: expired" in text


def test_only_an_admin_sees_who_answered(lake: Path) -> None:
    def people(pseudonyms: Any) -> dict[str, Any]:
        return {each: SimpleNamespace(user_name=f"user {each[2]}", email=None) for each in pseudonyms}

    where = of_object("crossing", "1")
    for token, sees in (("viewer-token", False), ("op-token", False), ("admin-token", True)):
        client = TestClient(make_app(FakeAccess(), lambda: lake, people), headers={"Authorization": f"Bearer {token}"})
        assert ("user a" in client.get(where).text) is sees
        assert ("user a" in client.get(where.replace("object?", "object/answers.csv?")).text) is sees


def hostile_labels() -> Labels:
    """The sample with every name replaced by one that wants to be more than text."""
    names = dict.fromkeys(("category", "object_name", "sensor_name", "frame_name", "label"), True)
    more = dict.fromkeys(("consolidated_label", "verification_result", "failure_reason", "level", "task_type"), True)

    def turned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found = []
        for number, row in enumerate(rows):
            each = HOSTILE[number % len(HOSTILE)]
            changes: dict[str, Any] = {name: each for name in row if name in names or name in more}
            if row.get("attributes") is not None:
                changes["attributes"] = {each: HOSTILE[(number + 1) % len(HOSTILE)]}
            job = HOSTILE[sum(map(ord, row["labeling_job_name"])) % len(HOSTILE)]
            changes |= {name: job for name in ("labeling_job_name", "label_attribute_name") if name in row}
            if "source_ref" in row:
                changes["source_ref"] = each
            if "dataset_object_id" in row:
                changes["dataset_object_id"] = HOSTILE[int(row["dataset_object_id"]) % len(HOSTILE)]
            found.append(row | changes)
        return found

    labels = Labels(
        objects=turned(SAMPLE.objects)[::9],
        annotations=turned(SAMPLE.annotations),
        frames=turned(SAMPLE.frames),
        worker_annotations=turned(SAMPLE.worker_annotations),
    )
    labels.objects = [
        row | dict.fromkeys(("adjusted_by_job_name", "verified_by_job_name"), HOSTILE[0]) | {"is_current": True}
        for row in labels.objects
    ]
    return labels


def test_every_outside_value_stays_text(tmp_path: Path, reader_of: Reader) -> None:
    labels = hostile_labels()
    publish(tmp_path, answers({each: each for each in HOSTILE}, workers=4, objects=4), labels=labels)
    client = reader_of(tmp_path)
    assert live_nodes(page(client, "/annotations")) == []
    everything = "\n".join(page(client, "/annotations").text)
    assert all(" ".join(canary.split()) in everything for canary in CANARIES)
    for each in HOSTILE:
        chosen = {"category": each, "attribute": f"{each}: {HOSTILE[1]}"}
        assert live_nodes(page(client, address(**chosen))) == []
    for name in ("job", "task_type", "attribute"):
        assert live_nodes(page(client, address(**{name: HOSTILE[2]}))) == []
    for row in labels.objects[::5]:
        where = of_object(row["labeling_job_name"], row["dataset_object_id"])
        assert live_nodes(page(client, where)) == [], where
        assert live_nodes(page(client, f"{where}&{urlencode({'frame': '3', 'sensor': HOSTILE[1]})}")) == []


def test_no_cell_is_a_formula(tmp_path: Path, reader_of: Reader) -> None:
    formula = "=HYPERLINK(1)"
    changes = {"category": formula, "labeling_job_name": "+job", "task_type": "-2"}
    annotations = [row | changes for row in SAMPLE.annotations[:50]]
    annotations = [row | {"attributes": {"@name": formula}, "is_current": True} for row in annotations]
    objects = [
        row | {"labeling_job_name": "+job", "task_type": "-2", "source_ref": formula, "is_current": True}
        for row in SAMPLE.objects[:1]
    ]
    publish(tmp_path, [], labels=Labels(objects=objects, annotations=annotations))
    client = reader_of(tmp_path)
    assert {row["category"] for row in exported(client, "/annotations/labels_by_category.csv")} == {f"'{formula}"}
    attribute = exported(client, "/annotations/label_attributes.csv")[0]
    assert (attribute["attribute_name"], attribute["value"], attribute["attribute"]) == (
        "'@name",
        f"'{formula}",
        f"'@name: {formula}",
    )
    row = exported(client, "/annotations/dataset_objects.csv")[0]
    assert (row["labeling_job_name"], row["source_ref"], row["task_type"]) == ("'+job", f"'{formula}", "'-2")
    labels = exported(client, of_object("+job", "0").replace("object?", "object/labels.csv?"))
    assert {row["category"] for row in labels} == {f"'{formula}"}
    assert {row["attributes"] for row in labels} == {f"'@name: {formula}"}


def test_the_whole_table_is_sorted_by_the_url(client: TestClient) -> None:
    shown = exported(client, address("/annotations/dataset_objects.csv", sort="-label_count"))
    counts = [int(row["label_count"]) for row in shown]
    assert counts == sorted(counts, reverse=True)
    fewest = exported(client, address("/annotations/label_quality.csv", sort="category_count"))[0]
    assert fewest["category_count"] == "1"


def test_many_labels_are_answered_soon(tmp_path: Path, reader_of: Reader) -> None:
    release = publish(tmp_path, [])
    with duckdb.connect(str(release.serving_path)) as connection:
        many_labels(connection, 200_000)
    client = reader_of(tmp_path)
    assert client.get("/annotations").status_code == 200  # templates are compiled, altair is imported

    def seconds(where: str) -> float:
        start = time.process_time()
        assert client.get(where).status_code == 200
        return time.process_time() - start

    for where in (
        "/annotations",
        address(job="video-3", category="Car"),
        address(attribute="moving: yes"),
        address(attribute="quality: blurry"),
        of_object("video-3", "0"),
        of_object("boxes", "77"),
    ):
        assert min(seconds(where) for _ in range(3)) < 1.0, where
    assert figures(page(client, "/annotations"))["labels"] == "200,000"
