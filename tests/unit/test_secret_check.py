"""Secrets of a deployment: missing ones, samples, patterns and shared ones are refused by name, never by value."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelhouse.secret_check import main, refusals

GOOD = {
    "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
    "AIRFLOW__API__SECRET_KEY": "Vq0m3rYtGh7KxLp2Zs9WdNc4Jb8RfTe1",
    "AIRFLOW__API_AUTH__JWT_SECRET": "j8HfQw2ZxN5vBc7LmK1pRt4YsD9gUe3A",
    "LABELHOUSE_PSEUDONYM_KEY": "P4sLdK7jHgF2qWeR9tYuI0oZxCvB6nM1",
    "POSTGRES_PASSWORD": "0f1e2d3c4b5a69788796a5b4",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://airflow:a1b2c3d4e5f6a7b8c9d0@postgres:5432/airflow",
    "LABELHOUSE_CATALOG_URI": "postgresql+psycopg2://lake:b1c2d3e4f5a6b7c8d9e0@postgres:5432/lake",
    "LABELHOUSE_IDENTITY_MAP_URI": "postgresql+psycopg2://people:c1d2e3f4a5b6c7d8e9f0@postgres:5432/people",
    "AIRFLOW__CELERY__BROKER_URL": "redis://:d1e2f3a4b5c6d7e8f9a0@redis:6379/0",
    "ADMIN_PASSWORD": "heron-on-one-leg",
}


def with_secret(variable: str, secret: str) -> dict[str, str]:
    """Good secrets but for one."""
    value = GOOD[variable]
    if "://" in value:
        head, _, tail = value.rpartition("@")
        value = f"{head.rpartition(':')[0]}:{secret}@{tail}"
    else:
        value = secret
    return GOOD | {variable: value}


def test_secrets_of_ones_own_are_accepted() -> None:
    assert refusals(GOOD) == []


@pytest.mark.parametrize("variable", GOOD)
def test_each_missing_secret_is_named(variable: str) -> None:
    for environ in ({name: value for name, value in GOOD.items() if name != variable}, with_secret(variable, "")):
        (sentence,) = refusals(environ)
        assert sentence.startswith(f"{variable}: the secret is missing (allowed: ")


@pytest.mark.parametrize("variable", GOOD)
@pytest.mark.parametrize(
    "sample", ["airflow", "ChangeMe", "password", "81HqDtbqAywKSOumSha3BhWNOdQ26slT6K0YaZeZyPs=", "airflow_jwt_secret"]
)
def test_known_samples_are_refused(variable: str, sample: str) -> None:
    (sentence,) = refusals(with_secret(variable, sample))
    assert sentence.startswith(f"{variable}: is a sample that everybody knows")
    assert sample not in sentence.partition(" (allowed: ")[0].removeprefix(variable)


@pytest.mark.parametrize("variable", GOOD)
def test_short_ones_and_patterns_are_refused(variable: str) -> None:
    (short,) = refusals(with_secret(variable, "xY3"))
    assert "is too short" in short
    (pattern,) = refusals(with_secret(variable, "abcabc" * 10))
    assert "is a pattern" in pattern


def test_a_fernet_key_is_32_bytes_and_several_may_be_given_while_they_are_rotated() -> None:
    old, new = GOOD["AIRFLOW__CORE__FERNET_KEY"], base64.urlsafe_b64encode(bytes(range(40, 72))).decode()
    assert refusals(GOOD | {"AIRFLOW__CORE__FERNET_KEY": f"{new},{old}"}) == []
    for bad in (new[:-1] + "!", new[:40] + "ABCDEFGH", f"{new},"):
        (sentence,) = refusals(GOOD | {"AIRFLOW__CORE__FERNET_KEY": bad})
        assert "is no Fernet key" in sentence


def test_a_rotated_sample_is_refused_too() -> None:
    key = "81HqDtbqAywKSOumSha3BhWNOdQ26slT6K0YaZeZyPs=," + GOOD["AIRFLOW__CORE__FERNET_KEY"]
    assert "sample" in refusals(GOOD | {"AIRFLOW__CORE__FERNET_KEY": key})[0]


def test_no_secret_serves_twice() -> None:
    shared = GOOD["AIRFLOW__API__SECRET_KEY"]
    (sentence,) = refusals(GOOD | {"AIRFLOW__API_AUTH__JWT_SECRET": shared})
    assert sentence.startswith(
        "AIRFLOW__API_AUTH__JWT_SECRET: is the same secret as that of AIRFLOW__API__SECRET_KEY (allowed: "
    )


@given(st.sampled_from(sorted(GOOD)), st.text(max_size=60))
def test_whatever_is_given_is_judged_and_never_shown(variable: str, value: str) -> None:
    for sentence in refusals(GOOD | {variable: value}):
        assert len(value) < 20 or value not in sentence
    assert len(refusals({})) == len(GOOD)


def test_the_command_says_it_and_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    assert main() == 0
    monkeypatch.delenv("ADMIN_PASSWORD")
    assert main() == 1
    assert "ADMIN_PASSWORD: the secret is missing" in capsys.readouterr().err
