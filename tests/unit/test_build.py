"""What a build is told of the settings, and when a release is built anew because of them."""

from __future__ import annotations

import json

from labelhouse.marts.build import dbt_variables, fingerprint_of
from labelhouse.prices import Prices
from labelhouse.settings import Criterion, JobNameRule, Settings


def with_criteria(settings: Settings, **criteria: Criterion) -> Settings:
    return settings.model_copy(update={"minimum_criteria": criteria})


def test_models_are_told_the_criteria_as_text(settings: Settings) -> None:
    nothing = {"reporting_time_zone": "UTC", "minimum_criteria": "{}", "job_name_rules": "[]", "prices": "{}"}
    assert dbt_variables(settings) == nothing
    told = dbt_variables(with_criteria(settings, f1=Criterion(at_least=0.9), loss=Criterion(at_most=1e-7)))
    assert json.loads(told["minimum_criteria"]) == {"f1": {"at_least": 0.9}, "loss": {"at_most": 1e-7}}


def test_other_criteria_make_another_build(settings: Settings) -> None:
    strict, lax = (with_criteria(settings, f1=Criterion(at_least=least)) for least in (0.9, 0.8))
    assert len({fingerprint_of(each) for each in (settings, strict, lax)}) == 3
    assert fingerprint_of(strict) == fingerprint_of(with_criteria(settings, f1=Criterion(at_least=0.9)))


def test_the_order_of_criteria_is_no_difference(settings: Settings) -> None:
    criteria = {"f1": Criterion(at_least=0.9), "loss": Criterion(at_most=0.4)}
    other = dict(reversed(criteria.items()))
    assert fingerprint_of(with_criteria(settings, **criteria)) == fingerprint_of(with_criteria(settings, **other))


def test_rules_for_names_of_jobs_make_another_build_in_their_order(settings: Settings) -> None:
    rules = (JobNameRule(pattern="audit", level="audit"), JobNameRule(pattern="batch-([0-9]+)", batch=r"\1"))
    ruled, reversed_rules = (settings.model_copy(update={"job_name_rules": each}) for each in (rules, rules[::-1]))
    assert json.loads(dbt_variables(ruled)["job_name_rules"]) == [
        {"pattern": "audit", "batch": None, "level": "audit"},
        {"pattern": "batch-([0-9]+)", "batch": "\\1", "level": None},
    ]
    assert len({fingerprint_of(each) for each in (settings, ruled, reversed_rules)}) == 3


def test_prices_are_text_to_the_millionth_and_make_another_build(settings: Settings) -> None:
    dear, same = (
        settings.model_copy(update={"prices": Prices.model_validate({"instance_hour_usd": {"ml.m5.xlarge": price}})})
        for price in (0.23, "0.230")
    )
    assert json.loads(dbt_variables(dear)["prices"]) == {"instance_hour_usd": {"ml.m5.xlarge": "0.230000"}}
    assert fingerprint_of(settings) != fingerprint_of(dear) == fingerprint_of(same)


def test_the_time_zone_makes_another_build(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"reporting_time_zone": "Asia/Tokyo"})
    assert fingerprint_of(elsewhere) != fingerprint_of(settings)
