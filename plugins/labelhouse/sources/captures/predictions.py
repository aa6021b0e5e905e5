"""One item of a model's output as a prediction: a class, a number, how sure the model is, and what else it says.

The forms are those of SageMaker's own algorithms and of the usual serving containers: a number, a list of
probabilities, or an object with a label and scores.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from labelhouse.sources.captures.payloads import number_of, text_of

#: Names of the predicted class, of one number that goes with it, and of a number for each class.
_LABELS = ("predicted_label", "predictedLabel", "label", "class", "class_name", "category")
_SCORES = ("score", "probability", "confidence", "value", "predicted_value")
#: What may be either.
_EITHER = "prediction"
_SHARES = ("probabilities", "scores", "score", "probability")
_CLASSES = ("labels", "classes", "class_names")
#: Rounded shares may miss a sum of one by so much.
_SUM_TOLERANCE = 0.02


class Prediction(NamedTuple):
    """What a model says of one object.

    Args:
        label: the class, as text.
        value: the number, of a regression or the probability of a binary model.
        confidence_ratio: of the class, 0 to 1.
        other: what else was said.
    """

    label: str | None = None
    value: float | None = None
    confidence_ratio: float | None = None
    other: Any = None


def predictions_of(items: list[Any], object_count: int | None) -> list[Prediction]:
    """The predictions of an output.

    Args:
        items: of the output.
        object_count: how many objects went in, where that is known: one list of so many numbers is a prediction each,
            any other is the probabilities of one object's classes.
    """
    if len(items) == 1 and isinstance(items[0], list):
        (only,) = items
        is_flat = all(number_of(each) is not None for each in only)
        if is_flat and len(only) > 1 and (object_count == len(only) or (object_count is None and not _is_shares(only))):
            items = only
    return [_prediction_of(item) for item in items]


def _prediction_of(item: Any) -> Prediction:
    if isinstance(item, dict):
        return _of_object(item)
    if isinstance(item, list):
        return _of_list(item)
    number = number_of(item)
    if number is not None:
        return Prediction(value=number)
    return Prediction(label=text_of(item)) if isinstance(item, str) else Prediction(other=item)


def _of_list(item: list[Any]) -> Prediction:
    if len(item) == 1:
        return _prediction_of(item[0])
    if _is_shares(item):
        confidence, number = max((number_of(each) or 0.0, -at) for at, each in enumerate(item))
        return Prediction(label=str(-number), confidence_ratio=confidence, other=item)
    if len(item) == 2 and number_of(item[0]) is None and isinstance(item[0], str):
        return Prediction(label=item[0], confidence_ratio=_ratio(item[1]), other=None)  # `cat,0.93`
    return Prediction(other=item)


def _of_object(item: dict[str, Any]) -> Prediction:
    rest = dict(item)
    label = _taken(rest, _LABELS, lambda value: isinstance(value, str | int | float) and not isinstance(value, bool))
    shares = _taken(rest, _SHARES, lambda value: isinstance(value, list) and _is_shares(value))
    classes = _taken(rest, _CLASSES, lambda value: shares is not None and _names(value, shares))
    score = _taken(rest, _SCORES, lambda value: number_of(value) is not None)
    if label is None and score is None and isinstance(rest.get(_EITHER), str | int | float):
        label, score = (None, rest.pop(_EITHER)) if number_of(rest[_EITHER]) is not None else (rest.pop(_EITHER), None)
    other = rest | ({"probabilities": shares} if shares else {}) | ({"labels": classes} if classes else {})
    value = number_of(score)
    if shares:
        names = classes or list(range(len(shares)))
        confidence, at = max((number_of(share) or 0.0, -at) for at, share in enumerate(shares))
        if label is None:
            label = names[-at]
        named = [number_of(share) for name, share in zip(names, shares, strict=True) if _same(name, label)]
        return Prediction(text_of(label), value, named[0] if named else confidence, other or None)
    if label is None:
        return Prediction(None, value, None, other or None)
    if value is None:
        return Prediction(text_of(label), None, None, other or None)
    if _is_binary(label) and "predicted_label" in item and 0 <= value <= 1:  # the score is that of class 1
        return Prediction(text_of(label), value, value if number_of(label) == 1 else 1 - value, other or None)
    return Prediction(text_of(label), None if _ratio(score) is not None else value, _ratio(score), other or None)


def _taken(rest: dict[str, Any], names: tuple[str, ...], fits: Any) -> Any:
    for name in names:
        if name in rest and fits(rest[name]):
            return rest.pop(name)
    return None


def _names(value: Any, shares: list[Any]) -> bool:
    return isinstance(value, list) and len(value) == len(shares)


def _same(name: Any, label: Any) -> bool:
    numbers = number_of(name), number_of(label)
    return text_of(name) == text_of(label) or (numbers[0] is not None and numbers[0] == numbers[1])


def _is_binary(label: Any) -> bool:
    return number_of(label) in (0.0, 1.0)


def _is_shares(values: list[Any]) -> bool:
    numbers = [number_of(each) for each in values]
    known = [each for each in numbers if each is not None and 0 <= each <= 1]
    return len(known) == len(values) > 1 and math.isclose(sum(known), 1, abs_tol=_SUM_TOLERANCE)


def _ratio(value: Any) -> float | None:
    number = number_of(value)
    return number if number is not None and 0 <= number <= 1 else None
