"""Whatever a digest or its evidence holds: nothing is raised, counts add up, nothing outside of the trail is read."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from labelhouse.schema.tables import TRAIL_DIGESTS
from labelhouse.sources import Unit
from labelhouse.sources.trails.verdicts import evidence, is_digest, parse_evidence
from trail import packed, public_keys_document
from trail_faults import four_hours
from trail_verified import ADDED, IDENTITIES, digests_of, no_clients, rows_of

TRAIL = four_hours()
KEY = TRAIL.digests[2]
PLACE = tempfile.TemporaryDirectory()
FOLDER = TRAIL.write(Path(PLACE.name) / "copy")
(FOLDER / "public-keys.json").write_text(public_keys_document())
URI = f"file://{FOLDER}/{KEY}"

texts = st.text(st.characters(codec=None), max_size=20)  # half surrogate pairs too
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    texts,
    st.sampled_from(
        ["", "..", "../../x", "trails", "SHA-256", "0" * 64, "2024-05-06T14:01:31Z", "9999-12-31T23:59:59Z"]
    ),
    st.sampled_from([*TRAIL.digests, *TRAIL.logs]),
    st.sampled_from(TRAIL.logs).map(lambda key: key.replace("2024/05", "../..")),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))
fields = sorted(TRAIL.document(KEY))
log_fields = sorted(TRAIL.document(KEY)["logFiles"][0])


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A digest with some of its fields replaced or left out."""
    document = TRAIL.document(KEY)
    for name in draw(st.lists(st.sampled_from(fields), max_size=3)):
        document[name] = draw(values)
    logs = document["logFiles"]
    if isinstance(logs, list) and logs and isinstance(logs[0], dict):
        for name in draw(st.lists(st.sampled_from(log_fields), max_size=2)):
            logs[0][name] = draw(values)
    for name in draw(st.lists(st.sampled_from(fields), max_size=1)):
        document.pop(name, None)
    return document


def check(data: bytes) -> list[dict[str, Any]]:
    """What must be true of anything that parsing evidence gives; the rows."""
    rows: list[dict[str, Any]] = []
    name = is_digest(URI)
    assert name
    for chunk in parse_evidence(Unit(URI, "v", name.ended_at, 1), data, IDENTITIES):
        assert chunk.records_read == chunk.records_loaded + chunk.records_quarantined > 0
        for columns in chunk.tables.values():
            assert set(columns) == set(TRAIL_DIGESTS.column_names) - ADDED
            rows += rows_of(columns)
        if chunk.quarantined:
            assert all(reason.isprintable() and len(reason) < 120 for reason in chunk.quarantined["reason"])
    for row in rows:
        msgspec.json.encode(row)
        assert row["file_uri"].encode()
        assert row["status"] in {"verified", "modified", "missing", "extra", "forged", "unverifiable"}
        assert row["event_at"] == name.ended_at
    return rows


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_evidence(data: bytes) -> None:
    assert check(data) == []


@given(st.binary(max_size=300), st.none() | texts.map(lambda text: text.encode(errors="replace").decode()))
def test_evidence_about_arbitrary_bytes(digest: bytes, signature: str | None) -> None:
    check(msgspec.json.encode({"digest": digest, "signature": signature}))


@given(
    documents(), st.none() | st.text("0123456789abcdef ", max_size=600), st.lists(st.binary(max_size=40), max_size=3)
)
def test_evidence_that_does_not_fit_its_digest(document: Any, signature: str | None, keys: list[bytes]) -> None:
    rows = check(
        msgspec.json.encode(
            {"digest": packed(document), "signature": signature, "public_keys": keys, "files": {"x": {"state": "read"}}}
        )
    )
    assert "verified" not in {row["status"] for row in rows}


@given(documents())
def test_a_digest_that_says_anything(document: Any) -> None:
    path = FOLDER / KEY
    path.write_bytes(packed(document))
    (unit,) = (unit for unit in digests_of(str(FOLDER), no_clients) if unit.uri == URI)
    data = evidence(unit, no_clients)
    assert all(uri.startswith(f"file://{FOLDER}/AWSLogs/") for uri in json.loads(data)["files"])
    rows = check(data)
    if document != TRAIL.document(KEY):
        assert "verified" not in {row["status"] for row in rows}


@given(st.integers(0, 2_000), st.integers(0, 255))
def test_a_digest_with_a_damaged_byte(place: int, value: int) -> None:
    original = TRAIL.files[KEY]
    data = bytearray(original)
    data[place % len(data)] = value
    (FOLDER / KEY).write_bytes(data)
    (unit,) = (unit for unit in digests_of(str(FOLDER), no_clients) if unit.uri == URI)
    rows = check(evidence(unit, no_clients))
    if rows and rows[0]["status"] == "verified":
        assert gzip.decompress(data) == gzip.decompress(original), "only gzip's own header may differ"
