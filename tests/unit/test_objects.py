"""Objects of folders and buckets: all of them, in order, at the version listed, and clear words where they are not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore import UNSIGNED
from moto.server import ThreadedMotoServer

from labelhouse.errors import SourceError
from labelhouse.sources import Clients, Unit, UnitGone, UnitReplaced, Window
from labelhouse.sources.labeling_output import SOURCE
from labelhouse.sources.objects import key_of, list_objects, read_object
from labeling_units import parse
from s3_clients import client_of, only

WEIRD_KEYS = [
    " leading and trailing ",
    "../../x",
    "/absolute/path",
    "a//b",
    "colons/2024-05-06_07:08:09.json",
    "equipment 设备 \u200b\U0001f600",
    "percent%2Fencoded%40",
    "plus+and?query#fragment",
    "quote'\"\\back",
    "s3://nested",
    "é decomposed and é composed",
]


def keys(uri: str, clients: Clients | None = None) -> list[str]:
    return [key_of(unit.uri) for unit in list_objects(uri, clients or no_clients)]


def no_clients(service: str) -> Any:
    raise AssertionError("a local folder needs no client")


# --- folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/2.json", "a.json", "a/1.json", "a-b/3.json", "b/2024-05-06_07:08:09.json"):
        path = tmp_path / "listed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "listed"


def test_a_folder_is_listed_in_the_order_of_a_bucket(folder: Path) -> None:
    listed = [key.removeprefix(f"{folder}/") for key in keys(str(folder))]
    assert listed == ["a-b/3.json", "a.json", "a/1.json", "b/2.json", "b/2024-05-06_07:08:09.json"]
    assert listed == sorted(listed)


def test_a_path_a_file_uri_and_a_link_to_the_folder_name_the_same_units(folder: Path) -> None:
    link = folder.with_name("link")
    link.symlink_to(folder)
    expected = list(list_objects(str(folder), no_clients))
    assert list(list_objects(f"file://{quote(str(folder))}", no_clients)) == expected
    assert list(list_objects(f"{folder}/", no_clients)) == expected
    assert list(list_objects(str(link), no_clients)) == expected


def test_a_files_unit_says_what_the_file_system_says(folder: Path) -> None:
    os.utime(folder / "a.json", ns=(0, 1_700_000_000_123_456_789))
    unit = next(unit for unit in list_objects(str(folder), no_clients) if unit.uri.endswith("/a.json"))
    assert unit.version == "6-1700000000123456789"
    assert unit.size_bytes == 6
    assert unit.unit_at.isoformat() == "2023-11-14T22:13:20.123457+00:00"
    assert read_object(unit, no_clients) == b"a.json"


@pytest.mark.parametrize("name", ["a b", "c:d", "100%", "p%2Fq", "设备", "new\nline", "q?x#y", b"not utf-8 \xff"])
def test_any_file_name_comes_back_to_its_file(tmp_path: Path, name: str | bytes) -> None:
    (tmp_path / os.fsdecode(name)).write_bytes(b"found")
    (unit,) = list_objects(str(tmp_path), no_clients)
    unit.uri.encode()  # goes to the lake: no lone surrogates
    assert unit.uri.startswith("file:///")
    assert read_object(unit, no_clients) == b"found"


def test_symlinked_folders_and_pipes_are_no_objects_but_symlinked_files_are(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    (folder / "broken").symlink_to(folder / "nowhere")
    (folder / "file").symlink_to(folder / "a.json")
    os.mkfifo(folder / "pipe")
    listed = [key.removeprefix(f"{folder}/") for key in keys(str(folder))]
    assert listed == ["a-b/3.json", "a.json", "a/1.json", "b/2.json", "b/2024-05-06_07:08:09.json", "file"]


def test_a_file_replaced_since_is_not_read_as_if_it_were_the_same(folder: Path) -> None:
    unit = next(list_objects(str(folder), no_clients))
    Path(key_of(unit.uri)).write_text("b/3.JSON!!")
    with pytest.raises(UnitReplaced):
        read_object(unit, no_clients)


def test_a_file_or_folder_deleted_since_is_gone(folder: Path) -> None:
    first, second, *_ = list_objects(str(folder), no_clients)
    (folder / "a-b/3.json").unlink()
    (folder / "a-b").rmdir()
    (folder / "a-b").touch()  # a file where the folder was
    (folder / "a.json").unlink()
    for unit in (first, second):
        with pytest.raises(UnitGone):
            read_object(unit, no_clients)


def test_a_folder_that_vanishes_while_it_is_listed_is_left_out(folder: Path) -> None:
    listing = list_objects(str(folder), no_clients)
    assert next(listing).uri.endswith("/a-b/3.json")
    (folder / "a/1.json").unlink()
    (folder / "a").rmdir()
    (folder / "b/2.json").unlink()
    assert [unit.uri.rpartition("/")[2] for unit in listing] == ["a.json", "2024-05-06_07:08:09.json"]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("", "this kind of place is not known: '' (allowed: an existing folder, or s3://bucket/prefix)"),
        ("{}/missing", "the folder does not exist: '{}/missing' (allowed: an existing folder, or s3://bucket/prefix)"),
        ("{}/a.json", "this is a file: '{}/a.json' (allowed: an existing folder, or s3://bucket/prefix)"),
        ("{}/a.json/b", "this is a file"),
        ("{}/nul\0", "the folder cannot be read (embedded null byte)"),
        ("file://host/folder", "this kind of place is not known: 'file://host/folder'"),
        ("https://bucket.s3.amazonaws.com/x", "this kind of place is not known: 'https://bucket.s3.amazonaws.com/x'"),
        ("gs://bucket", "this kind of place is not known: 'gs://bucket'"),
        ("s3://", "no bucket is named: 's3://'"),
        ("s3:///key", "no bucket is named: 's3:///key'"),
    ],
)
def test_a_place_that_cannot_be_listed_is_said_in_one_sentence(folder: Path, uri: str, words: str) -> None:
    with pytest.raises(SourceError) as raised:
        list(list_objects(uri.replace("{}", str(folder)), no_clients))
    assert words.replace("{}", str(folder)) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_without_permission_is_not_an_empty_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = os.scandir

    def refuse(path: Any) -> Any:  # root may read everything, so the refusal is simulated
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match=r"the folder cannot be read \(permission denied\): '.*/listed/a'"):
        keys(str(folder))


# --- buckets


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str) -> Iterator[Any]:
    client = client_of(endpoint)
    client.create_bucket(Bucket="labels")
    yield client
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="labels"):
        if found := [{"Key": found["Key"]} for found in page.get("Contents", ())]:
            client.delete_objects(Bucket="labels", Delete={"Objects": found})
    client.delete_bucket(Bucket="labels")


@pytest.mark.parametrize("key", WEIRD_KEYS)
def test_a_key_is_kept_exactly_and_read_back(s3: Any, key: str) -> None:
    s3.put_object(Bucket="labels", Key=key, Body=b"found")
    units = list(list_objects("s3://labels", only(s3)))
    assert [unit.uri for unit in units] == [f"s3://labels/{key}"]
    assert key_of(units[0].uri) == key
    assert read_object(units[0], only(s3)) == b"found"


def test_a_unit_says_what_the_bucket_says(s3: Any) -> None:
    tag = s3.put_object(Bucket="labels", Key="a", Body=b"12345")["ETag"]
    (unit,) = list_objects("s3://labels/", only(s3))
    assert (unit.version, unit.size_bytes) == (tag.strip('"'), 5)
    assert unit.unit_at.utcoffset() is not None
    assert unit.unit_at.tzname() == "UTC"


def test_every_page_is_listed_in_order(s3: Any) -> None:
    expected = sorted(f"jobs/{number:04d}:{number % 7}" for number in range(1_100))
    for key in expected:
        s3.put_object(Bucket="labels", Key=key, Body=b"")
    assert keys("s3://labels/jobs", only(s3)) == expected


def test_a_prefix_is_a_folder(s3: Any) -> None:
    for key in ("job/a", "job-2/b", "job", "other/c"):
        s3.put_object(Bucket="labels", Key=key, Body=b"")
    assert keys("s3://labels/job", only(s3)) == ["job/a"]
    assert keys("s3://labels/job/", only(s3)) == ["job/a"]
    assert keys("s3://labels", only(s3)) == ["job", "job-2/b", "job/a", "other/c"]
    assert keys("s3://labels/nothing/yet", only(s3)) == []


def test_an_object_replaced_since_is_not_read_as_if_it_were_the_same(s3: Any) -> None:
    s3.put_object(Bucket="labels", Key="a", Body=b"first")
    (unit,) = list_objects("s3://labels", only(s3))
    s3.put_object(Bucket="labels", Key="a", Body=b"other")
    with pytest.raises(UnitReplaced):
        read_object(unit, only(s3))


def test_an_object_deleted_since_is_gone(s3: Any) -> None:
    s3.put_object(Bucket="labels", Key="a", Body=b"first")
    (unit,) = list_objects("s3://labels", only(s3))
    s3.delete_object(Bucket="labels", Key="a")
    with pytest.raises(UnitGone):
        read_object(unit, only(s3))


def test_a_missing_bucket_is_said_in_one_sentence(s3: Any) -> None:
    with pytest.raises(SourceError) as raised:
        keys("s3://nowhere/x", only(s3))
    assert str(raised.value) == "the bucket does not exist: 's3://nowhere/x' (allowed: a bucket that exists)"
    assert raised.value.__suppress_context__, "botocore's traceback is nobody's business"
    gone = Unit("s3://nowhere/x", "v", datetime.now(UTC), 1)
    with pytest.raises(SourceError, match="the bucket does not exist"):
        read_object(gone, only(s3))


def test_what_is_no_bucket_name_is_said_in_one_sentence(s3: Any) -> None:
    with pytest.raises(SourceError, match="this is not the name of a bucket: 's3://No Such Bucket/x'"):
        keys("s3://No Such Bucket/x", only(s3))


def test_without_credentials_boto3_is_not_waited_for(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.session.Session().client("s3", endpoint_url=endpoint, region_name="us-east-1")
    with pytest.raises(SourceError, match="no AWS credentials were found"):
        keys("s3://labels", only(client))


def test_public_buckets_are_read_unsigned(s3: Any, endpoint: str) -> None:
    s3.put_object(Bucket="labels", Key="a", Body=b"x")
    assert keys("s3://labels", only(client_of(endpoint, signature_version=UNSIGNED))) == ["a"]


def test_a_job_in_a_bucket_gives_what_its_copy_in_a_folder_gives(s3: Any) -> None:
    copy = Path(__file__).parents[1] / "golden/labeling_output/input"
    for path in copy.rglob("*"):
        if path.is_file():
            s3.put_object(Bucket="labels", Key=f"../out/{path.relative_to(copy)}", Body=path.read_bytes())
    local = list(SOURCE.list_units(str(copy), no_clients, Window()))
    remote = list(SOURCE.list_units("s3://labels/..", only(s3), Window()))
    assert [unit.uri.partition("/out/")[2] for unit in remote] == [unit.uri.partition("/input/")[2] for unit in local]
    for here, there in zip(local, remote, strict=True):
        assert SOURCE.same_content(here.uri) == SOURCE.same_content(there.uri)
        found = parse(SOURCE.read_unit(there, only(s3)), there.uri)
        assert found.tables == parse(SOURCE.read_unit(here, no_clients), here.uri).tables
