"""docker-compose.yaml: a valid compose file that starts only with secrets of its own and publishes only the UI."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from labelhouse.settings import PREFIX, PROJECT_DIR, Settings, load_settings

#: `${NAME}`, `${NAME:-default}` or `${NAME:?sentence}`; `$$` is a dollar for the container's shell.
REFERENCE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?:(?P<operator>:[-?])(?P<rest>[^}]*))?\}")
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|CONN_")
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


@pytest.fixture(scope="module")
def text() -> str:
    """The compose file as written."""
    return (PROJECT_DIR / "docker-compose.yaml").read_text()


@pytest.fixture(scope="module")
def compose(text: str) -> dict[str, Any]:
    """The compose file, anchors resolved."""
    return dict(yaml.safe_load(text))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Its services by name."""
    return dict(compose["services"])


def test_it_obeys_the_compose_schema(compose: dict[str, Any]) -> None:
    schema = json.loads(Path(__file__).with_name("compose.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(compose)] == []
    misspelt = json.loads(json.dumps(compose))
    misspelt["services"]["scheduler"]["heathcheck"] = {}
    assert not validator.is_valid(misspelt), "the schema refuses what it does not know"


def test_everything_named_is_declared(compose: dict[str, Any], services: dict[str, Any]) -> None:
    for service in services.values():
        assert {each.split(":")[0] for each in service.get("volumes", [])} <= set(compose["volumes"])
        assert {each["source"] for each in service.get("configs", [])} <= set(compose["configs"])
        for other, how in service.get("depends_on", {}).items():
            is_one_shot = services[other]["restart"] == "no"
            assert how["condition"] == ("service_completed_successfully" if is_one_shot else "service_healthy")


def test_every_service_is_checked_or_runs_once(services: dict[str, Any]) -> None:
    assert set(services) == {"postgres", "init", "api-server", "scheduler", "dag-processor", "triggerer"}
    for name, service in services.items():
        assert ("healthcheck" in service) != (service["restart"] == "no"), name


def test_only_the_ui_is_published_and_only_on_this_host(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert list(published) == ["api-server"]
    assert all(port.startswith("127.0.0.1:") for port in published["api-server"])


def test_every_secret_comes_from_the_environment_and_has_no_default(text: str, services: dict[str, Any]) -> None:
    for service in services.values():
        for name, value in service["environment"].items():
            found = REFERENCE.search(value)
            assert not SECRET.search(name) or found, f"{name} is written down"
    for found in REFERENCE.finditer(text):
        if SECRET.search(found["name"]):
            assert found["operator"] == ":?", found["name"]
            assert found["rest"].startswith("set it to "), "what to do, in a sentence"
        assert found["operator"], f"{found['name']} may be unset without a word"


def test_passwords_are_nowhere_but_in_references(text: str) -> None:
    for uri in re.findall(r"\w+://\S+", REFERENCE.sub("<reference>", text)):
        assert re.fullmatch(r"[^:@]+://[^:@]+:<reference>@\S+|http://[^@]+", uri), uri


def test_every_setting_is_known_and_loads(services: dict[str, Any]) -> None:
    given = {
        "POSTGRES_PASSWORD": "a" * 40,
        "LABELHOUSE_PSEUDONYM_KEY": "b" * 40,
        "LABELHOUSE_SOURCES": '{"labeling_output": "s3://bucket/prefix"}',
    }

    def resolve(value: str) -> str:
        return REFERENCE.sub(
            lambda found: given.get(found["name"], found["rest"] if found["operator"] == ":-" else "x"), value
        )

    image = dict(re.findall(r"(LABELHOUSE_\w+)=(\S+)", (PROJECT_DIR / "Dockerfile").read_text()))
    for name, service in services.items():
        settings = {key: resolve(value) for key, value in service["environment"].items() if key.startswith(PREFIX)}
        if not settings:
            assert name == "postgres"
            continue
        with pytest.MonkeyPatch.context() as patch:
            for key, value in (image | settings).items():
                patch.setenv(key, value)
            loaded = load_settings()
        assert str(loaded.lake) in {each.split(":")[1] for each in service["volumes"]}
        assert loaded.catalog_uri
        assert loaded.catalog_uri.startswith("postgresql+psycopg2://")
        assert not loaded.own_pseudonym_key, "only a trial makes its own key"
    assert {name.removeprefix(PREFIX).lower() for name in image} <= set(Settings.model_fields)


def test_logins_are_fabs_and_the_executor_is_local(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if name != "postgres":
            assert service["environment"]["AIRFLOW__CORE__AUTH_MANAGER"] == FAB
            assert service["environment"]["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"


def airflow_commands(services: dict[str, Any]) -> list[list[str]]:
    """Every `airflow …` that a service runs, health checks included, as words."""
    found = []
    for service in services.values():
        for words in (service.get("command", []), service.get("healthcheck", {}).get("test", [])[1:]):
            script = words[-1].replace("\\\n", " ") if words[:1] == ["bash"] else shlex.join(words)
            found += [shlex.split(line) for line in script.splitlines() if line.strip().startswith("airflow ")]
    return found


def test_every_command_is_one_that_airflow_knows(services: dict[str, Any], tmp_path: Path) -> None:
    commands = airflow_commands(services)
    assert {"db", "users", "jobs", "api-server", "scheduler", "dag-processor", "triggerer"} <= {
        words[1] for words in commands
    }
    program = (
        "import json, sys; from airflow.cli.cli_parser import get_parser\n"
        "for words in json.loads(sys.argv[1]): get_parser().parse_args(words[1:])"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environ |= {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__AUTH_MANAGER": FAB}

    def parse(words: list[list[str]]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, json.dumps(words)], env=environ, capture_output=True, text=True, check=False
        )

    done = parse(commands)
    assert done.returncode == 0, done.stderr
    assert parse([["airflow", "webserver"]]).returncode, "a command of older versions is refused"


def test_the_example_names_exactly_what_can_be_set(text: str) -> None:
    example = (PROJECT_DIR / ".env.example").read_text()
    assignments = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    assert set(assignments) == {found["name"] for found in REFERENCE.finditer(text)}
    assert set(assignments.values()) == {""}, "an example is not a default"
    for block in re.split(r"\n\n", example):
        if re.search(r"^\w+=", block, re.MULTILINE):
            assert block.startswith("#"), f"unexplained: {block}"


def test_the_image_is_the_lock_file_and_not_root() -> None:
    dockerfile = (PROJECT_DIR / "Dockerfile").read_text()
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"python:3.11-slim"}
    syncs = re.findall(r"^RUN uv sync .*$", dockerfile, re.MULTILINE)
    assert syncs
    assert all("--frozen --no-dev" in each for each in syncs)
    assert re.findall(r"^USER (\w+)", dockerfile, re.MULTILINE)[-1] == "labelhouse"
    copied = {word for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.MULTILINE) for word in line.split()}
    ignored = (PROJECT_DIR / ".dockerignore").read_text().splitlines()
    assert copied == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert all((PROJECT_DIR / name).exists() for name in copied)
