"""What is labelled: a programme of labelling jobs that repeats every fortnight, and the state of each job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypedDict

import numpy as np

from labelhouse.demo import delivery_notes, road_clips, street_parts, yard
from labelhouse.demo.chance import generator
from labelhouse.demo.drifts import COMMONER
from labelhouse.demo.people import Worker

#: Ground Truth tries a new job on few objects first; everything else is a later iteration.
FIRST_ITERATION_OBJECTS = 10
FORTNIGHT_DAYS = 14
#: Tasks whose objects are sequences of frames.
SEQUENCES = ("video-object-tracking", "point_cloud_object_tracking")
#: No class that becomes commoner gets more of the objects.
_LARGEST_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Project:
    """What the jobs of one kind have in common.

    Args:
        stem: start of the job's name, in the case its owner chose.
        label_attribute_name: of its labels in the manifest.
        images: prefix of the images' URIs; nothing is stored there.
        classes: class names; those that look alike stand side by side.
        launch_day: day of the fortnight on which it starts.
        object_count: lines of its manifest.
        answers_per_object: how many workers see each object.
        seconds: typical active time of one answer.
        is_public: answered by the crowd instead of the private team.
        auto_labeled_ratio: share of the objects that automated labelling takes over.
        failed_object_count: objects that nobody can open.
        has_file_per_answer: one response file per answer (as streaming jobs write), else one per object.
        adjusts: label attribute of an earlier job whose bounding boxes are corrected.
        task: the type of its labels, as manifests name it, without `groundtruth/`.
        people: names of the workers among whom its objects are shared out; empty: whoever sits down takes the next.
        follows: stem of the project whose labels it goes on from: its objects are those that are labelled by then.
    """

    stem: str
    label_attribute_name: str
    images: str
    classes: tuple[str, ...]
    launch_day: float
    object_count: int
    answers_per_object: int = 3
    seconds: float = 9.0
    is_public: bool = False
    auto_labeled_ratio: float = 0.0
    failed_object_count: int = 0
    has_file_per_answer: bool = False
    adjusts: str | None = None
    task: str = "image-classification"
    people: tuple[str, ...] = ()
    follows: str | None = None


_VEHICLES = ("car", "van", "bus", "truck", "bicycle", "motorcycle")
_PRODUCTS = ("soft drink", "juice", "crisps", "biscuits", "shampoo", "washing-up liquid", "tea", "coffee")
_SPECIES = ("lion", "leopard", "zebra", "wildebeest", "elephant", "rhinoceros", "giraffe", "no animal")
#: A reviewer who finds most boxes bad that others find good.
REJECTS_MOST = "vargas"
_BIRDS = ("house sparrow", "tree sparrow", "carrion crow", "jackdaw", "mute swan", "whooper swan")

PROGRAMME = (
    Project(
        "Vehicle-Types-Batch",
        "vehicle-type",
        "s3://roadside-cameras/stills/a",
        _VEHICLES,
        launch_day=0.0,
        object_count=200,
        failed_object_count=1,
    ),
    Project(
        "Wildlife-Camera-Traps",
        "species",
        "s3://camera-traps/mara-north",
        _SPECIES,
        launch_day=0.4,
        object_count=300,
        seconds=14.0,
        auto_labeled_ratio=0.35,
        failed_object_count=2,
    ),
    Project(
        "bird-species-crowd",
        "bird-species",
        "s3://garden-birds/uploads",
        _BIRDS,
        launch_day=1.5,
        object_count=140,
        answers_per_object=5,
        seconds=11.0,
        is_public=True,
    ),
    Project(
        "retail-shelf-products",
        "product-category",
        "s3://shelf-photos/cut-outs",
        _PRODUCTS,
        launch_day=2.4,
        object_count=230,
        seconds=7.0,
        failed_object_count=1,
        has_file_per_answer=True,
    ),
    Project(
        "Vehicle-Types-Night",
        "vehicle-type",
        "s3://roadside-cameras/stills/night",
        _VEHICLES,
        launch_day=5.1,
        object_count=300,
        seconds=12.0,
    ),
    Project(
        "Road-Scenes-Adjustment",
        "road-boxes-adjusted",
        "s3://roadside-cameras/scenes",
        _VEHICLES,
        launch_day=7.6,
        object_count=190,
        answers_per_object=1,
        seconds=48.0,
        adjusts="road-boxes",
        task="object-detection",
    ),
    Project(
        "Wildlife-Nocturnal",
        "species",
        "s3://camera-traps/mara-north/infrared",
        _SPECIES,
        launch_day=9.3,
        object_count=520,
        seconds=16.0,
        has_file_per_answer=True,
    ),
    Project(
        "Road-Clips-Tracking",
        "road-vehicles-ref",
        "s3://roadside-cameras/clips",
        road_clips.CLASSES,
        launch_day=1.2,
        object_count=road_clips.CLIP_COUNT,
        answers_per_object=1,
        seconds=260.0,
        task="video-object-tracking",
        people=("achieng", road_clips.TAKES_BUSES_FOR_VANS, "wanjiru", "dalisay"),
    ),
    Project(
        "Street-Parts-Segmentation",
        "street-parts-ref",
        "s3://roadside-cameras/streets",
        street_parts.CLASSES,
        launch_day=3.4,
        object_count=36,
        answers_per_object=1,
        seconds=150.0,
        task="semantic-segmentation",
        people=("otieno", "bautista", "kamau"),
    ),
    Project(
        "Delivery-Notes-Entities",
        "note-entities",
        "s3://depot-scans/notes",
        delivery_notes.CLASSES,
        launch_day=4.7,
        object_count=48,
        seconds=25.0,
        failed_object_count=1,
        task="text-span",
        people=("wanjiru", "otieno", delivery_notes.MARKS_NO_QUANTITY, "santos"),
    ),
    Project(
        "Road-Clips-Tracking-Audit",
        "road-vehicles-audit-ref",
        "s3://roadside-cameras/clips",
        road_clips.CLASSES,
        launch_day=6.3,
        object_count=road_clips.CLIP_COUNT,
        answers_per_object=1,
        seconds=140.0,
        task="video-object-tracking",
        people=("santos", "quintero"),
        follows="Road-Clips-Tracking",
    ),
    Project(
        "Yard-Lidar-Tracking",
        "yard-objects-ref",
        "s3://depot-lidar/yard",
        yard.CLASSES,
        launch_day=8.4,
        object_count=yard.SEQUENCE_COUNT,
        answers_per_object=1,
        seconds=320.0,
        task="point_cloud_object_tracking",
        people=("quintero", "bautista"),
    ),
    Project(
        "Road-Boxes-Verification",
        "road-boxes-check",
        "s3://roadside-cameras/scenes",
        ("good", "bad"),
        launch_day=9.2,
        object_count=60,
        answers_per_object=1,
        seconds=11.0,
        task="label-verification",
        people=("dalisay", REJECTS_MOST, "achieng"),
        follows="Road-Scenes-Adjustment",
    ),
)


class Box(TypedDict):
    """A bounding box in pixels, as crowd elements write it."""

    height: int
    label: str
    left: int
    top: int
    width: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One worker's answer: a class name, adjusted boxes, or the content that its crowd element writes."""

    worker: Worker
    accepted_at: datetime
    submitted_at: datetime
    time_spent_seconds: float
    label: str
    boxes: tuple[Box, ...] = ()
    content: dict[str, Any] | None = None


@dataclass(slots=True)
class DatasetObject:
    """One object of one job: what it really shows, and how far its labelling got.

    Args:
        index: line of the manifest, from 0.
        source_ref: URI of the image.
        truth: index of its class in the project's classes.
        difficulty: 0 (obvious) to 1 (hopeless).
        fate: who labels it.
        boxes: what the earlier job drew, where the project adjusts boxes.
        line: its line in the input manifest.
        earlier: the frames that the job before left, where the project goes on from frames.
        frames: those that this job left, once it is labelled.
    """

    index: int
    source_ref: str
    truth: int
    difficulty: float
    fate: Literal["human", "auto", "fails"]
    boxes: tuple[Box, ...] = ()
    line: dict[str, Any] = field(default_factory=dict)
    earlier: list[dict[str, Any]] = field(default_factory=list)
    frames: list[dict[str, Any]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    response_key: str | None = None
    is_labeled: bool = False


class Job:
    """A labelling job that runs: which object a worker sees next.

    Args:
        followed: the labelled objects of the job that it goes on from, each with its line of that job's manifest.
    """

    def __init__(
        self,
        seed: int,
        project: Project,
        number: int,
        launched_at: datetime,
        followed: Sequence[tuple[DatasetObject, dict[str, Any]]] = (),
    ) -> None:
        self.name = f"{project.stem}-{number:02d}"
        self.launched_at = launched_at
        if project.follows:
            project = replace(project, object_count=min(project.object_count, len(followed)))
        self.project = project
        self.objects = [self._object(seed, index) for index in range(project.object_count)]
        for item, (earlier, line) in zip(self.objects, followed, strict=False):
            item.source_ref, item.line, item.earlier = earlier.source_ref, line, earlier.frames
        self._human = [item for item in self.objects if item.fate == "human"]
        self._waiting = list(self._human)
        self.is_auto_labeled = False

    def _object(self, seed: int, index: int) -> DatasetObject:
        project = self.project
        rng = generator(seed, "object", self.name, index)
        weights = class_weights(seed, project)
        if COMMONER.affects(self.name, index):
            weights = _with_a_commoner_class(weights, COMMONER.strength)
        truth = int(rng.choice(len(project.classes), p=weights))
        fate: Literal["human", "auto", "fails"] = "human"
        if index in _evenly(project.object_count, project.failed_object_count):
            fate = "fails"
        elif index >= 4 * FIRST_ITERATION_OBJECTS and rng.random() < project.auto_labeled_ratio:
            fate = "auto"
        suffix = "json" if project.task in SEQUENCES else "jpg"
        source_ref = f"{project.images}/{self.launched_at:%Y-%m-%d}/{rng.bytes(8).hex()}.{suffix}"
        boxes = tuple(_boxes(rng, project.classes, truth)) if project.adjusts else ()
        line = {"source-ref": source_ref}
        if project.task == "text-span":
            line = {"source": delivery_notes.note(seed, source_ref)[0]}
        return DatasetObject(index, source_ref, truth, float(rng.beta(2, 5)), fate, boxes, line)

    def iteration(self, item: DatasetObject) -> int:
        """The iteration in which an object is answered; what is shared out is answered in one."""
        return 1 if self.project.people or item.index < FIRST_ITERATION_OBJECTS else 2

    @property
    def labeled_ratio(self) -> float:
        """Share of the objects meant for people that have a label."""
        return sum(item.is_labeled for item in self._human) / len(self._human)

    def first_waiting(self, worker_name: str) -> DatasetObject | None:
        """The first object that waits for an answer and that this worker has not seen."""
        return next((item for item in self._waiting if worker_name not in item.asked), None)

    def hand_out(self, item: DatasetObject, worker_name: str) -> None:
        """Gives an object to a worker; it waits no more when enough workers have it."""
        item.asked.add(worker_name)
        if len(item.asked) == self.project.answers_per_object:
            self._waiting.remove(item)


def class_weights(seed: int, project: Project) -> np.ndarray:
    """Share of each class: some are common, some rare, and the same in every job of a project."""
    return generator(seed, "class weights", project.stem).dirichlet([2.5] * len(project.classes))


def _with_a_commoner_class(weights: np.ndarray, times: float) -> np.ndarray:
    """The shares after the commonest class that still leaves room for others became that many times as frequent."""
    chosen = int(np.argmax(np.where(times * weights <= _LARGEST_SHARE, weights, 0)))
    share = times * weights[chosen]
    changed: np.ndarray = weights * (1 - share) / (1 - weights[chosen])
    changed[chosen] = share
    return changed


def _evenly(object_count: int, failed_count: int) -> set[int]:
    """Indices of the objects that fail, spread over the job."""
    return {(number + 1) * object_count // (failed_count + 1) for number in range(failed_count)}


def _boxes(rng: np.random.Generator, classes: tuple[str, ...], truth: int) -> Iterator[Box]:
    for number in range(int(rng.integers(1, 5))):
        label = classes[truth if number == 0 else int(rng.integers(len(classes)))]
        left, top, width, height = (int(rng.integers(*span)) for span in ((0, 1500), (300, 800), (40, 400), (40, 260)))
        yield Box(height=height, label=label, left=left, top=top, width=width)
