"""The wire of AWS's JSON services: requests held to botocore's service models, pages with opaque tokens, errors."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import botocore.session

from labelhouse.demo.region import Region

T = TypeVar("T")
Parameters = dict[str, Any]

#: A token is refused when it is older.
TOKEN_LIFETIME = timedelta(hours=24)
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "list": (list,),
    "timestamp": (int, float),
    "structure": (dict,),
}


class ApiError(Exception):
    """A refusal, with the code that the service's model names."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a service.

    Args:
        answer: makes the answer, of Python's types; raises ApiError.
        parameters: those that it heeds; a request with others is refused, where moto would ignore them.
    """

    answer: Callable[[Region, Parameters], dict[str, Any]]
    parameters: frozenset[str]


def operation(answer: Callable[[Region, Parameters], dict[str, Any]], *parameters: str) -> Operation:
    """An operation that heeds these parameters."""
    return Operation(answer, frozenset(parameters))


@cache
def service_model(service: str) -> Any:
    """botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def check(service: str, name: str, heeded: frozenset[str], request: Parameters, code: str) -> None:
    """Refuses a request as AWS does: every violation of the model in one message.

    Raises:
        ApiError: with that code.
    """
    shape = service_model(service).operation_model(name).input_shape
    violations = [f"'{missing}' must not be null" for missing in shape.required_members if missing not in request]
    for member, value in request.items():
        if member not in shape.members:
            continue  # AWS's JSON services pass over what they do not know
        if member not in heeded:
            raise ApiError(code, f"The simulated account does not heed '{member}' of {name}.")
        violations += _violations(shape.members[member], value, member)
    if violations:
        plural = "" if len(violations) == 1 else "s"
        raise ApiError(code, f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}")


def _violations(shape: Any, value: Any, member: str) -> Iterator[str]:
    where = f"Value '{value}' at '{member}' failed to satisfy constraint: Member must"
    if not isinstance(value, _TYPES[shape.type_name]):
        yield f"{where} be a {shape.type_name}"
        return
    size, noun = (value, "value") if isinstance(value, int) else (None, "length")
    if isinstance(value, str | list):
        size = len(value)
    limits = shape.metadata
    if size is not None and size < limits.get("min", size):
        yield f"{where} have {noun} greater than or equal to {limits['min']}"
    if size is not None and size > limits.get("max", size):
        yield f"{where} have {noun} less than or equal to {limits['max']}"
    if limits.get("enum") and value not in limits["enum"]:
        yield f"{where} satisfy enum value set: {limits['enum']}"
    pattern = limits.get("pattern", "")
    if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, str(value)):  # Python knows no \p{…}
        yield f"{where} satisfy regular expression pattern: {pattern}"
    if isinstance(value, list):
        for each in value:
            yield from _violations(shape.member, each, f"{member}.member")
    if isinstance(value, dict):
        yield from (
            f"'{member}.{missing}' must not be null" for missing in shape.required_members if missing not in value
        )
        for name in value.keys() & shape.members.keys():
            yield from _violations(shape.members[name], value[name], f"{member}.{name}")


def page(
    region: Region, items: Sequence[T], request: Parameters, token_member: str, limit: int, code: str
) -> tuple[Sequence[T], dict[str, str]]:
    """The next so many items, and the token that asks for those that follow, unless there are none.

    Raises:
        ApiError: the token is of another request, or too old.
    """
    first = int(position(region, request, token_member, code) or 0)
    end = first + limit
    rest = {token_member: token(region, request, token_member, end)} if end < len(items) else {}
    return items[first:end], rest


def token(region: Region, request: Parameters, member: str, at: Any) -> str:
    """An opaque token for what follows a position."""
    content = [_digest(request, member), at, region.now.timestamp()]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def position(region: Region, request: Parameters, member: str, code: str) -> Any:
    """The position that a request's token stands for; None where it has none.

    Raises:
        ApiError: it is of another request, or too old.
    """
    if member not in request:
        return None
    text = request[member]
    try:
        digest, at, issued_at = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise ApiError(code, f"The specified {member} is invalid.") from None
    if digest != _digest(request, member):
        raise ApiError(code, f"The specified {member} is invalid.")
    if region.now.timestamp() - issued_at > TOKEN_LIFETIME / timedelta(seconds=1):
        raise ApiError(code, f"The specified {member} is expired.")
    return at


def _digest(request: Parameters, token_member: str) -> str:
    rest = {name: value for name, value in request.items() if name != token_member}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]


def to_json(answer: dict[str, Any]) -> bytes:
    """An answer as the JSON services send it: times are seconds since 1970."""
    return json.dumps(answer, default=datetime.timestamp, ensure_ascii=False).encode()
