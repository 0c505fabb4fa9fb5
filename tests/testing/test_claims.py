"""Of several that ask for the last call of a route at once, one gets it, and the cassette around has the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import borzoi
from borzoi.testing import Cassette, Mock, fault, mock

URL = "https://api.test/users"
CASSETTE = """
borzoi: 1
exchanges:
- request: {method: GET, url: "https://api.test/users"}
  response: {status: 218, text: of the cassette}
"""


@pytest.fixture
def m(tmp_path: Any) -> Iterator[Mock]:
    """A mock, and in it a cassette with one exchange."""
    path = tmp_path / "users.yaml"
    path.write_text(CASSETTE)
    with mock() as m, Cassette(path):
        yield m


def overtaken(first: dict[str, str], second: dict[str, str], *, http2: bool = False) -> list[str]:
    """Send one request while another, whose connection is made, waits, and return the texts as they come."""
    is_on_its_way, second_is_answered = threading.Event(), threading.Event()
    texts: list[str] = []

    def trace(name: str, info: Any) -> None:
        is_on_its_way.set()
        assert second_is_answered.wait(5)

    def send(headers: dict[str, str], extensions: dict[str, Any]) -> None:
        with borzoi.Client(trust_env=False, http2=http2) as client:
            texts.append(client.get(URL, headers=headers, extensions=extensions).text)

    thread = threading.Thread(target=send, args=(first, {"trace": trace}))
    thread.start()
    assert is_on_its_way.wait(5)
    send(second, {})
    second_is_answered.set()
    thread.join(5)
    return texts


@pytest.mark.parametrize("http2", [False, True])
def test_two_threads(m: Mock, http2: bool) -> None:
    """A thread that asks while another's request is on its way to a route of one call is not told that it has it, too."""
    m.get(URL).reply(text="of the route").times(1)
    assert overtaken({}, {}, http2=http2) == ["of the cassette", "of the route"]


def test_two_tasks(m: Mock) -> None:
    """The same of two tasks in one loop, where the first waits for its connection."""
    m.network("api.test").latency(1)
    m.get(URL).reply(201).times(1)

    async def main() -> list[int]:
        async with borzoi.AsyncClient(trust_env=False) as client:
            both = await asyncio.gather(client.get(URL), client.get(URL))
            return [response.status_code for response in both]

    assert asyncio.run(main()) == [201, 218]


def test_headers_tell_claims_apart(m: Mock) -> None:
    """Requests that differ in header fields only come in another order than they were sent in, each to its own route."""
    for name in ("a", "b"):
        m.get(URL, headers={"x": name}).reply(text=name).times(1)
    assert overtaken({"x": "a"}, {"x": "b"}) == ["b", "a"]


def test_a_request_that_never_comes(m: Mock) -> None:
    """A request whose connection fails gives back what it held, and is no call."""
    route = m.get(URL).reply(201).times(1)
    m.network("api.test").refuse(times=1)
    with borzoi.Client(trust_env=False) as client:
        with pytest.raises(borzoi.ConnectError):
            client.get(URL)
        assert (route.call_count, route.claims) == (0, 0)
        assert client.get(URL).status_code == 201
        assert (route.call_count, route.claims) == (1, 0)
        assert client.get(URL).status_code == 218


def test_a_request_that_is_sent_again(m: Mock) -> None:
    """A GET that is tried again on a new connection is a call more, as without a cassette."""
    route = m.get(URL).replies(200, fault.reset(), 202)
    with borzoi.Client(trust_env=False) as client:
        assert [client.get(URL).status_code for _ in range(3)] == [200, 202, 218]
    assert (route.call_count, route.claims) == (3, 0)


def test_a_body_that_is_sent(m: Mock) -> None:
    """A request with a body, and one by way of a proxy, drop their claims."""
    route = m.post(URL, json={"a": 1}).reply(201).times(2)
    with borzoi.Client(trust_env=False) as client, borzoi.Client(proxy="http://proxy.test:3128") as proxied:
        for one in (client, proxied):
            assert one.post(URL, json={"a": 1}).status_code == 201
    assert (route.call_count, route.claims) == (2, 0)
