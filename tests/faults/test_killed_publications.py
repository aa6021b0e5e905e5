"""A publication killed at any point leaves readers on the old release; the next run ends as if nothing happened.

One that nobody kills leaves them on the old release, too, until all of the new one is there.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from killed import run_killed, running
from labelhouse import extraction, pipeline
from labelhouse.errors import HeldError
from labelhouse.marts import read
from labelhouse.marts.build import read_build
from labelhouse.marts.read import query
from labelhouse.marts.releases import current_release
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Window
from sample_job import write_job

MOMENTS = {
    "one mart of several is written": "after labelhouse.marts.publish:write_mart",
    "all marts are written": "before labelhouse.marts.publish:tag_snapshots",
    "the snapshots are tagged": "before labelhouse.marts.publish:write_files",
    "the release's files are written": "before labelhouse.marts.publish:point_to",
    "the pointer is replaced": "after labelhouse.marts.publish:point_to",
}


def open_settings(folder: Path) -> Settings:
    return load_settings(
        {}, lake=folder / "lake", sources={"labeling_output": str(folder / "export")}, own_pseudonym_key=True
    )


def publish_newest(folder: str) -> None:
    settings = open_settings(Path(folder))
    newest = max(path.name for path in (settings.lake / "builds").iterdir())
    pipeline.publish(settings, newest)


def run(settings: Settings) -> pipeline.RunResult:
    return pipeline.run(settings, settings.sources, lambda service: None)


def marts(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Every row of every published mart."""
    release = current_release(settings.lake)
    assert release
    return {name: query(release, f"select * from {name} order by all").to_pylist() for name in release.marts}


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A lake with a release and a checked build on more data, ready to be published; and what each shows."""
    folder = tmp_path_factory.mktemp("published")
    settings = open_settings(folder)
    write_job(folder / "export", objects=9, labeled=6)
    run(settings)
    old = marts(settings)
    write_job(folder / "export", objects=15, labeled=11)
    extraction.extract(settings, "labeling_output", Window(), lambda service: None)
    build_id = pipeline.prepare_build(settings)
    assert build_id
    for step in (pipeline.check_inputs, pipeline.build_marts, pipeline.check_marts):
        step(settings, build_id)
    shutil.copytree(folder, folder.with_name("ready"))
    pipeline.publish(settings, build_id)
    return {"folder": folder, "ready": folder.with_name("ready"), "old": old, "new": marts(settings)}


@pytest.fixture
def settings(stages: dict[str, Any]) -> Settings:
    """The lake with its checked build, as it was before anything was published of it."""
    folder = stages["folder"]
    assert stages["old"] != stages["new"]
    shutil.rmtree(folder)  # Iceberg's metadata holds absolute paths: the lake must stay where it was
    shutil.copytree(stages["ready"], folder)
    read._opened.cache_clear()
    return open_settings(folder)


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=[name.replace(" ", "-") for name in MOMENTS])
def test_killed_publication(stages: dict[str, Any], settings: Settings, moment: str) -> None:
    assert run_killed("test_killed_publications:publish_newest", str(stages["folder"]), moment)
    was_published = moment.endswith("point_to") and moment.startswith("after")
    assert marts(settings) == (stages["new"] if was_published else stages["old"])

    result = run(settings)
    assert (result.release_id is None) == was_published
    assert marts(settings) == stages["new"]
    assert run(settings).release_id is None, "nothing is left to do"


def test_readers_meet_one_release_or_the_other_while_it_is_replaced(stages: dict[str, Any], settings: Settings) -> None:
    """Another process publishes; a second publication of the same base comes too late, on this machine or another."""
    newest = read_build(settings.lake, max(path.name for path in (settings.lake / "builds").iterdir()))
    rival = replace(newest, build_id=newest.build_id.replace("Z", "1Z"))
    shutil.copytree(newest.folder(settings.lake), rival.folder(settings.lake))
    rival.save(settings.lake)
    rival.folder(settings.lake).rename(stages["folder"] / "rival")  # until the other one has published
    publication = running("test_killed_publications:publish_newest", str(stages["folder"]))
    met = []
    while publication.poll() is None:
        seen = marts(settings)
        assert seen in (stages["old"], stages["new"]), "one whole set of marts or the other"
        met.append(seen == stages["new"])
    assert publication.returncode == 0, publication.communicate()[1]
    assert marts(settings) == stages["new"]
    assert met == sorted(met)
    assert met[0] is False, "somebody read before it was replaced"
    (stages["folder"] / "rival").rename(rival.folder(settings.lake))
    with pytest.raises(HeldError, match="another release was published since the build began: build again"):
        pipeline.publish(settings, rival.build_id)
    assert marts(settings) == stages["new"]
