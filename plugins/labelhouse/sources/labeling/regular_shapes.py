"""Of which types what regular lines of manifests say must be: nothing that is not documented."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

#: What may say what the object is.
OBJECT_KEYS = ("source-ref", "source")

_Name = Annotated[str, msgspec.Meta(min_length=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
#: Far from where whole numbers are beyond 64 bits.
_Number = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
_ClassNumber = Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)]
ClassLabel = _ClassNumber | Annotated[str, msgspec.Meta(pattern="^[0-9]+$", max_length=15)]


class _Metadata(msgspec.Struct, rename="kebab", gc=False, forbid_unknown_fields=True, kw_only=True):
    job_name: str
    creation_date: str
    human_annotated: Literal["yes", "no"]
    adjustment_status: Literal["adjusted", "unadjusted"] | None = None
    class_map: dict[str, str] | None = None


class ClassMetadata(_Metadata, rename="kebab", gc=False, forbid_unknown_fields=True, kw_only=True):
    """Of an image or text classification with one class."""

    type: Literal["groundtruth/image-classification", "groundtruth/text-classification"]
    class_name: _Name
    confidence: Share | None = None


class _Confidence(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    confidence: Share


class BoxMetadata(_Metadata, rename="kebab", gc=False, forbid_unknown_fields=True, kw_only=True):
    """Of boxes in an image."""

    type: Literal["groundtruth/object-detection"]
    objects: list[_Confidence]


class _Box(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    class_id: _ClassNumber
    left: _Number
    top: _Number
    width: _Number
    height: _Number


class _Size(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    width: _ClassNumber
    height: _ClassNumber
    depth: _ClassNumber | None = None


class BoxesLabel(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The label that `BoxMetadata` is about."""

    annotations: list[_Box]
    image_size: list[_Size] = []


def fitting(values: list[Any], shape: Any) -> list[Any]:
    """The values in a shape, None for those that do not fit it."""
    try:
        found: list[Any] = msgspec.convert(values, list[shape])
    except msgspec.ValidationError:
        return [each for value in values for each in _fitting_alone(value, shape)]
    return found


def _fitting_alone(value: Any, shape: Any) -> list[Any]:
    try:
        return [msgspec.convert(value, shape)]
    except msgspec.ValidationError:
        return [None]
