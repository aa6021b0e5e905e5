"""IAM's evaluation of the statements that we print, as far as these go: what a request needs, and who allows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Statement = dict[str, Any]


@dataclass(frozen=True)
class Need:
    """What a request asks of IAM: an action on a resource, and the keys that conditions may name."""

    action: str
    resource: str
    keys: tuple[tuple[str, str], ...]


def actions(statements: list[Statement]) -> set[str]:
    """Every action that is allowed."""
    return {action for statement in statements for action in statement["Action"]}


def allows(statement: Statement, need: Need) -> bool:
    """Whether a statement allows a request."""
    keys, conditions = dict(need.keys), statement.get("Condition", {})
    assert set(conditions) <= {"StringLike", "StringEquals"}
    like, equal = conditions.get("StringLike", {}), conditions.get("StringEquals", {})
    return (
        need.action in statement["Action"]
        and any(is_like(each, need.resource) for each in statement["Resource"])
        and all(any(is_like(each, keys[name]) for each in told) for name, told in like.items())
        and all(keys[name] in told for name, told in equal.items())
    )


def is_like(pattern: str, value: str) -> bool:
    """As IAM matches: `*` and `?`, and `${*}` for the character itself."""
    parts = re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    words = {"*": ".*", "?": "."}
    regex = "".join(words.get(part) or re.escape(part[2] if part.startswith("${") else part) for part in parts)
    return re.fullmatch(regex, value, re.DOTALL) is not None
