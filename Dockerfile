# The image of every Airflow service in docker-compose.yaml: exactly what uv.lock says, with hashes.
FROM python:3.11-slim AS builder
RUN pip install --no-cache-dir "uv>=0.9,<1"
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /opt/labelhouse
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --frozen --no-dev --extra notifications --no-install-project
COPY plugins plugins
RUN uv sync --frozen --no-dev --extra notifications

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin labelhouse \
    && install --directory --owner labelhouse --group labelhouse /var/lib/labelhouse /var/log/airflow /opt/airflow
COPY --from=builder /opt/labelhouse /opt/labelhouse
COPY dags /opt/labelhouse/dags
COPY dbt /opt/labelhouse/dbt
COPY expectations /opt/labelhouse/expectations
ENV PATH=/opt/labelhouse/.venv/bin:$PATH \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/labelhouse/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/labelhouse/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=false \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/log/airflow \
    LABELHOUSE_LAKE=/var/lib/labelhouse \
    PYTHONUNBUFFERED=1
USER labelhouse
WORKDIR /opt/airflow
CMD ["airflow", "version"]
