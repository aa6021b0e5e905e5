"""Options and the trail of `make bench`: `make bench BENCH_OPTIONS="--gigabytes 0.1 --rounds 2"`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from benchmarks.contenders import Trail, generate


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("benchmarks")
    group.addoption("--gigabytes", type=float, default=1.0, help="unpacked size of the trail, 10^9 bytes each")
    group.addoption("--rounds", type=int, default=5, help="how often every contender runs")
    group.addoption("--full", action="store_true", help="also the memory at ten times the size: minutes more")


@pytest.fixture(scope="session")
def trail(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Trail]:
    folder = tmp_path_factory.mktemp("trail")
    yield generate(folder, pytestconfig.getoption("--gigabytes"))
    shutil.rmtree(folder)
