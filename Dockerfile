# The image of every Airflow service in docker-compose.yaml: exactly what uv.lock says, each wheel by its hash, and
# nothing built from source.
FROM python:3.11.13-slim-bookworm AS builder
COPY --from=ghcr.io/astral-sh/uv:0.9.9 /uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /opt/labelhouse
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-build --no-dev --extra celery --extra notifications --no-install-project

FROM builder AS simulated-builder
RUN uv sync --frozen --no-build --no-dev --extra demo --no-install-project

FROM python:3.11.13-slim-bookworm AS base
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin labelhouse \
    && install --directory --owner labelhouse --group labelhouse \
        /var/lib/labelhouse /var/lib/scratch /var/log/airflow /opt/airflow
COPY plugins /opt/labelhouse/plugins
COPY dags /opt/labelhouse/dags
COPY dbt /opt/labelhouse/dbt
COPY expectations /opt/labelhouse/expectations
RUN python -m compileall -q /opt/labelhouse/plugins /opt/labelhouse/dags
ENV PATH=/opt/labelhouse/.venv/bin:$PATH \
    PYTHONPATH=/opt/labelhouse/plugins \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/labelhouse/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/labelhouse/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=false \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/log/airflow \
    AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY=/var/log/airflow/dag_processor \
    LABELHOUSE_LAKE=/var/lib/labelhouse
USER labelhouse
WORKDIR /opt/airflow

FROM base AS simulated
COPY --from=simulated-builder /opt/labelhouse/.venv /opt/labelhouse/.venv
CMD ["python", "-m", "labelhouse.demo", "--help"]

FROM base AS labelhouse
COPY --from=builder /opt/labelhouse/.venv /opt/labelhouse/.venv
CMD ["airflow", "version"]
