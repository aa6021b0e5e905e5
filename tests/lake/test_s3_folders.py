"""A folder in S3 reads like one of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from labelhouse import folders
from labelhouse.errors import LakeError, SettingError
from labelhouse.folders import S3Path, local_copy, remove_tree, replaced, working_folder
from labelhouse.identities import load_identities
from labelhouse.lake.catalog import Lake
from labelhouse.marts.releases import Release, current_release, next_release_folder, point_to, pointer_version
from labelhouse.settings import load_settings
from simulated_s3 import simulated_s3


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with simulated_s3("shelf"):
        yield "s3://shelf"


@pytest.fixture
def folder(bucket: str, request: pytest.FixtureRequest) -> S3Path:
    return S3Path(f"{bucket}/{request.node.name}")


def test_a_file_is_there_whole_or_not_at_all(folder: S3Path) -> None:
    path = folder / "a" / "über lang.json"
    with pytest.raises(FileNotFoundError, match=r"s3://shelf/.*/a/über lang\.json"):
        path.read_text()
    assert not path.exists()
    path.write_text("€")
    assert (path.read_text(), path.read_bytes(), path.is_file()) == ("€", "€".encode(), True)
    assert (folder / "a").exists()
    assert not (folder / "a").is_file()
    path.unlink()
    path.unlink(missing_ok=True)
    assert not (folder / "a").exists()


def test_names_are_parts_of_names(folder: S3Path) -> None:
    path = S3Path("s3://shelf//x///y/")
    assert (str(path), path.name, str(path.parent), str(path.parent.parent)) == (
        "s3://shelf/x/y",
        "y",
        "s3://shelf/x",
        "s3://shelf",
    )
    assert path == S3Path("s3://shelf/x") / "y"
    assert sorted([path, path.parent]) == [path.parent, path]
    for wrong in ("s3://", "s3:///x", "/x", "s3://shelf/../other"):
        with pytest.raises(ValueError, match="bucket"):
            S3Path(wrong)


def test_what_lies_below_is_found_by_pattern(folder: S3Path) -> None:
    for name in ("000001/release.json", "000002/release.json", "000002/serving.duckdb", "current.json", "x/y/z.json"):
        (folder / name).write_text("")
    assert [path.name for path in folder.glob("[0-9]*")] == ["000001", "000002"]
    assert [path.parent.name for path in folder.glob("*/release.json")] == ["000001", "000002"]
    assert [path.name for path in folder.glob("*.json")] == ["current.json"]
    remove_tree(folder / "000002")
    assert [path.name for path in folder.glob("[0-9]*")] == ["000001"]


def test_only_one_of_two_gets_a_name(folder: S3Path) -> None:
    assert next_release_folder(folder).name == "000001"
    assert next_release_folder(folder).name == "000002"
    with pytest.raises(FileExistsError):
        (folder / "releases" / "000002").mkdir()


def release(folder: S3Path, number: int) -> Release:
    return Release(f"{number:06d}", f"b{number}", "", {}, "", {}, None, folder / "releases" / f"{number:06d}")


def test_the_pointer_is_replaced_by_one_of_two_publications(folder: S3Path) -> None:
    seen = pointer_version(folder)
    first, second = release(folder, 1), release(folder, 2)
    for each in (first, second):
        each.write()
    point_to(folder, second, replacing=seen)
    with pytest.raises(LakeError, match="another release was published"):
        point_to(folder, first, replacing=seen)
    assert current_release(folder) == second
    seen = pointer_version(folder)
    point_to(folder, first, replacing=seen)
    point_to(folder, first, replacing=seen)  # sent again, because the answer was lost
    assert current_release(folder) == first


def fail_in(opened: AbstractContextManager[Path]) -> None:
    with opened as place:
        (place / "build.duckdb" if place.is_dir() else place).write_text("half")
        raise ValueError("half")


def test_work_is_done_on_copies(folder: S3Path, tmp_path: Path) -> None:
    (folder / "build.duckdb").write_text("one")
    with working_folder(folder, brought=["build.duckdb", "missing"], kept=["build.duckdb", "made/new"]) as work:
        assert (work / "build.duckdb").read_text() == "one"
        (work / "build.duckdb").write_text("two")
        (work / "made").mkdir()
        (work / "made/new").write_text("new")
        (work / "scrap").write_text("")
    assert not work.exists()
    assert [(folder / name).read_text() for name in ("build.duckdb", "made/new")] == ["two", "new"]
    assert not (folder / "scrap").exists()
    for opened in (working_folder(folder, kept=["build.duckdb"]), replaced(folder / "build.duckdb")):
        with pytest.raises(ValueError, match="half"):
            fail_in(opened)
    assert (folder / "build.duckdb").read_text() == "two"
    with working_folder(tmp_path) as work:
        assert work == tmp_path


def test_a_copy_is_kept_until_the_file_is_another(
    folder: S3Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders.tempfile, "gettempdir", lambda: str(tmp_path))
    path = folder / "releases" / "000001" / "serving.duckdb"
    path.write_text("one")
    copy = local_copy(path)
    assert copy.read_text() == "one"
    written_at = copy.stat().st_mtime_ns
    assert local_copy(path) == copy
    assert copy.stat().st_mtime_ns == written_at, "not downloaded again"
    path.write_text("another lake's")
    assert local_copy(path).read_text() == "another lake's"
    for number in range(20):
        (folder / "releases" / "000001" / f"{number}").write_text("x")
        local_copy(folder / "releases" / "000001" / f"{number}")
    assert len(list(copy.parent.iterdir())) == folders.KEPT_COPIES
    assert copy.parent.parent.stat().st_mode & 0o077 == 0


def test_what_s3_refuses_is_an_error_of_the_file(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="NoSuchBucket"):
        S3Path("s3://no-such-bucket/x").write_text("")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    folders._client.cache_clear()
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(OSError, match="EndpointConnectionError") as caught:
        S3Path(f"{bucket}/x").read_text()
    assert "canary" not in str(caught.value)
    folders._client.cache_clear()


def test_a_lake_in_s3_needs_a_catalog_and_a_key(bucket: str) -> None:
    with pytest.raises(SettingError, match="LABELHOUSE_CATALOG: a lake in S3 needs a catalog"):
        Lake(load_settings({}, lake=f"{bucket}/lake"))
    with pytest.raises(SettingError, match="LABELHOUSE_PSEUDONYM_KEY"):
        load_identities(load_settings({}, lake=f"{bucket}/lake", own_pseudonym_key=True))
    with pytest.raises(SettingError, match="two catalogs"):
        Lake(load_settings({}, lake="lake", catalog={"type": "glue"}, catalog_uri="sqlite:///x"))
    with pytest.raises(SettingError, match=r"LABELHOUSE_LAKE: value not allowed: 's3:///x' \(allowed: s3://bucket"):
        load_settings({}, lake="s3:///x")
