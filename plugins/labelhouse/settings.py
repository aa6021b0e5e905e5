"""Every setting, once: read from `LABELHOUSE_*` environment variables, frozen, unknown names refused.

Airflow deployments set the variables on the scheduler and its workers (secrets through the secrets
backend of the platform); `labelhouse run` sets `lake` and `sources` from its options.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as PydanticSettingsError

from labelhouse.errors import SettingError

PREFIX = "LABELHOUSE_"
#: Not settings, yet legal in the environment: where tests find the real outputs.
OTHER_VARIABLES = frozenset({"LABELHOUSE_REAL_DATA"})

#: The checkout: `dbt/` and `expectations/` stand beside `plugins/`.
PROJECT_DIR = Path(__file__).resolve().parents[2]


#: Settings that are JSON objects, and what one looks like.
_EXAMPLES = {
    "sources": '{"labeling_output": "s3://bucket/prefix"}',
    "minimum_criteria": '{"validation:accuracy": {"at_least": 0.9}}',
}


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


class Settings(BaseSettings):
    """What a deployment decides. Every field has its default for one machine."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    lake: Path = Field(Path("lake"), description="Folder of the lake: catalog, warehouse, releases.")
    catalog_uri: str | None = Field(
        None, description="SQLAlchemy URI of the Iceberg catalog; default: SQLite inside the lake folder."
    )
    sources: dict[str, str] = Field(
        default_factory=dict,
        description='Source name to URI as JSON, e.g. {"labeling_output": "s3://bucket/prefix"}.',
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
    reporting_time_zone: str = Field("UTC", description="IANA time zone that decides every *_date.")
    hold_quarantined_ratio: float = Field(
        0.05, ge=0, le=1, description="Share of quarantined records of one source above which a release is held."
    )
    minimum_criteria: dict[str, Criterion] = Field(
        default_factory=dict,
        description="What the final value of a training metric must reach, as JSON, e.g. "
        '{"validation:accuracy": {"at_least": 0.9}, "validation:loss": {"at_most": 0.4}}.',
    )
    retained_releases: int = Field(10, ge=1, description="How many releases stay readable.")
    units_per_batch: int = Field(2000, ge=1, description="Largest number of units that one load commits.")

    @field_validator("lake")
    @classmethod
    def _path_of_a_uri(cls, value: Path) -> Path:
        if set("#?") & set(str(value.resolve())):
            raise ValueError("a path without '#' and '?', which Iceberg takes for parts of a URI")
        return value

    @field_validator("reporting_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("an IANA time zone such as 'UTC' or 'Europe/Berlin'")
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
        field = str(first["loc"][0]) if first["loc"] else "settings"
        secret = field == "pseudonym_key"
        raise SettingError(
            "value not allowed",
            where=PREFIX + field.upper(),
            value=None if secret else first.get("input"),
            allowed=first["msg"].removeprefix("Value error, "),
        ) from None
    except PydanticSettingsError as error:  # says no more than the field
        field = next((name for name in _EXAMPLES if f'"{name}"' in str(error)), "sources")
        name = PREFIX + field.upper()
        value = environ.get(name)
        raise SettingError("is no JSON object", where=name, value=value, allowed=_EXAMPLES[field]) from None
