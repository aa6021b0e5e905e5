"""Worker responses become one row per answer, whoever the workers are and however the answer is wrapped."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from labeling_units import EMAIL, IDENTITIES, RESPONSE, SUB, UNIT_AT, answer, document, parse


def row(**changes: Any) -> dict[str, Any]:
    """The row of one answer, which must load."""
    result = parse(document(answer(**changes)))
    assert result.reasons == []
    return result.answers[0]


def reason(**changes: Any) -> str:
    """Why one answer does not load; the good one beside it must."""
    result = parse(document(answer(), answer(**changes)))
    assert result.counts == {"read": 2, "loaded": 1, "quarantined": 1, "filtered": 0}
    assert [found["position"] for found in result.answers] == ["0"]
    assert result.quarantined[0]["position"] == "1"
    assert result.quarantined[0]["is_encrypted"] is False
    assert SUB.encode() not in result.quarantined[0]["raw_bytes"]
    return str(result.quarantined[0]["reason"])


def test_a_private_workers_answer() -> None:
    pseudonym = IDENTITIES.pseudonym(SUB)
    found = row()
    kept = json.loads(found.pop("answer_json"))
    assert found == {
        "position": "0",
        "event_at": datetime(2024, 5, 6, 7, 1, 0, 456000, tzinfo=UTC),
        "labeling_job_name": "Pets",
        "iteration_number": 2,
        "dataset_object_id": "17",
        "worker_id": "abcdef0123456789",
        "workforce_type": "private",
        "worker_pseudonym": pseudonym,
        "identity_provider": "Cognito",
        "accepted_at": datetime(2024, 5, 6, 7, 0, 0, 123000, tzinfo=UTC),
        "submitted_at": datetime(2024, 5, 6, 7, 1, 0, 456000, tzinfo=UTC),
        "time_spent_seconds": Decimal("40.543"),
        "crowd_element": "crowd-image-classifier",
        "label": "cat",
        "answer_folder": None,
    }
    expected = answer()
    expected["workerMetadata"]["identityData"]["sub"] = pseudonym
    assert kept == expected
    assert list(kept) == list(expected), "fields keep their order"


def test_a_public_workers_answer_leaves_what_it_lacks_null() -> None:
    found = row(
        acceptanceTime=...,
        timeSpentInSeconds=...,
        workerMetadata=...,
        submissionTime="2019-04-18T16:11:15Z",
        workerId="public.us-east-1.PHMFOWIIICWDF3ZS5HORERJV6Y",
    )
    assert (found["worker_id"], found["workforce_type"]) == ("PHMFOWIIICWDF3ZS5HORERJV6Y", "public")
    assert found["submitted_at"] == datetime(2019, 4, 18, 16, 11, 15, tzinfo=UTC)
    for name in ("accepted_at", "time_spent_seconds", "worker_pseudonym", "identity_provider"):
        assert found[name] is None, name


@pytest.mark.parametrize(
    ("captured", "worker_id", "workforce"),
    [
        ("vendor.us-west-2.ab.cd", "ab.cd", "vendor"),
        ("a12b3cdefg4h5i67", "a12b3cdefg4h5i67", None),
        ("other.us-east-1.x", "other.us-east-1.x", None),
        ("private.us-east-1.", "private.us-east-1.", None),
        ("", None, None),
        (None, None, None),
        (..., None, None),
    ],
)
def test_the_worker_id_loses_its_prefix(captured: Any, worker_id: str | None, workforce: str | None) -> None:
    found = row(workerId=captured)
    assert (found["worker_id"], found["workforce_type"]) == (worker_id, workforce)


def test_an_oidc_worker_needs_no_cognito_user() -> None:
    identity = {"identityProviderType": "Oidc", "issuer": "https://idp.example.com/adfs", "sub": "ada"}
    found = row(workerMetadata={"identityData": identity})
    assert (found["identity_provider"], found["worker_pseudonym"]) == ("Oidc", IDENTITIES.pseudonym("ada"))
    assert (
        json.loads(found["answer_json"])["workerMetadata"]["identityData"]["issuer"] == "https://idp.example.com/adfs"
    )


@pytest.mark.parametrize(
    "metadata", [..., None, {}, {"identityData": None}, {"identityData": {}}, {"identityData": {"sub": ""}}]
)
def test_a_worker_without_an_identity_has_no_pseudonym(metadata: Any) -> None:
    found = row(workerMetadata=metadata)
    assert (found["worker_pseudonym"], found["identity_provider"]) == (None, None)


def test_identities_are_replaced_wherever_they_stand() -> None:
    found = row(
        workerId=SUB,
        answerContent={"form": {"comment": f"{EMAIL} says worker {SUB} is right", SUB: [SUB]}},
        workerMetadata={
            "identityData": {
                "sub": SUB,
                "email": EMAIL,
                "name": "Canary Nightingale",
                "phone": 447700900123,
            },
            "isVerified": True,
            "groups": ["Canary Team"],
        },
    )
    everything = json.dumps({key: str(value) for key, value in found.items()})
    for identity in (SUB, EMAIL, "Canary", "447700900123"):
        assert identity not in everything
    kept = json.loads(found["answer_json"])
    pseudonym = IDENTITIES.pseudonym(SUB)
    assert found["worker_id"] == found["worker_pseudonym"] == pseudonym
    assert kept["answerContent"]["form"][pseudonym] == [pseudonym]
    assert kept["workerMetadata"]["identityData"]["name"] == IDENTITIES.pseudonym("Canary Nightingale")
    assert kept["workerMetadata"]["isVerified"] is True


@pytest.mark.parametrize(
    ("spelt", "hidden"),
    [
        ('"identityData": {"sub": "' + SUB + '"}', SUB),
        ('"worker\\u004detadata": {"name": "Canary Nightingale"}', "Nightingale"),
        ('"content": [{"identityData": {"name": "Canary Nightingale"}}]', "Nightingale"),
        ('"comment": "ada\\u0040example.com"', "ada"),
        ('"comment": "https://example.com/?by=ada%40example.com"', "ada"),
        ('"comment": "{\\"by\\": \\"ada\\\\u0040example.com\\"}"', "ada"),
        ('"ada@example.com": 1', "ada"),
    ],
)
def test_identities_are_found_however_they_are_spelt(spelt: str, hidden: str) -> None:
    (found,) = parse(f'{{"answers": [{{"answerContent": {{}}, {spelt}}}]}}'.encode()).answers
    assert hidden not in found["answer_json"].replace("Metadata", "")
    assert "p_" in found["answer_json"]


def test_a_document_may_be_one_answer_without_a_list() -> None:
    result = parse(json.dumps(answer()).encode())
    assert result.counts == {"read": 1, "loaded": 1, "quarantined": 0, "filtered": 0}
    assert result.answers == parse(document(answer())).answers


@pytest.mark.parametrize("wraps", [1, 2])
def test_content_that_is_json_inside_json_is_opened(wraps: int) -> None:
    content: Any = {"crowd-image-classifier": {"label": "cat"}, "by": EMAIL}
    wrapped = content
    for _ in range(wraps):
        wrapped = json.dumps(wrapped)
    found = row(answerContent=wrapped)
    assert (found["crowd_element"], found["label"]) == ("crowd-image-classifier", "cat")
    kept = json.loads(found["answer_json"])["answerContent"]
    assert kept == content | {"by": IDENTITIES.pseudonym(EMAIL)}


@pytest.mark.parametrize(
    ("content", "element", "label"),
    [
        ({"crowd-image-classifier": {"label": "设备 "}}, "crowd-image-classifier", "设备 "),
        ({"crowd-image-classifier": {}}, "crowd-image-classifier", None),
        ({"crowd-image-classifier": {"label": ""}}, "crowd-image-classifier", None),
        ({"crowd-image-classifier": {"label": None}}, "crowd-image-classifier", None),
        ({"crowd-image-classifier-multi-select": {"labels": ["a", "b"]}}, "crowd-image-classifier-multi-select", None),
        ({"crowd-entity-annotation": {"entities": []}}, "crowd-entity-annotation", None),
        ({"boundingBox": {"boundingBoxes": []}}, "boundingBox", None),
        ({"trackingAnnotations": {"frameData": {"entries": []}}}, "trackingAnnotations", None),
        ({"transcription": "use lambda"}, "transcription", None),
        ({}, None, None),
    ],
)
def test_the_first_key_of_the_content_names_the_crowd_element(
    content: dict[str, Any], element: str | None, label: str | None
) -> None:
    found = row(answerContent=content)
    assert (found["crowd_element"], found["label"]) == (element, label)
    assert json.loads(found["answer_json"])["answerContent"] == content


def test_unknown_fields_are_kept() -> None:
    assert json.loads(row(newField={"a": [1, 2.5]})["answer_json"])["newField"] == {"a": [1, 2.5]}


@pytest.mark.parametrize("missing", [..., None, ""])
def test_a_missing_time_is_null_and_the_event_is_at_the_units_time(missing: Any) -> None:
    found = row(submissionTime=missing, acceptanceTime=missing)
    assert (found["submitted_at"], found["accepted_at"]) == (None, None)
    assert found["event_at"] == UNIT_AT


@pytest.mark.parametrize(
    ("captured", "time"),
    [
        ("2024-05-06T07:01:00Z", datetime(2024, 5, 6, 7, 1, tzinfo=UTC)),
        ("2024-05-06T07:01:00.5Z", datetime(2024, 5, 6, 7, 1, 0, 500_000, tzinfo=UTC)),
        ("2024-05-06T07:01:00.123456Z", datetime(2024, 5, 6, 7, 1, 0, 123_456, tzinfo=UTC)),
        ("2024-05-06T09:01:00+02:00", datetime(2024, 5, 6, 7, 1, tzinfo=UTC)),
        ("2024-05-06T09:01:00+0200", datetime(2024, 5, 6, 7, 1, tzinfo=UTC)),
        ("2024-05-06 07:01:00", datetime(2024, 5, 6, 7, 1, tzinfo=UTC)),
    ],
)
def test_times_are_utc(captured: str, time: datetime) -> None:
    assert row(submissionTime=captured)["submitted_at"] == time


def test_a_clock_may_be_a_little_ahead() -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert row(submissionTime=soon.isoformat())["submitted_at"] == soon


def test_submitted_before_accepted_is_a_matter_for_a_check() -> None:
    found = row(acceptanceTime="2024-05-06T08:00:00Z", submissionTime="2024-05-06T07:00:00Z")
    assert found["submitted_at"] < found["accepted_at"]


@pytest.mark.parametrize("name", ["submissionTime", "acceptanceTime"])
@pytest.mark.parametrize(
    ("captured", "words"),
    [
        ("yesterday", "is not a time such as 2019-04-18T16:40:59Z"),
        ("2024-05-06", "is not a time such as"),
        ("2024-05-06T07:01:60Z", "is not a time such as"),
        ("2024-02-30T07:01:00Z", "is not a time such as"),
        ("0001-01-01T00:00:00+23:00", "is not a time such as"),
        ("1970-01-01T00:00:00Z", "lies before 2010 or in the future"),
        ("2009-12-31T23:59:59Z", "lies before 2010 or in the future"),
        ("9999-12-31T23:59:59Z", "lies before 2010 or in the future"),
        (1_714_979_000, "is a number, not text"),
        (["x"], "is a list, not text"),
    ],
)
def test_an_impossible_time_is_quarantined(name: str, captured: Any, words: str) -> None:
    assert reason(**{name: captured}).startswith(f"{name} {words}")


@pytest.mark.parametrize(
    ("captured", "seconds"),
    [
        (0, Decimal("0.000")),
        (40, Decimal("40.000")),
        (1e-9, Decimal("0.000")),
        (12.3456, Decimal("12.346")),
        (999_999_999_999_999.0, Decimal("999999999999999.000")),
        (None, None),
        (..., None),
    ],
)
def test_time_spent_is_a_decimal_of_milliseconds(captured: Any, seconds: Decimal | None) -> None:
    found = row(timeSpentInSeconds=captured)["time_spent_seconds"]
    assert found == seconds
    assert found is None or found.as_tuple().exponent == -3


@pytest.mark.parametrize(
    ("captured", "words"),
    [
        (-1, "is negative or too large"),
        (-0.001, "is negative or too large"),
        (1e15, "is negative or too large"),
        (1e300, "is negative or too large"),
        ("40.5", "is text, not a number"),
        (True, "is true or false, not a number"),
    ],
)
def test_an_impossible_time_spent_is_quarantined(captured: Any, words: str) -> None:
    assert reason(timeSpentInSeconds=captured) == f"timeSpentInSeconds {words}"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"answerContent": ...}, "answerContent is missing"),
        ({"answerContent": None}, "answerContent is null, not an object"),
        ({"answerContent": [1]}, "answerContent is a list, not an object"),
        ({"answerContent": "plain words"}, "answerContent: the text is not JSON"),
        ({"answerContent": '{"a": '}, "answerContent: the JSON ends too early"),
        ({"answerContent": '{"a": "\\ud800"}'}, "answerContent: a text holds half of a surrogate pair"),
        ({"answerContent": '{"a": 99999999999999999999}'}, "answerContent: a whole number is beyond 64 bits"),
        ({"answerContent": json.dumps(json.dumps("again"))}, "answerContent is text, not an object"),
        ({"answerContent": {"crowd-image-classifier": "cat"}}, "crowd-image-classifier is text, not an object"),
        ({"answerContent": {"crowd-image-classifier": {"label": 3}}}, "label is a number, not text"),
        ({"workerId": 7}, "workerId is a number, not text"),
        ({"workerMetadata": [SUB]}, "workerMetadata is a list, not an object"),
        ({"workerMetadata": SUB}, "workerMetadata is text, not an object"),
        ({"workerMetadata": {"identityData": SUB}}, "workerMetadata.identityData is text, not an object"),
        ({"workerMetadata": {"identityData": {"sub": [SUB]}}}, "workerMetadata.identityData.sub is a list, not text"),
    ],
)
def test_a_field_that_is_not_what_it_should_be_quarantines_its_answer(changes: dict[str, Any], words: str) -> None:
    assert reason(**changes).startswith(words)


def test_what_is_no_answer_at_all_is_kept_encrypted() -> None:
    result = parse(document(answer(), SUB, 5, None))
    assert result.counts == {"read": 4, "loaded": 1, "quarantined": 3, "filtered": 0}
    assert result.reasons == [
        ("1", "the answer is text, not an object"),
        ("2", "the answer is a number, not an object"),
        ("3", "the answer is null, not an object"),
    ]
    assert all(kept["is_encrypted"] for kept in result.quarantined)
    assert IDENTITIES.decrypt(result.quarantined[0]["raw_bytes"]) == json.dumps(SUB).encode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[]", "the document is a list, not an object"),
        (b'"x"', "the document is text, not an object"),
        (b"null", "the document is null, not an object"),
        (b"{}", "the document holds no list of answers and is no answer either"),
        (b'{"answers": []}', "the document holds no list of answers"),
        (b'{"answers": {"0": {}}}', "the document holds no list of answers"),
        (b'{"answers": null}', "the document holds no list of answers"),
        (b'{"humanAnswers": [{"answerContent": {}}]}', "the document holds no list of answers"),
    ],
)
def test_a_document_of_another_shape_is_one_quarantined_record(text: bytes, words: str) -> None:
    result = parse(text)
    assert result.counts == {"read": 1, "loaded": 0, "quarantined": 1, "filtered": 0}
    assert result.quarantined[0]["position"] == "0"
    assert result.quarantined[0]["reason"].startswith(words)
    assert IDENTITIES.decrypt(result.quarantined[0]["raw_bytes"]) == text


def test_an_answer_takes_as_long_however_many_are_in_its_file() -> None:
    def seconds(*documents: bytes) -> float:
        begin = time.process_time()
        for each in documents:
            parse(each)
        return time.process_time() - begin

    answers = [answer() for _ in range(4_000)]
    in_few = seconds(*(document(*answers[at : at + 10]) for at in range(0, len(answers), 10)))
    assert seconds(document(*answers)) < 4 * in_few, "quadratic time would be some forty times as long"


def test_a_workers_identity_is_replaced_in_the_answer_only_it_repeats() -> None:
    """What a document says elsewhere neither hides nor spares it."""
    plain = answer(workerMetadata={"identityData": {"sub": "another-worker-of-the-same-file"}})
    result = parse(document(plain, answer(answerContent={"form": {"by": f"worker {SUB}"}}), plain))
    kept = [json.loads(found["answer_json"])["answerContent"] for found in result.answers]
    assert kept == [
        plain["answerContent"],
        {"form": {"by": f"worker {IDENTITIES.pseudonym(SUB)}"}},
        plain["answerContent"],
    ]


def test_answers_come_in_chunks() -> None:
    result = parse(document(*({"answerContent": {}} for _ in range(10_001))), RESPONSE)
    assert (result.chunks, result.counts["loaded"]) == (2, 10_001)
    assert [found["position"] for found in result.answers] == [str(number) for number in range(10_001)]
