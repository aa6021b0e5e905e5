"""Checks: what a delivery or a metric must look like, as YAML, evaluated by Great Expectations.

One file per table, `expectations/<suite>/<table>.yaml`, found by walking; a new check is a new entry there.
dbt tests what is true of a model by construction; the checks here look at what came, and at what came out.
"""

from labelhouse.checks.results import CheckResult, holds
from labelhouse.checks.run import EXPECTATIONS_DIR, run_suite
from labelhouse.checks.suites import SUITES, SuiteName

__all__ = ["EXPECTATIONS_DIR", "SUITES", "CheckResult", "SuiteName", "holds", "run_suite"]
