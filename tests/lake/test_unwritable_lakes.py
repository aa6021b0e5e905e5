"""A full disk, and lost rights: a load fails in one sentence, what is there stays readable, the next one succeeds."""

from __future__ import annotations

from pathlib import Path

from unwritable import run_apart, with_small_disk, without_privileges


def test_a_full_disk(tmp_path: Path) -> None:
    command = with_small_disk(tmp_path)
    reasons = run_apart("fill_the_disk", tmp_path, command).splitlines()
    assert len(reasons) >= 5
    assert all(reason.startswith(f"{tmp_path / 'lake'}: the ") for reason in reasons)
    full = ("No space left on device", "database or disk is full") if command else ("File too large", "disk I/O error")
    assert all(any(words in reason for words in full) for reason in reasons), reasons


def test_rights_that_are_lost(tmp_path: Path) -> None:
    refusals = run_apart("take_rights_away", tmp_path, without_privileges()).splitlines()
    lake = tmp_path / "lake"
    assert ["Permission denied" in each for each in refusals] == [True, True, True, False]
    assert refusals[3].startswith(f"{lake}: the catalog cannot be written (")
