"""How a load goes about its memory: as it found it, so it leaves it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pyarrow as pa
import pytest

from labelhouse.memory import memory_of_a_load, prepare_memory


def test_a_load_neither_looks_for_garbage_nor_clears_pages() -> None:
    before = pa.default_memory_pool().backend_name
    with memory_of_a_load():
        assert not gc.isenabled()
        assert pa.default_memory_pool().backend_name == "system"
    assert gc.isenabled()
    assert pa.default_memory_pool().backend_name == before


def test_a_load_that_fails_leaves_no_trace() -> None:
    before = pa.default_memory_pool().backend_name
    gc.disable()
    try:
        with pytest.raises(ValueError, match="damaged"), memory_of_a_load():
            raise ValueError("damaged")
        assert not gc.isenabled(), "it was off before"
    finally:
        gc.enable()
    assert pa.default_memory_pool().backend_name == before


def test_a_program_looks_for_garbage_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    before = gc.get_threshold()
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "")
    try:
        prepare_memory()
        assert gc.isenabled()
        assert gc.get_threshold()[0] > 50 * 700
        assert gc.get_threshold()[1:] == before[1:]
    finally:
        gc.set_threshold(*before)


def test_arrow_has_the_allocator_that_everybody_has() -> None:
    words = (
        "from labelhouse.memory import prepare_memory; prepare_memory(); "
        "import pyarrow as pa; print(pa.default_memory_pool().backend_name)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    said = subprocess.run([sys.executable, "-c", words], check=True, capture_output=True, text=True, env=environment)
    assert said.stdout == "system\n"


def test_a_program_leaves_with_its_last_words_and_its_exit_code() -> None:
    words = "import sys; from labelhouse.memory import leave; print('last'); print('words', file=sys.stderr); leave(7)"
    ended = subprocess.run([sys.executable, "-c", words], check=False, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("last\n", "words\n", 7)
