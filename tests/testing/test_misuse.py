"""What is wrong with a test is told plainly: mocks that are over or undecided, and seats that two want."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import borzoi
from borzoi._client import transports
from borzoi.testing import LateRequest, Mock, MockOver, UnmetExpectations, mock, reply
from borzoi.testing.cassette import Cassette
from borzoi.testing.mocking import StandIn, late
from borzoi.testing.server import Server

URL = "https://api.test/users"


@pytest.fixture(autouse=True)
def stand_in() -> Iterator[None]:
    """What stood in before the test stands there after it."""
    before = transports.stand_in
    yield
    transports.stand_in = before


def test_a_route_that_is_never_matched_is_told() -> None:
    """The report names the route, how often it was expected, and that it was not called."""
    with pytest.raises(UnmetExpectations) as caught, mock("the test") as m:
        m.post(URL, json={"name": "Laika"}).times(2)
    assert str(caught.value).splitlines() == [
        "The mock of the test has ended:",
        "  calls that did not come:",
        f"    POST {URL} was expected 2 times, and was never called",
    ]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda m: m.get(URL).reply(200, json=1, text="1"), "A reply has one body, and json and text were given"),
        (lambda m: m.get(URL).reply(200).reply(201), "has its reply already"),
        (lambda m: m.get(URL).sse("data: 1\n\n").stream("a"), "has its reply already"),
        (lambda m: m.get(URL).reply(lambda request: 200, json=1), "json belong to a status"),
        (lambda m: m.post(URL, json=1, content=b"1"), "A request has one body, and json and content were given"),
        (lambda m: m.get(URL).reply(200, interim=[101]), "An interim response has a status from 100 to 199, and not"),
    ],
)
def test_what_is_given_twice_is_refused(make: Any, text: str) -> None:
    """A body, or a reply, that is given twice or cannot be is refused where it is given."""
    with pytest.raises((TypeError, ValueError), match=text):
        make(Mock("the test"))


@pytest.mark.parametrize(
    "use",
    [
        lambda m: m.get(URL),
        lambda m: m.host("https://api.test").post("/users"),
        lambda m: m.network("api.test"),
        lambda m: m.bind(borzoi.Client()),
        lambda m: m.in_order(),
        lambda m: m.start(),
        lambda m: m.finish(),
    ],
)
def test_a_mock_that_is_over_says_so(use: Any) -> None:
    """Whatever is asked of a mock after its test is refused, by its name."""
    with mock("the test") as m:
        pass
    with pytest.raises(MockOver, match="The mock of the test is"):
        use(m)


def test_a_mock_that_was_never_started_cannot_end() -> None:
    """Ending what has not begun is an error."""
    with pytest.raises(MockOver, match="was never started"):
        Mock("the test").finish()


def test_a_transport_of_a_mock_that_is_over_answers_nothing() -> None:
    """A transport that outlives its mock refuses requests, which fails the run."""
    with mock("the test") as m:
        m.get(URL).optional()
        transport = m.transport()
    with (
        borzoi.Client(transport=transport) as client,
        pytest.raises(LateRequest, match="came after the test had ended"),
    ):
        client.get(URL)
    assert late.pop() == f"GET {URL} came after the test had ended, and was sent nowhere"


def test_a_server_that_is_over_takes_no_routes() -> None:
    """A server after its block refuses routes as a mock does."""
    with Server("the server") as server:
        pass
    with pytest.raises(MockOver, match="The mock of the server is over"):
        server.get("/")


CASSETTE = """
borzoi: 1
recorded: "2026-01-01T00:00:00Z"
exchanges:
- request:
    method: GET
    url: https://api.test/users
  response:
    status: 218
    headers: {}
"""


@pytest.fixture
def cassette(tmp_path: Any) -> Any:
    """A cassette with one exchange."""
    path = tmp_path / "users.yaml"
    path.write_text(CASSETTE)
    return Cassette(path)


def test_a_mock_in_a_cassette_leaves_it_the_rest(cassette: Any) -> None:
    """A mock answers while it lasts; before, and after it, the cassette around it does, and never the network."""
    with cassette, borzoi.Client(trust_env=False) as bound, borzoi.Client(trust_env=False) as other:
        with mock() as m:
            m.bind(bound)
            m.get(URL).reply(201)
            assert bound.get(URL).status_code == 201
            assert other.get(URL).status_code == 218
        with mock() as m:
            m.get(URL).reply(202)
            assert other.get(URL).status_code == 202
        with pytest.raises(AssertionError, match="is not on the cassette"):
            other.get(URL)
        cassette.unmatched.clear()


@pytest.mark.parametrize("wrong", ["https://api.test", object(), None, borzoi.HTTPTransport, borzoi.Client])
def test_what_cannot_be_bound_is_refused(wrong: Any) -> None:
    """bind() takes clients: anything else is a TypeError that names it, and nothing is bound."""
    with mock() as m, borzoi.Client(trust_env=False) as client:
        with pytest.raises(TypeError, match="takes a Client or an AsyncClient, and no"):
            m.bind(client, wrong)
        m.get(URL).reply(201)
        assert borzoi.get(URL).status_code == 201


def test_a_cassette_in_a_mock_answers_what_no_route_does(cassette: Any) -> None:
    """Routes come first, the cassette has the rest, and one in it takes its place; a bound client is the mock's alone."""
    with mock() as m, borzoi.Client(trust_env=False) as client:
        m.get("https://api.test/other").reply(201)
        with cassette, Cassette(cassette.path) as inner:
            assert client.get(URL).status_code == 218
            assert client.get("https://api.test/other").status_code == 201
            with pytest.raises(AssertionError, match="Everything on it has been replayed"):
                client.get(URL)
            m.bind(client)
            with pytest.raises(AssertionError, match="No route answers"):
                client.get(URL)
            m.unmatched.clear()
            inner.unmatched.clear()
        assert len(cassette.unused) == 1


def test_mocks_and_cassettes_nest(cassette: Any) -> None:
    """A mock in a cassette in a mock: the one in the context answers, and nobody is asked twice."""
    transports.stand_in = None
    with mock("outer") as outer, borzoi.Client(trust_env=False) as client:
        outer.get(URL).reply(reply(201))
        with cassette:
            with mock("inner") as inner:
                inner.get(URL).reply(202)
                assert client.get(URL).status_code == 202
            assert client.get(URL).status_code == 201
        assert isinstance(transports.stand_in, StandIn)
        assert client.get(URL).status_code == 201


def test_a_client_outlives_many_mocks() -> None:
    """A client for a whole session keeps nothing of the mocks that it has met."""
    with borzoi.Client(trust_env=False) as client:
        for _ in range(3):
            with mock() as m:
                m.get(URL).reply(200)
                client.get(URL)
        assert client._transport.guests == ()
