"""Rows 65 and 66: WebSockets and server-sent events that go wrong."""

from __future__ import annotations

import threading
from typing import Any

from borzoi import RemoteProtocolError, SSEError
from borzoi._wire.websocket_frames import Pong
from borzoi.websockets import WebSocketDisconnect, WebSocketNetworkError
from tests.exchange.http_peers import Reader, answer
from tests.wire.websocket_frames import close, frame
from tests.worlds.peers import RawServer
from tests.worlds.test_sse import HEAD, chunk, subscribed
from tests.worlds.websocket_peers import Peer, accepting, websocket

from .place import Place, chain, error_of
from .table import fault

BREACHES: dict[str, tuple[bytes, int]] = {
    "64-bit length": (b"\x82\x7f" + b"\xff" * 8, 1002),
    "a frame declared huge": (b"\x82\x7f" + (1 << 40).to_bytes(8, "big") + bytes(1000), 1009),
    "a masked frame": (frame(0x81, b"a", mask=b"mask"), 1002),
    "bad UTF-8": (frame(0x81, b"\xff"), 1007),
    "bad UTF-8 across fragments": (frame(0x01, b"\xc3") + frame(0x80, b"("), 1007),
    "a flood of fragments": (frame(0x01) + frame(0x00) * 100_000, 1009),
    "a message without end": (frame(0x02, bytes(60_000)) + frame(0x00, bytes(60_000)) * 20, 1009),
    "a flood of pings": (frame(0x89, b"?") * 20_000, 1008),
    "reserved bits": (frame(0xC1, b"a"), 1002),
    "a close that is none": (close(1005), 1002),
    "another message in between": (frame(0x01, b"a") + frame(0x82, b"b"), 1002),
}


def _enter(what: str, data: bytes, code: int) -> None:
    @fault(65, what)
    async def _(place: Place) -> None:
        said: list[Any] = []

        def handler(peer: Peer) -> None:
            peer.raw(frame(0x81, b"first") + data)
            while (event := peer.next()) is not None:
                if not isinstance(event, Pong):
                    said.append(event)

        with RawServer(accepting(handler)) as server:
            async with place.client() as client:
                settings: dict[str, Any] = {"max_message_size_bytes": 1_000_000}
                async with websocket(place.world, client, f"ws://127.0.0.1:{server.port}/", **settings) as session:
                    assert await session.receive_text(20) == "first"
                    error = await error_of(session.receive(timeout=20), WebSocketDisconnect)
                    assert (error.code, error.request.url.path) == (code, "/")
                    assert all(type(behind).__module__.startswith("borzoi.") for behind in chain(error))
                    again = await error_of(session.receive(timeout=20), WebSocketDisconnect)
                    assert again.code == code
                place.assert_whole(client, idle=0)
        # RFC 6455, 7.1.7: the server is told, and nothing else.
        assert [event.code for event in said] == [code]


for _what, (_data, _code) in BREACHES.items():
    _enter(_what, _data, _code)


@fault(65, "an end without a close, and a dribble before it")
async def _(place: Place) -> None:
    def handler(peer: Peer) -> None:
        for byte in frame(0x81, b"dribbled"):
            peer.raw(bytes([byte]))

    with RawServer(accepting(handler)) as server:
        async with place.client() as client:
            async with websocket(place.world, client, f"ws://127.0.0.1:{server.port}/") as session:
                assert await session.receive_text(20) == "dribbled"
                error = await error_of(session.receive(timeout=20), WebSocketNetworkError)
                assert error.request.url.path == "/"
                assert "without closing the WebSocket" in str(error)
            place.assert_whole(client, idle=0)


# 66: events.


async def _events(place: Place, replies: list[bytes], **settings: Any) -> tuple[list[str], list[str | None]]:
    """Return the data of all events, and the ids that were sent with each request."""
    ids: list[str | None] = []
    lock = threading.Lock()

    def handler(sock: Any) -> None:
        reader = Reader(sock)
        while (asked := reader.request()) is not None:
            with lock:
                last = asked.headers.get(b"last-event-id")
                ids.append(None if last is None else last.decode())
                reply = replies[len(ids) - 1] if len(ids) <= len(replies) else b"HTTP/1.1 204 No Content\r\n\r\n"
            sock.sendall(reply)
            if not reply.endswith(b"0\r\n\r\n") and reply.startswith(HEAD):
                return

    with RawServer(handler) as server:
        async with place.client() as client:
            async with subscribed(client, server.url, **settings) as source:
                data = [event.data async for event in source]
            place.assert_whole(client)
    return data, ids


@fault(66, "reconnecting from the last id, a NUL in one, a 204 at the end")
async def _(place: Place) -> None:
    replies = [
        HEAD + chunk(b"retry: 1\nid: 1\ndata: a\n\nid: 2\ndata: lo"),
        HEAD + chunk(b"id: 2\ndata: b\n\nid: 3\x004\ndata: c\n\n") + b"0\r\n\r\n",
        HEAD + chunk(b"id\ndata: d\n\n"),
    ]
    data, ids = await _events(place, replies, reconnect=1)
    assert data == ["a", "b", "c", "d"]
    assert ids == [None, "1", "2", None]


@fault(66, "a byte order mark")
async def _(place: Place) -> None:
    assert (await _events(place, [HEAD + chunk(b"\xef\xbb\xbfdata: a\n\n") + b"0\r\n\r\n"]))[0] == ["a"]


@fault(66, "an event that is too large")
async def _(place: Place) -> None:
    for body in (b"data: " + b"x" * 3_000_000, b"data: x\n" * 400_000, b":" + b"x" * 3_000_000):
        error = await error_of(_events(place, [HEAD + chunk(body)]), SSEError)
        assert error.request.method == "GET"


@fault(66, "another type, another status")
async def _(place: Place) -> None:
    for reply in (
        answer(b"data: a\n\n", b"Content-Type: text/plain"),
        answer(b"data: a\n\n"),
    ):
        error = await error_of(_events(place, [reply]), SSEError)
        assert error.request.method == "GET"


@fault(66, "cut in an event, without reconnecting")
async def _(place: Place) -> None:
    error = await error_of(_events(place, [HEAD + chunk(b"data: a\n\ndata: b")]), RemoteProtocolError)
    assert "incomplete chunked read" in str(error)
