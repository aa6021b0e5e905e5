"""JSON values that are almost what they should be, for tests of properties."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a JSON value with each of its keys."""
    if isinstance(value, dict):
        return [place for key, item in value.items() for place in [(value, key), *places(item)]]
    if isinstance(value, list):
        return [place for key, item in enumerate(value) for place in [(value, key), *places(item)]]
    return []


@st.composite
def mutated(draw: st.DrawFn, value: Any, values: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> Any:
    """`value` with some of its places replaced, wrapped, removed or renamed.

    Args:
        values: what takes the place of others, or is added.
        keys: under which.
    """
    value = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(1, 4))):
        found = places(value)
        if not found:
            break
        container, key = draw(st.sampled_from(found))
        change = draw(st.sampled_from(["replace", "replace", "wrap", "quote", "remove", "rename", "add"]))
        if change == "replace":
            container[key] = draw(values)
        elif change == "wrap":
            container[key] = [container[key]]
        elif change == "quote":
            container[key] = json.dumps(container[key])
        elif change == "remove":
            del container[key]
        elif isinstance(container, dict):
            container[draw(keys)] = container.pop(key) if change == "rename" else draw(values)
    return value
