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

from deployment.native import REFERENCE
from labelhouse.secret_check import refusals
from labelhouse.settings import PREFIX, PROJECT_DIR, Settings, load_settings

SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|CONN_(?!ID)")
#: AWS's own variables: without them the role of the host is used, so they may be unset.
OF_AWS = {"AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
#: Services that run Airflow as long as they live, and all others.
COMPONENTS = {"api-server", "execution", "scheduler", "dag-processor", "triggerer", "worker-1", "worker-2"}
OTHERS = {"postgres", "redis", "init", "aws"}
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
        sources = {each.split(":")[0] for each in service.get("volumes", [])}
        assert {each for each in sources if not each.startswith("./")} <= set(compose["volumes"])
        assert all((PROJECT_DIR / each).is_file() for each in sources if each.startswith("./"))
        assert set(service["networks"]) <= set(compose["networks"])
        for other, how in service.get("depends_on", {}).items():
            is_one_shot = services[other]["restart"] == "no"
            assert how["condition"] == ("service_completed_successfully" if is_one_shot else "service_healthy")


def test_every_service_is_checked_or_runs_once(services: dict[str, Any]) -> None:
    assert set(services) == COMPONENTS | OTHERS
    for name, service in services.items():
        assert ("healthcheck" in service) != (service["restart"] == "no"), name


def test_only_the_ui_is_published_and_only_on_this_host(compose: dict[str, Any], services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert list(published) == ["api-server"]
    assert all(port.startswith("127.0.0.1:") for port in published["api-server"])
    assert compose["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis", "execution", "aws"):
        assert services[name]["networks"] == ["inside"], f"{name} has nobody to talk to outside"


@pytest.mark.parametrize("name", sorted(COMPONENTS | OTHERS))
def test_every_service_is_hardened(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] in ("10001:10001", "postgres", "redis"), "not root"
    assert not {"privileged", "cap_add", "pid", "ipc", "network_mode", "devices", "userns_mode"} & set(service)
    assert not any("docker.sock" in each for each in service.get("volumes", []))
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert "/tmp" in service["tmpfs"]
    assert service["image"].startswith("labelhouse") or re.fullmatch(r"\w+:\d+\.\d+(\.\d+)?-\S+", service["image"])


def test_what_a_service_needs_is_healthy_before_it_starts(services: dict[str, Any]) -> None:
    def needed(name: str) -> set[str]:
        direct = set(services[name].get("depends_on", {}))
        return direct.union(*map(needed, direct))

    for name in COMPONENTS:
        assert {"postgres", "init"} <= needed(name)
    for name in ("scheduler", "worker-1", "worker-2"):
        assert "redis" in needed(name)
    for name in ("worker-1", "worker-2"):
        assert "execution" in needed(name)
    assert needed("init") == {"postgres"}


def test_the_simulated_account_is_for_those_who_ask_for_it(services: dict[str, Any]) -> None:
    assert {name: service["profiles"] for name, service in services.items() if "profiles" in service} == {
        "aws": ["simulated"]
    }


def test_the_workers_differ_in_nothing_but_their_names(services: dict[str, Any]) -> None:
    first, second = (json.dumps(services[name]).replace(name, "worker") for name in ("worker-1", "worker-2"))
    assert first == second


def test_one_secret_signs_for_all_and_databases_have_passwords_of_their_own(services: dict[str, Any]) -> None:
    signing = {services[name]["environment"]["AIRFLOW__API_AUTH__JWT_SECRET"] for name in COMPONENTS}
    assert len(signing) == 1
    environment = services["scheduler"]["environment"]
    uris = ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "LABELHOUSE_CATALOG_URI", "LABELHOUSE_IDENTITY_MAP_URI"]
    found = [REFERENCE.search(environment[name]) for name in uris]
    assert len({each["name"] for each in found if each}) == 3


def test_secrets_are_checked_before_anything_else(services: dict[str, Any]) -> None:
    script = services["init"]["command"][-1]
    assert script.startswith("python -m labelhouse.secret_check\n")
    given = {name: "password" for name in services["init"]["environment"] if SECRET.search(name)}
    uris = {name: value for name, value in services["init"]["environment"].items() if value and "://" in value}
    found = refusals(given | {name: REFERENCE.sub("password", value) for name, value in uris.items()})
    assert len(found) >= 10
    assert all("is a sample that everybody knows" in each or "same secret" in each for each in found)


def test_every_secret_comes_from_the_environment_and_has_no_default(text: str, services: dict[str, Any]) -> None:
    for service in services.values():
        for name, value in service["environment"].items():
            if value is None:  # passed on as it is, or unset
                assert name in OF_AWS
                continue
            found = REFERENCE.search(value)
            assert not SECRET.search(name) or found, f"{name} is written down"
    for found in REFERENCE.finditer(text):
        if SECRET.search(found["name"]):
            assert found["operator"] == ":?", found["name"]
            assert found["rest"].startswith("set it to "), "what to do, in a sentence"
        assert found["operator"], f"{found['name']} may be unset without a word"


def test_passwords_are_nowhere_but_in_references(text: str) -> None:
    for uri in re.findall(r"\w+://\S+", REFERENCE.sub("<reference>", text)):
        assert re.fullmatch(r"[^:@]+://[^:@]*:<reference>@\S+|https?://[^@]+", uri), uri


def test_every_setting_is_known_and_loads(services: dict[str, Any]) -> None:
    given = {
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
            assert name in ("postgres", "redis", "aws")
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


def test_logins_are_fabs_and_tasks_go_to_celery(services: dict[str, Any]) -> None:
    for name in COMPONENTS | {"init"}:
        assert services[name]["environment"]["AIRFLOW__CORE__AUTH_MANAGER"] == FAB
        assert services[name]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    apps = {name: services[name]["command"][3] for name in ("api-server", "execution")}
    assert apps == {"api-server": "core", "execution": "execution"}


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
    assert {"db", "users", "jobs", "api-server", "scheduler", "dag-processor", "triggerer", "celery"} <= {
        words[1] for words in commands
    }
    program = (
        "import json, sys; from airflow.cli.cli_parser import get_parser\n"
        "for words in json.loads(sys.argv[1]): get_parser().parse_args(words[1:])"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environ |= {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__AUTH_MANAGER": FAB}
    environ |= {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor"}

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
    assert set(assignments) == {found["name"] for found in REFERENCE.finditer(text)} | OF_AWS
    assert set(assignments.values()) == {""}, "an example is not a default"
    for block in re.split(r"\n\n", example):
        if re.search(r"^\w+=", block, re.MULTILINE):
            assert block.startswith("#"), f"unexplained: {block}"


def test_the_image_is_the_lock_file_and_not_root() -> None:
    dockerfile = (PROJECT_DIR / "Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", dockerfile, re.MULTILINE)
    assert {image for image, _ in stages} - {name for _, name in stages} == {"python:3.11.13-slim-bookworm"}
    assert stages[-1] == ("base", "labelhouse"), "what is built by default"
    syncs = re.findall(r"^RUN uv sync .*$", dockerfile, re.MULTILINE)
    assert syncs
    assert all("--frozen --no-build --no-dev" in each for each in syncs)
    assert "pip install" not in dockerfile
    assert re.findall(r"^USER (\w+)", dockerfile, re.MULTILINE)[-1] == "labelhouse"
    copied = {word for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.MULTILINE) for word in line.split()}
    ignored = (PROJECT_DIR / ".dockerignore").read_text().splitlines()
    assert copied == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert all((PROJECT_DIR / name).exists() for name in copied)
