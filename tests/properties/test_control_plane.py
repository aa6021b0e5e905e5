"""Listings of any pages in any weather hold exactly what there is, or fail; no answer makes a parser raise."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane import POOL, job, team, team_job, user
from control_plane_units import parse
from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources import Source, control_plane, labeling_job_states, labeling_jobs, workers, workteams
from labelhouse.sources.control_plane import Api
from mutated_json import mutated
from served_aws import refused


@pytest.fixture(autouse=True, scope="module")
def impatient() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control_plane, "WAITS_SECONDS", (0.0, 0.0, 0.0))
        patch.setattr(control_plane, "MOST_IDLE_PAGES", 30)
        yield


PASSING = [
    refused("ThrottlingException", message="Rate exceeded"),
    refused("TooManyRequestsException"),
    refused("InternalFailure", 500),
    refused("Whatever", 503),
    refused("ExpiredTokenException", message="The security token included in the request is expired"),
    EndpointConnectionError(endpoint_url="https://sagemaker"),
    ReadTimeoutError(endpoint_url="https://sagemaker"),
]
EXPIRED = refused("ValidationException", message="The pagination token has expired")


class Paged:
    """A listing cut into pages, some of which are empty or repeat what came before, in some weather.

    Args:
        pages: items of each page.
        weather: number of a request → what it gets instead of an answer.
    """

    def __init__(self, pages: list[list[int]], weather: dict[int, Exception]) -> None:
        self.pages, self.weather, self.requests = pages, weather, 0

    def list_things(self, **parameters: Any) -> dict[str, Any]:
        fault = self.weather.get(self.requests)
        self.requests += 1
        # a request without a token has none that could expire
        if fault is not None and not (fault is EXPIRED and "NextToken" not in parameters):
            raise fault
        at = int(parameters.get("NextToken", "0"))
        page: dict[str, Any] = {"Things": [{"Id": item} for item in self.pages[at]]}
        return page | ({"NextToken": str(at + 1)} if at + 1 < len(self.pages) else {})


def listed(paged: Paged) -> list[int]:
    found = Api(lambda name: paged, "things", "us-east-1", "things://here").listing(
        "list_things", "Things", lambda thing: thing["Id"]
    )
    return [thing["Id"] for thing in found]


pages = st.lists(st.lists(st.integers(0, 40), max_size=4) | st.just([]), min_size=1, max_size=25)


@settings(max_examples=1000)
@given(pages, st.dictionaries(st.integers(0, 40), st.sampled_from([*PASSING, EXPIRED]), max_size=12))
def test_a_listing_is_complete_or_none(things: list[list[int]], weather: dict[int, Exception]) -> None:
    there = [item for page in things for item in page]
    try:
        found = listed(Paged(things, weather))
    except (SourceUnavailableError, SourceError):
        bad = sorted(weather)
        many_in_a_row = any(all(first + more in weather for more in range(4)) for first in bad)
        assert many_in_a_row or list(weather.values()).count(EXPIRED) > 3, "a few faults stop no listing"
    else:
        assert found == list(dict.fromkeys(there)), "each thing once, in the order of AWS"


@settings(max_examples=100)
@given(pages, st.integers(1, 60), st.booleans())
def test_a_listing_without_progress_is_no_end(things: list[list[int]], idle: int, is_repeated: bool) -> None:
    known = [item for page in things for item in page][:3]
    dull = [known if is_repeated else []] * idle
    paged = Paged([[*known], *dull, [99]], {})
    if idle + (not known) > 30:  # a first page without anything is idle, too
        with pytest.raises(SourceUnavailableError, match="30 pages in a row bring nothing new"):
            listed(paged)
    else:
        assert listed(paged) == [*dict.fromkeys(known), 99]


def test_the_script_knows_what_it_plays() -> None:
    with pytest.raises(ClientError):
        Paged([[1]], {0: PASSING[0]}).list_things()
    assert Paged([[1]], {0: EXPIRED}).list_things() == {"Things": [{"Id": 1}]}


texts = st.text(st.characters(codec=None), max_size=12)  # half surrogate pairs too
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    texts,
    st.sampled_from(["", "arn:aws:sagemaker:::labeling-job/", "9999-12-31T23:59:59Z", "a@b.example", "sub"]),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))

SAMPLES: list[tuple[Source, dict[str, Any]]] = [
    (labeling_jobs.SOURCE, job(Tags=[{"Key": "a", "Value": "b"}], LabelCategoryConfig={"labels": []})),
    (workteams.SOURCE, {"Workteam": team(), "LabelingJobSummaryList": [team_job(), team_job("b")]}),
    (workers.SOURCE, {"UserPoolId": POOL, "Users": [user("a", Groups=["x"]), user("b")]}),
    (
        labeling_job_states.SOURCE,
        {
            "id": "1",
            "detail-type": labeling_job_states.DETAIL_TYPE,
            "time": "2018-10-06T12:26:13Z",
            "account": "011122223333",
            "region": "us-east-1",
            "resources": ["arn:aws:sagemaker:us-east-1:011122223333:labeling-job/x"],
            "detail": {"LabelingJobStatus": "Completed"},
        },
    ),
]


@st.composite
def changed(draw: st.DrawFn) -> tuple[Source, Any]:
    """An answer with a few values, at any depth, that are something else, somewhere else or missing."""
    source, sample = draw(st.sampled_from(SAMPLES))
    return source, draw(mutated(json.loads(json.dumps(sample, default=datetime.isoformat)), values, texts))


@settings(max_examples=600)
@given(changed())
def test_no_answer_makes_a_parser_raise(sample: tuple[Source, Any]) -> None:
    source, document = sample
    result = parse(source, json.dumps(document).encode())  # `parse` also checks counts, types and required values
    assert result.counts["quarantined"] == len(result.quarantined)


@given(st.sampled_from([source for source, _ in SAMPLES]), st.binary(max_size=200))
def test_no_bytes_make_a_parser_raise(source: Source, data: bytes) -> None:
    parse(source, data)
