# Needs Python 3.11 (or 3.12) and make; everything else comes from uv.lock.
PYTHON := $(shell command -v python3.11 || command -v python3.12 || command -v python3)
UV     := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .uv/bin/uv)
BIN    := .venv/bin
BEGAN  := $(shell date +%s)

# What starts an Airflow has the machine to itself: the demo, then the tests that share one, then the services of
# docker-compose.yaml. All others run in parallel, a file at a time in this order; the small files of tests/unit come
# last, so that both processes end together.
DEMO    := tests/end_to_end/test_make_demo.py
NATIVE  := tests/deployment/test_native.py
AIRFLOW := tests/web/test_routes_in_airflow.py tests/end_to_end
FOLDERS := $(patsubst %/,%,$(wildcard tests/*/))
OTHERS  := $(filter-out %__pycache__ tests/benchmarks tests/unit $(AIRFLOW),$(FOLDERS)) tests/unit

export UV_PYTHON_DOWNLOADS := never
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo clean-demo test lint generate bench chromium servers test-deployment

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(UV) ## Installs everything from uv.lock into .venv
	$(UV) sync --frozen --all-extras

demo: $(UV) ## A simulated AWS account, Airflow, two weeks of history: prints an address and a login
	@$(UV) sync --frozen --extra demo --no-dev --inexact --quiet
	@$(BIN)/python -m labelhouse.demo --began $(BEGAN) $(DEMO_OPTIONS)

clean-demo: ## Removes everything that the demo keeps
	@! test -d .demo || $(BIN)/python -m labelhouse.demo clean

test: lint chromium servers ## Lint, then every test; prints the ten slowest
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=10 $(OTHERS) $(AIRFLOW:%=--ignore=%) --ignore=$(NATIVE)
	$(BIN)/pytest $(DEMO)
	$(BIN)/pytest --durations=10 $(AIRFLOW) --ignore=$(DEMO)
	$(BIN)/pytest -s --durations=3 $(NATIVE)

test-deployment: setup servers ## Of these the services of docker-compose.yaml alone, with times and memory
	$(BIN)/pytest -s --durations=3 $(NATIVE)

lint: setup ## Formats, types, import layers, SQL, and whether generated files are fresh
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint dbt/models
	$(BIN)/python -m labelhouse.schema.generate --check

generate: setup ## Writes the files that are derived from the schema and from Great Expectations
	$(BIN)/python -m labelhouse.schema.generate
	$(BIN)/python -m labelhouse.checks.generate

bench: $(UV) ## Measures speed and memory; BENCH_OPTIONS="--full" takes minutes more
	$(UV) sync --frozen --all-extras --group bench
	$(BIN)/pytest -s tests/benchmarks $(BENCH_OPTIONS)

# Without a uv of its own a machine gets one in .uv: through venv, or pip where Debian left venv out.
.uv/bin/uv:
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' \
		|| { echo "labelhouse needs Python 3.11 or 3.12, found: $(PYTHON)"; exit 1; }
	@{ $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet 'uv>=0.9,<1'; } \
		|| $(PYTHON) -m pip install --quiet --target .uv 'uv>=0.9,<1'

chromium:
	@{ command -v chromium && command -v chromedriver; } >/dev/null \
		|| { test "$$(id -u)" = 0 && apt-get install --yes chromium chromium-driver; } \
		|| sudo --non-interactive apt-get install --yes chromium chromium-driver \
		|| { echo "the tests of the pages need Debian's packages chromium and chromium-driver"; exit 1; }

servers:
	@{ ls /usr/lib/postgresql/*/bin/postgres && command -v redis-server; } >/dev/null 2>&1 \
		|| { test "$$(id -u)" = 0 && apt-get install --yes postgresql redis-server; } \
		|| sudo --non-interactive apt-get install --yes postgresql redis-server \
		|| { echo "the tests of docker-compose.yaml need Debian's packages postgresql and redis-server"; exit 1; }
