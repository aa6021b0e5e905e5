"""Every setting, once: read from `LABELHOUSE_*` environment variables, frozen, unknown names refused.

Airflow deployments set the variables on the scheduler and its workers (secrets through the secrets
backend of the platform); `labelhouse run` sets `lake` and `sources` from its options.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainSerializer,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as PydanticSettingsError

from labelhouse.channels import Notifier
from labelhouse.errors import SettingError
from labelhouse.folders import Folder, folder_at
from labelhouse.places import Place, SourceSettings, schedulable
from labelhouse.prices import Prices

__all__ = ["PREFIX", "PROJECT_DIR", "Place", "Settings", "SourceSettings", "load_settings"]
PREFIX = "LABELHOUSE_"
#: Not settings, yet legal in the environment: where tests find the real outputs.
OTHER_VARIABLES = frozenset({"LABELHOUSE_REAL_DATA"})

#: The checkout: `dbt/` and `expectations/` stand beside `plugins/`.
PROJECT_DIR = Path(__file__).resolve().parents[2]

#: Settings that are JSON, and what it looks like.
_EXAMPLES = {
    "sources": '{"labeling_output": "s3://bucket/prefix"}',
    "catalog": '{"type": "glue"}',
    "minimum_criteria": '{"validation:accuracy": {"at_least": 0.9}}',
    "prices": '{"instance_hour_usd": {"ml.m5.xlarge": 0.23}, "worker_hour_usd": {"*": 15}}',
    "check_thresholds": '{"worker_events.stale_hours": 48}',
    "drift_baselines": '{"spring": {"from_at": "2026-03-01T00:00:00Z", "until_at": "2026-04-01T00:00:00Z"}}',
    "notifications": '{"operations": [{"sns": {"target_arn": "arn:aws:sns:…"}}]}',
    "job_name_rules": '[{"pattern": "^batch-([0-9]+)-audit", "batch": "\\\\1", "level": "audit"}]',
    "label_attributes": '{"occluded": "boolean", "track_number": "text"}',
}
#: Values of these may hold passwords or addresses: no message shows them.
_SECRET = frozenset({"pseudonym_key", "catalog", "catalog_uri", "identity_map_uri", "notifications"})
#: What the values of an attribute of labels or frames are.
AttributeType = Literal["text", "number", "boolean"]
#: Each is a column of the views of attributes.
_MOST_ATTRIBUTES = 200
#: Groups that Python's regular expressions know and RE2's do not.
_NOT_IN_RE2 = re.compile(r"(?<!\\)(?:\\\\)*(?:\(\?(?:[=!>(#]|<[=!]|P=)|\\[1-9])")


LakeFolder = Annotated[
    Folder, NoDecode, BeforeValidator(folder_at), PlainSerializer(str, return_type=str, when_used="json")
]


class Criterion(BaseModel):
    """What the final value of a metric must reach: `at_least` where more is better, else `at_most`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError('either {"at_least": number} or {"at_most": number}')
        return self


class JobNameRule(BaseModel):
    """What the name of a labelling job says about it.

    Args:
        pattern: RE2 regular expression, searched anywhere in the name, which is in lower case.
        batch: the batch, with `\\1` … `\\9` for the groups of the pattern; None where the name says none.
        level: how many have looked before; None where the name does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: str = Field(min_length=1)
    batch: str | None = None
    level: Literal["first", "second", "audit"] | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"an RE2 regular expression ({error})") from None
        if _NOT_IN_RE2.search(value):
            raise ValueError("an RE2 regular expression, which has no look-around and no back references")
        return value

    @model_validator(mode="after")
    def _groups_exist(self) -> Self:
        groups = re.compile(self.pattern).groups
        if any(int(number) > groups for number in re.findall(r"\\([0-9])", self.batch or "")):
            raise ValueError(f"a batch that names no more than the {groups} groups of its pattern")
        return self


class DriftBaseline(BaseModel):
    """Good old values that drift is measured from: those of a time, or those of named runs.

    Args:
        from_at, until_at: the time, the end not included.
        pinned: names, as the column has them that the drift file calls its `key`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_at: AwareDatetime | None = None
    until_at: AwareDatetime | None = None
    pinned: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        has_time = self.from_at is not None and self.until_at is not None and self.from_at < self.until_at
        is_alone = not self.pinned if has_time else self.from_at is None and self.until_at is None and self.pinned
        if not is_alone:
            raise ValueError('either {"from_at": time, "until_at": later} with their zones, or {"pinned": [name, …]}')
        return self


class Settings(BaseSettings):
    """What a deployment decides. Every field has its default for one machine."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", arbitrary_types_allowed=True)

    lake: LakeFolder = Field(
        Path("lake"),
        description="Folder of the lake: warehouse, releases, and the catalog unless another is set. Or "
        "s3://bucket/prefix: endpoint, region and credentials are those of AWS's own chain (AWS_ENDPOINT_URL_S3, "
        "AWS_REGION, AWS_PROFILE, a role).",
    )
    catalog_uri: str | None = Field(
        None,
        repr=False,
        description="SQLAlchemy URI of an Iceberg catalog in PostgreSQL or SQLite; default: SQLite in the lake folder.",
    )
    catalog: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description='Another Iceberg catalog, as properties of pyiceberg in JSON: {"type": "glue"}, or '
        '{"type": "rest", "uri": "https://…", "credential": "…"}. A lake on S3 needs this or catalog_uri.',
    )
    catalog_prefix: str = Field(
        "",
        pattern="^[a-z0-9_]*$",
        description="Before the names of the catalog's databases, `raw` and `marts`: for several lakes in one catalog.",
    )
    sources: dict[str, SourceSettings] = Field(
        default_factory=dict,
        description='Source name to URI as JSON, e.g. {"labeling_output": "s3://bucket/prefix"}; or to a list of '
        'places ["s3://one", {"uri": "s3://two", "connection": "aws_two"}]; or to {"places": …, "schedule": "@hourly", '
        '"look_back_hours": 2, "daily_look_back_days": 14, "requests_per_second": 4, "pool": "…"}.',
    )
    log_export_uri: str | None = Field(
        None,
        pattern="^(s3://[^/]+(/.*)?)?$",
        description="s3://bucket/prefix that log groups are exported to: in their region, with a policy that lets "
        "CloudWatch Logs write there. Each export gets a folder of its own.",
    )
    aws_conn_id: str = Field("aws_default", description="Airflow connection that holds the AWS credentials.")
    pseudonym_key: SecretStr | None = Field(
        None,
        description="Key of the pseudonyms (32 characters or more). Unset, a lake makes its own only where "
        "own_pseudonym_key allows it.",
    )
    own_pseudonym_key: bool = Field(
        False, description="Let the lake make and keep its own key: for trials and the demo, not for production."
    )
    identities: Literal["pseudonyms", "clear"] = Field(
        "pseudonyms",
        description="`clear` keeps names and e-mail addresses of workers in the identity map, where admins see them; "
        "never in the lake.",
    )
    identity_map_uri: str | None = Field(
        None,
        validate_default=True,
        description="SQLAlchemy URI of the identity map, outside the lake; needed with identities `clear`.",
    )
    job_name_rules: tuple[JobNameRule, ...] = Field(
        (),
        description="What names of labelling jobs say, as JSON; the first rule that matches wins, e.g. "
        '[{"pattern": "^batch-([0-9]+)-audit", "batch": "\\\\1", "level": "audit"}].',
    )
    label_attributes: dict[str, AttributeType] = Field(
        default_factory=dict,
        description="What attributes of labels and frames are, where their values do not say it, as JSON: name to "
        '"text", "number" or "boolean", e.g. {"occluded": "boolean", "track_number": "text"}.',
    )
    reporting_time_zone: str = Field("UTC", description="IANA time zone that decides every *_date.")
    hold_quarantined_ratio: float = Field(
        0.05, ge=0, le=1, description="Share of quarantined records of one source above which a release is held."
    )
    check_thresholds: dict[str, FiniteFloat] = Field(
        default_factory=dict,
        description="Thresholds of checks that are other here than in `expectations/`, as JSON: "
        '{"<table>.<threshold>": number}, e.g. {"worker_events.stale_hours": 48}.',
    )
    minimum_criteria: dict[str, Criterion] = Field(
        default_factory=dict,
        description="What the final value of a training metric must reach, as JSON, e.g. "
        '{"validation:accuracy": {"at_least": 0.9}, "validation:loss": {"at_most": 0.4}}.',
    )
    prices: Prices = Field(
        default_factory=Prices,
        description="What an hour of an instance, an hour of a worker and a task cost in US dollars, as JSON, e.g. "
        '{"instance_hour_usd": {"ml.m5.xlarge": 0.23}, "endpoint_instance_hour_usd": {"ml.m5.xlarge": 0.25}, '
        '"worker_hour_usd": {"*": 15, "vision-team": 18}, "task_usd": {"*": 0.08}}.',
    )
    drift_baselines: dict[str, DriftBaseline] = Field(
        default_factory=dict,
        description="Baselines that drift files may name, as JSON: values of a time, or of named runs, e.g. "
        '{"spring": {"from_at": "2026-03-01T00:00:00Z", "until_at": "2026-04-01T00:00:00Z"}, '
        '"good": {"pinned": ["run-7", "run-8"]}}.',
    )
    drift_false_alarm_ratio: float = Field(
        0.05, gt=0, lt=1, description="How many of the drifts that a family of checks reports may be chance."
    )
    notifications: dict[str, tuple[Notifier, ...]] = Field(
        default_factory=dict,
        description="Channel to those who are told of alarms, as JSON; secrets are in Airflow connections. "
        "`operations`, which the shipped alarms name, is told of failed and late runs too, e.g. "
        '{"operations": [{"sns": {"target_arn": "…"}}, {"slack": {"channel": "#labels"}}, {"slack_webhook": {}}, '
        '{"smtp": {"to": ["…"]}}, {"apprise": {}}]}.',
    )
    alarm_schedule: str | None = Field(
        "*/10 * * * *",
        description="When alarms are evaluated: a preset or cron in UTC. Empty: only with each build and on request.",
    )
    retained_releases: int = Field(10, ge=1, description="How many releases stay readable.")
    retained_validations: int = Field(
        20, ge=1, description="Of how many builds the outcome and Great Expectations' Data Docs stay."
    )
    units_per_batch: int = Field(10_000, ge=1, description="Largest number of units that one load commits.")

    @field_validator("lake")
    @classmethod
    def _path_of_a_uri(cls, value: Folder) -> Folder:
        if set("#?") & set(str(value.resolve())):
            raise ValueError("a path without '#' and '?', which Iceberg takes for parts of a URI")
        return value

    @field_validator("alarm_schedule")
    @classmethod
    def _schedulable(cls, value: str | None) -> str | None:
        return schedulable(value or None)

    @field_validator("label_attributes")
    @classmethod
    def _few_names(cls, value: dict[str, AttributeType]) -> dict[str, AttributeType]:
        if len(value) > _MOST_ATTRIBUTES or not all(name.strip() and "\0" not in name for name in value):
            raise ValueError(f"at most {_MOST_ATTRIBUTES} names of attributes, none of them empty")
        return value

    @field_validator("reporting_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("an IANA time zone such as 'UTC' or 'Europe/Berlin'")
        return value

    @field_validator("identity_map_uri")
    @classmethod
    def _outside_the_lake(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("identities") == "clear":
            raise ValueError("a SQLAlchemy URI, because identities are kept in clear")
        path = re.match(r"sqlite(?:\+\w+)?:///([^?]+)", value or "")
        lake = info.data.get("lake")
        if path and isinstance(lake, Path) and Path(path[1]).resolve().is_relative_to(lake.resolve()):
            raise ValueError("a place outside the lake, which never holds identities")
        return value

    @field_validator("pseudonym_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("32 characters or more")
        return value


def load_settings(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Settings from the environment; `overrides` win.

    Raises:
        SettingError: an unknown `LABELHOUSE_*` variable, or a value that its field does not allow.
    """
    environ = os.environ if environ is None else environ
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in environ:
        if name.startswith(PREFIX) and name not in known and name not in OTHER_VARIABLES:
            raise SettingError("unknown setting", where="environment", value=name, allowed=", ".join(sorted(known)))
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        field, *path = map(str, first["loc"] or ("settings",))
        raise SettingError(
            "value not allowed",
            where=".".join([PREFIX + field.upper(), *path]),
            value=None if field in _SECRET else first.get("input"),
            allowed=first["msg"].removeprefix("Value error, "),
        ) from None
    except PydanticSettingsError as error:  # says no more than the field
        field = next((name for name in _EXAMPLES if f'"{name}"' in str(error)), "sources")
        name = PREFIX + field.upper()
        value = environ.get(name)
        raise SettingError(
            "is no JSON of the form it needs",
            where=name,
            value=None if field in _SECRET else value,
            allowed=_EXAMPLES[field],
        ) from None
