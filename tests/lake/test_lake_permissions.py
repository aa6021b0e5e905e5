"""The policy allows what a lake on S3 with Glue's catalog really asks, as recorded by the simulated AWS."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from moto.moto_api import recorder

from control_plane import ACCOUNT
from iam import Need, actions, allows
from labelhouse.doctor.policy import policy_of
from labelhouse.extraction import extract
from labelhouse.lake.catalog import RAW, Lake
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Window
from sample_job import write_job
from simulated_s3 import REGION, simulated_s3

S3_ACTIONS = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "POST": "s3:PutObject"}
#: Only where an upload fails in its midst, whose parts would stay for ever and cost.
UNRECORDED = {"s3:AbortMultipartUpload"}


@pytest.fixture(scope="module")
def settings() -> Settings:
    catalog = {"type": "glue", "glue.region": REGION}
    key = "the key of the pseudonyms of the tests"
    return load_settings({}, lake="s3://lakes/team a/lake", catalog=catalog, catalog_prefix="a_", pseudonym_key=key)


@pytest.fixture(scope="module")
def needs(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> set[Need]:
    """What a lake asks while a job is loaded, and changed, and while a release moves its pointer."""
    folder = tmp_path_factory.mktemp("recorded")
    job = write_job(folder / "output", objects=1)
    with simulated_s3("lakes"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "_location", str(folder / "requests"))
        (folder / "requests").touch()
        recorder.start_recording()
        try:
            _use(settings, job)
        finally:
            recorder.stop_recording()
    lines = (folder / "requests").read_text().splitlines()
    return {need for line in lines for need in _needs(json.loads(line))}


def _use(settings: Settings, job: Path) -> None:
    def load() -> None:
        extract(settings, "labeling_output", Window(), {}.__getitem__, uri=str(job))

    load()
    manifest = job / "manifests/output/output.manifest"
    manifest.write_text(manifest.read_text() + "\n")
    load()
    assert Lake(settings).tables(RAW)
    pointer = settings.lake / "releases/current.json"
    pointer.write_text("{}")
    assert [each.name for each in (settings.lake / "releases").glob("*.json")] == ["current.json"]
    pointer.unlink()


def _needs(request: dict[str, Any]) -> Iterator[Need]:
    headers = {name.lower(): value for name, value in request["headers"].items()}
    target = headers.get("x-amz-target", "")
    keys = (("aws:RequestedRegion", REGION),)
    if target:
        service, _, operation = target.partition(".")
        assert service == "AWSGlue"
        given = json.loads(base64.b64decode(request["body"]))
        for resource in _of_glue(operation, given):
            yield Need(f"glue:{operation}", f"arn:aws:glue:{REGION}:{ACCOUNT}:{resource}", keys)
        return
    url = urlsplit(request["url"])
    bucket, _, key = unquote(url.path).strip("/").partition("/")
    if key:
        action = "s3:DeleteObject" if request["method"] == "DELETE" else S3_ACTIONS[request["method"]]
        yield Need(action, f"arn:aws:s3:::{bucket}/{key}", keys)
    elif "list-type" in (query := parse_qs(url.query)):
        prefix = query.get("prefix", [""])[0]
        yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket}", (*keys, ("s3:prefix", prefix)))
    else:
        raise AssertionError(f"{request['method']} {request['url']} is not known to this test")


def _of_glue(operation: str, given: dict[str, Any]) -> Iterator[str]:
    """All resources that IAM asks about, from the catalog down to the table."""
    yield "catalog"
    if "Database" in operation:
        yield f"database/{given.get('Name') or given['DatabaseInput']['Name']}"
        return
    yield f"database/{given['DatabaseName']}"
    table = given.get("Name") or given.get("TableInput", {}).get("Name") or "*"
    yield f"table/{given['DatabaseName']}/{table}"


def _policy(settings: Settings) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = policy_of(settings, settings.sources, lambda _: ACCOUNT)["Statement"]
    return statements


def test_every_call_of_the_lake_is_allowed(settings: Settings, needs: set[Need]) -> None:
    statements = _policy(settings)
    assert {each["Sid"].rstrip("1234") for each in statements} == {"Lake"}
    assert [need for need in needs if not any(allows(each, need) for each in statements)] == []


def test_every_action_of_the_lake_is_called_for(settings: Settings, needs: set[Need]) -> None:
    assert actions(_policy(settings)) - {need.action for need in needs} == UNRECORDED


def test_other_folders_and_databases_are_not_allowed(settings: Settings) -> None:
    statements, keys = _policy(settings), (("aws:RequestedRegion", REGION), ("s3:prefix", "team b/"))
    glue = f"arn:aws:glue:{REGION}:{ACCOUNT}:"
    for need in (
        Need("s3:ListBucket", "arn:aws:s3:::lakes", keys),
        Need("s3:PutObject", "arn:aws:s3:::lakes/team b/lake/x", keys),
        Need("glue:GetTable", f"{glue}table/b_raw/x", keys),
        Need("glue:DeleteTable", f"{glue}table/a_raw/x", keys),
    ):
        assert not any(allows(each, need) for each in statements), need
