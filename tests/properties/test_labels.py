"""Outputs of every task type and answers of every crowd element are read back as they were made.

Labels are drawn as plain values, written as Ground Truth writes them, loaded, and taken out of the rows again. What is
then damaged may be quarantined, but raises nothing, adds up, and names nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from labeling_units import EMAIL, MANIFEST, SUB, Result, answer, document, parse
from mutated_json import mutated

Row = dict[str, Any]
#: Without what says who somebody is, or may spell an address: that is replaced, see the tests of identities.
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@%"), min_size=1, max_size=12).filter(
    lambda name: "u0040" not in name and name != "identityData"
)
numbers = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False, width=32))
pixels = numbers
class_ids = st.integers(0, 99)
scalars = st.one_of(names, st.booleans(), st.integers(-1000, 1000), st.none(), st.lists(names, max_size=2))
attributes = st.dictionaries(names, scalars, max_size=3)
colors = st.integers(0, 2**24 - 1).map(lambda number: f"#{number:06x}")
vertices = st.lists(st.fixed_dictionaries({"x": pixels, "y": pixels}), max_size=4)
confidences = st.floats(0.001, 1)


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def as_map(given: dict[str, Any]) -> dict[str, str | None] | None:
    """Attributes as the lake keeps them."""
    return {
        name: value if value is None or isinstance(value, str) else as_json(value) for name, value in given.items()
    } or None


def spelt(name: str, style: str) -> str:
    words = name.split("_")
    if style == "camel":
        return words[0] + "".join(word.title() for word in words[1:])
    return style.join(words)


def flat(points: list[dict[str, float]]) -> list[float]:
    return [float(point[axis]) for point in points for axis in ("x", "y")]


# --- things: what is written, in one spelling or another, and what must be read of it


@st.composite
def boxes(draw: st.DrawFn, style: str, known: st.SearchStrategy[dict[str, Any]]) -> tuple[dict[str, Any], Row]:
    sides = {side: draw(pixels) for side in ("left", "top", "width", "height")}
    common, said = draw(described(style, known))
    return common | sides, said | {"geometry_type": "box"} | {f"{side}_px": float(at) for side, at in sides.items()}


@st.composite
def cuboids(draw: st.DrawFn, style: str, known: st.SearchStrategy[dict[str, Any]]) -> tuple[dict[str, Any], Row]:
    common, said = draw(described(style, known))
    said = said | {"geometry_type": "cuboid"}
    for name, column in [
        *((f"center_{axis}", f"center_{axis}") for axis in "xyz"),
        *((size, f"cuboid_{size}") for size in ("length", "width", "height")),
        *((turn, f"{turn}_radians") for turn in ("roll", "pitch", "yaw")),
    ]:
        number = draw(numbers)
        common = common | {spelt(name, style): number}
        said = said | {column: float(number)}
    return common, said


@st.composite
def drawings(
    draw: st.DrawFn, kind: str, style: str, known: st.SearchStrategy[dict[str, Any]]
) -> tuple[dict[str, Any], Row]:
    common, said = draw(described(style, known))
    if kind == "keypoint":
        point = {"x": draw(pixels), "y": draw(pixels)}
        return common | point, said | {"geometry_type": kind, "points": flat([point])}
    points = draw(vertices)
    return common | {"vertices": points}, said | {"geometry_type": kind, "points": flat(points)}


@st.composite
def described(draw: st.DrawFn, style: str, known: st.SearchStrategy[dict[str, Any]]) -> tuple[dict[str, Any], Row]:
    """What a thing says of itself, and the columns that say so."""
    thing, said = {}, {}
    for name, value in draw(known).items():
        thing[spelt(name, style)] = value
        if name == "label":
            said["category"] = value
        elif name == "label_category_attributes":
            said["attributes"] = as_map(value)
        else:
            said[name] = str(value)
    return thing, said


of_images = st.fixed_dictionaries({"class_id": class_ids})
of_sequences = st.fixed_dictionaries(
    {"class_id": st.one_of(class_ids, class_ids.map(str))},
    optional={"object_id": names, "object_name": names, "label_category_attributes": attributes},
)
of_workers = st.fixed_dictionaries({"label": names})


@st.composite
def spans(draw: st.DrawFn) -> tuple[dict[str, Any], Row]:
    start, length, label = draw(st.integers(0, 10**9)), draw(st.integers(0, 10**6)), draw(names)
    written = {"startOffset": start, "endOffset": start + length, "label": label}
    return written, {
        "geometry_type": "span",
        "category": label,
        "start_offset": start,
        "end_offset": start + length,
    }


def many(things: st.SearchStrategy[tuple[dict[str, Any], Row]]) -> st.SearchStrategy[tuple[list[Any], list[Row]]]:
    return st.lists(things, max_size=5).map(lambda drawn: ([each for each, _ in drawn], [row for _, row in drawn]))


# --- labels of manifests, by task type: label, metadata, rows


@st.composite
def classified(draw: st.DrawFn) -> tuple[Any, Row, list[Row]]:
    number, name, confidence = draw(class_ids), draw(names), draw(confidences)
    label = draw(st.sampled_from([number, str(number)]))
    said = {"geometry_type": "class", "class_id": str(number), "category": name, "confidence_ratio": confidence}
    return label, {"class-name": name, "confidence": confidence}, [said]


@st.composite
def multi_classified(draw: st.DrawFn) -> tuple[Any, Row, list[Row]]:
    drawn = draw(st.dictionaries(class_ids, st.tuples(names, confidences), max_size=5))
    metadata = {
        "class-map": {str(number): name for number, (name, _) in drawn.items()},
        "confidence-map": {str(number): confidence for number, (_, confidence) in drawn.items()},
    }
    said = [
        {"geometry_type": "class", "class_id": str(number), "category": name, "confidence_ratio": confidence}
        for number, (name, confidence) in drawn.items()
    ]
    return list(drawn), metadata, said


@st.composite
def listed(draw: st.DrawFn, things: Any, wrap: Callable[[list[Any]], Any], about: str) -> tuple[Any, Row, list[Row]]:
    written, said = draw(many(things))
    scores = draw(st.lists(confidences, min_size=len(said), max_size=len(said)))
    rows = [row | {"confidence_ratio": score} for row, score in zip(said, scores, strict=True)]
    return wrap(written), {about: [{"confidence": score} for score in scores]}, rows


@st.composite
def colored(draw: st.DrawFn, key: str, kind: str) -> tuple[Any, Row, list[Row]]:
    drawn = draw(st.lists(st.tuples(names, colors), min_size=1, max_size=4))
    classes = {str(number): {"class-name": name, "hex-color": color} for number, (name, color) in enumerate(drawn)}
    reference = "s3://out/job/annotations/consolidated-annotation/output/0_2024"
    said = [
        {
            "geometry_type": kind,
            "class_id": str(number),
            "category": name,
            "mask_color": color,
            "mask_ref": reference,
        }
        for number, (name, color) in enumerate(drawn)
    ]
    return reference, {key: classes}, said


@st.composite
def custom(draw: st.DrawFn) -> tuple[Any, Row, list[Row]]:
    label = draw(st.dictionaries(names, scalars, max_size=3))
    return label, {}, [{"geometry_type": "custom", "annotation_json": as_json(label)}]


LABELS: dict[str, st.SearchStrategy[tuple[Any, Row, list[Row]]]] = {
    "image-classification": classified(),
    "text-classification": classified(),
    "video-classification": classified(),
    "label-verification": classified(),
    "image-classification-multilabel": multi_classified(),
    "text-classification-multilabel": multi_classified(),
    "object-detection": listed(boxes("_", of_images), lambda written: {"annotations": written}, "objects"),
    "point_cloud_object_detection": listed(
        cuboids("-", of_sequences), lambda written: {"annotations": written}, "objects"
    ),
    "text-span": listed(spans(), lambda written: {"annotations": {"labels": [], "entities": written}}, "entities"),
    "semantic-segmentation": colored("internal-color-map", "mask"),
    "point_cloud_single_frame_semantic_segmentation": colored("color-map", "point_class"),
    "custom": custom(),
    "polygons-not-yet-known": listed(
        drawings("polygon", "-", of_sequences), lambda written: {"polygons": written}, "objects"
    ),
}


def line_of(task_type: str, label: Any, metadata: Row) -> dict[str, Any]:
    about = {"type": f"groundtruth/{task_type}", "job-name": "labeling-job/j", "human-annotated": "yes"} | metadata
    key = "it-ref" if "segmentation" in task_type else "it"
    return {"source-ref": "s3://i/1", key: label, "it-metadata": about}


def said_by(rows: list[Row], columns: list[Row]) -> list[Row]:
    """The columns of `rows` that `columns` speak of, one for one."""
    assert len(rows) == len(columns)
    return [{name: row[name] for name in said} for row, said in zip(rows, columns, strict=True)]


@given(
    st.lists(st.sampled_from(sorted(LABELS)).flatmap(lambda name: st.tuples(st.just(name), LABELS[name])), max_size=4)
)
def test_the_labels_of_every_task_type_are_read_back(drawn: list[tuple[str, tuple[Any, Row, list[Row]]]]) -> None:
    lines = [line_of(task_type, label, metadata) for task_type, (label, metadata, _) in drawn]
    result = parse("\n".join(map(json.dumps, lines)).encode() or b"{}", MANIFEST)
    assert result.reasons == []
    for number, (_, (_, _, said)) in enumerate(drawn):
        rows = [row for row in result.annotations if row["dataset_object_id"] == str(number)]
        assert said_by(rows, said) == said
        assert [row["position"] for row in rows] == [f"{number}/it/{at}" for at in range(len(rows))]


# --- answers, by crowd element: content, rows


@st.composite
def chosen(draw: st.DrawFn) -> tuple[Any, list[Row]]:
    label = draw(names)
    return {"label": label}, [{"geometry_type": "class", "category": label}]


@st.composite
def chosen_many(draw: st.DrawFn) -> tuple[Any, list[Row]]:
    labels = draw(st.lists(names, max_size=4))
    return {"labels": labels}, [{"geometry_type": "class", "category": label} for label in labels]


@st.composite
def painted(draw: st.DrawFn) -> tuple[Any, list[Row]]:
    drawn = draw(st.dictionaries(names, colors, max_size=4))
    content = {"labelMappings": {name: {"color": color} for name, color in drawn.items()}}
    said = [{"geometry_type": "mask", "category": name, "mask_color": color} for name, color in drawn.items()]
    return content | {"labeledImage": {"pngImageData": "iVBORw0KGgo="}}, said


@st.composite
def instances(draw: st.DrawFn) -> tuple[Any, list[Row]]:
    drawn = draw(st.lists(st.tuples(names, colors), max_size=4))
    content = {"instances": [{"label": name, "color": color} for name, color in drawn]}
    return content, [{"geometry_type": "mask", "category": name, "mask_color": color} for name, color in drawn]


def held(key: str, things: Any) -> st.SearchStrategy[tuple[Any, list[Row]]]:
    size = {"inputImageProperties": {"height": 400, "width": 600}}
    return many(things).map(lambda drawn: ({key: drawn[0]} | size, drawn[1]))


@st.composite
def sequences(draw: st.DrawFn, key: str, style: str, things: Any) -> tuple[Any, list[Row]]:
    written, said = [], []
    for number in range(draw(st.integers(0, 3))):
        of_frame, rows = draw(many(things))
        spelling = {"camel": "frameNumber"}.get(style, "frame-no")
        written.append({spelling: draw(st.sampled_from([number, str(number)])), key: of_frame})
        said += [row | {"frame_number": number} for row in rows]
    entries = draw(st.sampled_from([written, {f"frame_{at}": each for at, each in enumerate(written)}]))
    return {"frameData": {"entries": entries}}, said


ELEMENTS: dict[str, st.SearchStrategy[tuple[Any, list[Row]]]] = {
    "crowd-image-classifier": chosen(),
    "crowd-classifier": chosen(),
    "crowd-image-classifier-multi-select": chosen_many(),
    "crowd-classifier-multi-select": chosen_many(),
    "crowd-bounding-box": held("boundingBoxes", boxes("camel", of_workers)),
    "crowd-entity-annotation": held("entities", spans()),
    "crowd-semantic-segmentation": painted(),
    "crowd-instance-segmentation": instances(),
    "crowd-polygon": held("polygons", drawings("polygon", "camel", of_workers)),
    "crowd-polyline": held("polylines", drawings("polyline", "camel", of_workers)),
    "crowd-line": held("lines", drawings("polyline", "camel", of_workers)),
    "crowd-keypoint": held("keypoints", drawings("keypoint", "camel", of_workers)),
    "video": sequences("annotations", "-", boxes("-", of_sequences)),
    "trackingAnnotations": sequences("boundingBoxes", "camel", boxes("camel", of_sequences)),
    "point clouds": sequences("boundingCuboids", "camel", cuboids("camel", of_sequences)),
}
elements = st.sampled_from(sorted(ELEMENTS)).flatmap(lambda name: st.tuples(st.just(name), ELEMENTS[name]))


@given(elements, st.booleans(), st.integers(0, 2), st.integers(0, 2))
def test_the_answers_of_every_element_are_read_back(
    drawn: tuple[str, tuple[Any, list[Row]]], is_renamed: bool, part_wraps: int, content_wraps: int
) -> None:
    name, (part, said) = drawn
    for _ in range(part_wraps):
        part = json.dumps(part)
    content: Any = {"annotatedResult" if is_renamed or part_wraps else name: part}
    for _ in range(content_wraps):
        content = json.dumps(content)
    result = parse(document(answer(answerContent=content)))
    assert result.reasons == []
    assert said_by(result.annotations, said) == said
    assert {row["frame_number"] for row in result.annotations} <= {row["frame_number"] for row in result.frames} | {
        None
    }


# --- damage

damage = st.one_of(
    *(st.none(), st.booleans(), numbers, names, st.just(EMAIL)),
    *(st.builds(list), st.builds(dict), st.builds(lambda: {"label": EMAIL})),
)


def assert_sound(result: Result) -> None:
    """Nobody is named, reasons are words, and every annotation says what it is and where in the unit."""
    for table, rows in [*result.tables.items(), ("quarantine", result.quarantined)]:
        assert len({row["position"] for row in rows}) == len(rows), table
        for row in rows:
            assert SUB not in str(row)
            assert EMAIL.partition("@")[0] not in str(row)
    assert all(row["geometry_type"] for row in result.annotations)
    for _, reason in result.reasons:
        assert reason.isprintable()
        assert len(reason) < 120


@given(st.data())
def test_damaged_labels(data: st.DataObject) -> None:
    task_type, (label, metadata, said) = data.draw(
        st.sampled_from(sorted(LABELS)).flatmap(lambda name: st.tuples(st.just(name), LABELS[name]))
    )
    good = line_of(task_type, label, metadata)
    bad = data.draw(mutated(good, damage, names))
    result = parse("\n".join(map(json.dumps, [good, bad])).encode(), MANIFEST)
    assert result.counts["read"] == 2
    assert_sound(result)
    assert said_by([row for row in result.annotations if row["position"].startswith("0/")], said) == said


@given(st.data())
def test_damaged_answers(data: st.DataObject) -> None:
    name, (part, said) = data.draw(elements)
    good = answer(answerContent={name: part})
    bad = answer(answerContent=data.draw(mutated({name: part}, damage, names)))
    result = parse(document(good, bad))
    assert result.counts["read"] == 2
    assert_sound(result)
    assert said_by([row for row in result.annotations if row["position"].startswith("0/")], said) == said
