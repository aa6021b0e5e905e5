"""The units of CloudTrail: which objects are log files, when they were delivered, and which are listed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources import UnitGone, UnitReplaced, Window, all_sources
from labelhouse.sources.cloudtrail import SOURCE, delivered_at
from s3_clients import only
from trail_units import ACCOUNT, LOG, call, gzipped, log, parse

DAY = datetime(2024, 5, 6, tzinfo=UTC)
MORNING = Window(datetime(2024, 5, 6, 5, tzinfo=UTC), datetime(2024, 5, 6, 8, tzinfo=UTC))


def name(day: str, at: str = "0710", *, account: str = ACCOUNT, region: str = "eu-west-1", suffix: str = "") -> str:
    """Key of a log file below its region's folder; `day` as 2024/05/06."""
    return f"{day}/{account}_CloudTrail_{region}_{day.replace('/', '')}T{at}Z_Ab1Cd2Ef3Gh4Ij5K.json{suffix or '.gz'}"


LOGS = [
    f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{name('2024/05/06')}",
    f"AWSLogs/{ACCOUNT}/CloudTrail/us-gov-west-1/{name('2024/05/06', region='us-gov-west-1')}",
    f"AWSLogs/o-ab12cd34ef/444455556666/CloudTrail/eu-west-1/{name('2024/05/06', account='444455556666')}",
    f"team/trail/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{name('2024/05/06')}",
    f"CloudTrail/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{name('2024/05/06')}",
    name("2024/05/06").rpartition("/")[2],
    f"copy/{name('2024/05/06', suffix='.json').rpartition('/')[2].removesuffix('.json')}",
]
OTHERS = [
    f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/eu-west-1/2024/05/06/{ACCOUNT}_CloudTrail-Digest_eu-west-1_main_eu-west-1_"
    "20240506T071000Z.json.gz",
    f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/eu-west-1/{name('2024/05/06')}",
    f"AWSLogs/{ACCOUNT}/CloudTrail-Insight/eu-west-1/{name('2024/05/06')}",
    f"AWSLogs/{ACCOUNT}/CloudTrail-NetworkActivity/eu-west-1/{name('2024/05/06')}",
    f"AWSLogs/{ACCOUNT}/CloudTrail-Aggregated/eu-west-1/{name('2024/05/06')}",
    f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{name('2024/05/06')}.tmp",
    f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{name('2024/05/06')}\n",
    f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{name('2024/13/45', '9999')}",
    f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2024/05/06/{name('2024/05/06')}/part",
    f"AWSLogs/{ACCOUNT}/CloudTrail",
    f"AWSLogs/{ACCOUNT}/Config/eu-west-1/2024/5/6/ConfigHistory/"
    f"{ACCOUNT}_Config_eu-west-1_ConfigHistory_20240506T071000Z.json.gz",
    "AWSLogs/aws-account-1/vpcflowlogs/eu-west-1/2024/05/06/x.log.gz",
]


@pytest.mark.parametrize("key", LOGS)
def test_a_log_file_says_when_it_was_delivered(key: str) -> None:
    for uri in (f"s3://bucket/{key}", f"file:///copy/{key}"):
        assert delivered_at(uri) == datetime(2024, 5, 6, 7, 10, tzinfo=UTC)


@pytest.mark.parametrize("key", OTHERS)
def test_everything_else_is_no_log_file(key: str) -> None:
    assert delivered_at(f"s3://bucket/{key}") is None


def test_a_local_copy_is_listed_whole_whatever_the_window(tmp_path: Path) -> None:
    for key in LOGS + OTHERS:
        path = tmp_path / key.replace("\n", "%0A")
        if not path.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    later = Window(DAY + timedelta(days=400), None)
    for window in (Window(), MORNING, later):
        units = list(SOURCE.list_units(str(tmp_path), {}.__getitem__, window))
        assert sorted(unit.uri.partition(f"{tmp_path.name}/")[2] for unit in units) == sorted(LOGS)
        assert {unit.unit_at for unit in units} == {datetime(2024, 5, 6, 7, 10, tzinfo=UTC)}


def test_a_copied_log_file_is_a_copy_wherever_it_lies() -> None:
    assert SOURCE.same_content(LOG) == SOURCE.same_content(f"file:///elsewhere/{LOG.rpartition('/')[2]}")


def test_the_source_is_found_by_its_name() -> None:
    assert all_sources()["cloudtrail"] is SOURCE
    assert SOURCE.daily_look_back == timedelta(days=30), "events may be delivered as late as that"


# --- buckets


def put(s3: Any, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket="trails", Key=key, Body=gzipped(log(call())))


class Listed:
    """What a window of a place lists, and which prefixes were asked for."""

    def __init__(self, s3: Any, window: Window, uri: str = "s3://trails") -> None:
        self.prefixes: list[str] = []

        def remember(params: dict[str, Any], **_: Any) -> None:
            self.prefixes.append(params.get("Prefix", ""))

        s3.meta.events.register("provide-client-params.s3.ListObjectsV2", remember)
        try:
            self.units = list(SOURCE.list_units(uri, only(s3), window))
        finally:
            s3.meta.events.unregister("provide-client-params.s3.ListObjectsV2", remember)
        self.keys = [unit.uri.removeprefix("s3://trails/") for unit in self.units]


def years(root: str, *, region: str = "eu-west-1", account: str = ACCOUNT) -> list[str]:
    """Four log files around a day, and one a year before."""
    days = ("2023/05/06", "2024/05/05", "2024/05/06", "2024/05/07", "2024/05/08")
    return [f"{root}/CloudTrail/{region}/{name(day, account=account, region=region)}" for day in days]


def test_only_the_days_of_a_short_window_are_listed(s3: Any) -> None:
    keys = years(f"AWSLogs/{ACCOUNT}")
    put(s3, *keys, *(key.replace("CloudTrail/", "CloudTrail-Digest/") for key in keys))
    listed = Listed(s3, MORNING)
    assert listed.keys == keys[2:3]
    assert listed.units[0].unit_at == datetime(2024, 5, 6, 7, 10, tzinfo=UTC)
    assert not [prefix for prefix in listed.prefixes if "2023" in prefix or "Digest" in prefix]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(DAY, DAY + timedelta(hours=24, seconds=-1)), [2]),
        (Window(DAY - timedelta(seconds=1), DAY + timedelta(hours=1)), [1, 2]),
        (Window(DAY, DAY + timedelta(days=1)), [2, 3]),  # the day that begins as the window ends lists nothing of it
        (Window(DAY, DAY + timedelta(days=40)), [2, 3, 4]),
        (Window(DAY - timedelta(days=1), None), [0, 1, 2, 3, 4]),  # longer than asking for its days pays
        (Window(None, DAY), [0, 1, 2, 3, 4]),
        (Window(), [0, 1, 2, 3, 4]),
    ],
)
def test_a_window_lists_at_least_what_lies_in_it(s3: Any, window: Window, expected: list[int]) -> None:
    keys = years(f"AWSLogs/{ACCOUNT}")
    put(s3, *keys)
    listed = Listed(s3, window)
    assert listed.keys == [keys[index] for index in expected]
    assert {unit.uri for unit in listed.units if unit.unit_at in window} == {
        f"s3://trails/{key}" for key in keys if delivered_at(f"s3://trails/{key}") in window
    }


def test_a_window_that_has_not_ended_lists_up_to_now(s3: Any) -> None:
    now = datetime.now(UTC)
    today = f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{name(f'{now:%Y/%m/%d}', f'{now:%H%M}')}"
    put(s3, *years(f"AWSLogs/{ACCOUNT}"), today)
    assert Listed(s3, Window(now - timedelta(hours=2), None)).keys == [today]


def test_every_account_of_an_organisation_and_every_region_is_listed(s3: Any) -> None:
    roots = [f"AWSLogs/{ACCOUNT}", "AWSLogs/o-ab12cd34ef/111122223333", "AWSLogs/o-ab12cd34ef/444455556666"]
    keys = [key for root in roots for region in ("eu-west-1", "us-east-1") for key in years(root, region=region)]
    put(s3, *keys)
    assert Listed(s3, MORNING).keys == [key for key in keys if "/2024/05/06/" in key]
    assert Listed(s3, Window()).keys == keys


@pytest.mark.parametrize(
    "below",
    [
        "",
        "/",
        "/team",
        "/team/AWSLogs",
        f"/team/AWSLogs/{ACCOUNT}",
        f"/team/AWSLogs/{ACCOUNT}/CloudTrail",
        f"/team/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1",
        f"/team/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/",
    ],
)
def test_the_place_may_be_the_bucket_or_any_folder_above_the_days(s3: Any, below: str) -> None:
    keys = years(f"team/AWSLogs/{ACCOUNT}")
    put(s3, *keys)
    listed = Listed(s3, MORNING, f"s3://trails{below}")
    assert listed.keys == keys[2:3]
    assert len(listed.prefixes) <= 10, "calls are paid for"


def test_a_place_below_the_regions_is_listed_whole(s3: Any) -> None:
    keys = years(f"AWSLogs/{ACCOUNT}")
    put(s3, *keys)
    for below, expected in (("2024", keys[1:]), ("2024/05", keys[1:]), ("2024/05/07", keys[3:4])):
        listed = Listed(s3, MORNING, f"s3://trails/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{below}")
        assert listed.keys == expected
        assert len(listed.prefixes) == 1


@pytest.mark.parametrize("prefix", ["CloudTrail", "cloudtrail/CloudTrail", "CloudTrail/eu", "AWSLogs/CloudTrail"])
def test_folders_above_the_trails_may_have_its_names(s3: Any, prefix: str) -> None:
    keys = years(f"{prefix}/AWSLogs/{ACCOUNT}")
    put(s3, *keys)
    assert Listed(s3, MORNING).keys == keys[2:3]


def test_a_copy_without_the_folders_above_is_listed_by_days_too(s3: Any) -> None:
    keys = years("copy")
    put(s3, *keys)
    listed = Listed(s3, MORNING)
    assert listed.keys == keys[2:3]
    assert not [prefix for prefix in listed.prefixes if "2023" in prefix]


def test_log_files_in_no_folders_of_days_are_listed_whole(s3: Any) -> None:
    flat = [f"flat/{name(day).rpartition('/')[2]}" for day in ("2024/05/05", "2024/05/06")]
    put(s3, *flat)
    assert Listed(s3, MORNING).keys == flat


def test_folders_of_other_services_are_not_looked_into(s3: Any) -> None:
    keys = years(f"AWSLogs/{ACCOUNT}")
    others = [
        f"AWSLogs/{ACCOUNT}/{service}/eu-west-1/2024/{month}/1/x.gz"
        for service in ("Config", "GuardDuty")
        for month in range(1, 6)
    ]
    put(s3, *keys, *others, *(key.replace("CloudTrail/", "CloudTrail-Insight/") for key in keys))
    listed = Listed(s3, MORNING)
    assert listed.keys == keys[2:3]
    assert not [prefix for prefix in listed.prefixes if "Config" in prefix or "Duty" in prefix or "Insight" in prefix]


@pytest.mark.parametrize("window", [Window(), MORNING])
def test_a_missing_bucket_is_not_an_empty_one(s3: Any, window: Window) -> None:
    with pytest.raises(SourceError, match="the bucket does not exist: 's3://nowhere/AWSLogs'"):
        list(SOURCE.list_units("s3://nowhere/AWSLogs", only(s3), window))
    assert Listed(s3, window).units == []


@pytest.mark.parametrize("window", [Window(), MORNING])
def test_a_bucket_that_is_busy_is_worth_another_try(window: Window) -> None:
    class Busy:
        def get_paginator(self, name: str) -> Any:
            raise ClientError({"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, name)

    with pytest.raises(SourceUnavailableError, match=r"S3 cannot be read just now \(SlowDown\): 's3://trails'"):
        list(SOURCE.list_units("s3://trails", only(Busy()), window))


def test_a_log_file_that_was_deleted_or_replaced_since_is_not_read(s3: Any) -> None:
    key = years(f"AWSLogs/{ACCOUNT}")[2]
    put(s3, key)
    (unit,) = Listed(s3, MORNING).units
    s3.put_object(Bucket="trails", Key=key, Body=b"replaced")
    with pytest.raises(UnitReplaced):
        SOURCE.read_unit(unit, only(s3))
    s3.delete_object(Bucket="trails", Key=key)
    with pytest.raises(UnitGone):
        SOURCE.read_unit(unit, only(s3))


def test_what_a_bucket_holds_is_what_its_copy_holds(s3: Any, tmp_path: Path) -> None:
    key = years(f"AWSLogs/{ACCOUNT}")[2]
    put(s3, key)
    (tmp_path / key).parent.mkdir(parents=True)
    (tmp_path / key).write_bytes(gzipped(log(call())))
    (remote,) = Listed(s3, MORNING).units
    (local,) = SOURCE.list_units(str(tmp_path), {}.__getitem__, MORNING)
    assert remote.unit_at == local.unit_at
    found = parse(SOURCE.read_unit(remote, only(s3)), remote.uri)
    assert found.points == parse(SOURCE.read_unit(local, {}.__getitem__), local.uri).points != []
