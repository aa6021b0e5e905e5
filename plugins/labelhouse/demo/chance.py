"""Chance without surprise: every entity of the demo's world draws from a generator of its own."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *entity: str | int) -> np.random.Generator:
    """The generator of one entity, e.g. `generator(seed, "answer", job, 12, worker)`.

    What an entity draws depends on its name alone, never on how many others drew before it. So adding
    days, jobs or workers leaves everything else as it was.
    """
    name = "\0".join(map(str, (seed, *entity)))
    return np.random.default_rng(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=16).digest()))


def hexadecimal(rng: np.random.Generator, digits: int) -> str:
    """That many random hexadecimal digits."""
    return rng.bytes((digits + 1) // 2).hex()[:digits]
