"""`python -m labelhouse.secret_check`: whether a deployment's secrets are secret; its first step before anything runs.

Every secret has to be there, long enough, nobody else's (a sample from documentation, a word) and used once. What is
found wrong is said by the name of the variable, never with its value.
"""

from __future__ import annotations

import base64
import binascii
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

#: In lower case: secrets that stand in examples of Airflow, its charts and images, PostgreSQL and Redis.
_SAMPLES = frozenset(
    {
        "81hqdtbqaywksoumsha3bhwnodq26slt6k0yazezyps=",
        "46bkjoqylppoexq0ohdznilnepkff87wfwlbfzqddho=",
        "cryptography_not_found_storing_passwords_in_plain_text",
        *("temporary_key", "airflow_jwt_secret", "thisissecret", "changeme", "changeit", "passw0rd", "password"),
        *("admin", "airflow", "example", "labelhouse", "postgres", "redis", "root", "sample", "secret", "test"),
    }
)
#: Fewer different characters than these are a pattern that somebody typed.
_FEWEST_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class _Secret:
    """One secret of a deployment.

    Args:
        variable: that holds it, alone or inside a URI.
        shortest: how many characters it has at least.
        of: the secret in the variable's value.
        allowed: what it should be, and how one is made.
    """

    variable: str
    shortest: int
    of: Callable[[str], str]
    allowed: str


def _itself(value: str) -> str:
    return value


def _password(uri: str) -> str:
    try:
        return unquote(urlsplit(uri).password or "")
    except ValueError:
        return ""


_TEXT = "a random text, e.g. of `openssl rand -base64 48`"
_WORD = "a URI with a password of letters and digits, e.g. of `openssl rand -hex 24`"
_FERNET = 'a Fernet key: python3 -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
_SECRETS = (
    _Secret("AIRFLOW__CORE__FERNET_KEY", 44, _itself, _FERNET),
    _Secret("AIRFLOW__API__SECRET_KEY", 32, _itself, _TEXT),
    _Secret("AIRFLOW__API_AUTH__JWT_SECRET", 32, _itself, _TEXT),
    _Secret("LABELHOUSE_PSEUDONYM_KEY", 32, _itself, _TEXT),
    _Secret("POSTGRES_PASSWORD", 16, _itself, _TEXT),
    _Secret("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", 16, _password, _WORD),
    _Secret("LABELHOUSE_CATALOG_URI", 16, _password, _WORD),
    _Secret("LABELHOUSE_IDENTITY_MAP_URI", 16, _password, _WORD),
    _Secret("AIRFLOW__CELERY__BROKER_URL", 16, _password, _WORD),
    _Secret("ADMIN_PASSWORD", 10, _itself, "a password that nobody guesses"),
)


def refusals(environ: Mapping[str, str]) -> list[str]:
    """What is wrong with the secrets of an environment, a sentence each; empty: nothing."""
    return [*_each(environ), *_shared(environ)]


def _each(environ: Mapping[str, str]) -> Iterator[str]:
    for secret in _SECRETS:
        found = secret.of(environ.get(secret.variable, ""))
        fault = _fault(found, secret)
        if fault is None and secret.variable == "AIRFLOW__CORE__FERNET_KEY" and not _are_fernet_keys(found):
            fault = "is no Fernet key"
        if fault:
            yield f"{secret.variable}: {fault} (allowed: {secret.allowed})"


def _fault(found: str, secret: _Secret) -> str | None:
    if not found:
        return "the secret is missing"
    if any(part.lower() in _SAMPLES for part in found.split(",")):
        return "is a sample that everybody knows"
    if len(found) < secret.shortest:
        return f"is too short, {secret.shortest} characters are the fewest"
    if len(set(found)) < _FEWEST_CHARACTERS:
        return "is a pattern, not random"
    return None


def _are_fernet_keys(found: str) -> bool:
    """Whether every one of several keys (the newest first, while they are rotated) is 32 bytes."""
    try:
        return all(len(base64.b64decode(key, altchars=b"-_", validate=True)) == 32 for key in found.split(","))
    except (binascii.Error, ValueError):
        return False


def _shared(environ: Mapping[str, str]) -> Iterator[str]:
    """Secrets that two uses share: who learns one of them has the other."""
    seen: dict[str, str] = {}
    for secret in _SECRETS:
        found = secret.of(environ.get(secret.variable, ""))
        if found and found in seen:
            yield f"{secret.variable}: is the same secret as that of {seen[found]} (allowed: one of its own)"
        seen.setdefault(found, secret.variable)


def main() -> int:
    """Says on standard error what is wrong with this process's environment; 1: something is."""
    found = refusals(os.environ)
    for sentence in found:
        print(sentence, file=sys.stderr)
    if found:
        print("Nothing was started: mend .env and start again.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
