"""What instances, workers and tasks cost: the setting `LABELHOUSE_PRICES`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

#: US dollars, to the millionth.
Usd = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=6, allow_inf_nan=False)]


class Prices(BaseModel):
    """What the deployment pays, in US dollars: its own contracts and Region, since AWS tells no price with its answers.

    Args:
        instance_hour_usd: type of instance → an hour of one, e.g. `ml.m5.xlarge`.
        endpoint_instance_hour_usd: the same for endpoints, where they cost something else.
        worker_hour_usd: work team → an hour of a worker's time; `*` for every other team.
        task_usd: labelling job → one answer of one worker; `*` for every other job that has no price itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance_hour_usd: dict[str, Usd] = Field(default_factory=dict)
    endpoint_instance_hour_usd: dict[str, Usd] = Field(default_factory=dict)
    worker_hour_usd: dict[str, Usd] = Field(default_factory=dict)
    task_usd: dict[str, Usd] = Field(default_factory=dict)

    def lists(self) -> dict[str, dict[str, str]]:
        """The lists that have a price; prices as text, to the millionth, so that equal ones are the same text."""
        lists = {name: {each: f"{price:.6f}" for each, price in found.items()} for name, found in self}
        return {name: found for name, found in lists.items() if found}
