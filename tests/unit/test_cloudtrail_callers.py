"""Who called is a pseudonym, wherever a record says it: in rows, in what is quarantined, in AWS's messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labelhouse.sources.trails.callers import Callers
from trail_units import (
    ACCESS_KEY,
    ACCOUNT,
    ADDRESS,
    IDENTITIES,
    SESSION,
    USER,
    Json,
    Result,
    by_record,
    call,
    event,
    log,
    parse,
    point,
)

CANARIES = (SESSION, SESSION.partition("@")[0], USER, ADDRESS, ACCESS_KEY, "AROACANARY", "2001:db8:abcd:1234")
PERSON = IDENTITIES.pseudonym(SESSION)


def assert_nobody_is_named(result: Result) -> None:
    for rows in [*result.tables.values(), result.quarantined]:
        for row in rows:
            for name, value in row.items():
                if name != "raw_bytes" or not row["is_encrypted"]:
                    for canary in CANARIES:
                        assert canary.lower() not in str(value).lower(), name


def principal(arn: str) -> str | None:
    """The caller in the rows of a point and of an event, which must be the same."""
    identity = {"type": "IAMUser", "arn": arn, "userName": USER}
    result = parse(log(call(userIdentity=identity), event("CreateTrial", userIdentity=identity)))
    (row,), (other,) = result.points, result.events
    assert row["principal_arn"] == other["principal_arn"]
    return row["principal_arn"]  # type: ignore[no-any-return]


IAM, STS = f"arn:aws:iam::{ACCOUNT}:", f"arn:aws:sts::{ACCOUNT}:"


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (f"{STS}assumed-role/Trainer/{SESSION}", f"{STS}assumed-role/Trainer/{PERSON}"),
        (f"{STS}assumed-role/Trainer/{SESSION.upper()}", f"{STS}assumed-role/Trainer/{PERSON}"),
        (f"{STS}assumed-role/Trainer/SageMaker", f"{STS}assumed-role/Trainer/SageMaker"),
        (f"{STS}assumed-role/Node/i-0123456789abcdef0", f"{STS}assumed-role/Node/i-0123456789abcdef0"),
        (f"{STS}assumed-role/Node/i-am-ada", f"{STS}assumed-role/Node/{IDENTITIES.pseudonym('i-am-ada')}"),
        (f"{STS}assumed-role/AWSReservedSSO_A_0a1b/{SESSION}", f"{STS}assumed-role/AWSReservedSSO_A_0a1b/{PERSON}"),
        (f"{STS}federated-user/{USER}", f"{STS}federated-user/{IDENTITIES.pseudonym(USER)}"),
        (f"{IAM}user/{USER}", f"{IAM}user/{IDENTITIES.pseudonym(USER)}"),
        (f"{IAM}user/research/uk/{USER}", f"{IAM}user/research/uk/{IDENTITIES.pseudonym(USER)}"),
        (f"{IAM}role/Trainer", f"{IAM}role/Trainer"),
        (f"{IAM}root", f"{IAM}root"),
        ("arn:aws-cn:iam::111122223333:user/ada", f"arn:aws-cn:iam::111122223333:user/{IDENTITIES.pseudonym('ada')}"),
        (f"{IAM}user/Grace Hopper", f"{IAM}user/{IDENTITIES.pseudonym('grace hopper')}"),
        ("sagemaker.amazonaws.com", "sagemaker.amazonaws.com"),
        (SESSION, PERSON),
    ],
)  # fmt: skip
def test_persons_are_pseudonyms_and_roles_and_machines_keep_their_names(arn: str, expected: str) -> None:
    assert principal(arn) == expected


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (ADDRESS, "203.0.113.0/24"),
        ("255.255.255.255", "255.255.255.0/24"),
        ("2001:db8:abcd:1234:5678::9", "2001:db8:abcd::/48"),
        ("2001:DB8:ABCD:1234::1%eth0", "2001:db8:abcd::/48"),
        ("::ffff:203.0.113.77", "::/48"),
        ("sagemaker.amazonaws.com", "sagemaker.amazonaws.com"),
        ("AWS Internal", "AWS Internal"),
        (f"{ADDRESS}:443", None),
        (f"{ADDRESS}, 10.0.0.1", None),
        (f"for {ADDRESS}", None),
        ("[2001:db8:abcd:1234::1]:443", None),
        ("203.0.113.777", None),
        (SESSION, None),
        ("", None),
        (None, None),
        (..., None),
    ],
)
def test_addresses_are_cut_to_their_networks(address: Any, network: str | None) -> None:
    given = call(sourceIPAddress=address)
    result = parse(log(given, by_record(given), event("CreateTrial", sourceIPAddress=address)))
    assert [row["source_network"] for row in result.points + result.events] == [network] * 3


def test_a_refusal_in_awss_words_names_nobody() -> None:
    message = (
        f"User: {STS}assumed-role/Trainer/{SESSION} is not authorized to perform: sagemaker:CreateTrial on resource: "
        f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:experiment-trial/birds because {IAM}user/{USER}."
    )
    result = parse(log(event("CreateTrial", errorCode="AccessDenied", errorMessage=message)))
    (row,) = result.events
    expected = message.replace(SESSION, PERSON).replace(USER, IDENTITIES.pseudonym(USER))
    assert row["error_message"] == expected
    assert_nobody_is_named(result)


#: Requests and responses that name somebody, in every form a JSON text may have.
NAMING = [
    {"username": USER},
    {"userName": USER, "note": f"by {USER}"},
    {"username": [USER, "ada"], "x": USER},
    {"createdBy": {"userProfileName": USER, "iam": {"arn": f"{IAM}user/{USER}", "principalId": "AROACANARY:x"}}},
    {"owner": f"{STS}assumed-role/Trainer/{SESSION}", "note": f"{STS}assumed-role/Trainer/{SESSION} did"},
    {"email": SESSION, "list": [SESSION, {SESSION: SESSION}]},
    {"userIdentity": {"userName": USER, "accessKeyId": ACCESS_KEY, "arn": f"{IAM}user/{USER}"}},
    {"userIdentity": json.dumps({"userName": USER})},
    {"userAttributes": [{"name": "phone_number", "value": USER}, {"name": "sub", "value": "ada"}]},
    {"nested": [{"deeper": {"principalId": f"AROACANARY:{SESSION}"}}]},
    {"profile": f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:user-profile/d-1/{USER}"},
]  # fmt: skip


@pytest.mark.parametrize("naming", NAMING)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\n ", " :\t ")])
@pytest.mark.parametrize("extra", [{}, {"text": 'with an "escape"'}, {"text": "ä"}])
def test_what_a_change_carries_names_nobody(naming: Json, separators: tuple[str, str], extra: Json) -> None:
    given = event("UpdateTrial", naming | extra, responseElements=naming | extra)
    result = parse(log(json.dumps(given, separators=separators, ensure_ascii=not extra).encode()))
    assert result.counts["loaded"] == 1
    assert_nobody_is_named(result)
    (row,) = result.events
    assert set(json.loads(row["request_json"])) == set(naming | extra)


@pytest.mark.parametrize("naming", NAMING)
def test_what_is_quarantined_names_nobody(naming: Json) -> None:
    texts = {"requestParameters": naming, "additionalEventData": naming, "userAgent": f"agent of {SESSION}"}
    for bad in (event("UpdateTrial", eventID=None, **texts), call(eventID=None, **texts), call(**texts)):
        result = parse(log(bad, call()))
        assert (result.counts["quarantined"], result.counts["loaded"]) == (1, 1)
        assert result.quarantined[0]["is_encrypted"] is False
        assert_nobody_is_named(result)
    partly = parse(log(call(point(), point(value=None, **naming))))
    assert partly.reasons == [("0/1", "value is null, not a number")]
    assert_nobody_is_named(partly)


@pytest.mark.parametrize(
    "identity", [USER, [USER], {"userName": USER, "type": 7}, json.dumps({"userName": USER}), [{"userName": USER}]]
)
def test_an_identity_of_another_form_names_nobody_either(identity: Any) -> None:
    result = parse(log(call(userIdentity=identity), event("CreateTrial", userIdentity=identity)))
    assert result.counts["quarantined"] == 2
    for row in result.quarantined:
        assert USER not in row["raw_bytes"].decode()


def test_what_cannot_be_parsed_is_encrypted() -> None:
    bad = json.dumps(event("CreateTrial", {"username": USER})).encode()[:-1] + b',"userAgent":"\xff"}'
    result = parse(log(bad, call()))
    assert result.reasons == [("0", "the text is not UTF-8")]
    (row,) = result.quarantined
    assert row["is_encrypted"] is True
    assert USER.encode() not in row["raw_bytes"]
    assert IDENTITIES.decrypt(row["raw_bytes"]) == bad


def test_the_fast_way_leaves_what_the_thorough_one_leaves() -> None:
    callers = Callers(IDENTITIES)
    for naming in [*NAMING, {"plain": ["texts", 1, None, {"a": True}]}, {"userName": "ada", "by": "ada", "x": "adam"}]:
        text = json.dumps(naming, separators=(",", ":"))
        fast = callers.json(text)
        assert fast is None or json.loads(fast) == callers.record(naming)


def test_a_text_that_is_long_takes_no_longer_than_it_should() -> None:
    """Each of these would take minutes if a pattern went over it again and again."""
    for text in ("arn:aws:iam::" * 20_000, f"{IAM}user/" * 20_000, f"{IAM}user/" + "/" * 200_000, "a@" * 100_000):
        result = parse(log(event("CreateTrial", {"x": text, "username": text}, errorMessage=text)))
        assert result.counts["loaded"] == 1
