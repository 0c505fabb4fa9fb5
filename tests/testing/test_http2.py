"""HTTP/2 at the wire seam: the routes of a mock under the real pool and engine of HTTP/2, in every world."""

from __future__ import annotations

import gc
import warnings
from typing import Any

import pytest

import borzoi
from borzoi.testing import Mock, UnmatchedRequest, UnmetExpectations, close, event, fault, mock, reply, wait
from tests.worlds.world import WORLDS, World

API = "https://api.test"
URL = f"{API}/users"


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def one_world(request: pytest.FixtureRequest) -> World:
    """Each of the three worlds."""
    return WORLDS[request.param]


def client_of(world: World, **settings: Any) -> Any:
    """Return a client that offers HTTP/2."""
    return world.client(trust_env=False, http2=True, **settings)


def run(world: World, body: Any, **settings: Any) -> Any:
    """Run a body with a client."""

    async def with_client() -> Any:
        async with client_of(world, **settings) as client:
            return await body(client)

    return world.run(with_client)


def test_every_world_speaks_http2(world: World) -> None:
    """A client that offers HTTP/2 gets it over TLS, and HTTP/1.1 where it is not agreed on, from the same routes."""

    async def body(client: Any) -> list[str]:
        answers = [await client.get(URL), await client.get("http://api.test/users"), await client.get(URL)]
        assert [answer.json() for answer in answers] == [[1]] * 3
        return [answer.http_version for answer in answers]

    with mock() as m:
        route = m.get("*://api.test/users", headers={"host": "api.test"}).reply(json=[1])
        m.network("old.test").http1_only()
        m.get("https://old.test/").reply(200)
        assert run(world, body) == ["HTTP/2", "HTTP/1.1", "HTTP/2"]
        assert [call.http_version for call in route.calls] == ["HTTP/2", "HTTP/1.1", "HTTP/2"]

        async def old(client: Any) -> str:
            return str((await client.get("https://old.test/")).http_version)

        assert run(world, old) == "HTTP/1.1"


def test_a_client_that_knows_its_server(one_world: World) -> None:
    """HTTP/2 without asking, over plain TCP and over TLS, through a tunnel as well."""

    async def body(client: Any) -> list[str]:
        return [(await client.get(f"{scheme}://api.test/users")).http_version for scheme in ("http", "https")]

    with mock() as m:
        m.get("*://api.test/users").reply(204)
        assert run(one_world, body, http1=False) == ["HTTP/2", "HTTP/2"]
        assert [call.scheme for call in m.calls] == ["http", "https"]

    async def tunnelled(client: Any) -> str:
        return str((await client.get(URL)).http_version)

    with mock() as m:
        m.get(URL).reply(204)
        assert run(one_world, tunnelled, proxy="http://proxy.test:3128") == "HTTP/2"


@pytest.mark.parametrize("one_world", ["asyncio", "trio"], indirect=True)
def test_one_connection_for_all(one_world: World) -> None:
    """Requests at once share a connection; each pauses on its own, and all are done when the slowest is."""
    ended: list[str] = []

    async def body(client: Any) -> list[int]:
        async def get(seconds: int) -> int:
            response = await client.get(f"{API}/{seconds}")
            ended.append(f"{seconds} at {m.clock.now():g}")
            return int(response.extensions["stream_id"])

        await client.get(f"{API}/0")
        return list(await one_world.gather(*[lambda seconds=seconds: get(seconds) for seconds in (4, 1, 2)]))

    with mock() as m:
        m.get("/{seconds:int}").reply(lambda request, seconds: reply(200, fault=fault.stall(seconds)))
        assert len(set(run(one_world, body, timeout=60))) == 3
    assert sorted(ended) == ["1 at 1", "2 at 2", "4 at 4"]


def test_async_functions_answer_side_by_side() -> None:
    """Functions that sleep do so at the same time, and the time counts against the time-out of their requests."""
    world = WORLDS["asyncio"]

    async def answer(request: Any) -> str:
        await m.clock.sleep(3)
        return "late"

    async def body(client: Any) -> None:
        answers = await world.gather(lambda: client.get(URL), lambda: client.get(URL))
        assert [answer.text for answer in answers] == ["late", "late"]
        assert m.clock.now() == 3
        with pytest.raises(borzoi.ReadTimeout):
            await client.get(URL, timeout=1)

    with mock() as m:
        m.get(URL).reply(answer).times(3)
        run(world, body)


@pytest.mark.parametrize("http2", [True, False])
def test_interim_responses_and_trailers(http2: bool, one_world: World) -> None:
    """1xx responses come before the head, and trailers after the body, over both versions."""
    told: list[tuple[Any, ...]] = []

    async def tell(*given: Any) -> None:
        told.append(given)

    async def body() -> None:
        callback: Any = tell if one_world.is_async else lambda *given: told.append(given)
        async with one_world.client(trust_env=False, http2=http2) as client:
            response = await client.get(URL, extensions={"on_informational": callback})
            assert (response.content, response.trailers["x-sum"]) == (b"hi", "7")

    with mock() as m:
        m.get(URL).reply(text="hi", interim=[(103, {"Link": "</a>"}), wait(2), 100], trailers={"X-Sum": "7"})
        one_world.run(body)
        assert m.clock.now() == 2
    assert [str(given[0]) for given in told if "103" in repr(given)]
    assert len(told) == 2


def test_streams_and_events(one_world: World) -> None:
    """A body in pieces and server-sent events arrive piece by piece, in the clock's time."""

    async def body(client: Any) -> None:
        async with client.stream("GET", f"{API}/feed") as response:
            found = [one async for one in response.aiter_lines()]
            assert [line for line in found if line] == ["data: 1", "data: 2"]
        assert m.clock.now() == 5
        async with client.stream("GET", f"{API}/open") as response:
            with pytest.raises(borzoi.ReadTimeout):
                await response.aread()
        assert (await client.get(f"{API}/pieces")).content == b"abc"

    with mock() as m:
        m.get(f"{API}/feed").sse(event(1), wait(5), event(2), close())
        m.get(f"{API}/open").sse(event(1))
        m.get(f"{API}/pieces").stream("a", b"", wait(1), b"bc")
        run(one_world, body, timeout=7)


def test_bodies_beyond_the_windows(one_world: World) -> None:
    """Bodies larger than the windows of HTTP/2 come whole, both ways."""

    async def body(client: Any) -> None:
        response = await client.post(URL, content=b"x" * 300_000, headers={"Expect": "100-continue"})
        assert (response.status_code, len(response.content)) == (200, 2_500_000)

    with mock() as m:
        route = m.post(URL).reply(content=b"y" * 2_500_000)
        run(one_world, body)
    assert len(route.calls[0].content) == 300_000


@pytest.mark.parametrize("http2", [True, False])
def test_a_request_with_trailers(http2: bool) -> None:
    """What a client sends after its body is in `trailers`, over both versions."""
    with mock() as m, borzoi.Client(http2=http2, trust_env=False) as client:
        route = m.post(URL).reply(200)
        client.post(URL, content=iter([b"a"]), extensions={"trailers": {"X-Sum": "7"}})
    [call] = route.calls
    assert call.content == b"a"
    assert [(name.lower(), value) for name, value in call.trailers] == [(b"x-sum", b"7")]


def test_a_head_has_no_body(one_world: World) -> None:
    """Responses to HEAD, and those of 204 and 304, end with their heads."""

    async def body(client: Any) -> None:
        assert (await client.head(URL)).headers["content-length"] == "3"
        assert (await client.get(f"{URL}/204")).content == b""

    with mock() as m:
        m.head(URL).reply(text="abc", headers={"Connection": "keep-alive"})
        m.get(f"{URL}/204").reply(204, text="abc")
        run(one_world, body)


def test_what_no_route_answers(one_world: World) -> None:
    """UnmatchedRequest is raised to whose request it is, and fails the test, while others go on."""

    async def body(client: Any) -> None:
        async def fine() -> None:
            assert (await client.get(f"{API}/slow")).text == "a"

        async def lost() -> None:
            with pytest.raises(UnmatchedRequest, match=r"GET https://api\.test/lost"):
                await client.get(f"{API}/lost")

        await one_world.gather(fine, lost, fine)

    def broken(request: Any) -> str:
        raise ZeroDivisionError("in the test")

    async def wrong(client: Any) -> None:
        with pytest.raises(ZeroDivisionError, match="in the test"):
            await client.get(URL)
        with pytest.raises(TypeError, match=r"bad_chunk\(\) is a fault of HTTP/1.1"):
            await client.get(f"{API}/fault")

    with pytest.raises(UnmetExpectations, match="requests that no route answers"), mock() as m:  # noqa: PT012
        m.get(f"{API}/slow").stream(wait(1), "a")
        m.get(URL).reply(broken)
        m.get(f"{API}/fault").reply(fault.bad_chunk())
        run(one_world, body)
        run(one_world, wrong)


def test_a_fault_of_http2_over_http1() -> None:
    """A fault of HTTP/2 alone says so where it meets HTTP/1.1."""
    with mock() as m, borzoi.Client(trust_env=False) as client:
        m.get(URL).reply(fault.refuse_stream())
        with pytest.raises(
            TypeError, match=r"refuse_stream\(\) is a fault of HTTP/2, and the request came over HTTP/1.1"
        ):
            client.get(URL)


def test_windows_of_http1() -> None:
    """A fault of the windows of HTTP/2 says so to a client that does not offer it."""
    with mock() as m, borzoi.Client(trust_env=False) as client:
        m.network("api.test").window_stall()
        with pytest.raises(TypeError, match=r"window_stall\(\) is a fault of HTTP/2, which the client does not offer"):
            client.get(URL)


@pytest.mark.parametrize(
    ("answers", "statuses"),
    [
        ((fault.refuse_stream(), 201), [201]),
        ((fault.goaway(), 201), [201]),
        ((fault.goaway(processed=True), 202), [200, 202]),
        ((fault.reset(), 203), [203]),
    ],
    ids=repr,
)
def test_what_may_be_sent_again_is(answers: Any, statuses: list[int], one_world: World) -> None:
    """A refused stream, one beyond a GOAWAY, and a read on a connection that died are sent again; the rest goes on."""

    async def body(client: Any) -> list[int]:
        return [(await client.get(URL)).status_code for _ in statuses]

    with mock() as m:
        m.get(URL).replies(*answers)
        assert run(one_world, body) == statuses


def test_a_stream_reset_harms_no_other(one_world: World) -> None:
    """A stream that is reset in its body fails alone."""

    async def body(client: Any) -> None:
        async def fine() -> None:
            assert (await client.get(f"{API}/fine")).text == "ab"

        async def broken() -> None:
            with pytest.raises(borzoi.RemoteProtocolError, match="RST_STREAM, ENHANCE_YOUR_CALM"):
                await client.get(f"{API}/broken")

        await one_world.gather(fine, broken)

    with mock() as m:
        m.get(f"{API}/fine").stream("a", wait(1), "b")
        m.get(f"{API}/broken").reply(text="abc", fault=fault.reset_stream("ENHANCE_YOUR_CALM", after_bytes=1))
        run(one_world, body)


def test_an_unknown_code_is_refused() -> None:
    """The codes of HTTP/2 are named."""
    with pytest.raises(ValueError, match=r"HTTP/2 knows the error codes NO_ERROR, .*, and not 'ODD'"):
        fault.goaway("ODD")
    assert repr(fault.reset_stream("CANCEL", after_bytes=3)) == "reset_stream('CANCEL', after_bytes=3)"


def test_latency_and_a_server_that_is_not_there(one_world: World) -> None:
    """Latency puts off the connection and each reply; a refused connection is one over HTTP/2 as well."""

    async def body(client: Any) -> None:
        await client.get(URL)
        assert m.clock.now() == 4
        with pytest.raises(borzoi.ConnectError):
            await client.get("https://down.test/")

    with mock() as m:
        m.get(URL).reply(200)
        m.network("api.test").latency(2)
        m.network("down.test").refuse()
        run(one_world, body)


def test_what_is_left_open_is_told(one_world: World) -> None:
    """A response over HTTP/2 that nobody closed is in the report, whether it is still there or was forgotten."""

    async def body(client: Any) -> None:
        kept = await client.send(client.build_request("GET", URL), stream=True)
        forgotten = await client.send(client.build_request("GET", f"{URL}/2"), stream=True)
        closed = await client.send(client.build_request("GET", f"{URL}/3"), stream=True)
        await closed.aclose()
        assert forgotten.status_code == 200
        del forgotten
        gc.collect()
        text = m.finish()
        assert text is not None
        assert f"the response to GET {URL} was never closed" in text
        assert f"the response to GET {URL}/2 was never closed" in text
        assert f"{URL}/3" not in text
        await kept.aclose()

    m = Mock("the block").start()
    for path in ("", "/2", "/3"):
        m.get(URL + path).sse("data: 1\n\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        run(one_world, body)
    m.forget_context()


def test_a_wait_that_nothing_can_end() -> None:
    """In blocking code a wait without a time-out for what never comes is an error, over HTTP/2 as well."""
    with mock() as m, borzoi.Client(http2=True, trust_env=False, timeout=None) as client:
        m.get(URL).reply(200, fault=fault.stall())
        with pytest.raises(RuntimeError, match="it would last for ever"):
            client.get(URL)


def test_functions_that_sleep_and_send_on_threads() -> None:
    """A function that sleeps on the clock, or sends a request itself, holds up its own thread and not the clock."""

    def answer(request: Any) -> str:
        m.clock.sleep(3)
        return str(client.get(f"{API}/below").text)

    with mock() as m, borzoi.Client(http2=True, trust_env=False, timeout=60) as client:
        m.get(URL).reply(answer)
        m.get(f"{API}/below").reply(text="from below", fault=fault.stall(2))
        assert client.get(URL).text == "from below"
        assert m.clock.now() == 5
