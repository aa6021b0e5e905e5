r"""Metric definitions: which regular expression finds which metric in a line of a training's log.

**A job's own.** `AlgorithmSpecification.MetricDefinitions` of a training job, at most 40: a name and a regular
expression whose first group captures the value. Whoever starts a job writes them, so they are searched with RE2, whose
time is linear in the line: no expression of it is catastrophic. What RE2 does not know (looking ahead or behind, back
references) is refused in words, and never searched with another engine. RE2's time also grows with the size of its
programme; a line is searched only where the two together stay within a tenth of a second.

**Built-in sets**, for lines in which a job's own definitions find nothing: AWS's own algorithms come with definitions,
but saved logs come without them. Each set knows one shape of line, seen in AWS's public notebooks (their outputs) and
in the metric definitions that AWS publishes for its algorithms and its JumpStart models:

| set | line | metrics |
|---|---|---|
| `quality_metric` | `#quality_metric: host=algo-1, epoch=3, train rmse <loss>=0.5` | `train:rmse` |
| `quality_metric` | `#quality_metric: host=algo-1, epoch=3, batch=0 train rmse <loss>=0.5` | `train:batch_rmse` |
| `throughput_metric` | `#throughput_metric: host=algo-1, train throughput=1057.8 records/second` | `train:throughput` |
| `progress_metric` | `#progress_metric: host=algo-1, completed 5.0 % of epochs` | `train:progress` |
| `xgboost` | `[12]#011train-error:0.116#011validation-error:0.114` | `train:error`, `validation:error` |
| `image_classification` | `Epoch[3] Validation-accuracy=0.73` | `validation:accuracy` |
| `blazingtext` | `#mean_rho: 0.66`, `#validation_accuracy: 0.91` | `train:mean_rho`, `validation:accuracy` |
| `huggingface_trainer` | `{'eval_loss': 0.149, 'epoch': 1.0}` | `eval_loss` |
| `billing` | `Billable seconds: 74`, as SageMaker's SDK prints it below a log | `billable_seconds` |

`quality_metric` is how the linear learner, factorization machines, k-NN, k-means, object detection, semantic
segmentation, DeepAR, NTM, LDA, object2vec and random cut forest report.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import re2

#: Whose definition found a metric, where the job's own did.
OWN = "job"
#: AWS allows so many a job, and so many letters each.
MOST_DEFINITIONS, MOST_REGEX_LETTERS, MOST_NAME_LETTERS = 40, 500, 255
#: A longer line is no line of a log.
MOST_LINE_BYTES = 64 * 1024
#: Instructions of a programme × bytes of a line that RE2 does in a few hundredths of a second at worst.
_MOST_STEPS = 10_000_000
#: Metrics that one line may hold.
_MOST_METRICS = 100

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:nan|inf|NaN|Infinity)"


class Definition(NamedTuple):
    """A metric, and the expression whose first group captures its value."""

    metric_name: str
    regex: str


class Found(NamedTuple):
    """A value in a line, still as text."""

    metric_name: str
    text: str
    definition: str


class Refused(NamedTuple):
    """A definition that cannot be searched for, and why not."""

    definition: Definition
    reason: str


class _Set(NamedTuple):
    """A built-in set.

    Args:
        marker: no line without this text is one of its lines.
        line: what its lines look like; None where the marker says it all.
        metric: finds each metric: groups `value` and, where the name varies, `channel`, `name`, `batch`.
        metric_name: of all of them, where it does not vary.
    """

    name: str
    marker: bytes
    line: Any
    metric: Any
    metric_name: str | None = None


def _compiled(regex: str, *, captures: bool = True) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = not captures
    options.max_mem = 1 << 20
    return re2.compile(regex.encode(), options)


_SETS = (
    _Set(
        "quality_metric",
        b"#quality_metric:",
        None,
        _compiled(
            r"#quality_metric: host=\S+,(?: epoch=\S+,)?(?P<batch> batch=\S+)? (?P<channel>[A-Za-z]\S*) (?P<name>\S+) "
            rf"<(?:loss|score)>=\(?(?P<value>{_NUMBER})"
        ),
    ),
    _Set(
        "throughput_metric",
        b"#throughput_metric:",
        None,
        _compiled(rf"#throughput_metric: host=\S+, (?P<channel>\S+) (?P<name>throughput)=(?P<value>{_NUMBER})"),
    ),
    _Set(
        "progress_metric",
        b"#progress_metric:",
        None,
        _compiled(rf"#progress_metric: host=\S+, completed (?P<value>{_NUMBER}) ?%"),
        "train:progress",
    ),
    _Set(
        "xgboost",
        b"]",
        _compiled(r"^\[[0-9]+\](?:#011|\s+)[A-Za-z_]\w*-[\w@.]+:"),
        _compiled(rf"(?:#011|\s)(?P<channel>[A-Za-z_]\w*)-(?P<name>[\w@.]+):(?P<value>{_NUMBER})"),
    ),
    _Set(
        "image_classification",
        b"Epoch[",
        None,
        _compiled(
            rf"Epoch\[[0-9]+\] (?:Batch \S+ )?(?P<channel>Train|Validation)-(?P<name>[\w-]+)=(?P<value>{_NUMBER})"
        ),
    ),
    _Set("blazingtext", b"#mean_rho:", None, _compiled(rf"#mean_rho:\s*(?P<value>{_NUMBER})"), "train:mean_rho"),
    _Set(
        "blazingtext",
        b"_accuracy:",
        None,
        _compiled(rf"#(?P<channel>train|validation)_(?P<name>accuracy):\s*(?P<value>{_NUMBER})"),
    ),
    _Set(
        "huggingface_trainer",
        b"'epoch':",
        _compiled(r"^\{'.*\}\s*$"),
        _compiled(rf"'(?P<name>[A-Za-z_]\w*)': '?(?P<value>{_NUMBER})"),
    ),
    _Set(
        "billing",
        b"Billable seconds:",
        None,
        _compiled(rf"^Billable seconds: (?P<value>{_NUMBER})"),
        "billable_seconds",
    ),
    _Set(
        "billing",
        b"Training seconds:",
        None,
        _compiled(rf"^Training seconds: (?P<value>{_NUMBER})"),
        "training_seconds",
    ),
)
#: Names beside the metrics of a line, by which it says of which step they are.
_STEP_NAMES = frozenset({"epoch", "step"})


class Definitions:
    """What is looked for in the lines of one job.

    Args:
        own: the job's own definitions.

    Attributes:
        refused: those of them that cannot be searched for.
    """

    def __init__(self, own: Iterable[Definition] = ()) -> None:
        self.refused: list[Refused] = []
        self._own: list[tuple[str, Any, int]] = []
        for definition in own:
            try:
                pattern = _searchable(definition)
            except ValueError as reason:
                self.refused.append(Refused(definition, str(reason)))
            else:
                self._own.append((definition.metric_name, pattern, _MOST_STEPS // max(pattern.programsize, 1)))
        if len(self._own) > MOST_DEFINITIONS:
            self.refused += [
                Refused(Definition(name, _text(pattern.pattern)), f"a job has more than {MOST_DEFINITIONS} definitions")
                for name, pattern, _ in self._own[MOST_DEFINITIONS:]
            ]
            del self._own[MOST_DEFINITIONS:]
        self._any = _any_of([pattern for _, pattern, _ in self._own])

    def find(self, line: bytes) -> tuple[list[Found], str | None]:
        """The metrics in a line: those of the job's own definitions, where these find none those of the built-in sets.

        A metric is found once in a line: what matches first.

        Returns:
            What is found, and why one of the definitions was not looked for, if that is so.
        """
        found: dict[str, Found] = {}
        refusal = None
        for name, pattern, most_bytes in self._own if self._may_find(line) else ():
            if len(line) > most_bytes:
                refusal = f"the line is too long for the intricate definition of {name}"
            elif (match := pattern.search(line)) and match.group(1) is not None:
                found.setdefault(name, Found(name, _text(match.group(1)), OWN))
        if not found:
            for each in _found_by_sets(line):
                found.setdefault(each.metric_name, each)
        return list(found.values()), refusal

    def _may_find(self, line: bytes) -> bool:
        """Whether a line may hold one of the job's own metrics: most lines hold none, and are searched once for all."""
        if self._any is None or len(line) > _MOST_STEPS // self._any.programsize:
            return True
        return self._any.search(line) is not None


def _any_of(patterns: list[Any]) -> Any:
    """What finds a line in which one of the patterns finds something; None where that is no shorter way."""
    if len(patterns) < 2:
        return None
    try:
        return _compiled("|".join(f"(?:{_text(pattern.pattern)})" for pattern in patterns), captures=False)
    except re2.error:  # too large together
        return None


def _searchable(definition: Definition) -> Any:
    """Raises ValueError where it cannot be searched for."""
    if not definition.metric_name or len(definition.metric_name) > MOST_NAME_LETTERS:
        raise ValueError(f"the name of a metric has 1 to {MOST_NAME_LETTERS} letters")
    if not definition.regex or len(definition.regex) > MOST_REGEX_LETTERS:
        raise ValueError(f"the regular expression of a metric has 1 to {MOST_REGEX_LETTERS} letters")
    try:
        pattern = _compiled(definition.regex)
    except re2.error as error:
        raise ValueError(f"the regular expression cannot be searched in linear time ({_reason(error)})") from None
    if pattern.groups < 1:
        raise ValueError("the regular expression has no group that captures the value")
    return pattern


def _reason(error: Exception) -> str:
    """RE2's words, without the expression behind them."""
    words = error.args[0] if error.args else ""
    return (_text(words) if isinstance(words, bytes) else str(words)).partition(":")[0] or "not understood"


def _found_by_sets(line: bytes) -> Iterator[Found]:
    for each in _SETS:
        if each.marker not in line or (each.line is not None and not each.line.search(line)):
            continue
        for count, match in enumerate(each.metric.finditer(line)):
            if count == _MOST_METRICS:
                break
            parts = match.groupdict()
            name = each.metric_name or _name(parts)
            if name not in _STEP_NAMES and len(name) <= MOST_NAME_LETTERS:
                yield Found(name, _text(parts[b"value"] or b""), each.name)


def _name(parts: dict[bytes, bytes | None]) -> str:
    channel, name = _text(parts.get(b"channel") or b""), _text(parts[b"name"] or b"")
    if parts.get(b"batch"):
        name = f"batch_{name}"
    return f"{channel.lower()}:{name}" if channel else name


def _text(captured: bytes) -> str:
    return captured.decode(errors="replace")


class Step(NamedTuple):
    """Which step, iteration, epoch or batch a line is of."""

    number: int
    name: str


_STEPS = (
    ("step", b"tep", _compiled(r"(?i)(?:\b|_)steps?'?\s*[=: ]\s*\[?([0-9]{1,18})(\.[0-9]+)?\b")),
    ("iteration", b"ter", _compiled(r"(?i)\biter(?:ation)?s?'?\s*[=: ]\s*\[?([0-9]{1,18})(\.[0-9]+)?\b")),
    ("iteration", b"]", _compiled(r"^\[([0-9]{1,18})()\](?:#011|\s)")),
    ("epoch", b"poch", _compiled(r"(?i)\bepoch'?\s*[=:\[ #]\s*([0-9]{1,18})(\.[0-9]+)?\b")),
    ("batch", b"atch", _compiled(r"(?i)\bbatch'?\s*[=:\[ #]\s*([0-9]{1,18})(\.[0-9]+)?\b")),
)


def step_in(line: bytes) -> Step | None:
    """What a line calls its step: the first of step, iteration, epoch and batch that it names as a whole number."""
    for name, marker, pattern in _STEPS:
        if marker not in line and marker.upper() not in line:
            continue
        match = pattern.search(line)
        if match and not (match.group(2) or b"").strip(b".0"):
            return Step(int(match.group(1)), name)
    return None


def as_json(definition: Definition) -> bytes:
    """A definition as it is kept in quarantine."""
    return json.dumps({"name": definition.metric_name, "regex": definition.regex}).encode()
