"""`extensions={"raw_head": ...}`: the heads of an exchange as they go over the wire, in every world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from tests.exchange.http_peers import Asked, Recorder, answer, assert_whole, chunked, echo_target, http
from tests.worlds.peers import RawServer
from tests.worlds.proxies import proxying
from tests.worlds.world import World

ASKED = {"raw_head": True}


def saying(data: bytes) -> Callable[[Asked], bytes]:
    """Return what answers each request with these bytes."""
    return lambda asked: data


HEADS = [
    b"HTTP/1.1 200 OK\r\nCONTENT-length: 2\r\nx-B: 1\r\nX-b:2\r\n\r\n",
    b"HTTP/1.1 404 \r\nContent-Length:2\r\nServer:\t spaced \t\r\n\r\n",
    b"HTTP/1.0 200\r\nContent-Length: 2\r\nZ: last\r\nA: first\r\nx-latin: \xe9\r\n\r\n",
]


@pytest.mark.parametrize("head", HEADS)
def test_the_head_as_it_was_received(world: World, head: bytes) -> None:
    """Case, order, white space and repetition of the fields are those on the wire, to the empty line and no further."""

    async def body() -> None:
        async with world.client() as client:
            response = await client.get(server.url, extensions=ASKED)
            assert response.extensions["raw_head"] == head
            assert response.content == b"ok"

    with RawServer(http(saying(head + b"ok"))) as server:
        world.run(body)


def test_the_head_as_it_was_sent(world: World) -> None:
    """What was sent is shown as the server sees it; with a body of either kind it is the head alone."""
    recorder = Recorder()

    async def body() -> None:
        async with world.client() as client:
            for settings in ({}, {"content": b"small"}, {"content": b"large" * 20000}):
                response = await client.request(
                    "PUT", f"{server.url}/p?q", headers={"X-cAsE": "1"}, extensions=ASKED, **settings
                )
                assert response.extensions["raw_request_head"] == recorder.asked[-1].head + b"\r\n\r\n"
                assert recorder.asked[-1].body == settings.get("content", b"")
            assert_whole(client, idle=1)

    with RawServer(recorder) as server:
        world.run(body)
    assert recorder.asked[0].head.startswith(b"PUT /p?q HTTP/1.1\r\nHost: ")
    assert b"\r\nX-cAsE: 1" in recorder.asked[0].head


def test_nobody_asked(world: World) -> None:
    """A request that does not ask is not shown anything, over a connection that was listened to before as well."""

    async def body() -> None:
        async with world.client() as client:
            shown = await client.get(f"{server.url}/shown", extensions=ASKED)
            for extensions in ({}, {"raw_head": False}):
                response = await client.get(f"{server.url}/long-target", extensions=extensions)
                assert not {"raw_head", "raw_request_head"} & response.extensions.keys()
            assert shown.extensions["raw_head"] == b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
            assert_whole(client, idle=1)

    with RawServer(http(echo_target)) as server:
        world.run(body)
        assert len(server.connections) == 1


def test_the_final_head_and_bodies_of_all_kinds(world: World) -> None:
    """After interim responses it is the final head; a body in chunks, and one in pieces, are none of it."""
    final = chunked(b"one", b"two")

    async def body() -> None:
        async with world.client() as client:
            response = await client.get(server.url, extensions=ASKED)
            assert response.extensions["raw_head"] == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            assert response.content == b"onetwo"
            async with client.stream("GET", server.url, extensions=ASKED) as streamed:
                assert streamed.extensions["raw_head"] == response.extensions["raw_head"]
                assert await streamed.aread() == b"onetwo"
            assert_whole(client, idle=1)

    with RawServer(http(saying(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + final))) as server:
        world.run(body)


def test_a_head_of_ones_own(world: World) -> None:
    """Given bytes are sent as they are, in the place of the head; nothing else is sent over that connection."""
    own = b"GET  /own?x HTTP/1.1\r\nhOsT: nobody\r\nX:y\r\nX: y\r\n\r\n".replace(b"  ", b" ")
    recorder = Recorder()

    async def body() -> None:
        async with world.client(headers={"X-Not": "sent"}) as client:
            response = await client.get(f"{server.url}/url", extensions={"raw_head": own})
            assert response.text == "/own?x"
            assert response.extensions["raw_request_head"] == own
            assert response.extensions["raw_head"].startswith(b"HTTP/1.1 200 OK")
            assert_whole(client, idle=0)
            assert client.pool_stats().closed["last"] == 1
            assert (await client.get(f"{server.url}/usual")).text == "/usual"

    with RawServer(recorder) as server:
        world.run(body)
    assert recorder.asked[0].head + b"\r\n\r\n" == own
    assert len(recorder.connections) == 2


def test_a_head_of_ones_own_with_a_body(world: World) -> None:
    """The body of the request follows the bytes that were given."""
    own = b"POST /own HTTP/1.1\r\nHost: h\r\ncontent-length: 4\r\n\r\n"
    recorder = Recorder()

    async def body() -> None:
        async with world.client() as client:
            assert (await client.post(server.url, content=b"body", extensions={"raw_head": own})).text == "/own"

    with RawServer(recorder) as server:
        world.run(body)
    assert recorder.asked[0].body == b"body"


def test_a_head_of_ones_own_is_sent_once(world: World) -> None:
    """What a redirect or an authentication leads to is written as usual, and is shown."""
    own = b"GET /first HTTP/1.1\r\nHost: h\r\nAuthorization: secret\r\n\r\n"

    def respond(asked: Asked) -> bytes:
        if asked.target == b"/first":
            return answer(b"go on", b"Location: /second", status=b"302 Found")
        return answer(b"end")

    recorder = Recorder(respond)

    async def body() -> None:
        async with world.client(follow_redirects=True) as client:
            response = await client.get(f"{server.url}/first", extensions={"raw_head": own})
            assert response.text == "end"
            assert response.history[0].extensions["raw_request_head"] == own
            assert response.extensions["raw_request_head"] == recorder.asked[1].head + b"\r\n\r\n"

    with RawServer(recorder) as server:
        world.run(body)
    assert [asked.target for asked in recorder.asked] == [b"/first", b"/second"]
    assert b"secret" not in recorder.asked[1].head


def test_one_that_is_sent_again(world: World) -> None:
    """Where the connection died under it, the same bytes go over a new one."""
    own = b"GET /own HTTP/1.1\r\nHost: h\r\n\r\n"

    def respond(asked: Asked) -> bytes | None:
        return None if asked.turn > 1 else echo_target(asked)

    recorder = Recorder(respond)

    async def body() -> None:
        async with world.client() as client:
            await client.get(server.url)
            response = await client.get(server.url, extensions={"raw_head": own})
            assert response.text == "/own"
            assert response.extensions["raw_request_head"] == own

    with RawServer(recorder) as server:
        world.run(body)
    assert [asked.target for asked in recorder.asked] == [b"/", b"/own", b"/own"]


@pytest.mark.parametrize("value", ["text", 1, [b"list"]])
def test_what_is_no_head(world: World, value: Any) -> None:
    """Anything but true and bytes is refused, before anything is sent."""

    async def body() -> None:
        async with world.client() as client:
            with pytest.raises(TypeError, match="Invalid extension raw_head of type"):
                await client.get(server.url, extensions={"raw_head": value})

    with RawServer(http(echo_target)) as server:
        world.run(body)
        assert not server.connections


def test_what_a_forwarding_proxy_is_told(world: World) -> None:
    """The head is that which the proxy gets: with the whole URL, and with the credentials that are for it."""

    async def body() -> None:
        async with world.client(proxy=proxy.url.replace("//", "//me:secret@")) as client:
            response = await client.get("http://origin.example:8080/path", extensions=ASKED)
            head = response.extensions["raw_request_head"]
            assert head.startswith(b"GET http://origin.example:8080/path HTTP/1.1\r\n")
            assert b"\r\nProxy-Authorization: Basic " in head

    with RawServer(http(echo_target)) as origin, proxying("http", origin) as proxy:
        world.run(body)


def test_beside_a_trace(world: World) -> None:
    """The program's trace is told of everything as without."""
    told: list[str] = []

    async def atrace(event: str, info: Any) -> None:
        told.append(event)

    async def body() -> None:
        async with world.client() as client:
            trace = atrace if world.is_async else lambda event, info: told.append(event)
            response = await client.get(server.url, extensions={"trace": trace, "raw_head": True})
            assert response.extensions["raw_head"].startswith(b"HTTP/1.1 200 OK")

    with RawServer(http(echo_target)) as server:
        world.run(body)
    assert told[-1] == "http11.response_closed.complete"


def test_a_response_of_other_making() -> None:
    """A response that came over no connection has no such thing."""
    with borzoi.Client(transport=borzoi.MockTransport(lambda request: borzoi.Response(200))) as client:
        assert "raw_head" not in client.get("http://a.test", extensions=ASKED).extensions
