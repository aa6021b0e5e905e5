"""The raw tables of labels themselves: what Ground Truth's consolidation and its workers drew, chose and marked."""

from __future__ import annotations

from labelhouse.schema.columns import EVENT_AT, ORIGIN, Column, Table

_LABELING_JOB_NAME = Column(
    "labeling_job_name",
    "string",
    "Name of the labelling job that made it, as captured, without `labeling-job/`.",
    required=True,
    repeats=True,
)
_DATASET_OBJECT_ID = Column(
    "dataset_object_id",
    "string",
    "Index of the dataset object in the job: the line of its manifest, from 0; in streaming jobs the object's own key.",
    required=True,
    repeats=True,
)
#: Whose label it is, of what, and where in it.
_LABEL = (
    _LABELING_JOB_NAME,
    _DATASET_OBJECT_ID,
    Column(
        "label_attribute_name",
        "string",
        "Name of the label attribute; NULL where only the manifest says it: in files beside it and in answers.",
        repeats=True,
    ),
    Column(
        "is_consolidated",
        "boolean",
        "True for the job's own label, false for what one worker answered.",
        required=True,
    ),
    Column("iteration_number", "int", "Iteration of the job that asked for the answer; NULL for consolidated labels."),
    Column(
        "worker_id",
        "string",
        "Worker id without its `<kind>.<region>.` prefix; NULL for consolidated labels and where not captured.",
        repeats=True,
    ),
    Column(
        "worker_pseudonym",
        "string",
        "Pseudonym of the worker's `sub`; NULL for consolidated labels and workers without an identity.",
        repeats=True,
    ),
    Column("frame_number", "int", "Frame of a video or point-cloud sequence, as captured; NULL for single objects."),
    Column(
        "sensor_name",
        "string",
        "`lidar` or the name of a camera, e.g. `camera-0`, where a sequence has several; else NULL.",
        repeats=True,
    ),
)

#: What ties the frames of an answer that lie in files of their own to that answer.
ANSWER_FOLDER = Column(
    "answer_folder",
    "string",
    "Folder beside an answer whose files hold the frames of that answer; NULL where the answer holds them itself.",
    repeats=True,
)

ANNOTATIONS = Table(
    name="annotations",
    doc="One labelled thing, consolidated or as one worker answered: a class, box, polygon, polyline, keypoint, span, "
    "mask class, cuboid, or what a custom task made.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        *_LABEL,
        Column(
            "geometry_type",
            "string",
            "`class`, `box`, `polygon`, `polyline`, `keypoint`, `span`, `mask`, `point_class` (a class of a point "
            "cloud), `cuboid`, `custom` or, of a type not known here, the key that held it.",
            required=True,
            repeats=True,
        ),
        Column(
            "class_id",
            "string",
            "Class as captured: a number of the class map, as text; NULL where named only.",
            repeats=True,
        ),
        Column(
            "category",
            "string",
            "Name of the class where the record itself gives it; else the class map of the manifest does.",
            repeats=True,
        ),
        Column("object_id", "string", "Id of the object, the same in every frame it is tracked through.", repeats=True),
        Column("object_name", "string", "Name of the object, e.g. `car:1`.", repeats=True),
        Column("left_px", "double", "Left edge of a box, pixels from the image's left."),
        Column("top_px", "double", "Upper edge of a box, pixels from the image's top."),
        Column("width_px", "double", "Width of a box, pixels."),
        Column("height_px", "double", "Height of a box, pixels."),
        Column(
            "points",
            "points",
            "`x` and `y` of each vertex of a polygon or polyline, or of a keypoint, in turn, in pixels.",
        ),
        Column("center_x", "double", "Centre of a cuboid, in the units of the point cloud."),
        Column("center_y", "double", "Centre of a cuboid, in the units of the point cloud."),
        Column("center_z", "double", "Centre of a cuboid, in the units of the point cloud."),
        Column("cuboid_length", "double", "Length of a cuboid, in the units of the point cloud."),
        Column("cuboid_width", "double", "Width of a cuboid, in the units of the point cloud."),
        Column("cuboid_height", "double", "Height of a cuboid, in the units of the point cloud."),
        Column("roll_radians", "double", "Roll of a cuboid."),
        Column("pitch_radians", "double", "Pitch of a cuboid."),
        Column("yaw_radians", "double", "Yaw of a cuboid, as captured: before 2022-09-02 with the other handedness."),
        Column("start_offset", "long", "First character of a span, from 0."),
        Column("end_offset", "long", "Character after the last one of a span."),
        Column(
            "mask_ref",
            "string",
            "URI of the mask or the point labels that hold it, as captured; never fetched.",
            repeats=True,
        ),
        Column("mask_color", "string", "Colour of the class in the mask, `#rrggbb`.", repeats=True),
        Column("attributes", "attributes", "Label attributes by name; numbers and lists as JSON."),
        Column("confidence_ratio", "double", "Confidence, 0 to 1; NULL where not captured or captured as 0."),
        Column("annotation_json", "string", "The annotation as captured, as JSON, where no column holds all of it."),
        ANSWER_FOLDER,
    ),
)

FRAMES = Table(
    name="frames",
    doc="One frame of a video or point-cloud sequence, or a single point cloud, the empty ones too.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        *_LABEL,
        Column("frame_name", "string", "File name of the frame, as captured.", repeats=True),
        Column("attributes", "attributes", "Frame attributes by name; numbers and lists as JSON."),
        Column(
            "annotation_count", "int", "Annotations in the frame, those that are in quarantine included.", required=True
        ),
        ANSWER_FOLDER,
    ),
)

MASK_AREAS = Table(
    name="mask_areas",
    doc="One colour of a segmentation mask, or one class of a point-label file, and how much of it there is.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        _LABELING_JOB_NAME,
        _DATASET_OBJECT_ID,
        Column("mask_color", "string", "Colour in the mask, `#rrggbb`; NULL in point labels.", repeats=True),
        Column("class_id", "string", "Class of the points, as text; NULL in masks.", repeats=True),
        Column("area_count", "long", "Pixels or points of that colour or class.", required=True),
        Column("total_count", "long", "Pixels or points of the whole file.", required=True),
    ),
)

LABEL_TABLES = (ANNOTATIONS, FRAMES, MASK_AREAS)
