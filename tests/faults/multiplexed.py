"""Rows 1, 4 and 39 to 49: servers that break HTTP/2."""

from __future__ import annotations

import socket
import tracemalloc
from collections.abc import Callable
from time import thread_time

from borzoi import Limits, PoolTimeout, RemoteProtocolError, Timeout, WriteTimeout
from tests.wire.http2_scripting import data, fields, frame, goaway, headers, number, ping, reset, settings, trailers
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.peers import RawServer

from .place import Place, error_of, require
from .table import TWO, fault

NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM = 0, 2, 7

Act = Callable[[Http2Peer, Request], object]


def ok(peer: Http2Peer, request: Request) -> None:
    """Answer."""
    peer.respond(request.stream, body=b"ok")


def misbehaving(act: Act, *, times: int = 1) -> RawServer:
    """Return a server that does something else where "/fault" is asked for, the first times."""
    left = [times]

    def script(peer: Http2Peer) -> None:
        while True:
            request = peer.request()
            if request.get(b":path") == b"/fault" and left[0]:
                left[0] -= 1
                act(peer, request)
            else:
                ok(peer, request)

    return http2_server(script)


def says(*frames: Callable[[int], bytes] | bytes) -> Act:
    """Return what sends frames, each given the number of the stream."""

    def act(peer: Http2Peer, request: Request) -> None:
        for each in frames:
            peer.send_raw(each if isinstance(each, bytes) else each(request.stream))

    return act


def ends(*frames: Callable[[int], bytes] | bytes) -> Act:
    """Return what sends frames and closes."""

    def act(peer: Http2Peer, request: Request) -> None:
        says(*frames)(peer, request)
        peer._sock.shutdown(socket.SHUT_WR)
        peer.until_closed()
        raise EOFError

    return act


def head(*pairs: tuple[bytes, bytes], end: bool = False, status: bytes = b"200") -> Callable[[int], bytes]:
    """Return the head of a response."""
    return lambda stream: headers(stream, *pairs, status=status, end=end)


def body(content: bytes, *, end: bool = False) -> Callable[[int], bytes]:
    """Return a piece of a body."""
    return lambda stream: data(stream, content, end=end)


def block(*pairs: tuple[bytes, bytes], end: bool = True) -> Callable[[int], bytes]:
    """Return a head with no :status but what is given."""
    return lambda stream: frame(1, 4 | end, stream, fields(*pairs))


STATUS = (b":status", b"200")

STREAM_FAULTS: dict[tuple[int, str], tuple[Act, str]] = {
    (41, "reset in the body"): (says(head(), body(b"part"), lambda s: reset(s, INTERNAL_ERROR)), "INTERNAL_ERROR"),
    (43, "less than its length"): (says(head((b"content-length", b"9")), body(b"part", end=True)), "ength"),
    (43, "more than its length"): (says(head((b"content-length", b"2")), body(b"part", end=True)), "ength"),
    (43, "lengths that differ"): (
        says(head((b"content-length", b"4"), (b"content-length", b"5")), body(b"part", end=True)),
        "ength",
    ),
    (43, "a length that is none"): (says(head((b"content-length", b"+4")), body(b"part", end=True)), "ength"),
    (44, "no :status"): (says(block((b"a", b"b"))), ":status"),
    (44, "two of :status"): (says(block(STATUS, STATUS)), ":status"),
    (44, ":status after a field"): (says(block((b"a", b"b"), STATUS)), ""),
    (44, "a :status that is none"): (says(block((b":status", b"2x0"))), "status"),
    (44, "an unknown pseudo-field"): (says(block(STATUS, (b":path", b"/"))), ""),
    (44, "upper case"): (says(head((b"Upper", b"x"), end=True)), "upper case"),
    (44, "CR in a value"): (says(head((b"a", b"b\rc"), end=True)), ""),
    (44, "LF in a value"): (says(head((b"a", b"b\nc"), end=True)), ""),
    (44, "NUL in a value"): (says(head((b"a", b"b\x00c"), end=True)), ""),
    (44, "a space around a value"): (says(head((b"a", b" b"), end=True)), ""),
    (44, "transfer-encoding"): (says(head((b"transfer-encoding", b"chunked"), end=True)), "transfer-encoding"),
    (44, "connection"): (says(head((b"connection", b"close"), end=True)), "connection"),
    (44, "a pseudo-field in trailers"): (says(head(), lambda s: trailers(s, STATUS)), ""),
    # The table of the codec is in step, so that the connection is of further use: nothing was kept of the fields.
    (47, "a bomb in HPACK"): (
        says(
            lambda s: frame(1, 4, s, fields(STATUS) + b"\x40\x01a" + b"\x7f\x81\x1e" + b"b" * 4000 + b"\xbe" * 12_000)
        ),
        "",
    ),
}
"""What goes wrong with one stream, and its connection goes on."""

CONNECTION_FAULTS: dict[tuple[int, str], tuple[Act, str]] = {
    (1, "close before any byte of the response, always"): (ends(), ""),
    (4, "close in a header block"): (ends(b"\x00\x00\xff\x01\x04\x00\x00\x00\x01abc"), ""),
    (41, "close in the body"): (ends(head(), body(b"part")), ""),
    (45, "a push"): (says(lambda s: frame(5, 4, s, number(2) + b"\x82")), "pushed"),
    (46, "a flood of SETTINGS"): (says(settings() * 5_000), "too many"),
    (46, "a flood of PING"): (says(ping() * 20_000), "too many"),
    (47, "a flood of CONTINUATION"): (
        says(lambda s: frame(1, 0, s, fields(STATUS)) + frame(9, 0, s, b"") * 20_000),
        "",
    ),
    (47, "an endless header block"): (
        says(lambda s: frame(1, 0, s, fields(STATUS)) + frame(9, 0, s, fields((b"a", b"b" * 8000))) * 200),
        "",
    ),
    (47, "an integer without end"): (says(lambda s: frame(1, 5, s, b"\xff" + b"\xff" * 9_000)), ""),
    (47, "an index that is not there"): (says(lambda s: frame(1, 5, s, b"\xff\x60")), ""),
    (48, "a flood of empty DATA"): (says(head(), lambda s: data(s) * 20_000), "too many"),
}  # fmt: skip
"""What ends the connection, whichever stream it was on."""


def _enter_stream(row: int, what: str, act: Act, text: str) -> None:
    @fault(row, what, over=TWO)
    async def _(place: Place) -> None:
        with misbehaving(act) as server:
            async with place.client() as client:
                await place.fails(client, f"{server.url}/fault", RemoteProtocolError, text)
                place.assert_whole(client, idle=1)
                assert (await client.get(f"{server.url}/next")).text == "ok"
                place.assert_whole(client, idle=1)
            assert len(server.connections) == 1


def _enter_connection(row: int, what: str, act: Act, text: str) -> None:
    @fault(row, what, over=TWO)
    async def _(place: Place) -> None:
        with misbehaving(act, times=2) as server:
            async with place.client() as client:
                await place.fails(client, f"{server.url}/fault", RemoteProtocolError, text, method="POST")
                place.assert_whole(client, idle=0)
                assert (await client.get(f"{server.url}/next")).text == "ok"
                place.assert_whole(client, idle=1)
            assert len(server.connections) == 2


for (_row, _what), (_act, _text) in STREAM_FAULTS.items():
    _enter_stream(_row, _what, _act, _text)
for (_row, _what), (_act, _text) in CONNECTION_FAULTS.items():
    _enter_connection(_row, _what, _act, _text)


@fault(39, "GOAWAY below the stream, or REFUSED_STREAM", over=TWO)
async def _(place: Place) -> None:
    def gone(peer: Http2Peer, request: Request) -> None:
        peer.send_raw(goaway(request.stream - 2 if request.stream > 1 else 0))

    def refused(peer: Http2Peer, request: Request) -> None:
        peer.send_raw(reset(request.stream, REFUSED_STREAM))

    for act in (gone, refused):
        for method in ("GET", "POST", "PATCH"):
            with misbehaving(act) as server:
                async with place.client() as client:
                    response = await client.request(method, f"{server.url}/fault")
                    assert response.text == "ok"
                    place.assert_whole(client, idle=1)
                assert len(server.connections) == 2


@fault(40, "GOAWAY in the body, which the server finishes", over=TWO)
async def _(place: Place) -> None:
    act = says(head(), body(b"before "), lambda s: goaway(s), body(b"after", end=True))
    with misbehaving(act) as server:
        async with place.client() as client:
            assert (await client.post(f"{server.url}/fault")).text == "before after"
            place.assert_whole(client, idle=0)
            assert (await client.get(f"{server.url}/next")).text == "ok"
        assert len(server.connections) == 2


@fault(41, "what came before the reset stays valid", over=TWO)
async def _(place: Place) -> None:
    with misbehaving(says(head(), body(b"part"), lambda s: reset(s, INTERNAL_ERROR))) as server:
        async with place.client() as client:
            got: list[bytes] = []

            async def read() -> None:
                async with client.stream("GET", f"{server.url}/fault") as response:
                    async for chunk in response.aiter_bytes():
                        got.append(chunk)  # noqa: PERF401 - what comes before the error counts

            error = await error_of(read(), RemoteProtocolError)
            require(error, RemoteProtocolError, "INTERNAL_ERROR", f"{server.url}/fault")
            # The reset may come before the head is read.
            assert b"".join(got) in (b"part", b"")
            place.assert_whole(client, idle=1)


@fault(42, "RST(NO_ERROR) behind a whole response", over=TWO)
async def _(place: Place) -> None:
    def script(peer: Http2Peer) -> None:
        peer.holding = True
        while True:
            request = peer.head()
            peer.respond(request.stream, status=413, body=b"too large")
            peer.send_raw(reset(request.stream, NO_ERROR))

    with http2_server(script) as server:
        async with place.client() as client:
            for _ in range(2):
                response = await client.post(f"{server.url}/fault", content=b"x" * 500_000)
                assert (response.status_code, response.text) == (413, "too large")
                place.assert_whole(client, idle=1)
        assert len(server.connections) == 1


@fault(46, "floods cost little", over=TWO, worlds=("blocking",))
async def _(place: Place) -> None:
    for act, _text in (entry for (row, _), entry in CONNECTION_FAULTS.items() if row in (46, 47, 48)):
        with misbehaving(act, times=2) as server:
            async with place.client() as client:
                tracemalloc.start()
                started = thread_time()
                await place.fails(client, f"{server.url}/fault", RemoteProtocolError, method="POST")
                took = thread_time() - started
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
                # The peer is on a thread of this process, and what it sends is counted, too.
                assert peak < 8 * 1024 * 1024
                assert took < 1


@fault(49, "no streams any more", over=TWO)
async def _(place: Place) -> None:
    def script(peer: Http2Peer) -> None:
        request = peer.request()
        peer.send_raw(settings((3, 0)))
        ok(peer, request)
        peer.until_closed()

    with http2_server(script) as server:
        async with place.client(limits=Limits(max_connections=1), timeout=Timeout(20, pool=0.1)) as client:
            assert (await client.get(server.url)).text == "ok"
            for _ in range(2):
                await place.fails(client, f"{server.url}/a", PoolTimeout, "0.1 s")
            place.assert_whole(client)


@fault(49, "a window that stays shut", over=TWO)
async def _(place: Place) -> None:
    def script(peer: Http2Peer) -> None:
        peer.holding = True
        while True:
            ok(peer, peer.request())

    for window in ({}, {4: 0}):
        with http2_server(script, settings=window) as server:
            async with place.client(timeout=Timeout(20, write=0.1)) as client:
                url = f"{server.url}/fault"
                # The server's SETTINGS are known from here on.
                assert (await client.get(server.url)).text == "ok"
                await place.fails(client, url, WriteTimeout, "took no bytes", method="POST", content=b"x" * 200_000)
                assert (await client.get(f"{server.url}/next")).text == "ok"
                place.assert_whole(client)
