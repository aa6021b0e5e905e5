"""What the account's trail logs, as people would see it in CloudTrail; the log files themselves are told by `trail`."""

from __future__ import annotations

from typing import Any

from moto.cloudtrail.models import CloudTrailBackend, cloudtrail_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from labelhouse.demo.people import REGION
from labelhouse.demo.places import BUCKET
from labelhouse.demo.training_calls import TRIAL_COMPONENT_TYPE

NAME = "labelhouse-trail"
#: Who changes what, and who writes which metric.
_SELECTED = (
    {"eventCategory": "Management", "readOnly": "false"},
    {"eventCategory": "Data", "resources.type": TRIAL_COMPONENT_TYPE},
)


def open_trail() -> None:
    """Makes the trail, which delivers into the account's bucket and signs nothing."""
    trail = _cloudtrail().create_trail(
        name=NAME,
        bucket_name=BUCKET,
        s3_key_prefix="",
        sns_topic_name="",
        is_global=True,
        is_multi_region=False,
        log_validation=False,
        is_org_trail=False,
        cw_log_group_arn="",
        cw_role_arn="",
        kms_key_id="",
        tags_list=[],
    )
    trail.put_event_selectors([], [_selector(fields) for fields in _SELECTED])
    trail.start_logging()


def close_trail() -> None:
    """Forgets it."""
    _cloudtrail().reset()


def _selector(fields: dict[str, str]) -> dict[str, Any]:
    return {"FieldSelectors": [{"Field": field, "Equals": [value]} for field, value in fields.items()]}


def _cloudtrail() -> CloudTrailBackend:
    return cloudtrail_backends[DEFAULT_ACCOUNT_ID][REGION]
