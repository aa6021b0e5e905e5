"""Pseudonyms: stable, keyed, complete, and found in time linear in the text."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelhouse.errors import SettingError
from labelhouse.identities import Identities, load_identities
from labelhouse.settings import Settings

IDENTITIES = Identities("a key for tests, long enough to use")


def test_a_pseudonym_is_stable_and_depends_on_the_key() -> None:
    pseudonym = IDENTITIES.pseudonym("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")
    assert pseudonym == Identities("a key for tests, long enough to use").pseudonym(
        "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    )
    assert pseudonym != Identities("another key, also long enough to use").pseudonym(
        "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    )
    assert len(pseudonym) == len("p_") + 32
    assert pseudonym.startswith("p_")


def test_half_a_surrogate_pair_has_a_pseudonym_too() -> None:
    assert IDENTITIES.pseudonym("\ud800") != IDENTITIES.pseudonym("\ud801")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        ("by Ada@Example.COM, late", "ada@example.com"),
        ("<ada.b+label@mail.example.co.uk>", "ada.b+label@mail.example.co.uk"),
        ("miss o'brien@example.com said", "o'brien@example.com"),
        ("'ada@example.com'", "ada@example.com"),
        ("s3://bucket/ada%40example.com/1.jpg", "ada@example.com"),
        ("s3://bucket/ada%2Bx@example.com/1.jpg", "ada%2bx@example.com"),
        ("mailto:ada@example.com?subject=x", "ada@example.com"),
        ("by=ada@example.com&at=1", "ada@example.com"),
        ("{ada@example.com}", "ada@example.com"),
        ("by-ada@example.com-label", "by-ada@example.com"),
        ("ada@mail.xn--e1afmkfd.xn--p1ai", "ada@mail.xn--e1afmkfd.xn--p1ai"),
        ("x" * 300 + "@example.com", "x" * 300 + "@example.com"),
        ("jürgen@müller.example", "jürgen@müller.example"),
        ('{\\"by\\": \\"ada\\u0040example.com\\"}', "ada@example.com"),
        ("{\\\\\\u0022ada\\\\\\u0040example.com", None),
    ],
)
def test_an_email_address_becomes_its_pseudonym(text: str, address: str | None) -> None:
    cleaned = IDENTITIES.clean_text(text)
    assert "example.com" not in cleaned.lower()
    assert "ada" not in cleaned.lower().replace(IDENTITIES.pseudonym("ada@example.com"), "")
    if address:
        assert IDENTITIES.pseudonym(address) in cleaned


@pytest.mark.parametrize("text", ["", "canary", "12 @ 3", "@handle", "a@b", "100%40", "u0040", "設備 ", "s3://b/k.jpg"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert IDENTITIES.clean_text(text) == text


@settings(deadline=None)
@given(st.emails())
def test_no_address_survives(address: str) -> None:
    local = address.rpartition("@")[0]
    cleaned = IDENTITIES.clean_text(f"labelled by {address} today")
    assert address not in cleaned
    if local.isalnum() and len(local) > 32:  # longer than a pseudonym, so not in one by chance
        assert local not in cleaned


def test_a_known_identity_is_replaced_whole_or_inside() -> None:
    sub = "0f3c2a9e-1111-2222-3333-444455556666"
    pseudonym = IDENTITIES.pseudonym(sub)
    assert IDENTITIES.clean_text(sub, known=[sub]) == pseudonym
    assert IDENTITIES.clean_text(f"worker={sub};", known=[sub]) == f"worker={pseudonym};"
    assert IDENTITIES.clean_text("ada", known=["ada"]) == IDENTITIES.pseudonym("ada")
    assert IDENTITIES.clean_text("Canada", known=["ada"]) == "Canada"


def test_clean_reaches_keys_and_every_depth_and_leaves_numbers() -> None:
    ada = IDENTITIES.pseudonym("ada@example.com")
    value = {"ada@example.com": [{"by": "ada@example.com", "n": 1, "ok": True, "none": None, "ratio": 0.5}]}
    assert IDENTITIES.clean(value) == {ada: [{"by": ada, "n": 1, "ok": True, "none": None, "ratio": 0.5}]}


@pytest.mark.parametrize(
    "piece", ["a", "a@", "%40", "%", "a'", "'", "a.", "a@b.", "%4", "@", "a%40", "a@b.c", "\\u0040", "\\", "%2B", "/"]
)
def test_cleaning_takes_time_linear_in_the_text(piece: str) -> None:
    text = piece * (200_000 // len(piece)) + "@"
    begin = time.process_time()
    IDENTITIES.clean_text(text)
    assert time.process_time() - begin < 2, "quadratic time would take minutes"


def test_what_is_encrypted_needs_the_key() -> None:
    token = IDENTITIES.encrypt(b"not parsed, so not cleaned")
    assert b"cleaned" not in token
    assert IDENTITIES.decrypt(token) == b"not parsed, so not cleaned"
    with pytest.raises(SettingError, match="not the key"):
        Identities("another key, also long enough to use").decrypt(token)


def test_without_a_key_no_lake_makes_its_own_unless_told_to(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="LABELHOUSE_PSEUDONYM_KEY"):
        load_identities(Settings(lake=tmp_path))


def test_the_key_of_the_settings_wins(tmp_path: Path) -> None:
    settings = Settings(lake=tmp_path, pseudonym_key="a key for tests, long enough to use", own_pseudonym_key=True)
    assert load_identities(settings).pseudonym("x") == IDENTITIES.pseudonym("x")
    assert list(tmp_path.iterdir()) == []


def test_a_lake_keeps_its_own_key_readable_by_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(lake=tmp_path, own_pseudonym_key=True)
    first = load_identities(settings).pseudonym("x")
    assert load_identities(settings).pseudonym("x") == first
    (key,) = (tmp_path / "private").iterdir()
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(key.read_text()) >= 32


def test_importing_identities_does_not_import_settings() -> None:
    """Sources are described while DAG files are parsed; pydantic alone would take most of a second."""
    plugins = Path(__file__).parents[2] / "plugins"
    code = "import sys, labelhouse.identities; sys.exit('pydantic' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=plugins, check=True)
