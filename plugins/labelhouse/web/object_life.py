"""The whole life of one dataset object, from one release: who labelled, adjusted and verified it, and what there is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from markupsafe import Markup

from labelhouse.marts.read import query
from labelhouse.marts.releases import Release
from labelhouse.reports import Field, Row
from labelhouse.reports.encoding import SHOWN_ROWS
from labelhouse.web.label_drawing import extent_of, scene_svg
from labelhouse.web.tiles import Tile
from labelhouse.web.worker_names import WorkerNames

#: Those of its marts that older releases lack.
_MARTS = frozenset({"fct_annotation", "fct_frame", "fct_worker_annotation"})

_HERE = "labeling_job_name = $job and dataset_object_id = $object"
#: Every job that had to do with the object: those whose manifest names the same source, and its own. A CTE.
_LIVES = f"""
    lives as (
        select objects.*, dim_labeling_job.level
        from fct_dataset_object as objects
        left join dim_labeling_job using (labeling_job_name)
        where
            objects.labeling_job_name = $job and objects.dataset_object_id = $object
            or objects.source_ref = (select any_value(source_ref) from fct_dataset_object where {_HERE})
        order by objects.labeled_at nulls first, objects.labeling_job_name
        limit {SHOWN_ROWS}
    )
"""
_LIFE = f"""
    with {_LIVES}
    select
        *,
        case
            when is_failed then 'failed'
            when labeling_job_name = verified_by_job_name then 'verified'
            when is_adjusted then 'adjusted'
            when is_adjusted is not null then 'looked at, not adjusted'
            when labeling_job_name = adjusted_by_job_name then 'audited'
            when label_attribute_name is null and annotation_count = 0 and frame_count = 0 then 'answered'
            else 'labelled'
        end as step,
        case is_human_annotated when true then 'people' when false then 'a model' end as labeled_by,
        coalesce(failure_reason, if(labeling_job_name = verified_by_job_name, verification_result, consolidated_label))
            as result
    from lives
    order by labeled_at nulls last, step, labeling_job_name
"""
_ANSWERS = f"""
    with {_LIVES},
    labels as (
        select
            response_id,
            sum(label_count)::bigint as label_count,
            string_agg(category || ' × ' || label_count, ', ' order by label_count desc, category) as labels
        from (
            select response_id, coalesce(category, '(not named)') as category, count(*) as label_count
            from fct_worker_annotation
            where (labeling_job_name, dataset_object_id) in (select (labeling_job_name, dataset_object_id) from lives)
            group by all
        )
        group by response_id
    )
    select
        responses.submitted_at, responses.worker_id, responses.labeling_job_name, responses.iteration_number,
        responses.time_spent_seconds, responses.label, coalesce(labels.label_count, 0) as label_count, labels.labels,
        responses.agrees_with_consolidated, count(*) over () as answer_count
    from fct_worker_response as responses
    left join labels using (response_id)
    where (labeling_job_name, dataset_object_id) in (select (labeling_job_name, dataset_object_id) from lives)
    order by responses.event_at, responses.response_id
    limit {SHOWN_ROWS}
"""
_ATTRIBUTES_IN_WORDS = (
    "array_to_string(list_transform(map_entries(attributes), lambda e: e.key || ': ' || e.value), '\n')"
)
_LABELS = f"""
    select
        * replace ({_ATTRIBUTES_IN_WORDS} as attributes),
        case
            when left_px is not null then format(
                '{{:.1f}}, {{:.1f}} · {{:.1f}} × {{:.1f}}', left_px, top_px, width_px, height_px
            )
            when len(points) = 2 then format('{{:.1f}}, {{:.1f}}', points[1], points[2])
            when points is not null then len(points) // 2 || ' points'
            when center_x is not null then format(
                '{{:.2f}}, {{:.2f}}, {{:.2f}} · {{:.2f}} × {{:.2f}} × {{:.2f}} · yaw {{:.2f}}',
                center_x, center_y, center_z, cuboid_length, cuboid_width, cuboid_height, yaw_radians
            )
            when start_offset is not null then start_offset || '–' || end_offset
            when area_ratio is not null then format('{{:.1f}} % of the area', 100 * area_ratio)
        end as place,
        count(*) over () as label_count
    from fct_annotation
    where
        {_HERE}
        and ($frame is null or frame_number = $frame)
        and ($sensor is null or sensor_name = $sensor)
    order by frame_number nulls first, sensor_name, try_cast(object_id as bigint), object_id, annotation_id
    limit {SHOWN_ROWS}
"""
_FRAMES = f"""
    select
        frame_number, sensor_name, frame_name, annotation_count,
        {_ATTRIBUTES_IN_WORDS} as attributes, labeling_job_name, dataset_object_id, count(*) over () as frame_count
    from fct_frame
    where {_HERE}
    order by frame_number nulls first, sensor_name
    limit {SHOWN_ROWS}
"""
_ATTRIBUTES = f"""
    select whose, entry.key as attribute_name, entry.value as attribute_value, count(*) as row_count
    from (
        select 'label' as whose, unnest(map_entries(attributes)) as entry from fct_annotation where {_HERE}
        union all
        select 'frame' as whose, unnest(map_entries(attributes)) as entry from fct_frame where {_HERE}
    )
    group by all
    order by whose desc, attribute_name, row_count desc, attribute_value
    limit {SHOWN_ROWS}
"""
_SHAPES = """
    geometry_type, category, object_name, frame_number, sensor_name, left_px, top_px, width_px, height_px, points
"""
_CUBOIDS = "center_x, center_y, yaw_radians, cuboid_length, cuboid_width"
_DRAWN = "(left_px is not null or points is not null or center_x is not null)"
#: The frames that have something to draw, in order; objects without frames have one without a number.
_DRAWN_FRAMES = f"""
    select distinct frame_number, sensor_name from fct_annotation where {_HERE} and {_DRAWN}
    order by frame_number nulls first, sensor_name
"""
#: What reaches furthest: enough of the labels to know how large the picture is.
_FURTHEST = f"""
    with shapes as (
        select
            {_SHAPES}, {_CUBOIDS},
            coalesce(left_px, list_min(points[1:len(points):2]), center_x - cuboid_length) as low_x,
            coalesce(top_px, list_min(points[2:len(points):2]), center_y - cuboid_length) as low_y,
            coalesce(left_px + width_px, list_max(points[1:len(points):2]), center_x + cuboid_length) as high_x,
            coalesce(top_px + height_px, list_max(points[2:len(points):2]), center_y + cuboid_length) as high_y
        from fct_annotation
        where {_HERE} and {_DRAWN} and sensor_name is not distinct from $sensor
    )
    (from shapes order by low_x limit 5) union all (from shapes order by low_y limit 5)
    union all (from shapes order by high_x desc nulls last limit 5)
    union all (from shapes order by high_y desc nulls last limit 5)
"""
_OF_FRAME = f"{_HERE} and frame_number is not distinct from $frame and sensor_name is not distinct from $sensor"
_CATEGORIES = f"""
    select category from fct_annotation where {_HERE} and category is not null
    group by category order by count(*) desc, category limit 7
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """The picture of one frame.

    Args:
        svg: the picture.
        frame_number, sensor_name: which; None where the object has none.
        before, after: the frames with something to draw around it, as such numbers and names; None where there is none.
    """

    svg: Markup
    frame_number: int | None
    sensor_name: str | None
    before: tuple[int | None, str | None] | None
    after: tuple[int | None, str | None] | None


def without_empty_columns(tile: Tile) -> Tile:
    """The tile as a page shows it: columns that say nothing of this object are left out."""
    known = tuple(each for each in tile.fields if any(row[each.name] is not None for row in tile.rows))
    return replace(tile, fields=known or tile.fields)


class ObjectLife:
    """What a release knows of one dataset object.

    Args:
        release: which.
        job, object_id: of the object.
        frame_number, sensor_name: the frame that is looked at; None for the first that has something to draw.
        names: of workers, for those who may see them.
    """

    def __init__(
        self,
        release: Release,
        job: str,
        object_id: str,
        names: WorkerNames,
        *,
        frame_number: int | None = None,
        sensor_name: str | None = None,
    ) -> None:
        self.job, self.object_id = job, object_id
        self.frame_number, self.sensor_name = frame_number, sensor_name
        self._release, self._names = release, names

    @cached_property
    def object(self) -> Row | None:
        """Its row of `fct_dataset_object`; None where there is no such object, or the release is too old for it."""
        tables = self._rows("select table_name from information_schema.tables where table_schema = 'main'")
        if not {row["table_name"] for row in tables} >= _MARTS:
            return None
        found = self._rows(f"select * from fct_dataset_object where {_HERE} limit 1")
        return found[0] if found else None

    def tiles(self) -> dict[str, Tile]:
        """Its tiles by name; those without rows are left out, except its life."""
        made = (self._life(), self._answers(), self._labels(), self._frames(), self._attributes())
        return {tile.name: tile for tile in made if tile.rows or tile.name == "life"}

    @cached_property
    def scene(self) -> Scene | None:
        """The frame that is looked at; None where nothing of it can be drawn."""
        frames = [(row["frame_number"], row["sensor_name"]) for row in self._rows(_DRAWN_FRAMES)]
        if not frames:
            return None
        wanted = frames[0] if self.frame_number is None else (self.frame_number, self.sensor_name)
        parameters = {"frame": wanted[0], "sensor": wanted[1]}
        extent = extent_of(self._rows(_FURTHEST, sensor=wanted[1]))
        if extent is None:
            return None
        shapes = self._rows(
            f"select {_SHAPES}, {_CUBOIDS} from fct_annotation where {_OF_FRAME} limit 500", **parameters
        )
        answered = self._rows(f"select {_SHAPES} from fct_worker_annotation where {_OF_FRAME} limit 500", **parameters)
        categories = [row["category"] for row in self._rows(_CATEGORIES)]
        around = sorted({*frames, wanted}, key=lambda frame: (-1 if frame[0] is None else frame[0], frame[1] or ""))
        place = around.index(wanted)
        return Scene(
            scene_svg(shapes, answered, extent, categories),
            frame_number=wanted[0],
            sensor_name=wanted[1],
            before=around[place - 1] if place else None,
            after=around[place + 1] if place + 1 < len(around) else None,
        )

    def _life(self) -> Tile:
        return self._tile(
            "life",
            "Its life",
            "Which jobs labelled it, went through it again, and verified it, in order?",
            (
                Field("labeled_at", "When", "time"),
                Field("step", "Step"),
                Field("labeling_job_name", "Labelling job", "object"),
                Field("dataset_object_id", "Object"),
                Field("level", "Level"),
                Field("task_type", "Task type", "task_type"),
                Field("result", "Result"),
                Field("labeled_by", "By"),
                Field("confidence_ratio", "Confidence", "number"),
                Field("annotation_count", "Labels", "count"),
                Field("answer_count", "Answers", "count"),
                Field("is_current", "Counts", "boolean"),
            ),
            self._rows(_LIFE),
        )

    def _answers(self) -> Tile:
        rows = self._names.in_rows(self._rows(_ANSWERS))
        fields = (
            Field("submitted_at", "Submitted", "time"),
            Field("worker_id", "Worker", "worker"),
            Field("labeling_job_name", "Labelling job"),
            Field("iteration_number", "Iteration", "count"),
            Field("time_spent_seconds", "Time", "seconds"),
            Field("label", "Label"),
            Field("label_count", "Labels", "count"),
            Field("labels", "What they labelled", "sentence"),
            Field("agrees_with_consolidated", "Agrees", "boolean"),
        )
        question = "What did each worker answer, and how long did it take?"
        return self._tile("answers", "Answers of the workers", question, self._names.in_fields(fields), rows, "answer")

    def _labels(self) -> Tile:
        rows = self._rows(_LABELS, frame=self.frame_number, sensor=self.sensor_name)
        fields = (
            Field("frame_number", "Frame", "count"),
            Field("sensor_name", "Sensor"),
            Field("category", "Category"),
            Field("object_name", "Name"),
            Field("geometry_type", "Kind"),
            Field("place", "Where", "sentence"),
            Field("attributes", "Attributes", "sentence"),
            Field("confidence_ratio", "Confidence", "number"),
            Field("is_adjusted", "Adjusted", "boolean"),
        )
        where = "in this frame" if self.frame_number is not None else "frame by frame"
        return self._tile("labels", "Labels", f"What did this job make of it, {where}?", fields, rows, "label")

    def _frames(self) -> Tile:
        fields = (
            Field("frame_number", "Frame", "frame"),
            Field("sensor_name", "Sensor"),
            Field("frame_name", "File"),
            Field("annotation_count", "Labels", "count"),
            Field("attributes", "Attributes", "sentence"),
        )
        question = "Which frames does it have, and what is said of them? A click draws one."
        return self._tile("frames", "Frames", question, fields, self._rows(_FRAMES), "frame")

    def _attributes(self) -> Tile:
        fields = (
            Field("whose", "Of each"),
            Field("attribute_name", "Attribute"),
            Field("attribute_value", "Value"),
            Field("row_count", "Times", "count"),
        )
        question = "What do the attributes of its labels and frames say?"
        return self._tile("attributes", "Attributes", question, fields, self._rows(_ATTRIBUTES))

    def _tile(
        self, name: str, title: str, question: str, fields: tuple[Field, ...], rows: list[Row], what: str | None = None
    ) -> Tile:
        count = rows[0][f"{what}_count"] if rows and what else len(rows)
        note = f"The first {len(rows):,} of {count:,} {what}s." if count > len(rows) else None
        return Tile(name, title, question, "table", fields, rows, note=note, is_wide=True)

    def _rows(self, sql: str, **values: Any) -> list[Row]:
        wanted = {"job": self.job, "object": self.object_id} | values
        parameters = {name: value for name, value in wanted.items() if f"${name}" in sql}
        rows: list[Row] = query(self._release, sql, parameters).to_pylist()
        return rows
