"""Alarms as CloudWatch users know them: a metric, a threshold or a band, states, and who is told of a change.

One file per alarm, `expectations/alarms/<alarm_name>.yaml`, found by walking. Evaluating never tells anybody: it
writes changes of states to the lake (`raw.alarm_changes`) with the actions that wait, and whoever can act, acts.
"""

from labelhouse.checks.alarms.changes import Action, Change
from labelhouse.checks.alarms.run import evaluate_alarms, note_outcome, recent_changes
from labelhouse.checks.alarms.validate import validate_alarms

__all__ = ["Action", "Change", "evaluate_alarms", "note_outcome", "recent_changes", "validate_alarms"]
