"""What the pages say: figures, filters, what is held and why; and that every outside value stays data."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient

from labelhouse.errors import SettingError
from labelhouse.web.app import make_app
from web.fake_lake import HELD, PUBLISHED_AT, FakeAccess, answers, publish, status, write_status
from web.html_page import CANARIES, Page, live_nodes, page

Reader = Callable[[Path], TestClient]


def test_the_figures_are_those_of_the_release(reader: TestClient) -> None:
    text = page(reader, "/workers").text
    assert text[text.index("answers") + 1] == "540"
    assert text[text.index("objects") + 1] == "180"
    assert "540 comparable answers" in " ".join(text)


def test_time_that_was_not_captured_says_so(tmp_path: Path, reader_of: Reader) -> None:
    publish(tmp_path, answers({"birds": "public"}, is_timed=False))
    text = page(reader_of(tmp_path), "/workers").text
    assert text[text.index("on submitted tasks") + 1] == "not captured"
    assert "0.0 s" not in text


def test_the_job_filter_is_in_the_url_and_narrows_everything(reader: TestClient) -> None:
    shown = page(reader, "/workers?job=birds")
    chosen = [option["value"] for option in shown.all("option") if "selected" in option]
    assert chosen == ["birds"]
    assert shown.text[shown.text.index("answers") + 1] == "180"
    rows = [row for spec in shown.data for rows in spec["datasets"].values() for row in rows]
    assert {row["labeling_job_name"] for row in rows if "labeling_job_name" in row} == {"birds"}
    exports = [link["href"] for link in shown.all("a") if link.get("class") == "export"]
    assert exports
    assert all(address and address.endswith(".csv?job=birds") for address in exports)


def test_a_worker_leads_to_the_rows_behind_the_numbers(reader: TestClient) -> None:
    links = [link["href"] for link in page(reader, "/workers?job=birds").all("a")]
    address = next(link for link in links if link and "worker=" in link)
    shown = page(reader, f"/workers{address}")
    assert "Answers of this worker" in shown.text
    assert shown.text[shown.text.index("workers") + 1] == "1"
    assert "?job=birds" in [link["href"] for link in shown.all("a")], "the way back to all workers"


def test_the_worker_table_sorts_by_its_columns(reader: TestClient) -> None:
    def column(sort: str) -> list[float]:
        text = reader.get(f"/workers/worker_table.csv?sort={sort}").content.decode("utf-8-sig")
        rows = csv.DictReader(io.StringIO(text))
        return [float(row["agreement_ratio"] or "nan") for row in rows]

    assert column("-agreement_ratio") == sorted(column("agreement_ratio"), reverse=True)
    assert column("agreement_ratio") == sorted(column("agreement_ratio"))
    assert column("no_such_column;drop") == column("")
    shown = page(reader, "/workers?sort=-agreement_ratio")
    assert [each["aria-sort"] for each in shown.all("th") if each.get("aria-sort") not in (None, "none")] == [
        "descending",
        "descending",
    ], "that of the workers, and that of the jobs beside it"


@pytest.mark.parametrize(
    "job",
    ["birds' or '1'='1", "birds'; drop table fct_worker_job; --", "$worker", "%", "birds\x00", "' union select 1 --"],
)
def test_a_filter_is_a_value_and_never_sql(reader: TestClient, job: str) -> None:
    answer = reader.get("/workers", params={"job": job})
    assert answer.status_code == 200
    assert "No labelling job of that name" in answer.text
    assert len(reader.get("/workers/worker_table.csv", params={"job": job}).text.splitlines()) == 1
    assert len(reader.get("/workers/worker_answers.csv", params={"worker": job}).text.splitlines()) == 1
    assert page(reader, "/workers").text.count("540") >= 1


def test_every_outside_value_stays_text(tmp_path: Path, reader_of: Reader) -> None:
    rows = answers({canary: canary for canary in CANARIES}, workers=10, objects=5, labels=CANARIES)
    rows = [row | {"source_ref": canary, "worker_id": canary} for row, canary in zip(rows, CANARIES * 20, strict=False)]
    release = publish(tmp_path, rows)
    checks = [{"table_name": each, "sentence": each, "what_to_do": each} for each in CANARIES]
    plain = status(release)
    write_status(
        tmp_path,
        status(
            release,
            held={"since": PUBLISHED_AT.isoformat(), "step": CANARIES[0], "sentence": CANARIES[1], "checks": checks},
            quarantine=[
                plain["quarantine"][0] | {"reason": each, "examples": [{"unit_uri": each, "position": each}]}
                for each in CANARIES
            ],
            checks=[
                plain["checks"][1] | {"table_name": each, "sentence": each, "observed_value": each, "error": each}
                for each in CANARIES
            ],
            ledger=[plain["ledger"][0] | {"source_name": each} for each in CANARIES],
        ),
    )
    client = reader_of(tmp_path)
    addresses = [f"/workers?{urlencode({name: each})}" for name in ("job", "worker") for each in CANARIES]
    for address in ("/workers", "/quality", *addresses):
        assert live_nodes(page(client, address)) == []
    assert CANARIES[0] in page(client, f"/workers?{urlencode({'worker': CANARIES[0]})}").text
    everything = "\n".join(page(client, "/quality").text)
    assert all(" ".join(canary.split()) in everything for canary in CANARIES)


def test_before_anything_is_published_the_pages_say_what_to_do(tmp_path: Path, reader_of: Reader) -> None:
    client = reader_of(tmp_path / "no" / "lake")
    for address in ("/workers", "/annotations", "/training", "/quality", "/dbt-docs"):
        text = " ".join(page(client, address).text)
        assert "Nothing is published yet" in text
        assert "extract_labeling_output" in text
    assert client.get("/workers/worker_table.csv").status_code == 404
    assert client.get("/annotations/dataset_objects.csv").status_code == 404
    assert client.get("/annotations/object?job=birds&object=0").status_code == 404
    assert client.get("/training/run_table.csv").status_code == 404
    assert client.get("/quality/checks.csv").status_code == 404
    assert client.get("/dbt-docs/site").status_code == 404


def test_what_was_read_waits_for_a_build(tmp_path: Path, reader_of: Reader) -> None:
    write_status(tmp_path, status(checks=[]))
    client = reader_of(tmp_path)
    assert "Records were read, and wait for a build" in " ".join(page(client, "/workers").text)
    text = " ".join(page(client, "/quality").text)
    assert "Nothing is published yet" in text
    assert "No build was validated yet." in text


def test_a_first_publication_that_is_held_says_why(tmp_path: Path, reader_of: Reader) -> None:
    write_status(tmp_path, status(held=HELD))
    for address in ("/workers", "/annotations", "/training", "/quality", "/dbt-docs"):
        text = " ".join(page(reader_of(tmp_path), address).text)
        assert "Publication is held" in text
        assert HELD["sentence"] in text
        assert HELD["checks"][0]["what_to_do"] in text
        assert "there is nothing to read yet" in text


def test_readers_keep_the_last_good_release_while_a_build_is_held(tmp_path: Path, reader_of: Reader) -> None:
    release = publish(tmp_path, answers({"birds": "private"}))
    write_status(tmp_path, status(release, held=HELD))
    client = reader_of(tmp_path)
    text = " ".join(page(client, "/workers").text)
    assert "A newer build is held back" in text
    assert "Answers per worker and job" in text
    assert "Release 000007" in " ".join(page(client, "/quality").text)


def test_the_ledger_is_an_equation_that_holds_or_not(tmp_path: Path, reader_of: Reader) -> None:
    read = status()["ledger"][0]
    write_status(tmp_path, status(ledger=[read, read | {"source_name": "leaking", "records_loaded": 1800}]))
    text = " ".join(page(reader_of(tmp_path), "/quality").text)
    assert "adds up labeling_output 1,824 read = 1,810 loaded + 2 duplicate + 12 quarantined + 0 filtered" in text
    assert "does not add up leaking 1,824 read ≠ 1,800 loaded" in text


def test_failing_expectations_come_first_with_what_was_seen(tmp_path: Path, reader_of: Reader) -> None:
    met, late, _ = status()["checks"]
    crashed = met | {
        "check_number": 7,
        "is_success": False,
        "error": "no such column",
        "sentence": "A column is there.",
    }
    failed = late | {
        "check_number": 8,
        "severity": "hold",
        "observed_value": '"2027-01-01"',
        "sentence": "No year 2027.",
    }
    write_status(tmp_path, status(checks=[met, late, crashed, failed]))
    shown = page(reader_of(tmp_path), "/quality")
    text = " ".join(shown.text)
    places = [text.index(each) for each in ("A column is there.", "No year 2027.", late["sentence"], met["sentence"])]
    assert places == sorted(places)
    assert "Could not be evaluated: no such column" in text
    assert "31 of 1,510 rows do not meet it; observed: 2027-01-01" in text
    assert [group for group in shown.all("details") if group.get("class") == "validation"] == [
        {"class": "validation", "open": None}
    ]


def test_the_docs_run_in_a_sandbox_without_an_origin(reader: TestClient) -> None:
    outer = reader.get("/dbt-docs")
    frame = Page(outer.text).all("iframe")[0]
    assert (frame["sandbox"], frame["src"]) == ("allow-scripts", "/dbt-docs/site")
    assert "frame-src 'self'" in outer.headers["content-security-policy"]
    policy = reader.get("/dbt-docs/site").headers["content-security-policy"]
    assert "sandbox allow-scripts;" in policy
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[\w+/=]+'$", policy)
    assert "allow-same-origin" not in policy


def test_many_readers_at_once(reader: TestClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda job: reader.get(f"/workers?job={job}"), ["birds", "reviews", ""] * 8))
    assert {answer.status_code for answer in answers} == {200}


def test_what_cannot_be_shown_is_said_in_one_sentence(access: FakeAccess) -> None:
    def lake() -> Path:
        raise SettingError("unknown setting", where="environment", value="LABELHOUSE_<b>", allowed="LABELHOUSE_LAKE")

    answer = TestClient(make_app(access, lake), headers={"Authorization": "Bearer op-token"}).get("/workers")
    assert answer.status_code == 503
    assert "environment: unknown setting: 'LABELHOUSE_<b>' (allowed: LABELHOUSE_LAKE)" in Page(answer.text).text
