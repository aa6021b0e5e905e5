"""Checks: what a delivery or a metric must look like, as YAML, evaluated by Great Expectations.

One file per table, `expectations/<suite>/<table>.yaml`, found by walking; a new check is a new entry there.
dbt tests what is true of a model by construction; the checks here look at what came, and at what came out.
"""

from labelhouse.checks.definitions import validate_definitions
from labelhouse.checks.results import CheckResult, holds
from labelhouse.checks.run import run_suite
from labelhouse.checks.suites import EXPECTATIONS_DIR, SUITES, SuiteName

__all__ = ["EXPECTATIONS_DIR", "SUITES", "CheckResult", "SuiteName", "holds", "run_suite", "validate_definitions"]
